"""PENALTIES: what keeps the discriminator smooth, per sample and unweighted.

A penalty takes ``(discriminator, real, fake, uniform)`` and returns (N,) values; the
discriminator's loss adds ``penalty_weight`` times their mean. Gradients are of the *logit*, one
norm per sample.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu

Discriminator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Penalty:
    """A per-sample penalty and the weight its paper gives it.

    Args:
        value: ``(discriminator, real (N, …), fake (N, …), uniform) -> (N,)``.
        usual_weight: the coefficient of its mean in the discriminator's loss, in its paper.
        per_element: ``uniform`` is of real's shape; otherwise (N,).
    """

    value: Callable[[Discriminator, Tensor, Tensor, Tensor], Tensor]
    usual_weight: float
    per_element: bool = False


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


def r2(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """‖∇ₓD(x)‖² on generated samples; the weight is γ/2, usually γ = 10.

    Args:
        discriminator: (N, …) -> (N,) logits.
        real: (N, …), unused.
        fake: (N, …), where the gradient is taken.
        uniform: (N,), unused.

    Returns:
        (N,), squared norms.

    Reference:
        Mescheder et al. 2018, "Which training methods for GANs do actually converge?", Eq. 10.
    """
    del real, uniform
    return input_gradient(discriminator, fake).square().sum(1)


def r1_r2(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """R1 + R2: on real and on generated samples, with one weight γ/2; part of R3GAN.

    Args:
        discriminator: (N, …) -> (N,) logits.
        real: (N, …).
        fake: (N, …).
        uniform: (N,), unused.

    Returns:
        (N,), sums of two squared norms.

    Reference:
        Huang et al. 2024, "The GAN is dead; long live the GAN!", section 2.2.
    """
    on_real = r1(discriminator, real, fake, uniform)
    return on_real + r2(discriminator, real, fake, uniform)


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
    return _excess_slope(discriminator, _between(real, fake, uniform)).square()


def wgan_lp(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """max(0, ‖∇ₓD(x̂)‖₂ − 1)² at WGAN-GP's x̂: slopes below 1 are free; λ, usually 10.

    Args:
        discriminator: (N, …) -> (N,) logits.
        real: (N, …), one end of each segment.
        fake: (N, …), the other end.
        uniform: (N,), ε ~ U[0, 1) of each sample.

    Returns:
        (N,), at least 0.

    Reference:
        Petzka et al. 2017, "On the regularization of Wasserstein GANs", Eq. 8.
    """
    return relu(_excess_slope(discriminator, _between(real, fake, uniform))).square()


def dragan(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """(‖∇ₓD(x + δ)‖₂ − 1)² around the data, δ = ½·std(x)·U[0, 1)ⁿ; the weight is λ, usually 10.

    Args:
        discriminator: (N, …) -> (N,) logits.
        real: (N, …), the data; std is that of all elements of the minibatch.
        fake: (N, …), unused.
        uniform: (N, …), one number per element.

    Returns:
        (N,), at least 0.

    Reference:
        Kodali et al. 2017, "On convergence and stability of GANs", Algorithm 1. (Some programs
        penalise a random point between x and x + δ.)
    """
    del fake
    return _excess_slope(discriminator, real + real.std() * uniform / 2).square()


def _between(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """A random point on each segment from a generated to a real sample."""
    epsilon = uniform.view(-1, *[1] * (real.dim() - 1))
    return epsilon * real + (1 - epsilon) * fake


def _excess_slope(discriminator: Discriminator, x: Tensor) -> Tensor:
    """‖∇ₓD(x)‖₂ − 1 of each sample."""
    excess: Tensor = torch.linalg.vector_norm(input_gradient(discriminator, x), dim=1) - 1
    return excess


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
    "r2": Penalty(r2, 5.0),
    "r1_r2": Penalty(r1_r2, 5.0),
    "wgan_gp": Penalty(wgan_gp, 10.0),
    "wgan_lp": Penalty(wgan_lp, 10.0),
    "dragan": Penalty(dragan, 10.0, per_element=True),
}
