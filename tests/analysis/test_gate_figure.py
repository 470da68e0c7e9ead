"""The gate's forest plot: a line per cell, an axis for any change, a caption that counts."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.figures import FIGURES
from analysis.figures.gate_drawing import STYLES, bounded, symmetric_ticks
from analysis.figures.style import RC
from analysis.gate.exact import Change
from analysis.gate.found import Found
from analysis.gate.outcome import record, rows
from analysis.gate.quality import Quality
from analysis.gate.verdicts import FLOOR, TOLERANCE
from analysis.gate_record import VERDICTS
from analysis.records import load
from analysis.render import drawing
from tests.analysis.synthetic.gates import FACTS, found_of

GATE = FIGURES["gate"]
Cells = dict[str, tuple[str, float]]
Prepare = Callable[..., pd.DataFrame]


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    """The figure's rows of gate runs, one folder each."""

    def prepare(*found: Found, cells: Sequence[str] = (), **facts: Any) -> pd.DataFrame:
        folders = []
        for number, one in enumerate(found):
            told = rows(one, cells or [name for name in one.speed if name != "canary"])
            folders.append(tmp_path / f"run{number}")
            folders[-1].mkdir()
            content = record(one, told, {**FACTS, **facts}, 0)
            (folders[-1] / "gate.json").write_bytes(content)
        return GATE.prepare(load(folders))

    return prepare


def canvas_of(table: pd.DataFrame) -> Canvas:
    """The figure, drawn."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        GATE.draw(table, canvas)
        canvas.draw_without_rendering()
    return canvas


def places(line: Line2D) -> list[float]:
    """Where a line's points are, along the axis of changes."""
    return [float(x) for x in np.asarray(line.get_xdata(), dtype=np.float64)]


def ticks(axes: Axes) -> list[str]:
    """The labels beside the axis of changes that are in sight."""
    low, high = axes.get_xlim()
    found = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    return [label.get_text() for at, label in found if low <= at <= high]


def markers(axes: Axes) -> list[Any]:
    """The estimates, from top to bottom."""
    known = {style.marker for style in STYLES.values()} | {"s"}
    return [line for line in axes.lines if line.get_marker() in known and line.get_markersize() > 5]


TWO: Cells = {"ring": ("slower", 0.08), "digits": ("no change", 0.002)}


def test_a_line_per_cell_in_the_documents_order_and_the_canary_last(prepared: Prepare) -> None:
    """Each at its estimate, in percent, with the marker and colour of its verdict."""
    table = prepared(found_of(TWO))
    (axes,) = canvas_of(table).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "ring",
        "digits",
        "unchanged kernel",
    ]
    assert axes.get_ylim() == (2.5, -0.5)
    found = markers(axes)
    assert [line.get_ydata()[0] for line in found] == [0, 1, 2]
    assert [places(line)[0] for line in found] == pytest.approx(100 * table["change"][:3])
    assert [line.get_marker() for line in found] == [">", "o", "s"]
    assert found[0].get_color() == STYLES["slower"].colour


def test_bars_are_the_intervals_of_the_document(prepared: Prepare) -> None:
    """95 %, in percent."""
    table = prepared(found_of({"grid": ("inconclusive", 0.03), **TWO}))
    (axes,) = canvas_of(table).axes
    bars = [line for line in axes.lines if line.get_linewidth() == 2]
    for side, name in enumerate(("low", "high")):
        drawn = [places(line)[side] for line in bars]
        assert drawn == pytest.approx(100 * table[name])


def test_a_cell_of_too_few_pairs_has_no_bar(prepared: Prepare) -> None:
    """Three pairs have no 95 % interval; the marks of cell and canary are drawn all the same."""
    table = prepared(found_of({"ring": ("inconclusive", 0.03)}, pairs=-3))
    (axes,) = canvas_of(table).axes
    assert not [line for line in axes.lines if line.get_linewidth() == 2]
    assert len(markers(axes)) == 2


def test_every_pair_is_drawn(prepared: Prepare) -> None:
    """As a change, the screen's with the others."""
    found = found_of(TWO, pairs=9)
    table = prepared(found)
    ratios = [pair.log_ratios["ring"] for pair in found.pairs]
    assert table["pair_changes"][0] == pytest.approx(np.expm1(ratios))
    assert len(table["pair_changes"][1]) == 6
    (axes,) = canvas_of(table).axes
    assert any(places(line) == pytest.approx(100 * np.expm1(ratios)) for line in axes.lines)


def test_the_floor_is_a_band_and_the_tolerance_two_lines(prepared: Prepare) -> None:
    """About a line at 0."""
    (axes,) = canvas_of(prepared(found_of(TWO))).axes
    (band,) = axes.patches
    box = band.get_extents().transformed(axes.transData.inverted())
    assert [box.x0, box.x1] == pytest.approx([-100 * FLOOR, 100 * FLOOR])
    upright = [x[0] for line in axes.lines if len(set(x := places(line))) == 1]
    for at in (0, -100 * TOLERANCE, 100 * TOLERANCE):
        assert any(np.isclose(x, at) for x in upright)


def test_numbers_stand_to_the_right(prepared: Prepare) -> None:
    """The pairs, and the change with its interval."""
    table = prepared(found_of(TWO))
    (axes,) = canvas_of(table).axes
    words = [text.get_text() for text in axes.texts]
    assert words[:2] == ["pairs", "change [95 % interval]"]
    assert words[2::2] == ["15", "6", "15"]
    assert words[3] == bounded(table.iloc[0])


def test_what_could_have_been_noticed_is_a_tick(prepared: Prepare) -> None:
    """Where it is finite; and the axis reaches it."""
    table = prepared(found_of(TWO, spread=0.05))
    (axes,) = canvas_of(table).axes
    marks = [line for line in axes.lines if line.get_marker() == "|"]
    drawn = [places(line)[0] for line in marks]
    assert drawn == pytest.approx(list(100 * table["detectable"]))
    assert axes.get_xlim()[1] > max(drawn)
    (axes,) = canvas_of(table.assign(detectable=math.inf)).axes
    assert not [line for line in axes.lines if line.get_marker() == "|"]


def test_a_cell_without_a_number_is_a_line_of_text(prepared: Prepare) -> None:
    """What was refused, and what there was no time for: no marker, no numbers."""
    found = found_of(TWO)
    found.exact.refused["new"] = ("head", "it is broken")
    table = prepared(found, cells=["new", "late", "ring"])
    (axes,) = canvas_of(table).axes
    italic = [text.get_text() for text in axes.texts if text.get_fontstyle() == "italic"]
    assert italic == ["broken: head says it is broken", "inconclusive: there was no time for it"]
    assert len(markers(axes)) == 2


def test_a_run_in_which_nothing_was_timed_is_drawn(prepared: Prepare) -> None:
    """The reasons are all there is."""
    found = Found(found_of({}).exact, seconds=1.0)
    found.exact.refused["ring"] = ("base", "no such cell")
    table = prepared(found, cells=["ring"])
    (axes,) = canvas_of(table).axes
    assert axes.get_xlim() == pytest.approx((-5.4, 5.4))
    assert GATE.caption(table) == (
        "Of 1 cell 1 is incomparable: fedcba9876 against 0123456789, in 0.0167 of 10 minutes."
    )


@pytest.mark.parametrize(
    ("change", "scale", "expected"),
    [
        (0.004, "linear", ["−5 %", "−4 %", "−3 %", "−2 %", "−1 %", "0"]),
        (0.25, "linear", ["−25 %", "−20 %", "−15 %", "−10 %", "−5 %", "0"]),
        (3.0, "symlog", ["−100 %", "−20 %", "−5 %", "0", "+5 %", "+20 %", "+100 %"]),
    ],
)
def test_the_axis_fits_what_is_on_it(
    prepared: Prepare, change: float, scale: str, expected: list[str]
) -> None:
    """Linear up to ±30 %, logarithmic outside of ±5 % beyond; 0 in it either way."""
    (axes,) = canvas_of(prepared(found_of({"ring": ("slower", change)}, spread=0.001))).axes
    assert axes.get_xscale() == scale
    assert ticks(axes)[: len(expected)] == expected
    assert axes.get_xlim()[0] < 0 < axes.get_xlim()[1]


@given(most=st.floats(5, 1e24))
def test_ticks_are_few_ordered_and_in_sight(most: float) -> None:
    """On the left they end at −100 %."""
    found = symmetric_ticks(most)
    assert found == sorted(set(found))
    assert 0 in found
    assert len(found) <= 9
    assert min(found) >= -100
    assert max(found) <= most


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("slower", "1 is slower"),
        ("faster", "1 is faster"),
        ("inconclusive", "1 is inconclusive"),
        ("machine changed", "1 moved with the machine"),
    ],
)
def test_a_caption_counts_verdicts(prepared: Prepare, verdict: str, words: str) -> None:
    """Beside the revisions and the minutes."""
    table = prepared(found_of({"a": (verdict, 0.08)}))
    assert GATE.caption(table) == (
        f"Of 1 cell {words}: fedcba9876 against 0123456789, in 9 of 10 minutes."
    )


def test_every_verdict_has_words_in_the_caption(prepared: Prepare) -> None:
    """The counts add up to the cells."""
    table = prepared(found_of(TWO))
    cells = table.iloc[[0] * len(VERDICTS)].assign(verdict=VERDICTS, high=0.091)
    assert GATE.caption(cells).startswith(
        "Of 7 cells 1 is slower, 1 is faster, 1 is unchanged (none by more than 9.1 %), "
        "1 is inconclusive, 1 moved with the machine, 1 is incomparable and 1 is broken: "
    )


def test_a_caption_bounds_what_is_unchanged(prepared: Prepare) -> None:
    """By the farthest bound of all; of cells without bounds it says nothing."""
    table = prepared(found_of({"a": ("no change", 0.0), "b": ("no change", 0.0)}, pairs=0))
    wide = table.assign(low=[-0.031, -0.01, -0.1], high=[0.01, 0.02, 0.1])
    assert "2 are unchanged (none by more than 3.1 %)" in GATE.caption(wide)
    wide["low"] = [math.nan, -0.01, -0.1]
    assert "2 are unchanged: fedcba9876" in GATE.caption(wide)


def test_a_caption_ends_with_counters_and_training(prepared: Prepare) -> None:
    """The first three of each by name."""
    found = found_of({"ring": ("no change", 0.0)}, pairs=0)
    found.exact.changes += [Change("ring", f"c{n}", n, None if n == 1 else 9) for n in range(5)]
    found.quality.append(Quality("ring", "worse", "w1", 0.5, 0.3, 0.7, 12, 0))
    found.quality.append(Quality("few", "inconclusive", "w1", 0.5, math.nan, math.nan, 4, 0))
    nan = math.nan
    found.quality.append(Quality("no", "broken", "w1", nan, nan, nan, 0, 0, "head says no"))
    text = GATE.caption(prepared(found))
    assert text.endswith(
        ". 5 exact counters changed (ring: c0 0 → 9; ring: c1 1 → absent; ring: c2 2 → 9; "
        "2 more); trained on both: w1 of ring is worse, +50.0 % [+30.0, +70.0] (98.3 % interval); "
        "w1 of few is inconclusive, +50.0 %; no is broken (head says no)."
    )


def test_runs_are_panels_and_those_of_the_same_revisions_are_numbered(prepared: Prepare) -> None:
    """One below the other; the caption tells of each."""
    two = found_of(TWO)
    two.exact.changes.append(Change("ring", "graphs", 1, 2))
    table = prepared(found_of({"ring": ("faster", -0.1)}), two)
    assert table["panel"].unique().tolist() == [
        "fedcba9876 against 0123456789 · Example CPU, 2 cores",
        "fedcba9876 against 0123456789 · Example CPU, 2 cores (2)",
    ]
    assert len(canvas_of(table).axes) == 2
    text = GATE.caption(table)
    assert text.startswith("Of 1 cell 1 is faster: ")
    assert "; of 2 cells 1 is slower and 1 is unchanged" in text
    assert text.endswith("0123456789: 1 exact counter changed (ring: graphs 1 → 2).")


def test_many_runs_are_counted_and_not_told(prepared: Prepare) -> None:
    """Four are drawn, three told."""
    table = prepared(*(found_of({"ring": ("faster", -0.1)}, pairs=n) for n in range(6, 11)))
    assert GATE.caption(table).endswith("; 2 more runs in the CSV.")
    assert GATE.most_panels == 4


def test_the_largest_document_there_can_be_is_drawn(tmp_path: Path) -> None:
    """As many cells as are read, with the longest names and the wildest changes."""
    found = found_of({"ring": ("slower", 0.08)})
    document = json.loads(record(found, rows(found, ["ring"]), FACTS, 1))
    wild = {"change": 1e20, "low": -1, "high": 5e21, "detectable": 1e300, "cell": "x" * 999}
    document["cells"] = [{**document["cells"][0], **wild, "log_ratios": [-50, 50]}] * 100
    (tmp_path / "gate.json").write_text(json.dumps(document), encoding="utf-8")
    one = drawing("gate", GATE, load([tmp_path]))
    assert one is not None
    assert one.csv.count(b"slower") == 200
    assert "nan" not in one.caption
