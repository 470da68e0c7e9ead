"""Penalties against discriminators whose input gradient is known."""

import pytest
import torch
from torch import Tensor

from gan.penalties import PENALTIES, input_gradient

RNG = torch.Generator().manual_seed(7)
REAL = torch.randn(6, 3, generator=RNG, dtype=torch.float64)
FAKE = torch.randn(6, 3, generator=RNG, dtype=torch.float64)
UNIFORM = torch.rand(6, generator=RNG, dtype=torch.float64)
WEIGHTS = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)


def linear(x: Tensor) -> Tensor:
    """w·x, whose gradient is w everywhere: norm 5."""
    return x.flatten(1) @ WEIGHTS


def quadratic(x: Tensor) -> Tensor:
    """½‖x‖², whose gradient at x is x."""
    return x.flatten(1).square().sum(1) / 2


def test_r1_of_a_linear_map() -> None:
    """‖w‖² = 25 for each sample."""
    penalty = PENALTIES["r1"].value(linear, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(penalty, torch.full((6,), 25.0, dtype=torch.float64))


def test_r1_is_taken_on_real_samples_one_by_one() -> None:
    """For ½‖x‖² the penalty is each real sample's own ‖x‖², not a norm over the batch."""
    penalty = PENALTIES["r1"].value(quadratic, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(penalty, REAL.square().sum(1))


def test_wgan_gp_of_a_linear_map() -> None:
    """(5 − 1)² = 16 wherever the gradient is taken."""
    penalty = PENALTIES["wgan_gp"].value(linear, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(penalty, torch.full((6,), 16.0, dtype=torch.float64))


def test_r2_is_taken_on_generated_samples() -> None:
    """For ½‖x‖² it is each generated sample's own ‖G(z)‖²."""
    penalty = PENALTIES["r2"].value(quadratic, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(penalty, FAKE.square().sum(1))


def test_r1_r2_is_the_sum_of_both() -> None:
    """‖x‖² + ‖G(z)‖², pair by pair."""
    penalty = PENALTIES["r1_r2"].value(quadratic, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(penalty, REAL.square().sum(1) + FAKE.square().sum(1))


def test_wgan_lp_is_one_sided() -> None:
    """A slope of 5 pays (5 − 1)² = 16 as under WGAN-GP, a slope of ½ pays nothing."""
    steep = PENALTIES["wgan_lp"].value(linear, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(steep, torch.full((6,), 16.0, dtype=torch.float64))
    gentle = PENALTIES["wgan_lp"].value(lambda x: linear(x) / 10, REAL, FAKE, UNIFORM)
    assert gentle.tolist() == [0.0] * 6


def test_dragan_is_taken_around_the_data() -> None:
    """For ½‖x‖² the penalty shows x + ½·std(x)·U, with a number for each element."""
    uniform = torch.rand(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    moved = REAL + 0.5 * REAL.flatten().std() * uniform
    penalty = PENALTIES["dragan"].value(quadratic, REAL, FAKE, uniform)
    torch.testing.assert_close(penalty, (moved.norm(dim=1) - 1).square())
    assert PENALTIES["dragan"].per_element


def test_wgan_gp_mixes_each_pair_with_its_own_epsilon() -> None:
    """For ½‖x‖² the penalty shows x̂ = εx + (1 − ε)G(z) with one ε per sample."""
    mixed = UNIFORM[:, None] * REAL + (1 - UNIFORM[:, None]) * FAKE
    penalty = PENALTIES["wgan_gp"].value(quadratic, REAL, FAKE, UNIFORM)
    torch.testing.assert_close(penalty, (mixed.norm(dim=1) - 1).square())


def test_penalties_of_images_use_all_their_pixels() -> None:
    """A (N, C, H, W) batch gives one norm per image."""
    image = torch.ones(2, 1, 4, 4, dtype=torch.float64)
    penalty = PENALTIES["r1"].value(quadratic, image, image, UNIFORM[:2])
    torch.testing.assert_close(penalty, torch.full((2,), 16.0, dtype=torch.float64))


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_penalty_gradient_reaches_the_parameters(name: str) -> None:
    """d penalty/dw of a linear map is the closed form, so the double backward is right."""
    w = WEIGHTS.clone().requires_grad_()
    uniform = UNIFORM[:, None].expand(6, 3) if PENALTIES[name].per_element else UNIFORM
    penalty = PENALTIES[name].value(lambda x: x @ w, REAL, FAKE, uniform).mean()
    (gradient,) = torch.autograd.grad(penalty, w)
    norm = WEIGHTS.norm()
    squared, excess = 2 * WEIGHTS, 2 * (norm - 1) * WEIGHTS / norm
    expected = {"r1": squared, "r2": squared, "r1_r2": 2 * squared}.get(name, excess)
    torch.testing.assert_close(gradient, expected)


def test_wgan_gp_is_finite_where_the_gradient_vanishes() -> None:
    """A constant critic pays 1 per sample and has no nan in its gradient."""
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    penalty = PENALTIES["wgan_gp"].value(lambda x: x @ w, REAL, FAKE, UNIFORM)
    (gradient,) = torch.autograd.grad(penalty.mean(), w)
    torch.testing.assert_close(penalty, torch.ones(6, dtype=torch.float64))
    assert gradient.isfinite().all()


def test_no_penalty_is_zero() -> None:
    """The name `none` gives zeros and does not call the discriminator."""

    def never(_x: Tensor) -> Tensor:
        raise AssertionError

    assert PENALTIES["none"].value(never, REAL, FAKE, UNIFORM).tolist() == [0.0] * 6


def test_input_gradient_is_autograds() -> None:
    """∇ₓD of a curved discriminator equals torch.autograd's, sample by sample."""
    x = REAL.clone().requires_grad_()
    curved = torch.tanh(x @ WEIGHTS) * x.square().sum(1)
    (expected,) = torch.autograd.grad(curved.sum(), x)
    got = input_gradient(lambda x: torch.tanh(x @ WEIGHTS) * x.square().sum(1), REAL)
    torch.testing.assert_close(got, expected)
