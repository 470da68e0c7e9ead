"""FID and KID: closed forms, and the definitions written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import linalg
from torch import Tensor

from gan.classifier import classifier
from gan.data import Dataset, load
from gan.images import Images
from gan.metrics import METRICS

Floats = NDArray[np.float64]
UNUSED = torch.empty(0)


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def value(name: str, dataset: Dataset, fake: Tensor, real: Tensor = UNUSED) -> float:
    """One metric by name."""
    return METRICS[name].value(dataset, fake, real, rng())


class Transparent:
    """A classifier whose features are the pixels."""

    def features(self, images: Tensor) -> Tensor:
        """All values, one row per image."""
        return images.flatten(1)


@pytest.fixture
def transparent(monkeypatch: pytest.MonkeyPatch) -> Images:
    """Image sets are seen through the transparent classifier; one such set of 1×2 pixels."""
    monkeypatch.setattr("gan.metrics.clouds.classifier", lambda _: Transparent())
    return pixels()


def pixels() -> Images:
    """A set of 1×2 pixels; its own images are of no account."""
    zeros, labels = torch.zeros(1, 1, 1, 2), torch.zeros(1, dtype=torch.int64)
    return Images("pixels", (1, 1, 2), zeros, labels, zeros, labels)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The digits, with their classifier at hand, trained at most once for this file."""
    dataset = load("digits")
    assert isinstance(dataset, Images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        classifier(dataset)
    return dataset


def shaped(points: Floats) -> Tensor:
    """(N, 2) as images of 1×2 pixels."""
    return torch.tensor(points).reshape(-1, 1, 1, 2)


def with_moments(mean: Floats, covariance: Floats, seed: int) -> Floats:
    """400 points with exactly that mean and covariance."""
    points = np.random.default_rng(seed).normal(size=(400, 2))
    points -= points.mean(0)
    points = points @ linalg.inv(linalg.cholesky(np.cov(points.T)))
    exact: Floats = points @ linalg.cholesky(covariance) + mean
    return exact


def test_fid_of_axis_parallel_gaussians_by_hand(transparent: Images) -> None:
    """‖(3, 4)‖² + (2 − 1)² + (3 − 5)² = 30 for standard deviations (2, 3) and (1, 5)."""
    fake = with_moments(np.array([3.0, 4.0]), np.diag([4.0, 9.0]), seed=0)
    real = with_moments(np.array([0.0, 0.0]), np.diag([1.0, 25.0]), seed=1)
    assert value("fid", transparent, shaped(fake), shaped(real)) == pytest.approx(30.0, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_fid_agrees_with_the_matrix_square_root(seed: int) -> None:
    """Against SciPy's sqrtm of the product of two full covariances."""
    generator = np.random.default_rng(seed)
    covariances = [np.cov(generator.normal(size=(2, 9))) for _ in range(2)]
    mean = generator.normal(size=2)
    root = linalg.sqrtm(covariances[0] @ covariances[1])
    expected = mean @ mean + np.trace(covariances[0] + covariances[1] - 2 * np.real(root))
    fake = with_moments(mean, covariances[0], seed=1)
    real = with_moments(np.zeros(2), covariances[1], seed=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.metrics.clouds.classifier", lambda _: Transparent())
        actual = value("fid", pixels(), shaped(fake), shaped(real))
    assert actual == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_fid_on_the_classifiers_features(digits: Images) -> None:
    """All 64 dimensions, from the definition in float64."""
    fake, real = digits.train[:500].flip(3), digits.train[500:1100]
    network = classifier(digits)
    f, r = (network.features(images).double().numpy() for images in (fake, real))
    root = linalg.sqrtm(np.cov(r.T) @ np.cov(f.T))
    distance = ((r.mean(0) - f.mean(0)) ** 2).sum()
    expected = distance + np.trace(np.cov(r.T) + np.cov(f.T) - 2 * np.real(root))
    assert value("fid", digits, fake, real) == pytest.approx(expected, rel=1e-6)


def test_fid_of_equal_samples_is_zero_and_of_noise_is_large(digits: Images) -> None:
    """Never below zero by rounding; mirrored digits are nearer than noise."""
    real = digits.sample(500, rng())
    noise = torch.rand(500, 1, 8, 8, generator=rng()) * 2 - 1
    same, mirrored = value("fid", digits, real, real), value("fid", digits, real.flip(3), real)
    assert 0.0 <= same < 1e-9
    assert same < mirrored < value("fid", digits, noise, real)


def mmd(x: Floats, y: Floats) -> float:
    """The unbiased estimate, term by term."""
    dimension, n = x.shape[1], len(x)

    def kernel(a: Floats, b: Floats) -> float:
        return float((a @ b / dimension + 1) ** 3)

    pairs = [(i, j) for i in range(n) for j in range(n)]
    within = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in pairs if i != j)
    between = sum(kernel(x[i], y[j]) for i, j in pairs)
    return within / (n * (n - 1)) - 2 * between / n**2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_kid_is_the_unbiased_mmd(seed: int) -> None:
    """Against the double sums written out."""
    x, y = np.random.default_rng(seed).normal(size=(2, 6, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.metrics.clouds.classifier", lambda _: Transparent())
        actual = value("kid", pixels(), shaped(x), shaped(y + 0.5))
    assert actual == pytest.approx(mmd(x, y + 0.5), rel=1e-9, abs=1e-9)


def test_kid_may_fall_below_zero(transparent: Images) -> None:
    """An unbiased estimate of zero is negative half of the time; clipping would bias the mean."""
    generator = np.random.default_rng(0)
    values = [
        value(
            "kid",
            transparent,
            shaped(generator.normal(size=(50, 2))),
            shaped(generator.normal(size=(50, 2))),
        )
        for _ in range(100)
    ]
    assert 20 < sum(kid < 0 for kid in values) < 80
    assert abs(np.mean(values)) < 4 * np.std(values) / 10


def test_kid_draws_from_its_generator_only(transparent: Images) -> None:
    """The subsets repeat with the seed and leave the global generator as it was."""
    points = np.random.default_rng(0).normal(size=(2, 1500, 2))
    fake, real = shaped(points[0]), shaped(points[1])
    kid = METRICS["kid"].value
    torch.manual_seed(11)
    first = kid(transparent, fake, real, rng(1))
    after = torch.rand(3)
    torch.manual_seed(11)
    assert torch.equal(after, torch.rand(3))
    assert kid(transparent, fake, real, rng(1)) == first
    assert kid(transparent, fake, real, rng(2)) != first


def test_kid_takes_samples_of_different_number(transparent: Images) -> None:
    """Subsets are no larger than the smaller side."""
    generator = np.random.default_rng(3)
    fake, real = generator.normal(size=(30, 2)), generator.normal(size=(900, 2)) + 3.0
    few = value("kid", transparent, shaped(fake), shaped(real))
    many = value("kid", transparent, shaped(generator.normal(size=(900, 2))), shaped(real))
    assert few == pytest.approx(many, rel=0.5)
