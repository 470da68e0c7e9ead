"""Modes and KL of stacked images, by the classifier: the floor that real stacks leave."""

import math
from pathlib import Path

import pytest
import torch
from scipy import stats
from torch import Tensor

from gan.data import load
from gan.images import Images, Stacked
from gan.metrics import METRICS
from gan.sources import SOURCES

SYSTEM = SOURCES["fashion_mnist"].system or Path()
PUBLISHED = 26_000
"""Stacks of which Lin et al. 2018 count the modes."""

EVEN = 999 / (2 * PUBLISHED)
"""The KL of so many draws of 1,000 even modes, on average."""


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def value(name: str, stacked: Stacked, fake: Tensor) -> float:
    """Modes or KL, which look at the generated side alone."""
    return METRICS[name].value(stacked, fake, fake[:2], rng())


def stacked_digits() -> Stacked:
    """Of scikit-learn's digits."""
    stacked = load("stacked_digits")
    assert isinstance(stacked, Stacked)
    return stacked


def test_real_stacks_of_digits_are_all_there() -> None:
    """26,000 have 1,000 modes and nearly the KL of even draws: their classes are nearly even."""
    stacked = stacked_digits()
    fake, labels = stacked.sample_with_labels(PUBLISHED, rng())
    counts = torch.bincount(labels, minlength=1000)
    assert value("modes", stacked, fake) == 1000
    found = value("kl", stacked, fake)
    assert found == pytest.approx(stats.entropy(counts, [1] * 1000), abs=1e-3)
    assert found == pytest.approx(EVEN, abs=2e-3)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_channel_of_one_class_costs_log_ten(channels: int) -> None:
    """With 1, 2 or 3 of three channels always a seven: 100, 10 or 1 modes, 1, 2 or 3 log 10."""
    stacked = stacked_digits()
    sevens = stacked.base.train[stacked.base.train_labels == 7]
    fake = stacked.sample(5000, rng())
    fake[:, :channels] = sevens[torch.randint(len(sevens), (5000, channels), generator=rng())][
        :, :, 0
    ]
    modes = 10 ** (3 - channels)
    assert value("modes", stacked, fake) == modes
    floor = channels * math.log(10) + (modes - 1) / (2 * 5000)
    assert value("kl", stacked, fake) == pytest.approx(floor, abs=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not SYSTEM.is_dir(), reason=f"needs {SYSTEM} (dataset-fashion-mnist)")
def test_real_stacks_of_fashion_mnist_are_all_there() -> None:
    """As of digits, though its classifier errs on some: it errs evenly enough."""
    base = load("fashion_mnist", SYSTEM)
    assert isinstance(base, Images)
    stacked = Stacked("stacked_fashion_mnist", base)
    fake = stacked.sample(PUBLISHED, rng())
    assert value("modes", stacked, fake) == 1000
    assert value("kl", stacked, fake) == pytest.approx(EVEN, abs=3e-3)
