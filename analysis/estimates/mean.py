"""Means over seeds between bounds: a bootstrap's, of many seeds Student's."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates.interval import FEWEST_SEEDS, Array, Interval, finite

Statistic = Callable[..., Any]


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
    """A mean over seeds between its bounds, from 8 seeds on.

    Of up to MANY values they are bias-corrected accelerated bootstrap bounds. BCa of few values is
    too narrow, as a normal quantile would be in Student's place: of the interquartile mean of 8 it
    covers in 92.7 to 93.8 % of samples instead of 95. So its tails are those that a normal variable
    has beyond Student's quantile, 2·Φ(t) − 1 in place of the confidence. Then it covers, of 8, 16
    and 32 normal, lognormal, exponential or Student's t₂ values, in 95.3 to 96.2 %. A plain mean of
    few skewed values stays short: 86 % of 8 lognormal ones. Of more values both means are normal
    enough for `student_bounds`, which resamples nothing.
    docs/decisions/0017-statistics.md has the numbers.

    Args:
        values: (n,), one per seed.
        rng: draws the resamples.
        statistic: one of TRIMMED, `np.mean` or `interquartile_mean`.
        confidence: of the interval.
        resamples: of the bootstrap.

    Returns:
        The statistic; its bounds are NaN below 8 values and where BCa is undefined, and the value
        itself where all values are one.

    Raises:
        ValueError: there are no values, or one is not finite.

    Reference:
        Efron 1987, "Better Bootstrap Confidence Intervals"; Hesterberg 2015, "What Teachers Should
        Know About the Bootstrap": expanded percentiles, here without its factor √(n/(n − 1)).
    """
    (mean,) = mean_intervals([finite(values, "values")], rng, statistic, confidence, resamples)
    return mean


def mean_intervals(
    rows: ArrayLike,
    rng: np.random.Generator,
    statistic: Statistic = np.mean,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> list[Interval]:
    """`mean_interval` of every row, all of them by the same resamples of seeds.

    Args:
        rows: (k, n), a column per seed: the records of a curve.
        rng: draws the resamples, once for all rows.
        statistic: as in `mean_interval`.
        confidence: of each interval.
        resamples: of the bootstrap.

    Returns:
        k intervals, pointwise: each has the confidence, not the band that they make.

    Raises:
        ValueError: there are no values, or one is not finite.
    """
    table = np.asarray(rows, dtype=np.float64)
    n = table.shape[-1]
    estimates = np.asarray(statistic(finite(table, "values").reshape(table.shape), axis=-1))
    bounds = np.full((2, len(table)), np.nan)
    if n > MANY:
        bounds[:] = student_bounds(table, estimates, TRIMMED[statistic], confidence)
    elif n >= FEWEST_SEEDS:
        varied = np.ptp(table, axis=-1) > 0
        bounds[:, ~varied] = estimates[~varied]
        if varied.any():
            level = student_level(confidence, n)
            bounds[:, varied] = bca_bounds(table[varied], rng, statistic, level, resamples)
    return [
        Interval(float(mean), float(low), float(high), confidence, n)
        for mean, low, high in zip(estimates, *bounds, strict=True)
    ]


def student_bounds(table: Array, means: Array, trimmed: float, confidence: float) -> Array:
    """Bounds of each row's trimmed mean: mean ∓ t·s_w·√n / h, h the number of values averaged.

    s_w is the deviation of the row winsorised, its γ·n smallest and largest values moved to the
    next ones, and Student's t has h − 1 degrees of freedom. For γ = 0 it is the textbook's interval
    of a mean.

    Args:
        table: (k, n).
        means: (k,), trimmed means.
        trimmed: γ, the share left out at each end.
        confidence: of each interval.

    Returns:
        (2, k), NaN where only some values are equal, but all that are averaged.

    Reference:
        Tukey & McLaughlin 1963, "Less vulnerable confidence and significance procedures for
        location based on a single sample"; Yuen 1974.
    """
    n = table.shape[-1]
    cut = int(trimmed * n)
    ordered = np.sort(table, axis=-1)
    winsorised = ordered.clip(ordered[:, [cut]], ordered[:, [n - cut - 1]])
    averaged = n - 2 * cut
    error = winsorised.std(axis=-1, ddof=1) * math.sqrt(n) / averaged
    half = stats.t.ppf((1 + confidence) / 2, averaged - 1) * error
    half[(half == 0) & (ordered[:, 0] < ordered[:, -1])] = np.nan
    return np.array([means - half, means + half])


def student_level(confidence: float, n: int) -> float:
    """The confidence at which a normal quantile is as far out as Student's: 2·Φ(t₍ₙ₋₁₎) − 1.

    Args:
        confidence: at which Student's t is taken.
        n: values, one more than the degrees of freedom.

    Returns:
        A larger confidence, the same for many values.

    >>> round(student_level(0.95, 8), 4), round(student_level(0.95, 10**6), 4)
    (0.982, 0.95)
    """
    return float(2 * stats.norm.cdf(stats.t.ppf((1 + confidence) / 2, n - 1)) - 1)


def bca_bounds(
    table: Array, rng: np.random.Generator, statistic: Statistic, confidence: float, resamples: int
) -> Array:
    """The bounds of each row's BCa interval, (2, k), NaN where it is undefined."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # SciPy warns of what its NaN already says: the jackknife saw no variation.
        warnings.simplefilter("ignore")
        interval = stats.bootstrap(
            (table,),
            statistic,
            vectorized=True,
            method="BCa",
            n_resamples=resamples,
            confidence_level=confidence,
            axis=-1,
            rng=rng,
        ).confidence_interval
    return np.array([interval.low, interval.high])


MANY = 128
"""Values beyond which a mean's bounds are Student's: its resamples would take seconds a curve."""

TRIMMED: Mapping[Statistic, float] = {np.mean: 0.0, interquartile_mean: 0.25}
"""Mean -> the share of values that it leaves out at each end."""
