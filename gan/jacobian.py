"""The Jacobian of the game between small real networks: does a step of training contract?

Both players descend at once: θ̇ = v(θ) with the joint field v = (−∇ of G's loss, −∇ of D's loss).
Where v = 0, training converges if every eigenvalue λ of v's Jacobian has a negative real part and
the steps are short enough; how short, |Im λ/Re λ| says. Away from there the eigenvalues are those
of the game linearised at this state.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad, jacrev

from gan.game import Game

# Rows of the Jacobian made at once: 3 MB each for 256 samples of mlp_small; more are no faster.
ROWS = 32


class Minibatch(NamedTuple):
    """The samples of a game that is held fixed; both players see the same ones.

    Args:
        real: (N, *shape).
        z: (N, latent_dim).
        mix: (N,) or (N, *shape), the penalty's random numbers.
    """

    real: Tensor
    z: Tensor
    mix: Tensor


def joint_field(game: Game, theta_g: Tensor, theta_d: Tensor, minibatch: Minibatch) -> Tensor:
    """v(θ) = (−∇_{θ_G} L_G, −∇_{θ_D} L_D), penalty included: where both players' steps lead.

    Args:
        game: networks and losses.
        theta_g: (n,), G's parameters.
        theta_d: (m,), D's parameters.
        minibatch: in θ's dtype; dropout is off.

    Returns:
        (n + m,), differentiable in θ by torch.func.

    Reference:
        Mescheder et al. 2017, "The numerics of GANs", whose v it is.
    """
    real, z, mix = minibatch
    drop = real.new_empty(2, 0)

    def generator_loss(theta: Tensor) -> Tensor:
        return game.generator_objective(theta, theta_d, real, z, drop)

    def discriminator_loss(theta: Tensor) -> Tensor:
        fake = game.generate(theta_g, z)
        return game.discriminator_objective(theta, real, fake, mix, drop)

    return -torch.cat([grad(generator_loss)(theta_g), grad(discriminator_loss)(theta_d)])


def jacobian(game: Game, theta_g: Tensor, theta_d: Tensor, minibatch: Minibatch) -> Tensor:
    """∂v/∂θ of the joint field, row by row, by backpropagation through both players' gradients.

    Forward mode takes a sixth longer here. It would also be exact for spectral normalisation, of
    which backpropagation leaves out a part of the second derivative in the weights
    (``gan.models.spectral``): such a discriminator is none for this function.

    Args:
        game: networks and losses.
        theta_g: (n,), G's parameters.
        theta_d: (m,), D's parameters.
        minibatch: in θ's dtype.

    Returns:
        (n + m, n + m): rows are v's components, columns parameters, G's before D's.
    """
    n, theta = len(theta_g), torch.cat([theta_g, theta_d]).detach()

    def field(theta: Tensor) -> Tensor:
        return joint_field(game, theta[:n], theta[n:], minibatch)

    rows: Tensor = jacrev(field, chunk_size=ROWS)(theta)
    return rows


def rounding(derivative: Tensor) -> float:
    """n ε ‖J‖_F: an eigenvalue's real part below it is 0 as far as this format can tell.

    Computed eigenvalues are exact for a matrix within a small multiple of ε ‖J‖ of J; n is a margin
    for that and for the rounding of J itself. A defective eigenvalue may be off by more: then its
    sign is not decided here.

    Args:
        derivative: (n, n).

    Reference:
        Golub & Van Loan 2013, "Matrix computations", sections 7.2 and 7.5.
    """
    return len(derivative) * torch.finfo(derivative.dtype).eps * float(derivative.norm())


def stable_learning_rate(eigenvalues: Tensor, tolerance: float) -> float:
    """min over λ of −2 Re λ/|λ|²: below this step every |1 + ηλ| < 1.

    Args:
        eigenvalues: (n,), complex.
        tolerance: real parts and moduli up to this are 0. An eigenvalue 0 does not move and is left
            out; an imaginary one expands at every step.

    Returns:
        0 if an eigenvalue is imaginary, inf if all are 0; nan if a real part is positive: the
        game expands there, however short the steps.

    >>> stable_learning_rate(torch.tensor([-2.0 + 0j, -1 + 1j]), 0.0)
    1.0
    >>> stable_learning_rate(torch.tensor([1j, -1j]), 1e-12)
    0.0
    """
    if not (eigenvalues.real <= tolerance).all():
        return math.nan
    moving = eigenvalues[eigenvalues.abs() > tolerance]
    real = torch.where(moving.real.abs() > tolerance, moving.real.abs(), 0.0)
    steps = 2 * (real / moving.abs()) / moving.abs()
    return float(steps.min()) if len(steps) else math.inf


def simultaneous(derivative: Tensor, rates: Tensor) -> Tensor:
    """I + diag(η) J: the derivative of θ ← θ + ηv(θ), both players at once.

    Args:
        derivative: J, (n + m, n + m).
        rates: η of each parameter, (n + m,).

    Returns:
        (n + m, n + m).
    """
    return torch.eye(len(rates)).to(derivative) + rates[:, None] * derivative


def alternating(derivative: Tensor, rates: Tensor, n: int, discriminator_steps: int = 1) -> Tensor:
    """The derivative of one step of Algorithm 1: k updates of D, then one of G that sees them.

    Every update has the derivative at the same θ, as where v = 0. (The Dirac-GAN's page updates G
    first; the product of the same factors in the other order has the same eigenvalues.)

    Args:
        derivative: J, (n + m, n + m).
        rates: η of each parameter, (n + m,).
        n: how many parameters are G's.
        discriminator_steps: k.

    Returns:
        (n + m, n + m).

    Reference:
        Goodfellow et al. 2014, Algorithm 1; Mescheder et al. 2018, on
        alternating gradient descent.
    """
    of_generator = torch.arange(len(rates), device=rates.device) < n
    generator = simultaneous(derivative, rates * of_generator)
    discriminator = simultaneous(derivative, rates * ~of_generator)
    updated: Tensor = generator @ torch.linalg.matrix_power(discriminator, discriminator_steps)
    return updated


def radius(matrix: Tensor) -> float:
    """The spectral radius, max |λ|.

    Args:
        matrix: (n, n).

    >>> radius(torch.tensor([[0.0, 2.0], [-0.5, 0.0]]))
    1.0
    """
    return float(torch.linalg.eigvals(matrix).abs().max())
