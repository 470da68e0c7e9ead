"""Gaussian mixtures: samples and densities against SciPy and by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.spatial.distance import pdist

from gan.errors import UsageError
from gan.mixtures import Mixture, gaussian1d, grid, ring

MIXTURES = [gaussian1d(), ring(), grid()]
by_name = pytest.mark.parametrize("mixture", MIXTURES, ids=lambda mixture: mixture.name)


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def two_modes() -> Mixture:
    """Two overlapping modes."""
    return Mixture("two", (2,), torch.tensor([[0.0, 0.0], [3.0, -1.0]], dtype=torch.float64), 0.7)


def test_gaussian1d_is_what_it_says() -> None:
    """One mode at 4 with standard deviation 0.5."""
    mixture = gaussian1d()
    assert (mixture.centres.tolist(), mixture.sigma, mixture.shape) == ([[4.0]], 0.5, (1,))


def test_ring_has_eight_distinct_modes() -> None:
    """Neighbours are 2·sin(π/8) apart: linspace(0, 2π, 8) would put two modes on one place."""
    centres = ring().centres.numpy()
    assert centres.shape == (8, 2)
    assert np.linalg.norm(centres, axis=1) == pytest.approx(np.ones(8), abs=1e-15)
    assert pdist(centres).min() == pytest.approx(2 * math.sin(math.pi / 8))


def test_grid_is_the_lattice() -> None:
    """All 25 pairs of −4, −2, 0, 2 and 4."""
    lattice = {(float(x), float(y)) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}
    assert {(x, y) for x, y in grid().centres.tolist()} == lattice
    assert len(grid().centres) == 25


def test_spreads_are_those_of_the_protocol() -> None:
    """PacGAN: σ = 0.01 on the ring, 0.05 on the grid."""
    assert (ring().sigma, grid().sigma) == (0.01, 0.05)


@by_name
def test_sigma_is_a_standard_deviation(mixture: Mixture) -> None:
    """Distances from the nearest centre have variance σ² per coordinate, not σ."""
    x = mixture.sample(100_000, rng()).double()
    nearest = mixture.centres[torch.cdist(x, mixture.centres).argmin(dim=1)]
    # The standard error of a standard deviation is σ/√(2n): 0.2 %.
    assert float((x - nearest).std()) == pytest.approx(mixture.sigma, rel=0.01)


@pytest.mark.parametrize("mixture", MIXTURES[1:], ids=lambda mixture: mixture.name)
def test_modes_are_equally_likely(mixture: Mixture) -> None:
    """Counts per mode pass a χ² test."""
    x = mixture.sample(50_000, rng(1)).double()
    counts = torch.bincount(torch.cdist(x, mixture.centres).argmin(dim=1)).numpy()
    assert len(counts) == len(mixture.centres)
    assert stats.chisquare(counts).pvalue > 0.001


@by_name
def test_samples_have_the_mixtures_moments(mixture: Mixture) -> None:
    """The mean is the centres' mean; the covariance is theirs plus σ²I."""
    count = 200_000
    x = mixture.sample(count, rng(2)).double().numpy()
    centres = mixture.centres.numpy()
    covariance = np.atleast_2d(np.cov(centres.T, bias=True)) + mixture.sigma**2 * np.eye(
        centres.shape[1]
    )
    spread = np.sqrt(np.trace(covariance))
    assert np.abs(x.mean(0) - centres.mean(0)).max() < 5 * spread / math.sqrt(count)
    assert np.abs(np.cov(x.T) - covariance).max() < 10 * spread**2 / math.sqrt(count)


def test_samples_on_the_line_are_normal() -> None:
    """Kolmogorov and Smirnov's test against SciPy's normal distribution."""
    x = gaussian1d().sample(20_000, rng(3))[:, 0].double().numpy()
    assert stats.kstest(x, stats.norm(4.0, 0.5).cdf).pvalue > 0.001


@by_name
def test_sampling_repeats_with_the_generator(mixture: Mixture) -> None:
    """One seed gives one float32 sample; the global generator has no part in it."""
    torch.manual_seed(1)
    first = mixture.sample(100, rng(5))
    torch.manual_seed(2)
    assert torch.equal(first, mixture.sample(100, rng(5)))
    assert not torch.equal(first, mixture.sample(100, rng(6)))
    assert (first.dtype, first.shape) == (torch.float32, (100, *mixture.shape))


def test_a_mixture_has_no_size() -> None:
    """There is no end of samples."""
    assert ring().size is None


@pytest.mark.parametrize("count", [0, -3])
def test_refuses_to_draw_nothing(count: int) -> None:
    """A count below one is told with the name of the data."""
    with pytest.raises(UsageError) as error:
        ring().sample(count, rng())
    assert str(error.value) == f"cannot draw {count} samples of ring: ask for at least 1"


@settings(deadline=None)
@given(x=st.floats(-50, 50), y=st.floats(-50, 50))
def test_log_density_agrees_with_scipy(x: float, y: float) -> None:
    """Far tails included, the log of the mixture of SciPy's normal densities."""
    mixture = two_modes()
    logs = [
        stats.multivariate_normal.logpdf([x, y], centre, 0.7**2)
        for centre in mixture.centres.tolist()
    ]
    expected = np.logaddexp(*logs) - math.log(2)
    point = torch.tensor([[x, y]], dtype=torch.float64)
    assert mixture.log_density(point).item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_log_density_by_hand() -> None:
    """At the centre of N(4, 0.5²) the density is 1/(0.5·√(2π))."""
    at_mean = gaussian1d().log_density(torch.tensor([[4.0]]))
    assert at_mean.dtype == torch.float64
    assert at_mean.exp().item() == pytest.approx(1 / (0.5 * math.sqrt(2 * math.pi)), rel=1e-14)


def test_density_on_the_line_integrates_to_one() -> None:
    """By SciPy's adaptive quadrature."""

    def density(x: float) -> float:
        return gaussian1d().log_density(torch.tensor([[x]], dtype=torch.float64)).exp().item()

    assert integrate.quad(density, 4 - 10, 4 + 10)[0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("mixture", [ring(), grid(), two_modes()], ids=lambda m: m.name)
def test_density_in_the_plane_integrates_to_one(mixture: Mixture) -> None:
    """Simpson's rule over ±8σ around every mode, each point given to its nearest mode."""
    steps = torch.linspace(-8, 8, 161, dtype=torch.float64) * mixture.sigma
    offsets = torch.cartesian_prod(steps, steps)
    total = 0.0
    for index, centre in enumerate(mixture.centres):
        x = centre + offsets
        own = torch.cdist(x, mixture.centres).argmin(dim=1) == index
        density = (mixture.log_density(x).exp() * own).reshape(161, 161).numpy()
        total += integrate.simpson(integrate.simpson(density, x=steps), x=steps)
    assert total == pytest.approx(1.0, abs=1e-3)


def test_log_density_is_exact_where_the_density_underflows() -> None:
    """A thousand σ from the only mode, −½·10⁶ and the constant."""
    far = gaussian1d().log_density(torch.tensor([[504.0]]))
    assert far.item() == pytest.approx(-0.5e6 - math.log(0.5 * math.sqrt(2 * math.pi)))


def test_log_density_passes_nan_and_infinity_on() -> None:
    """Not a number stays so; infinitely far away the density is zero."""
    x = torch.tensor([[math.nan, 0.0], [math.inf, 0.0]])
    assert ring().log_density(x).tolist() == pytest.approx([math.nan, -math.inf], nan_ok=True)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 2, 2)])
def test_log_density_refuses_points_of_another_shape(shape: tuple[int, ...]) -> None:
    """Broadcasting would give a wrong answer quietly."""
    with pytest.raises(UsageError) as error:
        ring().log_density(torch.zeros(shape))
    assert str(error.value) == f"ring: points of shape {shape}, expected (N, 2)"


@pytest.mark.parametrize(
    ("shape", "centres", "sigma", "message"),
    [
        ((2,), torch.zeros(3, 1), 1.0, "centres of shape (3, 1) do not fit samples of shape (2,)"),
        ((2,), torch.zeros(2), 1.0, "centres of shape (2,) do not fit samples of shape (2,)"),
        ((2,), torch.zeros(0, 2), 1.0, "a mixture needs at least one centre"),
        ((2,), torch.zeros(3, 2), 0.0, "sigma 0.0 must be positive and finite"),
        ((2,), torch.zeros(3, 2), math.nan, "sigma nan must be positive and finite"),
        ((2,), torch.zeros(3, 2), math.inf, "sigma inf must be positive and finite"),
    ],
)
def test_refuses_impossible_mixtures(
    shape: tuple[int, ...], centres: torch.Tensor, sigma: float, message: str
) -> None:
    """The constructor says what does not fit."""
    with pytest.raises(UsageError) as error:
        Mixture("mine", shape, centres, sigma)
    assert str(error.value).startswith(f"mine: {message}")


def test_to_moves_the_centres() -> None:
    """The rest stays as it was."""
    moved = ring().to("meta")
    assert moved.centres.device.type == "meta"
    assert (moved.name, moved.shape, moved.sigma) == ("ring", (2,), 0.01)
