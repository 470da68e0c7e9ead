"""A share of runs, with bounds that hold whatever there are of them."""

import numpy as np
from scipy import stats

from analysis.estimates.interval import Interval


def share_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """A share of runs with its exact interval: it covers at least so often, whatever n.

    Args:
        successes: runs that reached their target, at most n.
        n: runs.
        confidence: of the interval.

    Returns:
        The share between its bounds; all NaN of no runs.

    Raises:
        ValueError: successes is not between 0 and n.

    Reference:
        Clopper & Pearson 1934, "The use of confidence or fiducial limits".

    >>> share_interval(8, 8).low > 0.63, share_interval(8, 8).high
    (True, 1.0)
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} runs")
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, confidence, 0)
    tail, misses = (1 - confidence) / 2, n - successes
    low = float(stats.beta.ppf(tail, successes, misses + 1)) if successes else 0.0
    high = float(stats.beta.isf(tail, successes + 1, misses)) if misses else 1.0
    return Interval(successes / n, low, high, confidence, n)
