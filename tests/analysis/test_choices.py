"""What a choice of mode, precision, layout or ensemble gains: pairs, ratios, bounds, caption."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure as Canvas
from numpy.typing import ArrayLike

from analysis.choices import compared, ratio_of_medians, timed
from analysis.estimates import Interval
from analysis.figures import FIGURES, choices
from analysis.records import Records, load
from analysis.render import drawing
from tests.analysis.synthetic.runs import cell as entry
from tests.analysis.synthetic.runs import make_run

Session = Callable[..., Records]
ROUNDS = 8


@pytest.fixture
def session(synthetic: Any) -> Session:
    """Records of throughput cells: (settings, seconds per step or status, bytes) of each."""

    def write(*cells: tuple[dict[str, Any], float | str, float | None]) -> Records:
        def change(document: dict[str, Any]) -> None:
            document["benchmarks"] = [of_cell(n, *each) for n, each in enumerate(cells)]

        return load([synthetic.edit(change, data=(), batch_sizes=())])

    return write


def of_cell(
    number: int, fields: dict[str, Any], seconds: float | str, memory: float | None
) -> dict[str, Any]:
    """An entry of benchmark.json whose blocks spread by 1 % about their median."""
    rounds = fields.pop("rounds", ROUNDS)
    run = make_run(**fields)
    told: dict[str, Any] = {"key": f"cell{number}"}
    if isinstance(seconds, str):
        return entry(run, "throughput", [], **told, status=seconds, message="no")
    spread = np.linspace(0.99, 1.01, rounds) if rounds > 1 else np.ones(1)
    return entry(
        run,
        "throughput",
        (10 * seconds * spread).tolist(),
        **told,
        steps_per_block=10,
        first_call_seconds=0.5,
        flops_per_step=1e6,
        peak_memory_bytes=memory,
        generator_parameters=10,
        discriminator_parameters=9,
    )


EAGER: tuple[dict[str, Any], float, float] = ({}, 0.002, 1000.0)


def test_a_ratio_is_that_of_images_per_second(session: Session) -> None:
    """A step of 1 ms against one of 2 ms: twice as fast; half as much again of its memory."""
    (row,) = compared(session(EAGER, ({"mode": "compile"}, 0.001, 1500.0))).to_dict("records")
    assert (row["axis"], row["choice"], row["verdict"]) == ("mode", "compile", "gains")
    assert row["ratio"] == pytest.approx(2, rel=1e-3)
    assert 2 * 0.99 / 1.01 < row["low"] < row["ratio"] < row["high"] < 2 * 1.01 / 0.99
    assert row["memory_ratio"] == 1.5
    assert (row["rounds"], row["first_call_seconds"]) == (ROUNDS, 0.5)


def test_an_ensemble_counts_the_images_of_all_its_runs(session: Session) -> None:
    """8 runs in steps twice as long are 4 times as fast."""
    (row,) = compared(session(EAGER, ({"ensemble": 8}, 0.004, None))).to_dict("records")
    assert row["choice"] == "ensemble 8"
    assert row["ratio"] == pytest.approx(4, rel=1e-3)
    assert np.isnan(row["memory_ratio"])


def test_a_cell_is_held_against_the_one_that_differs_in_one_axis_alone(session: Session) -> None:
    """Of all four combinations each axis has two pairs; compiled bfloat16 is no gain over eager."""
    both = product(("eager", "compile"), ("float32", "bfloat16"))
    seconds = (0.008, 0.004, 0.002, 0.0005)
    cells = [
        ({"mode": mode, "precision": precision}, s, 1.0)
        for (mode, precision), s in zip(both, seconds, strict=True)
    ]
    rows = compared(session(*cells)).set_index(["axis", "mode", "precision"])["ratio"]
    assert rows.round(2).to_dict() == {
        ("mode", "compile", "float32"): 4.0,
        ("mode", "compile", "bfloat16"): 8.0,
        ("precision", "eager", "bfloat16"): 2.0,
        ("precision", "compile", "bfloat16"): 4.0,
    }


@pytest.mark.parametrize(
    "other",
    [
        {"batch_size": 16},
        {"model": "dcgan"},
        {"device": "cuda"},
        {"penalty": "r1"},
        {"optimiser": "sgd"},
        {"latent_dim": 2},
        {"layout": "channels_last"},
    ],
    ids=str,
)
def test_cells_that_differ_in_more_are_not_compared(
    session: Session, other: dict[str, Any]
) -> None:
    """In an axis of another kind, or in any other setting."""
    assert compared(session(EAGER, ({"mode": "compile", **other}, 0.001, 1.0))).empty


def test_the_loss_scale_belongs_to_its_precision(session: Session) -> None:
    """float16 with its scale stands beside float32 with none, not beside one that is scaled."""
    half = ({"precision": "float16", "loss_scale": 1024.0}, 0.001, 1.0)
    plain = ({"loss_scale": 1.0}, 0.002, 1.0)
    scaled = ({"loss_scale": 512.0}, 0.032, 1.0)
    (row,) = compared(session(scaled, plain, half)).to_dict("records")
    assert row["ratio"] == pytest.approx(2, rel=1e-3)
    assert compared(session(scaled, half)).empty


def test_the_loss_scale_is_a_setting_of_its_own_elsewhere(session: Session) -> None:
    """Modes are compared at one scale."""
    eager = ({"precision": "float16", "loss_scale": 1024.0}, 0.001, 1.0)
    compiled = ({"precision": "float16", "loss_scale": 1.0, "mode": "compile"}, 0.001, 1.0)
    assert compared(session(eager, compiled)).empty


def test_seeds_are_one_cell(session: Session) -> None:
    """Their rounds are taken together."""
    cells = timed(session(EAGER, ({"seed": 1}, 0.004, 3000.0)))
    (row,) = cells.to_dict("records")
    assert len(row["images_per_second"]) == 2 * ROUNDS
    assert row["peak_memory_bytes"] == 2000
    assert "seed" not in cells


def test_a_cell_without_timings_has_no_pair(session: Session) -> None:
    """Memory that ran out is no speed."""
    assert compared(session(EAGER, ({"mode": "compile"}, "out_of_memory", None))).empty
    assert compared(session(({}, "diverged", None))).empty


def test_settings_that_only_a_later_session_wrote_are_settings(session: Session) -> None:
    """A missing field equals a missing one, and no other."""
    later = {"pack": 1}
    missing = ({"mode": "compile"}, 0.001, 1.0)
    told = ({"mode": "compile", **later}, 0.001, 1.0)
    assert len(compared(session(EAGER, missing, (later, 0.002, 1.0), told))) == 2
    assert compared(session(EAGER, told)).empty


def ratio(values: ArrayLike, baseline: ArrayLike) -> Interval:
    """The estimate under test, of a seed's resamples."""
    return ratio_of_medians(values, baseline, np.random.default_rng(0))


def test_the_estimate_is_the_ratio_of_the_medians() -> None:
    """15.5 over 5.5, whatever their means."""
    found = ratio(np.append(np.arange(11.0, 20.0), 1e6), np.arange(1.0, 11.0))
    assert (found.estimate, found.confidence, found.n) == (15.5 / 5.5, 0.95, 10)


@pytest.mark.parametrize(("n", "m"), [(7, 100), (100, 7), (1, 1)])
def test_few_rounds_have_no_bounds(n: int, m: int) -> None:
    """From 8 in both samples on there are some."""
    found = ratio(np.full(n, 2.0), np.ones(m))
    assert (found.estimate, found.n) == (2, min(n, m))
    assert np.isnan([found.low, found.high]).all()


def test_a_sample_without_values_is_refused() -> None:
    """And one with a hole."""
    with pytest.raises(ValueError, match="baseline: no values"):
        ratio([1.0], [])
    with pytest.raises(ValueError, match="values: 1 of 2 are not finite"):
        ratio([1.0, np.nan], [1.0])


def test_the_interval_covers_the_true_ratio() -> None:
    """Lognormal rounds of 10: in 94 to 98 % of 500 sessions."""
    rng = np.random.default_rng(0)
    found = [
        ratio_of_medians(2 * rng.lognormal(0, 0.3, 10), rng.lognormal(0, 0.3, 10), rng)
        for _ in range(500)
    ]
    assert 0.94 <= np.mean([each.low <= 2 <= each.high for each in found]) <= 0.98


POSITIVE = st.lists(st.floats(1e-3, 1e3), min_size=8, max_size=20)


@settings(max_examples=50)
@given(POSITIVE, POSITIVE, st.integers(-10, 10))
def test_bounds_are_ratios_and_scale_with_them(a: list[float], b: list[float], k: int) -> None:
    """Within the extremes; 2ᵏ times the speed is 2ᵏ times the ratio, to the bit."""
    found, scaled = ratio(a, b), ratio(np.array(a) * 2.0**k, b)
    rounding = 1e-12
    assert min(a) / max(b) <= found.low * (1 + rounding)
    assert found.low <= found.high <= max(a) / min(b) * (1 + rounding)
    assert scaled.estimate == 2.0**k * found.estimate
    assert (scaled.low, scaled.high) == pytest.approx((2.0**k * found.low, 2.0**k * found.high))


def figure_rows(records: Records) -> pd.DataFrame:
    """The figure's rows."""
    return FIGURES["choices"].prepare(records)


def test_the_caption_counts_what_gains_and_what_loses(session: Session) -> None:
    """With the best and the worst cell, and the memory of both."""
    text = choices.caption(
        figure_rows(
            session(
                EAGER,
                ({"batch_size": 16}, 0.002, 1000.0),
                ({"data": "digits"}, 0.002, 1000.0),
                ({"mode": "compile"}, 0.001, 1500.0),
                ({"mode": "compile", "batch_size": 16}, 0.004, 1000.0),
                ({"mode": "compile", "data": "digits"}, 0.002, 1000.0),
                ({"precision": "bfloat16"}, 0.001, None),
            )
        )
    )
    assert text.startswith(
        "Samples per second over those of the same cell with mode eager and precision float32: "
        "compile gains in 1, loses in 1 and is undecided in 1 of 3 cells (from 0.5 in mlp, ring, "
        "batch 16 to 2 in mlp, ring, batch 64), with 1 to 1.5 times the memory; bfloat16 gains in "
        "its only cell (2 in mlp, ring, batch 64). What gains or loses has 1 outside its "
        "95\N{NO-BREAK SPACE}% interval, which is of the rounds of two cells timed one after the "
        "other in one session and not of machines, whose drift only interleaved blocks take out."
    )


def test_the_caption_says_where_rounds_are_too_few(session: Session) -> None:
    """Nothing is decided by them."""
    one = {"mode": "compile", "rounds": 3}
    text = choices.caption(figure_rows(session(EAGER, (one, 0.001, 1.0))))
    assert "compile is undecided in its only cell (2 in" in text
    assert "None of 1 cell has the 8 rounds that an interval takes: nothing is decided." in text
    cells = [EAGER, ({"mode": "compile", "rounds": 3}, 0.001, 1.0), ({"ensemble": 2}, 0.001, 1.0)]
    assert "; 1 cell without one had fewer than 8 rounds." in choices.caption(
        figure_rows(session(*cells))
    )


def test_the_caption_counts_sessions(session: Session) -> None:
    """Cells of several may stand in one pair."""
    records = session(EAGER, ({"mode": "compile"}, 0.001, 1.0))
    twice = pd.concat([records.machines, records.machines])
    rows = figure_rows(Records(**{**vars(records), "machines": twice}))
    assert "in one of 2 sessions, or across them and" in choices.caption(rows)


def test_cells_are_told_apart_by_what_else_they_differ_in(session: Session) -> None:
    """A penalty and a setting without an axis."""
    games: tuple[dict[str, Any], ...] = ({"penalty": "r1"}, {"optimiser": "sgd"}, {})
    cells = [({**game, **mode}, 0.001, 1.0) for game in games for mode in ({}, {"mode": "compile"})]
    rows = figure_rows(session(*cells))
    assert set(rows["cell"]) == {
        "mlp, ring, batch 64, r1, optimiser adam",
        "mlp, ring, batch 64, no penalty, optimiser sgd",
        "mlp, ring, batch 64, no penalty, optimiser adam",
    }
    assert not [name for name in rows if str(name).startswith("run.")]


def test_the_largest_gain_of_each_choice_is_on_top(session: Session) -> None:
    """Ensembles by their number, not by its first digit."""
    sizes = [({"ensemble": n}, 0.001, 1.0) for n in (64, 8)]
    slow = [({"ensemble": n, "batch_size": 16}, 0.1, 1.0) for n in (64, 8)]
    rows = figure_rows(session(EAGER, ({"batch_size": 16}, 0.002, 1.0), *sizes, *slow))
    assert list(rows["choice"]) == ["ensemble 8"] * 2 + ["ensemble 64"] * 2
    assert list(rows["batch_size"]) == [64, 16] * 2
    assert list(rows["place"]) == [0.5, 1.5, 2.5, 3.5]


def test_many_cells_are_a_curve_for_each_choice(session: Session) -> None:
    """40 cells have no lines of their own; their choice is named with their number."""
    eager = [({"batch_size": n}, 0.002, 1.0) for n in range(1, 41)]
    compiled = [({"batch_size": n, "mode": "compile"}, 0.001, 1.0) for n in range(1, 41)]
    rows = figure_rows(session(*eager, *compiled))
    canvas = Canvas()
    choices.draw(rows, canvas)
    (speed, _) = canvas.axes
    assert [text.get_text() for text in speed.get_yticklabels()] == ["compile: 40 cells"]
    assert rows["place"].between(0, choices.CURVE).all()
    assert canvas.get_size_inches()[1] < 5


def test_a_panel_has_a_line_for_each_cell(session: Session) -> None:
    """Ratios beside it, and memory in the second column."""
    rows = figure_rows(
        session(EAGER, ({"mode": "compile"}, 0.001, 1.0), ({"ensemble": 8}, 0.001, 2.0))
    )
    canvas = Canvas()
    choices.draw(rows, canvas)
    titles = [axes.get_title() for axes in canvas.axes]
    assert titles == [
        "mode: samples per second, eager = 1",
        "peak memory, eager = 1",
        "ensemble: samples per second, one run alone = 1",
        "peak memory, one run alone = 1",
    ]
    labels = [text.get_text() for text in canvas.axes[2].get_yticklabels()]
    assert labels == ["ensemble 8: mlp, ring, batch 64"]
    entries = [text.get_text() for one in canvas.legends for text in one.get_texts()]
    assert entries[0] == "gains"


def test_one_value_of_every_axis_is_not_drawn(session: Session) -> None:
    """Nothing to compare: no figure."""
    assert drawing("choices", FIGURES["choices"], session(EAGER)) is None
    alone = session(({"mode": "compile"}, 0.001, 1.0))
    assert drawing("choices", FIGURES["choices"], alone) is None
