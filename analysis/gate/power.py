"""What a validation's runs would have said with smaller budgets."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.estimates import share_interval
from analysis.gate.exact import Exact
from analysis.gate.found import CALLS, Found
from analysis.gate.gate import Cells, Gate
from analysis.gate.lines import Line
from analysis.gate.pairs import CANARY, Timed


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

    def pair(self, found: Found, cells: Cells) -> None:
        """The next recorded one."""
        del cells
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
    return {name: found.verdict(name) for name in names}


def table(lines: Sequence[Line], minutes: Sequence[float]) -> pd.DataFrame:
    """What each budget buys.

    Args:
        lines: of a validation.
        minutes: budgets; a run is left out of those that are larger than its own.

    Returns:
        A row for each slow-down and budget: `slowdown`, `minutes`, `cells` of all runs, those of
        them called `slower` and those `settled` (slower, faster or no change), `runs` and those
        of them with a cell slower, `runs_slower`; `share`, `low` and `high` of cells called slower,
        with Clopper and Pearson's 95 % interval.
    """
    return pd.DataFrame(
        _row(slowdown, budget, some)
        for slowdown in sorted({line["slowdown"] for line in lines})
        for budget in minutes
        if (some := [x for x in lines if x["slowdown"] == slowdown and x["minutes"] >= budget])
    )


def _row(slowdown: float, minutes: float, lines: Sequence[Line]) -> dict[str, float]:
    runs = [list(replayed(line, minutes).values()) for line in lines]
    every = [verdict for verdicts in runs for verdict in verdicts]
    slower = every.count("slower")
    share = share_interval(slower, len(every))
    return {
        "slowdown": slowdown,
        "minutes": minutes,
        "slower": slower,
        "settled": sum(verdict in (*CALLS, "no change") for verdict in every),
        "cells": len(every),
        "runs_slower": sum("slower" in verdicts for verdicts in runs),
        "runs": len(runs),
        "share": share.estimate,
        "low": share.low,
        "high": share.high,
    }
