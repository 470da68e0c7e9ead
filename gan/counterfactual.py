"""In live training, the gradient that every other loss would have given on the same state.

What trains is the run's own loss, undisturbed; what is measured is all of LOSSES, on the same fresh
minibatch, in float64: for the minibatch, and sample by sample where D(G(z)) lies.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gan.finite import finite
from gan.gradients import cotangents, gradient_norms, in_precision, loss_gradients
from gan.losses import LOSSES
from gan.overtrained import round_steps
from gan.recorded import recorded
from gan.run import Run
from gan.sample_gradients import couples_samples, logit_gradient_norms
from gan.step import Game, State
from gan.store import Stored
from gan.train import record_steps
from gan.trainer import Trainer

Row = dict[str, object]

# Bins of D(G(z)): low ≤ D < high; the last holds 1 too.
EDGES = (0.0, 1e-10, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 0.9, 0.99, 1.0)


def counterfactual_experiment(trainer: Trainer) -> Stored:
    """Every loss's gradient along the training of one of them.

    A "batch" row is of the minibatch's mean gradient. A "bin" row is of the samples with D(G(z))
    between two edges: the median of what each contributes, ‖N ∂L/∂a_i · ∂a_i/∂θ_G‖ with L the
    minibatch's mean loss. For a loss that is not relativistic that is the norm of the sample's own
    gradient. Networks that couple samples have no bin rows.

    Args:
        trainer: at its first step; it is trained here, exactly as without being measured.

    Returns:
        The rows of results/README.md's counterfactual table. If training diverges, those before it.

    Raises:
        UsageError: a run of packs.
    """
    run = trainer.run
    run.need_single_samples("counterfactual")
    rows: list[Row] = []
    for stopped_step, message in recorded(trainer, measured_steps(run)):
        rows += [] if message else _rows(trainer, stopped_step)
    return Stored(
        kind="counterfactual",
        run=run,
        rows=rows,
        status="diverged" if message else "finished",
        message=message,
        stopped_step=stopped_step,
        facts={"batch_size": run.batch_size},
    )


def measured_steps(run: Run) -> list[int]:
    """A run's evenly spaced records, and 1, 2, 5, 10, … before the first of them.

    Args:
        run: its steps and records.

    Returns:
        Increasing, from 0 to the last step.

    >>> measured_steps(Run(steps=100, records=4))
    [0, 1, 2, 5, 10, 20, 25, 50, 75, 100]
    """
    even = record_steps(run)
    return sorted({*even, *round_steps(even[1])}) if len(even) > 1 else even


class _Minibatch(NamedTuple):
    """A measured minibatch: N samples, L losses.

    Args:
        d_fake: (N,), D(G(z)).
        gradients: (L, n), of the mean losses.
        sample_norms: (L, N), of the samples' contributions; None if the networks couple samples.
    """

    d_fake: Tensor
    gradients: Tensor
    sample_norms: Tensor | None


def _rows(trainer: Trainer, step: int) -> list[Row]:
    """The rows of one step."""
    run = trainer.run
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    data, noise = (run.rng(f"counterfactual {of} {step}", run.device) for of in ("data", "noise"))
    real = trainer.dataset.sample(run.batch_size, data).double()
    minibatch = _measure(game, state, real, trainer.latent(run.batch_size, noise).double())
    rows = [*_batch_rows(minibatch, run.loss), *_bin_rows(minibatch)]
    return [{"step": step, **row} for row in rows]


def _measure(game: Game, state: State, real: Tensor, z: Tensor) -> _Minibatch:
    """Every loss's gradient on one minibatch, and every sample's part in it."""
    losses = list(LOSSES.values())
    with torch.no_grad():
        fake_logits = game.logits(state.discriminator, game.generate(state.generator, z))
        real_logits = game.logits(state.discriminator, real)
    sample_norms = None
    if not couples_samples(game, state, z):
        slopes = len(z) * cotangents(losses, real_logits, fake_logits)
        sample_norms = slopes.abs() * logit_gradient_norms(game, state, z)[1]
    gradients = loss_gradients(game, state, real, z, losses)
    return _Minibatch(torch.sigmoid(fake_logits), gradients, sample_norms)


def _batch_rows(minibatch: _Minibatch, trained: str) -> list[Row]:
    """One row per loss, of the minibatch's mean gradient."""
    norms = gradient_norms(minibatch.gradients)
    directions = minibatch.gradients / norms[:, None]
    cosines = directions @ directions[list(LOSSES).index(trained)]
    shared: Row = {
        "scope": "batch",
        "d_low": None,
        "d_high": None,
        "count": float(len(minibatch.d_fake)),
        "d_fake": finite(minibatch.d_fake.quantile(0.5)),
    }
    return [
        {"gradient_of": name, **shared, "gradient_norm": finite(norm), "cosine": finite(cosine)}
        for name, norm, cosine in zip(LOSSES, norms, cosines, strict=True)
    ]


def _bin_rows(minibatch: _Minibatch) -> list[Row]:
    """One row per loss and bin that is not empty, of the samples' own norms."""
    if minibatch.sample_norms is None:
        return []
    edges = minibatch.d_fake.new_tensor(EDGES[1:-1])
    # right=True: a sample on an edge is in the bin above it.
    bins = torch.bucketize(minibatch.d_fake, edges, right=True)
    return [
        {
            "gradient_of": name,
            "scope": "bin",
            "d_low": EDGES[index],
            "d_high": EDGES[index + 1],
            "count": float((bins == index).sum()),
            "d_fake": finite(minibatch.d_fake[bins == index].quantile(0.5)),
            "gradient_norm": finite(norms[bins == index].quantile(0.5)),
            "cosine": None,
        }
        for name, norms in zip(LOSSES, minibatch.sample_norms, strict=True)
        for index in bins.unique().tolist()
    ]
