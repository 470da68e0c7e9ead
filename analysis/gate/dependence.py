"""What the pairs of a run, and the cells of a pair, have in common.

Counts of cells are told with intervals as if all were independent. How far they are from it is
measured here.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.gate.lines import Line
from analysis.wording import count, number, tenths

FEWEST_RUNS = 5
"""Unchanged runs below which nothing is said."""


def common_share(groups: Sequence[npt.NDArray[np.float64]]) -> float:
    """The intraclass correlation: which share of the variance is common to a group.

    ICC(1, 1) of Shrout and Fleiss, Psychological Bulletin 1979, from the F statistic of a one-way
    analysis of variance; groups of unequal size count with the average size of its expectation.

    >>> common_share([np.array([1.0, 2.0]), np.array([1.0, 2.0])])
    -1.0

    Args:
        groups: of two values at least, each.

    Returns:
        1 if values differ between groups only, below 0 if groups differ less than by chance.
    """
    sizes = np.array([len(group) for group in groups])
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    ratio = stats.f_oneway(*groups).statistic
    return float((ratio - 1) / (ratio + size - 1))


def dependence(found: Sequence[Line]) -> str:
    """How far unchanged pairs of a run, and cells of a pair, are from being independent.

    Args:
        found: lines of a validation.

    Returns:
        Two sentences; "" of fewer unchanged runs than FEWEST_RUNS.
    """
    unchanged = [line for line in found if line["slowdown"] == 0 and len(line["pairs"]) > 1]
    if len(unchanged) < FEWEST_RUNS:
        return ""
    pairs = pd.concat(
        [pd.DataFrame(line["pairs"]) for line in unchanged], keys=range(len(unchanged))
    )
    runs = {
        name: [group.to_numpy() for _, group in values.dropna().groupby(level=0) if len(group) > 1]
        for name, values in pairs.items()
    }
    shares = [common_share(groups) for groups in runs.values()]
    chances = [float(stats.kruskal(*groups).pvalue) for groups in runs.values()]
    table = pairs.corr("spearman").to_numpy()
    cells = table[np.triu_indices_from(table, 1)]
    least, most = (tenths(bound, signed=True) for bound in (min(shares), max(shares)))
    low, mean, high = (number(value, 2) for value in (cells.min(), cells.mean(), cells.max()))
    return (
        f"Of the variance of a cell's pairs {least} to {most} is common to those of a run "
        f"(intraclass correlations of {count(len(unchanged), 'unchanged run')}; the least of "
        f"{len(chances)} p-values, Kruskal and Wallis's, is {number(min(chances), 2)}). Two cells "
        f"of a pair correlate by {mean} on average (Spearman's; {low} to {high})."
    )
