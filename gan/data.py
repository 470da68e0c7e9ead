"""The data sets by name, and the order in which a run sees one."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan.errors import UsageError, unknown
from gan.images import Images, Stacked, digits, fashion_mnist, mnist
from gan.mixtures import Mixture, gaussian1d, grid, ring

Dataset = Mixture | Images | Stacked


class Minibatches:
    """The minibatches of one run, in an order that its rng alone determines.

    Images come in shuffled epochs without replacement; what is left of an epoch and shorter than
    a minibatch is dropped. Mixtures and stacks give fresh independent samples.

    Args:
        dataset: what to draw from; moved to rng's device.
        batch_size: N, samples per minibatch.
        rng: the generator of the data order; nothing else should draw from it.

    Raises:
        UsageError: batch_size is below 1 or above the number of training images.

    >>> batches = Minibatches(load("ring"), batch_size=4, rng=torch.Generator().manual_seed(0))
    >>> batches.several(3).shape
    torch.Size([3, 4, 2])
    """

    def __init__(self, dataset: Dataset, batch_size: int, rng: torch.Generator) -> None:
        if batch_size < 1:
            raise UsageError(f"batch size {batch_size} must be at least 1")
        if dataset.size is not None and batch_size > dataset.size:
            raise UsageError(
                f"batch size {batch_size} is larger than the {dataset.size:,} training images "
                f"of {dataset.name}"
            )
        self._dataset = dataset.to(rng.device)
        self._batch_size = batch_size
        self._rng = rng
        self._order = torch.empty(0, dtype=torch.int64, device=rng.device)
        self._position = 0

    def several(self, count: int) -> Tensor:
        """The next minibatches.

        Args:
            count: how many.

        Returns:
            (count, N, *shape), float32 on the rng's device.
        """
        if isinstance(self._dataset, Images):
            chosen = [self._chosen(self._dataset.size) for _ in range(count)]
            return self._dataset.train[torch.stack(chosen)]
        samples = self._dataset.sample(count * self._batch_size, self._rng)
        minibatches: Tensor = samples.unflatten(0, (count, self._batch_size))
        return minibatches

    def _chosen(self, size: int) -> Tensor:
        """The indices of the next N of so many images, in shuffled epochs."""
        if self._position + self._batch_size > len(self._order):
            self._order = torch.randperm(size, generator=self._rng, device=self._rng.device)
            self._position = 0
        chosen = self._order[self._position : self._position + self._batch_size]
        self._position += self._batch_size
        return chosen

    def state(self) -> dict[str, Any]:
        """What it takes to go on identically: tensors and an integer, safe to torch.save."""
        return {
            "rng": self._rng.get_state(),
            "order": self._order,  # never changed, only replaced
            "position": self._position,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state() of minibatches of the same data set and batch size.

        Raises:
            UsageError: the state is of a data set of another size.
        """
        size = self._dataset.size or 0
        if len(state["order"]) not in (0, size):
            raise UsageError(
                f"this data order is of {len(state['order']):,} images, "
                f"but {self._dataset.name} has {size:,}"
            )
        self._rng.set_state(state["rng"].cpu())
        self._order = state["order"].to(self._rng.device, copy=True)
        self._position = int(state["position"])


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """A data set by name; loaded once per name and folder in a process.

    Args:
        name: a key of DATASETS.
        data_dir: the folder with MNIST's or Fashion-MNIST's files, if not where `gan.sources`
            looks by itself; the other sets need no files.

    Raises:
        UsageError: no such data set, or its files are not there or not right.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return _loaded(name, data_dir)


@cache
def _loaded(name: str, data_dir: Path | None) -> Dataset:
    return DATASETS[name](data_dir)


def _base(name: str, data_dir: Path | None = None) -> Images:
    """The images that a stack is made of: those of the set itself, in memory once."""
    base = load(name, data_dir)
    if not isinstance(base, Images):
        raise UsageError(f"{name} is not a set of images: nothing can be stacked of it")
    return base


def stacked_digits(_data_dir: Path | None = None) -> Stacked:
    """Three 8×8 digits as the channels of one image: 1,000 modes."""
    return Stacked("stacked_digits", _base("digits"))


def stacked_mnist(data_dir: Path | None = None) -> Stacked:
    """Three MNIST digits as the channels of one image: 1,000 modes (Metz et al. 2016)."""
    return Stacked("stacked_mnist", _base("mnist", data_dir))


def stacked_fashion_mnist(data_dir: Path | None = None) -> Stacked:
    """Three Fashion-MNIST pictures as the channels of one image: 1,000 modes."""
    return Stacked("stacked_fashion_mnist", _base("fashion_mnist", data_dir))


DATASETS: dict[str, Callable[[Path | None], Dataset]] = {
    "gaussian1d": gaussian1d,
    "ring": ring,
    "grid": grid,
    "digits": digits,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "stacked_digits": stacked_digits,
    "stacked_mnist": stacked_mnist,
    "stacked_fashion_mnist": stacked_fashion_mnist,
}
