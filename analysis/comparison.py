"""Two losses compared seed by seed: an exact test, corrected for how many there are.

All functions take paired differences, one per seed, positive where the first is better. They may
be infinite: a run that diverged, or ended without a value, is worse than any that has one.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Array

LEVEL = 0.05
"""Of a family: the probability that any pair in it is called while no pair differs."""


def differences(first: ArrayLike, second: ArrayLike, best: str) -> Array:
    """How much better the first is than the second, seed by seed.

    Args:
        first: (n,), one final value per seed; not finite: the run diverged or ended undefined.
        second: (n,), of the same seeds.
        best: "higher" or "lower".

    Returns:
        (n,), positive where the first is better; ∞ where only the second has no value, −∞ where
        only the first has none, 0 where neither has.

    >>> differences([1.0, 2.0, np.nan], [3.0, np.nan, np.nan], "lower").tolist()
    [2.0, inf, 0.0]
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    sign = 1.0 if best == "higher" else -1.0
    has_one, has_other = np.isfinite(one), np.isfinite(other)
    both = has_one & has_other
    with np.errstate(over="ignore"):
        # A gap beyond float64 is as good as infinite.
        gap = np.where(both, one, 0.0) - np.where(both, other, 0.0)
    return np.where(both, sign * gap, np.where(has_one, np.inf, np.where(has_other, -np.inf, 0.0)))


def signed_ranks(differences: ArrayLike) -> Array:
    """The ranks of |d| with the signs of d, without zeros; equal ones share their mean rank.

    >>> signed_ranks([0.0, 2.0, -np.inf, -2.0]).tolist()
    [1.5, -3.0, -1.5]
    """
    array = np.asarray(differences, dtype=np.float64)
    if np.isnan(array).any():
        raise ValueError("a difference is NaN: a run without a value is worst, not unknown")
    array = array[array != 0]
    return np.asarray(np.sign(array) * stats.rankdata(np.abs(array)))


def paired_p_value(differences: ArrayLike) -> float:
    """The two-sided p-value of the signed-rank test, exact also with ties and infinite differences.

    If the losses do not differ, exchanging the two runs of a seed changes nothing, so every
    assignment of signs is as likely as the one seen. Ranks, not means, since a mean is undefined
    with a run that diverged and has little power beside one wild seed. Its size is exact whatever
    the distribution; that of SciPy's and the textbook's normal approximation is not with ties.

    Args:
        differences: (n,), zeros are left out.

    Returns:
        2·P(W ≤ w), w the smaller of the sums of positive and of negative ranks, at most 1: between
        2^(1−n) and 1, and 1 if at most one seed differs.

    Raises:
        ValueError: a difference is NaN.

    Reference:
        Wilcoxon 1945; Hollander & Wolfe 1999, section 3.1, with ties by the same counting.

    >>> paired_p_value(range(1, 9))
    0.0078125
    """
    # Mean ranks of ties are halves, so twice a rank is whole.
    ranks = np.rint(2 * signed_ranks(differences)).astype(int)
    sizes = np.abs(ranks)
    smaller = (int(sizes.sum()) - abs(int(ranks.sum()))) // 2
    # Without ties all are even: a common divisor only makes the table of sums longer.
    unit = max(int(np.gcd.reduce(sizes, initial=0)), 1)
    chances = rank_sum_distribution((sizes // unit).tolist(), smaller // unit)
    return min(1.0, 2 * float(chances.sum()))


def rank_sum_distribution(ranks: Iterable[int], most: int) -> Array:
    """P(the ranks that are positive sum to w) if every sign is as likely as the other.

    Rank by rank, P(w) ← (P(w) + P(w − rank)) / 2: no signs are enumerated. Work grows as n·most,
    n³ for n seeds: 0.3 s and 4 MB for a thousand, 9 s for three thousand. Ranks without ties are
    worked out once for each n. Beyond 1,022 seeds the
    smallest chances, 2⁻ⁿ, are too small for float64's full precision, and beyond 1,074 they are 0.

    Args:
        ranks: positive; equal ones are ties.
        most: the largest w wanted.

    Returns:
        (most + 1,), of w = 0, 1, …, most.

    >>> (8 * rank_sum_distribution([1, 2, 3], most=6)).tolist()
    [1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0]
    """
    ordered = sorted(ranks)
    half = sum(ordered) // 2
    if most <= half and ordered == list(range(1, len(ordered) + 1)):
        return _without_ties(len(ordered))[: most + 1]
    return _sums(ordered, most)


@lru_cache(maxsize=64)
def _without_ties(n: int) -> Array:
    """The lower half of the distribution for ranks 1, 2, …, n, which every n seeds share."""
    chances = _sums(range(1, n + 1), n * (n + 1) // 4)
    chances.flags.writeable = False
    return chances


def _sums(ranks: Iterable[int], most: int) -> Array:
    """P(w) for w = 0, …, most; the ranks in increasing order."""
    chances, reach = np.zeros(most + 1), 1
    chances[0] = 1
    for rank in ranks:
        reach = min(reach + rank, most + 1)
        reached = chances[:reach]
        reached[rank:] += reached[:-rank]
        reached /= 2
    return chances


def smallest_p_value(n: int) -> float:
    """What n seeds reach at best, all of them for one loss: 2^(1−n).

    >>> smallest_p_value(3), smallest_p_value(8)
    (0.25, 0.0078125)
    """
    return min(1.0, 2.0 ** (1 - n))


def holm(p_values: ArrayLike) -> pd.DataFrame:
    """Holm's correction of a family of p-values.

    Args:
        p_values: (m,), m ≥ 1.

    Returns:
        One row each: `adjusted`, `called` (adjusted ≤ LEVEL) and `level`, what Holm asks of this
        one if all below it are called: LEVEL / (m − how many are below it).

    Raises:
        ValueError: there are none, or one is not between 0 and 1.

    Reference:
        Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm([0.04, 0.01, 0.03])["adjusted"].tolist()
    [0.06, 0.03, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not (p.size and ((p >= 0) & (p <= 1)).all()):
        raise ValueError("Holm's correction needs p-values, all of them between 0 and 1")
    # As statsmodels' multipletests, which collects garbage at each call: 0.1 s for every family.
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(p.size)
    steps = np.maximum.accumulate((p.size - np.arange(p.size)) * p[order])
    adjusted[order] = np.minimum(steps, 1.0)
    level = LEVEL / (p.size - (stats.rankdata(p, method="min") - 1))
    return pd.DataFrame({"adjusted": adjusted, "called": adjusted <= LEVEL, "level": level})
