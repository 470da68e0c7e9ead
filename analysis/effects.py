"""Effect sizes of paired differences, one per seed, positive where the first loss is better.

They may be infinite: a run that diverged, or ended without a value, is worse than any that has one.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.comparison import rank_sum_distribution
from analysis.estimates import Array, Interval, share_interval


def improvement(differences: ArrayLike, confidence: float = 0.95) -> Interval:
    """P(the first is better) + ½·P(they tie), with bounds that hold whatever the distribution.

    The lower bound is Clopper and Pearson's of the wins, the upper one that of wins and ties: ½ a
    tie is no observation of a binomial, and these cover however a tie is counted.

    Args:
        differences: (n,).
        confidence: the least of the interval.

    Returns:
        All NaN of no seeds.

    Reference:
        Agarwal et al. 2021, section 4.3: probability of improvement, here by seed.

    >>> improvement([1.0, 0.0]).estimate
    0.75
    """
    array = np.asarray(differences, dtype=np.float64)
    n, wins, ties = array.size, int((array > 0).sum()), int((array == 0).sum())
    least, most = share_interval(wins, n, confidence), share_interval(wins + ties, n, confidence)
    return Interval((least.estimate + most.estimate) / 2, least.low, most.high, confidence, n)


def shift(differences: ArrayLike, confidence: float = 0.95) -> Interval:
    """Hodges and Lehmann's shift: the median of all means of two differences, or one.

    Args:
        differences: (n,); infinite ones have no size and are left out.
        confidence: the least of the interval, exact for differences that are symmetric about
            the shift and without ties.

    Returns:
        In the metric's units, with the seeds it is of; bounds NaN where even the extremes do
        not have the confidence (fewer than 6 seeds for 95 %).

    Reference:
        Hodges & Lehmann 1963; Hollander & Wolfe 1999, section 3.2 and 3.3.

    >>> shift([1.0, 2.0, 6.0]).estimate
    2.75
    """
    array = np.asarray(differences, dtype=np.float64)
    array = array[np.isfinite(array)]
    n = array.size
    if not n:
        return Interval(np.nan, np.nan, np.nan, confidence, 0)
    halves = array / 2
    means = np.concatenate([halves[first] + halves[first:] for first in range(n)])
    below = _outside(n, confidence)
    # The two in the middle, and the bounds: to sort all of n² would take ten times as long.
    places = [(means.size - 1) // 2, means.size // 2, max(below - 1, 0), -max(below, 1)]
    means.partition([place % means.size for place in places])
    lower, upper, low, high = means[places]
    if not below:
        low = high = np.nan
    return Interval(float((lower + upper) / 2), float(low), float(high), confidence, n)


@lru_cache(maxsize=64)
def _outside(n: int, confidence: float) -> int:
    """How many of the sorted means of two of n values lie outside of the interval, at each end."""
    chances = rank_sum_distribution(range(1, n + 1), most=n * (n + 1) // 4)
    return int((2 * np.cumsum(chances) <= 1 - confidence).sum())


def standardised(differences: ArrayLike) -> float:
    """The shift, in standard deviations, of normal differences with as many positive pair sums.

    P(dᵢ + dⱼ > 0) = Φ(√2·δ) for normal differences with mean δ and deviation 1, so
    δ = Φ⁻¹(p) / √2: what the signed-rank test sees, the same after any wild seed.

    Args:
        differences: (n,), zeros are left out.

    Returns:
        δ, infinite where all pairs of seeds agree; NaN of fewer than 2 seeds that differ.

    Reference:
        Noether 1987, "Sample size determination for some common nonparametric tests".

    >>> standardised([1.0, -1.0]), standardised([1.0, 2.0])
    (0.0, inf)
    """
    array = comparable(differences)
    n = array.size
    if n < 2:
        return math.nan
    sums = (array[:, None] + array)[np.triu_indices(n, 1)]
    # Divided once: as many above 0 as below are exactly ½, and δ exactly 0.
    share = ((sums > 0).sum() + (sums == 0).sum() / 2) / sums.size
    return float(stats.norm.ppf(share) / math.sqrt(2))


def comparable(differences: ArrayLike) -> Array:
    """Differences that are not 0 in units of the largest; infinite ones are beyond all sums."""
    array = np.asarray(differences, dtype=np.float64)
    array = array[array != 0]
    largest = np.abs(array[np.isfinite(array)]).max(initial=0.0) or 1.0
    return np.asarray(np.where(np.isinf(array), 3 * np.sign(array), array / largest))
