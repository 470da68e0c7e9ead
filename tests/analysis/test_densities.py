"""Densities against scipy, and D* against the closed form of two Gaussians."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import trapezoid
from scipy.special import expit

from analysis.densities import bandwidth, discriminator_error, kernel_density, optimal_discriminator

GRID = np.linspace(-10, 10, 401)


def test_a_kernel_density_is_scipys_at_the_same_bandwidth() -> None:
    """`gaussian_kde` scales the standard deviation; here the bandwidth is Silverman's."""
    samples = np.random.default_rng(0).normal(1, 2, 500)
    factor = bandwidth(samples) / samples.std(ddof=1)
    expected = stats.gaussian_kde(samples, bw_method=factor)(GRID)
    np.testing.assert_allclose(kernel_density(samples, GRID), expected, rtol=1e-10, atol=1e-300)


def test_the_bandwidth_is_silvermans() -> None:
    """0.9 · min(σ, IQR / 1.34) · n^(−1/5), by hand for 0, 1, 2, 3, 4."""
    assert bandwidth(np.arange(5.0)) == pytest.approx(0.9 * min(2**0.5, 2 / 1.34) * 5**-0.2)


def test_a_large_sample_gives_its_distributions_density() -> None:
    """Within 0.01 of N(1, 2²) everywhere."""
    samples = np.random.default_rng(1).normal(1, 2, 20_000)
    np.testing.assert_allclose(kernel_density(samples, GRID), stats.norm.pdf(GRID, 1, 2), atol=0.01)


@pytest.mark.parametrize("samples", [[2.0], [2.0] * 100, [1.0, 1.0, 1.0, 1.0, 4.0]])
def test_a_collapsed_generator_has_a_density_as_narrow_as_the_grid(samples: list[float]) -> None:
    """It still integrates to 1, and it peaks at the point."""
    density = kernel_density(samples, GRID)
    assert trapezoid(density, GRID) == pytest.approx(1, abs=1e-3)
    assert GRID[density.argmax()] == pytest.approx(min(samples))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60))
def test_a_density_is_never_negative_and_has_unit_mass(samples: list[float]) -> None:
    """Whatever the samples, as long as the grid holds them."""
    density = kernel_density(samples, np.linspace(-40, 40, 1601))
    assert (density >= 0).all()
    assert trapezoid(density, dx=0.05) == pytest.approx(1, abs=1e-3)


def test_samples_that_are_not_finite_are_refused() -> None:
    """They have no place on the grid."""
    with pytest.raises(ValueError, match="samples: 1 of 2 are not finite"):
        kernel_density([0.0, np.nan], GRID)


def test_the_optimal_discriminator_of_two_gaussians_is_a_logistic() -> None:
    """N(μ, 1) against N(−μ, 1): D*(x) = σ(2μx)."""
    p_data, p_g = stats.norm.pdf(GRID, 0.7), stats.norm.pdf(GRID, -0.7)
    np.testing.assert_allclose(optimal_discriminator(p_data, p_g), expit(1.4 * GRID), rtol=1e-9)


def test_the_optimal_discriminator_is_undefined_where_there_is_nothing() -> None:
    """0 / 0 is not ½."""
    np.testing.assert_array_equal(optimal_discriminator([0.0, 1.0], [0.0, 0.0]), [np.nan, 1.0])


def test_the_optimal_discriminator_is_optimally_far_from_none() -> None:
    """Its own error is 0; a constant ½ is off by the total variation of the mixture's halves."""
    p_data, p_g = stats.norm.pdf(GRID, 2), stats.norm.pdf(GRID, -2)
    d_star = optimal_discriminator(p_data, p_g)
    assert discriminator_error(d_star, p_data, p_g) == 0
    total_variation = 2 * stats.norm.cdf(2) - 1
    half = np.full_like(GRID, 0.5)
    assert discriminator_error(half, p_data, p_g) == pytest.approx(total_variation / 2, abs=1e-4)


def test_where_there_is_neither_density_the_error_is_undefined() -> None:
    """A grid beside both."""
    assert np.isnan(discriminator_error([0.5], [0.0], [0.0]))
