"""Optimisers against torch.optim, step by step."""

import mpmath
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from gan.optimisers import OPTIMISERS, Rates

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


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 400))
@example(1 - 1e-6, 400)  # in float32 the sum would be off by 1e-5
def test_bias_is_exact(beta: float, count: int) -> None:
    """After t updates Adam's memory holds 1 − βᵗ, against mpmath, for every β that a run takes."""
    theta, gradient = torch.zeros(1), torch.ones(1)
    rates = RATES._replace(beta1=beta, beta2=beta)
    moments = OPTIMISERS["adam"].start(theta)
    for _ in range(count):
        OPTIMISERS["adam"].update(theta, gradient, moments, rates)
    with mpmath.workdps(60):
        exact = float(1 - mpmath.mpf(beta) ** count)
    # 1 − β is rounded once: to half of 2.2e-16 of 1.
    rel = 1e-12 + 1.2e-16 / max(1 - beta, 1e-300)
    assert [weight.item() for weight in moments[2:]] == pytest.approx([exact] * 2, rel=rel)
