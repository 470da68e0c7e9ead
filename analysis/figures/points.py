"""Clouds of 2-D samples through training, beside the modes they should cover."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.figures.figure import Figure
from analysis.figures.panel import axes_by_row, legend, loss_handles, wrapped
from analysis.figures.snapshot import samples_of, snapshots
from analysis.figures.style import REAL, style_of
from analysis.records import Records
from analysis.wording import number, percent

SNAPSHOTS = 5

POINTS = 512

TOLD = 4
"""Panels that the caption tells of."""


def prepare(records: Records) -> pd.DataFrame:
    """The points of every snapshot, of the data and the modes' centres, one row per point."""
    chosen = snapshots(records, lambda shape: list(shape) == [2], SNAPSHOTS)
    rows = samples_of(chosen, POINTS)
    if rows.empty:
        return rows
    x, y = np.stack(rows["sample"].to_list()).T
    measured = chosen[["panel", "step", "modes", "high_quality"]]
    return rows.drop(columns="sample").assign(x=x, y=y).merge(measured, on=["panel", "step"])


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A row per loss, a column per snapshot; the view is the data's, with a margin."""
    names = list(rows["panel"].unique())
    most = int(rows[rows["kind"] == "generated"].groupby("panel")["step"].nunique().max())
    grid = axes_by_row(canvas, len(names), most, height=2.4)
    for name, axes_of_row in zip(names, grid, strict=True):
        of_panel = rows[rows["panel"] == name]
        steps = list(of_panel[of_panel["kind"] == "generated"].groupby("step"))
        for axes, (step, generated) in zip(axes_of_row, steps, strict=False):
            _draw_cloud(axes, generated, of_panel)
            axes.set_title(f"step {step:,}{_measured(generated)}")
        for unused in axes_of_row[len(steps) :]:
            unused.remove()
        axes_of_row[0].set_ylabel(wrapped(name, 6))
    centre = Line2D([], [], color="black", marker="+", ls="", label="centre of a mode")
    real = Line2D([], [], color=REAL, marker=".", ls="", alpha=0.5, label="real sample")
    legend(canvas, [*_dots(rows), real, centre])


def _draw_cloud(axes: Axes, generated: pd.DataFrame, of_panel: pd.DataFrame) -> None:
    real, centres = (of_panel[of_panel["kind"] == kind] for kind in ("real", "centre"))
    colour = style_of(generated["loss"].iloc[0]).colour
    axes.plot(centres["x"], centres["y"], "+", color="#444444", markersize=11, markeredgewidth=0.6)
    for points, size, look, alpha in ((real, 5, REAL, 0.2), (generated, 7, colour, 0.6)):
        cloud = axes.scatter(points["x"], points["y"], s=size, color=look, alpha=alpha, lw=0)
        cloud.set_rasterized(True)
    for which in ("x", "y"):
        low, high = real[which].min(), real[which].max()
        margin = 0.25 * ((high - low) or 1.0)
        axes.set(**{f"{which}lim": (low - margin, high + margin), f"{which}ticks": ()})
    axes.set_box_aspect(1)
    axes.spines[:].set_visible(True)


def _measured(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    if np.isnan(first["modes"]):
        return ""
    return f"\n{first['modes']:g} modes, {percent(first['high_quality'])} high quality"


def _dots(rows: pd.DataFrame) -> list[Line2D]:
    handles = loss_handles(rows["loss"].unique())
    for handle in handles:
        handle.set(linestyle="", marker=".")
    return handles


def caption(rows: pd.DataFrame) -> str:
    """How many modes each loss covers first and last, and with how good samples."""
    generated = rows[(rows["kind"] == "generated") & rows["modes"].notna()]
    if generated.empty:
        return "Samples of the averaged generator beside the data; no modes were counted."
    told = []
    for name in generated["panel"].unique()[:TOLD]:
        of_panel = rows[rows["panel"] == name]
        centres = int((of_panel["kind"] == "centre").sum())
        first, last = (generated[generated["panel"] == name].iloc[end] for end in (0, -1))
        told.append(
            f"{name.replace(chr(10), ', ')}: {number(first['modes'])} to {number(last['modes'])} "
            f"of {centres} modes, {percent(last['high_quality'])} of the last samples of high "
            f"quality"
        )
    return f"From the first snapshot whose modes were counted to the last, {'; '.join(told)}."


FIGURE = Figure(
    title="Samples through training: 2-D points",
    needs="convergence cells on 2-D data (ring, grid), with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=12,
)
