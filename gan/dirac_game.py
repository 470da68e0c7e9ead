"""The Dirac-GAN's rules: data δ₀, generator δ_θ, D(x) = ψx, and plain descent on both.

The game has two parameters, so its whole dynamics can be seen. Losses and penalties are the suite's
own, differentiated by torch.func: nothing here restates their formulas.

Reference:
    Mescheder et al. 2018, "Which training methods for GANs do actually converge?", section 2.1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from gan.errors import UsageError, unknown
from gan.losses import LOSSES, Loss
from gan.penalties import PENALTIES, Penalty

UPDATES = {"simultaneous": False, "alternating": True}
"""Update rule -> whether D sees the θ that G has just moved to."""


@dataclass(frozen=True)
class DiracGame:
    """Both players' objectives and the rule that updates them; a state is (θ, ψ).

    Args:
        loss: both sides' losses.
        penalty: of the discriminator.
        penalty_weight: coefficient of the penalty's mean (R1, R2: γ/2); 0 leaves it out.
        weight_clip: bound c of |ψ| after each update of D; 0 leaves it free.
        generator_rate: learning rate of θ.
        discriminator_rate: learning rate of ψ.
    """

    loss: Loss
    penalty: Penalty
    penalty_weight: float = 0.0
    weight_clip: float = 0.0
    generator_rate: float = 0.2
    discriminator_rate: float = 0.2

    def generator_objective(self, theta: Tensor, psi: Tensor) -> Tensor:
        """The generator's loss: its sample is at θ, where the logit is ψθ; the data's logit is 0.

        Args:
            theta: ().
            psi: ().

        Returns:
            (), to be minimised in θ.
        """
        return self.loss.generator(*self._logits(theta, psi)).sum()

    def discriminator_objective(self, psi: Tensor, theta: Tensor) -> Tensor:
        """The discriminator's loss plus the weighted penalty of D(x) = ψx.

        Args:
            psi: ().
            theta: ().

        Returns:
            (), to be minimised in ψ.
        """
        loss = self.loss.discriminator(*self._logits(theta, psi)).sum()
        if not self.penalty_weight:
            return loss
        # Two equal samples: dragan's standard deviation does not exist for one.
        fake = theta.expand(2, 1)
        # The slope of D is ψ everywhere, so it does not matter where a penalty looks.
        uniform = torch.full_like(fake if self.penalty.per_element else fake[:, 0], 0.5)
        penalties = self.penalty.value(
            lambda x: (psi * x).squeeze(1), torch.zeros_like(fake), fake, uniform
        )
        return loss + self.penalty_weight * penalties.mean()

    def field(self, state: Tensor) -> Tensor:
        """The flow that gradient descent discretises: (−∂L_G/∂θ, −∂L_D/∂ψ).

        Args:
            state: (2,), θ and ψ.

        Returns:
            (2,).

        Reference:
            Mescheder et al. 2018, Eq. 3.
        """
        theta, psi = state
        return -torch.stack([self._slope_of_theta(theta, psi), self._slope_of_psi(psi, theta)])

    def update(self, state: Tensor, alternates: Tensor) -> Tensor:
        """One update of θ and one of ψ.

        The derivative of an alternating update has the same eigenvalues whoever begins: those of a
        product of two matrices do not depend on their order.

        Args:
            state: (2,), θ and ψ.
            alternates: (), bool: whether D sees the θ that G has just moved to, or the one before.

        Returns:
            (2,).

        Reference:
            Mescheder et al. 2018, section 2.2.
        """
        theta, psi = state
        moved = theta - self.generator_rate * self._slope_of_theta(theta, psi)
        seen = torch.where(alternates, moved, theta)
        updated = psi - self.discriminator_rate * self._slope_of_psi(psi, seen)
        if self.weight_clip:
            updated = updated.clamp(-self.weight_clip, self.weight_clip)
        return torch.stack([moved, updated])

    def _logits(self, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
        fake_logits = (psi * theta).reshape(1)
        return torch.zeros_like(fake_logits), fake_logits

    def _slope_of_theta(self, theta: Tensor, psi: Tensor) -> Tensor:
        slope: Tensor = torch.func.grad(self.generator_objective)(theta, psi)
        return slope

    def _slope_of_psi(self, psi: Tensor, theta: Tensor) -> Tensor:
        slope: Tensor = torch.func.grad(self.discriminator_objective)(psi, theta)
        return slope


def trajectories(game: DiracGame, starts: Tensor, alternates: Tensor, steps: int) -> Tensor:
    """Gradient descent from several starts at once.

    Args:
        game: the rules.
        starts: (B, 2), each a θ and a ψ.
        alternates: (B,), bool, the rule of each.
        steps: updates of both players.

    Returns:
        (steps + 1, B, 2), the starts first; NaN from the step on at which a trajectory is no longer
        finite.
    """

    def update(states: Tensor) -> Tensor:
        updated: Tensor = torch.func.vmap(game.update)(states, alternates)
        return updated

    # Recorded once: torch.func's own work takes five times as long as the arithmetic it leads to.
    recorded = make_fx(update)(starts)
    # What backpropagation would have kept is dropped.
    recorded.graph.eliminate_dead_code()
    recorded.recompile()
    states = [starts]
    with torch.inference_mode():
        for _ in range(steps):
            states.append(recorded(states[-1]))
    path = torch.stack(states)
    lost = (~path.isfinite().all(2)).cummax(0).values
    return path.masked_fill(lost[:, :, None], math.nan)


def dirac_game(
    loss: str,
    penalty: str | None = None,
    penalty_weight: float = 0.0,
    learning_rate: float = 0.2,
    weight_clip: float = 0.0,
) -> DiracGame:
    """The game by the names of its parts.

    Args:
        loss: a name of LOSSES.
        penalty: a name of PENALTIES, or None for "none".
        penalty_weight: coefficient of the penalty's mean (R1, R2: γ/2).
        learning_rate: of both players.
        weight_clip: bound of |ψ| after each update of D, 0 for none.

    Returns:
        The game.

    Raises:
        UsageError: an unknown name, or a number that is negative or not finite.
    """
    penalty = "none" if penalty is None else penalty
    _check_name("loss", loss, LOSSES)
    _check_name("penalty", penalty, PENALTIES)
    check_number("penalty_weight", penalty_weight)
    check_number("learning_rate", learning_rate)
    check_number("weight_clip", weight_clip)
    return DiracGame(
        LOSSES[loss], PENALTIES[penalty], penalty_weight, weight_clip, learning_rate, learning_rate
    )


def _check_name(kind: str, name: object, table: Mapping[str, object]) -> None:
    """Raise UsageError unless a table has the name; a list, say, is no name at all."""
    if not isinstance(name, str) or name not in table:
        raise unknown(kind, name, table)


def check_number(name: str, value: object) -> None:
    """Raise UsageError unless value is a finite number of at least 0.

    Args:
        name: how the user knows it.
        value: what the user gave.

    Raises:
        UsageError: it is something else.

    >>> check_number("penalty_weight", -1)
    Traceback (most recent call last):
        ...
    gan.errors.UsageError: penalty_weight must be a finite number of at least 0, not -1
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and 0 <= value < math.inf):  # type: ignore[operator]  # checked on the left
        raise UsageError(f"{name} must be a finite number of at least 0, not {value!r}")
