"""Algorithm 1 of Goodfellow et al. 2014: k updates of D, then one of G.

``Game`` holds what does not change while training, ``State`` what does, ``Batch`` the random
numbers of one step. The losses are pure functions of parameters and batch, so the same lines can be
differentiated by autograd or by torch.func.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from gan.losses import Loss
from gan.network import Network
from gan.optimisers import Moments, Optimiser, Rates
from gan.penalties import Penalty

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


class State(NamedTuple):
    """All that training changes, in place: both players, their optimisers, G's moving average."""

    generator: Tensor
    discriminator: Tensor
    generator_moments: Moments
    discriminator_moments: Moments
    average: Tensor


class Batch(NamedTuple):
    """The random numbers of one step with k discriminator updates and minibatches of N.

    Args:
        real: (k, N, *shape), fresh minibatches of data.
        z: (k + 1, N, latent_dim), fresh noise; the last is the generator's.
        mix: (k, N), U[0, 1) for penalties; (k, N, *shape) for those that draw one per element.
        drop: (2k + 2, N, uniform_features), U[0, 1) for dropout: on real, on fake, in each update.
    """

    real: Tensor
    z: Tensor
    mix: Tensor
    drop: Tensor


@dataclass(frozen=True)
class Game:
    """The two-player game: networks, losses and rules.

    Args:
        generator: z -> x.
        discriminator: x -> logit.
        loss: both sides' losses.
        penalty: of the discriminator, with its weight.
        penalty_weight: coefficient of the penalty's mean; 0 leaves it out.
        weight_clip: bound c of the critic's weights after each update; 0 leaves them free.
        optimiser: the rule of both players.
        generator_rates: its settings for G.
        discriminator_rates: its settings for D.
        average_decay: of the generator's moving average.
        precision: dtype in which the networks' matrix products run.
    """

    generator: Network
    discriminator: Network
    loss: Loss
    penalty: Penalty
    penalty_weight: float
    weight_clip: float
    optimiser: Optimiser
    generator_rates: Rates
    discriminator_rates: Rates
    average_decay: float
    precision: torch.dtype

    def generate(self, theta_g: Tensor, z: Tensor) -> Tensor:
        """G(z), in θ's dtype.

        Args:
            theta_g: (n,), the generator's parameters.
            z: (N, latent_dim).

        Returns:
            (N, *shape).
        """
        with self._autocast(theta_g):
            return self.generator(theta_g, z).to(theta_g.dtype)

    def logits(self, theta_d: Tensor, x: Tensor, drop: Tensor | None = None) -> Tensor:
        """The discriminator's logits, in θ's dtype: losses never see a half-precision number.

        Args:
            theta_d: (n,), the discriminator's parameters.
            x: (N, *shape).
            drop: (N, uniform_features) to drop units, or None to keep all.

        Returns:
            (N,).
        """
        with self._autocast(theta_d):
            return self.discriminator(theta_d, x, drop).to(theta_d.dtype)

    def discriminator_objective(
        self, theta_d: Tensor, real: Tensor, fake: Tensor, mix: Tensor, drop: Tensor
    ) -> Tensor:
        """Mean discriminator loss of a minibatch, plus the weighted penalty.

        Args:
            theta_d: (n,), differentiated.
            real: (N, *shape).
            fake: (N, *shape), held fixed.
            mix: (N,) or (N, *shape), the penalty's random numbers.
            drop: (2, N, uniform_features), dropout on real and on fake.

        Returns:
            (), to be minimised.
        """
        real_drop, fake_drop = drop if drop.shape[-1] else (None, None)
        losses = self.loss.discriminator(
            self.logits(theta_d, real, real_drop), self.logits(theta_d, fake, fake_drop)
        )
        if not self.penalty_weight:
            return losses.mean()
        # In θ's own dtype and without dropout: the norm of a half-precision gradient over- and
        # underflows, and a penalty should see the function that is used, not a thinned one.
        penalties = self.penalty.value(lambda x: self.discriminator(theta_d, x), real, fake, mix)
        return losses.mean() + self.penalty_weight * penalties.mean()

    def generator_objective(
        self, theta_g: Tensor, theta_d: Tensor, real: Tensor, z: Tensor, drop: Tensor
    ) -> Tensor:
        """Mean generator loss of a minibatch.

        Args:
            theta_g: (n,), differentiated.
            theta_d: (m,), held fixed.
            real: (N, *shape), seen by relativistic losses only.
            z: (N, latent_dim).
            drop: (2, N, uniform_features), dropout on real and on fake.

        Returns:
            (), to be minimised.
        """
        real_drop, fake_drop = drop if drop.shape[-1] else (None, None)
        fake_logits = self.logits(theta_d, self.generate(theta_g, z), fake_drop)
        relativistic = self.loss.relativistic
        real_logits = self.logits(theta_d, real, real_drop) if relativistic else fake_logits
        return self.loss.generator(real_logits, fake_logits).mean()

    def start(self, theta_g: Tensor, theta_d: Tensor) -> State:
        """The state before the first step.

        Args:
            theta_g: (n,), copied.
            theta_d: (m,), copied.

        Returns:
            A state that owns its tensors.
        """
        start = self.optimiser.start
        return State(
            theta_g.clone(), theta_d.clone(), start(theta_g), start(theta_d), theta_g.clone()
        )

    def _autocast(self, theta: Tensor) -> torch.autocast:
        """Autocast for formats narrower than θ's."""
        narrow = self.precision.itemsize < theta.dtype.itemsize
        return torch.autocast(
            theta.device.type, self.precision if narrow else torch.bfloat16, enabled=narrow
        )


def autograd(objective: Objective, theta: Tensor) -> tuple[Tensor, Tensor]:
    """A function's value and gradient at θ, by torch's tape.

    Args:
        objective: θ (n,) -> ().
        theta: (n,).

    Returns:
        The value () and the gradient (n,).
    """
    theta = theta.detach().requires_grad_()
    value = objective(theta)
    (gradient,) = torch.autograd.grad(value, theta)
    return value.detach(), gradient


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
        real: (N, *shape), a minibatch of data.
        z: (N, latent_dim), one of noise.
        mix: (N,) or (N, *shape), the penalty's random numbers.
        drop: (2, N, uniform_features), dropout on real and on fake.
        differentiate: ``(objective, theta) -> (value, gradient)``.

    Returns:
        The loss () and its gradient (m,) before the update.

    Reference:
        Goodfellow et al. 2014, Algorithm 1, the steps for k.
    """
    fake = game.generate(state.generator, z)
    objective = partial(game.discriminator_objective, real=real, fake=fake, mix=mix, drop=drop)
    loss, gradient = differentiate(objective, state.discriminator)
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
    loss_g, gradient_g = differentiate(objective, state.generator)
    game.optimiser.update(
        state.generator, gradient_g, state.generator_moments, game.generator_rates
    )
    state.average.lerp_(state.generator, 1 - game.average_decay)
    return torch.stack([loss_d, gradient_d.norm(), loss_g, gradient_g.norm()])


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
