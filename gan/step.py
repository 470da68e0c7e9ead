"""Algorithm 1 of Goodfellow et al. 2014: k updates of D, then one of G."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from gan.game import Batch, Game, State

__all__ = [
    "PRECISIONS",
    "TRACE",
    "Batch",
    "Differentiate",
    "Game",
    "Objective",
    "State",
    "autograd",
    "divergence",
    "lead",
    "step",
    "update_discriminator",
]

Objective = Callable[[Tensor], Tensor]
Differentiate = Callable[[Objective, Tensor], tuple[Tensor, Tensor]]

# Half-precision formats enter by autocast: parameters, losses and penalties stay in float32.
PRECISIONS: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

TRACE = (
    "discriminator_loss",
    "discriminator_gradient_norm",
    "generator_loss",
    "generator_gradient_norm",
)


def autograd(objective: Objective, theta: Tensor) -> tuple[Tensor, Tensor]:
    """A function's value and gradient at θ, by torch's tape.

    Args:
        objective: θ (n,) -> (), or of E independent runs θ (E, n) -> (E,).
        theta: (n,) or (E, n).

    Returns:
        The value and the gradient, in the shapes of value and θ.
    """
    theta = theta.detach().requires_grad_()
    value = objective(theta)
    (gradient,) = torch.autograd.grad(value.sum(), theta)
    return value.detach(), gradient


def _loss_and_gradient(
    game: Game, objective: Objective, theta: Tensor, differentiate: Differentiate
) -> tuple[Tensor, Tensor]:
    """The value and the gradient, computed of loss_scale times the objective.

    What is too small for float16 would be 0 there. A power of 2 changes no other digit.
    """
    if game.loss_scale == 1:
        return differentiate(objective, theta)
    value, gradient = differentiate(lambda theta: game.loss_scale * objective(theta), theta)
    return value / game.loss_scale, gradient / game.loss_scale


def update_discriminator(
    game: Game,
    state: State,
    real: Tensor,
    z: Tensor,
    mix: Tensor,
    drop: Tensor,
    differentiate: Differentiate = autograd,
) -> tuple[Tensor, Tensor]:
    """One discriminator update of Algorithm 1, its inner loop; changes the state in place.

    Args:
        game: the rules.
        state: both players before the update, after it on return.
        real: (N·m, *shape), a minibatch of data.
        z: (N·m, latent_dim), one of noise.
        mix: (N,) or (N, *pack), the penalty's random numbers.
        drop: (2, N, uniform_features), dropout on real and on fake.
        differentiate: ``(objective, theta) -> (value, gradient)``.

    Returns:
        The loss () and its gradient (n,) before the update.

    Reference:
        Goodfellow et al. 2014, Algorithm 1, the steps for k.
    """
    fake = game.generate(state.generator, z)
    objective = partial(game.discriminator_objective, real=real, fake=fake, mix=mix, drop=drop)
    loss, gradient = _loss_and_gradient(game, objective, state.discriminator, differentiate)
    game.optimiser.update(
        state.discriminator, gradient, state.discriminator_moments, game.discriminator_rates
    )
    if game.weight_clip:
        state.discriminator.clamp_(-game.weight_clip, game.weight_clip)
    return loss, gradient


def step(game: Game, state: State, batch: Batch, differentiate: Differentiate = autograd) -> Tensor:
    """One step of Algorithm 1; changes the state in place.

    Args:
        game: the rules.
        state: both players before the step, after it on return.
        batch: k minibatches of data and k + 1 of noise.
        differentiate: ``(objective, theta) -> (value, gradient)``.

    Returns:
        (4,), the quantities named in TRACE, of the last discriminator update and the generator's.

    Reference:
        Goodfellow et al. 2014, Algorithm 1.
    """
    for k, real in enumerate(batch.real):
        drop = batch.drop[2 * k : 2 * k + 2]
        loss_d, gradient_d = update_discriminator(
            game, state, real, batch.z[k], batch.mix[k], drop, differentiate
        )
    objective = partial(
        game.generator_objective,
        theta_d=state.discriminator,
        real=batch.real[-1],
        z=batch.z[-1],
        drop=batch.drop[-2:],
    )
    loss_g, gradient_g = _loss_and_gradient(game, objective, state.generator, differentiate)
    game.optimiser.update(
        state.generator, gradient_g, state.generator_moments, game.generator_rates
    )
    state.average.lerp_(state.generator, 1 - game.average_decay)
    return torch.stack([loss_d, _norm(gradient_d), loss_g, _norm(gradient_g)], dim=-1)


def _norm(gradient: Tensor) -> Tensor:
    """‖∇‖₂, of each run."""
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=-1)
    return norm


def lead(game: Game, state: State, batch: Batch, differentiate: Differentiate = autograd) -> Tensor:
    """One discriminator update with G frozen; changes the state in place.

    Args:
        game: the rules.
        state: both players before the update, after it on return.
        batch: a minibatch of data and, first of all its noise, one of noise.
        differentiate: ``(objective, theta) -> (value, gradient)``.

    Returns:
        (2,), the discriminator's quantities of TRACE.
    """
    real, z, mix, drop = batch.real[0], batch.z[0], batch.mix[0], batch.drop[:2]
    loss, gradient = update_discriminator(game, state, real, z, mix, drop, differentiate)
    return torch.stack([loss, _norm(gradient)], dim=-1)


def divergence(trace: Tensor) -> tuple[int, str] | None:
    """The first step whose losses or gradients are not all finite.

    Args:
        trace: (steps, 4), TRACE of consecutive steps from the first.

    Returns:
        The step, counted from 1, and what happened at it; None if every step is finite.

    >>> divergence(torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, float("nan"), 1.0]]))
    (2, 'generator_loss is nan at step 2')
    >>> divergence(torch.empty(0, 4))
    """
    bad = (~trace.isfinite()).nonzero()
    if not len(bad):
        return None
    row, column = bad[0].tolist()
    return row + 1, f"{TRACE[column]} is {trace[row, column].item()} at step {row + 1}"
