"""PENALTIES: what keeps the discriminator smooth, per sample and unweighted.

A penalty takes ``(discriminator, real, fake, uniform)`` and returns (N,) values; the
discriminator's loss adds ``penalty_weight`` times their mean. Gradients are of the *logit*, one
norm per sample.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Discriminator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Penalty:
    """A per-sample penalty and the weight its paper gives it.

    Args:
        value: ``(discriminator, real (N, …), fake (N, …), uniform (N,)) -> (N,)``.
        usual_weight: the coefficient of its mean in the discriminator's loss, in its paper.
    """

    value: Callable[[Discriminator, Tensor, Tensor, Tensor], Tensor]
    usual_weight: float


def input_gradient(discriminator: Discriminator, x: Tensor) -> Tensor:
    """∇ₓD(x) of each sample, as rows.

    The gradient of the sum of the logits: right only while no sample's logit depends on another's,
    so a batch-normalised discriminator takes no penalty (``Run`` refuses it).

    Args:
        discriminator: (N, …) -> (N,) logits.
        x: (N, …), where the gradient is taken.

    Returns:
        (N, features), differentiable.
    """
    gradient: Tensor = torch.func.grad(lambda x: discriminator(x).sum())(x)
    return gradient.flatten(1)


def r1(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """‖∇ₓD(x)‖² on real samples; the weight is γ/2, usually γ = 10.

    Args:
        discriminator: (N, …) -> (N,) logits.
        real: (N, …), where the gradient is taken.
        fake: (N, …), unused.
        uniform: (N,), unused.

    Returns:
        (N,), squared norms.

    Reference:
        Mescheder et al. 2018, "Which training methods for GANs do actually converge?", Eq. 9.
    """
    del fake, uniform
    return input_gradient(discriminator, real).square().sum(1)


def wgan_gp(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """(‖∇ₓD(x̂)‖₂ − 1)² at x̂ = εx + (1 − ε)G(z), one ε per sample; the weight is λ, usually 10.

    Args:
        discriminator: (N, …) -> (N,) logits.
        real: (N, …), one end of each segment.
        fake: (N, …), the other end.
        uniform: (N,), ε ~ U[0, 1) of each sample.

    Returns:
        (N,), at least 0.

    Reference:
        Gulrajani et al. 2017, "Improved training of Wasserstein GANs", Algorithm 1.
    """
    epsilon = uniform.view(-1, *[1] * (real.dim() - 1))
    mixed = epsilon * real + (1 - epsilon) * fake
    norms = torch.linalg.vector_norm(input_gradient(discriminator, mixed), dim=1)
    shortfall: Tensor = norms - 1
    return shortfall.square()


def none(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """0: no penalty, the game as its paper states it.

    Args:
        discriminator: not called.
        real: (N, …), unused.
        fake: (N, …), unused.
        uniform: (N,), gives the shape.

    Returns:
        (N,), zeros.
    """
    del discriminator, real, fake
    return torch.zeros_like(uniform)


PENALTIES: dict[str, Penalty] = {
    "none": Penalty(none, 0.0),
    "r1": Penalty(r1, 5.0),
    "wgan_gp": Penalty(wgan_gp, 10.0),
}
