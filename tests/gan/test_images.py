"""Image sets: digits, the IDX sets, and stacks of them."""

import gzip
import hashlib
import importlib.util
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.datasets import load_digits

from gan.errors import UsageError
from gan.images import Images, Stacked, digits, fashion_mnist, mnist
from gan.sources import FILES, SOURCES

SYSTEM = SOURCES["fashion_mnist"].system or Path()
needs_fashion_mnist = pytest.mark.skipif(
    not SYSTEM.is_dir(), reason=f"needs {SYSTEM} (Debian's package dataset-fashion-mnist)"
)
# Of the decompressed files; the two sets differ in nothing else that could be checked.
FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def numbered(count: int = 10) -> Images:
    """Images of 1×2 whose values are their index, labelled by its last digit."""
    values = torch.arange(count, dtype=torch.float32)
    train = values[:, None, None, None].expand(count, 1, 1, 2).contiguous()
    labels = torch.arange(count) % 10
    return Images("numbered", (1, 1, 2), train, labels, train, labels)


def idx(array: NDArray[np.uint8]) -> bytes:
    """An IDX file of that array."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_set(
    folder: Path,
    *,
    train: tuple[int, ...] = (20, 3, 2),
    test: tuple[int, ...] = (5, 3, 2),
    train_labels: tuple[int, ...] = (20,),
    label: int = 7,
) -> Path:
    """A set of four small files; pixel values count up from 0, all labels are the same."""
    arrays = [
        (np.arange(np.prod(train)) % 256).astype(np.uint8).reshape(train),
        np.full(train_labels, label, np.uint8),
        (np.arange(np.prod(test)) % 256).astype(np.uint8).reshape(test),
        np.full(test[0], 3, np.uint8),
    ]
    for file, array in zip(FILES, arrays, strict=True):
        (folder / f"{file}.gz").write_bytes(gzip.compress(idx(array)))
    return folder


def test_digits_are_scikit_learns() -> None:
    """Every one of the 1,797 images is in exactly one of the two parts, scaled 0 … 16 to ±1."""
    own, bunch = digits(), load_digits()
    both = torch.cat([own.train, own.test]).reshape(-1, 64).double().numpy()
    labels = torch.cat([own.train_labels, own.test_labels]).numpy()
    ours = np.column_stack([(both + 1) * 8, labels])
    theirs = np.column_stack([bunch.data, bunch.target])
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))
    assert (own.train.shape, own.test.shape) == ((1497, 1, 8, 8), (300, 1, 8, 8))
    assert (float(own.train.min()), float(own.train.max())) == (-1.0, 1.0)
    assert (own.train.dtype, own.train_labels.dtype) == (torch.float32, torch.int64)
    assert own.size == 1497


def test_digits_need_no_import_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read from its file, or from wherever a version without that file has them."""
    own = digits()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    again = digits()
    for part in ("train", "train_labels", "test", "test_labels"):
        assert torch.equal(getattr(own, part), getattr(again, part))


def test_digits_are_split_evenly() -> None:
    """Each class has a sixth of its images in the test part, to within one image."""
    own = digits()
    test = torch.bincount(own.test_labels)
    everything = torch.bincount(own.train_labels) + test
    assert float((test - everything / 6).abs().max()) < 1.0


def test_digits_are_split_alike_each_time() -> None:
    """The split is fixed: no random state decides what is tested."""
    torch.manual_seed(1)
    first = digits()
    torch.manual_seed(2)
    assert torch.equal(first.test, digits().test)


@settings(deadline=None)
@given(count=st.integers(1, 10), seed=st.integers(0, 2**32))
def test_samples_are_different_images(count: int, seed: int) -> None:
    """Without replacement, from the training images, whole."""
    drawn = numbered().sample(count, rng(seed))
    assert (drawn.shape, drawn.dtype) == ((count, 1, 1, 2), torch.float32)
    assert torch.equal(drawn[..., 0], drawn[..., 1])
    values = drawn[:, 0, 0, 0].tolist()
    assert len(set(values)) == count
    assert set(values) <= set(range(10))


def test_samples_are_uniform() -> None:
    """Each image is drawn equally often: a χ² test."""
    generator = rng(4)
    drawn = [numbered().sample(1, generator)[0, 0, 0, 0].item() for _ in range(5000)]
    assert stats.chisquare(np.bincount(np.array(drawn, dtype=int), minlength=10)).pvalue > 0.001


@pytest.mark.parametrize("count", [0, -1, 11])
def test_refuses_more_images_than_there_are(count: int) -> None:
    """The number of images is named."""
    with pytest.raises(UsageError) as error:
        numbered().sample(count, rng())
    assert str(error.value) == (
        f"cannot draw {count} different images of numbered: "
        "ask for 1 to 10, the number of training images"
    )


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((4, 1, 2, 2), [0] * 4, "images of shape (4, 1, 2, 2), expected (N, 1, 1, 2) with N at"),
        ((0, 1, 1, 2), [], "images of shape (0, 1, 1, 2), expected (N, 1, 1, 2) with N at least 1"),
        ((4, 1, 1, 2), [0] * 3, "4 images with labels of shape (3,), expected (4,)"),
        ((2, 1, 1, 2), [0, 10], "labels from 0 to 10, expected 0 to 9"),
        ((2, 1, 1, 2), [-1, 3], "labels from -1 to 3, expected 0 to 9"),
    ],
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_refuses_parts_that_do_not_fit(
    images: tuple[int, ...], labels: list[int], message: str, part: str
) -> None:
    """The constructor checks both parts."""
    good, wrong = (
        (torch.zeros(1, 1, 1, 2), torch.zeros(1, dtype=torch.int64)),
        (
            torch.zeros(images),
            torch.tensor(labels, dtype=torch.int64),
        ),
    )
    parts = (*wrong, *good) if part == "train" else (*good, *wrong)
    with pytest.raises(UsageError) as error:
        Images("mine", (1, 1, 2), *parts)
    assert str(error.value).startswith(f"mine: {message}")


def test_to_keeps_the_values() -> None:
    """Moving changes the place, not the set."""
    moved = numbered().to("cpu")
    assert (moved.name, moved.shape) == ("numbered", (1, 1, 2))
    assert torch.equal(moved.train, numbered().train)
    assert torch.equal(moved.test_labels, numbered().test_labels)


def test_stacks_three_images() -> None:
    """Each channel is one whole base image, and the label reads their digits from left to right."""
    stacked = Stacked("stacks", numbered())
    assert stacked.shape == (3, 1, 2)
    assert stacked.size is None
    x, labels = stacked.sample_with_labels(50, rng())
    assert (x.shape, x.dtype, labels.dtype) == ((50, 3, 1, 2), torch.float32, torch.int64)
    digits_of = x[..., 0].squeeze(2).long()
    assert torch.equal(x[..., 0], x[..., 1])
    expected = [int(f"{a}{b}{c}") for a, b, c in digits_of.tolist()]
    assert labels.tolist() == expected


def test_stacked_channels_are_independent() -> None:
    """All 1,000 modes are equally likely, given equally likely classes: a χ² test."""
    _, labels = Stacked("stacks", numbered()).sample_with_labels(100_000, rng(8))
    assert stats.chisquare(torch.bincount(labels, minlength=1000).numpy()).pvalue > 0.001


def test_stacked_samples_are_those_with_labels() -> None:
    """The two ways to sample draw alike."""
    stacked = Stacked("stacks", numbered())
    assert torch.equal(stacked.sample(7, rng(3)), stacked.sample_with_labels(7, rng(3))[0])


def test_stacks_refuse_nothing_and_colour() -> None:
    """A count below one, and a base that has three channels already."""
    with pytest.raises(UsageError, match=r"^cannot draw 0 samples of stacks: ask for at least 1$"):
        Stacked("stacks", numbered()).sample(0, rng())
    zeros, labels = torch.zeros(1, 3, 2, 2), torch.zeros(1, dtype=torch.int64)
    colour = Images("colour", (3, 2, 2), zeros, labels, zeros, labels)
    with pytest.raises(UsageError) as error:
        Stacked("stacks", colour)
    assert str(error.value) == "stacks: images of 3 channels cannot be stacked, expected 1 channel"


def test_stacks_move_with_their_base() -> None:
    """The base's values are the same after the move."""
    moved = Stacked("stacks", numbered()).to("cpu")
    assert torch.equal(moved.sample(5, rng()), Stacked("stacks", numbered()).sample(5, rng()))


def test_idx_sets_are_scaled_to_plus_minus_one(tmp_path: Path) -> None:
    """0 is −1, 255 is 1, and pixels stay in their places."""
    own = mnist(write_set(tmp_path, train=(50, 3, 2), train_labels=(50,)))
    assert (own.name, own.shape, own.size, len(own.test)) == ("mnist", (1, 3, 2), 50, 5)
    pixels = torch.arange(300) % 256
    expected = (pixels.double() / 127.5 - 1).float()
    torch.testing.assert_close(own.train.flatten(), expected, rtol=0, atol=1e-7)
    assert (float(own.train.min()), float(own.train.max())) == (-1.0, 1.0)
    assert own.train_labels.tolist() == [7] * 50
    assert own.test_labels.tolist() == [3] * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"train_labels": (19,)},
            (
                "{0}/train-images-idx3-ubyte.gz has 20 images, "
                "but {0}/train-labels-idx1-ubyte.gz has 19 labels"
            ),
        ),
        ({"label": 10}, "{0}/train-labels-idx1-ubyte.gz: label 10 found, expected 0 to 9"),
        (
            {"train": (20, 6)},
            "{0}/train-images-idx3-ubyte.gz: 2 dimensions, expected 3 (images)",
        ),
        (
            {"train_labels": (20, 1)},
            "{0}/train-labels-idx1-ubyte.gz: 2 dimensions, expected 1 (labels)",
        ),
        (
            {"test": (5, 2, 3)},
            (
                "{0}/t10k-images-idx3-ubyte.gz: images of 2×3, "
                "but {0}/train-images-idx3-ubyte.gz has 3×2"
            ),
        ),
    ],
)
def test_refuses_files_that_do_not_belong_together(
    tmp_path: Path, change: dict[str, tuple[int, ...]], message: str
) -> None:
    """The files are named, with what each of them says."""
    write_set(tmp_path, **change)  # type: ignore[arg-type]  # one keyword at a time, of its type
    with pytest.raises(UsageError) as error:
        mnist(tmp_path)
    assert str(error.value) == message.format(tmp_path)


def test_refuses_one_set_in_the_others_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two sets' files have the same names and sizes; only the content tells."""
    write_set(tmp_path)
    labels = gzip.decompress((tmp_path / f"{FILES[3]}.gz").read_bytes())
    known = replace(SOURCES["fashion_mnist"], test_labels_sha256=hashlib.sha256(labels).hexdigest())
    monkeypatch.setitem(SOURCES, "fashion_mnist", known)
    with pytest.raises(UsageError) as error:
        mnist(tmp_path)
    assert str(error.value) == f"{tmp_path} holds fashion_mnist, not mnist"
    assert fashion_mnist(tmp_path).name == "fashion_mnist"


@needs_fashion_mnist
@pytest.mark.parametrize("file", FILES)
def test_the_systems_fashion_mnist_is_the_published_one(file: str) -> None:
    """The decompressed bytes are those of the official download."""
    content = gzip.decompress((SYSTEM / f"{file}.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() == FASHION_MNIST_SHA256[file]


@needs_fashion_mnist
def test_fashion_mnist_has_its_published_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """60,000 and 10,000 images of 28×28, each class equally often, in [−1, 1]."""
    monkeypatch.delenv("GAN_DATA", raising=False)
    own = fashion_mnist()
    assert (own.train.shape, own.test.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    assert torch.bincount(own.train_labels).tolist() == [6000] * 10
    assert torch.bincount(own.test_labels).tolist() == [1000] * 10
    assert (float(own.train.min()), float(own.train.max())) == (-1.0, 1.0)


@needs_fashion_mnist
def test_fashion_mnist_is_not_taken_for_mnist() -> None:
    """A folder that holds the real Fashion-MNIST is refused where MNIST is asked for."""
    with pytest.raises(UsageError, match=r"holds fashion_mnist, not mnist$"):
        mnist(SYSTEM)
