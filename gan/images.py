"""Labelled image sets of ten classes, and three of their images stacked into 1,000 modes."""

import hashlib
import importlib.util
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.errors import UsageError
from gan.idx import read_idx
from gan.sources import SOURCES, locate

CLASSES = 10


@dataclass(frozen=True, eq=False)
class Images:
    """A finite set of labelled images, split into what is learned from and what tests.

    Args:
        name: the data set's name.
        shape: (C, H, W).
        train: (N, C, H, W) float32 in [−1, 1], what a GAN learns from.
        train_labels: (N,) int64, classes 0 … 9.
        test: (M, C, H, W) float32 in [−1, 1], never trained on.
        test_labels: (M,) int64, classes 0 … 9.

    Raises:
        UsageError: images and labels do not belong together.
    """

    name: str
    shape: tuple[int, ...]
    train: Tensor = field(repr=False)
    train_labels: Tensor = field(repr=False)
    test: Tensor = field(repr=False)
    test_labels: Tensor = field(repr=False)

    def __post_init__(self) -> None:
        for images, labels in ((self.train, self.train_labels), (self.test, self.test_labels)):
            if tuple(images.shape[1:]) != self.shape or len(images) == 0:
                raise UsageError(
                    f"{self.name}: images of shape {tuple(images.shape)}, expected (N, "
                    f"{', '.join(map(str, self.shape))}) with N at least 1"
                )
            if tuple(labels.shape) != (len(images),):
                raise UsageError(
                    f"{self.name}: {len(images):,} images with labels of shape "
                    f"{tuple(labels.shape)}, expected ({len(images)},)"
                )
            if not 0 <= int(labels.min()) <= int(labels.max()) < CLASSES:
                raise UsageError(
                    f"{self.name}: labels from {int(labels.min())} to {int(labels.max())}, "
                    f"expected 0 to {CLASSES - 1}"
                )

    @property
    def size(self) -> int:
        """How many training images there are."""
        return len(self.train)

    def sample(self, count: int, rng: torch.Generator) -> Tensor:
        """Different training images, drawn uniformly without replacement.

        Args:
            count: N, how many, at most size.
            rng: where the draw comes from; its device is the images' device.

        Returns:
            (N, C, H, W) float32.

        Raises:
            UsageError: count is below 1 or above size.
        """
        if not 1 <= count <= self.size:
            raise UsageError(
                f"cannot draw {count} different images of {self.name}: "
                f"ask for 1 to {self.size:,}, the number of training images"
            )
        chosen = torch.randperm(self.size, generator=rng, device=rng.device)[:count]
        return self.train[chosen.to(self.train.device)].to(rng.device)

    def to(self, device: torch.device | str) -> "Images":
        """The same set with its images and labels on a device."""
        return replace(
            self,
            train=self.train.to(device),
            train_labels=self.train_labels.to(device),
            test=self.test.to(device),
            test_labels=self.test_labels.to(device),
        )


@dataclass(frozen=True, eq=False)
class Stacked:
    """Three independent images as the three channels of one: 10³ equally likely modes.

    Equally likely as far as the base set's classes are.

    Args:
        name: the data set's name.
        base: the ten-class set of one channel the images come from.

    Raises:
        UsageError: the base has more than one channel.

    Reference:
        Metz et al. 2016 (unrolled GAN), section 3.3.1.
    """

    name: str
    base: Images

    def __post_init__(self) -> None:
        if self.base.shape[0] != 1:
            raise UsageError(
                f"{self.name}: images of {self.base.shape[0]} channels cannot be stacked, "
                "expected 1 channel"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, H, W)."""
        return (3, *self.base.shape[1:])

    @property
    def size(self) -> None:
        """None: stacks are drawn afresh, N³ of them exist."""
        return

    def sample(self, count: int, rng: torch.Generator) -> Tensor:
        """Stacks of independent training images, (N, 3, H, W) float32 on rng.device."""
        return self.sample_with_labels(count, rng)[0]

    def sample_with_labels(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Stacks and the three digits of their channels read as one number.

        Args:
            count: N, how many.
            rng: where the draw comes from; its device is the results' device.

        Returns:
            (N, 3, H, W) float32 and (N,) int64 in 0 … 999: hundreds are the first channel.

        Raises:
            UsageError: count is below 1.
        """
        if count < 1:
            raise UsageError(f"cannot draw {count} samples of {self.name}: ask for at least 1")
        chosen = torch.randint(self.base.size, (count, 3), generator=rng, device=rng.device)
        chosen = chosen.to(self.base.train.device)
        digits = self.base.train_labels[chosen]
        labels = 100 * digits[:, 0] + 10 * digits[:, 1] + digits[:, 2]
        return self.base.train[chosen].squeeze(2).to(rng.device), labels.to(rng.device)

    def to(self, device: torch.device | str) -> "Stacked":
        """The same set with its base on a device."""
        return replace(self, base=self.base.to(device))


def digits(_data_dir: Path | None = None) -> Images:
    """1,797 handwritten digits of 8×8 pixels, which scikit-learn brings along.

    Every sixth image of each class is for testing (300; 1,497 are for training), so that both
    parts have the classes in equal proportion. The split is fixed. The same writers appear in
    both parts: test accuracy here speaks of new images, not of new writers.
    """
    pixels, classes = _digits()
    by_class = np.argsort(classes, kind="stable")
    is_test = np.zeros(len(by_class), dtype=bool)
    is_test[by_class[::6]] = True
    images = torch.from_numpy(pixels.astype(np.float32)).div_(8.0).sub_(1.0).unsqueeze(1)
    labels = torch.from_numpy(classes.astype(np.int64))
    test = torch.from_numpy(is_test)
    return Images("digits", (1, 8, 8), images[~test], labels[~test], images[test], labels[test])


def _digits() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (1797, 8, 8) from 0 to 16 and classes (1797,), as scikit-learn's load_digits has them.

    Read from scikit-learn's file, where it is: importing scikit-learn takes as long as PyTorch, and
    every session and command would wait for it.
    """
    package = importlib.util.find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            rows = np.loadtxt(file, delimiter=",")
            return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images, bunch.target


def mnist(data_dir: Path | None = None) -> Images:
    """70,000 handwritten digits of 28×28 pixels (LeCun et al. 1998), 10,000 for testing."""
    return _idx_images("mnist", data_dir)


def fashion_mnist(data_dir: Path | None = None) -> Images:
    """70,000 pictures of clothes of 28×28 pixels (Xiao et al. 2017), 10,000 for testing."""
    return _idx_images("fashion_mnist", data_dir)


def _idx_images(name: str, data_dir: Path | None) -> Images:
    train_images, train_labels, test_images, test_labels = locate(name, data_dir)
    train, labels = _labelled(train_images, train_labels)
    test, labels_of_test = _labelled(test_images, test_labels)
    _refuse_other_set(name, labels_of_test, test_labels)
    if test.shape[1:] != train.shape[1:]:
        raise UsageError(
            f"{test_images}: images of {_size_of(test)}, but {train_images} has {_size_of(train)}"
        )
    shape = (1, *train.shape[1:])
    return Images(
        name, shape, _scaled(train), _classes(labels), _scaled(test), _classes(labels_of_test)
    )


def _labelled(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (N, H, W) and labels (N,) of two files that belong together."""
    pixels, classes = read_idx(images), read_idx(labels)
    if pixels.ndim != 3:
        raise UsageError(f"{images}: {pixels.ndim} dimensions, expected 3 (images)")
    if classes.ndim != 1:
        raise UsageError(f"{labels}: {classes.ndim} dimensions, expected 1 (labels)")
    if len(pixels) != len(classes):
        raise UsageError(
            f"{images} has {len(pixels)} images, but {labels} has {len(classes)} labels"
        )
    if classes.max() >= CLASSES:
        raise UsageError(f"{labels}: label {classes.max()} found, expected 0 to {CLASSES - 1}")
    return pixels, classes


def _refuse_other_set(name: str, labels: NDArray[np.uint8], path: Path) -> None:
    """Stop if a folder asked for one set holds the other, whose files have the same names."""
    header = struct.pack(">HBBI", 0, 0x08, 1, len(labels))
    checksum = hashlib.sha256(header + labels.tobytes()).hexdigest()
    for other, source in SOURCES.items():
        if other != name and checksum == source.test_labels_sha256:
            raise UsageError(f"{path.parent} holds {other}, not {name}")


def _size_of(pixels: NDArray[np.uint8]) -> str:
    return "×".join(map(str, pixels.shape[1:]))


def _scaled(pixels: NDArray[np.uint8]) -> Tensor:
    """0 … 255 to [−1, 1], as (N, 1, H, W)."""
    return torch.from_numpy(pixels.astype(np.float32)).div_(127.5).sub_(1.0).unsqueeze(1)


def _classes(labels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(labels.astype(np.int64))
