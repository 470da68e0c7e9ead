"""The figures of the experiments whatever their tables hold."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.figures import batches, counterfactual, head_start, overtrained, per_sample
from analysis.figures.figure import Figure
from analysis.figures.style import RC
from analysis.records import Records
from analysis.render import drawing

FIGURES: dict[str, Figure] = {
    "per_sample": per_sample.FIGURE,
    "overtrained": overtrained.FIGURE,
    "counterfactual": counterfactual.FIGURE,
    "head_start": head_start.FIGURE,
    "batches": batches.FIGURE,
}

NAMES = list(FIGURES)


def with_table(records: Records, name: str, table: pd.DataFrame) -> Records:
    """The records with another table of a kind."""
    return replace(records, **{name: table})  # type: ignore[arg-type]  # name is a table's


def drawn(name: str, records: Records) -> Canvas:
    """A figure's canvas, laid out and drawn."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        FIGURES[name].draw(FIGURES[name].prepare(records), canvas)
        ConstrainedLayoutEngine().execute(canvas)
        canvas.draw_without_rendering()
    return canvas


@pytest.mark.parametrize("name", NAMES)
def test_without_its_table_there_is_nothing_to_draw(experimental: Records, name: str) -> None:
    """A figure of other kinds' results alone is left out."""
    bare = with_table(experimental, name, getattr(experimental, name).iloc[:0])
    bare = replace(bare, runs=bare.runs[bare.runs["kind"] != name])
    assert FIGURES[name].prepare(bare).empty
    assert drawing(name, FIGURES[name], bare) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_legend_lies_below_all_axes_and_within_the_page(
    experimental: Records, name: str
) -> None:
    """No entry is cut off."""
    canvas = drawn(name, experimental)
    (legend,) = canvas.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= canvas.bbox.x1
    assert all(axes.get_window_extent().y0 > box.y1 for axes in canvas.axes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_values_that_are_zero_missing_or_infinite_are_drawn_around(
    experimental: Records, name: str, seed: int
) -> None:
    """Underflow and divergence leave gaps, not warnings, and no nan in words."""
    rng = np.random.default_rng(seed)
    table = getattr(experimental, name).copy()
    kept = {"step", "seconds", "logit", "batch_size", "seed", "discriminator_step"}
    for column in sorted(set(table.select_dtypes(float).columns) - kept):
        hit = rng.random(len(table)) < 0.3
        table.loc[hit, column] = rng.choice([0.0, np.nan, np.inf, -np.inf], hit.sum())
    made = drawing(name, FIGURES[name], with_table(experimental, name, table))
    assert made is None or "nan" not in made.caption


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_missing_values_is_drawn_or_left_out(experimental: Records, name: str) -> None:
    """A figure whose every value is missing is no traceback."""
    table = getattr(experimental, name).copy()
    kept = {"step", "seconds", "logit", "batch_size", "seed", "discriminator_step"}
    for column in set(table.select_dtypes(float).columns) - kept:
        table[column] = np.nan
    made = drawing(name, FIGURES[name], with_table(experimental, name, table))
    assert made is None or "nan" not in made.caption


@pytest.mark.parametrize("name", NAMES)
def test_more_panels_than_are_drawn_stay_in_the_rows(experimental: Records, name: str) -> None:
    """Ten settings: the caption says how many are drawn."""
    runs, table = experimental.runs, getattr(experimental, name)
    data = [f"data{n}" for n in range(10)]
    all_runs, all_rows = (
        pd.concat([f.assign(data=d, key=f["key"] + d) for d in data]) for f in (runs, table)
    )
    made = drawing(
        name, FIGURES[name], replace(with_table(experimental, name, all_rows), runs=all_runs)
    )
    assert made is not None
    assert f"The first {FIGURES[name].most_panels} of " in made.caption
    assert b"data9" in made.csv
