"""Medians between order statistics."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates.interval import Interval, finite


def median_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """The median and the order statistics that enclose the true one, whatever the distribution.

    P(X₍ₖ₎ ≤ m ≤ X₍ₙ₊₁₋ₖ₎) ≥ 1 − 2·P(Binomial(n, ½) < k). Fewer than 6 values cannot reach
    95 %: then the bounds are the extremes, and `confidence` is what those have.

    Args:
        values: (n,).
        confidence: the least that the interval should have.

    Returns:
        The median with the confidence its bounds really have; without bounds if n is 1.

    Raises:
        ValueError: there are no values, or one is not finite.

    Reference:
        Conover 1999, Practical Nonparametric Statistics, section 3.2.

    >>> median_interval([1, 2, 3, 4, 5, 6])
    Interval(estimate=3.5, low=1.0, high=6.0, confidence=0.96875, n=6)
    """
    ordered = np.sort(finite(values, "values"))
    n = ordered.size
    if n == 1:
        return Interval(float(ordered[0]), np.nan, np.nan, 0.0, 1)
    below = stats.binom.cdf(np.arange(n // 2), n, 0.5)
    k = max(int((2 * below <= 1 - confidence).sum()), 1)
    reached = float(1 - 2 * below[k - 1])
    return Interval(
        float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k]), reached, n
    )
