"""How soon a loss's seeds reach their target, in steps and in seconds: Kaplan-Meier curves."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.estimates import FEWEST_SEEDS
from analysis.figures.figure import Figure
from analysis.figures.metric_curve import LABELS
from analysis.figures.panel import axes_by_row, is_leftmost, label, legend, loss_handles, wrapped
from analysis.figures.reached import judged_runs
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.recovery import DISTANCES, TARGET
from analysis.survival import CLOCKS, arrivals, exposures, median_time
from analysis.wording import count, listing, number, percent

GROUP = ["panel", "loss"]

MOST_BANDS = 4
"""More losses in a panel would be buried under their bands; the CSV has all bounds."""

MANY = 64
"""Marks of a loss that are shapes of their own; more are drawn in pixels."""

TOLD = 3
"""Panels that the caption tells of."""


def timed_runs(records: Records) -> pd.DataFrame:
    """Every run of convergence with when it arrived, or until when it was seen to miss.

    Args:
        records: the results.

    Returns:
        `survival.exposures` with `panel`, `loss` and `seed`. A run without a distance to take a
        share of is left out unless it diverged; so are panels in which no run has one.
    """
    runs = judged_runs(records, "training", ["data", "loss"], TARGET)
    if runs.empty:
        return runs
    runs = runs[(runs["start"] > 0) | (runs["status"] == "diverged")]
    rows = exposures(runs[runs.groupby("panel")["last_step"].transform("count") > 0])
    has_target = (rows["start"] > 0).groupby(rows["panel"]).transform("any")
    return rows[has_target].reset_index(drop=True)


def prepare(records: Records) -> pd.DataFrame:
    """Rows of three kinds, told apart by `part`.

    "run": one per run, with `arrived`, `step_exposed` and `seconds_exposed`. "curve": one per
    panel, loss, `clock` and `time`, with the `share` of seeds that have arrived and, from 8 seeds
    on, `low` and `high`. "median": one per panel, loss and clock, the `time` at which half of the
    seeds have arrived, infinite if that is not seen, and its `low` and `high`.
    """
    runs = timed_runs(records)
    if runs.empty:
        return runs
    for clock in CLOCKS:
        last = runs[f"last_{clock}"].astype(float)
        runs[f"{clock}_longest"] = last.groupby(runs["panel"]).transform("max")
    groups = [
        group_rows(of_group, clock).assign(panel=str(panel), loss=str(loss), clock=clock)
        for (panel, loss), of_group in runs.groupby(GROUP, sort=False)
        for clock in CLOCKS
    ]
    return pd.concat([runs.assign(part="run"), *groups], ignore_index=True)


def group_rows(runs: pd.DataFrame, clock: str) -> pd.DataFrame:
    """One loss's curve and median by one clock; once all have arrived it goes on level."""
    curve = arrivals(runs[f"{clock}_exposed"], runs["arrived"])
    rows = pd.DataFrame({"part": "curve", "time": curve.times, "share": curve.share})
    level = rows.iloc[[-1]].assign(time=runs[f"{clock}_longest"].iloc[0])
    middle = median_time(curve)
    half = {"part": "median", "time": middle.estimate, "share": 0.5}
    if curve.n >= FEWEST_SEEDS:
        rows = rows.assign(low=curve.low, high=curve.high)
        level = level.assign(low=curve.low[-1], high=curve.high[-1])
        half |= {"low": middle.low, "high": middle.high}
    parts = [rows, *([level] if runs["arrived"].all() else []), pd.DataFrame([half])]
    return pd.concat(parts, ignore_index=True).assign(n=curve.n)


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A row per setting: against steps on the left, against seconds on the right."""
    names = list(rows["panel"].unique())
    for name, line in zip(names, axes_by_row(canvas, len(names), 2, 2.5), strict=True):
        of_panel = rows[rows["panel"] == name]
        for axes, clock in zip(line, CLOCKS, strict=True):
            longest = of_panel[f"{clock}_longest"].max()
            for loss, of_loss in of_panel.groupby("loss"):
                _draw_loss(axes, of_loss, str(loss), clock)
            for loss, curve in banded(of_panel[of_panel["clock"] == clock]).groupby("loss"):
                _draw_band(axes, curve, str(loss))
            words = "share of seeds at the target" if is_leftmost(axes) else ""
            axes.set(title=wrapped(name, 2), xlabel=LABELS[clock], ylabel=words)
            axes.set(ylim=(-0.04, 1.06), yticks=(0, 0.5, 1))
            axes.set_xlim(0, 1.03 * longest or 1)
            axes.xaxis.set_major_locator(MaxNLocator(5))
    legend(canvas, _handles(rows))


def banded(rows: pd.DataFrame) -> pd.DataFrame:
    """The curves with bounds in panels of few losses."""
    if "low" not in rows:
        return rows.iloc[:0]
    losses = rows.groupby("panel")["loss"].transform("nunique")
    return rows[(rows["part"] == "curve") & rows["low"].notna() & (losses <= MOST_BANDS)]


def _draw_loss(axes: Axes, rows: pd.DataFrame, loss: str, clock: str) -> None:
    style = style_of(loss)
    curve = rows[(rows["part"] == "curve") & (rows["clock"] == clock)]
    axes.step(curve["time"], curve["share"], where="post", color=style.colour, ls=style.dashes)
    missed = rows[(rows["part"] == "run") & ~rows["arrived"].eq(other=True)]
    at = np.searchsorted(curve["time"], missed[f"{clock}_exposed"])
    for marker, status in (("|", "finished"), ("x", "diverged")):
        of_status = (missed["status"] == status).to_numpy()
        x, y = missed[f"{clock}_exposed"][of_status], curve["share"].to_numpy()[at[of_status]]
        if len(x):
            (drawn,) = axes.plot(x, y, marker, color=style.colour, markersize=8, clip_on=False)
            drawn.set_rasterized(len(x) > MANY)


def _draw_band(axes: Axes, curve: pd.DataFrame, loss: str) -> None:
    bounds = curve["low"], curve["high"]
    colour = style_of(loss).colour
    axes.fill_between(curve["time"], *bounds, step="post", color=colour, alpha=0.13, lw=0)


def _handles(rows: pd.DataFrame) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [*loss_handles(sorted(rows["loss"].unique()), marked=False)]
    missed = rows["status"][(rows["part"] == "run") & ~rows["arrived"].eq(other=True)]
    for marker, status, words in MISSES:
        if (missed == status).any():
            handles.append(Line2D([], [], color="#888888", marker=marker, ls="", label=words))
    if len(banded(rows)):
        handles.append(Patch(color="#888888", alpha=0.3, label="95 % interval, pointwise"))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """How many runs arrive, and how soon half of a loss's seeds do."""
    runs = rows[rows["part"] == "run"]
    metrics = " or ".join(DISTANCES[m] for m in DISTANCES if (runs["metric"] == m).any())
    diverged = int((runs["status"] == "diverged").sum())
    ended = f"{diverged:,} diverged, which counts as never" if diverged else "none diverged"
    steps = rows[(rows["part"] == "median") & (rows["clock"] == "step")]
    names = list(steps["panel"].unique())
    told = "; ".join(_medians(steps[steps["panel"] == name], name) for name in names[:TOLD])
    more = len(names) - TOLD
    others = f" ({count(more, 'setting')} more in the CSV)" if more > 0 else ""
    return (
        f"The target is a {metrics} of at most {percent(TARGET)} of that at step 0, kept to the "
        f"end: {int(runs['arrived'].sum()):,} of {count(len(runs), 'run')} come to it, "
        f"{ended}. Half of the seeds have come to it {told}{others}."
    )


def _medians(medians: pd.DataFrame, name: str) -> str:
    """The soonest and the latest of one panel's losses."""
    ordered = medians.sort_values(["time", "loss"])
    ends = [_median(row) for row in ordered.iloc[[0, -1]].to_dict("records")]
    return f"{listing(list(dict.fromkeys(ends)))} on {name}"


def _median(row: dict[object, object]) -> str:
    time, low, high = (float(str(row.get(name, np.nan))) for name in ("time", "low", "high"))
    loss = label(row["loss"])
    if np.isinf(time):
        return f"never in their steps ({loss})"
    bounds = "" if np.isnan(low) else f" [{number(low)}, {number(high)}]"
    return f"after {number(time)}{bounds} steps ({loss})"


MISSES = (
    ("|", "finished", "ends without (censored)"),
    ("x", "diverged", "diverged (never)"),
)

FIGURE = Figure(
    title="How soon the losses reach their target",
    needs="convergence cells, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=6,
)
