"""The gradient law, sample by sample: every loss's gradients with D(G(z)) from 1e-30 to 1 − 1e-8.

``per_sample`` differentiates the whole composition loss∘D∘G by torch.func; the experiment sends
each loss's own cotangent back through D and G, once per target (docs/decisions/0012).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gan.finite import finite
from gan.gradients import (
    COMPARED,
    TARGETS,
    gradient_norms,
    in_precision,
    logit_gradient,
    own_loss,
)
from gan.losses import LOSSES
from gan.sample_gradients import (
    PerSample,
    logit_gradient_norms,
    need_separate_samples,
    per_sample,
    probability_gradient,
)
from gan.step import Game, State
from gan.store import Stored
from gan.trainer import Trainer, trained

__all__ = [
    "LOGITS",
    "SAMPLES",
    "PerSample",
    "logit_gradient_norms",
    "per_sample",
    "per_sample_experiment",
]

# D = 1e-30 (−69 − 5/64 is the nearest below that float32 holds exactly), then every 3, and finer
# around D = ½, where the two losses cross.
LOGITS = tuple(sorted({-69 - 5 / 64, *TARGETS, -1.0, -0.5, 0.5, 1.0}))
DTYPES = {"float64": torch.float64, "float32": torch.float32}
GRADIENTS_OF = tuple(name for name, loss in LOSSES.items() if not loss.relativistic)
# The law is one of single samples: more of them add time, not evidence.
SAMPLES = 16

Row = dict[str, object]


class _Measured(NamedTuple):
    """What one network gives in one dtype: L losses, T targets, N samples.

    Args:
        logits: (T,), the targets in the dtype.
        to_logit: (L, T), dL/da.
        to_sample: (L, T, N), ‖dL/dx‖.
        to_parameters: (L, T, N), ‖dL/dθ_G‖.
        parameter_error: (T, N), ``parameter_error``.
    """

    logits: Tensor
    to_logit: Tensor
    to_sample: Tensor
    to_parameters: Tensor
    parameter_error: Tensor


def per_sample_experiment(trainer: Trainer) -> Stored:
    """Per-sample gradients on a run's networks before training and after its steps.

    Every sample's logit is moved to each of LOGITS by a shift of its own, c_i = target − a_i, whose
    sum with a_i is the target exactly; ∂a/∂θ does not see it. What of a row is compared:

    - ``ratio_error``: the largest |(‖g_ns‖ / ‖g_s‖) / ((1 − D)/D) − 1| of any sample.
    - ``parameter_error``: the largest max_j |g_ns,j − r·g_s,j| / max_j |g_ns,j| of any sample, with
      r = (1 − D)/D in float64: the error of the worst parameter, relative to the largest component
      of that sample's gradient. (Relative to itself a component that is a small difference of
      large contributions has no bounded error in any format.)

    Both are over the samples neither of whose gradients is lost, null if there are none; a gradient
    is lost if it is 0 in every parameter or not finite, and ``lost`` counts those.

    Args:
        trainer: at its first step; it is trained here.

    Returns:
        The rows of results/README.md's per_sample table. Networks that diverged are left out, and
        the status says so.

    Raises:
        UsageError: networks that couple samples, before any work.
    """
    run = trainer.run
    check(trainer)
    z = _noise(trainer)
    rows = _network_rows("untrained", trainer, z)
    stopped_step, message = trained(trainer)
    if not message:
        rows += _network_rows("trained", trainer, z)
    facts = {
        "trained_steps": run.steps,
        "samples": len(z),
        "generator_parameters": trainer.generator.parameters,
    }
    status = "diverged" if message else "finished"
    return Stored("per_sample", run, rows, status, message, stopped_step, facts)


def check(trainer: Trainer) -> None:
    """Whether the run's networks have per-sample gradients; before any work.

    Args:
        trainer: not changed.

    Raises:
        UsageError: networks that couple samples, or packs of them.
    """
    trainer.run.need_single_samples("per_sample")
    need_separate_samples(trainer.game, trainer.state, _noise(trainer))


def _noise(trainer: Trainer) -> Tensor:
    """The experiment's z, (samples, latent_dim)."""
    run = trainer.run
    return trainer.latent(min(SAMPLES, run.batch_size), run.rng("per sample", run.device))


def _network_rows(network: str, trainer: Trainer, z: Tensor) -> list[Row]:
    """The rows of one network in both dtypes."""
    rows: list[Row] = []
    for name, dtype in DTYPES.items():
        game, state = in_precision(trainer.game, trainer.state, dtype)
        measured = _measure(game, state, z.to(dtype))
        rows += [
            {"network": network, "dtype": name, **row}
            for loss in range(len(GRADIENTS_OF))
            for row in _loss_rows(measured, loss)
        ]
    return rows


def _measure(game: Game, state: State, z: Tensor) -> _Measured:
    """Send every loss's cotangent at every target back through each sample's graph."""
    logits = torch.tensor(LOGITS, dtype=state.generator.dtype, device=z.device)
    slopes = torch.stack([logit_gradient(own_loss(name), logits) for name in GRADIENTS_OF])
    shape = (*slopes.shape, len(z))
    to_sample, to_parameters, errors = (
        torch.empty(size, dtype=torch.float64) for size in (shape, shape, shape[1:])
    )
    saturating, non_saturating = (GRADIENTS_OF.index(name) for name in COMPARED)
    for i, noise in enumerate(z):
        pull_back = _pull_back(game, state, noise)
        for t, target in enumerate(LOGITS):
            # Losses with the same dL/da have the same gradient: one backward pass for both.
            distinct, of_loss = slopes[:, t].unique(return_inverse=True)
            to_x, to_theta = pull_back(distinct)
            to_sample[:, t, i] = gradient_norms(to_x.flatten(1))[of_loss].cpu()
            to_parameters[:, t, i] = gradient_norms(to_theta)[of_loss].cpu()
            pair = to_theta[of_loss[saturating]], to_theta[of_loss[non_saturating]]
            errors[t, i] = parameter_error(*pair, math.exp(-target))
    return _Measured(logits.cpu(), slopes.cpu(), to_sample, to_parameters, errors)


def _pull_back(
    game: Game, state: State, noise: Tensor
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A sample's backward pass: (K,) values of dL/da to (K, 1, *shape) dL/dx and (K, n) dL/dθ_G."""
    theta = state.generator.detach().requires_grad_()
    x = game.generate(theta, noise[None])
    logit = game.logits(state.discriminator, x)

    def pull_back(slopes: Tensor) -> tuple[Tensor, Tensor]:
        to_x, to_theta = torch.autograd.grad(
            logit, (x, theta), slopes[:, None], retain_graph=True, is_grads_batched=True
        )
        return to_x, to_theta

    return pull_back


def parameter_error(saturating: Tensor, non_saturating: Tensor, ratio: float) -> float:
    """max_j |g_ns,j − r·g_s,j| / max_j |g_ns,j|: the worst parameter's share of the largest.

    Args:
        saturating: (n,), g_s of one sample.
        non_saturating: (n,), g_ns of the same.
        ratio: r = (1 − D)/D, to which the law holds them.

    Returns:
        At least 0, computed in float64; nan where g_ns is 0.
    """
    difference = non_saturating.double() - ratio * saturating.double()
    return (difference.abs_().max() / non_saturating.abs().max()).item()


def _loss_rows(measured: _Measured, loss: int) -> list[Row]:
    """One loss's row at each target."""
    name, logits = GRADIENTS_OF[loss], measured.logits
    slopes = measured.to_logit[loss]
    to_probability = probability_gradient(slopes, logits)
    rows: list[Row] = []
    for t, target in enumerate(LOGITS):
        norms = measured.to_parameters[loss, t]
        rows.append(
            {
                "gradient_of": name,
                "logit": target,
                "d_fake": torch.sigmoid(logits[t]).item(),
                "one_minus_d_fake": torch.sigmoid(-logits[t]).item(),
                "to_probability": finite(to_probability[t]),
                "to_logit": finite(slopes[t].abs()),
                "to_sample": finite(measured.to_sample[loss, t].quantile(0.5)),
                "to_parameters": finite(norms.quantile(0.5)),
                **(_errors(measured, t) if name == "non_saturating" else _NO_ERRORS),
                "lost": float(_lost(norms).sum()),
            }
        )
    return rows


_NO_ERRORS: Row = {"ratio_error": None, "parameter_error": None}


def _errors(measured: _Measured, t: int) -> Row:
    """How far the pair is from the law at a target, over the samples that keep both gradients."""
    saturating, non_saturating = (
        measured.to_parameters[GRADIENTS_OF.index(name), t] for name in COMPARED
    )
    kept = ~(_lost(saturating) | _lost(non_saturating))
    if not kept.any():
        return _NO_ERRORS
    ratio = non_saturating[kept] / saturating[kept]
    return {
        "ratio_error": (ratio * math.exp(LOGITS[t]) - 1).abs().max().item(),
        "parameter_error": measured.parameter_error[t][kept].max().item(),
    }


def _lost(norms: Tensor) -> Tensor:
    """Which gradients vanished in every parameter or are not finite."""
    return (norms == 0) | ~norms.isfinite()
