"""The suite's own step, as it trains: with its trace and its moving average of the generator."""

from dataclasses import replace
from functools import partial

from torch import Tensor

from bench.peers.peer import Start
from gan.data import Dataset
from gan.ensemble import trainer_of
from gan.modes import MODES
from gan.run import Run
from gan.step import step


class Suite:
    """The suite's step in one of its modes.

    Args:
        start: weights and batches.
        mode: a name of MODES.
    """

    def __init__(self, start: Start, mode: str) -> None:
        self._trainer = trainer_of(replace(start.run, mode=mode), start.dataset)
        self._step = MODES[mode].prepare(partial(step, self._trainer.game))
        self._batches = start.batches

    def reset(self) -> None:
        """Go back to the run's first weights."""
        self._trainer.reset()

    def block(self, steps: int) -> None:
        """Take steps.

        Args:
            steps: how many.
        """
        state, batches = self._trainer.state, self._batches
        for index in range(steps):
            self._step(state, batches[index % len(batches)])
        self._trainer.synchronise()

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Both players' vectors."""
        return self._trainer.state.generator, self._trainer.state.discriminator


def start_of(run: Run, dataset: Dataset, batches: int) -> Start:
    """What a run begins from: its own first weights and batches.

    Args:
        run: of one run or of an ensemble.
        dataset: its data.
        batches: how many to draw.

    Returns:
        A start that no peer changes.
    """
    trainer = trainer_of(run, dataset)
    return Start(
        run=run,
        dataset=trainer.dataset,
        latent_dim=trainer.latent_dim,
        theta_g=trainer.state.generator.clone(),
        theta_d=trainer.state.discriminator.clone(),
        batches=[trainer.draw() for _ in range(batches)],
    )
