"""How often each loss is within a factor of the fastest: performance profiles over losses."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

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
from analysis.figures.style import style_of
from analysis.figures.time_to_target import timed_runs
from analysis.performance import profile, tried_by_all
from analysis.records import Records
from analysis.survival import CLOCKS
from analysis.wording import count, listing, percent

TOLD = 2
"""Panels that the caption tells of."""

TOLD_LOSSES = 4
"""That are equally good: more are counted."""

NAMES = {"step": "steps", "seconds": "training seconds"}


def prepare(records: Records) -> pd.DataFrame:
    """Each loss's profile over the problems that it shares with others, by either clock.

    A problem is a seed of a setting. Settings that compare the same losses make one profile.

    Returns:
        `panel`, `losses` (how many), `settings`, `problems`, `left_out` (problems that a loss
        did not try), `clock`, `loss`, `ratio` and `share`; a last row per loss carries the
        share on to 1.25 times the largest ratio of its panel.
    """
    runs = timed_runs(records)
    if runs.empty:
        return pd.DataFrame()
    rows = [
        profile_rows(runs[runs["panel"].isin(settings)], clock)
        for settings in comparable(runs)
        for clock in CLOCKS
    ]
    drawn = [frame for frame in rows if len(frame)]
    return pd.concat(drawn, ignore_index=True) if drawn else pd.DataFrame()


def comparable(runs: pd.DataFrame) -> list[list[str]]:
    """The settings that have the same losses, two or more."""
    alike: dict[frozenset[str], list[str]] = {}
    for setting, losses in runs.groupby("panel", sort=False)["loss"]:
        alike.setdefault(frozenset(losses), []).append(str(setting))
    return [settings for losses, settings in alike.items() if len(losses) > 1]


def profile_rows(runs: pd.DataFrame, clock: str) -> pd.DataFrame:
    """The profiles of one set of losses by one clock; empty if they share no problem."""
    times = runs[f"{clock}_exposed"].where(runs["arrived"], np.inf)
    table, left_out = tried_by_all(runs.assign(time=times))
    if table.empty:
        return pd.DataFrame()
    rows = profile(table)
    end = rows.groupby("loss", sort=False).tail(1).assign(ratio=1.25 * rows["ratio"].max())
    settings = list(table.index.unique("panel"))
    problems = f"{count(len(table), 'seed')} of {listing(settings)}"
    return pd.concat([rows, end], ignore_index=True).assign(
        panel=f"{problems}\n{NAMES[clock]}",
        losses=table.shape[1],
        settings=len(settings),
        problems=len(table),
        left_out=left_out,
        clock=clock,
    )


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A panel per set of losses and clock, a step function per loss."""
    names = list(rows["panel"].unique())
    grid = small_multiples(canvas, [len(names)], columns=2, height=2.9)
    for name, (axes,) in zip(names, grid, strict=True):
        of_panel = rows[rows["panel"] == name]
        for loss, curve in of_panel.groupby("loss"):
            _draw_loss(axes, curve, str(loss))
        log_axis(axes, "x")
        axes.set(title=wrapped(name, 2), ylim=(-0.04, 1.06), yticks=(0, 0.5, 1))
        axes.set(xlim=(1, of_panel["ratio"].max()), xlabel="τ: times the fastest loss's time")
        axes.set_ylabel("share of seeds at the target by then" if is_leftmost(axes) else "")
    legend(canvas, loss_handles(sorted(rows["loss"].unique()), marked=False))


def _draw_loss(axes: Axes, curve: pd.DataFrame, loss: str) -> None:
    style = style_of(loss)
    axes.step(curve["ratio"], curve["share"], where="post", color=style.colour, ls=style.dashes)


def caption(rows: pd.DataFrame) -> str:
    """Which loss is most often the fastest, and which comes to its target most often."""
    steps = rows[rows["clock"] == "step"]
    panels = [steps[steps["panel"] == name] for name in steps["panel"].unique()]
    told = "; ".join(_leaders(of_panel) for of_panel in panels[:TOLD])
    missing = sum(int(of_panel["left_out"].iloc[0]) for of_panel in panels)
    left_out = f"; {count(missing, 'seed')} that a loss lacks left out" if missing else ""
    return (
        f"In steps, {told}{left_out}. A curve's left end is how often a loss is the fastest, ties "
        "counted for all, its right end how often it comes to the target at all."
    )


def _leaders(profiles: pd.DataFrame) -> str:
    """One panel's most frequent winner and its most reliable loss, if any loss arrives at all."""
    problems = str(profiles["panel"].iloc[0]).partition("\n")[0]
    ends = profiles.sort_values("ratio").groupby("loss")["share"].agg(["first", "last"])
    if not ends["last"].any():
        return f"on {problems} no loss comes to the target"
    fastest, surest = (_best(ends[name]) for name in ("first", "last"))
    return f"on {problems} the fastest most often: {fastest}, at the target most often: {surest}"


def _best(shares: "pd.Series[float]") -> str:
    best = shares[shares == shares.max()].index
    losses = listing([label(loss) for loss in best])
    if len(best) == len(shares):
        losses = "every loss"
    elif len(best) > TOLD_LOSSES:
        losses = f"{len(best)} losses"
    return f"{losses} ({percent(float(shares.max()))})"


FIGURE = Figure(
    title="How often each loss is the fastest, or nearly",
    needs="convergence cells of two losses or more, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=8,
)
