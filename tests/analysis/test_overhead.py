"""The cost of measuring: values against goals, and thousands of runs as one table."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure as Canvas

from analysis.errors import UsageError
from analysis.figures import FIGURES, metric, metric_curve
from analysis.records import Records, load
from analysis.stacking import stacked_columns, stacked_rows
from tests.analysis.synthetic.session import Synthetic

OVERHEAD = FIGURES["overhead"]
VALUES = st.one_of(st.none(), st.integers(-9, 9), st.floats(-9, 9), st.booleans(), st.text("ab"))
ROWS = st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, min_size=1), min_size=1, max_size=9)


@pytest.fixture
def records(synthetic: Synthetic) -> Records:
    """A small session with every kind of cell."""
    small: dict[str, Any] = {"data": ("ring",), "seeds": 1, "batch_sizes": (16,), "records": 2}
    return load([synthetic.session(experiments=True, **small)])


def test_medians_are_held_against_goals(records: Records) -> None:
    """The median of six between its extremes; one value has no bounds; no goal is neither."""
    rows = OVERHEAD.prepare(records).set_index("quantity")
    step = rows.loc["step over bare loop"]
    assert (step["value"], step["low"], step["high"]) == (pytest.approx(1.0015), 0.999, 1.004)
    assert rows["met"].to_dict() == {
        "step over bare loop": True,
        "draws of a step": None,
        "report over 10k runs": False,
        "memory of that report": True,
    }
    assert rows["low"].isna().to_dict()["report over 10k runs"]
    assert rows.loc["memory of that report", "of_goal"] == 0.5


def test_the_caption_says_what_was_measured(records: Records) -> None:
    """Goals met are counted among those that there are; each value has its unit."""
    assert OVERHEAD.caption(OVERHEAD.prepare(records)).replace("\xa0", " ") == (
        "2 of 3 goals are met by the median: "
        "step over bare loop +0.15 % [−0.1 %, +0.4 %] (goal +1 %), "
        "draws of a step 5 % [4 %, 6 %], report over 10k runs 30 s (goal 20 s) and "
        "memory of that report 1 GiB (goal 2 GiB)."
    )


def test_only_quantities_with_a_goal_are_drawn(records: Records) -> None:
    """A line each, named with its value; the figure of none at all is empty but whole."""
    rows = OVERHEAD.prepare(records)
    canvas = Canvas()
    OVERHEAD.draw(rows, canvas)
    labels = [tick.get_text().replace("\xa0", " ") for tick in canvas.axes[0].get_yticklabels()]
    assert labels == [
        "memory of that report: 1 GiB, goal 2 GiB",
        "report over 10k runs: 30 s, goal 20 s",
        "step over bare loop: +0.15 %, goal +1 %",
    ]
    bare = Canvas()
    OVERHEAD.draw(rows[rows["goal"].isna()], bare)
    assert not bare.axes[0].get_yticklabels()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "hours"}, "unit: expected one of ratio, share, seconds, bytes, found 'hours'"),
        ({"goal": 0}, "goal: expected a positive number, found 0"),
        ({"quantity": None}, "quantity: expected text, found None"),
    ],
)
def test_a_cell_of_another_form_is_refused(
    synthetic: Synthetic, change: dict[str, object], message: str
) -> None:
    """The line names the field."""

    def edit(document: dict[str, Any]) -> None:
        cells = [cell for cell in document["benchmarks"] if cell["group"] == "overhead"]
        cells[0]["extra_info"] |= change

    with pytest.raises(UsageError) as error:
        load([synthetic.edit(edit, experiments=True)])
    assert str(error.value).endswith(f"extra_info.{message}")


@given(rows=ROWS)
def test_rows_stack_as_frames_of_their_own_would(rows: list[dict[str, object]]) -> None:
    """What pd.concat of a frame per row gives: values, types and the order of columns."""
    expected = pd.concat([pd.DataFrame([row]) for row in rows], ignore_index=True)
    pd.testing.assert_frame_equal(stacked_rows(rows), expected, check_exact=True)


def test_nothing_stacks_to_nothing() -> None:
    """Of no rows and no tables there are no columns."""
    assert stacked_rows([]).empty
    assert stacked_columns([]) == {}


def test_columns_stack_in_order() -> None:
    """Arrays stay arrays, lists of text lists."""
    stacked = stacked_columns([{"x": np.array([1.0]), "t": ["a"]}, {"x": np.ones(2), "t": ["b"]}])
    assert stacked["t"] == ["a", "b"]
    np.testing.assert_array_equal(stacked["x"], [1.0, 1.0, 1.0])


@pytest.mark.parametrize("prepare", [metric.curves, metric_curve.prepare])
def test_what_is_kept_stays_as_it_was(
    records: Records, prepare: Callable[[Records], pd.DataFrame]
) -> None:
    """A caller that writes into the rows it was given changes its own alone."""
    first = prepare(records)
    untouched = first.copy(deep=True)
    first["value"] = -1.0
    first.loc[0, "loss"] = "changed"
    pd.testing.assert_frame_equal(prepare(records), untouched)


def test_of_many_seeds_the_spread_is_drawn(
    synthetic: Synthetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bands between NumPy's quantiles instead of lines; the run that diverged ends in a cross."""
    monkeypatch.setattr(metric_curve, "MANY", 8)
    found = load([synthetic.session(data=("ring",), losses=("hinge",), seeds=9, records=2)])
    rows = FIGURES["metric_steps"].prepare(found)
    canvas = Canvas()
    FIGURES["metric_steps"].draw(rows, canvas)
    of_panel = rows[(rows["panel"] == rows["panel"].iloc[0]) & rows["value"].notna()]
    runs = of_panel[of_panel["kind"] == "run"]
    for kind, share in metric_curve.SPREADS.items():
        spread = of_panel[of_panel["kind"] == kind].set_index("step")
        for step, values in runs.groupby("step")["value"]:
            expected = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
            assert spread.loc[step, ["low", "high"]].tolist() == pytest.approx(expected)
    bands = [c for c in canvas.axes[0].collections if isinstance(c, PolyCollection)]
    assert len(bands) == len(metric_curve.SPREADS) + ("interquartile_mean" in set(of_panel["kind"]))
    crosses = [line for line in canvas.axes[0].lines if line.get_marker() == "x"]
    ended = runs[runs["status"] == "diverged"].groupby("key").tail(1)
    assert crosses[0].get_xdata().tolist() == ended["step"].tolist()  # type: ignore[union-attr]  # an array
