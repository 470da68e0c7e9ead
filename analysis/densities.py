"""Densities on a grid and the discriminator they make optimal: section 4 of the 2014 paper."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Array, finite


def kernel_density(samples: ArrayLike, grid: ArrayLike) -> Array:
    """p_g(x) = mean over samples of N(x; sample, h²), h by Silverman's robust rule.

    h is at least the grid's spacing: a generator that collapsed to a point has no density, and this
    shows it as narrow as the grid can.

    Args:
        samples: (n,).
        grid: (m,), increasing and evenly spaced, m ≥ 2.

    Returns:
        (m,), per unit of x.

    Raises:
        ValueError: a value is not finite, or there are no samples.

    Reference:
        Silverman 1986, Density Estimation, Eq. 3.31.
    """
    values, x = finite(samples, "samples"), finite(grid, "grid")
    h = max(bandwidth(values), float(np.diff(x).min()))
    density: Array = np.zeros_like(x)
    for chunk in np.array_split(values, max(1, values.size // 1000)):
        density += stats.norm.pdf((x[:, None] - chunk) / h).sum(axis=1)
    density /= h * values.size
    return density


def bandwidth(values: Array) -> float:
    """Silverman's h = 0.9·min(σ, IQR / 1.34)·n^(−1/5); the smaller spread, unless it is zero."""
    spreads = np.array([values.std(), float(stats.iqr(values)) / 1.34])
    spread = float(spreads[spreads > 0].min()) if (spreads > 0).any() else 0.0
    return float(0.9 * spread * values.size**-0.2)


def optimal_discriminator(p_data: ArrayLike, p_g: ArrayLike) -> Array:
    """D*(x) = p_data(x) / (p_data(x) + p_g(x)), NaN where both are 0.

    Args:
        p_data: (m,), at least 0.
        p_g: (m,), at least 0.

    Returns:
        (m,), within [0, 1].

    Reference:
        Goodfellow et al. 2014, Proposition 1.

    >>> optimal_discriminator([0.3, 0.0, 0.0], [0.1, 0.2, 0.0])
    array([0.75, 0.  ,  nan])
    """
    data, total = np.asarray(p_data, float), np.add(p_data, p_g, dtype=float)
    d_star: Array = np.full_like(total, np.nan)
    np.divide(data, total, out=d_star, where=total > 0)
    return d_star


def discriminator_error(d: ArrayLike, p_data: ArrayLike, p_g: ArrayLike) -> float:
    """E|D(x) − D*(x)| over x ~ ½p_data + ½p_g, which is where D is trained.

    Args:
        d: (m,), D on an evenly spaced grid.
        p_data: (m,), on the same grid.
        p_g: (m,), on the same grid.

    Returns:
        0 where D is optimal, at most 1; NaN if the grid holds neither density.

    >>> discriminator_error([0.5, 0.5], [1.0, 0.0], [0.0, 1.0])
    0.5
    """
    weight = np.add(p_data, p_g, dtype=float)
    if not weight.sum() > 0:
        return float("nan")
    gap: Array = np.abs(np.asarray(d, float) - optimal_discriminator(p_data, p_g))
    return float(np.average(gap[weight > 0], weights=weight[weight > 0]))
