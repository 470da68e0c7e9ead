"""A metric through training, against steps and against seconds of training."""

from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.estimates import FEWEST_SEEDS
from analysis.figures import metric
from analysis.figures.figure import Figure
from analysis.figures.panel import legend, log_axis, loss_handles, small_multiples, wrapped
from analysis.figures.style import style_of
from analysis.processes import cores, outcomes
from analysis.records import Records
from analysis.wording import listing, number

LABELS = {"step": "step (generator updates)", "seconds": "training seconds"}

MEAN = "interquartile_mean"

DECADES = 20
"""A distance that is never 0 and spans this factor is drawn on a logarithmic axis."""


def prepare(records: Records) -> pd.DataFrame:
    """Every run's curve, and from 8 seeds on the interquartile mean over seeds between its bounds.

    A run's last record has a row, with no value, also where its value is undefined.
    A mean's `seconds` are the mean of its runs' seconds at that step. It ends where the first of
    its runs does: a mean over the survivors would flatter. The bounds are pointwise: at any one
    step they hold the true value in 95 % of sessions, at all steps together in fewer.
    """
    if records not in _PREPARED:
        _PREPARED[records] = _prepared(records)
    return _PREPARED[records].copy(deep=False)  # pandas copies what a caller writes to


def _prepared(records: Records) -> pd.DataFrame:
    rows = metric.curves(records)
    if rows.empty:
        return rows
    rows["kind"] = "run"
    means = means_of(rows)
    rows = pd.concat([rows, means], ignore_index=True) if len(means) else rows
    values = rows[rows["kind"] == "run"].groupby("panel")["value"].agg(["min", "max"])
    falling = [name for name, m in metric.METRICS.items() if m.best == "lower"]
    spans = (values["min"] > 0) & (values["max"] > DECADES * values["min"])
    return rows.assign(log=rows["panel"].map(spans) & rows["metric"].isin(falling))


def means_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The interquartile mean at every step at which all of 8 or more seeds have a value."""
    curves = [
        (str(panel), str(name), str(loss), runs)
        for (panel, name, loss), runs in rows.groupby(["panel", "metric", "loss"], sort=False)
        if runs["runs"].iloc[0] >= FEWEST_SEEDS
    ]
    jobs = [partial(mean_curve, runs) for *_, runs in curves]
    means = [
        mean.assign(panel=panel, metric=name, loss=loss, kind=MEAN)
        for mean, (panel, name, loss, _) in zip(
            outcomes(jobs, cores() if len(rows) >= MANY_ROWS else 1), curves, strict=True
        )
        if len(mean)
    ]
    return pd.concat(means, ignore_index=True) if means else pd.DataFrame()


def mean_curve(runs: pd.DataFrame) -> pd.DataFrame:
    """A loss's `step`, `seconds`, `value`, `low` and `high` at the steps that all its runs have."""
    table = runs.pivot_table("value", "step", ["key", "machine"], aggfunc="last").dropna()
    if table.shape[1] < runs["runs"].iloc[0] or table.empty:
        return pd.DataFrame()
    means = metric.pointwise(table.to_numpy())
    return pd.DataFrame(
        {
            "step": table.index,
            "seconds": runs.groupby("step")["seconds"].mean().loc[table.index].to_numpy(),
            "value": [mean.estimate for mean in means],
            "low": [mean.low for mean in means],
            "high": [mean.high for mean in means],
        }
    )


def draw(rows: pd.DataFrame, canvas: Canvas, x: str) -> None:
    """A panel per setting and metric, a thin line per seed, means with bounds where there are."""
    rows = rows[rows["value"].notna()]
    names = list(rows["panel"].unique())
    panels = small_multiples(canvas, [len(names)], columns=4, height=2.3)
    for name, (axes,) in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        means = of_panel[of_panel["kind"] == MEAN]
        for loss, lines in of_panel.groupby("loss"):
            _draw_runs(axes, lines[lines["kind"] == "run"], x, faint=loss in set(means["loss"]))
        for _, mean in means.groupby("loss"):
            _draw_mean(axes, mean, x)
        if of_panel["log"].iloc[0]:
            log_axis(axes, "y")
        axes.set(title=wrapped(name, 4), xlabel=LABELS[x])
        axes.xaxis.set_major_locator(MaxNLocator(4))
    handles = [*loss_handles(rows["loss"].unique(), marked=False), *_notes(rows)]
    legend(canvas, handles)


def _draw_runs(axes: Axes, rows: pd.DataFrame, x: str, *, faint: bool) -> None:
    if faint and rows["runs"].max() > MANY:
        _draw_many(axes, rows, x)
        return
    for _, run in rows.groupby(["key", "machine"]):
        style, last = style_of(run["loss"].iloc[0]), run.iloc[-1]
        alpha, dashes = (0.3, "-") if faint else (0.9, style.dashes)
        axes.plot(run[x], run["value"], color=style.colour, ls=dashes, lw=0.9, alpha=alpha)
        if last["status"] != "finished":
            axes.plot(last[x], last["value"], "x", color=style.colour, markersize=7)


def _draw_many(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    """A loss's faint lines in pixels and at once: each a shape, they would outweigh the report."""
    rows = rows.sort_values(["key", "machine"], kind="stable")
    firsts = ~rows.duplicated(["key", "machine"])
    points = rows[[x, "value"]].to_numpy(float)
    lines = np.split(points, np.flatnonzero(firsts)[1:])
    colour = style_of(rows["loss"].iloc[0]).colour
    drawn = LineCollection(lines, colors=colour, linewidths=0.9, alpha=0.3, rasterized=True)
    axes.add_collection(drawn)
    axes.autoscale_view()
    ended = rows[~rows.duplicated(["key", "machine"], keep="last") & (rows["status"] != "finished")]
    axes.plot(ended[x], ended["value"], "x", color=colour, markersize=7)


def _draw_mean(axes: Axes, mean: pd.DataFrame, x: str) -> None:
    style = style_of(mean["loss"].iloc[0])
    axes.fill_between(mean[x], mean["low"], mean["high"], color=style.colour, alpha=0.2, lw=0)
    axes.plot(mean[x], mean["value"], color=style.colour, ls=style.dashes, lw=1.8)


def _notes(rows: pd.DataFrame) -> list[Line2D | Patch]:
    notes: list[Line2D | Patch] = []
    if (rows["kind"] == MEAN).any():
        notes.append(Line2D([], [], color="#888888", lw=1.8, label="interquartile mean over seeds"))
        notes.append(
            Patch(color="#888888", alpha=0.3, label="95 % interval of the mean, pointwise")
        )
    notes.append(Line2D([], [], color="#888888", lw=0.9, alpha=0.6, label="one seed"))
    ended = rows["status"].notna() & (rows["status"] != "finished")
    if ended.any():
        notes.append(Line2D([], [], color="#888888", marker="x", ls="", label="did not finish"))
    return notes


def caption_steps(rows: pd.DataFrame) -> str:
    """Which loss ends best, and which runs did not get there."""
    ends = metric.ends(rows[rows["kind"] == "run"])
    text = f"{metric.ranking(ends)}{metric.diverged(ends)}{metric.undefined(ends)}"
    return f"At the end (at most {int(rows['step'].max()):,} steps), {text}."


def caption_seconds(rows: pd.DataFrame) -> str:
    """How long the losses take, and which ends best."""
    ends = metric.ends(rows[rows["kind"] == "run"])
    done = ends[ends["status"] == "finished"].drop_duplicates(["key", "machine"])
    if done.empty:
        return f"No run finished{metric.diverged(ends)}."
    text = f"{metric.ranking(ends)}{metric.diverged(ends)}{metric.undefined(ends)}"
    return f"{paces(done)}; {text}."


def paces(done: pd.DataFrame) -> str:
    """Seconds of a thousand steps, setting by setting: the fastest loss to the slowest."""
    pace = done["seconds"] / done["step"].clip(lower=1) * 1000
    setting = done["panel"].str.partition("\n")[0]
    told = []
    for name, medians in pace.groupby([setting, done["loss"]]).median().groupby(level=0):
        ends = medians.droplevel(0).sort_values().iloc[[0, -1]]
        words = [f"{number(seconds)} s ({loss})" for loss, seconds in ends.items()]
        told.append(f"{' to '.join(dict.fromkeys(words))} on {name}")
    return f"A thousand steps take {listing(told)}, medians over runs without their evaluation"


MANY = 64
"""Seeds of a loss beyond which each line is no longer a shape of its own."""

MANY_ROWS = 20_000
"""Records from which on the resampling of their means takes longer than to begin a process."""

_PREPARED: WeakKeyDictionary[Records, pd.DataFrame] = WeakKeyDictionary()
"""Two figures show the same rows against different axes."""

STEPS = Figure(
    title="Metrics against steps",
    needs="convergence cells, with their runs",
    prepare=prepare,
    draw=partial(draw, x="step"),
    caption=caption_steps,
)

SECONDS = Figure(
    title="Metrics against training seconds",
    needs="convergence cells, with their runs",
    prepare=prepare,
    draw=partial(draw, x="seconds"),
    caption=caption_seconds,
)
