"""What a history's search goes by: its noise, and what a step or a leak explains of a series."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from analysis.estimates import Array

FEWEST_RUNS = 8
"""Below this neither the noise nor a change can be told from the other."""

SHORTEST = 3
"""A level has at least so many runs: one wild run, or two, are no change."""

WILDEST = 2.0
"""A run counts as at most so many standard deviations from the median of the five around it."""

LEVEL = 0.05
"""The probability that a series without a change is said to have one."""


def noise(values: ArrayLike) -> Array:
    """The standard deviation of normal noise, from what neighbours differ by.

    σ̂ = 1.4826 · median|dᵢ − median d| / √2 with dᵢ = yᵢ₊₁ − yᵢ. A level's change spoils one
    difference, a leak shifts them all alike: neither widens it.

    Args:
        values: (..., n), n ≥ 2.

    Returns:
        (...).

    >>> float(noise([0.0, 1.0, 2.0, 3.0])), round(float(noise([0.0, 1.0, 0.0, 1.0, 0.0])), 3)
    (0.0, 1.048)
    """
    steps = np.diff(np.asarray(values, dtype=np.float64), axis=-1)
    middle = np.median(steps, axis=-1, keepdims=True)
    return np.asarray(1.4826 / np.sqrt(2) * np.median(np.abs(steps - middle), axis=-1))


def standardised(values: ArrayLike, least_noise: float = 0.0) -> Array:
    """Series in units of their noise, their wild runs drawn in to WILDEST from their neighbours.

    Squares are at the mercy of long tails; the running median of five keeps every level of SHORTEST
    runs and no wild one, so that what is drawn in is noise, not a change.

    Args:
        values: (..., n), n ≥ 2.
        least_noise: the noise is taken to be at least this.

    Returns:
        (..., n).

    Reference:
        Fearnhead & Rigaill 2019, "Changepoint detection in the presence of outliers".
    """
    array = np.asarray(values, dtype=np.float64)
    size = (1,) * (array.ndim - 1) + (5,)
    middle = ndimage.median_filter(array, size=size, mode="mirror")
    spread = np.maximum(noise(array), least_noise)[..., None]
    drawn_in = np.clip(array, middle - WILDEST * spread, middle + WILDEST * spread)
    return np.asarray((drawn_in - np.median(array, axis=-1, keepdims=True)) / spread)


def step_penalties(values: ArrayLike) -> Array:
    """The penalty from which on Pelt's best segmentation has no change, for each series.

    maxₖ (C₀ − Cₖ) / k, where Cₖ is the least sum of squares about the means of k + 1 segments:
    found by Dinkelbach's iteration, whose every step is an optimal partitioning of all series.

    Args:
        values: (m, n), n ≥ 2 · SHORTEST.

    Returns:
        (m,), in squared units of the values.

    Reference:
        Killick, Fearnhead & Eckley 2012, "Optimal detection of changepoints"; Dinkelbach 1967.
    """
    table = np.asarray(values, dtype=np.float64)
    sums = np.cumsum(table - table.mean(axis=1, keepdims=True), axis=1)
    sums = np.concatenate([np.zeros((len(table), 1)), sums], axis=1)
    penalties = np.zeros(len(table))
    searched = np.arange(len(table))
    while searched.size:
        gains, changes = _best(sums[searched], penalties[searched])
        better = changes > 0
        searched = searched[better]
        raised = gains[better] / changes[better]
        # Rounding must not keep it from ending.
        rises = raised > penalties[searched] * (1 + 1e-9)
        penalties[searched] = np.maximum(penalties[searched], raised)
        searched = searched[rises]
    return penalties


def _best(sums: Array, penalties: Array) -> tuple[Array, Array]:
    """What the best segmentation under a penalty explains, and how many changes it has."""
    rows, ends = np.arange(len(sums)), sums.shape[1]
    explained = np.full(sums.shape, -np.inf)
    changes = np.zeros(sums.shape)
    for end in range(SHORTEST, ends):
        explained[:, end] = sums[:, end] ** 2 / end
        starts = np.arange(SHORTEST, end - SHORTEST + 1)
        if not starts.size:
            continue
        last = (sums[:, [end]] - sums[:, starts]) ** 2 / (end - starts)
        totals = explained[:, starts] + last - penalties[:, None]
        best = totals.argmax(axis=1)
        gain = totals[rows, best]
        split = gain > explained[:, end]
        explained[split, end] = gain[split]
        changes[split, end] = changes[split, starts[best[split]]] + 1
    return explained[:, -1] + penalties * changes[:, -1], changes[:, -1]


def leak_penalties(values: ArrayLike) -> Array:
    """What the best leak explains of each series' sum of squares: its largest penalty.

    A leak is a level up to some run and a straight line from there to the last one.

    Args:
        values: (m, n), n ≥ FEWEST_RUNS.

    Returns:
        (m,), in squared units of the values.
    """
    table = np.asarray(values, dtype=np.float64)
    return np.asarray(((table @ leaks(table.shape[1]).T) ** 2).max(axis=1))


def leaks(n: int) -> Array:
    """The shapes of leaks, by the run at which they begin, centred and of length 1.

    Args:
        n: runs, at least FEWEST_RUNS: a shorter leak is told from a step by nobody.

    Returns:
        (n − FEWEST_RUNS + 1, n).
    """
    begins = np.arange(n - FEWEST_RUNS + 1)[:, None]
    shapes = np.maximum(np.arange(n) - begins, 0.0)
    shapes -= shapes.mean(axis=1, keepdims=True)
    return np.asarray(shapes / np.linalg.norm(shapes, axis=1, keepdims=True))
