"""A forest plot of a gate run: each cell's change of time per step, its interval and verdict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.figures.figure import Figure
from analysis.figures.gate_drawing import bounded, canvas_of, draw_run
from analysis.figures.panel import label, plain
from analysis.gate.verdicts import FLOOR, TOLERANCE
from analysis.records import Records
from analysis.wording import count, number, tallied, tenths

SHOWN = 3
"""Things of a kind that a caption names, and runs that it tells of; more are counted."""

DIGITS = 10
"""Of a revision's hash."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per cell, canary, changed counter and trained cell of every gate run.

    `pair_changes` are the changes that single pairs say.
    """
    table = records.gate
    if table.empty:
        return pd.DataFrame()
    rows = table.assign(floor=FLOOR, tolerance=TOLERANCE, panel=_panels(table))
    changes = [np.expm1(x) if isinstance(x, np.ndarray) else None for x in table["log_ratios"]]
    rows["pair_changes"] = pd.Series(changes, index=rows.index, dtype=object)
    return rows.drop(columns="log_ratios").reset_index(drop=True)


def _panels(table: pd.DataFrame) -> "pd.Series[str]":
    """What each run compares, and where; runs of the same revisions are numbered."""
    heads = [
        f"{_revisions(first)} · {plain(first['machine'])}"
        for _, first in table.drop_duplicates("run").iterrows()
    ]
    alike = [heads[:place].count(head) for place, head in enumerate(heads)]
    names = [f"{head} ({n + 1})" if n else head for head, n in zip(heads, alike, strict=True)]
    return table["run"].map(dict(zip(table["run"].unique(), names, strict=True)))


def _revisions(row: "pd.Series[Any]") -> str:
    head, base = (plain(row[side])[:DIGITS] for side in ("head", "base"))
    return f"{head} against {base}"


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A line per cell, runs one below the other."""
    lines = rows[rows["kind"].isin(["cell", "canary"])]
    runs = [run for _, run in lines.groupby("panel", sort=False)]
    for axes, run in zip(canvas_of(canvas, [len(run) for run in runs], lines), runs, strict=True):
        draw_run(axes, run)


def caption(rows: pd.DataFrame) -> str:
    """Verdicts counted run by run, then counters that changed and what training came to."""
    runs = [run for _, run in rows.groupby("panel", sort=False)]
    told = [_verdicts(run) for run in runs[:SHOWN]]
    told[1:] = [f"of{words.removeprefix('Of')}" for words in told[1:]]
    if len(runs) > SHOWN:
        told.append(f"{count(len(runs) - SHOWN, 'more run')} in the CSV")
    more = [words for run in runs[:SHOWN] if (words := _remarks(run, several=len(runs) > 1))]
    return ". ".join(["; ".join(told), *(["; ".join(more)] if more else [])]) + "."


def _verdicts(run: pd.DataFrame) -> str:
    """How many of each, between which revisions, in which time."""
    cells = run[run["kind"] == "cell"]
    first = run.iloc[0]
    unchanged = cells[cells["verdict"] == "no change"]
    most = _largest(unchanged)
    bound = f" (none by more than {100 * most:.1f} %)" if np.isfinite(most) else ""
    one, several = WORDS["no change"]
    tally = tallied(
        cells["verdict"], {**WORDS, "no change": (f"{one}{bound}", f"{several}{bound}")}
    )
    minutes = f"{number(first['seconds'] / 60)} of {number(first['minutes'])} minutes"
    return f"Of {count(len(cells), 'cell')} {tally}: {_revisions(first)}, in {minutes}"


def _largest(unchanged: pd.DataFrame) -> float:
    """The bound of their intervals that is farthest from 0; NaN if any has none."""
    bounds = unchanged[["low", "high"]].abs().to_numpy()
    return float(bounds.max()) if bounds.size else float("nan")


def _remarks(run: pd.DataFrame, *, several: bool) -> str:
    """Counters that changed, and what training came to."""
    counters, trained = (run[run["kind"] == kind] for kind in ("counter", "quality"))
    told = []
    if len(counters):
        one = [f"{label(row['cell'])}: {label(row['text'], 60)}" for _, row in counters.iterrows()]
        told.append(f"{count(len(one), 'exact counter')} changed ({_few(one)})")
    if len(trained):
        told.append(f"trained on both: {_few([_quality(row) for _, row in trained.iterrows()])}")
    if not told:
        return ""
    text = "; ".join(told)
    return f"{_revisions(run.iloc[0])}: {text}" if several else text[0].upper() + text[1:]


def _quality(row: "pd.Series[Any]") -> str:
    """One trained cell: its verdict, and the metric's change, if there is one."""
    cell, verdict, text = (label(row[name]) for name in ("cell", "verdict", "text"))
    if np.isnan(row["change"]):
        return f"{cell} is {verdict} ({text})"
    sure = "" if np.isnan(row["low"]) else f" ({tenths(row['confidence'])} interval)"
    return f"{text} of {cell} is {verdict}, {bounded(row)}{sure}"


def _few(words: list[str]) -> str:
    more = [f"{len(words) - SHOWN} more"] if len(words) > SHOWN else []
    return "; ".join([*words[:SHOWN], *more])


# Verdict -> what one cell and what several do, in the order of the caption.
WORDS: Mapping[str, tuple[str, str]] = {
    "slower": ("is slower", "are slower"),
    "faster": ("is faster", "are faster"),
    "no change": ("is unchanged", "are unchanged"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "machine changed": ("moved with the machine", "moved with the machine"),
    "incomparable": ("is incomparable", "are incomparable"),
    "broken": ("is broken", "are broken"),
}

FIGURE = Figure(
    title="What the regression gate found",
    needs="the cells of a gate.json",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=4,
)
