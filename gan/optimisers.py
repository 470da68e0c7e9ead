"""OPTIMISERS: θ ← θ − update, in place, on whole parameter vectors.

In place because a step that allocates fresh vectors spends its time in page faults
(docs/performance.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

Moments = tuple[Tensor, ...]


class Rates(NamedTuple):
    """What an optimiser is told; each reads the fields of its own rule."""

    learning_rate: float
    momentum: float
    beta1: float
    beta2: float
    epsilon: float


@dataclass(frozen=True)
class Optimiser:
    """A rule with memory.

    Args:
        start: ``theta -> moments``, the memory before the first update.
        update: ``(theta, gradient, moments, rates) -> None``, changes theta and moments in place.
    """

    start: Callable[[Tensor], Moments]
    update: Callable[[Tensor, Tensor, Moments, Rates], None]


def sgd(theta: Tensor, gradient: Tensor, moments: Moments, rates: Rates) -> None:
    """v ← μv + ∇, θ ← θ − ηv: gradient descent with momentum, the 2014 paper's choice.

    Args:
        theta: (n,), changed in place.
        gradient: (n,).
        moments: (v (n,),), changed in place.
        rates: learning_rate η and momentum μ.

    Reference:
        Goodfellow et al. 2014, Algorithm 1; torch.optim.SGD's convention of momentum.
    """
    (velocity,) = moments
    velocity.mul_(rates.momentum).add_(gradient)
    theta.sub_(velocity, alpha=rates.learning_rate)


def adam(theta: Tensor, gradient: Tensor, moments: Moments, rates: Rates) -> None:
    """θ ← θ − η m̂ / (√v̂ + ε): adaptive moment estimation.

    m̂ = m / (1 − β₁ᵗ), and 1 − βᵗ is the same moving average of the constant 1: kept beside m and v
    in float64, where it neither rounds for β near 1 nor costs a power in every update.

    Args:
        theta: (n,), changed in place.
        gradient: (n,).
        moments: (m (n,), v (n,), 1 − β₁ᵗ (), 1 − β₂ᵗ ()), changed in place.
        rates: learning_rate η, beta1, beta2 and epsilon ε.

    Reference:
        Kingma & Ba 2015, "Adam", Algorithm 1.
    """
    mean, square, mean_weight, square_weight = moments
    mean_weight.mul_(rates.beta1).add_(1 - rates.beta1)
    square_weight.mul_(rates.beta2).add_(1 - rates.beta2)
    mean.lerp_(gradient, 1 - rates.beta1)
    square.mul_(rates.beta2).addcmul_(gradient, gradient, value=1 - rates.beta2)
    denominator = (square / square_weight).sqrt_().add_(rates.epsilon)
    theta.addcdiv_(mean, denominator.mul_(mean_weight / rates.learning_rate), value=-1)


def _adam_start(theta: Tensor) -> Moments:
    weights = (theta.new_zeros((), dtype=torch.float64) for _ in range(2))
    return torch.zeros_like(theta), torch.zeros_like(theta), *weights


OPTIMISERS: dict[str, Optimiser] = {
    "sgd": Optimiser(lambda theta: (torch.zeros_like(theta),), sgd),
    "adam": Optimiser(_adam_start, adam),
}
