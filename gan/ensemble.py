"""Many seeds at once: independent runs as one batched program.

Their parameters are stacked, θ (E, n), and the networks and losses vmapped over them. Optimisers
and averages work element by element, so they need nothing: E runs are a longer vector. Every run
draws from its own streams and equals the same run alone up to rounding; one that diverges has its
own rows of nan.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.func import vmap

from gan.data import Dataset, load
from gan.draws import Draws
from gan.game import Game, State
from gan.run import Run
from gan.trainer import Trainer


@dataclass(frozen=True)
class EnsembleGame(Game):
    """A game that E pairs of players play side by side, each with its own batch.

    Its methods take θ (E, n) and batches with E as first dimension (dropout's numbers: second), and
    return E of what a game's return.
    """

    _one: Game = field(init=False)

    def __post_init__(self) -> None:
        """Keep the game that each of them plays."""
        fields = {name: value for name, value in vars(self).items() if name != "_one"}
        object.__setattr__(self, "_one", Game(**fields))

    def generate(self, theta_g: Tensor, z: Tensor) -> Tensor:
        """G(z) of each run.

        Args:
            theta_g: (E, n).
            z: (E, N, latent_dim).

        Returns:
            (E, N, *shape).
        """
        samples: Tensor = vmap(self._one.generate)(theta_g, z)
        return samples

    def discriminator_objective(
        self, theta_d: Tensor, real: Tensor, fake: Tensor, mix: Tensor, drop: Tensor
    ) -> Tensor:
        """D's objective of each run.

        Args:
            theta_d: (E, n).
            real: (E, N, *shape).
            fake: (E, N, *shape).
            mix: (E, N) or (E, N, *shape).
            drop: (2, E, N, uniform_features).

        Returns:
            (E,).
        """
        objective = vmap(self._one.discriminator_objective, in_dims=(0, 0, 0, 0, 1))
        values: Tensor = objective(theta_d, real, fake, mix, drop)
        return values

    def generator_objective(
        self, theta_g: Tensor, theta_d: Tensor, real: Tensor, z: Tensor, drop: Tensor
    ) -> Tensor:
        """G's objective of each run.

        Args:
            theta_g: (E, n).
            theta_d: (E, n).
            real: (E, N, *shape).
            z: (E, N, latent_dim).
            drop: (2, E, N, uniform_features).

        Returns:
            (E,).
        """
        objective = vmap(self._one.generator_objective, in_dims=(0, 0, 0, 0, 1))
        values: Tensor = objective(theta_g, theta_d, real, z, drop)
        return values


class Ensemble(Trainer):
    """Runs that differ in their seed alone, trained side by side.

    Its state is that of all of them. ``members`` are trainers of the single runs that see their
    part of it, to look at: they are not stepped.

    Args:
        run: one of them; ``run.ensemble`` says how many, ``run.members()`` which.
        dataset: their data, on any device; loaded if None.

    Raises:
        UsageError: what ``Run.check`` refuses.
    """

    def __init__(self, run: Run, dataset: Dataset | None = None) -> None:
        dataset = load(run.data) if dataset is None else dataset
        alone = [replace(member, ensemble=1) for member in run.members()]
        self.members = [Trainer(member, dataset) for member in alone]
        super().__init__(run, dataset)
        for index, member in enumerate(self.members):
            parts = [tensor[index] if tensor.dim() else tensor for tensor in self.state.tensors()]
            member.state = member.state.of(parts)

    def _game(self) -> Game:
        return EnsembleGame(**vars(super()._game()))

    def _initial(self) -> State:
        """The members' initial states, stacked."""
        states = [member._initial() for member in self.members]
        # Where a tensor is one number, a count of steps, one serves all.
        stacked = [
            torch.stack(tensors) if tensors[0].dim() else tensors[0]
            for tensors in zip(*(state.tensors() for state in states), strict=True)
        ]
        return states[0].of(stacked)

    def _draws_of(self, purpose: str, updates: int) -> Draws:
        streams = [member.stream(purpose, updates) for member in self.members]
        return Draws(streams, self.shapes(updates), side_by_side=True)


def trainer_of(run: Run, dataset: Dataset | None = None) -> Trainer:
    """What trains a run, with those that are trained beside it.

    Args:
        run: what to train.
        dataset: the run's data; loaded if None.

    Returns:
        A trainer, an ``Ensemble`` if ``run.ensemble`` is above 1.

    Raises:
        UsageError: what ``Run.check`` refuses.
    """
    return (Ensemble if run.ensemble > 1 else Trainer)(run, dataset)


def members_of(trainer: Trainer) -> list[Trainer]:
    """The single runs that a trainer trains, to look at.

    Args:
        trainer: of one run or of an ensemble.

    Returns:
        A trainer of each, whose state is what has been trained.
    """
    return trainer.members if isinstance(trainer, Ensemble) else [trainer]
