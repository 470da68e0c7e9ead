"""A history's series: one per machine, cell and reference kernel, each with its changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import UsageError
from analysis.history import KEYS
from analysis.history_changes import Change, Fit, fit
from analysis.history_statistics import FEWEST_RUNS, SHORTEST


@dataclass(frozen=True, eq=False)
class Series:
    """One series.

    Args:
        machine: its name.
        cell: its name.
        reference: the kernel that its ratios are over.
        rows: the history's rows of it, by time.
        fit: its levels and all changes.
        changes: those to be told: the recent ones, or the last if none of them is.
        recent: whether they are among the last runs asked about.
    """

    machine: str
    cell: str
    reference: str
    rows: pd.DataFrame
    fit: Fit
    changes: tuple[Change, ...]
    recent: bool

    @property
    def short(self) -> bool:
        """Whether it has too few runs to be searched."""
        return len(self.rows) < FEWEST_RUNS


def series(rows: pd.DataFrame, since: int) -> list[Series]:
    """The series of a history, searched for changes.

    Args:
        rows: of `History`.
        since: how many of each series' last runs count as recent; a leak goes on to the last.

    Returns:
        By machine, cell and reference kernel.

    Raises:
        UsageError: `since` is too small for any change to be found.
    """
    if since < SHORTEST:
        raise UsageError(
            f"--since {since}: a change shows after {SHORTEST} runs at the earliest; ask for more"
        )
    return [
        searched((str(machine), str(cell), str(kernel)), of_series.reset_index(drop=True), since)
        for (machine, cell, kernel), of_series in rows.groupby(KEYS)
    ]


def searched(names: tuple[str, str, str], rows: pd.DataFrame, since: int) -> Series:
    """One series and what is found in it."""
    found = fit(np.log(rows["ratio"]))
    recent = tuple(
        change
        for change in found.changes
        if change.kind == "leak" or change.at >= len(rows) - since
    )
    # A step back hides nothing: what came before it is told with it.
    return Series(*names, rows, found, recent or found.changes[-1:], bool(recent))


def changed(found: Sequence[Series]) -> bool:
    """Whether any series has a recent change."""
    return any(one.recent for one in found)
