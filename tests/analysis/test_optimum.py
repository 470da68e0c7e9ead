"""The figure of the optimum: what is drawn and said of data whose answer is known."""

import math
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure as Canvas

from analysis.figures.optimum import FIGURE, zero
from analysis.figures.style import RC, style_of
from analysis.records import Records
from analysis.render import drawing

DISPLACEMENTS = (-2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0)
LOSSES = ("saturating", "non_saturating", "maximum_likelihood")
AXES: dict[str, Any] = {
    "device": "cpu",
    "precision": "float32",
    "batch_size": 256,
    "loss": "non_saturating",
    "penalty": "none",
    "model": "mlp",
    "data": "gaussian1d",
}


def run_rows(seed: int, **changes: float) -> pd.DataFrame:
    """One run with JSD = d²/16 and gradients of slope 1; keywords are errors put on top.

    `value` is added to V, `d` to |D − D*|, `slope` multiplies the gradients, `shift` moves their
    zero.
    """
    d = np.repeat(DISPLACEMENTS, len(LOSSES))
    exact = d**2 / 8 - math.log(4)
    return pd.DataFrame(
        {
            "key": f"key{seed}",
            "machine": "Example CPU",
            "status": "finished",
            **AXES,
            "seed": seed,
            "displacement": d,
            "gradient_of": LOSSES * len(DISPLACEMENTS),
            "value": exact + changes.get("value", 0.0),
            "value_error": 0.001,
            "exact_value": exact,
            "jsd": d**2 / 16,
            "d_error": 0.001 + changes.get("d", 0.0),
            "d_mean": 0.5,
            "gradient": changes.get("slope", 1.0) * (d - changes.get("shift", 0.0)),
            "gradient_error": 0.01,
            "exact_gradient": d,
        }
    )


def records_of(records: Records, frames: Sequence[pd.DataFrame]) -> Records:
    """The records with these optimum runs."""
    optimum = pd.concat(frames, ignore_index=True)
    once = optimum.drop_duplicates("key")[["key", "machine", "status", "seed", *AXES]]
    runs = once.assign(kind="optimum", **{"run.steps": 250})
    return Records(**{**vars(records), "optimum": optimum, "runs": runs})


def prepared(records: Records, *frames: pd.DataFrame) -> pd.DataFrame:
    """The figure's rows of these runs."""
    return FIGURE.prepare(records_of(records, frames))


def points(axes: Axes) -> list[Any]:
    """The heights of every set of points with error bars, from left to right."""
    bars = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    return [one.lines[0].get_ydata() for one in bars if one.lines[0] is not None]


def drawn(rows: pd.DataFrame) -> Canvas:
    """The figure's canvas."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        FIGURE.draw(rows, canvas)
    return canvas


def test_an_optimum_as_theory_has_it_is_said_to_be(records: Records) -> None:
    """V = −log 4 + 2·JSD, D = D* and gradients through 0 at 0, over eight seeds."""
    caption = FIGURE.caption(prepared(records, *(run_rows(seed) for seed in range(8))))
    assert caption == (
        "Where p_g = p_data the trained D has V = −1.3863 (−log 4 = −1.3863) and mean D = 0.5; "
        "over all displacements V is within 0 nats of −log 4 + 2·JSD and mean |D − D*| at most "
        "0.001 (as theory says). Elsewhere 24 of 24 gradients point back to p_data, and they "
        "vanish at a displacement of 0.000 [0.000, 0.000] (saturating), 0.000 [0.000, 0.000] "
        "(non-saturating) and 0.000 [0.000, 0.000] (maximum-likelihood) standard deviations "
        "(as theory says: 0)."
    )
    assert len(re.findall(r"\. (?=[A-Z])", caption)) == 1


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"value": 0.0219}, "as theory says"),
        ({"value": 0.0221}, "theory says 0 and 0"),
        ({"value": -0.0221}, "theory says 0 and 0"),
        ({"d": 0.0189}, "as theory says"),
        ({"d": 0.0191}, "theory says 0 and 0"),
    ],
)
def test_the_discriminators_verdict_follows_the_data(
    records: Records, changes: dict[str, float], verdict: str
) -> None:
    """Within .02 of theory, beyond 1.96 standard errors of .001 in V's case."""
    caption = FIGURE.caption(prepared(records, run_rows(0, **changes)))
    assert f" ({verdict}). Elsewhere" in caption


@pytest.mark.parametrize(
    ("changes", "words", "verdict"),
    [
        ({"shift": 0.049}, "24 of 24 gradients point back to p_data", "as theory says: 0"),
        ({"shift": 0.049}, "vanish at a displacement of 0.049 (sat", "as theory says: 0"),
        ({"shift": -0.051}, "displacement of −0.051 (saturating)", "theory says all, and 0"),
        ({"shift": 0.3}, "21 of 24 gradients point back", "theory says all, and 0"),
        ({"slope": -1.0}, "0 of 24 gradients point back", "theory says all, and 0"),
        ({"slope": -1.0}, "of – (saturating), – (non-sat", "theory says all, and 0"),
        ({"slope": -1.0}, "deviations, 3 curves not at any one", "theory says all, and 0"),
    ],
)
def test_the_generators_verdict_follows_the_data(
    records: Records, changes: dict[str, float], words: str, verdict: str
) -> None:
    """Every gradient has to point back, and its zero to be within .05 of 0."""
    caption = FIGURE.caption(prepared(records, run_rows(0, **changes)))
    assert words in caption
    assert caption.endswith(f" ({verdict}).")


def test_a_seed_without_a_zero_is_counted_beside_the_mean_of_the_others(records: Records) -> None:
    """Eight of nine curves vanish at .01; the ninth falls."""
    frames = [run_rows(seed, shift=0.01) for seed in range(8)] + [run_rows(8, slope=-1.0)]
    rows = prepared(records, *frames)
    zeros = rows[rows["quantity"] == "zero"]
    assert zeros["runs"].tolist() == [8] * 3
    assert zeros["missing"].tolist() == [1] * 3
    assert "standard deviations, 3 curves not at any one (theory says" in FIGURE.caption(rows)


def test_few_seeds_are_shown_one_by_one(records: Records) -> None:
    """Seven runs: seven rows a quantity and displacement, ±1.96 of their standard errors."""
    rows = prepared(records, *(run_rows(seed, value=seed / 100) for seed in range(7)))
    value = rows[(rows["quantity"] == "value") & (rows["displacement"] == 0)]
    assert (value["mean"] - value["exact"]).tolist() == pytest.approx([s / 100 for s in range(7)])
    assert (value["high"] - value["mean"]).tolist() == pytest.approx([1.96e-3] * 7)
    assert (value["mean"] - value["low"]).tolist() == pytest.approx([1.96e-3] * 7)
    assert rows.loc[rows["quantity"] == "d_error", ["low", "high"]].isna().all(axis=None)
    assert set(rows["runs"]) == {1}


def test_the_zeros_of_a_few_seeds_are_told_by_their_mean(records: Records) -> None:
    """At .01 and .03: .02, without an interval."""
    caption = FIGURE.caption(prepared(records, run_rows(0, shift=0.01), run_rows(1, shift=0.03)))
    assert "vanish at a displacement of 0.020 (saturating), 0.020 (non-saturating)" in caption


def test_eight_seeds_are_a_mean_and_its_interval(records: Records) -> None:
    """V's errors 0 … .07: their mean is .035, inside a bootstrap interval that is no wider."""
    rows = prepared(records, *(run_rows(seed, value=seed / 100) for seed in range(8)))
    (value,) = rows[(rows["quantity"] == "value") & (rows["displacement"] == 1)].to_dict("records")
    assert value["runs"] == 8
    assert value["mean"] - value["exact"] == pytest.approx(0.035)
    assert 0 < value["low"] - value["exact"] < 0.035 < value["high"] - value["exact"] < 0.07


def test_what_a_discriminator_has_is_not_counted_once_per_loss(records: Records) -> None:
    """V, |D − D*| and D: one row a displacement; gradients: three; zeros: three in all."""
    rows = prepared(records, run_rows(0))
    counts = rows["quantity"].value_counts().to_dict()
    assert counts == {"value": 9, "d_error": 9, "d_mean": 9, "gradient": 27, "zero": 3}


def test_runs_that_differ_in_a_setting_have_panels_of_their_own(records: Records) -> None:
    """Two losses of D's run are two panels, named by what differs."""
    other = run_rows(1).assign(loss="saturating")
    rows = prepared(records, run_rows(0), other)
    assert list(rows["panel"].unique()) == [
        "gaussian1d · non_saturating",
        "gaussian1d · saturating",
    ]


@pytest.mark.parametrize(
    ("y", "x"),
    [
        ([-2.0, -1.0, 1.0], 0.5),
        ([-1.0, 0.0, 3.0], 0.0),
        ([-1.0, 1.0, -1.0], math.nan),
        ([1.0, 2.0, 3.0], math.nan),
        ([0.0, 0.0, 0.0], math.nan),
        ([-1.0, math.nan, 1.0], math.nan),
        ([], math.nan),
    ],
)
def test_a_zero_is_where_the_curve_rises_through_it_once(y: list[float], x: float) -> None:
    """By hand on x = −1, 0, 1; a curve that also falls has no one place."""
    assert zero(np.array([-1.0, 0.0, 1.0])[: len(y)], np.array(y)) == pytest.approx(x, nan_ok=True)


def test_points_are_where_the_rows_say(records: Records) -> None:
    """Six panels: V, less the exact; |D − D*|, D; gradients, less the exact; with error bars."""
    rows = prepared(records, run_rows(0, value=0.01, shift=0.1))
    canvas = drawn(rows)
    heights = [[y[5] for y in points(axes)] for axes in canvas.axes]
    at = 0.25
    v = at**2 / 8 - math.log(4)
    expected = [[v + 0.01], [0.001], [at - 0.1] * 3, [0.01], [0.5], [-0.1] * 3]
    for found, wanted in zip(heights, expected, strict=True):
        assert found == pytest.approx(wanted)


def test_losses_keep_their_colours(records: Records) -> None:
    """And the legend names the runs behind a point, the exact curve, −log 4 and each loss."""
    canvas = drawn(prepared(records, run_rows(0)))
    colours = [
        line.get_color() for line in canvas.axes[2].lines if line.get_marker() not in {"None", ""}
    ]
    assert colours == [style_of(loss).colour for loss in LOSSES]
    labels = [text.get_text() for text in canvas.legends[0].get_texts()]
    assert labels == [
        "one run, 95 % interval",
        "exact, with D* (joined by lines)",
        "−log 4",
        *LOSSES,
    ]


def test_the_legend_tells_means_from_single_runs(records: Records) -> None:
    """Eight seeds of one setting beside one run of another."""
    frames = [run_rows(seed) for seed in range(8)] + [run_rows(9).assign(batch_size=64)]
    rows = prepared(records, *frames)
    (label, *_) = [text.get_text() for text in drawn(rows).legends[0].get_texts()]
    assert label == "one run or mean of 8 seeds, 95 % interval"


def test_files_without_exact_gradients_are_drawn_without_them(records: Records) -> None:
    """Written before there were any: no curve, no differences, and the rest as ever."""
    old = records_of(records, [run_rows(0).drop(columns="exact_gradient")])
    made = drawing("optimum", FIGURE, old)
    assert made is not None
    rows = FIGURE.prepare(old)
    assert rows.loc[rows["quantity"] == "gradient", "exact"].isna().all()
    assert made.caption == FIGURE.caption(prepared(records, run_rows(0)))


def test_a_run_that_stopped_before_the_data_says_nothing_of_them(records: Records) -> None:
    """Rows of −2 and −1 alone: no V at p_g = p_data, and no zero."""
    caption = FIGURE.caption(prepared(records, run_rows(0).iloc[: 2 * len(LOSSES)]))
    assert caption.startswith("Over all displacements V is within 0 nats of −log 4 + 2·JSD")
    assert "6 of 6 gradients" in caption
    assert caption.endswith(" (theory says all, and 0).")


def test_without_runs_there_is_no_figure(records: Records) -> None:
    """An empty table has nothing to draw."""
    empty = records_of(records, [run_rows(0).iloc[:0]])
    assert FIGURE.prepare(empty).empty
    assert drawing("optimum", FIGURE, empty) is None


def test_preparing_leaves_the_records_as_they_are(records: Records) -> None:
    """Figures share them."""
    given = records_of(records, [run_rows(0), run_rows(1)])
    before = given.optimum.copy()
    FIGURE.prepare(given)
    pd.testing.assert_frame_equal(given.optimum, before)
