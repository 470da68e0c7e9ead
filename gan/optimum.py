"""The game's optimum on data of known density: does a trained D reach D*, and G's gradient 0 there?

The generator is held at p_g = p_data displaced by some standard deviations (in the plane along the
first axis), so D*, V(D*, G) and the gradients that D* would give are known to rounding, and only
the discriminator is trained.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gan.displaced import (
    Function,
    displaced,
    displacement_gradient,
    exact_gradient,
    jensen_shannon,
    latent_numbers,
    logit_slopes,
    optimal_logit,
)
from gan.errors import UsageError, unknown
from gan.losses import LOSSES
from gan.mixtures import Mixture
from gan.step import divergence
from gan.store import Stored
from gan.trainer import Trainer

Row = dict[str, object]

DISPLACEMENTS = (-2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0)

PLAYED = tuple(
    name
    for name, loss in LOSSES.items()
    if loss.discriminator is LOSSES["non_saturating"].discriminator
)
"""The losses whose discriminator maximises V(D, G) of Eq. 1."""


class Estimate(NamedTuple):
    """A mean over independent samples and its standard error."""

    mean: float
    error: float


def estimate(values: Tensor) -> Estimate:
    """The mean of independent values, with s/√N.

    Args:
        values: (N,), N ≥ 2.

    >>> estimate(torch.tensor([1.0, 3.0]))
    Estimate(mean=2.0, error=1.0)
    """
    return Estimate(values.mean().item(), (values.std() / math.sqrt(len(values))).item())


def measured(
    logits: Function, mixture: Mixture, displacement: float, real: Tensor, fake: Tensor
) -> list[Row]:
    """One discriminator against the optimum, on samples it was not trained on.

    V of a D that did not see these samples is in expectation at most V(D*, G): its shortfall is
    what D has still to learn.

    Args:
        logits: (N, d) -> (N,), the discriminator, each sample by itself.
        mixture: p_data.
        displacement: of p_g, standard deviations.
        real: (N, d) float64, fresh samples of p_data.
        fake: (N, d) float64, fresh samples of p_g.

    Returns:
        The columns of results/README.md's optimum table, a row for each of PLAYED.

    Reference:
        Goodfellow et al. 2014, Eq. 1, Proposition 1 and Theorem 1.
    """
    with torch.no_grad():
        real_logits = logits(real)
    fake_logits, slopes = logit_slopes(logits, fake, mixture.sigma)
    real_value, fake_value = estimate(logsigmoid(real_logits)), estimate(logsigmoid(-fake_logits))
    jsd = jensen_shannon(mixture, displacement)
    d = torch.cat([real_logits, fake_logits]).sigmoid()
    d_star = optimal_logit(mixture, displacement, torch.cat([real, fake])).sigmoid()
    row: Row = {
        "displacement": displacement,
        "value": real_value.mean + fake_value.mean,
        "value_error": math.hypot(real_value.error, fake_value.error),
        "exact_value": 2 * jsd - math.log(4),
        "jsd": jsd,
        "d_error": (d - d_star).abs().mean().item(),
        "d_mean": d.mean().item(),
    }
    rows = []
    for loss in PLAYED:
        gradient = estimate(displacement_gradient(fake_logits, slopes, loss))
        exact = exact_gradient(mixture, displacement, loss)
        of_loss = {"gradient": gradient.mean, "gradient_error": gradient.error}
        rows.append(row | {"gradient_of": loss} | of_loss | {"exact_gradient": exact})
    return rows


def optimum_experiment(trainer: Trainer) -> Stored:
    """Train D alone against p_g held at every displacement; compare it with D* on fresh samples.

    D starts from the run's initial weights every time and makes ``run.steps`` updates on the same
    random numbers. What is measured is the mean of its parameters over the last quarter of them:
    at a constant learning rate the last iterate wanders about the optimum with every minibatch.

    Args:
        trainer: of a run on a mixture with a loss of PLAYED; not changed.

    Returns:
        The rows of results/README.md's optimum table, ready to be stored. A discriminator that
        diverged ends the experiment with the rows so far, and the status says so.

    Raises:
        UsageError: what ``check`` refuses.

    Reference:
        Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging".
    """
    run, mixture = trainer.run, check(trainer)
    streams = [run.rng(f"optimum {purpose}", run.device) for purpose in ("data", "noise")]
    facts = {"discriminator_steps": run.steps, "samples": run.evaluation_samples}
    rows: list[Row] = []
    for displacement in DISPLACEMENTS:
        player = frozen(trainer, mixture, displacement)
        theta_d, trace = average_discriminator(player, run.steps)
        found = [] if divergence(trace) else _rows(player, mixture, displacement, theta_d, streams)
        if stopped := divergence(trace) or _not_finite(found, run.steps):
            step, what = stopped
            message = f"{what}, displacement {displacement:g}"
            return Stored("optimum", run, rows, "diverged", message, step, facts)
        rows += found
    return Stored("optimum", run, rows, "finished", "", run.steps, facts)


def check(trainer: Trainer) -> Mixture:
    """The density of a run's data, if the game's optimum is known on it; before any work.

    Args:
        trainer: not changed.

    Returns:
        p_data.

    Raises:
        UsageError: data without a known density, a loss of another game, packs, or a latent_dim
            too small to choose a mode.
    """
    run, mixture = trainer.run, trainer.dataset
    run.need_single_samples("optimum")
    if not isinstance(mixture, Mixture):
        raise UsageError(
            f"no optimum is known on {run.data}: it takes a mixture, as of gaussian1d or ring"
        )
    if run.head_start:
        raise UsageError(
            f"the optimum takes no head start, not {run.head_start}: D is all it trains"
        )
    if run.loss not in PLAYED:
        raise unknown("loss of Eq. 1's game", run.loss, PLAYED)
    needed = latent_numbers(mixture)
    if run.latent_dim and run.latent_dim < needed:
        raise UsageError(
            f"latent_dim {run.latent_dim} is too small: {mixture.name} has "
            f"{len(mixture.centres)} modes, and a point with its mode takes {needed} numbers",
            field="latent_dim",
        )
    return mixture


def frozen(trainer: Trainer, mixture: Mixture, displacement: float) -> Trainer:
    """A trainer like this one at its first step, its generator the displaced mixture.

    That takes numbers of its own from z, more than a model's usual ones in the plane.

    Args:
        trainer: not changed.
        mixture: p_data.
        displacement: of p_g, standard deviations.

    Returns:
        A trainer with the run's initial discriminator and a state of its own.
    """
    player = Trainer(trainer.run, trainer.dataset)
    player.latent_dim = max(player.latent_dim, latent_numbers(mixture))
    game = replace(trainer.game, generator=displaced(mixture))
    theta_d = player.state.discriminator
    player.play(game, game.start(theta_d.new_full((1,), displacement), theta_d))
    return player


def average_discriminator(trainer: Trainer, updates: int) -> tuple[Tensor, Tensor]:
    """θ_D averaged over the last quarter of so many updates of D alone.

    Args:
        trainer: its discriminator is trained, its generator left as it is.
        updates: how many.

    Returns:
        The average (n,) and the trace (updates, 2): loss and gradient norm.
    """
    averaged = updates // 4
    traces = [trainer.lead(updates - averaged)]
    average = trainer.state.discriminator.clone()
    for count in range(averaged):
        traces.append(trainer.lead(1))
        average.lerp_(trainer.state.discriminator, 1 / (count + 2))
    return average, torch.cat(traces)


def _rows(
    player: Trainer,
    mixture: Mixture,
    displacement: float,
    theta_d: Tensor,
    streams: list[torch.Generator],
) -> list[Row]:
    """Measured in float64 whatever the run's precision: the point is what D learnt."""
    samples, (data, noise) = player.run.evaluation_samples, streams
    game, theta_d = replace(player.game, precision=torch.float64), theta_d.double()
    real = mixture.sample(samples, data).double()
    z = player.latent(samples, noise).double()
    fake = game.generate(player.state.generator.double(), z)
    return measured(lambda x: game.logits(theta_d, x), mixture, displacement, real, fake)


def _not_finite(rows: list[Row], step: int) -> tuple[int, str] | None:
    """The first measurement of a D whose loss was finite, but that overflows on fresh samples."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                return step, f"{name} of {row['gradient_of']} is {value} at step {step}"
    return None
