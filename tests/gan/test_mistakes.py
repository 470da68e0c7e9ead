"""Mistakes found in well-known code: for each a check that the suite passes and the mistake fails.

Each check is a function of what it examines. The test hands it the suite's version and the mistaken
one, so that the check is seen to tell them apart.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gan.data import DATASETS, load
from gan.losses import LOSSES, Elementwise
from gan.mixtures import Mixture
from gan.models import MODELS
from gan.penalties import PENALTIES, Discriminator, input_gradient

PenaltyValue = Callable[[Discriminator, Tensor, Tensor, Tensor], Tensor]


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def quadratic(x: Tensor) -> Tensor:
    """½‖x‖², whose gradient at x is x."""
    return x.flatten(1).square().sum(1) / 2


def lopsided(x: Tensor) -> Tensor:
    """½(x₁² + 4x₂² + 9x₃²): its slope changes when coordinates are exchanged."""
    return quadratic(x * torch.tensor([1.0, 2.0, 3.0], dtype=x.dtype))


def uniforms(name: str, count: int) -> Tensor:
    """U[0, 1) in the shape that a penalty of (count, 3) samples takes."""
    shape = (count, 3) if PENALTIES[name].per_element else (count,)
    return torch.rand(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def is_one_norm_per_sample(name: str, penalty: PenaltyValue) -> bool:
    """Whether moving one sample leaves the other samples' penalties as they were."""
    real, fake, uniform = normal(5, 3), normal(5, 3, seed=1), uniforms(name, 5)
    moved_real, moved_fake = real.clone(), fake.clone()
    # Exchanging coordinates keeps the minibatch's standard deviation, which dragan reads.
    moved_real[0], moved_fake[0] = real[0].roll(1), 3 * fake[0]
    before = penalty(lopsided, real, fake, uniform)
    after = penalty(lopsided, moved_real, moved_fake, uniform)
    return torch.allclose(before[1:], after[1:]) and not torch.allclose(before[0], after[0])


def over_the_batch(name: str) -> PenaltyValue:
    """The mistake: one norm of the gradient of the whole minibatch, times a scaled weight."""

    def mistaken(d: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
        rows = PENALTIES[name].value(d, real, fake, uniform)
        return rows.sum().expand_as(rows) / len(rows)

    return mistaken


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_penalties_are_not_a_norm_over_the_batch(name: str) -> None:
    """‖∇ₓD‖ is one sample's: a norm over the batch grows with N and mixes samples."""
    assert is_one_norm_per_sample(name, PENALTIES[name].value)
    assert not is_one_norm_per_sample(name, over_the_batch(name))


def mean_grows_with_the_batch(penalty: PenaltyValue) -> bool:
    """Whether 64 copies of one sample pay more on average than one."""
    real, fake = normal(1, 3), normal(1, 3, seed=1)
    one = penalty(quadratic, real, fake, torch.full((1,), 0.5).double())
    many = penalty(
        quadratic, real.expand(64, 3), fake.expand(64, 3), torch.full((64,), 0.5).double()
    )
    return not math.isclose(one.mean().item(), many.mean().item(), rel_tol=1e-9)


@pytest.mark.parametrize("name", ["r1", "r2", "r1_r2", "wgan_gp", "wgan_lp"])
def test_penalties_do_not_grow_with_the_batch(name: str) -> None:
    """Copies of a sample change nothing; gradient.norm() over the batch grows like √N."""

    def mistaken(d: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
        x = (real + fake) / 2
        norm: Tensor = input_gradient(d, x).norm()
        return (norm - 1).square().expand_as(uniform)

    assert not mean_grows_with_the_batch(PENALTIES[name].value)
    assert mean_grows_with_the_batch(mistaken)


def mixes_each_pair_on_its_own(penalty: PenaltyValue) -> bool:
    """Whether equal pairs with different ε are looked at in different places."""
    real, fake = torch.full((2, 3), 4.0).double(), torch.full((2, 3), 2.0).double()
    first, second = penalty(quadratic, real, fake, torch.tensor([0.0, 1.0]).double())
    # ‖G(z)‖ = 2√3 at ε = 0 and ‖x‖ = 4√3 at ε = 1.
    ends = torch.stack([2 * torch.tensor(3.0).double().sqrt(), 4 * torch.tensor(3.0).sqrt()])
    return torch.allclose(torch.stack([first, second]), (ends - 1).square())


@pytest.mark.parametrize("name", ["wgan_gp", "wgan_lp"])
def test_epsilon_is_not_one_scalar_for_the_batch(name: str) -> None:
    """Each pair of samples has its own ε on its segment."""
    value = PENALTIES[name].value
    assert mixes_each_pair_on_its_own(value)
    assert not mixes_each_pair_on_its_own(
        lambda d, real, fake, uniform: value(d, real, fake, uniform[:1].expand_as(uniform))
    )


def slope(generator: Elementwise, logit: float) -> float:
    """dL/da at one logit, float64."""
    a = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(generator(a, a).sum(), a)
    return float(gradient.item())


def survives_rejection(generator: Elementwise) -> bool:
    """Whether the whole gradient is left where D(G(z)) is 1e-8 and less: −(1 − D)."""
    return all(
        math.isclose(slope(generator, a), -1 / (1 + math.exp(a)), rel_tol=1e-9)
        for a in (-18.42, -25.0, -92.0, -700.0)
    )


def test_there_is_no_epsilon_inside_the_log() -> None:
    """−log(D + 1e-8) loses half the gradient at D = 1e-8 and nearly all of it at 1e-11."""

    def mistaken(_real: Tensor, fake: Tensor) -> Tensor:
        return -torch.log(torch.sigmoid(fake) + 1e-8)

    assert survives_rejection(LOSSES["non_saturating"].generator)
    assert not survives_rejection(mistaken)
    assert slope(mistaken, math.log(1e-8)) == pytest.approx(-0.5, abs=1e-6)
    assert slope(mistaken, -25.0) == pytest.approx(-1.4e-3, rel=0.01)


def is_zero_sum(discriminator: Elementwise, generator: Elementwise) -> bool:
    """Whether L_D + L_G does not depend on the generated samples."""
    real, fake = normal(2, 9)
    total = discriminator(real, fake) + generator(real, fake)
    return torch.allclose(total, discriminator(real, fake + 1) + generator(real, fake + 1))


def test_minimax_is_not_the_non_saturating_loss() -> None:
    """Eq. 1 is zero-sum: a "minimax" loss that is really −log D is not."""
    discriminator = LOSSES["saturating"].discriminator
    assert is_zero_sum(discriminator, LOSSES["saturating"].generator)
    assert not is_zero_sum(discriminator, LOSSES["non_saturating"].generator)


def rewards_certainty(discriminator: Elementwise) -> bool:
    """Whether a discriminator that is certain and right pays nothing."""
    sure = torch.tensor([1e3], dtype=torch.float64)
    return discriminator(sure, -sure).item() == 0


@pytest.mark.parametrize("name", ["saturating", "non_saturating", "maximum_likelihood"])
def test_labels_are_not_smoothed(name: str) -> None:
    """Labels are 1 and 0; with .9 for real, certainty costs a tenth of the logit."""

    def mistaken(real: Tensor, fake: Tensor) -> Tensor:
        return -0.9 * logsigmoid(real) - 0.1 * logsigmoid(-real) - logsigmoid(-fake)

    assert rewards_certainty(LOSSES[name].discriminator)
    assert not rewards_certainty(mistaken)


def learns_from_both_sides(side: Elementwise) -> bool:
    """Whether gradients flow into both logits and cancel, as they must if differences count."""
    real, fake = (row.requires_grad_() for row in normal(2, 9))
    through_real, through_fake = torch.autograd.grad(
        side(real, fake).sum(), (real, fake), materialize_grads=True
    )
    cancel = math.isclose(through_real.sum().item(), -through_fake.sum().item(), rel_tol=1e-9)
    return cancel and bool(through_real.abs().max() > 1e-3)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.relativistic])
def test_the_real_branch_is_not_detached(name: str) -> None:
    """Both players of a relativistic game differentiate both sides."""
    for side in (LOSSES[name].discriminator, LOSSES[name].generator):
        assert learns_from_both_sides(side)

        def mistaken(real: Tensor, fake: Tensor, side: Elementwise = side) -> Tensor:
            return side(real.detach(), fake)

        assert not learns_from_both_sides(mistaken)


def places(angles: Tensor) -> int:
    """How many different places on the circle the angles name."""
    points = torch.stack([angles.cos(), angles.sin()], 1)
    return len(torch.unique((points * 1e6).round(), dim=0))


def test_the_ring_has_eight_modes() -> None:
    """linspace(0, 2π, 8) names its first place twice: seven modes."""
    ring = DATASETS["ring"](None)
    assert isinstance(ring, Mixture)
    assert places(torch.atan2(ring.centres[:, 1], ring.centres[:, 0])) == 8
    assert places(torch.linspace(0, 2 * math.pi, 8, dtype=torch.float64)) == 7


def spread_is(sigma: float, mixture: Mixture) -> bool:
    """Whether samples stray from their nearest centre with this standard deviation."""
    x = mixture.sample(20_000, torch.Generator().manual_seed(0)).double()
    nearest = mixture.centres[torch.cdist(x, mixture.centres).argmin(1)]
    return math.isclose(float((x - nearest).std()), sigma, rel_tol=0.03)


@pytest.mark.parametrize(("name", "sigma"), [("gaussian1d", 0.5), ("ring", 0.01), ("grid", 0.05)])
def test_sigma_is_a_standard_deviation(name: str, sigma: float) -> None:
    """The papers' σ spreads the samples by σ, not by √σ or σ²."""
    mixture = load(name)
    assert isinstance(mixture, Mixture)
    assert spread_is(sigma, mixture)
    for mistaken in (sigma**2, math.sqrt(sigma)):
        wrong = Mixture(name, mixture.shape, mixture.centres[:1], mistaken)
        assert not spread_is(sigma, wrong)


def weights_spread(theta: Tensor) -> float:
    """The standard deviation of the weights, gains (near 1) left out."""
    return float(theta[theta.abs() < 0.5].std())


@pytest.mark.parametrize("model", ["dcgan", "dcgan_layernorm", "dcgan_spectral"])
def test_dcgans_weights_are_given_a_standard_deviation(model: str) -> None:
    """N(0, .02) has σ = .02: taken as a variance it would be .14."""
    generator, discriminator = MODELS[model].networks((1, 32, 32), 16)
    for network in (generator, discriminator):
        theta = network.initial(torch.Generator().manual_seed(0))
        assert weights_spread(theta) == pytest.approx(0.02, rel=0.02)
        assert weights_spread(math.sqrt(0.02) / 0.02 * theta) != pytest.approx(0.02, rel=0.02)


def test_r1s_weight_has_its_half() -> None:
    """γ = 10 is a coefficient of 5: code that drops the ½ calls γ = 20 its 10."""
    d = torch.tensor([3.0, 4.0]).double()
    x = normal(4, 2)
    r1 = PENALTIES["r1"].value(lambda x: x @ d, x, x, torch.zeros(4).double())
    weighted = PENALTIES["r1"].usual_weight * r1.mean().item()
    assert weighted == pytest.approx(10 / 2 * 25)
    assert weighted != pytest.approx(10 * 25)
