"""MMD² with a Gaussian kernel: by hand, against scikit-learn, and in closed form."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel
from torch import Tensor

from gan.classifier import classifier
from gan.data import Dataset, load
from gan.images import Images
from gan.metrics import METRICS
from gan.mixtures import gaussian1d, ring

Floats = NDArray[np.float64]


def rng() -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(0)


def mmd(fake: Tensor, real: Tensor) -> float:
    """MMD² of points on the line or in the plane."""
    dataset: Dataset = gaussian1d() if fake.shape[1] == 1 else ring()
    return METRICS["mmd"].value(dataset, fake, real, rng())


def normal(count: int, dimension: int, seed: int) -> Floats:
    """A normal cloud."""
    return np.random.default_rng(seed).normal(size=(count, dimension))


def by_sklearn(x: Floats, y: Floats) -> float:
    """The unbiased estimate of Gretton et al.'s Eq. 3, the median of the real side's distances."""
    gamma = 1 / (2 * np.median(pdist(y)) ** 2)
    within = [rbf_kernel(z, gamma=gamma) for z in (x, y)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    return float(sum(means) - 2 * rbf_kernel(x, y, gamma=gamma).mean())


def test_by_hand() -> None:
    """Real 0, 2 (s = 2), generated 0, 2, 4: kernels e^(−1/2) =: e at 2 apart, e⁴ at 4 apart.

    Within real e; within generated (2e + e⁴)/3; between (1 + e + e⁴ + e + 1 + e)/6.
    """
    e = math.exp(-0.5)
    expected = e + (2 * e + e**4) / 3 - (2 + 3 * e + e**4) / 3
    fake, real = torch.tensor([[0.0], [2.0], [4.0]]), torch.tensor([[0.0], [2.0]])
    assert mmd(fake, real) == pytest.approx(expected, abs=1e-14)


@given(
    st.integers(2, 30),
    st.integers(2, 30),
    st.integers(1, 2),
    st.integers(0, 2**32 - 1),
    st.floats(-5, 5),
)
def test_it_agrees_with_sklearn(n: int, m: int, dimension: int, seed: int, shift: float) -> None:
    """On normal clouds of any number and distance, to 1e-10."""
    fake, real = normal(n, dimension, seed) + shift, normal(m, dimension, seed + 1)
    actual = mmd(torch.tensor(fake), torch.tensor(real))
    assert actual == pytest.approx(by_sklearn(fake, real), abs=1e-10)


def test_of_images_it_is_of_the_features() -> None:
    """Against scikit-learn on the classifier's."""
    digits = load("digits")
    assert isinstance(digits, Images)
    fake, real = digits.sample(150, rng()).flip(3), digits.sample(200, rng())
    x, y = (classifier(digits).features(images).double().numpy() for images in (fake, real))
    actual = METRICS["mmd"].value(digits, fake, real, rng())
    assert actual == pytest.approx(by_sklearn(x, y), abs=1e-10)


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (1.0, 1.0), (0.5, 2.0), (3.0, 0.5)])
def test_its_mean_is_the_closed_form_of_two_gaussians(shift: float, spread: float) -> None:
    """E k(x, y) = √(s²/(s² + v)) e^(−δ²/2(s² + v)), x − y ~ N(δ, v); within 5 standard errors.

    The median of |x − y| for N(0, 1) is √2·0.6745; each set of samples has its own, near that.
    """

    def kernel(delta: float, v: float) -> float:
        s2 = 2 * 0.67448975**2
        return math.sqrt(s2 / (s2 + v)) * math.exp(-(delta**2) / (2 * (s2 + v)))

    expected = kernel(0, 2) + kernel(0, 2 * spread**2) - 2 * kernel(shift, 1 + spread**2)
    values = np.array(
        [
            mmd(
                torch.tensor(spread * normal(200, 1, 2 * seed) + shift),
                torch.tensor(normal(400, 1, 2 * seed + 1)),
            )
            for seed in range(60)
        ]
    )
    error = values.std(ddof=1) / math.sqrt(len(values))
    # s varies from set to set: a bias of its variance, 0.3 % of values near 1.
    assert values.mean() == pytest.approx(expected, abs=5 * error + 3e-3 * expected)


def test_it_falls_below_zero_as_often_as_not() -> None:
    """Unbiased: of one distribution its mean is 0, and it is not clipped."""
    values = np.array(
        [
            mmd(torch.tensor(normal(30, 2, 2 * s)), torch.tensor(normal(30, 2, 2 * s + 1)))
            for s in range(200)
        ]
    )
    assert 60 < (values < 0).sum() < 160
    assert abs(values.mean()) < 5 * values.std() / math.sqrt(200)


def test_a_collapse_far_away_is_the_worst_there_is() -> None:
    """Copies of one point, 1 within, against 0 and 1 far from it, e^(−1/2) within: their sum."""
    fake, real = torch.full((50, 1), 1e6), torch.tensor([[0.0], [1.0]])
    assert mmd(fake, real) == pytest.approx(1 + math.exp(-0.5), abs=1e-14)


def test_the_generator_does_not_move_the_yardstick() -> None:
    """Two far points generated: all kernels with them are 0, and what is left is the real side's.

    A bandwidth of both sides together would be as large as the distance, and the kernels near 1.
    """
    real = normal(20, 1, 0)
    gamma = 1 / (2 * np.median(pdist(real)) ** 2)
    kernel = rbf_kernel(real, gamma=gamma)
    fake = torch.tensor([[1e8], [-1e8]], dtype=torch.float64)
    expected = (kernel.sum() - 20) / (20 * 19)
    assert mmd(fake, torch.tensor(real)) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-100, 1e-3, 7.0, 1e100]))
def test_it_has_no_unit(seed: int, unit: float) -> None:
    """In another unit the same: the bandwidth is one of the data's."""
    fake, real = torch.tensor(normal(8, 2, seed)), torch.tensor(normal(9, 2, seed + 1))
    assert mmd(unit * fake, unit * real) == pytest.approx(mmd(fake, real), rel=1e-9, abs=1e-12)


def test_without_a_spread_there_is_no_yardstick() -> None:
    """More than half of the real pairs the same: s = 0, and no value."""
    real = torch.cat([torch.zeros(20, 1), torch.ones(1, 1)])
    assert math.isnan(mmd(torch.zeros(5, 1), real))


@pytest.mark.parametrize(("n", "m"), [(1, 5), (5, 1)])
def test_one_sample_has_no_pairs(n: int, m: int) -> None:
    """nan by hand; `evaluate` refuses it."""
    assert math.isnan(mmd(torch.tensor(normal(n, 1, 0)), torch.tensor(normal(m, 1, 1))))


def test_a_thousand_samples_are_looked_at() -> None:
    """What comes later is not."""
    cloud = torch.tensor(normal(1000, 2, 0))
    more = torch.cat([cloud, torch.full((200, 2), 99.0)])
    assert mmd(more, cloud) == mmd(cloud, cloud)
