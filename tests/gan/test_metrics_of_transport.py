"""Sliced W₂: along its own directions, of shifted clouds, and its random numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from torch import Tensor

from gan.data import Dataset, load
from gan.metrics import METRICS
from gan.metrics.transport import PROJECTIONS, directions
from gan.mixtures import gaussian1d, ring

Floats = NDArray[np.float64]


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def sliced(fake: Tensor, real: Tensor, seed: int = 0) -> float:
    """Sliced W₂ of points on the line or in the plane."""
    dataset: Dataset = gaussian1d() if fake.shape[1] == 1 else ring()
    return METRICS["sliced_w"].value(dataset, fake, real, rng(seed))


def normal(count: int, dimension: int, seed: int) -> Tensor:
    """A normal cloud in float64."""
    return torch.tensor(np.random.default_rng(seed).normal(size=(count, dimension)))


@given(
    arrays.arrays(np.float64, (7, 2), elements=st.floats(-1e3, 1e3, width=32)),
    arrays.arrays(np.float64, (7, 2), elements=st.floats(-1e3, 1e3, width=32)),
    st.integers(0, 2**32 - 1),
)
def test_along_each_direction_the_sorted_are_paired(fake: Floats, real: Floats, seed: int) -> None:
    """The root of the mean square of all differences, direction by direction."""
    theta = directions(2, rng(seed)).numpy()
    squares = [((np.sort(fake @ t) - np.sort(real @ t)) ** 2).mean() for t in theta.T]
    actual = sliced(torch.tensor(fake), torch.tensor(real), seed)
    assert actual == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-9, abs=1e-9)


@given(
    arrays.arrays(np.float64, (6, 1), elements=st.floats(-1e3, 1e3, width=32)),
    arrays.arrays(np.float64, (4, 1), elements=st.floats(-1e3, 1e3, width=32)),
)
def test_on_the_line_it_is_w2_by_the_quantiles(fake: Floats, real: Floats) -> None:
    """∫ |F⁻¹ − G⁻¹|² of 6 and 4 points: of each repeated to 12."""
    x, y = np.sort(np.repeat(fake, 2)), np.sort(np.repeat(real, 3))
    expected = math.sqrt(((x - y) ** 2).mean())
    actual = sliced(torch.tensor(fake), torch.tensor(real))
    assert actual == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
def test_a_shift_in_the_plane_gives_its_length_over_root_two(x: float, y: float, seed: int) -> None:
    """Whatever the directions: they come in orthogonal pairs. W₂ of the two is the shift itself."""
    cloud = normal(20, 2, 0)
    shift = torch.tensor([x, y], dtype=torch.float64)
    expected = math.hypot(x, y) / math.sqrt(2)
    assert sliced(cloud + shift, cloud, seed) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_gaussians_of_two_widths_differ_by_their_widths() -> None:
    """W₂ of N(0, 1) and N(0, 9) is 2 along every direction, for 1,000 samples within 0.15."""
    assert sliced(3 * normal(1000, 2, 0), normal(1000, 2, 1)) == pytest.approx(2, abs=0.15)


def test_shifted_gaussians_have_their_closed_form() -> None:
    """√(‖s‖²/2) = 5 for s = (5, 5), of samples of two clouds, not of one moved."""
    fake = normal(1000, 2, 0) + torch.tensor([5.0, 5.0])
    assert sliced(fake, normal(1000, 2, 1)) == pytest.approx(5, abs=0.1)


@given(st.integers(2, 100), st.integers(0, 2**32 - 1))
def test_directions_are_orthogonal_unit_vectors_in_blocks(dimension: int, seed: int) -> None:
    """64 of them in any dimension, each whole block of d a basis."""
    theta = directions(dimension, rng(seed))
    assert theta.shape == (dimension, PROJECTIONS)
    for block in theta.split(dimension, dim=1):
        eye = torch.eye(block.shape[1], dtype=torch.float64)
        torch.testing.assert_close(block.T @ block, eye, rtol=0, atol=1e-12)


def test_directions_are_uniform_on_the_circle() -> None:
    """The mean of cos 2φ and of cos 4φ over 6,400 is 0 within 5 standard errors."""
    theta = torch.cat([directions(2, rng(seed)) for seed in range(100)], dim=1)
    angles = torch.atan2(theta[1], theta[0])[::2]  # every other one: its partner is at 90°
    for wave in (2, 4):
        assert abs((wave * angles).cos().mean()) < 5 / math.sqrt(2 * len(angles))


def test_they_come_from_the_given_generator_only() -> None:
    """The same seed, the same value; the global generators of torch and NumPy stay where they are.

    POT would seed a generator of its own, which other callers share.
    """
    fake, real = normal(50, 2, 0), normal(50, 2, 1)
    before = (torch.get_rng_state(), np.random.get_state()[1].tolist())  # type: ignore[index]  # noqa: NPY002  # the legacy global state is what must not move
    first = sliced(fake, real, 1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[index]  # noqa: NPY002  # as above
    assert sliced(fake, real, 1) == first
    assert sliced(fake, real, 2) != first


def test_the_same_samples_in_another_order_are_at_no_distance() -> None:
    """Zero, not a rounding error."""
    cloud = normal(100, 2, 0)
    assert sliced(cloud.flip(0), cloud) == 0.0


def test_a_thousand_samples_are_looked_at() -> None:
    """What comes later is not."""
    cloud = normal(1000, 2, 0)
    more = torch.cat([cloud, torch.full((200, 2), 99.0)])
    assert sliced(more, cloud) == 0.0


def test_of_images_it_is_of_the_features() -> None:
    """Digits are nearer to other digits than to noise."""
    digits = load("digits")
    real, other = digits.sample(300, rng(0)), digits.sample(300, rng(1))
    noise = torch.rand(300, 1, 8, 8, generator=rng()) * 2 - 1
    near, far = (METRICS["sliced_w"].value(digits, fake, real, rng()) for fake in (other, noise))
    assert 0 < 3 * near < far


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_what_is_not_finite_or_overflows_has_no_distance(bad: float) -> None:
    """nan, without a warning."""
    fake = normal(10, 2, 0)
    fake[3, 1] = bad
    assert math.isnan(sliced(fake, normal(10, 2, 1)))
