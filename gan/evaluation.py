"""One record of a run: what the players look like after so many steps, without changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan.classifier import classifier
from gan.data import Dataset
from gan.gradients import compared_norms
from gan.images import Images, Stacked
from gan.metrics import discriminator_statistics, evaluate
from gan.mixtures import Mixture
from gan.step import TRACE

if TYPE_CHECKING:
    from gan.trainer import Trainer

Row = dict[str, int | float | list[float] | None]


class Evaluation:
    """Evaluates a trainer's players on samples drawn from streams of their own.

    Args:
        trainer: the run; its state is read, never changed.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.run = trainer.run
        rng = self.run.rng("evaluation data", self.run.device)
        count = self.run.evaluation_samples
        size = trainer.dataset.size
        self.real = trainer.dataset.sample(count if size is None else min(count, size), rng)

    @torch.no_grad()
    def row(self, step: int, seconds: float, trace: Tensor, *, snapshot: bool) -> Row:
        """One row of the run's table.

        Args:
            step: steps made so far.
            seconds: on the training clock.
            trace: (n, 4), TRACE of the steps since the last record; empty before training.
            snapshot: keep samples too.

        Returns:
            The columns of results/README.md.
        """
        trainer, state = self.trainer, self.trainer.state
        rng = self.run.rng(f"evaluation {step}", self.run.device)
        z = trainer.latent(self.run.evaluation_samples, rng)
        fake = trainer.game.generate(state.generator, z)
        averaged = trainer.game.generate(state.average, z).float()
        logits = trainer.game.logits
        real = self.real.to(self.run.dtype)
        row: Row = {"step": step, "seconds": seconds}
        last = trace[-1].tolist() if len(trace) else [None] * len(TRACE)
        row |= dict(zip(TRACE, last, strict=True))
        # As many fake as real samples: the data may be fewer than were asked for.
        row |= discriminator_statistics(
            logits(state.discriminator, real), logits(state.discriminator, fake[: len(real)])
        )
        with torch.enable_grad():
            row |= compared_norms(trainer.game, state, z[: self.run.minibatch_samples])
        row |= evaluate(trainer.dataset, averaged, self.real, rng)
        return row | (self._snapshot(rng) if snapshot else {})

    def _snapshot(self, rng: torch.Generator) -> Row:
        """Samples of the averaged generator; in 1-D also D's logits on the grid."""
        trainer, state = self.trainer, self.trainer.state
        z = trainer.latent(_kept_samples(trainer.dataset), rng)
        samples = trainer.game.generate(state.average, z)
        kept: Row = {"samples": samples.float().flatten().tolist()}
        grid = _grid(trainer.dataset)
        if grid is not None and self.run.pack == 1:  # a point alone has no logit in a pack
            x = grid.to(self.run.device, self.run.dtype)
            kept["logits_on_grid"] = trainer.game.logits(state.discriminator, x).tolist()
        return kept

    def facts(self) -> dict[str, object]:
        """What is true of the whole run; results/README.md lists the names."""
        trainer, dataset = self.trainer, self.trainer.dataset
        facts: dict[str, object] = {
            "sample_shape": list(dataset.shape),
            "generator_parameters": trainer.generator.parameters,
            "discriminator_parameters": trainer.discriminator.parameters,
            "real_samples": self.real[: _kept_samples(dataset)].float().flatten().tolist(),
        }
        if isinstance(dataset, Mixture):
            facts |= {"mode_centres": dataset.centres.tolist(), "mode_sigma": dataset.sigma}
        if isinstance(dataset, (Images, Stacked)):
            base = dataset.base if isinstance(dataset, Stacked) else dataset
            facts["classifier_accuracy"] = classifier(base).accuracy
        grid = _grid(dataset)
        if grid is not None and isinstance(dataset, Mixture):
            density = dataset.log_density(grid.to(self.run.device)).exp()
            facts |= {"grid": grid.flatten().tolist(), "density_on_grid": density.tolist()}
        return facts


def _kept_samples(dataset: Dataset) -> int:
    """How many samples a snapshot keeps: 64 images, a cloud in 2-D, enough for a density in 1-D."""
    return {3: 64, 1: 4096 if dataset.shape == (1,) else 512}[len(dataset.shape)]


def _grid(dataset: Dataset) -> Tensor | None:
    """(301, 1), evenly from 12 standard deviations below the data's mean to 12 above; 1-D only."""
    if not isinstance(dataset, Mixture) or dataset.shape != (1,):
        return None
    low, high = (
        dataset.centres.min() - 12 * dataset.sigma,
        dataset.centres.max() + 12 * dataset.sigma,
    )
    return torch.linspace(float(low), float(high), 301).unsqueeze(1)
