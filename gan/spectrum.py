"""The spectrum of the game through training: eigenvalues of its Jacobian at every record.

What trains is the run, undisturbed; what is measured is the game on one fixed minibatch, in
float64, linearised at the states that training visits.
"""

import math

import torch
from torch import Tensor

from gan.errors import UsageError
from gan.finite import finite
from gan.gradients import in_precision
from gan.jacobian import (
    Minibatch,
    alternating,
    jacobian,
    joint_field,
    radius,
    rounding,
    simultaneous,
    stable_learning_rate,
)
from gan.models import MODELS
from gan.recorded import recorded
from gan.run import Run
from gan.store import Stored
from gan.train import record_steps
from gan.trainer import Trainer

Row = dict[str, object]

# 5,000² numbers of float64 take 200 MB, and their eigenvalues a minute of one core.
MOST_PARAMETERS = 5000


def check(trainer: Trainer) -> None:
    """Whether a run's spectrum can be had; before any work.

    Args:
        trainer: not changed.

    Raises:
        UsageError: more than MOST_PARAMETERS, packs, weights that are clipped (the field of such a
            game is not the gradient of its losses) or normalised (see ``gan.jacobian.jacobian``).
    """
    run = trainer.run
    run.need_single_samples("spectrum")
    parameters = trainer.generator.parameters + trainer.discriminator.parameters
    if parameters > MOST_PARAMETERS:
        raise UsageError(
            f"spectrum takes at most {MOST_PARAMETERS:,} parameters, but {run.model} has "
            f"{parameters:,} on {run.data}: use mlp_small or mlp_tiny"
        )
    if MODELS[run.model].normalises_weights:
        raise UsageError(
            f"spectrum takes no normalised weights, as of {run.model}: use mlp_small or mlp_tiny"
        )
    if run.weight_clip:
        raise UsageError(
            f"spectrum takes no clipped weights, not weight_clip {run.weight_clip:g}: set it to 0"
        )


def spectrum_experiment(trainer: Trainer) -> Stored:
    """The eigenvalues of the game's Jacobian through training, in float64 on one minibatch.

    The minibatch has ``run.evaluation_samples`` samples (all data if those are fewer) and the same
    at every record.

    Args:
        trainer: at its first step; it is trained here, exactly as without being measured.

    Returns:
        The rows of results/README.md's spectrum table. A run that diverges, or whose Jacobian is
        not finite, keeps those before it.

    Raises:
        UsageError: what ``check`` refuses.

    Reference:
        Mescheder et al. 2017, "The numerics of GANs"; Nagarajan & Kolter 2017, "Gradient descent
        GAN optimization is locally stable".
    """
    check(trainer)
    run, minibatch = trainer.run, fixed_minibatch(trainer)
    rows: list[Row] = []
    problem = ""
    for stopped_step, message in recorded(trainer, record_steps(run)):
        found = [] if message else spectrum(trainer, minibatch)
        if not found:
            problem = message or f"the game's Jacobian is not finite at step {stopped_step}"
            break
        rows += [{"step": stopped_step, **row} for row in found]
    facts = {
        "samples": len(minibatch.z),
        "generator_parameters": trainer.generator.parameters,
        "discriminator_parameters": trainer.discriminator.parameters,
    }
    status = "diverged" if problem else "finished"
    return Stored("spectrum", run, rows, status, problem, stopped_step, facts)


def fixed_minibatch(trainer: Trainer) -> Minibatch:
    """The samples on which a run's game is measured, from a stream of their own.

    Args:
        trainer: not changed.

    Returns:
        float64, on the run's device.
    """
    run, dataset = trainer.run, trainer.dataset
    samples = min(run.evaluation_samples, dataset.size or run.evaluation_samples)
    rng = run.rng("spectrum", run.device)
    real, z = dataset.sample(samples, rng), trainer.latent(samples, rng)
    numbers = dataset.shape if trainer.game.penalty.per_element else ()
    mix = torch.rand((samples, *numbers), generator=rng, device=run.device)
    return Minibatch(real.double(), z.double(), mix.double())


def spectrum(trainer: Trainer, minibatch: Minibatch) -> list[Row]:
    """A row for each eigenvalue at a trainer's state, without its step.

    Args:
        trainer: not changed.
        minibatch: float64.

    Returns:
        The other columns of results/README.md's table; none if the Jacobian is not finite.
    """
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    players = state.generator, state.discriminator
    derivative = jacobian(game, *players, minibatch).cpu()
    if not derivative.isfinite().all():
        return []
    eigenvalues = torch.linalg.eigvals(derivative)
    step = stable_learning_rate(eigenvalues, rounding(derivative))
    both = radii(derivative, len(state.generator), trainer.run)
    shared: Row = {
        "field_norm": finite(joint_field(game, *players, minibatch).norm()),
        "stable_learning_rate": finite(step),
        "radius_simultaneous": finite(both[0]),
        "radius_alternating": finite(both[1]),
    }
    return [{"real": e.real, "imaginary": e.imag, **shared} for e in eigenvalues.tolist()]


def radii(derivative: Tensor, n: int, run: Run) -> tuple[float, float]:
    """Both update rules' spectral radii at the run's learning rates.

    Args:
        derivative: J, (n + m, n + m).
        n: how many parameters are G's.
        run: of plain sgd; any other rule has a derivative of its own, with its memory in it.

    Returns:
        Of simultaneous updates and of Algorithm 1's; nan unless the rule is sgd without momentum.
    """
    if run.optimiser != "sgd" or run.momentum:
        return math.nan, math.nan
    rates = derivative.new_full((len(derivative),), run.discriminator_learning_rate)
    rates[:n] = run.generator_learning_rate
    steps = run.discriminator_steps
    return radius(simultaneous(derivative, rates)), radius(alternating(derivative, rates, n, steps))
