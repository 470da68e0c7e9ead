"""The two-player game: its rules, its state, and the random numbers of one step.

``Game`` holds what does not change while training, ``State`` what does, ``Batch`` the random
numbers of one step. The losses are pure functions of parameters and batch, so the same lines can be
run as they stand, compiled, captured in a CUDA graph, and vmapped over many seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gan.errors import UsageError
from gan.losses import Loss
from gan.network import Network
from gan.optimisers import Moments, Optimiser, Rates
from gan.penalties import Penalty


class State(NamedTuple):
    """All that training changes, in place: both players, their optimisers, G's moving average."""

    generator: Tensor
    discriminator: Tensor
    generator_moments: Moments
    discriminator_moments: Moments
    average: Tensor

    def tensors(self) -> list[Tensor]:
        """Every tensor of it, in order."""
        return [
            self.generator,
            self.discriminator,
            *self.generator_moments,
            *self.discriminator_moments,
            self.average,
        ]

    def of(self, tensors: Sequence[Tensor]) -> "State":
        """Other tensors as a state of this kind.

        Args:
            tensors: in the order of ``tensors``.

        Returns:
            A state of them.
        """
        generator, discriminator, *moments, average = tensors
        of_g = len(self.generator_moments)
        return State(
            generator, discriminator, tuple(moments[:of_g]), tuple(moments[of_g:]), average
        )


class Batch(NamedTuple):
    """The random numbers of one step with k discriminator updates and minibatches of N.

    A pack of m samples is judged as one sample: N counts packs, and *pack is the shape that D
    sees, *shape with m times as many channels or coordinates.

    E runs trained side by side have a dimension E before each N.

    Args:
        real: (k, N·m, *shape), fresh minibatches of data.
        z: (k + 1, N·m, latent_dim), fresh noise; the last is the generator's.
        mix: (k, N), U[0, 1) for penalties; (k, N, *pack) for those that draw one per element.
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
        pack: m, samples that the discriminator judges at once.
        loss_scale: what an objective is multiplied by before it is differentiated, and its gradient
            divided by after.
        couples_samples: a logit of the discriminator depends on the rest of what it is given at
            once, so real and generated samples are judged apart.
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
    pack: int = 1
    loss_scale: float = 1.0
    couples_samples: bool = False

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
            x: (N·m, *shape).
            drop: (N, uniform_features) to drop units, or None to keep all.

        Returns:
            (N,), one for each pack of m consecutive samples.

        Raises:
            UsageError: the samples do not come out in packs.
        """
        with self._autocast(theta_d):
            return self.discriminator(theta_d, self.packed(x), drop).to(theta_d.dtype)

    def packed(self, x: Tensor) -> Tensor:
        """Every m consecutive samples side by side: one input of the discriminator.

        Args:
            x: (N·m, *shape).

        Returns:
            (N, *pack): the coordinates of m points in a row, or the channels of m images.

        Raises:
            UsageError: the samples do not come out in packs.

        Reference:
            Lin et al. 2018, "PacGAN", section 2.
        """
        if self.pack == 1:
            return x
        if len(x) % self.pack:
            raise UsageError(f"{len(x)} samples do not come out in packs of {self.pack}")
        return x.reshape(len(x) // self.pack, self.pack * x.shape[1], *x.shape[2:])

    def discriminator_objective(
        self, theta_d: Tensor, real: Tensor, fake: Tensor, mix: Tensor, drop: Tensor
    ) -> Tensor:
        """Mean discriminator loss of a minibatch, plus the weighted penalty.

        Args:
            theta_d: (n,), differentiated.
            real: (N·m, *shape).
            fake: (N·m, *shape), held fixed.
            mix: (N,) or (N, *pack), the penalty's random numbers.
            drop: (2, N, uniform_features), dropout on real and on fake.

        Returns:
            (), to be minimised.
        """
        losses = self.loss.discriminator(*self._both_logits(theta_d, real, fake, drop))
        if not self.penalty_weight:
            return losses.mean()
        # In θ's own dtype and without dropout: the norm of a half-precision gradient over- and
        # underflows, and a penalty should see the function that is used, not a thinned one.
        penalties = self.penalty.value(
            lambda x: self.discriminator(theta_d, x), self.packed(real), self.packed(fake), mix
        )
        return losses.mean() + self.penalty_weight * penalties.mean()

    def generator_objective(
        self, theta_g: Tensor, theta_d: Tensor, real: Tensor, z: Tensor, drop: Tensor
    ) -> Tensor:
        """Mean generator loss of a minibatch.

        Args:
            theta_g: (n,), differentiated.
            theta_d: (n,), held fixed.
            real: (N·m, *shape), seen by relativistic losses only.
            z: (N·m, latent_dim).
            drop: (2, N, uniform_features), dropout on real and on fake.

        Returns:
            (), to be minimised.
        """
        fake = self.generate(theta_g, z)
        if self.loss.relativistic:
            real_logits, fake_logits = self._both_logits(theta_d, real, fake, drop)
        else:
            fake_logits = self.logits(theta_d, fake, drop[1] if drop.shape[-1] else None)
            real_logits = fake_logits  # not read
        return self.loss.generator(real_logits, fake_logits).mean()

    def _both_logits(
        self, theta_d: Tensor, real: Tensor, fake: Tensor, drop: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The logits of real and of generated samples, in one pass where that is the same.

        One product with twice the rows is faster than two, and a spectral norm is found once.
        """
        real_drop, fake_drop = drop if drop.shape[-1] else (None, None)
        if self.couples_samples:
            return self.logits(theta_d, real, real_drop), self.logits(theta_d, fake, fake_drop)
        both = None if real_drop is None else drop.flatten(0, 1)
        real_logits, fake_logits = self.logits(theta_d, torch.cat([real, fake]), both).chunk(2)
        return real_logits, fake_logits

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
