"""How a gate run is drawn: a line per cell on an axis of changes in percent."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.figures.panel import WIDTH, label, legend, wrapped
from analysis.figures.style import Style
from analysis.wording import change, number, percent

LINE = 0.3
"""Inches of a cell."""

FRAME = 1.0
"""Inches of a title and an axis."""

LARGEST_LINEAR = 0.3
"""A change beyond it takes an axis that is logarithmic outside of the tolerance."""

LARGEST_DETECTABLE = 10.0
"""A slow-down that takes more than that to be noticed has no tick: the axis is for changes."""

MOST_TICKS = 4
"""On each side of 0."""

LETTERS = 75
"""Of a line of text in place of a bar."""


def canvas_of(canvas: Canvas, lines: Sequence[int], rows: pd.DataFrame) -> list[Axes]:
    """Axes one below the other, each as high as its lines, and the legend of all.

    Args:
        canvas: an empty figure, which takes the size it needs.
        lines: of each.
        rows: all that is drawn.

    Returns:
        The axes.
    """
    heights = [FRAME + LINE * n for n in lines]
    canvas.set_size_inches(WIDTH, 0.8 + sum(heights))
    axes = canvas.subplots(len(lines), 1, squeeze=False, height_ratios=heights)
    legend(canvas, _handles(rows))
    return list(axes[:, 0])


def draw_run(axes: Axes, run: pd.DataFrame) -> None:
    """One run: a line per cell, from top to bottom, the canary last.

    Args:
        axes: where.
        run: the rows of cells and canary.
    """
    first = run.iloc[0]
    _scale(axes, _largest(run))
    floor, tolerance = 100 * first["floor"], 100 * first["tolerance"]
    axes.axvspan(-floor, floor, color=BAND, lw=0, zorder=0)
    for edge in (-tolerance, tolerance):
        axes.axvline(edge, color="#888888", lw=0.9, ls=(0, (4, 3)), zorder=1)
    axes.axvline(0, color="#333333", lw=1, zorder=1)
    for place, (_, row) in enumerate(run.iterrows()):
        _draw_line(axes, place, row)
    _words(axes, run)


def _draw_line(axes: Axes, place: int, row: "pd.Series[Any]") -> None:
    """A cell: its pairs, its interval and what it could have noticed; or a line of text."""
    if np.isnan(row["change"]):
        axes.text(
            0.012,
            place,
            label(row["text"], LETTERS),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
            style="italic",
            color="#444444",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )
        return
    style = style_of_line(row)
    points = 100 * np.asarray(row["pair_changes"], dtype=np.float64)
    y = np.full(points.size, place + 0.0)
    axes.plot(points, y, "o", ms=4, mew=0.7, color=style.colour, alpha=0.3, zorder=2)
    if np.isfinite(row["low"]):
        axes.plot([100 * row["low"], 100 * row["high"]], [place] * 2, color=style.colour, lw=2)
    axes.plot(100 * row["change"], place, style.marker, color=style.colour, ms=7, mec="white")
    if row["detectable"] <= LARGEST_DETECTABLE:
        axes.plot(100 * row["detectable"], place, "|", color="#333333", ms=9, mew=1.4, zorder=3)


def _words(axes: Axes, run: pd.DataFrame) -> None:
    """Names to the left, numbers to the right, what is what above and below."""
    places = range(len(run))
    axes.set_yticks(places, [_name(row) for _, row in run.iterrows()])
    axes.set_ylim(len(run) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    if run["kind"].iloc[-1] == "canary":
        axes.get_yticklabels()[-1].set(color=CANARY.colour, style="italic")
        axes.axhline(len(run) - 1.5, color="#CCCCCC", lw=0.6, zorder=1)
    _beside(axes, -0.72, "pairs", "change [95 % interval]")
    for place, (_, row) in zip(places, run.iterrows(), strict=True):
        if not np.isnan(row["change"]):
            _beside(axes, place, f"{row['pairs']:,}", bounded(row))
    axes.set_title(wrapped(str(run["panel"].iloc[0]), 2), loc="left")
    axes.set_xlabel(
        "← head is faster      change of the time per step, head over base      slower →"
    )


def _beside(axes: Axes, place: float, pairs: str, change: str) -> None:
    """Two columns to the right of the axes, at a distance in points that no layout changes."""
    for text, points, side in ((pairs, 34, "right"), (change, 46, "left")):
        axes.annotate(
            text,
            xy=(1, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(points, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=8.5,
            annotation_clip=False,
        )


def _name(row: "pd.Series[Any]") -> str:
    return "unchanged kernel" if row["kind"] == "canary" else label(row["cell"], 36)


def bounded(row: "pd.Series[Any]") -> str:
    """A row's change with its interval.

    Args:
        row: `change`, `low` and `high`.
    """
    return change(row["change"], row["low"], row["high"])


def _largest(run: pd.DataFrame) -> float:
    """The largest change that the axis has to show, on either side."""
    found = [run[["change", "low", "high", "tolerance"]].abs().to_numpy().ravel()]
    noticed = run["detectable"].to_numpy(dtype=np.float64)
    found.append(noticed[noticed <= LARGEST_DETECTABLE])
    told = run[run["change"].notna()]
    found += [np.abs(np.asarray(each)) for each in told["pair_changes"]]
    return float(np.nanmax(np.concatenate(found)))


def _scale(axes: Axes, largest: float) -> None:
    """A linear axis of percents, or one that is logarithmic beyond ±5 %."""
    most = 108 * largest
    if largest <= LARGEST_LINEAR:
        axes.xaxis.set_major_locator(MaxNLocator(3 * MOST_TICKS))
    else:
        axes.set_xscale("symlog", linthresh=5, linscale=0.8)
        most *= 1.2
        axes.xaxis.set_major_locator(FixedLocator(symmetric_ticks(most)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    # Nothing is faster by more than 100 %.
    axes.set_xlim(max(-most, -115), most)


def _tick(value: float) -> str:
    return "0" if value == 0 else f"{'+' if value > 0 else ''}{number(value)} %"


def symmetric_ticks(most: float) -> list[float]:
    """Ticks of a symmetric logarithmic axis, at most MOST_TICKS on each side of 0.

    Args:
        most: where the axis ends, percent.

    Returns:
        Percents; on the left none below −100.

    >>> symmetric_ticks(120)
    [-100, -20, -5, 0, 5, 20, 100]
    """
    ladder = [base * 10**power for power in range(25) for base in (1, 2, 5)]
    right = [value for value in ladder if 5 <= value <= most]
    every = -(-len(right) // MOST_TICKS)
    right = right[::every]
    return [-value for value in right[::-1] if value <= 100] + [0, *right]


def style_of_line(row: "pd.Series[Any]") -> Style:
    """How a row is drawn: by its verdict, the canary apart from all.

    Args:
        row: of a cell or the canary.

    Returns:
        Its style.
    """
    return CANARY if row["kind"] == "canary" else STYLES.get(row["verdict"], CANARY)


def _handles(rows: pd.DataFrame) -> list[Artist]:
    """The legend: verdicts that are there, then what else is drawn."""
    timed = rows[rows["change"].notna()]
    known = set(timed.loc[timed["kind"] == "cell", "verdict"])
    marks = [(style, name) for name, style in STYLES.items() if name in known]
    marks += [(CANARY, "unchanged kernel")] * bool((timed["kind"] == "canary").any())
    handles: list[Artist] = [
        Line2D([], [], color=s.colour, marker=s.marker, ms=7, mec="white", lw=2, label=name)
        for s, name in marks
    ]
    if any(len(each) for each in timed["pair_changes"]):
        point = Line2D([], [], color="#555555", marker="o", ms=4, ls="", alpha=0.5)
        point.set_label("one pair of processes")
        handles.append(point)
    if (timed["detectable"] <= LARGEST_DETECTABLE).any():
        tick = Line2D([], [], color="#333333", marker="|", ms=9, mew=1.4, ls="")
        tick.set_label("smallest detectable slow-down")
        handles.append(tick)
    floor, tolerance = rows["floor"].iloc[0], rows["tolerance"].iloc[0]
    dashes = Line2D([], [], color="#888888", lw=0.9, ls=(0, (4, 3)))
    dashes.set_label(f"tolerance, ±{percent(tolerance)}")
    return [*handles, Patch(color=BAND, label=f"change not called, ±{percent(floor)}"), dashes]


BAND = "#E8ECF0"

CANARY = Style("#999999", "s", "-")

# Okabe & Ito's colours.
STYLES: Mapping[str, Style] = {
    "slower": Style("#D55E00", ">", "-"),
    "faster": Style("#0072B2", "<", "-"),
    "no change": Style("#009E73", "o", "-"),
    "inconclusive": Style("#E69F00", "D", "-"),
    "machine changed": Style("#CC79A7", "X", "-"),
}
