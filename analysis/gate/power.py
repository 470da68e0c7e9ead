"""What a validation would have said with smaller budgets: every run once more, pair by pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.estimates import share_interval
from analysis.gate.exact import Exact
from analysis.gate.found import Found
from analysis.gate.gate import Cells, Gate
from analysis.gate.pairs import CANARY, Timed

Line = Mapping[str, Any]


class Replay(Gate):
    """A recorded run with another budget: the same pairs, on the clock of then.

    Args:
        line: of a validation.
        minutes: the budget, at most the recorded one; pairs that were not recorded count as pairs
            for which there is no time.
    """

    def __init__(self, line: Line, minutes: float) -> None:
        super().__init__(Path(), Path(), minutes, 0, lambda _said: None)
        self._recorded = list(zip(line["pairs"], line["took"], strict=True))
        self._budget = 60 * minutes
        # What came before the first pair.
        self._spent = float(line["seconds"]) - sum(took for _, took in self._recorded)

    def left(self) -> float:
        """Seconds of the budget."""
        return self._budget - self._spent if self._recorded else 0.0

    def pair(self, found: Found, cells: Cells, quads: int) -> None:
        """The next recorded one."""
        del cells, quads
        ratios, took = self._recorded.pop(0)
        self._spent += took
        found.pairs.append(Timed(log_ratios=dict(ratios), took=took))


def replayed(line: Line, minutes: float) -> dict[str, str]:
    """The verdicts of a recorded run with another budget.

    Args:
        line: of a validation.
        minutes: the budget, at most the recorded one.

    Returns:
        Cell -> verdict, without the canary; a cell that no pair reached is inconclusive.
    """
    names = dict.fromkeys(name for pair in line["pairs"] for name in pair if name != CANARY)
    found = Replay(line, minutes).timing({name: {} for name in names}, Found(Exact()))
    told = {name: found.speed[name].verdict for name in names if name in found.speed}
    if found.machine_changed:  # then no revision is called
        told = {name: verdict for name, verdict in told.items() if verdict == "no change"}
    return {name: told.get(name, "inconclusive") for name in names}


@dataclass(frozen=True)
class Point:
    """What a budget buys.

    Args:
        slowdown: of head.
        minutes: the budget.
        slower: cells called slower.
        settled: cells called anything but inconclusive.
        cells: of all runs.
        runs_slower: runs that called any cell slower.
        runs: how many.
    """

    slowdown: float
    minutes: float
    slower: int
    settled: int
    cells: int
    runs_slower: int
    runs: int


def points(lines: Sequence[Line], minutes: Sequence[float]) -> list[Point]:
    """Every slow-down at every budget.

    Args:
        lines: of a validation.
        minutes: budgets; a run is left out of those that are larger than its own.

    Returns:
        In the order of slow-downs, then budgets.
    """
    return [
        _point(slowdown, budget, some)
        for slowdown in sorted({line["slowdown"] for line in lines})
        for budget in minutes
        if (some := [x for x in lines if x["slowdown"] == slowdown and x["minutes"] >= budget])
    ]


def _point(slowdown: float, minutes: float, lines: Sequence[Line]) -> Point:
    runs = [list(replayed(line, minutes).values()) for line in lines]
    every = [verdict for verdicts in runs for verdict in verdicts]
    return Point(
        slowdown=slowdown,
        minutes=minutes,
        slower=every.count("slower"),
        settled=sum(verdict != "inconclusive" for verdict in every),
        cells=len(every),
        runs_slower=sum("slower" in verdicts for verdicts in runs),
        runs=len(runs),
    )


def table(found: Sequence[Point]) -> pd.DataFrame:
    """Points with shares and Clopper and Pearson's intervals.

    Args:
        found: of ``points``.

    Returns:
        A row each: the fields of Point, and ``share``, ``low``, ``high`` of cells called slower.
    """
    rows = []
    for point in found:
        share = share_interval(point.slower, point.cells)
        rows.append({**vars(point), "share": share.estimate, "low": share.low, "high": share.high})
    return pd.DataFrame(rows)
