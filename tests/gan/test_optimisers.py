"""Optimisers against torch.optim, step by step."""

import math
from functools import partial

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan.optimisers import OPTIMISERS, Rates, _bias

RATES = Rates(learning_rate=0.03, momentum=0.7, beta1=0.5, beta2=0.99, epsilon=1e-8)


def oracle(name: str, parameter: torch.Tensor, rates: Rates = RATES) -> torch.optim.Optimizer:
    """PyTorch's own implementation with the same settings."""
    if name == "sgd":
        return torch.optim.SGD([parameter], lr=rates.learning_rate, momentum=rates.momentum)
    betas = (rates.beta1, rates.beta2)
    return torch.optim.Adam([parameter], lr=rates.learning_rate, betas=betas, eps=rates.epsilon)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_twenty_steps_equal_torch_optim(name: str) -> None:
    """On a quadratic with uneven curvature both end at the same parameters in float64."""
    rng = torch.Generator().manual_seed(1)
    theta = torch.randn(50, generator=rng, dtype=torch.float64)
    curvature = torch.logspace(-3, 1, 50, dtype=torch.float64)
    parameter = theta.clone().requires_grad_()
    reference, moments = oracle(name, parameter), OPTIMISERS[name].start(theta)
    for _ in range(20):
        OPTIMISERS[name].update(theta, curvature * theta, moments, RATES)
        parameter.grad = curvature * parameter.detach()
        reference.step()
    torch.testing.assert_close(theta, parameter.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_update_is_in_place(name: str) -> None:
    """θ and the moments keep their storage, so a step allocates no new state."""
    theta = torch.ones(3)
    moments = OPTIMISERS[name].start(theta)
    before = [tensor.data_ptr() for tensor in (theta, *moments)]
    OPTIMISERS[name].update(theta, torch.ones(3), moments, RATES)
    assert [tensor.data_ptr() for tensor in (theta, *moments)] == before
    assert (theta < 1).all()


def test_beta1_of_zero_is_allowed() -> None:
    """β₁ = 0, as WGAN-GP uses it, moves by η in the sign of the first gradient."""
    theta = torch.zeros(2)
    rates = RATES._replace(beta1=0.0)
    OPTIMISERS["adam"].update(
        theta, torch.tensor([4.0, -9.0]), OPTIMISERS["adam"].start(theta), rates
    )
    torch.testing.assert_close(theta, torch.tensor([-0.03, 0.03]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("beta2", [0.0, 0.5, 0.9, 0.999, 1 - 1e-4, 1 - 1e-5, 1 - 1e-6, 1 - 1e-8])
def test_beta2_near_one_moves_as_torch_does(beta2: float, dtype: torch.dtype) -> None:
    """Three steps: 1 − β₂ᵗ keeps its digits where the power itself rounds to 1."""
    gradients = torch.tensor([[0.3, -4.0], [0.1, 2.0], [-0.7, 1e-3]], dtype=dtype)
    rates = RATES._replace(learning_rate=2e-4, beta2=beta2)
    theta = torch.tensor([1e-3, -1e-3], dtype=dtype)
    parameter = theta.clone().requires_grad_()
    reference, moments = oracle("adam", parameter, rates), OPTIMISERS["adam"].start(theta)
    for gradient in gradients:
        OPTIMISERS["adam"].update(theta, gradient, moments, rates)
        parameter.grad = gradient.clone()
        reference.step()
    rtol = 1e-5 if dtype == torch.float32 else 1e-8  # torch rounds 1 − β₂ᵗ itself
    torch.testing.assert_close(theta, parameter.detach(), rtol=rtol, atol=0)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 10**6))
def test_bias_is_exact(beta: float, count: int) -> None:
    """1 − βᵗ to float32's last digits, against mpmath, for every β that a run takes."""
    with mpmath.workdps(60):
        exact = float(1 - mpmath.mpf(beta) ** count)
    assert _bias(beta, torch.tensor(float(count))).item() == pytest.approx(exact, rel=1e-6)


def test_an_update_is_differentiated_and_batched() -> None:
    """torch.func goes through the bias: its derivative in t is −βᵗ·log β, for many t at once."""
    counts = torch.tensor([1.0, 2.0, 30.0], dtype=torch.float64)
    slope = torch.func.vmap(torch.func.grad(partial(_bias, 0.9)))(counts)
    torch.testing.assert_close(slope, -(0.9**counts) * math.log(0.9))
