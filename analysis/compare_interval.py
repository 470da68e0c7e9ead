"""Ratios of two sides' times, between bounds that allow for more than the rounds of one process."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Array, Interval, finite, median_interval

CONFIDENCE = 0.95

MOST_FILES = 100
"""A side: the exact distribution of more is slow and no different from a normal one."""


def rounds_interval(base: ArrayLike, head: ArrayLike, between_runs: float) -> Interval:
    """The ratio of two processes' medians, widened by what two processes differ by anyway.

    With d = log head − log base, the distances of its bounds are
    √(δ_base² + δ_head² + log(1 + between_runs)²): δ are those of each median's own bounds, between
    order statistics. Rounds of one process share its memory layout, its core and its hour; they say
    nothing about the next process, so `between_runs` is an assumption, not an estimate.

    Args:
        base: (m,), logarithms of seconds, one per round of one process.
        head: (n,), the same.
        between_runs: by what share two runs of one program differ, at most in 95 of 100 pairs.

    Returns:
        head over base; bounds NaN where a side has fewer than 6 rounds.

    Raises:
        ValueError: a side is empty or not finite.

    Reference:
        Zou & Donner 2008, "Construction of confidence limits about effect measures" (MOVER).
    """
    one, other = median_interval(base, CONFIDENCE), median_interval(head, CONFIDENCE)
    change = other.estimate - one.estimate
    if min(one.confidence, other.confidence) < CONFIDENCE:
        return ratio(change, math.nan, math.nan, 1)
    runs = math.log1p(between_runs)
    below = math.hypot(other.estimate - other.low, one.high - one.estimate, runs)
    above = math.hypot(other.high - other.estimate, one.estimate - one.low, runs)
    return ratio(change, change - below, change + above, 1)


def files_interval(base: ArrayLike, head: ArrayLike) -> Interval:
    """The ratio of two sides' runs, each file's median one observation.

    Hodges and Lehmann's shift of the logarithms between its exact bounds from 4 files a side on,
    whatever the distribution; below that Student's, of both sides' pooled spread, which one file
    has, too.

    Args:
        base: (m,), the logarithm of each file's median seconds.
        head: (n,), the same.

    Returns:
        head over base; bounds NaN of one file a side.

    Raises:
        ValueError: a side is empty or not finite.

    >>> found = files_interval(np.log([1, 1, 1, 1]), np.log([2, 2, 2, 4]))
    >>> round(found.estimate, 9), round(found.low, 9), round(found.high, 9)
    (2.0, 2.0, 4.0)
    """
    one, other = finite(base, "base"), finite(head, "head")
    if min(one.size, other.size) >= 4:
        return hodges_lehmann(one, other)
    change = other.mean() - one.mean()
    freedom = one.size + other.size - 2
    if not freedom:
        return ratio(change, math.nan, math.nan, 1)
    squares = np.square(one - one.mean()).sum() + np.square(other - other.mean()).sum()
    error = math.sqrt(squares / freedom * (1 / one.size + 1 / other.size))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error
    return ratio(change, change - half, change + half, min(one.size, other.size))


def hodges_lehmann(base: Array, head: Array) -> Interval:
    """The median of all differences head − base of logarithms, as a ratio between exact bounds.

    Args:
        base: (m,), 4 or more.
        head: (n,), 4 or more.

    Reference:
        Hollander & Wolfe 1999, sections 4.2 and 4.3.
    """
    differences = np.sort((head[:, None] - base).ravel())
    below = np.cumsum(smaller_pairs(base.size, head.size))
    out = int((2 * below <= 1 - CONFIDENCE + 1e-12).sum())
    low, high = differences[out - 1], differences[-out]
    return ratio(float(np.median(differences)), low, high, min(base.size, head.size))


def smaller_pairs(m: int, n: int) -> Array:
    """How likely each count of pairs with head < base is when both are alike: Mann & Whitney's U.

    Args:
        m: of one side.
        n: of the other.

    Returns:
        (m·n + 1,).

    >>> (6 * smaller_pairs(2, 2)).round(9).tolist()
    [1.0, 1.0, 2.0, 1.0, 1.0]
    """
    ways = np.zeros((m + 1, m * n + 1))
    ways[0, 0] = 1
    # Of ranks 1 … m + n, m are one side's: the k-th smallest of rank r has r − k pairs below it.
    for rank in range(1, m + n + 1):
        for chosen in range(min(m, rank), 0, -1):
            pairs = rank - chosen
            if pairs <= n:
                ways[chosen, pairs:] += ways[chosen - 1, : m * n + 1 - pairs]
    return np.asarray(ways[m] / ways[m].sum())


def ratio(change: float, low: float, high: float, n: int) -> Interval:
    """A difference of logarithms as a ratio."""
    with np.errstate(over="ignore"):
        estimate, least, most = (float(np.exp(value)) for value in (change, low, high))
    return Interval(estimate, least, most, CONFIDENCE, n)


def verdict(found: Interval) -> str:
    """What an interval of a ratio of times says.

    >>> verdict(Interval(1.5, 1.2, 1.8, 0.95, 1)), verdict(Interval(0.9, 0.7, 1.1, 0.95, 1))
    ('slower', 'not told apart')
    """
    if math.isnan(found.low):
        return "no interval"
    if found.low > 1:
        return "slower"
    return "faster" if found.high < 1 else "not told apart"


def sides_interval(
    medians: Sequence[Sequence[float]], rounds: Sequence[Sequence[Array]], between_runs: float
) -> Interval:
    """The ratio of two sides by the best that their files allow.

    Args:
        medians: of base and of head, the logarithm of each file's median seconds.
        rounds: of base and of head, each file's logarithms of rounds; empty where not kept.
        between_runs: used where each side is one file.
    """
    base, head = rounds
    if len(base) == len(head) == 1 and base[0].size and head[0].size:
        return rounds_interval(base[0], head[0], between_runs)
    return files_interval(*medians)
