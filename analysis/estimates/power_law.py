"""Exponents of power laws."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.estimates.interval import Array, Interval, finite


def log_log_slope(
    x: ArrayLike, y: ArrayLike, groups: Sequence[object] | None = None, confidence: float = 0.95
) -> Interval:
    """The exponent b of y = c·xᵇ by least squares in logarithms, one c per group.

    The interval is Student's, of residuals about the power law; it says how well a power law
    describes these points, not how another seed would come out.

    Args:
        x: (n,), positive.
        y: (n,), positive.
        groups: (n,), which points share a factor c; None: all do.
        confidence: of the interval.

    Returns:
        The slope. All NaN if no group has two different x; without bounds if no point is to spare.

    Raises:
        ValueError: a value is not positive and finite.

    >>> round(log_log_slope([1, 10, 100], [2, 200, 20_000]).estimate, 9)
    2.0
    """
    log_x, log_y = (positive_log(values, name) for values, name in ((x, "x"), (y, "y")))
    labels = np.zeros(log_x.size, int) if groups is None else group_numbers(groups)
    log_x, log_y = (centre(values, labels) for values in (log_x, log_y))
    n, spare = log_x.size, log_x.size - int(labels.max()) - 2
    if np.abs(log_x).max() < 1e-12:
        return Interval(np.nan, np.nan, np.nan, confidence, n)
    slope = float(stats.linregress(log_x, log_y).slope)
    if spare < 1:
        return Interval(slope, np.nan, np.nan, confidence, n)
    # linregress counts one level, not one per group, and has no error where all y are equal.
    error = np.sqrt(((log_y - slope * log_x) ** 2).sum() / spare / (log_x**2).sum())
    half = float(stats.t.ppf((1 + confidence) / 2, spare) * error)
    return Interval(slope, slope - half, slope + half, confidence, n)


def positive_log(values: ArrayLike, name: str) -> Array:
    """Natural logarithms, of positive values only."""
    array = finite(values, name)
    if (array <= 0).any():
        raise ValueError(f"{name}: a logarithm needs positive values")
    return np.log(array)


def group_numbers(groups: Sequence[object]) -> NDArray[np.intp]:
    """Groups numbered from 0 in order of appearance.

    >>> group_numbers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    order = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return np.array([order[group] for group in groups], dtype=np.intp)


def centre(values: Array, labels: NDArray[np.intp]) -> Array:
    """Values less their group's mean: what is left of them once every group has its own level."""
    means = np.bincount(labels, values) / np.bincount(labels)
    return values - means[labels]
