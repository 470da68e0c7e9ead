"""The theory the figures draw as lines: Goodfellow et al. 2014, section 3; Goodfellow 2016.

D is short for D(G(z)) = σ(a), a the discriminator's logit; J is the generator's cost, which it
minimises. Since dD/da = D(1 − D), a gradient in the parameters follows dJ/da, not dJ/dD.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]


PAIR = ("saturating", "non_saturating")
"""The two losses that the 2014 paper compares: Eq. 4's gradient and Eq. 3's."""

SMALL = 1e-3
"""D(G(z)) at or below it is small: there powers of D are fitted."""

TOLERANCES: Mapping[str, float] = {"float64": 1e-10, "float32": 1e-5}
"""Of the relative error of one sample's ratio, by the format that computes."""

NEAR_ZERO = 0.01
"""D(G(z)) at or below it counts as near 0: D rejects samples with high confidence."""


@dataclass(frozen=True)
class GeneratorCost:
    """A generator's cost against D(G(z)) and its two derivatives.

    Args:
        cost: J(D), nats.
        per_probability: dJ/dD.
        per_logit: dJ/da = dJ/dD · D(1 − D).
        slope: the exponent of |dJ/da| as D → 0: it goes like D to this power.
    """

    cost: Curve
    per_probability: Curve
    per_logit: Curve
    slope: float


def saturating_cost(d: Array) -> Array:
    """J = log(1 − D): Eq. 1.

    >>> saturating_cost(np.array([0.5]))
    array([-0.69314718])
    """
    return np.log1p(-d)


def saturating_per_probability(d: Array) -> Array:
    """dJ/dD = −1 / (1 − D): Eq. 4."""
    return -1 / (1 - d)


def saturating_per_logit(d: Array) -> Array:
    """dJ/da = −D: it vanishes with D."""
    return -d


def non_saturating_cost(d: Array) -> Array:
    """J = −log D: Eq. 2.

    >>> non_saturating_cost(np.array([0.5]))
    array([0.69314718])
    """
    return -np.log(d)


def non_saturating_per_probability(d: Array) -> Array:
    """dJ/dD = −1 / D: Eq. 3."""
    return -1 / d


def non_saturating_per_logit(d: Array) -> Array:
    """dJ/da = −(1 − D): it tends to −1 as D → 0, a constant."""
    return d - 1


def maximum_likelihood_cost(d: Array) -> Array:
    """J = −D / (1 − D) = −exp(a).

    >>> maximum_likelihood_cost(np.array([0.5]))
    array([-1.])
    """
    return -d / (1 - d)


def maximum_likelihood_per_probability(d: Array) -> Array:
    """dJ/dD = −1 / (1 − D)²."""
    return -1 / (1 - d) ** 2


def maximum_likelihood_per_logit(d: Array) -> Array:
    """dJ/da = −D / (1 − D)."""
    return -d / (1 - d)


def gradient_ratio(d: Array) -> Array:
    """‖∇θ non-saturating‖ / ‖∇θ saturating‖ = (1 − D) / D of one sample, in every parameter.

    >>> gradient_ratio(np.array([0.5, 0.01]))
    array([ 1., 99.])
    """
    return (1 - d) / d


COSTS: Mapping[str, GeneratorCost] = {
    "saturating": GeneratorCost(
        saturating_cost, saturating_per_probability, saturating_per_logit, slope=1.0
    ),
    "non_saturating": GeneratorCost(
        non_saturating_cost, non_saturating_per_probability, non_saturating_per_logit, slope=0.0
    ),
    "maximum_likelihood": GeneratorCost(
        maximum_likelihood_cost,
        maximum_likelihood_per_probability,
        maximum_likelihood_per_logit,
        slope=1.0,
    ),
}
