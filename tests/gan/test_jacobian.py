"""The game's field and Jacobian, against games that can be solved by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from gan.game import Batch, Game
from gan.gradients import in_precision
from gan.jacobian import (
    Minibatch,
    alternating,
    jacobian,
    joint_field,
    radius,
    rounding,
    simultaneous,
    stable_learning_rate,
)
from gan.losses import LOSSES
from gan.models.model import Logit
from gan.network import Network
from gan.optimisers import OPTIMISERS
from gan.penalties import PENALTIES
from gan.run import Run
from gan.spectrum import fixed_minibatch
from gan.step import autograd, step
from gan.trainer import Trainer

RNG = np.random.default_rng(0)
A = torch.from_numpy(RNG.normal(size=(3, 2)))


class Points(nn.Module):
    """z ↦ f(θ), the same point for every z: a generator without randomness."""

    def __init__(self, parameters: int, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.empty(parameters))
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        """(N, 1) -> (N, dimensions)."""
        return self.function(self.theta).expand(len(z), -1)


def _never(module: nn.Module, rng: torch.Generator) -> None:
    raise AssertionError(f"{module} is not initialised here, nor {rng} drawn from")


def by_hand(
    loss: str,
    parameters: int,
    function: Callable[[Tensor], Tensor],
    dimensions: int,
    weight: float = 0.0,
    learning_rates: tuple[float, float] = (0.1, 0.1),
) -> Game:
    """D(x) = ψ·x against a generator of one point f(θ), with R1 at a weight."""
    rates = [Run(momentum=0.0).rates(rate) for rate in learning_rates]
    return Game(
        generator=Network(lambda: Points(parameters, function), _never),
        discriminator=Network(
            lambda: nn.Sequential(nn.Linear(dimensions, 1, bias=False), Logit()), _never
        ),
        loss=LOSSES[loss],
        penalty=PENALTIES["r1"],
        penalty_weight=weight,
        weight_clip=0.0,
        optimiser=OPTIMISERS["sgd"],
        generator_rates=rates[0],
        discriminator_rates=rates[1],
        average_decay=0.0,
        precision=torch.float64,
    )


def minibatch_at(x: Tensor, samples: int = 4) -> Minibatch:
    """Real samples that are all the same point."""
    zeros = torch.zeros(samples, 1, dtype=torch.float64)
    return Minibatch(x.expand(samples, -1), zeros, zeros[:, 0])


def linear_quadratic(weight: float, learning_rates: tuple[float, float] = (0.1, 0.1)) -> Game:
    """L_G = −ψ·Aθ, L_D = ψ·(Aθ − x) + w‖ψ‖²: both gradients are linear in (θ, ψ)."""
    return by_hand("wasserstein", 2, lambda theta: A @ theta, 3, weight, learning_rates)


def dirac(loss: str, weight: float, *at: float) -> Tensor:
    """The Jacobian of the Dirac-GAN at (θ, ψ)."""
    theta, psi = torch.tensor(at or (0.0, 0.0), dtype=torch.float64)[:, None]
    game = by_hand(loss, 1, lambda theta: theta, 1, weight)
    return jacobian(game, theta, psi, minibatch_at(torch.zeros(1, dtype=torch.float64)))


def players(run: Run) -> tuple[Game, Tensor, Tensor, Minibatch]:
    """A run's game before its first step, in float64, and its minibatch."""
    trainer = Trainer(run)
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    return game, state.generator, state.discriminator, fixed_minibatch(trainer)


def tiny(loss: str, penalty: str = "none") -> Run:
    """A run of 549 parameters that is measured on 6 samples."""
    return Run(
        model="mlp_tiny",
        data="ring",
        loss=loss,
        penalty=penalty,
        weight_clip=0.0,
        evaluation_samples=6,
    )


def sorted_pairs(values: Tensor) -> NDArray[np.complex128]:
    """Eigenvalues in an order that rounding does not change."""
    return np.array(sorted(values.tolist(), key=lambda v: (round(v.real, 6), v.imag)))


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_a_linear_quadratic_game_has_the_jacobian_of_its_matrices(weight: float) -> None:
    """[[0, Aᵀ], [−A, −2wI]], wherever it is taken."""
    theta, psi, x = (torch.from_numpy(RNG.normal(size=n)) for n in (2, 3, 3))
    found = jacobian(linear_quadratic(weight), theta, psi, minibatch_at(x))
    above = torch.cat([A.new_zeros(2, 2), A.T], 1)
    below = torch.cat([-A, -2 * weight * torch.eye(3, dtype=A.dtype)], 1)
    torch.testing.assert_close(found, torch.cat([above, below]), rtol=0, atol=1e-15)


def test_the_field_of_a_linear_quadratic_game() -> None:
    """(Aᵀψ, x − Aθ − 2wψ)."""
    theta, psi, x = (torch.from_numpy(RNG.normal(size=n)) for n in (2, 3, 3))
    found = joint_field(linear_quadratic(0.3), theta, psi, minibatch_at(x))
    expected = torch.cat([A.T @ psi, x - A @ theta - 0.6 * psi])
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("loss", ["saturating", "non_saturating"])
@settings(max_examples=30)
@given(gamma=st.floats(0, 20))
def test_eigenvalues_of_the_dirac_gan_with_r1(loss: str, gamma: float) -> None:
    """−γ/2 ± √(γ²/4 − ¼) at the equilibrium: Mescheder et al. 2018 with f′(0) = ½."""
    found = np.linalg.eigvals(dirac(loss, gamma / 2).numpy())
    root = np.sqrt(complex(gamma**2 / 4 - 0.25))
    # A double eigenvalue, at γ = 1, is known to the root of the rounding only.
    np.testing.assert_allclose(found.sum(), -gamma, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(
        np.sort_complex(found), np.sort_complex([-gamma / 2 - root, -gamma / 2 + root]), atol=1e-7
    )


def test_the_dirac_gan_without_penalty_never_contracts() -> None:
    """Eigenvalues ±i/2: no step is short enough."""
    derivative = dirac("non_saturating", 0.0)
    eigenvalues = torch.linalg.eigvals(derivative)
    np.testing.assert_allclose(sorted_pairs(eigenvalues), [-0.5j, 0.5j], atol=1e-15)
    assert stable_learning_rate(eigenvalues, rounding(derivative)) == 0


@settings(max_examples=30)
@given(rate=st.floats(1e-3, 2))
def test_radii_of_the_dirac_gan_without_penalty(rate: float) -> None:
    """Simultaneous updates expand by √(1 + η²/4), alternating ones keep the area and the radius."""
    derivative = dirac("non_saturating", 0.0)
    rates = torch.full((2,), rate, dtype=torch.float64)
    assert radius(simultaneous(derivative, rates)) == pytest.approx(math.sqrt(1 + rate**2 / 4))
    assert radius(alternating(derivative, rates, 1)) == pytest.approx(1, rel=1e-7)


def test_a_symmetry_of_the_generator_is_an_eigenvalue_0() -> None:
    """G = ab does not see a → ca, b → b/c; the other two solve λ² + (½ + 2w)λ + (a² + b²)/4."""
    a, b, w = 2.0, 0.5, 0.3
    game = by_hand("non_saturating", 2, lambda theta: theta.prod(dim=0, keepdim=True), 1, w)
    theta = torch.tensor([a, b], dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    derivative = jacobian(game, theta, 0 * one, minibatch_at(one))
    eigenvalues, tolerance = torch.linalg.eigvals(derivative), rounding(derivative)
    others = np.roots([1, 0.5 + 2 * w, (a * a + b * b) / 4])
    found = sorted_pairs(eigenvalues)
    np.testing.assert_allclose(found[-1], 0, atol=tolerance)
    np.testing.assert_allclose(found[:2], np.sort_complex(others), rtol=1e-12)
    expected = min(-2 * others.real / abs(others) ** 2)
    assert stable_learning_rate(eigenvalues, tolerance) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("steps", [1, 3])
def test_alternating_is_the_derivative_of_the_suites_own_step(steps: int) -> None:
    """Of a linear game one step is affine: its columns are differences of steps, with k = 1, 3."""
    rates = (0.1, 0.3)
    game = linear_quadratic(0.3, rates)
    x = torch.from_numpy(RNG.normal(size=3))
    real, z, mix = minibatch_at(x)
    batch = Batch(
        real.expand(steps, -1, -1),
        z.expand(steps + 1, -1, -1),
        mix.expand(steps, -1),
        torch.empty(2 * steps + 2, 4, 0),
    )

    def after(theta: Tensor) -> Tensor:
        state = game.start(theta[:2], theta[2:])
        step(game, state, batch)
        return torch.cat([state.generator, state.discriminator])

    origin = torch.zeros(5, dtype=torch.float64)
    columns = [after(e) - after(origin) for e in torch.eye(5, dtype=torch.float64)]
    derivative = jacobian(game, origin[:2], origin[2:], Minibatch(real, z, mix))
    by_parameter = torch.tensor([rates[0]] * 2 + [rates[1]] * 3, dtype=torch.float64)
    found = alternating(derivative, by_parameter, 2, steps)
    torch.testing.assert_close(found, torch.stack(columns, 1), rtol=0, atol=1e-14)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), steps=st.integers(1, 3))
def test_who_goes_first_does_not_change_the_spectrum(seed: int, n: int, steps: int) -> None:
    """The products AB and BA have the same eigenvalues."""
    rng = np.random.default_rng(seed)
    derivative = torch.from_numpy(rng.normal(size=(5, 5)))
    rates = torch.from_numpy(rng.uniform(0.01, 0.5, size=5))
    of_generator = np.arange(5) < n
    moves = [
        np.eye(5) + (rates.numpy() * who)[:, None] * derivative.numpy()
        for who in (of_generator, ~of_generator)
    ]
    discriminator_last = np.linalg.matrix_power(moves[1], steps) @ moves[0]
    found = radius(alternating(derivative, rates, n, steps))
    assert found == pytest.approx(abs(np.linalg.eigvals(discriminator_last)).max(), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [(loss, "none") for loss in ("saturating", "wasserstein", "relativistic_average", "pearson")]
    + [("non_saturating", penalty) for penalty in ("r1", "r1_r2", "wgan_gp", "dragan")],
)
def test_real_networks_have_the_jacobian_of_differences(loss: str, penalty: str) -> None:
    """(v(θ + hu) − v(θ − hu))/2h along three directions u, of all 549 parameters."""
    game, theta_g, theta_d, minibatch = players(tiny(loss, penalty))
    n, theta, h = len(theta_g), torch.cat([theta_g, theta_d]), 1e-5
    found = jacobian(game, theta_g, theta_d, minibatch)
    rng = torch.Generator().manual_seed(0)
    for u in torch.randn(3, len(theta), generator=rng, dtype=torch.float64):
        ahead, behind = (
            joint_field(game, moved[:n], moved[n:], minibatch)
            for moved in (theta + h * u, theta - h * u)
        )
        difference = (ahead - behind) / (2 * h)
        assert (found @ u - difference).norm() < 1e-6 * difference.norm()


@pytest.mark.parametrize("penalty", ["none", "wgan_gp"])
def test_the_field_is_what_the_players_descend(penalty: str) -> None:
    """Minus the gradients that the suite's own updates take, by torch's tape."""
    game, theta_g, theta_d, minibatch = players(tiny("hinge", penalty))
    real, z, mix = minibatch
    drop = torch.empty(2, 6, 0)
    fake = game.generate(theta_g, z)
    of_d = partial(game.discriminator_objective, real=real, fake=fake, mix=mix, drop=drop)
    of_g = partial(game.generator_objective, theta_d=theta_d, real=real, z=z, drop=drop)
    expected = -torch.cat([autograd(of_g, theta_g)[1], autograd(of_d, theta_d)[1]])
    found = joint_field(game, theta_g, theta_d, minibatch)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


def test_a_zero_sum_game_couples_its_players_antisymmetrically() -> None:
    """Saturating, no penalty: own blocks are symmetric, the other two each other's −transpose."""
    game, theta_g, theta_d, minibatch = players(tiny("saturating"))
    n = len(theta_g)
    found = jacobian(game, theta_g, theta_d, minibatch)
    scale = found.abs().max().item()
    for expected, block in (
        (found[:n, :n].T, found[:n, :n]),
        (found[n:, n:].T, found[n:, n:]),
        (-found[n:, :n].T, found[:n, n:]),
    ):
        torch.testing.assert_close(block, expected, rtol=0, atol=1e-13 * scale)
    assert found[:n, n:].abs().max() > 1e-3 * scale


def test_the_non_saturating_game_is_not_zero_sum() -> None:
    """Its players' blocks are not each other's −transpose."""
    game, theta_g, theta_d, minibatch = players(tiny("non_saturating"))
    n = len(theta_g)
    found = jacobian(game, theta_g, theta_d, minibatch)
    assert (found[:n, n:] + found[n:, :n].T).norm() > 0.01 * found[:n, n:].norm()


def test_a_loss_of_differences_does_not_see_the_critics_bias() -> None:
    """The Wasserstein critic's last bias: neither does it move nor does it move anything."""
    game, theta_g, theta_d, minibatch = players(tiny("wasserstein"))
    found = jacobian(game, theta_g, theta_d, minibatch)
    assert found[-1].abs().max() < 1e-16
    assert found[:, -1].abs().max() < 1e-16


@given(
    real=st.lists(st.floats(-1e3, -1e-3), min_size=1, max_size=6),
    ratio=st.lists(st.floats(0, 100), min_size=6, max_size=6),
)
def test_the_stable_step_is_where_contraction_ends(real: list[float], ratio: list[float]) -> None:
    """A thousandth below it every |1 + ηλ| is below 1, a thousandth above it one is not."""
    pairs = [complex(r, q * r) for r, q in zip(real, ratio, strict=False)]
    eigenvalues = torch.tensor(pairs, dtype=torch.complex128)
    rate = stable_learning_rate(eigenvalues, 1e-12)
    assert (1 + 0.999 * rate * eigenvalues).abs().max() < 1
    assert (1 + 1.001 * rate * eigenvalues).abs().max() > 1


@pytest.mark.parametrize(
    ("eigenvalues", "expected"),
    [
        ([-2 + 0j], 1.0),
        ([-2 + 0j, 0j], 1.0),
        ([-2 + 0j, -1e-13 + 0j, 1e-13 + 1e-13j], 1.0),
        ([-1 + 3j, -1 - 3j], 0.2),
        ([-2 + 0j, 1e-13 + 1j, 1e-13 - 1j], 0.0),
        ([0j, 0j], math.inf),
        ([-2 + 0j, 1e-11 + 0j], math.nan),
        ([complex(math.nan, 0), -1 + 0j], math.nan),
        ([-1e300 + 0j], 2e-300),
    ],
)
def test_the_stable_step_of_eigenvalues_at_the_edges(
    eigenvalues: list[complex], expected: float
) -> None:
    """Up to 1e-12 a real part is 0: imaginary eigenvalues stop every step, zeros none."""
    found = stable_learning_rate(torch.tensor(eigenvalues, dtype=torch.complex128), 1e-12)
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_rounding_is_relative_to_the_jacobian() -> None:
    """n ε ‖J‖_F: 2 · 2⁻⁵² · 5 of [[3, 0], [0, 4]]."""
    assert rounding(torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64))) == 10 * 2**-52


@pytest.mark.parametrize("loss", ["wasserstein", "relativistic_pairing"])
def test_rounding_covers_what_an_eigenvalue_0_is_off_by(loss: str) -> None:
    """The bias that such a loss does not see gives one, in exact arithmetic."""
    derivative = jacobian(*players(replace(tiny(loss), evaluation_samples=64)))
    eigenvalues = torch.linalg.eigvals(derivative)
    assert eigenvalues.abs().min() <= rounding(derivative)
