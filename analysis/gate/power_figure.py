"""Power against minutes: how many cells a gate calls slower, by budget and slow-down."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from analysis import render
from analysis.figures.panel import legend, small_multiples
from analysis.gate.lines import named
from analysis.wording import count, listing, number

COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#009E73")
MARKERS = "osD^"


def files(rows: pd.DataFrame) -> dict[str, bytes]:
    """The figure as SVG and PNG, the rows behind it, and its caption.

    Args:
        rows: of ``power.table``.

    Returns:
        Names and contents.
    """
    return render.files("power", draw, rows, caption(rows))


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Shares against minutes, a line for each slow-down; bands are exact 95 % intervals."""
    slower, settled = (axes for (axes,) in small_multiples(canvas, [2], columns=2, height=3.2))
    handles = []
    for place, slowdown in enumerate(sorted(rows["slowdown"].unique())):
        some = rows[rows["slowdown"] == slowdown]
        colour = COLOURS[place % len(COLOURS)]
        marker = MARKERS[place % len(MARKERS)]
        slower.plot(some["minutes"], some["share"], color=colour, marker=marker, lw=1.4)
        slower.fill_between(some["minutes"], some["low"], some["high"], color=colour, alpha=0.15)
        settled.plot(
            some["minutes"], some["settled"] / some["cells"], color=colour, marker=marker, lw=1.4
        )
        handle = Line2D([], [], color=colour, label=named(slowdown))
        handle.set_marker(marker)
        handles.append(handle)
    _dress(slower, "cells called slower")
    _dress(settled, "cells that got a verdict")
    legend(canvas, handles)


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("budget of a gate run, minutes")
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def caption(rows: pd.DataFrame) -> str:
    """Of every slow-down, what the largest budget finds."""
    largest = rows.sort_values("minutes").groupby("slowdown").tail(1).sort_values("slowdown")
    return f"Called slower: {listing([_told(row) for _, row in largest.iterrows()])}."


def _told(row: "pd.Series[Any]") -> str:
    return (
        f"{int(row['slower'])} of {count(int(row['cells']), 'cell')} that are "
        f"{named(row['slowdown'])} in {row['minutes']:g} minutes ({_percent(row['share'])}, "
        f"95 % interval {_percent(row['low'])} to {_percent(row['high'])})"
    )


def _percent(share: float) -> str:
    return f"{number(100 * share, 2)} %"
