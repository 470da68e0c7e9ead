"""Data sets by name, and the data order of a run."""

import io
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.data import DATASETS, Dataset, Minibatches, load
from gan.errors import UsageError
from gan.images import Images, Stacked
from gan.mixtures import ring

WITHOUT_FILES = ["gaussian1d", "ring", "grid", "digits", "stacked_digits"]


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def numbered(count: int) -> Images:
    """Images of one pixel whose value is their index."""
    train = torch.arange(count, dtype=torch.float32).reshape(count, 1, 1, 1)
    labels = torch.zeros(count, dtype=torch.int64)
    return Images("numbered", (1, 1, 1), train, labels, train, labels)


def drawn(batches: Minibatches, count: int) -> list[list[float]]:
    """The values of the next minibatches."""
    return [batches.several(1)[0].flatten().tolist() for _ in range(count)]


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_every_set_keeps_its_promises(name: str) -> None:
    """The name it is listed under, samples of its shape, float32 and finite."""
    dataset = load(name)
    samples = dataset.sample(16, rng())
    assert dataset.name == name
    assert samples.shape == (16, *dataset.shape)
    assert samples.dtype == torch.float32
    assert bool(samples.isfinite().all())


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_says_what_it_is(name: str) -> None:
    """The first line of the loader's docstring is a sentence: it is what is listed."""
    lines = (DATASETS[name].__doc__ or "").strip().splitlines()
    assert lines[0].endswith(".")
    assert len(lines) == 1 or lines[1] == ""


@pytest.mark.parametrize("base", ["mnist", "fashion_mnist"])
def test_stacked_sets_stack_their_base(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    """The folder is handed on to the base's loader."""
    asked: list[Path | None] = []

    def loader(data_dir: Path | None) -> Images:
        asked.append(data_dir)
        return numbered(5)

    monkeypatch.setitem(DATASETS, base, loader)
    stacked = DATASETS[f"stacked_{base}"](Path("folder"))
    assert isinstance(stacked, Stacked)
    assert (stacked.name, stacked.base.size) == (f"stacked_{base}", 5)
    assert asked == [Path("folder")]


def test_an_unknown_name_lists_the_known_ones() -> None:
    """One line, all of them."""
    with pytest.raises(UsageError) as error:
        load("minst")
    assert str(error.value) == (
        "unknown data set 'minst': choose from gaussian1d, ring, grid, digits, mnist, "
        "fashion_mnist, stacked_digits, stacked_mnist, stacked_fashion_mnist"
    )


def test_loads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One object per name and folder, and none for a load that failed."""
    asked: list[Path | None] = []

    def loader(data_dir: Path | None) -> Dataset:
        asked.append(data_dir)
        if len(asked) == 1:
            raise UsageError("not there yet")
        return numbered(3)

    monkeypatch.setitem(DATASETS, "mine", loader)
    with pytest.raises(UsageError, match=r"^not there yet$"):
        load("mine")
    assert load("mine") is load("mine")
    assert load("mine", Path("elsewhere")) is not load("mine")
    assert asked == [None, None, Path("elsewhere")]


def test_importing_is_light() -> None:
    """What is only sometimes needed is only then imported."""
    heavy = ("sklearn", "ot", "pooch", "torchmetrics", "scipy", "requests")
    program = f"import gan.data, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


@settings(deadline=None)
@given(size=st.integers(1, 30), batch_size=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_an_epoch_never_repeats_an_image(size: int, batch_size: int, seed: int) -> None:
    """Within size // batch_size minibatches all images differ; the next epoch is as long."""
    if batch_size > size:
        return
    batches = Minibatches(numbered(size), batch_size, rng(seed))
    per_epoch = size // batch_size
    for _ in range(2):
        epoch = list(chain(*drawn(batches, per_epoch)))
        assert len(set(epoch)) == len(epoch) == per_epoch * batch_size


def test_epochs_are_shuffled_anew() -> None:
    """Each epoch has all images, in another order, and the remainder is not always the same."""
    batches = Minibatches(numbered(50), 50, rng())
    first, second = drawn(batches, 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert first != sorted(first)


def test_a_short_remainder_is_dropped() -> None:
    """Of 10 images in minibatches of 4, two are left out of each epoch, not always the same."""
    batches = Minibatches(numbered(10), 4, rng())
    left_out = set()
    for _ in range(20):
        epoch = list(chain(*drawn(batches, 2)))
        assert len(epoch) == 8
        left_out |= set(range(10)) - set(epoch)
    assert left_out == set(range(10))


def test_mixtures_are_drawn_afresh() -> None:
    """The minibatches are the mixture's own samples under the same generator."""
    batches, generator = Minibatches(ring(), 5, rng(9)), rng(9)
    for _ in range(3):
        assert torch.equal(batches.several(1)[0], ring().sample(5, generator))


def test_stacks_are_drawn_afresh() -> None:
    """Epochs have no meaning for stacks: a minibatch may be larger than the base."""
    stacked = Stacked("stacks", numbered(4))
    batch = Minibatches(stacked, 100, rng(2)).several(1)[0]
    assert torch.equal(batch, stacked.sample(100, rng(2)))


@pytest.mark.parametrize("dataset", [ring(), numbered(11), Stacked("stacks", numbered(4))])
@settings(deadline=None)
@given(before=st.integers(0, 9), after=st.integers(0, 9), other=st.integers(0, 9))
def test_a_restored_order_goes_on_identically(
    dataset: Dataset, before: int, after: int, other: int
) -> None:
    """Across epochs, through a file, whatever the minibatches restored had done before."""
    batches = Minibatches(dataset, 3, rng(1))
    drawn(batches, before)
    file = io.BytesIO()
    torch.save(batches.state(), file)
    expected = drawn(batches, after)
    resumed = Minibatches(dataset, 3, rng(2))
    drawn(resumed, other)
    file.seek(0)
    resumed.restore(torch.load(file, weights_only=True))
    assert drawn(resumed, after) == expected


def test_a_state_does_not_change_afterwards() -> None:
    """Neither the run it was taken from nor the one it was given to touches it."""
    batches = Minibatches(numbered(6), 2, rng(1))
    batches.several(1)[0]
    state = batches.state()
    expected = drawn(batches, 9)
    for _ in range(2):
        batches.restore(state)
        assert drawn(batches, 9) == expected


def test_refuses_the_state_of_another_set() -> None:
    """An order of 11 images means nothing for 12."""
    batches = Minibatches(numbered(11), 3, rng())
    batches.several(1)[0]
    with pytest.raises(UsageError) as error:
        Minibatches(numbered(12), 3, rng()).restore(batches.state())
    assert str(error.value) == "this data order is of 11 images, but numbered has 12"


def test_refuses_a_minibatch_larger_than_the_set() -> None:
    """The number of training images is named."""
    with pytest.raises(UsageError) as error:
        Minibatches(load("digits"), 4096, rng())
    assert str(error.value) == (
        "batch size 4096 is larger than the 1,497 training images of digits"
    )


@pytest.mark.parametrize("batch_size", [0, -5])
def test_refuses_an_empty_minibatch(batch_size: int) -> None:
    """Below one there is nothing to draw."""
    with pytest.raises(UsageError) as error:
        Minibatches(ring(), batch_size, rng())
    assert str(error.value) == f"batch size {batch_size} must be at least 1"
