"""The generator's gradient, and the logit shift that moves D(G(z)) without touching ∂a/∂θ."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gan.losses import LOSSES, Loss
from gan.step import Game, State, autograd
from gan.store import Stored
from gan.trainer import Trainer, trained

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


def in_precision(game: Game, state: State, dtype: torch.dtype) -> tuple[Game, State]:
    """The same networks computing in another format; what is measured then has its precision.

    Args:
        game: the networks.
        state: both players' parameters, not changed.
        dtype: of parameters, matrix products and losses.

    Returns:
        The game in that precision, and a state of the players alone: no optimisers' memory.
    """
    players = [theta.to(dtype) for theta in (state.generator, state.discriminator)]
    measured = State(players[0], players[1], (), (), state.average.to(dtype))
    return replace(game, precision=dtype), measured


def logit_gradient(loss: Callable[[Tensor], Tensor], logits: Tensor) -> Tensor:
    """dL/da of each sample as autograd gives it, in the logits' dtype and on their device.

    Args:
        loss: (N,) -> (N,), elementwise.
        logits: (N,).

    Returns:
        (N,), nan and ±∞ where autograd says so.

    Raises:
        RuntimeError: the device does not implement the loss in this dtype.

    >>> logit_gradient(lambda a: -torch.log(torch.sigmoid(a)), torch.tensor([0.0, -89.0]))
    tensor([-0.5000,     nan])
    """
    leaf = logits.detach().requires_grad_()
    values = loss(leaf)
    # Ones instead of a sum: float16's sum overflows, and the format of a sum is not the question.
    return torch.autograd.grad(values, leaf, torch.ones_like(values))[0]


def own_loss(loss: str) -> Callable[[Tensor], Tensor]:
    """A generator's loss as a function of fake logits alone.

    Args:
        loss: a name of LOSSES whose generator does not read real logits.

    Returns:
        (N,) -> (N,).
    """
    return lambda logits: LOSSES[loss].generator(logits, logits)


def cotangents(losses: Sequence[Loss], real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """∂(mean generator loss)/∂f of several losses at the same logits, each by its own autograd.

    Args:
        losses: L of them.
        real_logits: (N,), held fixed: they do not depend on θ_G.
        fake_logits: (N,), differentiated; also through the means of the relativistic averages.

    Returns:
        (L, N). Of a loss without coupling between samples, row times N is dL/da of each sample.

    >>> from gan.losses import LOSSES
    >>> logits = torch.zeros(2)
    >>> cotangents([LOSSES["saturating"], LOSSES["wasserstein"]], logits, logits)
    tensor([[-0.2500, -0.2500],
            [-0.5000, -0.5000]])
    """
    real_logits = real_logits.detach()

    def mean_loss(logits: Tensor, loss: Loss) -> Tensor:
        return loss.generator(real_logits, logits).mean()

    return torch.stack([autograd(partial(mean_loss, loss=loss), fake_logits)[1] for loss in losses])


def loss_gradients(
    game: Game, state: State, real: Tensor, z: Tensor, losses: Sequence[Loss]
) -> Tensor:
    """∇θ_G of every loss's mean over one minibatch: one forward pass, one batched backward.

    θ_G reaches a loss through the fake logits alone, so its gradient is the pullback of
    ∂(mean loss)/∂f through D∘G; the pullbacks of all losses share one graph.

    Args:
        game: the networks; its own loss is not used.
        state: both players' parameters, not changed.
        real: (N, *shape), seen by relativistic losses only.
        z: (N, latent_dim).
        losses: L of them.

    Returns:
        (L, n), dropout off, in θ's dtype.
    """
    theta = state.generator.detach().requires_grad_()
    fake_logits = game.logits(state.discriminator, game.generate(theta, z))
    with torch.no_grad():
        relativistic = any(loss.relativistic for loss in losses)
        real_logits = game.logits(state.discriminator, real) if relativistic else fake_logits
    pulled = cotangents(losses, real_logits, fake_logits)
    # wasserstein, hinge and reverse_kl pull the same cotangent back, as do other pairs: once each.
    distinct, of_loss = pulled.unique(dim=0, return_inverse=True)
    (gradients,) = torch.autograd.grad(fake_logits, theta, distinct, is_grads_batched=True)
    return gradients[of_loss]


def gradient_norms(gradients: Tensor) -> Tensor:
    """‖g‖₂ of each gradient, in float64, also where the squares leave float64's range.

    The squares of a float32 gradient of 1e-30, or of a float64 one of 1e-200, are 0 in their own
    format: such a gradient is small, not lost.

    Args:
        gradients: (..., n).

    Returns:
        (...), float64; inf or nan where a component is.

    >>> gradient_norms(torch.tensor([3e-200, 4e-200], dtype=torch.float64)).item()
    5e-200
    """
    norms: Tensor = torch.linalg.vector_norm(gradients, dim=-1, dtype=torch.float64)
    # Few or none: scaling all of them would cost several passes over memory.
    doubtful = (norms < 1e-140) | norms.isinf()
    norms[doubtful] = scaled_norms(gradients[doubtful])
    return norms


def scaled_norms(gradients: Tensor) -> Tensor:
    """``gradient_norms`` as max|g| · ‖g / max|g|‖₂ everywhere: slower, but it can be vmapped.

    Args:
        gradients: (..., n).

    Returns:
        (...), float64; inf or nan where a component is.
    """
    largest = torch.maximum(gradients.amax(-1), -gradients.amin(-1))
    usable = largest.isfinite() & (largest > 0)
    scale = torch.where(usable, largest, torch.ones_like(largest))
    scaled = gradients / scale[..., None]
    norms: Tensor = torch.linalg.vector_norm(scaled, dim=-1, dtype=torch.float64)
    return scale * norms


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
    game, state = in_precision(game, state, torch.float64)
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
    z = trainer.latent(run.minibatch_samples, run.rng("gradients", run.device))
    rows = _rows("untrained", trainer, z)
    stopped_step, message = trained(trainer)
    if not message:
        rows += _rows("trained", trainer, z)
    return Stored(
        kind="gradients",
        run=run,
        rows=rows,
        status="diverged" if message else "finished",
        message=message,
        stopped_step=stopped_step,
        facts={"trained_steps": run.steps, "batch_size": run.batch_size, "dtype": "float64"},
    )


def _rows(network: str, trainer: Trainer, z: Tensor) -> list[dict[str, object]]:
    rows = logit_shift(trainer.game, trainer.state, z, TARGETS)
    return [{"network": network, **row} for row in rows]
