"""Steps and seconds to a target against the minibatch's size, and what equal seconds bring."""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.estimates import log_log_slope
from analysis.figures.emphasis import rank
from analysis.figures.figure import Figure
from analysis.figures.panel import (
    is_leftmost,
    label,
    legend,
    log_axis,
    loss_handles,
    small_multiples,
    wrapped,
)
from analysis.figures.reached import (
    dodged,
    draw_runs,
    judged_runs,
    median_of,
    missed_handle,
)
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.recovery import DISTANCES, TARGET, distance_after
from analysis.survival import CLOCKS
from analysis.wording import interval, listing, number, percent

GROUP = ["panel", "loss", "batch_size"]

MANY = 6
"""With more batch sizes than these every second one is written on the axis."""

CLOSE = 1.6
"""Batch sizes nearer to each other than this factor have no room for two numbers."""

TOLD = 3
"""Panels that the caption tells of."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per run (`part` "run") and per panel, loss and batch size ("median").

    `step` and `seconds` to the target are NaN where it is not reached; a median over seeds counts
    a miss as later than any. `later` is the run's distance after `equal_seconds`, the training
    time that every finished run of the panel had.
    """
    runs = judged_runs(records, "batches", ["data", "loss", "batch_size"], TARGET)
    if runs.empty:
        return runs
    finished = runs["last_seconds"].where(runs["status"] == "finished")
    runs["equal_seconds"] = finished.groupby(runs["panel"]).transform("min")
    runs["later"] = distances_after(records.batches, runs)
    runs = runs.assign(
        part="run", x=runs["batch_size"] * np.exp2(dodged(runs, ["batch_size"], 0.4))
    )
    medians = [median_row(group) for _, group in runs.groupby(GROUP)]
    return pd.concat([runs, pd.DataFrame(medians)], ignore_index=True)


def distances_after(curves: pd.DataFrame, runs: pd.DataFrame) -> list[float]:
    """Each run's distance at its panel's equal seconds."""
    records = dict(iter(curves.groupby(["key", "machine"], sort=False)))
    none = curves.iloc[:0]
    return [
        distance_after(records.get((key, machine), none), seconds)
        for key, machine, seconds in zip(
            runs["key"], runs["machine"], runs["equal_seconds"], strict=True
        )
    ]


def median_row(group: pd.DataFrame) -> dict[str, object]:
    """The row of one loss at one batch size: medians over seeds."""
    first = {name: group[name].iloc[0] for name in [*GROUP, "equal_seconds", "metric"]}
    first["x"] = group["batch_size"].iloc[0] * np.exp2(
        np.log2(group["x"] / group["batch_size"]).mean()
    )
    medians = {clock: median_of(group[clock]) for clock in CLOCKS}
    later = group["later"][np.isfinite(group["later"])]
    return {**first, "part": "median", **medians, "later": later.median(), "n": len(group)}


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A column per setting: steps to the target, seconds, and the distance at equal seconds."""
    names = list(rows["panel"].unique())
    columns = max(2, min(4, len(names)))
    panels = small_multiples(canvas, [len(names)], stacked=3, columns=columns, height=2.3)
    for name, axes in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        runs, medians = (of_panel[of_panel["part"] == part] for part in ("run", "median"))
        for axis, column in zip(axes, (*CLOCKS, "later"), strict=True):
            if column in CLOCKS:
                draw_runs(axis, runs, "x", column)
            else:
                _draw_later(axis, runs)
            _draw_medians(axis, medians, column)
            _size_axis(axis, sorted(runs["batch_size"].unique()))
        axes[0].set_title(wrapped(name, columns))
        for axis, words in zip(axes, LABELS, strict=True):
            axis.set_ylabel(words if is_leftmost(axis) else "")
        seconds = runs["equal_seconds"].iloc[0]
        axes[2].set_title(f"{_metric(runs)} after {number(seconds)} s of training")
        axes[2].set_xlabel("batch size")
    legend(canvas, _handles(rows))


def _metric(runs: pd.DataFrame) -> str:
    return listing([DISTANCES[m] for m in DISTANCES if (runs["metric"] == m).any()] or ["distance"])


def _draw_later(axes: Axes, runs: pd.DataFrame) -> None:
    for loss, points in runs[runs["later"] > 0].groupby("loss"):
        style = style_of(str(loss))
        axes.plot(
            points["x"],
            points["later"],
            style.marker,
            color=style.colour,
            markersize=3.5,
            alpha=0.7,
        )


def _draw_medians(axes: Axes, medians: pd.DataFrame, column: str) -> None:
    for loss, group in medians.groupby("loss"):
        style, curve = style_of(str(loss)), group.sort_values("batch_size")
        (line,) = axes.plot(curve["x"], curve[column].where(curve[column] > 0), color=style.colour)
        line.set(linestyle=style.dashes, linewidth=1.4)
    if any(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).any() for line in axes.lines):
        log_axis(axes, "y")


def _size_axis(axes: Axes, sizes: list[float]) -> None:
    axes.set_xscale("log", base=2)
    shown = sizes[:: 2 if len(sizes) > MANY else 1]
    # The full data set may be a little more than the size before it: its number has the place.
    apart = [one for one, next_ in pairwise(shown) if next_ >= CLOSE * one]
    shown = [*apart, *shown[-1:]]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    losses = rows["loss"].drop_duplicates().sort_values(key=rank)
    handles = [*loss_handles(losses), missed_handle()]
    return [*handles, Line2D([], [], color="#888888", label="median over seeds, misses counted")]


def caption(rows: pd.DataFrame) -> str:
    """How steps and seconds to the target change with the batch, and how many runs miss it."""
    runs, medians = (rows[rows["part"] == part] for part in ("run", "median"))
    names = list(rows["panel"].unique())
    told = "; ".join(
        _panel(runs[runs["panel"] == name], medians[medians["panel"] == name], name)
        + _later(medians[medians["panel"] == name])
        for name in names[:TOLD]
    )
    reached = int(runs["reached"].astype(bool).sum())
    return (
        f"{reached:,} of {len(runs):,} runs reach the target, {percent(TARGET)} of their distance "
        f"at step 0, and keep it: {told}."
    )


def _panel(runs: pd.DataFrame, medians: pd.DataFrame, name: str) -> str:
    hit = runs[runs["reached"].astype(bool) & (runs["step"] > 0)]
    sizes = hit.groupby("loss")["batch_size"].nunique()
    if not (sizes >= 2).any():
        return f"on {name} no loss reaches it at two batch sizes"
    slope = log_log_slope(hit["batch_size"], hit["step"], list(hit["loss"]))
    power = interval(slope.estimate, slope.low, slope.high)
    return (
        f"on {name} the steps to it go like N to the power {power} over runs that reach it; "
        f"{_fastest(medians)}"
    )


def _later(medians: pd.DataFrame) -> str:
    """Which batch size is nearest to the data after equal seconds, as a clause to append."""
    known = medians[medians["later"].notna()].sort_values("later")
    if known.empty:
        return ""
    best = known.iloc[0]
    return (
        f"; after {number(best['equal_seconds'])} s the lowest median {_metric(medians)} is "
        f"{number(best['later'])}, at batch {best['batch_size']:,.0f} ({label(best['loss'])})"
    )


def _fastest(medians: pd.DataFrame) -> str:
    """The batch size with the fewest seconds, loss by loss."""
    known = medians[np.isfinite(medians["seconds"])]
    if known.empty:
        return "at no size do more than half of the seeds"
    best = known.loc[known.groupby("loss")["seconds"].idxmin()]
    told = [
        f"{row.batch_size:,.0f} ({row.loss}, {number(row.seconds)} s)" for row in best.itertuples()
    ]
    return f"the fewest seconds are at batch {listing(told)}"


LABELS = ("steps to target", "seconds to target", "distance at equal seconds")

FIGURE = Figure(
    title="How large a minibatch: steps and seconds to a target",
    needs="cells of the kind batches, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=8,
)
