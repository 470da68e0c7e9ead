"""One test of several cells at once, exact however the cells' noise goes together."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

MOST_PAIRS = 16


def joint_p_values(log_ratios: ArrayLike) -> NDArray[np.float64]:
    """Westfall and Young's step-down p-values of two-sided signed-rank tests of cells.

    If no cell changed, exchanging base and head of a pair changes nothing, in all cells together,
    so each of the 2ⁿ assignments of signs to the pairs is as likely as the one seen. A cell's rank
    sum is held against the largest of all cells that are no more extreme than it. The chance that
    any unchanged cell has a p-value of at most p is at most p, as with Bonferroni's; but where all
    cells change together, each has the p-value of a single one.

    Args:
        log_ratios: (cells, n): of pairs that timed them all, n ≤ 16.

    Returns:
        (cells,) in [2^(1−n), 1].

    Raises:
        ValueError: more pairs than MOST_PAIRS, or a NaN.

    Reference:
        Westfall and Young 1993, algorithm 2.8, with sign changes in place of permutations.

    >>> joint_p_values([[1, 2, 3, 4], [5, 7, 6, 8]]), joint_p_values([[1, 2, 3, 4], [-1, 3, 2, -4]])
    (array([0.125, 0.125]), array([0.25, 1.  ]))
    """
    array = np.atleast_2d(np.asarray(log_ratios, dtype=np.float64))
    cells, pairs = array.shape
    if pairs > MOST_PAIRS:
        raise ValueError(f"{pairs} pairs: signs of at most {MOST_PAIRS} are all tried")
    if np.isnan(array).any():
        raise ValueError("a log ratio is NaN")
    # A zero has a rank and no sign, so that all cells have the same pairs.
    ranks = np.sign(array) * stats.rankdata(np.abs(array), axis=1)
    bits = np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1
    sums = np.abs((1 - 2 * bits) @ ranks.T)
    # The first assignment changes no sign: the sums seen.
    order = np.argsort(-sums[0], kind="stable")
    largest = np.maximum.accumulate(sums[:, order[::-1]], axis=1)[:, ::-1]
    shares = (largest >= sums[0, order] - 1e-9).mean(axis=0)
    p_values = np.empty(cells)
    p_values[order] = np.maximum.accumulate(shares)
    return p_values
