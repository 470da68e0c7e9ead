"""All figures: what they need, that they draw without overlaps, that captions follow the data."""

import re
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.figures import FIGURES
from analysis.figures.style import RC
from analysis.records import Records, load
from analysis.render import drawing

NAMES = list(FIGURES)
MEASURED = [name for name in NAMES if name != "generator_cost"]
COMPARING = ("comparisons", "performance_profile")
ALONE = [name for name in NAMES if name not in COMPARING]
"""Figures that one loss is enough for."""
ENDING = (
    "metric_steps",
    "metric_seconds",
    "final_metric",
    "comparisons",
    "time_to_target",
    "performance_profile",
    "training_signals",
    "ring_scatter",
)
"""Figures whose captions tell of the end of training."""


def drawn(name: str, rows: pd.DataFrame) -> Canvas:
    """A figure's canvas, laid out."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        FIGURES[name].draw(rows, canvas)
        ConstrainedLayoutEngine().execute(canvas)
    return canvas


def tables(records: Records) -> dict[str, pd.DataFrame]:
    """The tables by name."""
    return {name: value for name, value in vars(records).items() if name != "problems"}


def with_tables(records: Records, changed: dict[str, pd.DataFrame]) -> Records:
    """The records with other tables in place of some."""
    return Records(**{**vars(records), **changed})


@pytest.mark.parametrize("name", NAMES)
def test_rows_name_their_panel(records: Records, name: str) -> None:
    """A report draws the first panels of a figure that has too many."""
    rows = FIGURES[name].prepare(records)
    assert len(rows)
    assert rows["panel"].notna().all()


@pytest.mark.parametrize("name", NAMES)
def test_preparing_leaves_the_records_as_they_are(records: Records, name: str) -> None:
    """Figures share them."""
    before = {table: frame.copy() for table, frame in tables(records).items()}
    FIGURES[name].prepare(records)
    for table, frame in before.items():
        pd.testing.assert_frame_equal(getattr(records, table), frame)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_shows_its_rows_without_overlaps(records: Records, name: str) -> None:
    """No two titles or labels of an axis lie on each other, no legend on axes; rows stay rows."""
    rows = FIGURES[name].prepare(records)
    before = rows.copy()
    canvas = drawn(name, rows)
    canvas.draw_without_rendering()
    pd.testing.assert_frame_equal(rows, before)
    assert not overlaps([axes.title.get_window_extent() for axes in canvas.axes])
    for axes in canvas.axes:
        assert not overlaps(labels_of(axes.xaxis))
        assert not overlaps(labels_of(axes.yaxis))
        for one in canvas.legends:
            assert not overlaps([one.get_window_extent(), axes.get_window_extent()])


def labels_of(axis: Axis) -> list[Any]:
    """The boxes of the tick labels in sight."""
    low, high = sorted(axis.get_view_interval())
    return [
        tick.label1.get_window_extent()
        for tick in axis.get_major_ticks()
        if tick.label1.get_visible() and tick.label1.get_text() and low <= tick.get_loc() <= high
    ]


def overlaps(boxes: list[Any]) -> bool:
    """Whether any two boxes lie on each other by more than a pixel."""
    return any(
        min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
        for place, a in enumerate(boxes)
        for b in boxes[:place]
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_is_one_or_two_sentences(records: Records, name: str) -> None:
    """With numbers in it, and nothing undefined."""
    caption = FIGURES[name].caption(FIGURES[name].prepare(records))
    assert caption.endswith(".")
    assert len(re.findall(r"\. (?=[A-Z])", caption)) <= 1
    assert any(letter.isdigit() for letter in caption)
    assert "nan" not in caption


@pytest.mark.parametrize("name", [name for name in MEASURED if name != "sample_grid"])
def test_a_caption_changes_when_the_data_turn_around(
    records: Records, reversed_records: Records, name: str
) -> None:
    """No statement survives data that say the opposite."""
    one, other = (
        FIGURES[name].caption(FIGURES[name].prepare(which)) for which in (records, reversed_records)
    )
    assert one != other


@pytest.mark.parametrize("name", MEASURED)
def test_without_its_data_a_figure_is_not_drawn(records: Records, name: str) -> None:
    """And it says in words which results it takes."""
    empty = with_tables(records, {name: frame.iloc[:0] for name, frame in tables(records).items()})
    assert drawing(name, FIGURES[name], empty) is None
    assert "cells" in FIGURES[name].needs


HOSTILE = "$\\frac{<script>alert(1)</script>\n&\"' 😀 عربى" + "x" * 200


@pytest.fixture(scope="module")
def hostile_records(few_records: Records) -> Records:
    """Records in which every name is an attack on the page, on TeX and on the layout."""
    names = ("loss", "penalty", "model", "precision", "device", "machine", "data")
    attacked = {
        table: frame.assign(**{name: frame[name] + HOSTILE for name in names if name in frame})
        for table, frame in tables(few_records).items()
    }
    return with_tables(few_records, attacked)


@pytest.mark.parametrize("name", ALONE)
def test_names_of_any_kind_are_drawn_as_text(hostile_records: Records, name: str) -> None:
    """No TeX, no mark-up, no line breaks, no endless titles, no warnings."""
    one = drawing(name, FIGURES[name], hostile_records)
    assert one is not None
    assert b"<script" not in one.svg


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.parametrize("name", ALONE)
def test_long_names_do_not_run_into_each_other(hostile_records: Records, name: str) -> None:
    """They are cut and broken into lines that fit."""
    canvas = drawn(name, FIGURES[name].prepare(hostile_records))
    canvas.draw_without_rendering()
    assert not overlaps([axes.title.get_window_extent() for axes in canvas.axes])


@pytest.mark.parametrize("name", [name for name in MEASURED if name in ALONE])
def test_one_seed_of_one_loss_with_one_record_is_drawn(synthetic: Any, name: str) -> None:
    """The least there can be, without warnings."""
    folder = synthetic.session(
        losses=("mine",),
        seeds=1,
        records=1,
        rounds=1,
        batch_sizes=(16,),
        diverged=False,
        experiments=True,
    )
    assert drawing(name, FIGURES[name], load([folder])) is not None


@pytest.mark.parametrize("name", MEASURED)
def test_values_that_are_zero_missing_or_infinite_are_drawn_around(
    few_records: Records, name: str
) -> None:
    """Underflow, divergence and missing metrics leave gaps, not warnings."""
    rng = np.random.default_rng(0)
    training, gradients = few_records.training.copy(), few_records.gradients.copy()
    for frame in (training, gradients):
        for column in frame.select_dtypes(float).columns.drop("seconds", errors="ignore"):
            hit = rng.random(len(frame)) < 0.3
            frame.loc[hit, column] = rng.choice([0.0, np.nan, np.inf, -np.inf], hit.sum())
    kept = training["samples"].notna().cumsum() % 3
    spoilt = [
        values if values is None else np.where(turn == 1, values, [np.nan, 0][turn // 2])
        for values, turn in zip(training["samples"], kept, strict=True)
    ]
    training["samples"] = pd.Series(spoilt, index=training.index, dtype=object)
    broken = with_tables(few_records, {"training": training, "gradients": gradients})
    one = drawing(name, FIGURES[name], broken)
    assert one is None or "nan" not in one.caption


@pytest.mark.parametrize("name", MEASURED)
def test_nothing_but_missing_values_is_drawn_or_left_out(few_records: Records, name: str) -> None:
    """A figure whose every value is missing is no traceback."""
    frames = {}
    for table in ("training", "gradients"):
        frame = getattr(few_records, table).copy()
        for column in frame.select_dtypes(float).columns.drop("seconds", errors="ignore"):
            frame[column] = np.nan
        frames[table] = frame
    made = drawing(name, FIGURES[name], with_tables(few_records, frames))
    assert made is None or "nan" not in made.caption


@pytest.mark.parametrize("name", ENDING)
def test_runs_whose_last_record_alone_is_undefined_are_told(records: Records, name: str) -> None:
    """Where the samples of every run end without any metric or gradient."""
    training = records.training.copy()
    last = training["step"] == training.groupby("key")["step"].transform("max")
    columns = training.select_dtypes(float).columns.drop("seconds")
    training.loc[last, columns] = np.nan
    rows = FIGURES[name].prepare(with_tables(records, {"training": training}))
    assert rows.empty or "nan" not in FIGURES[name].caption(rows)


def test_one_point_of_each_network_is_drawn(records: Records) -> None:
    """The least D(G(z)) of each: a point has no slope."""
    rows = records.gradients.sort_values("d_fake")
    least = rows.groupby(["key", "network"], sort=False).head(1)
    one = drawing(
        "gradient_norm", FIGURES["gradient_norm"], with_tables(records, {"gradients": least})
    )
    assert one is not None
    assert "nan" not in one.caption


def test_too_many_panels_are_cut_and_the_caption_says_so(synthetic: Any) -> None:
    """The CSV has all of them."""
    folder = synthetic.session(
        data=("ring",),
        penalties=[f"penalty{n}" for n in range(13)],
        records=2,
        seeds=1,
        batch_sizes=(16,),
    )
    figure = FIGURES["training_signals"]
    one = drawing("training_signals", figure, load([folder]))
    assert one is not None
    assert one.caption.endswith("The first 24 of 26 panels are drawn; the CSV has all.")
    assert one.csv.decode().count("penalty12") > 0


@pytest.mark.parametrize(("name", "bands"), [("metric_steps", 2), ("final_metric", 0)])
def test_from_eight_seeds_on_means_are_drawn_between_their_bounds(
    synthetic: Any, name: str, bands: int
) -> None:
    """A band about each loss's curve; a bar across each loss's strip."""
    folder = synthetic.session(data=("ring",), seeds=8, records=2, batch_sizes=(), diverged=False)
    canvas = drawn(name, FIGURES[name].prepare(load([folder])))
    assert [len(axes.collections) for axes in canvas.axes] == [bands] * 4
    entries = [text.get_text() for one in canvas.legends for text in one.get_texts()]
    assert any(entry.startswith("95 % interval of the mean") for entry in entries)


def test_cells_without_a_timing_are_crosses(synthetic: Any) -> None:
    """At their batch size, above the axis, and in the legend."""

    def change(document: dict[str, Any]) -> None:
        document["benchmarks"][0]["extra_info"].update(status="out_of_memory", message="no")

    records = load([synthetic.edit(change, batch_sizes=(16, 64))])
    canvas = drawn("throughput", FIGURES["throughput"].prepare(records))
    crosses = [line for axes in canvas.axes for line in axes.lines if line.get_marker() == "x"]
    assert len(crosses) == 1
    entries = [text.get_text() for one in canvas.legends for text in one.get_texts()]
    assert "no timing" in entries


def test_runs_at_once_are_all_counted_in_the_speed(synthetic: Any) -> None:
    """What is drawn is what the CSV has: eight runs make eight minibatches a step."""

    def change(document: dict[str, Any]) -> None:
        document["benchmarks"][0]["extra_info"]["run"]["ensemble"] = 8

    records = load([synthetic.edit(change, losses=("hinge",), batch_sizes=(16, 64))])
    rows = FIGURES["throughput"].prepare(records)
    assert sorted(rows["ensemble"]) == [1, 8]
    canvas = drawn("throughput", rows)
    above = [axes for axes in canvas.axes if axes.get_title()]
    points = [float(y) for axes in above for bar in axes.containers for y in bar[0].get_ydata()]
    assert sorted(points) == pytest.approx(sorted(rows["images_per_second"]))


def test_pyplot_keeps_no_figure(few_records: Records) -> None:
    """Drawing leaves nothing in pyplot's global state, which nobody would ever free."""
    assert drawing("generator_cost", FIGURES["generator_cost"], few_records) is not None
    assert pyplot.get_fignums() == []
