"""Penalties against discriminators whose input gradient is known."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gan.penalties import PENALTIES, input_gradient

RNG = torch.Generator().manual_seed(7)
REAL = torch.randn(6, 3, generator=RNG, dtype=torch.float64)
FAKE = torch.randn(6, 3, generator=RNG, dtype=torch.float64)
UNIFORM = torch.rand(6, 3, generator=RNG, dtype=torch.float64)
WEIGHTS = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)

# Of w·x with ‖w‖ = s: the penalty and its derivative in s, whatever the samples.
LINEAR: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "none": (lambda _s: 0.0, lambda _s: 0.0),
    "r1": (lambda s: s**2, lambda s: 2 * s),
    "r2": (lambda s: s**2, lambda s: 2 * s),
    "r1_r2": (lambda s: 2 * s**2, lambda s: 4 * s),
    "wgan_gp": (lambda s: (s - 1) ** 2, lambda s: 2 * (s - 1)),
    "wgan_lp": (lambda s: max(0.0, s - 1) ** 2, lambda s: 2 * max(0.0, s - 1)),
    "dragan": (lambda s: (s - 1) ** 2, lambda s: 2 * (s - 1)),
}

# Of ½‖x‖², whose gradient at x is x: (real, fake, uniform) -> (N,).
QUADRATIC: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "none": lambda x, _g, _u: torch.zeros(len(x), dtype=x.dtype),
    "r1": lambda x, _g, _u: x.square().sum(1),
    "r2": lambda _x, g, _u: g.square().sum(1),
    "r1_r2": lambda x, g, _u: x.square().sum(1) + g.square().sum(1),
    "wgan_gp": lambda x, g, u: ((u[:, None] * (x - g) + g).norm(dim=1) - 1).square(),
    "wgan_lp": lambda x, g, u: ((u[:, None] * (x - g) + g).norm(dim=1) - 1).clamp(min=0).square(),
    "dragan": lambda x, _g, u: ((x + 0.5 * x.flatten().std() * u).norm(dim=1) - 1).square(),
}


def quadratic(x: Tensor) -> Tensor:
    """½‖x‖², whose gradient at x is x."""
    return x.flatten(1).square().sum(1) / 2


def curved(w: Tensor, x: Tensor) -> Tensor:
    """A two-layer tanh network with 12 parameters, smooth in both arguments."""
    return torch.tanh(x @ w[:9].view(3, 3)) @ w[9:]


def uniform_for(name: str) -> Tensor:
    """The penalty's random numbers, in the shape that it takes."""
    return UNIFORM if PENALTIES[name].per_element else UNIFORM[:, 0]


@pytest.mark.parametrize("name", PENALTIES)
@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(0.01, 20))
def test_linear_discriminator(name: str, slope: float) -> None:
    """For w·x every sample pays the closed form of ‖w‖, and d/dw is its slope times w/‖w‖."""
    w = (slope / 5 * WEIGHTS).requires_grad_()
    penalty = PENALTIES[name].value(lambda x: x @ w, REAL, FAKE, uniform_for(name))
    value, derivative = LINEAR[name]
    torch.testing.assert_close(penalty, torch.full((6,), value(slope), dtype=torch.float64))
    if penalty.requires_grad:
        (gradient,) = torch.autograd.grad(penalty.mean(), w)
        torch.testing.assert_close(gradient, derivative(slope) * WEIGHTS / 5)
    else:
        assert name == "none"


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_quadratic_discriminator(name: str, scale: float) -> None:
    """For ½‖x‖² the penalty shows where each sample's own gradient is taken."""
    real, fake, uniform = scale * REAL, scale * FAKE, uniform_for(name)
    penalty = PENALTIES[name].value(quadratic, real, fake, uniform)
    torch.testing.assert_close(penalty, QUADRATIC[name](real, fake, uniform))


def test_every_penalty_has_its_closed_forms_here() -> None:
    """A penalty that joins the catalogue brings them: none is left untested."""
    assert set(LINEAR) == set(QUADRATIC) == set(PENALTIES)


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_gradcheck(name: str) -> None:
    """First and second derivatives in the discriminator's parameters, by finite differences."""
    w = (3 * torch.randn(12, generator=torch.Generator().manual_seed(2), dtype=torch.float64)) + 0.2
    w.requires_grad_()

    def penalty(w: Tensor) -> Tensor:
        return PENALTIES[name].value(lambda x: curved(w, x), REAL, FAKE, uniform_for(name))

    assert penalty(w).detach().gt(0).any()
    assert torch.autograd.gradcheck(penalty, w)
    assert torch.autograd.gradgradcheck(penalty, w)


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_penalties_batch_over_seeds(name: str) -> None:
    """vmap over the parameters of many discriminators gives each one's own gradient."""
    w = torch.randn(4, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def mean(w: Tensor) -> Tensor:
        value = PENALTIES[name].value(lambda x: curved(w, x), REAL, FAKE, uniform_for(name))
        return value.mean()

    batched = torch.func.vmap(torch.func.grad(mean))(w)
    for row, alone in zip(batched, w, strict=True):
        torch.testing.assert_close(row, torch.func.grad(mean)(alone))


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_of_images_use_all_their_pixels(name: str) -> None:
    """A (N, C, H, W) batch gives what the same numbers give as rows."""
    real, fake = (x[:, :2].repeat(1, 8).view(6, 1, 4, 4) for x in (REAL, FAKE))
    per_element = PENALTIES[name].per_element
    uniform = UNIFORM[:, :1].expand(6, 16).reshape(6, 1, 4, 4) if per_element else UNIFORM[:, 0]
    as_rows = uniform.flatten(1) if per_element else uniform
    penalty = PENALTIES[name].value(quadratic, real, fake, uniform)
    assert penalty.shape == (6,)
    expected = QUADRATIC[name](real.flatten(1), fake.flatten(1), as_rows)
    torch.testing.assert_close(penalty, expected)


@pytest.mark.parametrize("name", ["wgan_gp", "wgan_lp", "dragan"])
def test_a_constant_discriminator_has_no_nan(name: str) -> None:
    """Where ∇ₓD = 0 the norm has no derivative; the penalty is 1 or 0 and its gradient finite."""
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    penalty = PENALTIES[name].value(lambda x: x @ w, REAL, FAKE, uniform_for(name))
    (gradient,) = torch.autograd.grad(penalty.mean(), w)
    assert penalty.tolist() == [0.0 if name == "wgan_lp" else 1.0] * 6
    assert gradient.tolist() == [0.0] * 3


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_a_nan_sample_shows(name: str) -> None:
    """Nothing is repaired: a sample that is not a number makes its penalty not one."""
    broken = torch.full_like(REAL, math.nan)
    penalty = PENALTIES[name].value(quadratic, broken, broken, uniform_for(name))
    assert penalty.isnan().all()


def test_no_penalty_does_not_call_the_discriminator() -> None:
    """The name `none` gives zeros for nothing."""

    def never(_x: Tensor) -> Tensor:
        raise AssertionError

    assert PENALTIES["none"].value(never, REAL, FAKE, UNIFORM[:, 0]).tolist() == [0.0] * 6


def test_input_gradient_is_autograds() -> None:
    """∇ₓD of a curved discriminator equals torch.autograd's, sample by sample."""
    x = REAL.clone().requires_grad_()
    logits = torch.tanh(x @ WEIGHTS) * x.square().sum(1)
    (expected,) = torch.autograd.grad(logits.sum(), x)
    got = input_gradient(lambda x: torch.tanh(x @ WEIGHTS) * x.square().sum(1), REAL)
    torch.testing.assert_close(got, expected)
