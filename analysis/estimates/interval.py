"""An estimate between its bounds, and the values that one can be made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

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
