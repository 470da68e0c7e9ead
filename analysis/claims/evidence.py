"""From numbers to findings: one rule each for a statement about seeds and for an exact number."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.claims.claim import Finding
from analysis.estimates import FEWEST_SEEDS, Interval, median_interval, share_interval
from analysis.figures.panel import run_settings
from analysis.records import Records

NAN = float("nan")

CONFIDENCE = 0.95
"""Of every interval that decides."""

MOST = (
    "the exact 95 % interval of their share is above ½ (below: does not hold), from "
    f"{FEWEST_SEEDS} of them on"
)
"""The rule of `most`, for criteria."""

MEDIAN = (
    "the 95 % interval of the median over seeds is (none of it: does not hold), from "
    f"{FEWEST_SEEDS} seeds on"
)
"""The rule of `typical`, for criteria."""


def decided(interval: Interval, low: float, high: float) -> bool | None:
    """Whether a true value lies in a range, as far as its interval tells.

    Args:
        interval: about the value.
        low: lower end of the range.
        high: upper end of the range.

    Returns:
        True if the whole interval lies inside, False if all of it lies outside, else None; None
        also without bounds.

    >>> [decided(Interval(x, x - 1, x + 1, 0.95, 9), 0, 5) for x in (2, 9, 5)]
    [True, False, None]
    """
    if math.isnan(interval.low) or math.isnan(interval.high):
        return None
    if low <= interval.low and interval.high <= high:
        return True
    return False if interval.high < low or interval.low > high else None


def point(value: float, n: int) -> Interval:
    """A number that is computed rather than sampled: it has no interval.

    Args:
        value: the number.
        n: observations behind it.

    Returns:
        The number without bounds.
    """
    return Interval(float(value), NAN, NAN, CONFIDENCE, n)


def worst(values: ArrayLike) -> float:
    """The largest of some errors; an error that is not a number is infinite.

    >>> worst([1e-12, 3e-11]), worst([0.0, float("nan")])
    (3e-11, inf)
    """
    errors = np.asarray(values, dtype=np.float64)
    return float(np.where(np.isnan(errors), np.inf, errors).max())


def largest(values: ArrayLike, errors: ArrayLike) -> Interval:
    """The largest |x| of several normal estimates x, between bounds that cover all of them at once.

    Args:
        values: (n,), the estimates x.
        errors: (n,), their standard errors.

    Returns:
        max |x| between the largest of the lower and of the upper bounds, each of confidence
        1 − 0.05/n (Bonferroni); without bounds where a standard error is not finite.
    """
    sizes, deviations = (np.asarray(v, dtype=np.float64) for v in (values, errors))
    half = stats.norm.isf((1 - CONFIDENCE) / (2 * sizes.size)) * deviations
    low, high = np.maximum(np.abs(sizes) - half, 0).max(), (np.abs(sizes) + half).max()
    return Interval(worst(np.abs(sizes)), float(low), float(high), CONFIDENCE, sizes.size)


def most(condition: str, quantity: str, outcomes: Sequence[bool], note: str = "") -> Finding:
    """A statement about seeds: it holds if it is true of most, as the exact interval tells.

    Args:
        condition: in words.
        quantity: what the share is of, in words.
        outcomes: one per seed.
        note: what else there is to say.

    Returns:
        The share of seeds with its Clopper-Pearson interval: true if all of it is above ½, false if
        all of it is below, undecided between and of fewer than 8 seeds.
    """
    n = len(outcomes)
    share = share_interval(sum(map(bool, outcomes)), n)
    holds = decided(share, 0.5, 1.0) if n >= FEWEST_SEEDS else None
    return Finding(condition, quantity, share, "seed", holds, joined(note, few(n)))


def typical(
    condition: str,
    quantity: str,
    values: ArrayLike,
    within: tuple[float, float],
    note: str = "",
) -> Finding:
    """A statement about a number that each seed has: it holds if the median is in a range.

    Args:
        condition: in words.
        quantity: what the number is, in words.
        values: (n,), one per seed, finite.
        within: the range.
        note: what else there is to say.

    Returns:
        The median with its order statistics' interval, decided from 8 seeds on.
    """
    n = np.size(values)
    median = median_interval(values, CONFIDENCE) if n else Interval(NAN, NAN, NAN, CONFIDENCE, 0)
    holds = decided(median, *within) if n >= FEWEST_SEEDS else None
    return Finding(condition, quantity, median, "seed", holds, joined(note, few(n)))


def few(n: int) -> str:
    """A clause where seeds are too few to decide, else nothing."""
    return "" if n >= FEWEST_SEEDS else f"fewer than {FEWEST_SEEDS} seeds decide nothing"


def joined(*notes: str) -> str:
    """Notes as one.

    >>> joined("", "a", "b")
    'a; b'
    """
    return "; ".join(note for note in notes if note)


def runs_of(records: Records, kind: str, given: Sequence[str]) -> pd.DataFrame:
    """The runs of a kind, each with the condition it is of.

    Args:
        records: the results.
        kind: of the runs.
        given: columns that do not make conditions; `data` among them, it is always told.

    Returns:
        The rows of `Records.runs` with `condition`: the data, and whatever else tells runs apart.
        A seed that has several files of one condition (of two versions of the code) counts once.
    """
    runs = records.runs[records.runs["kind"] == kind]
    known = [name for name in given if name in runs]
    told = run_settings(records, kind, [*known, "seed"]).rename(columns={"panel": "condition"})
    rows = runs.merge(told, on=["key", "machine"])
    return rows.drop_duplicates(["condition", "seed", *known], ignore_index=True)


def rows_of(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """A table's rows of those runs, with the condition of each.

    Args:
        table: of `Records`.
        runs: of `runs_of`.

    Returns:
        The table's columns and `condition`.
    """
    return table.merge(runs[["key", "machine", "condition"]], on=["key", "machine"])
