"""Fig. 1 of Goodfellow et al. 2014, redrawn from measurement: p_data, p_g, D and D*."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import expit

from analysis.densities import discriminator_error, kernel_density, optimal_discriminator
from analysis.figures.figure import Figure
from analysis.figures.panel import axes_by_row, is_leftmost, label, legend, wrapped
from analysis.figures.snapshot import finite_samples, snapshots
from analysis.figures.style import REAL, style_of
from analysis.records import Records
from analysis.wording import direction, listing, number

SNAPSHOTS = 5

VISIBLE = 1e-3
"""Share of the highest density below which there is nothing to see, nor a D* worth the name."""

TOP = 2.0
"""Densities are drawn up to so many times the top of p_data."""

HIGHEST = 1.06
"""Of the right axis, so that D = 1 shows below the upper edge."""


def prepare(records: Records) -> pd.DataFrame:
    """p_data, p_g, D and D* on the grid at every snapshot of one run per setting and loss."""
    rows = snapshots(records, lambda shape: list(shape) == [1], SNAPSHOTS)
    if rows.empty or "grid" not in rows:
        return pd.DataFrame()
    rows = rows.dropna(subset=["grid", "density_on_grid", "logits_on_grid"])
    curves = [curve for _, row in rows.iterrows() if not (curve := on_grid(row)).empty]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()


def on_grid(row: "pd.Series[Any]") -> pd.DataFrame:
    """One snapshot's curves where there is anything to see; none if no sample is finite."""
    grid, p_data, logits, flat = (
        np.asarray(row[name], dtype=np.float64)
        for name in ("grid", "density_on_grid", "logits_on_grid", "samples")
    )
    samples = finite_samples(flat, [1]).ravel()
    if not samples.size or len(grid) < 2:
        return pd.DataFrame()
    p_g, d = kernel_density(samples, grid), expit(logits)
    seen = p_data + p_g > VISIBLE * p_data.max()
    curves = {"x": grid, "p_data": p_data, "p_g": p_g, "d": d}
    names = {name: row[name] for name in ("panel", "loss", "seed", "step")}
    rows = pd.DataFrame({**{name: [value] * len(grid) for name, value in names.items()}, **curves})
    return rows.assign(
        d_star=np.where(seen, optimal_discriminator(p_data, p_g), np.nan),
        seen=seen,
        error=discriminator_error(d, p_data, p_g),
    )


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A row per loss, a column per snapshot; D and D* fill the height from 0 to 1."""
    names = list(rows["panel"].unique())
    most = int(rows.groupby("panel")["step"].nunique().max())
    grid = axes_by_row(canvas, len(names), most, height=1.75)
    x = rows["x"][rows["seen"]]
    for name, axes_of_row in zip(names, grid, strict=True):
        of_panel = list(rows[rows["panel"] == name].groupby("step"))
        for axes, (step, of_step) in zip(axes_of_row, of_panel, strict=False):
            _draw_snapshot(axes, of_step)
            axes.set(xlim=(x.min(), x.max()), title=f"step {step:,}")
            axes.tick_params(labelbottom=axes_of_row is grid[-1], labelleft=is_leftmost(axes))
        for unused in axes_of_row[len(of_panel) :]:
            unused.remove()
        axes_of_row[0].set_ylabel(f"{wrapped(name, 6)}\ndensity")
        _add_right_axis(axes_of_row[len(of_panel) - 1])
    for axes in grid[-1]:
        axes.set_xlabel("x")
    legend(canvas, _handles(rows))


def _draw_snapshot(axes: Axes, rows: pd.DataFrame) -> None:
    colour, x = style_of(rows["loss"].iloc[0]).colour, rows["x"]
    axes.plot(x, rows["p_data"], color="black", ls=(0, (1, 1)))
    axes.fill_between(x, rows["p_g"], color=colour, alpha=0.25, lw=0)
    axes.plot(x, rows["p_g"], color=colour)
    of_height = axes.get_xaxis_transform()
    for column, dashes in (("d", (0, (5, 1))), ("d_star", "-")):
        height = rows[column] / HIGHEST
        axes.plot(x, height, color=REAL, ls=dashes, lw=1.1, transform=of_height)
    axes.set(ylim=(0, TOP * rows["p_data"].max()))
    axes.grid(visible=False)


def _add_right_axis(axes: Axes) -> None:
    right = axes.twinx()
    axes.tick_params(left=False)
    right.tick_params(right=False)
    right.set(ylim=(0, HIGHEST), yticks=(0, 0.5, 1), ylabel="D")
    right.grid(visible=False)
    right.spines["right"].set_visible(True)


def _handles(rows: pd.DataFrame) -> list[Line2D | Patch]:
    losses = rows["loss"].unique()
    return [
        Line2D([], [], color="black", ls=(0, (1, 1)), label="p_data (left axis)"),
        *(
            Patch(color=style_of(x).colour, alpha=0.4, label=f"p_g, {label(x)} (left)")
            for x in losses
        ),
        Line2D([], [], color=REAL, ls=(0, (5, 1)), label="D (right axis)"),
        Line2D([], [], color=REAL, label="D* = p_data / (p_data + p_g) (right)"),
    ]


def caption(rows: pd.DataFrame) -> str:
    """How far D is from D*, first and last, and whether any density is cut off."""
    errors = rows.groupby(["panel", "step"])["error"].first().reset_index()
    ends = errors.groupby("panel")["error"].agg(["first", "last", "count"])
    text = f"{_listed(ends)}; p_g is the density of the averaged generator's samples."
    if (rows["p_g"] > TOP * rows.groupby("panel")["p_data"].transform("max")).any():
        text = f"{text[:-1]}, cut off at {number(TOP)} times the top of p_data."
    return text


def _listed(ends: pd.DataFrame) -> str:
    if len(ends) > 3:
        trends = [direction(a, b) for a, b in zip(ends["first"], ends["last"], strict=True)]
        return (
            f"From the first snapshot to the last, mean |D − D*| falls in "
            f"{trends.count('falls')} of {len(ends)} rows and rises in {trends.count('rises')}; "
            f"its median goes from {number(ends['first'].median())} to "
            f"{number(ends['last'].median())}"
        )
    told = []
    for name, row in ends.iterrows():
        words = str(name).replace("\n", ", ")
        if row["count"] < 2:
            told.append(f"is {number(row['first'])} ({words})")
        else:
            trend = direction(row["first"], row["last"])
            told.append(f"{trend} from {number(row['first'])} to {number(row['last'])} ({words})")
    return f"From the first snapshot to the last, mean |D − D*| {listing(told)}"


FIGURE = Figure(
    title="Densities and discriminator on 1-D data",
    needs="convergence cells on 1-D data (gaussian1d), with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=8,
)
