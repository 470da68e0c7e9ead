"""The series of a history: ratios run by run, and the levels found in them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis import render
from analysis.figures.panel import is_leftmost, label, legend, log_axis, small_multiples
from analysis.history_series import Series
from analysis.history_words import share
from analysis.wording import count, listing, visible

MOST_PANELS = 24

MOST_TOLD = 3
"""Changes of a series in its panel's title, the last: there are no more within ten runs."""

POINT, LEVEL, CHANGE = "#7F7F7F", "#0072B2", "#D55E00"


def files(found: Sequence[Series]) -> dict[str, bytes]:
    """The figure as SVG and PNG, the rows behind it, and its caption.

    Args:
        found: of `series`.

    Returns:
        Names and contents.
    """
    rows = prepare(found)
    panels = list(rows["panel"].unique())
    text = caption(rows)
    if len(panels) > MOST_PANELS:
        text += f" The first {MOST_PANELS} of {len(panels)} panels are drawn; the CSV has all."
    shown = rows[rows["panel"].isin(panels[:MOST_PANELS])]
    return render.files("history", draw, rows, text, shown)


def prepare(found: Sequence[Series]) -> pd.DataFrame:
    """A row per run and series, those with a recent change first.

    Args:
        found: of `series`.

    Returns:
        `panel`, `run` (from 1), the history's columns, `level` (a ratio), `by` (the log ratio of
        the change that begins with the run and is told, NaN of none), and of the series the `kind`
        of its changes and whether they are `recent`.
    """
    return pd.concat([series_rows(one) for one in sorted(found, key=rank)], ignore_index=True)


def rank(one: Series) -> tuple[bool, float]:
    """Recent changes first, the largest of them before the others."""
    return not one.recent, -max((abs(change.size) for change in one.changes), default=0.0)


def series_rows(one: Series) -> pd.DataFrame:
    """The rows of one series."""
    by = {change.at: change.size for change in one.changes}
    rows = one.rows[["time", "commit", "machine", "cell", "reference", "ratio", "low", "high"]]
    return rows.assign(
        panel=f"{visible(one.cell)}\n{visible(one.machine)}, over {visible(one.reference)}",
        run=np.arange(1, len(rows) + 1),
        level=np.exp(one.fit.levels),
        by=[by.get(place, np.nan) for place in range(len(rows))],
        kind=one.changes[-1].kind if one.changes else "none",
        recent=one.recent,
    )


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Ratios against runs; a line along the levels, a mark where each change is."""
    names = list(rows["panel"].unique())
    panels = small_multiples(canvas, [len(names)], columns=3, height=2.4)
    for name, (axes,) in zip(names, panels, strict=True):
        draw_series(axes, rows[rows["panel"] == name])
    handles = [
        Line2D([], [], color=POINT, marker="o", ls="", markersize=3.5, label="one gate run"),
        Line2D([], [], color=LEVEL, label="level or leak"),
    ]
    if rows["low"].notna().any():
        told = "bar: its interval over pairs"
        bar = Line2D([], [], color=POINT, marker="|", markersize=10, ls="", label=told)
        handles.insert(1, bar)
    if rows["by"].notna().any():
        told = "recent change, or the last"
        handles.append(Line2D([], [], color=CHANGE, ls=(0, (3, 2)), lw=1, label=told))
    legend(canvas, handles)


def draw_series(axes: Axes, rows: pd.DataFrame) -> None:
    """One series."""
    ratio, first = rows["ratio"], rows.iloc[0]
    bars = [(ratio - rows["low"]).fillna(0), (rows["high"] - ratio).fillna(0)]
    axes.errorbar(rows["run"], ratio, bars, fmt="o", color=POINT, markersize=3, lw=0.8, zorder=2)
    stepped = "default" if first["kind"] == "leak" else "steps-mid"
    axes.plot(rows["run"], rows["level"], color=LEVEL, drawstyle=stepped, lw=1.6, zorder=3)
    title = first["panel"]
    changes = rows[rows["by"].notna()]
    for run in changes["run"]:
        axes.axvline(run - 0.5, color=CHANGE, ls=(0, (3, 2)), lw=1, zorder=1)
    for _, at in changes.tail(MOST_TOLD).iterrows():
        told = f"{at['kind']}, {share(at['by'])}, since {at['time']:%Y-%m-%d}"
        title += f"\n{told} ({at['commit'][:7]})"
    axes.set_title("\n".join(label(line, 46) for line in title.split("\n")))
    log_axis(axes, "y")
    axes.set_xlim(0.5 - 0.02 * len(rows), len(rows) * 1.02 + 0.5)
    seen = rows[["ratio", "low", "high", "level"]].to_numpy(dtype=float)
    least, most = np.nanmin(seen), np.nanmax(seen)
    room = max((most / least) ** 0.06, 1.01)
    axes.set_ylim(least / room, most * room)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("gate run, the oldest first")
    if is_leftmost(axes):
        axes.set_ylabel("seconds per step over\nthe reference kernel's")


def caption(rows: pd.DataFrame) -> str:
    """How many series changed, and the largest recent change."""
    series = rows.groupby("panel", sort=False)
    recent = series["recent"].first()
    older = int((series["by"].count() > 0)[~recent].sum())
    runs = count(int(series.size().max()), "run")
    text = f"Of {len(recent)} series of up to {runs}, {recent.sum()} changed recently"
    text += f" and {older} before." if older else "."
    changes = rows[rows["recent"] & rows["by"].notna()]
    if changes.empty:
        return text
    most = changes.iloc[int(changes["by"].abs().to_numpy().argmax())]
    kinds = changes["kind"].value_counts()
    told = listing([count(int(n), str(kind)) for kind, n in kinds.items()])
    return f"{text} Recent are {told}; the largest is of {share(most['by'])} ({most['cell']})."
