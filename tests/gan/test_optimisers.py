"""Optimisers against torch.optim, step by step."""

import pytest
import torch

from gan.optimisers import OPTIMISERS, Rates

RATES = Rates(learning_rate=0.03, momentum=0.7, beta1=0.5, beta2=0.99, epsilon=1e-8)


def oracle(name: str, parameter: torch.Tensor) -> torch.optim.Optimizer:
    """PyTorch's own implementation with the same settings."""
    if name == "sgd":
        return torch.optim.SGD([parameter], lr=RATES.learning_rate, momentum=RATES.momentum)
    betas = (RATES.beta1, RATES.beta2)
    return torch.optim.Adam([parameter], lr=RATES.learning_rate, betas=betas, eps=RATES.epsilon)


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
