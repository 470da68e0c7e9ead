"""Closed forms of the displaced density: D*, divergences and gradients, by independent means."""

import math
from collections.abc import Callable
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats
from torch import Tensor

from gan.data import load
from gan.displaced import (
    displaced,
    displacement_gradient,
    exact_gradient,
    expectation,
    jensen_shannon,
    latent_numbers,
    logit_slopes,
    optimal_logit,
)
from gan.gradients import generator_gradient
from gan.mixtures import Mixture, gaussian1d, ring
from gan.run import Run
from gan.trainer import Trainer

LINE = gaussian1d()
PAIR = Mixture("pair", (1,), torch.tensor([[-3.0], [1.0]], dtype=torch.float64), 0.5)
NEAR = Mixture(
    "near", (2,), torch.tensor([[0.0, 0.0], [2.0, 1.0], [0.0, 3.0]], dtype=torch.float64), 1.0
)
FAR = Mixture("far", (1,), torch.tensor([[-1e6], [1e6]], dtype=torch.float64), 1e-3)


def oracle(integrand: Callable[[mpmath.mpf, mpmath.mpf], mpmath.mpf], displacement: float) -> float:
    """∫ of a function of p_data(x) and p_g(x), N(0, 1) and N(d, 1), by mpmath to 30 digits."""
    with mpmath.workdps(30):
        d = mpmath.mpf(displacement)
        points = sorted([-14, -4, 0, d / 2, d, d + 4, d + 14])
        return float(mpmath.quad(lambda x: integrand(mpmath.npdf(x), mpmath.npdf(x - d)), points))


def exact_divergence(p: mpmath.mpf, q: mpmath.mpf) -> mpmath.mpf:
    """The integrand of JSD(p ‖ q)."""
    middle = (p + q) / 2
    return (p * mpmath.log(p / middle) + q * mpmath.log(q / middle)) / 2


@pytest.mark.parametrize("displacement", [0.25, 0.5, 1.0, 2.0, 5.0])
def test_jensen_shannon_of_two_gaussians(displacement: float) -> None:
    """Within 1e-13 of mpmath's adaptive quadrature in 30 digits, either way displaced."""
    expected = oracle(exact_divergence, displacement)
    assert jensen_shannon(LINE, displacement) == pytest.approx(expected, abs=1e-13)
    assert jensen_shannon(LINE, -displacement) == pytest.approx(expected, abs=1e-13)


@given(st.floats(0, 40), st.floats(0.001, 1))
def test_jensen_shannon_is_a_bounded_divergence(displacement: float, more: float) -> None:
    """Within [0, log 2], and of one Gaussian never smaller when farther apart."""
    near, far = jensen_shannon(LINE, displacement), jensen_shannon(LINE, displacement + more)
    assert -1e-14 <= near <= far + 1e-14 <= math.log(2) + 2e-14


def test_modes_far_apart_are_each_displaced_alone() -> None:
    """Two modes 2·10⁹ σ apart have the divergence of one."""
    assert jensen_shannon(FAR, 1.0) == pytest.approx(jensen_shannon(LINE, 1.0), abs=1e-6)


def test_displacing_by_the_distance_of_two_modes_leaves_one_on_the_other() -> None:
    """Half of each density is shared, half stands alone: JSD = ½ log 2."""
    apart = Mixture("apart", (1,), torch.tensor([[0.0], [50.0]], dtype=torch.float64), 1.0)
    assert jensen_shannon(apart, 50.0) == pytest.approx(math.log(2) / 2, abs=1e-12)


@pytest.mark.parametrize("displacement", [-1.0, 0.25, 2.0])
def test_in_the_plane_it_is_displaced_along_the_first_axis(displacement: float) -> None:
    """Three modes that overlap: ∫∫ ½ p log(p/m) + ½ q log(q/m) by sums over a lattice of σ/20."""
    axis = np.arange(-9.0, 13.0, 0.05)
    x, y = np.meshgrid(axis, axis)

    def density(moved: float) -> NDArray[np.float64]:
        modes = [(0.0, 0.0), (2.0, 1.0), (0.0, 3.0)]
        p = [stats.norm.pdf(x - a - moved) * stats.norm.pdf(y - b) for a, b in modes]
        return np.asarray(np.mean(p, axis=0), dtype=np.float64)

    p, q = density(0.0), density(displacement)
    middle = (p + q) / 2
    expected = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2 * 0.05**2
    assert jensen_shannon(NEAR, displacement) == pytest.approx(expected, abs=1e-12)


def test_modes_apart_in_the_plane_have_the_divergence_and_gradients_of_a_line() -> None:
    """The second coordinate tells nothing, and nor do the other modes."""
    assert jensen_shannon(ring(), 1.0) == pytest.approx(jensen_shannon(LINE, 1.0), abs=1e-13)
    for loss in ("saturating", "non_saturating", "maximum_likelihood"):
        expected = exact_gradient(LINE, -2.0, loss)
        assert exact_gradient(ring(), -2.0, loss) == pytest.approx(expected, abs=1e-13)


def test_the_exact_gradient_in_the_plane_is_that_of_the_divergence() -> None:
    """2·JSD′ of three modes that overlap."""
    slope = 2 * derivative(lambda d: jensen_shannon(NEAR, d), 0.7)
    assert exact_gradient(NEAR, 0.7, "saturating") == pytest.approx(slope, abs=1e-10)


def test_the_generator_in_the_plane_makes_the_displaced_density() -> None:
    """Its first coordinate is displaced, its second is not; Kolmogorov and Smirnov on 20,000."""
    z = torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = displaced(NEAR)(torch.tensor([0.5], dtype=torch.float64), z)
    for coordinate, moved in ((0, 0.5), (1, 0.0)):
        epsilon = x[:, [coordinate]] - NEAR.centres[:, coordinate] - moved
        uniform = stats.norm.cdf(epsilon.numpy()).mean(axis=1)
        assert stats.kstest(uniform, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("mixture", "numbers"), [(LINE, 1), (PAIR, 2), (NEAR, 3)], ids=["line", "pair", "near"]
)
def test_the_generator_takes_a_number_per_coordinate_and_one_for_the_mode(
    mixture: Mixture, numbers: int
) -> None:
    """So many give a sample; the first are the noise, the last alone chooses."""
    assert latent_numbers(mixture) == numbers
    network, theta = displaced(mixture), torch.tensor([0.0], dtype=torch.float64)
    z = torch.randn(50, numbers, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = network(theta, z)
    assert x.shape == (50, mixture.shape[0])
    noise = (x[:, None] - mixture.centres) / mixture.sigma - z[:, None, : mixture.shape[0]]
    assert float(noise.norm(dim=2).min(dim=1).values.max()) < 1e-12


@pytest.mark.parametrize(
    ("power", "moment"), [(0, 1.0), (1, -1.0), (2, 5.25), (4, 48.6875)], ids=str
)
def test_expectation_gives_the_moments(power: int, moment: float) -> None:
    """Of half N(−3, .25) and half N(1, .25), by hand; the 4th of each is μ⁴ + 6μ²σ² + 3σ⁴."""
    assert expectation(PAIR, lambda x: x[:, 0] ** power) == pytest.approx(moment, rel=1e-13)


def test_the_optimal_logit_of_equal_variances_is_linear() -> None:
    """log p(x) − log p(x − dσ) = −d·(x − 4)/σ + d²/2 for N(4, σ²)."""
    x = torch.linspace(0, 8, 9)[:, None]
    expected = -1.5 * (x[:, 0].double() - 4) / 0.5 + 1.5**2 / 2
    torch.testing.assert_close(optimal_logit(LINE, 1.5, x), expected)


def test_the_generator_makes_the_displaced_density() -> None:
    """Each mixture's own CDF, moved, makes 20,000 samples uniform, by Kolmogorov and Smirnov."""
    z = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for mixture in (LINE, PAIR):
        x = displaced(mixture)(torch.tensor([0.5], dtype=torch.float64), z)
        epsilon = (x - mixture.centres[:, 0]).numpy() / mixture.sigma - 0.5
        assert stats.kstest(stats.norm.cdf(epsilon).mean(axis=1), "uniform").pvalue > 0.01


def test_a_mode_is_chosen_even_where_the_normal_cdf_rounds_to_one() -> None:
    """z = 9 and −9 choose the last and the first mode."""
    z = torch.tensor([[0.0, 9.0], [0.0, -9.0]])
    assert displaced(PAIR)(torch.tensor([2.0]), z).flatten().tolist() == [2.0, -2.0]


def test_the_generator_has_one_parameter_which_starts_at_the_data() -> None:
    """θ = (0,): p_g = p_data."""
    network = displaced(LINE)
    assert network.initial(torch.Generator()).tolist() == [0.0]
    assert network.parameters == 1


def derivative(function: Callable[[float], float], at: float) -> float:
    """Richardson's extrapolation of central differences: errors of order h⁴."""
    wide, narrow = ((function(at + h) - function(at - h)) / (2 * h) for h in (2e-3, 1e-3))
    return (4 * narrow - wide) / 3


@pytest.mark.parametrize("displacement", [-2.0, -0.25, 0.0, 0.5, 1.0, 3.0])
def test_exact_gradients_are_those_of_the_divergences(displacement: float) -> None:
    """2·JSD′ (saturating), KL′ − 2·JSD′ with KL = d²/2 (non-saturating), d (maximum likelihood)."""
    slope = 2 * derivative(lambda d: jensen_shannon(LINE, d), displacement)
    expected = {
        "saturating": slope,
        "non_saturating": displacement - slope,
        "maximum_likelihood": displacement,
    }
    for loss, gradient in expected.items():
        assert exact_gradient(LINE, displacement, loss) == pytest.approx(gradient, abs=1e-10)


@given(st.floats(-4, 4), st.sampled_from(["saturating", "non_saturating", "maximum_likelihood"]))
def test_exact_gradients_are_odd(displacement: float, loss: str) -> None:
    """A Gaussian is symmetric: displaced the other way, the gradient changes its sign alone."""
    one, other = (exact_gradient(LINE, d, loss) for d in (displacement, -displacement))
    assert one == pytest.approx(-other, abs=1e-11)
    assert one * displacement >= -1e-11


def test_several_modes_pull_back_too() -> None:
    """With D* in D's place the saturating gradient is 2·JSD′ of a mixture as well."""
    slope = 2 * derivative(lambda d: jensen_shannon(PAIR, d), 0.7)
    assert exact_gradient(PAIR, 0.7, "saturating") == pytest.approx(slope, abs=1e-10)


def test_slopes_are_the_logits_derivative_in_standard_deviations() -> None:
    """a = x²: ∂a/∂μ = 2xσ, and what is returned carries no graph."""
    a, slopes = logit_slopes(lambda x: x[:, 0].square(), torch.tensor([[1.0], [3.0]]), 0.5)
    assert (a.tolist(), slopes.tolist()) == ([1.0, 9.0], [1.0, 3.0])
    assert not a.requires_grad
    assert not slopes.requires_grad


@pytest.mark.parametrize("loss", ["saturating", "non_saturating", "maximum_likelihood"])
def test_per_sample_gradients_average_to_backpropagation_into_the_generator(loss: str) -> None:
    """Through a real network and the generator's one parameter, in float64."""
    trainer = Trainer(Run(data="gaussian1d", precision="float64"), load("gaussian1d"))
    theta_d = trainer.state.discriminator
    trainer.game = replace(trainer.game, generator=displaced(LINE))
    trainer.state = trainer.game.start(theta_d.new_full((1,), -0.5), theta_d)
    z = trainer.latent(64, torch.Generator().manual_seed(1))
    fake = trainer.game.generate(trainer.state.generator, z)

    def logits(x: Tensor) -> Tensor:
        return trainer.game.logits(theta_d, x)

    per_sample = displacement_gradient(*logit_slopes(logits, fake, LINE.sigma), loss)
    whole = generator_gradient(trainer.game, trainer.state, z, loss)
    torch.testing.assert_close(per_sample.mean(), whole[0], rtol=1e-12, atol=1e-14)
