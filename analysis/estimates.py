"""Estimates and their intervals: arrays in, floats out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]
Statistic = Callable[..., Any]

FEWEST_SEEDS = 8
"""Below this a bootstrap interval of seeds is not worth its name: show the points."""


@dataclass(frozen=True)
class Interval:
    """An estimate between its bounds, which are NaN where the data allow no interval.

    Args:
        estimate: the point estimate.
        low: lower bound.
        high: upper bound.
        confidence: probability that such an interval holds the true value.
        n: observations used.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    n: int


def finite(values: ArrayLike, name: str) -> Array:
    """The values as a float64 vector.

    Args:
        values: (n,), n ≥ 1.
        name: how to call them in the error.

    Returns:
        (n,) float64.

    Raises:
        ValueError: there are none, or one is NaN or infinite: leave out a diverged run by name.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    if not array.size:
        raise ValueError(f"{name}: no values")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {(~np.isfinite(array)).sum()} of {array.size} are not finite")
    return array


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


def interquartile_mean(values: ArrayLike, axis: int = -1) -> "np.float64 | Array":
    """The mean of the middle half: robust like the median, and it uses more of the data.

    Args:
        values: any shape.
        axis: along which to average.

    Returns:
        The shape without that axis.

    Reference:
        Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".

    >>> float(interquartile_mean([0, 1, 2, 100]))
    1.5
    """
    trimmed: np.float64 | Array = stats.trim_mean(
        np.asarray(values, dtype=np.float64), 0.25, axis=axis
    )
    return trimmed


def mean_interval(
    values: ArrayLike,
    rng: np.random.Generator,
    statistic: Statistic = np.mean,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """A mean over seeds and its bias-corrected accelerated bootstrap interval, from 8 seeds on.

    Args:
        values: (n,), one per seed.
        rng: draws the resamples.
        statistic: `np.mean`, `interquartile_mean`, or another that takes `axis`.
        confidence: of the interval.
        resamples: of the bootstrap.

    Returns:
        The statistic; its bounds are NaN below 8 values and where BCa is undefined, and the value
        itself where all values are one.

    Raises:
        ValueError: there are no values, or one is not finite.

    Reference:
        Efron 1987, "Better Bootstrap Confidence Intervals".
    """
    sample = finite(values, "values")
    estimate = float(statistic(sample, axis=-1))
    low, high = np.nan, np.nan
    if sample.size >= FEWEST_SEEDS and np.ptp(sample) == 0:
        low = high = estimate
    elif sample.size >= FEWEST_SEEDS:
        low, high = bca_bounds(sample, rng, statistic, confidence, resamples)
    return Interval(estimate, low, high, confidence, sample.size)


def bca_bounds(
    sample: Array, rng: np.random.Generator, statistic: Statistic, confidence: float, resamples: int
) -> tuple[float, float]:
    """The bounds of a BCa interval, NaN where it is undefined."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # SciPy warns of what its NaN already says: the jackknife saw no variation.
        warnings.simplefilter("ignore")
        interval = stats.bootstrap(
            (sample,),
            statistic,
            vectorized=True,
            method="BCa",
            n_resamples=resamples,
            confidence_level=confidence,
            rng=rng,
        ).confidence_interval
    return float(interval.low), float(interval.high)
