"""Modes, quality, KL and W₁: hand-computed values, with SciPy as the oracle."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import optimize, spatial, stats
from torch import Tensor

from gan.classifier import classifier
from gan.data import Dataset, load
from gan.images import Images
from gan.metrics import METRICS
from gan.mixtures import Mixture, gaussian1d, grid, ring

Floats = NDArray[np.float64]
UNUSED = torch.empty(0)


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def value(name: str, dataset: Dataset, fake: Tensor, real: Tensor = UNUSED) -> float:
    """One metric by name."""
    return METRICS[name].value(dataset, fake, real, rng())


def at(centres: Tensor, *counts: int) -> Tensor:
    """Samples exactly at the first centres, so many at each."""
    return centres[: len(counts)].repeat_interleave(torch.tensor(counts), dim=0)


@pytest.fixture(scope="module")
def digits_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the digits' classifier at hand, trained at most once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        dataset = load("digits")
        assert isinstance(dataset, Images)
        classifier(dataset)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_modes_counts_those_that_were_hit(count: int) -> None:
    """One high-quality sample is enough for a mode, more are no better."""
    fake = at(ring().centres, *[1, 5, 1, 1, 2, 1, 1, 9][:count])
    assert value("modes", ring(), fake) == count


@pytest.mark.parametrize(("sigmas", "expected"), [(0.0, 1.0), (2.99, 1.0), (3.01, 0.0)])
@pytest.mark.parametrize("mixture", [ring(), grid()], ids=lambda mixture: mixture.name)
def test_high_quality_ends_at_three_sigma(mixture: Mixture, sigmas: float, expected: float) -> None:
    """In any direction; what is farther away hits no mode either."""
    angles = torch.linspace(0, 6, 50, dtype=torch.float64)
    directions = torch.stack([angles.cos(), angles.sin()], dim=1)
    fake = mixture.centres[3] + sigmas * mixture.sigma * directions
    assert value("high_quality", mixture, fake) == expected
    assert value("modes", mixture, fake) == expected


def test_high_quality_is_a_fraction_of_all_samples() -> None:
    """Three of four."""
    fake = torch.cat([at(grid().centres, 2, 1), torch.tensor([[1.0, 1.0]])])
    assert value("high_quality", grid(), fake) == 0.75


def test_the_mixture_itself_is_of_high_quality() -> None:
    """1 − e^(−9/2) in the plane, erf(3/√2) on the line, to five standard errors."""
    count = 100_000
    for mixture, expected in (
        (ring(), 1 - math.exp(-4.5)),
        (grid(), 1 - math.exp(-4.5)),
        (gaussian1d(), math.erf(3 / math.sqrt(2))),
    ):
        error = math.sqrt(expected * (1 - expected) / count)
        share = value("high_quality", mixture, mixture.sample(count, rng()))
        assert share == pytest.approx(expected, abs=5 * error)


def test_kl_by_hand() -> None:
    """One mode of eight: log 8; half of them: log 2; all: 0."""
    for modes, expected in ((1, math.log(8)), (4, math.log(2)), (8, 0.0)):
        fake = at(ring().centres, *[3] * modes)
        assert value("kl", ring(), fake) == pytest.approx(expected, abs=1e-15)


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=8, max_size=8).filter(any))
def test_kl_agrees_with_scipy(counts: list[int]) -> None:
    """KL(q ‖ uniform), the generated distribution first, is SciPy's relative entropy."""
    expected = stats.entropy(counts, [1] * 8)
    actual = value("kl", ring(), at(ring().centres, *counts))
    assert actual == pytest.approx(expected, abs=1e-12)


def test_kl_looks_at_high_quality_samples_only() -> None:
    """A hundred samples nearest to the first mode but far from it do not count."""
    far = torch.tensor([[1.5, 0.0]], dtype=torch.float64).expand(100, 2)
    fake = torch.cat([at(ring().centres, 1, 1), far])
    assert value("kl", ring(), fake) == pytest.approx(math.log(4))


def test_without_high_quality_samples_there_is_no_kl() -> None:
    """Zero modes, zero quality, and a divergence that is not a number."""
    fake = torch.zeros(10, 2)
    assert value("modes", ring(), fake) == 0.0
    assert value("high_quality", ring(), fake) == 0.0
    assert math.isnan(value("kl", ring(), fake))


def test_stacks_have_a_thousand_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes are the modes; stacks without a class (−1) hit none."""
    classes = SimpleNamespace(labels=lambda _: torch.tensor([0, 999, 999, 7, -1]))
    monkeypatch.setattr("gan.metrics.mode.classifier", lambda _: classes)
    stacked, fake = load("stacked_digits"), torch.zeros(5, 3, 8, 8)
    assert value("modes", stacked, fake) == 3.0
    expected = stats.entropy([1, 2, 1, *[0] * 997], [1] * 1000)
    assert value("kl", stacked, fake) == pytest.approx(expected)


@pytest.mark.usefixtures("digits_cache")
def test_real_stacks_have_nearly_all_their_modes() -> None:
    """5,000 even draws of 1,000 modes miss e⁻⁵ of them and have a KL of about 0.1."""
    stacked = load("stacked_digits")
    fake = stacked.sample(5000, rng())
    assert 985 <= value("modes", stacked, fake) <= 1000
    assert value("kl", stacked, fake) == pytest.approx(999 / (2 * 5000), abs=0.03)


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, 7, elements=st.floats(-1e3, 1e3, width=32)),
    arrays.arrays(np.float64, 7, elements=st.floats(-1e3, 1e3, width=32)),
)
def test_w1_on_the_line_pairs_sorted_samples(x: Floats, y: Floats) -> None:
    """The mean distance of the i-th smallest from the i-th smallest."""
    expected = np.abs(np.sort(x) - np.sort(y)).mean()
    actual = value("w1", gaussian1d(), torch.tensor(x)[:, None], torch.tensor(y)[:, None])
    assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(np.float64, (6, 2), elements=st.floats(-1e3, 1e3, width=32)),
    arrays.arrays(np.float64, (6, 2), elements=st.floats(-1e3, 1e3, width=32)),
)
def test_w1_in_the_plane_is_the_best_assignment(x: Floats, y: Floats) -> None:
    """Against SciPy's assignment of as many points to as many."""
    costs = spatial.distance.cdist(x, y)
    expected = costs[optimize.linear_sum_assignment(costs)].mean()
    actual = value("w1", ring(), torch.tensor(x), torch.tensor(y))
    assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_w1_of_a_shifted_sample_is_the_shift() -> None:
    """‖(3, −4)‖ = 5, and on the line 2.5."""
    plane, line = grid().sample(200, rng()).double(), gaussian1d().sample(200, rng()).double()
    shift = torch.tensor([3.0, -4.0], dtype=torch.float64)
    assert value("w1", grid(), plane + shift, plane) == pytest.approx(5.0)
    assert value("w1", gaussian1d(), line - 2.5, line) == pytest.approx(2.5)


def test_w1_takes_samples_of_different_number() -> None:
    """One point half-way between two: each half of it goes one way."""
    fake = torch.tensor([[0.0, 0.0]])
    real = torch.tensor([[2.0, 0.0], [-4.0, 0.0]])
    assert value("w1", ring(), fake, real) == pytest.approx(3.0)


def test_w1_in_the_plane_looks_at_a_thousand_samples() -> None:
    """What comes later is not looked at: exact transport of more would take too long."""
    near, far = torch.zeros(1000, 2), torch.full((500, 2), 100.0)
    assert value("w1", ring(), torch.cat([near, far]), torch.cat([near, -far])) == 0.0
