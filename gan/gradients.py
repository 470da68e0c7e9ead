"""The generator's gradient, and the logit shift that moves D(G(z)) without touching ∂a/∂θ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gan.losses import LOSSES
from gan.step import Game, State, autograd, divergence
from gan.store import Stored

if TYPE_CHECKING:
    from gan.train import Trainer

COMPARED = ("saturating", "non_saturating")

# Mean logits from D(G(z)) = 1e-30 to 1 − 2e-8, with ½ among them.
TARGETS = tuple(np.arange(-69.0, 19.0, 3.0).tolist())


def generator_gradient(
    game: Game, state: State, z: Tensor, loss: str, shift: float = 0.0
) -> Tensor:
    """∇θ_G of a loss's mean over a minibatch, with every logit shifted by c.

    Args:
        game: the networks; its own loss is not used.
        state: both players' parameters.
        z: (N, latent_dim).
        loss: a name of LOSSES whose generator does not read real logits.
        shift: c, added to each of the discriminator's logits.

    Returns:
        (n,), the gradient by backpropagation through the real networks, dropout off.
    """

    def objective(theta: Tensor) -> Tensor:
        fake_logits = game.logits(state.discriminator, game.generate(theta, z)) + shift
        return LOSSES[loss].generator(fake_logits, fake_logits).mean()

    return autograd(objective, state.generator)[1]


def compared_norms(game: Game, state: State, z: Tensor) -> dict[str, float]:
    """‖∇θ_G‖ that Eq. 1's and Eq. 2's loss would give on this state, whatever loss trains it.

    Args:
        game: the networks.
        state: both players' parameters, not changed.
        z: (N, latent_dim).

    Returns:
        ``saturating_gradient_norm`` (Eq. 4) and ``non_saturating_gradient_norm`` (Eq. 3).
    """
    return {
        f"{loss}_gradient_norm": generator_gradient(game, state, z, loss).norm().item()
        for loss in COMPARED
    }


def logit_shift(
    game: Game, state: State, z: Tensor, targets: Sequence[float]
) -> list[dict[str, float]]:
    """Both generator gradients with D(G(z)) moved through a range by shifting the logit.

    ∂a/∂θ is the same at every shift, so what changes is the loss's own factor dL/da: −D for the
    saturating loss (Eq. 4), −(1 − D) for the non-saturating (Eq. 3). Computed in float64.

    Args:
        game: the networks.
        state: both players' parameters, not changed.
        z: (N, latent_dim).
        targets: logits to which the minibatch's mean logit is moved.

    Returns:
        One row per target: shift, d_fake, one_minus_d_fake (means over the minibatch), both
        gradient norms and the cosine between the gradients.

    Reference:
        Goodfellow et al. 2014, section 3; docs/decisions/0005.
    """
    game = replace(game, precision=torch.float64)
    state = State(state.generator.double(), state.discriminator.double(), (), (), state.average)
    z = z.double()
    with torch.no_grad():
        logits = game.logits(state.discriminator, game.generate(state.generator, z))
    return [_shifted(game, state, z, logits, target) for target in targets]


def _shifted(
    game: Game, state: State, z: Tensor, logits: Tensor, target: float
) -> dict[str, float]:
    shift = target - logits.mean().item()
    gradients = [generator_gradient(game, state, z, loss, shift) for loss in COMPARED]
    norms = [gradient.norm().item() for gradient in gradients]
    return {
        "shift": shift,
        "d_fake": torch.sigmoid(logits + shift).mean().item(),
        "one_minus_d_fake": torch.sigmoid(-(logits + shift)).mean().item(),
        "saturating_gradient_norm": norms[0],
        "non_saturating_gradient_norm": norms[1],
        "cosine": (gradients[0] / norms[0]).dot(gradients[1] / norms[1]).item(),
    }


def shift_experiment(trainer: Trainer) -> Stored:
    """The logit shift on a run's networks before training and after its steps.

    Args:
        trainer: at its first step; it is trained here.

    Returns:
        The rows of results/README.md's gradients table, ready to be stored. Networks that diverged
        are left out, and the status says so.
    """
    run = trainer.run
    z = trainer.latent(run.batch_size, run.rng("gradients", run.device))
    rows = _rows("untrained", trainer, z)
    traces = [trainer.step() for _ in range(run.steps)]
    diverged = divergence(torch.stack(traces)) if traces else None
    stopped_step, message = diverged or (run.steps, "")
    if diverged is None:
        rows += _rows("trained", trainer, z)
    return Stored(
        kind="gradients",
        run=run,
        rows=rows,
        status="diverged" if diverged else "finished",
        message=message,
        stopped_step=stopped_step,
        facts={"trained_steps": run.steps, "batch_size": run.batch_size, "dtype": "float64"},
    )


def _rows(network: str, trainer: Trainer, z: Tensor) -> list[dict[str, object]]:
    rows = logit_shift(trainer.game, trainer.state, z, TARGETS)
    return [{"network": network, **row} for row in rows]
