"""What a peer begins from and what it does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from gan.data import Dataset
from gan.errors import UsageError
from gan.game import Batch
from gan.models import MODELS
from gan.models.model import Shape
from gan.run import Run
from gan.trainer import Trainer


@dataclass(frozen=True)
class Start:
    """The numbers that every peer is given: none of them draws any.

    Args:
        run: the game, its optimiser and its rates.
        dataset: the run's data.
        latent_dim: size of z.
        theta_g: (n,) or, of E runs at once, (E, n): G's first weights.
        theta_d: (m,) or (E, m).
        batches: taken in turn, from the first on again after the last.
    """

    run: Run
    dataset: Dataset
    latent_dim: int
    theta_g: Tensor
    theta_d: Tensor
    batches: Sequence[Batch]

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.dataset.shape

    def modules(self) -> tuple[nn.Module, nn.Module]:
        """Both players as the model builds them, their parameters not set yet."""
        model = MODELS[self.run.model]
        return model.generator(self.shape, self.latent_dim), model.discriminator(self.shape)

    def members(self) -> list["Start"]:
        """The starts of the single runs of an ensemble; of a single run, itself."""
        if self.run.ensemble == 1:
            return [self]
        return [self._member(index, run) for index, run in enumerate(self.run.members())]

    def _member(self, index: int, run: Run) -> "Start":
        batches = [Batch(*(x[:, index].contiguous() for x in batch)) for batch in self.batches]
        return replace(
            self,
            run=replace(run, ensemble=1),
            theta_g=self.theta_g[index],
            theta_d=self.theta_d[index],
            batches=batches,
        )


class Peer(Protocol):
    """A way to train a game, with a state of its own."""

    def reset(self) -> None:
        """Go back to the first weights, the optimisers' memory empty."""

    def block(self, steps: int) -> None:
        """Take so many steps on the batches from the first on, until the device has done them."""

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Both players as vectors, θ_G and θ_D in the suite's order."""


class OneByOne:
    """Several peers as one: each takes its step in turn.

    Args:
        peers: of the single runs of an ensemble, in its order.
    """

    def __init__(self, peers: Sequence[Peer]) -> None:
        self._peers = peers

    def reset(self) -> None:
        """Reset each."""
        for peer in self._peers:
            peer.reset()

    def block(self, steps: int) -> None:
        """Take so many steps of each.

        Args:
            steps: how many.
        """
        for peer in self._peers:
            peer.block(steps)

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Theirs, (E, n) and (E, m)."""
        generators, discriminators = zip(*(peer.parameters() for peer in self._peers), strict=True)
        return torch.stack(generators), torch.stack(discriminators)


def check(trainer: Trainer) -> None:
    """Refuse a run that the peers do not compute.

    Args:
        trainer: of the run.

    Raises:
        UsageError: the run is not the game that every peer has written out.
    """
    for field, values in COMPUTED.items():
        value = getattr(trainer.run, field)
        if value not in values:
            told = ", ".join(map(str, values))
            words = f"peers are compared at {field.replace('_', ' ')} {told}, not {value}"
            raise UsageError(words, field=field)


# What the textbook's loop and JAX's step have: field of Run -> its values.
COMPUTED: dict[str, tuple[str | int | float, ...]] = {
    "loss": ("non_saturating",),
    "penalty": ("none", "r1"),
    "model": ("mlp", "mlp_small", "mlp_tiny", "dcgan", "dcgan_layernorm"),
    "optimiser": ("adam",),
    "precision": ("float32", "float64"),
    "layout": ("contiguous",),
    "pack": (1,),
    "discriminator_steps": (1,),
    "head_start": (0,),
    "weight_clip": (0.0,),
    "loss_scale": (1.0,),
}
