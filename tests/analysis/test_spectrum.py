"""The figure of the game's eigenvalues, against spectra written by hand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.figures import spectrum
from analysis.figures.spectrum_drawing import FARTHEST, symmetric_ticks, unit_circle
from analysis.figures.style import RC
from analysis.records import Records
from analysis.render import drawing

Made = Callable[..., Records]
SGD: dict[str, Any] = {
    "optimiser": "sgd",
    "momentum": 0.0,
    "generator_learning_rate": 0.1,
    "discriminator_learning_rate": 0.1,
}


def rows(step: int, eigenvalues: Sequence[complex], **stored: float) -> list[dict[str, Any]]:
    """One record."""
    known = {"field_norm": 1.0, "stable_learning_rate": np.nan}
    known |= {"radius_simultaneous": np.nan, "radius_alternating": np.nan, **stored}
    return [{"step": step, "real": e.real, "imaginary": e.imag, **known} for e in eigenvalues]


def run(
    *records: list[dict[str, Any]], status: str = "finished", **fields: Any
) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    """One run of the records."""
    return {**SGD, **fields}, status, [row for record in records for row in record]


def steps_of(records: Records) -> list[dict[Any, Any]]:
    """The rows of its records."""
    table = spectrum.prepare(records)
    return table[table["part"] == "step"].to_dict("records")


def told(records: Records) -> str:
    """The caption."""
    return spectrum.caption(spectrum.prepare(records))


def test_a_record_is_told_by_its_eigenvalues(made: Made) -> None:
    """Of −2 ± 4i, −1, 3 and a tiny 10⁻⁷: 1 of 5 is positive, up to 3; 4/20 · 2 is the limit."""
    eigenvalues = [-2 + 4j, -2 - 4j, -1 + 0j, 3 + 0j, 1e-7 + 1e-3j]
    (step,) = steps_of(made("spectrum", [run(rows(0, eigenvalues))]))
    assert step["positive"] == 0.2
    assert step["growth"] == 3
    assert step["ratio"] == 2
    assert step["contracting_learning_rate"] == pytest.approx(0.2)
    assert step["learning_rate"] == 0.1


def test_imaginary_eigenvalues_have_an_infinite_ratio(made: Made) -> None:
    """And nothing that contracts, so no limit."""
    records = made("spectrum", [run(rows(0, [2j, -2j]))])
    (step,) = steps_of(records)
    assert step["ratio"] == np.inf
    assert np.isnan(step["contracting_learning_rate"])
    assert "|Im/Re| reaches ∞" in told(records)


@pytest.mark.parametrize("changed", [{"optimiser": "adam"}, {"momentum": 0.5}])
def test_only_plain_gradient_descent_has_a_rate_to_compare(
    made: Made, changed: dict[str, Any]
) -> None:
    """Another rule's step is not η times the field."""
    records = made("spectrum", [run(rows(0, [-1 + 0j]), **changed)])
    assert np.isnan(steps_of(records)[0]["learning_rate"])
    assert ". No learning rate of plain gradient descent is held against it; " in told(records)


def test_the_larger_of_two_rates_is_compared(made: Made) -> None:
    """It is the first to overstep."""
    records = made("spectrum", [run(rows(0, [-1 + 0j]), discriminator_learning_rate=0.4)])
    assert steps_of(records)[0]["learning_rate"] == 0.4


def test_the_caption_of_a_game_that_does_not_contract(made: Made) -> None:
    """Two penalties; the last record counts for what training ends with, all for the rates."""
    unpenalised = [rows(0, [-1 + 0j, 0.5 + 0j]), rows(9, [-0.1 + 2j, -0.1 - 2j, 1 + 0j, -1 + 0j])]
    penalised = rows(0, [-30 + 0j, 0.01 + 0j], radius_simultaneous=2.0, radius_alternating=0.5)
    records = made("spectrum", [run(*unpenalised), run(penalised, penalty="r1")])
    assert told(records) == (
        "Linearised at its last record the game contracts in 0 of 2 runs (medians: with no penalty "
        "25\xa0% of the eigenvalues have a positive real part, the largest is 1 and |Im/Re| "
        "reaches 20; with r1 50\xa0%, 0.01 and 0; the ratio is of |λ| from 1\xa0% of the largest "
        "on). The runs' own learning rate, 0.1, is short enough for the directions that contract "
        "at 1 of 2 records with no penalty and 0 of 1 record with r1; the spectral radius is above "
        "1 at 1 of 1 record with simultaneous updates and at 0 of 1 record with alternating "
        "updates."
    )


def test_the_caption_of_a_game_that_contracts(made: Made) -> None:
    """It is counted by what is stored with the eigenvalues."""
    first = rows(0, [-1 + 1j, -1 - 1j], stable_learning_rate=1.0)
    records = made("spectrum", [run(first), run(rows(0, [1 + 0j]), seed=1)])
    assert told(records).startswith(
        "Linearised at its last record the game contracts in 1 of 2 runs (medians: with no penalty "
        "50\xa0% of the eigenvalues have a positive real part, the largest is 0 and"
    )


def test_three_records_of_the_first_seed_are_drawn_without_conjugates(made: Made) -> None:
    """The first, the middle and the last of five; the CSV has every record's numbers."""
    records = [rows(step, [complex(-1, 1 + step), complex(-1, -1 - step)]) for step in range(5)]
    table = spectrum.prepare(made("spectrum", [run(*records, seed=1), run(*records, seed=0)]))
    drawn = table[table["part"] == "eigenvalue"]
    assert drawn["step"].tolist() == [0, 2, 4]
    assert drawn["place"].tolist() == [0, 1, 2]
    assert drawn["imaginary"].tolist() == [1, 3, 5]
    assert drawn["seed"].unique().tolist() == [0]
    assert len(table[table["part"] == "step"]) == 10


@pytest.mark.parametrize(("records", "places"), [(1, [2]), (2, [0, 2]), (3, [0, 1, 2])])
def test_fewer_records_are_all_drawn(made: Made, records: int, places: list[int]) -> None:
    """One is the last."""
    every = [rows(step, [-1 + 0j]) for step in range(records)]
    table = spectrum.prepare(made("spectrum", [run(*every)]))
    assert table["place"].dropna().tolist() == places


def test_no_penalty_comes_first_and_the_papers_losses_before_others(made: Made) -> None:
    """Whatever the order of the files."""
    one = rows(0, [-1 + 0j])
    games = [("hinge", "a"), ("hinge", "none"), ("non_saturating", "a"), ("saturating", "none")]
    table = spectrum.prepare(
        made("spectrum", [run(one, loss=loss, penalty=penalty) for loss, penalty in games])
    )
    assert table["penalty"].unique().tolist() == ["none", "a"]
    assert table["loss"].unique().tolist() == ["saturating", "hinge", "non_saturating"]


def test_eigenvalues_that_are_not_finite_are_left_out(made: Made) -> None:
    """Alone they are nothing to draw."""
    bad = rows(0, [complex(np.nan, 0), complex(0, np.inf)])
    assert spectrum.prepare(made("spectrum", [run(bad)])).empty
    (step,) = steps_of(made("spectrum", [run(bad + rows(0, [-2 + 0j]))]))
    assert (step["growth"], step["positive"]) == (-2, 0)


def test_without_runs_there_is_nothing_to_draw(made: Made) -> None:
    """Neither of a run that ended before its first record."""
    assert spectrum.prepare(made("spectrum", [])).empty
    assert spectrum.prepare(made("spectrum", [run(status="diverged")])).empty


EXTREMES = [
    [0j],
    [1e-300 + 0j, -1e-300 + 0j],
    [-1e300 + 1e300j, 1e300 + 0j],
]


@pytest.mark.parametrize("eigenvalues", EXTREMES)
def test_any_spectrum_is_drawn(made: Made, eigenvalues: list[complex]) -> None:
    """Zeros, what under- or overflows when squared, one sign alone: no warnings, no nan."""
    records = made("spectrum", [run(rows(0, eigenvalues), rows(5, eigenvalues))])
    one = drawing("spectrum", spectrum.FIGURE, records)
    assert one is not None
    assert "nan" not in one.caption


def canvas_of(records: Records) -> Canvas:
    """The figure, drawn."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        spectrum.FIGURE.draw(spectrum.prepare(records), canvas)
    return canvas


def entries(canvas: Canvas) -> list[str]:
    """The legend."""
    return [text.get_text() for one in canvas.legends for text in one.get_texts()]


def test_a_plane_for_each_loss_and_penalty_and_two_rows_below(made: Made) -> None:
    """Two losses and one penalty: 2 + 2 axes, in the first of three columns."""
    one = rows(0, [-1 + 0j, 1 + 0j])
    canvas = canvas_of(made("spectrum", [run(one, loss="hinge"), run(one, loss="kl")]))
    assert len(canvas.axes) == 4
    assert [axes.get_ylabel() for axes in canvas.axes] == [
        "hinge\nIm λ",
        "kl\nIm λ",
        "largest Re λ",
        "longest step, Re λ < 0",
    ]
    assert canvas.axes[0].get_title() == "ring · no penalty"


def test_a_loss_without_a_penalty_that_another_has_leaves_its_plane_empty(made: Made) -> None:
    """The grid stays a grid."""
    one = rows(0, [-1 + 0j, 1 + 0j])
    records = made("spectrum", [run(one, loss="hinge"), run(one, loss="kl", penalty="r1")])
    canvas = canvas_of(records)
    dots = [sum(np.size(line.get_xdata()) for line in axes.lines[1:4]) for axes in canvas.axes]
    assert [dots[place] for place in (0, 1, 2, 3)] == [2, 0, 0, 2]


def test_a_stable_step_is_ringed_and_a_diverged_run_crossed(made: Made) -> None:
    """And the legend says what they are."""
    stable = rows(0, [-1 + 0j], stable_learning_rate=2.0)
    stays = made("spectrum", [run(stable)])
    assert "no Re λ > 0: the longest stable step" in entries(canvas_of(stays))
    assert "diverged" not in entries(canvas_of(stays))
    lost = made("spectrum", [run(rows(0, [1 + 0j]), status="diverged")])
    assert "diverged" in entries(canvas_of(lost))
    crosses = [line for line in canvas_of(lost).axes[1].lines if line.get_marker() == "x"]
    assert [line.get_xydata().tolist() for line in crosses] == [[[0.0, 1.0]]]  # type: ignore[union-attr]  # an array


def test_settings_that_differ_are_blocks_of_their_own(made: Made) -> None:
    """Two models: 3 rows each, and each title names its model."""
    one = rows(0, [-1 + 0j])
    records = made("spectrum", [run(one, model="small"), run(one, model="tiny")])
    titles = [axes.get_title() for axes in canvas_of(records).axes]
    assert [title for title in titles if title] == [
        "ring · small · no penalty",
        "ring · tiny · no penalty",
    ]


def test_the_table_of_records_may_lack_a_runs_rates(made: Made) -> None:
    """Then none is drawn."""
    records = made("spectrum", [run(rows(0, [-1 + 0j]))])
    runs = records.runs.drop(columns=["run.generator_learning_rate", "run.momentum"])
    (step,) = steps_of(replace(records, runs=runs))
    assert np.isnan(step["learning_rate"])
    assert pd.isna(step["stable_learning_rate"])


def test_the_circle_is_where_a_step_keeps_the_length() -> None:
    """|1 + λ| = 1 from −2 to 0, through −1 + i, in order."""
    circle = unit_circle()
    np.testing.assert_allclose(abs(1 + circle), 1, rtol=1e-12)
    assert (circle.imag >= 0).all()
    assert (np.diff(circle.real) >= 0).all()
    assert circle[0] == pytest.approx(-2)
    assert abs(circle[-1]) < 1e-8
    assert np.abs(circle - (-1 + 1j)).min() < 1e-12


@pytest.mark.parametrize("reach", [0.01, 0.9, 30.0, 1e4, FARTHEST])
def test_ticks_are_few_and_symmetric(reach: float) -> None:
    """At most three to either side of 0, within reach."""
    ticks = np.array(symmetric_ticks(reach))
    assert (ticks == -ticks[::-1]).all()
    assert 3 <= len(ticks) <= 7
    assert abs(ticks).max() <= reach
    assert (np.diff(ticks) > 0).all()
