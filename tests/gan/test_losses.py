"""Losses against the closed forms of their papers, in float64."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gan.losses import LOSSES, Elementwise

LOGITS = torch.linspace(-100, 100, 401, dtype=torch.float64)

# dL/da of each generator's loss, from the papers, as functions of D = σ(a) and 1 − D = σ(−a).
GENERATOR_SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "saturating": lambda a: -torch.sigmoid(a),
    "non_saturating": lambda a: -torch.sigmoid(-a),
    "maximum_likelihood": lambda a: -torch.exp(a),
    "least_squares": lambda a: a - 1,
    "wasserstein": lambda a: -torch.ones_like(a),
    "hinge": lambda a: -torch.ones_like(a),
    "kl": lambda a: -torch.exp(a - 1),
    "reverse_kl": lambda a: -torch.ones_like(a),
    "pearson": lambda a: -a / 2 - 1,
    "squared_hellinger": lambda a: -torch.exp(a),
    "jensen_shannon": lambda a: -torch.sigmoid(a),
}

# (dL/dr, dL/df) of each discriminator's loss.
DISCRIMINATOR_SLOPES: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "saturating": lambda r, f: (-torch.sigmoid(-r), torch.sigmoid(f)),
    "non_saturating": lambda r, f: (-torch.sigmoid(-r), torch.sigmoid(f)),
    "maximum_likelihood": lambda r, f: (-torch.sigmoid(-r), torch.sigmoid(f)),
    "least_squares": lambda r, f: (r - 1, f),
    "wasserstein": lambda r, f: (-torch.ones_like(r), torch.ones_like(f)),
    "hinge": lambda r, f: (-(r < 1).double(), (f > -1).double()),
    "kl": lambda r, f: (-torch.ones_like(r), torch.exp(f - 1)),
    "reverse_kl": lambda r, f: (-torch.exp(-r), torch.ones_like(f)),
    "pearson": lambda r, f: (-torch.ones_like(r), f / 2 + 1),
    "squared_hellinger": lambda r, f: (-torch.exp(-r), torch.exp(f)),
    "jensen_shannon": lambda r, f: (-torch.sigmoid(-r), torch.sigmoid(f)),
    "relativistic_pairing": lambda r, f: (-torch.sigmoid(f - r), torch.sigmoid(f - r)),
}

RELATIVISTIC = [name for name, loss in LOSSES.items() if loss.relativistic]

# g and the convex conjugate f* of each divergence, as Nowozin et al. tabulate them: (g(v), f*(t)).
CONJUGATES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "kl": (lambda v: v, lambda t: torch.exp(t - 1)),
    "reverse_kl": (lambda v: -torch.exp(-v), lambda t: -1 - torch.log(-t)),
    "pearson": (lambda v: v, lambda t: t.square() / 4 + t),
    "squared_hellinger": (lambda v: 1 - torch.exp(-v), lambda t: t / (1 - t)),
    "jensen_shannon": (
        lambda v: math.log(2) - torch.log(1 + torch.exp(-v)),
        lambda t: -torch.log(2 - torch.exp(t)),
    ),
}


def slope(loss: str, logits: Tensor) -> Tensor:
    """dL/da of a generator's loss by autograd."""
    logits = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(LOSSES[loss].generator(logits, logits).sum(), logits)
    return gradient


@pytest.mark.parametrize("loss", GENERATOR_SLOPES)
def test_generator_slope_is_the_papers(loss: str) -> None:
    """dL/da equals the closed form over logits from −100 to 100."""
    torch.testing.assert_close(
        slope(loss, LOGITS), GENERATOR_SLOPES[loss](LOGITS), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("loss", DISCRIMINATOR_SLOPES)
def test_discriminator_slopes_are_the_papers(loss: str) -> None:
    """dL/dr and dL/df equal the closed forms over logits from −100 to 100."""
    real, fake = (LOGITS + shift for shift in (0.125, -0.125))  # off the hinge's corners
    real.requires_grad_()
    fake.requires_grad_()
    got = torch.autograd.grad(LOSSES[loss].discriminator(real, fake).sum(), (real, fake))
    for mine, papers in zip(got, DISCRIMINATOR_SLOPES[loss](real, fake), strict=True):
        torch.testing.assert_close(mine, papers, rtol=1e-12, atol=0)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_keep_one_value_per_sample(loss: str) -> None:
    """(N,) logits give (N,) values: the caller reduces."""
    real, fake = torch.zeros(5), torch.ones(5)
    assert LOSSES[loss].discriminator(real, fake).shape == (5,)
    assert LOSSES[loss].generator(real, fake).shape == (5,)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradcheck(loss: str) -> None:
    """Both sides pass float64 gradcheck and gradgradcheck away from corners."""
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 7, generator=rng, dtype=torch.float64) + 0.01
    for side in (LOSSES[loss].discriminator, LOSSES[loss].generator):
        inputs = tuple(row.clone().requires_grad_() for row in logits)

        def total(real: Tensor, fake: Tensor, side: Elementwise = side) -> Tensor:
            return side(real, fake) + 0 * (real + fake)  # every input takes part, used or not

        assert torch.autograd.gradcheck(total, inputs)
        assert torch.autograd.gradgradcheck(total, inputs)


def test_equilibrium_value() -> None:
    """At D = ½ the discriminator's loss is 2 log 2: minus the game's value −log 4."""
    zero = torch.zeros(1, dtype=torch.float64)
    assert LOSSES["saturating"].discriminator(zero, zero).item() == pytest.approx(math.log(4))


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(-80, 80))
def test_ratio_of_the_two_gradients(logit: float) -> None:
    """Eq. 3 over Eq. 4, per sample at the logit, is (1 − D)/D = exp(−a)."""
    tensor = torch.tensor([logit], dtype=torch.float64)
    ratio = slope("non_saturating", tensor) / slope("saturating", tensor)
    assert ratio.item() == pytest.approx(math.exp(-logit), rel=1e-12)


def test_every_loss_has_its_slopes_here() -> None:
    """A loss that joins the catalogue brings its closed form: none is left untested."""
    assert set(GENERATOR_SLOPES) | set(RELATIVISTIC) == set(LOSSES)
    assert set(DISCRIMINATOR_SLOPES) | set(RELATIVISTIC) == set(LOSSES)


@pytest.mark.parametrize("divergence", CONJUGATES)
def test_f_gan_is_its_conjugate(divergence: str) -> None:
    """Both closed forms equal −g(r) + f*(g(f)) and −f*(g(f)), composed where nothing overflows."""
    v = torch.linspace(-8, 8, 65, dtype=torch.float64)
    g, conjugate = CONJUGATES[divergence]
    loss = LOSSES[divergence]
    torch.testing.assert_close(loss.discriminator(v, -v), -g(v) + conjugate(g(-v)))
    torch.testing.assert_close(loss.generator(v, v), -conjugate(g(v)))


@pytest.mark.parametrize("divergence", CONJUGATES)
def test_f_gan_is_zero_sum(divergence: str) -> None:
    """What the generator minimises is minus the discriminator's term on generated samples."""
    zero = torch.zeros(65, dtype=torch.float64)
    v = torch.linspace(-8, 8, 65, dtype=torch.float64)
    loss = LOSSES[divergence]
    moved = loss.discriminator(zero, v) - loss.discriminator(zero, zero)
    torch.testing.assert_close(-moved, loss.generator(zero, v) - loss.generator(zero, zero))


@pytest.mark.parametrize("loss", RELATIVISTIC)
def test_relativistic_games_swap_sides(loss: str) -> None:
    """The generator plays the discriminator's game with real and fake exchanged."""
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 9, generator=rng, dtype=torch.float64)
    game = LOSSES[loss]
    torch.testing.assert_close(game.generator(real, fake), game.discriminator(fake, real))


@pytest.mark.parametrize("loss", RELATIVISTIC)
@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(-50, 50))
def test_relativistic_games_see_differences_alone(loss: str, shift: float) -> None:
    """A constant added to every logit changes neither side."""
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 9, generator=rng, dtype=torch.float64)
    for side in (LOSSES[loss].discriminator, LOSSES[loss].generator):
        torch.testing.assert_close(side(real + shift, fake + shift), side(real, fake))


@pytest.mark.parametrize(
    ("loss", "link"),
    [
        ("relativistic_average", lambda real, fake: math.log1p(math.exp(-real)) + _softplus(fake)),
        (
            "relativistic_average_least_squares",
            lambda real, fake: (real - 1) ** 2 + (fake + 1) ** 2,
        ),
        (
            "relativistic_average_hinge",
            lambda real, fake: max(0.0, 1 - real) + max(0.0, 1 + fake),
        ),
    ],
)
def test_average_forms_by_hand(loss: str, link: Callable[[float, float], float]) -> None:
    """½[link(r − f̄) + link(f − r̄)], sample by sample, with the minibatch's own means."""
    real, fake = [2.0, -1.0, 0.5], [0.25, 1.5, -3.0]
    mean_real, mean_fake = 0.5, -1.25 / 3
    expected = [link(r - mean_fake, f - mean_real) / 2 for r, f in zip(real, fake, strict=True)]
    got = LOSSES[loss].discriminator(
        torch.tensor(real, dtype=torch.float64), torch.tensor(fake, dtype=torch.float64)
    )
    assert got.tolist() == pytest.approx(expected, rel=1e-12)


def _softplus(x: float) -> float:
    return math.log1p(math.exp(x))
