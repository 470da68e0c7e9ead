"""What a head start of D does: whether the generator recovers, when, and where it ends."""

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.estimates import share_interval
from analysis.figures.emphasis import rank
from analysis.figures.figure import Figure
from analysis.figures.panel import (
    WIDTH,
    is_leftmost,
    label,
    legend,
    log_axis,
    loss_handles,
    wrapped,
)
from analysis.figures.reached import dodged, draw_runs, judged_runs, median_of, missed_handle
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.recovery import DISTANCES, RECOVERED, rule_of
from analysis.wording import count, listing, number, percent

GROUP = ["panel", "optimiser", "head_start", "loss"]

TOLD = 3
"""Panels that the caption tells of."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per run (`part` "run") and per panel, optimiser, head start and loss ("share").

    A run: `reached`, the `step` at which it recovered and `final_share`, its last distance over
    that at step 0. A group: `value` of its `n` runs recovered, between `low` and `high`, the exact
    95 % interval, in `step` steps in the median. `x` is where it is drawn: head starts are 1 apart.
    """
    if records.runs.empty:
        return pd.DataFrame()
    rules = [rule_of(run) for run in records.runs.to_dict("records")]
    records = replace(records, runs=records.runs.assign(optimiser=rules))
    given = ["data", "loss", "optimiser", "run.head_start"]
    runs = judged_runs(records, "head_start", given, RECOVERED)
    if runs.empty:
        return runs
    runs = runs.rename(columns={"run.head_start": "head_start"})
    runs["place"] = runs.groupby("panel")["head_start"].rank("dense") - 1
    runs["x"] = runs["place"] + dodged(runs, ["optimiser", "place"], 0.4)
    share = runs["final"] / runs["start"].where(runs["start"] > 0)
    runs = runs.assign(part="run", final_share=share.where(np.isfinite(share)))
    groups = [share_row(group) for _, group in runs.groupby(GROUP)]
    return pd.concat([runs, pd.DataFrame(groups)], ignore_index=True)


def share_row(group: pd.DataFrame) -> dict[str, object]:
    """The row of one group: the share that recovered, and after how many steps."""
    exact = share_interval(int(group["reached"].sum()), len(group))
    first = {name: group[name].iloc[0] for name in [*GROUP, "place"]} | {"x": group["x"].mean()}
    bounds = {"value": exact.estimate, "low": exact.low, "high": exact.high, "n": exact.n}
    finals = {"final_share": group["final_share"].median()}
    return {**first, "part": "share", **bounds, **finals, "step": median_of(group["step"])}


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Three rows a setting, a column per optimiser: shares, steps to recovery, last distances."""
    names, optimisers = list(rows["panel"].unique()), sorted(rows["optimiser"].unique())
    columns = max(2, len(optimisers))
    canvas.set_size_inches(WIDTH, 0.5 + 6.3 * len(names))
    grid = canvas.subplots(3 * len(names), columns, squeeze=False, sharey="row")
    for unused in grid[:, len(optimisers) :].flat:
        unused.remove()
    for turn, name in enumerate(names):
        of_panel = rows[rows["panel"] == name]
        for column, optimiser in enumerate(optimisers):
            axes = grid[3 * turn : 3 * turn + 3, column]
            axes[0].set_title(wrapped(f"{name} · {optimiser}", columns))
            _draw_column(list(axes), of_panel, optimiser)
    legend(canvas, _handles(rows))


def _draw_column(axes: list[Axes], of_panel: pd.DataFrame, optimiser: str) -> None:
    rows = of_panel[of_panel["optimiser"] == optimiser]
    runs, shares = rows[rows["part"] == "run"], rows[rows["part"] == "share"]
    _draw_shares(axes[0], shares)
    draw_runs(axes[1], runs, "x", "step")
    _draw_finals(axes[2], runs)
    for axis, column in zip(axes[1:], ("step", "final_share"), strict=True):
        _draw_medians(axis, shares, column)
    ticks = of_panel.drop_duplicates("place").sort_values("place")
    for axis, words in zip(axes, LABELS, strict=True):
        axis.set_ylabel(words if is_leftmost(axis) else "")
        axis.set_xticks(ticks["place"], [f"{start:,.0f}" for start in ticks["head_start"]])
        axis.set_xlim(-0.5, ticks["place"].max() + 0.5)
        axis.grid(visible=False, axis="x")
    axes[2].set_xlabel("head start: updates of D alone")


def _draw_shares(axes: Axes, shares: pd.DataFrame) -> None:
    for loss, group in shares.groupby("loss"):
        style = style_of(str(loss))
        axes.vlines(group["x"], group["low"], group["high"], color=style.colour, lw=1.4)
        axes.plot(group["x"], group["value"], style.marker, color=style.colour, markersize=6)
    axes.set(ylim=(-0.04, 1.04), yticks=(0, 0.5, 1))


def _draw_finals(axes: Axes, runs: pd.DataFrame) -> None:
    for (loss, status), points in runs.groupby(["loss", "status"]):
        style = style_of(str(loss))
        marker, size = (style.marker, 3.5) if status == "finished" else ("x", 6.0)
        shown = points[points["final_share"] > 0]
        axes.plot(shown["x"], shown["final_share"], marker, color=style.colour, markersize=size)
    log_axis(axes, "y")
    for line, dashes in ((1.0, "-"), (RECOVERED, (0, (4, 2)))):
        axes.axhline(line, color="#999999", lw=0.8, ls=dashes, zorder=0)


def _draw_medians(axes: Axes, shares: pd.DataFrame, column: str) -> None:
    known = shares[shares[column] > 0]
    axes.plot(known["x"], known[column], "_", color="black", markersize=13, mew=1.4)
    if len(known) or len(axes.get_lines()) > 1:
        log_axis(axes, "y")


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    losses = rows["loss"].drop_duplicates()
    handles = loss_handles(losses.sort_values(key=rank))
    for handle in handles:
        handle.set(linestyle="-", label=label(handle.get_label()))
    handles.append(Line2D([], [], color="black", marker="_", ls="", markersize=11, label="median"))
    handles.append(missed_handle())
    target = f"{number(RECOVERED)} of the distance at step 0: recovered"
    handles.append(Line2D([], [], color="#999999", lw=0.8, ls=(0, (4, 2)), label=target))
    runs = rows[rows["part"] == "run"]
    if (runs["status"] != "finished").any():
        handles.append(Line2D([], [], color="#888888", marker="x", ls="", label="diverged"))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """How many generators recover from the longest head start, and whether the loss decides it."""
    runs, shares = (rows[rows["part"] == part] for part in ("run", "share"))
    names = list(rows["panel"].unique())
    told = "; ".join(_longest(shares[shares["panel"] == name], name) for name in names[:TOLD])
    lost = int(runs["lost"].astype(bool).sum())
    metrics = " or ".join(DISTANCES[m] for m in DISTANCES if (runs["metric"] == m).any()) or "W₁"
    return (
        f"Recovered is a generator whose {metrics} falls to {percent(RECOVERED)} of its value at "
        f"step 0 and stays there: {told}. Over all head starts {_differences(shares)}; "
        f"{count(lost, 'run')} of {len(runs):,} came there and lost it again by the end."
    )


def _longest(shares: pd.DataFrame, name: str) -> str:
    """The longest head start of one panel, optimiser by optimiser."""
    longest = shares[shares["head_start"] == shares["head_start"].max()]
    told = []
    for optimiser, group in longest.groupby("optimiser"):
        alike: dict[str, list[str]] = {}
        for row in group.itertuples():
            alike.setdefault(_exact(row), []).append(_words(str(row.loss)))
        words = [f"{share} ({', '.join(losses)})" for share, losses in alike.items()]
        told.append(f"with {optimiser} {listing(words)}")
    start = longest["head_start"].iloc[0]
    return f"after {start:,.0f} updates of D on {name}, {', '.join(told)}"


def _exact(row: object) -> str:
    share, n, low, high = (getattr(row, name) for name in ("value", "n", "low", "high"))
    return f"{round(share * n)} of {int(n)} [{percent(low)}, {percent(high)}]"


def _differences(shares: pd.DataFrame) -> str:
    """In how many conditions the two losses' intervals lie apart, and which way."""
    table = shares.pivot_table(
        index=GROUP[:3], columns="loss", values=["low", "high"], aggfunc="first"
    )
    pair = [("low", "saturating"), ("high", "saturating")]
    pair += [("low", "non_saturating"), ("high", "non_saturating")]
    if not set(pair) <= set(table):
        return "no condition compares the saturating with the non-saturating loss"
    low, high, other_low, other_high = (table[name] for name in pair)
    both = int((low.notna() & other_low.notna()).sum())
    fewer, more = int((high < other_low).sum()), int((low > other_high).sum())
    return (
        f"the saturating loss recovers less often than the non-saturating, with intervals apart, "
        f"in {fewer} of {both} conditions, more often in {more}"
    )


def _words(loss: str) -> str:
    return label(loss).replace("_", "-")


LABELS = ("share that recovers", "steps to recovery", "last distance / first")

FIGURE = Figure(
    title="Whether a generator recovers from its discriminator's head start",
    needs="cells of the kind head_start, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=3,
)
