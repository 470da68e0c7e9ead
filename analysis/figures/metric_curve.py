"""A metric through training, against steps and against seconds of training."""

from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
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

    A run's last record has a row, with no value, also where its value is undefined. Of a loss with
    more than MANY seeds there are rows of the kinds SPREADS at every step, too: the median between
    the bounds of the middle half, and of the middle 90 %, of the seeds that have a value there.
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
    more = [table for table in (spreads_of(rows), means_of(rows)) if len(table)]
    rows = pd.concat([rows, *more], ignore_index=True) if more else rows
    values = rows[rows["kind"] == "run"].groupby("panel")["value"].agg(["min", "max"])
    falling = [name for name, m in metric.METRICS.items() if m.best == "lower"]
    spans = (values["min"] > 0) & (values["max"] > DECADES * values["min"])
    log = rows["panel"].map(spans).astype(bool) & rows["metric"].isin(falling)
    return rows.assign(log=log)


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


def spreads_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The middle of the seeds at every step, of losses with so many that lines would be a smear."""
    many = rows[(rows["runs"] > MANY) & rows["value"].notna()]
    at_step = many.groupby(["panel", "metric", "loss", "step"], sort=False)
    seconds, values = at_step["seconds"].mean(), at_step["value"]
    middle = values.median()
    tables = [
        pd.DataFrame(
            {
                "seconds": seconds,
                "value": middle,
                "low": values.quantile((1 - share) / 2),
                "high": values.quantile((1 + share) / 2),
            }
        ).assign(kind=kind)
        for kind, share in SPREADS.items()
    ]
    return pd.concat(tables).reset_index()


def mean_curve(runs: pd.DataFrame) -> pd.DataFrame:
    """A loss's `step`, `seconds`, `value`, `low` and `high` at the steps that all its runs have."""
    steps, line = np.unique(runs["step"], return_inverse=True)
    column = runs.groupby(["key", "machine"]).ngroup().to_numpy()
    table = np.full((len(steps), column.max() + 1), np.nan)
    table[line, column] = runs["value"]
    whole = np.isfinite(table).all(axis=1)
    if table.shape[1] < runs["runs"].iloc[0] or not whole.any():
        return pd.DataFrame()
    means = metric.pointwise(table[whole])
    return pd.DataFrame(
        {
            "step": steps[whole],
            "seconds": runs["seconds"].groupby(line).mean().to_numpy()[whole],
            "value": [mean.estimate for mean in means],
            "low": [mean.low for mean in means],
            "high": [mean.high for mean in means],
        }
    )


def draw(rows: pd.DataFrame, canvas: Canvas, x: str) -> None:
    """A panel per setting and metric, a thin line per seed, means with bounds where there are."""
    rows = rows[rows["value"].notna() & (_is_drawn(rows) | ~(rows["runs"] > MANY))]
    names = list(rows["panel"].unique())
    panels = small_multiples(canvas, [len(names)], columns=4, height=2.3)
    for name, (axes,) in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        means = of_panel[of_panel["kind"] == MEAN]
        for loss, lines in of_panel.groupby("loss"):
            runs, spreads = (lines[lines["kind"].isin(kinds)] for kinds in (["run"], SPREADS))
            if len(spreads):
                _draw_spreads(axes, spreads, x)
                _draw_ends(axes, runs, x)
            else:
                _draw_runs(axes, runs, x, faint=loss in set(means["loss"]))
        for _, mean in means.groupby("loss"):
            _draw_mean(axes, mean, x)
        if of_panel["log"].iloc[0]:
            log_axis(axes, "y")
        axes.set(title=wrapped(name, 4), xlabel=LABELS[x])
        axes.xaxis.set_major_locator(MaxNLocator(4))
    handles = [*loss_handles(rows["loss"].unique(), marked=False), *_notes(rows)]
    legend(canvas, handles)


def _is_drawn(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of a loss of many seeds are: not those of runs that finished."""
    return (rows["kind"] != "run") | (rows["status"] != "finished")


def _draw_runs(axes: Axes, rows: pd.DataFrame, x: str, *, faint: bool) -> None:
    for _, run in rows.groupby(["key", "machine"]):
        style = style_of(run["loss"].iloc[0])
        alpha, dashes = (0.3, "-") if faint else (0.9, style.dashes)
        axes.plot(run[x], run["value"], color=style.colour, ls=dashes, lw=0.9, alpha=alpha)
    _draw_ends(axes, rows, x)


def _draw_ends(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    """A cross at the last value of every run that did not finish."""
    last = rows[~rows.duplicated(["key", "machine"], keep="last")]
    for loss, ended in last[last["status"] != "finished"].groupby("loss"):
        axes.plot(ended[x], ended["value"], "x", color=style_of(str(loss)).colour, markersize=7)


def _draw_spreads(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    colour = style_of(rows["loss"].iloc[0]).colour
    for _, spread in rows.groupby("kind"):
        axes.fill_between(spread[x], spread["low"], spread["high"], color=colour, alpha=0.12, lw=0)


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
    if (rows["runs"] <= MANY).any():
        notes.append(Line2D([], [], color="#888888", lw=0.9, alpha=0.6, label="one seed"))
    if rows["kind"].isin(SPREADS).any():
        notes.append(Patch(color="#888888", alpha=0.2, label="middle half and 90 % of the seeds"))
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
        together = int(done.loc[setting == name, "ensemble"].max())
        seeds = f" ({together} seeds side by side)" if together > 1 else ""
        told.append(f"{' to '.join(dict.fromkeys(words))} on {name}{seeds}")
    return f"A thousand steps take {listing(told)}, medians over runs without their evaluation"


MANY = 64
"""Seeds of a loss beyond which their lines would cover each other: its spread is drawn instead."""

SPREADS = {"middle_half": 0.5, "middle_90_percent": 0.9}
"""Kinds of rows, and the share of the seeds that are between their bounds."""

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
