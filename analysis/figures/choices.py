"""What mode, precision, layout and ensemble gain or lose, cell by cell."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis import schema
from analysis.choices import BASELINES, FEWEST_ROUNDS, compared
from analysis.figures.figure import Figure
from analysis.figures.panel import WIDTH, label, legend, log_axis, plain, settings
from analysis.records import Records
from analysis.wording import count, listing, number, percent

LABELLED = 30
"""Cells of a panel that have a line of their own; more are drawn as one rising curve a choice."""

LETTERS = 56
"""Of a cell's name beside its line."""

SHOWN = ["model", "data", "batch_size"]
"""Every cell's name begins with these."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per cell and axis in which another cell differs alone; `panel` is that axis.

    `cell` names it, `place` is its line from the top: choice by choice, the largest gain first.
    """
    rows = compared(records)
    if rows.empty:
        return rows
    panels = [_placed(of_axis) for _, of_axis in rows.groupby("axis", sort=False)]
    together = pd.concat(panels, ignore_index=True).assign(sessions=len(records.machines))
    return together.drop(columns=[name for name in together if str(name).startswith("run.")])


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one panel in their order, each with its name and line."""
    axis = str(rows["axis"].iloc[0])
    columns = [n for n in rows if n in schema.AXES or n == "machine" or str(n)[:4] == "run."]
    others = settings(rows[columns], [axis, *SHOWN])
    shown = [rows[name].map(CELL.get(name, "{}").format) for name in SHOWN if name != axis]
    names = pd.Series([", ".join(parts) for parts in zip(*shown, strict=True)], index=rows.index)
    cell = names.where(others == "", names + ", " + others).map(plain)
    rows = rows.assign(panel=axis, cell=cell)
    rows = rows.sort_values([axis, "ratio", "cell"], ascending=[True, False, True])
    if len(rows) <= LABELLED:
        return rows.assign(place=np.arange(len(rows)) + 0.5)
    choice = rows.groupby(axis)
    share = (choice.cumcount() + 0.5) / choice["ratio"].transform("size")
    return rows.assign(place=CURVE * (choice.ngroup() + share))


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """For each axis the ratio of samples per second, and beside it that of peak memory."""
    panels = [(str(name), of_panel) for name, of_panel in rows.groupby("panel", sort=False)]
    lines = [_lines(of_panel) for _, of_panel in panels]
    heights = [HEIGHT * n + TITLE for n in lines]
    canvas.set_size_inches(WIDTH, sum(heights) + 0.5)
    grid = canvas.subplots(
        len(panels), 2, squeeze=False, sharex="col", width_ratios=[2.2, 1], height_ratios=heights
    )
    for (name, of_panel), (speed, memory), n in zip(panels, grid, lines, strict=True):
        _draw_speed(speed, of_panel)
        dots = memory.plot(of_panel["memory_ratio"], of_panel["place"], "D", color=MEMORY)
        dots[0].set(markersize=3.5, rasterized=len(of_panel) > LABELLED)
        usual = USUAL.get(name, BASELINES[name])
        speed.set_title(f"{name}: samples per second, {usual} = 1")
        memory.set_title(f"peak memory, {usual} = 1")
        for axes in (speed, memory):
            axes.axvline(1, color="#333333", lw=0.8, zorder=1)
            axes.set_ylim(n, 0)
            log_axis(axes, "x")
        memory.set_yticks([])
    grid[-1][0].set_xlabel("times as many: right of 1 it gains, left it loses")
    grid[-1][1].set_xlabel("times as many bytes: less is better")
    legend(canvas, _handles(rows))


def _lines(of_panel: pd.DataFrame) -> float:
    """How many lines high a panel is."""
    if len(of_panel) <= LABELLED:
        return len(of_panel)
    return CURVE * of_panel["choice"].nunique()


def _draw_speed(axes: Axes, of_panel: pd.DataFrame) -> None:
    for verdict, found in of_panel.groupby("verdict"):
        bars = [found["ratio"] - found["low"], found["high"] - found["ratio"]]
        style = {"color": COLOURS[str(verdict)], "marker": MARKERS[str(verdict)]}
        drawn = axes.errorbar(
            found["ratio"],
            found["place"],
            xerr=[bar.fillna(0) for bar in bars],
            ls="",
            elinewidth=1.2,
            color=style["color"],
            marker=style["marker"],
        )
        for artist in drawn.get_children():
            artist.set_rasterized(len(of_panel) > LABELLED)
    if len(of_panel) <= LABELLED:
        told = of_panel["choice"].map(label) + ": " + of_panel["cell"]
        axes.set_yticks(of_panel["place"], [label(text, LETTERS) for text in told])
    else:
        groups = of_panel.groupby("choice", sort=False)["place"].agg(["mean", "size"])
        names = [f"{label(name)}: {count(n, 'cell')}" for name, n in groups["size"].items()]
        axes.set_yticks(groups["mean"], names)


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    found = [name for name in COLOURS if (rows["verdict"] == name).any()]
    handles = [
        Line2D([], [], color=COLOURS[name], marker=MARKERS[name], ls="", label=name)
        for name in found
    ]
    known = rows.loc[rows["low"].notna(), "confidence"]
    if len(known):
        text = f"bar: {percent(known.min())} interval of the ratio of medians of rounds"
        handles.append(Line2D([], [], color="#888888", lw=1.2, label=text))
    return [*handles, Line2D([], [], color=MEMORY, marker="D", ls="", label="peak memory")]


def caption(rows: pd.DataFrame) -> str:
    """For each choice in how many cells it gains, its best and worst cell, and what bounds mean."""
    told = [_choice(found) for _, found in rows.groupby(["panel", "choice"], sort=False)]
    axes = list(dict.fromkeys(rows["panel"]))
    usual = listing([str(USUAL.get(name, f"{name} {BASELINES[name]}")) for name in axes])
    return (
        f"Samples per second over those of the same cell with {usual}: {'; '.join(told)}. "
        f"{_bounds(rows)}."
    )


def _choice(found: pd.DataFrame) -> str:
    """One choice: in how many cells it gains and loses, the worst and the best, and its memory."""
    ordered = found.sort_values("ratio", kind="stable").to_dict("records")
    worst, best = ordered[0], ordered[-1]
    tally = found["verdict"].value_counts()
    told = [f"{words} in {tally[name]}" for name, words in VERDICTS.items() if name in tally]
    if len(found) == 1:
        counted, between = f"{VERDICTS[best['verdict']]} in its only cell", _of(best)
    else:
        counted = f"{listing(told)} of {count(len(found), 'cell')}"
        between = f"from {_of(worst)} to {_of(best)}"
    memory = found["memory_ratio"].dropna()
    return f"{label(best['choice'])} {counted} ({between}){_memory(memory)}"


def _of(row: Mapping[Hashable, Any]) -> str:
    return f"{number(row['ratio'])} in {label(row['cell'], LETTERS)}"


def _memory(ratios: "pd.Series[float]") -> str:
    if ratios.empty:
        return ""
    least, most = number(ratios.min()), number(ratios.max())
    return f", with {least if least == most else f'{least} to {most}'} times the memory"


def _bounds(rows: pd.DataFrame) -> str:
    """What an interval covers, and which cells have none."""
    known = rows["low"].notna()
    few = count(int((~known).sum()), "cell")
    if not known.any():
        return (
            f"None of {few} has the {FEWEST_ROUNDS} rounds that an interval takes: "
            "nothing is decided"
        )
    sessions = int(rows["sessions"].max())
    where = "in one session" if sessions == 1 else f"in one of {sessions} sessions, or across them"
    left = "" if known.all() else f"; {few} without one had fewer than {FEWEST_ROUNDS} rounds"
    return (
        f"What gains or loses has 1 outside its {percent(rows['confidence'][known].min())} "
        f"interval, which is of the rounds of two cells timed one after the other {where} and not "
        f"of machines, whose drift only interleaved blocks take out{left}"
    )


CELL = {"batch_size": "batch {}"}

USUAL = {"ensemble": "one run alone"}
"""Axis -> its baseline, where the value does not say what it is."""

HEIGHT = 0.2
"""Inches of a line."""

TITLE = 0.75
"""Inches of a panel's title and axis."""

CURVE = 10.0
"""Lines of a choice that has a curve in place of lines."""

COLOURS = {"gains": "#0072B2", "loses": "#D55E00", "undecided": "#7F7F7F"}

MARKERS = {"gains": "o", "loses": "v", "undecided": "s"}

MEMORY = "#5B3A8C"

VERDICTS = {"gains": "gains", "loses": "loses", "undecided": "is undecided"}

FIGURE = Figure(
    title="What execution mode, precision, layout and ensembles gain or lose",
    needs="throughput cells that differ in mode, precision, layout or ensemble alone",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
