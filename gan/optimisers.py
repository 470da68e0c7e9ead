"""OPTIMISERS: θ ← θ − update, in place, on whole parameter vectors.

In place because a step that allocates fresh vectors spends its time in page faults
(docs/performance.md).
"""

import math
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

    Args:
        theta: (n,), changed in place.
        gradient: (n,).
        moments: (m (n,), v (n,), t ()), changed in place.
        rates: learning_rate η, beta1, beta2 and epsilon ε.

    Reference:
        Kingma & Ba 2015, "Adam", Algorithm 1.
    """
    mean, square, count = moments
    count.add_(1)
    mean.lerp_(gradient, 1 - rates.beta1)
    square.mul_(rates.beta2).addcmul_(gradient, gradient, value=1 - rates.beta2)
    scale = _bias(rates.beta1, count) / rates.learning_rate
    denominator = (square / _bias(rates.beta2, count)).sqrt_().add_(rates.epsilon).mul_(scale)
    theta.addcdiv_(mean, denominator, value=-1)


def _bias(beta: float, count: Tensor) -> Tensor:
    """1 − βᵗ, the share of the gradients in a moving average; for β near 1 the power would round.

    Args:
        beta: β in [0, 1).
        count: t (), at least 1.

    Returns:
        (), in t's dtype.
    """
    return -torch.expm1(count * (math.log(beta) if beta else -math.inf))


OPTIMISERS: dict[str, Optimiser] = {
    "sgd": Optimiser(lambda theta: (torch.zeros_like(theta),), sgd),
    "adam": Optimiser(
        lambda theta: (torch.zeros_like(theta), torch.zeros_like(theta), theta.new_zeros(())), adam
    ),
}
