"""What is true of each loss whatever the logits: identities, bounds that are attained, laws."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from gan.losses import LOSSES

pairs = (
    st.integers(1, 6)
    .flatmap(lambda count: st.lists(st.floats(-50, 50), min_size=2 * count, max_size=2 * count))
    .map(lambda values: torch.tensor(values, dtype=torch.float64).view(2, -1))
)
untimed = settings(deadline=None)  # a busy machine is no failure
likelihood_ratios = st.floats(-6, 6).map(lambda log_u: torch.tensor(log_u).double().exp())


def d_loss(name: str, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss."""
    return LOSSES[name].discriminator(real, fake)


def g_loss(name: str, real: Tensor, fake: Tensor) -> Tensor:
    """The generator's loss."""
    return LOSSES[name].generator(real, fake)


def g_slope(name: str, fake: Tensor) -> Tensor:
    """dL/df of a generator that sees generated samples alone."""
    fake = fake.clone().requires_grad_()
    (slope,) = torch.autograd.grad(g_loss(name, fake, fake).sum(), fake)
    return slope


def cross_entropy_is_bounded_by_its_tangents(real: Tensor, fake: Tensor) -> None:
    """max(0, −r) + max(0, f) ≤ L_D ≤ that + 2 log 2, with equality on the right at 0, 0."""
    loss, hinges = d_loss("saturating", real, fake), (-real).relu() + fake.relu()
    assert (hinges <= loss).all()
    assert (loss <= hinges + 2 * torch.tensor(2.0).double().log() + 1e-15).all()


def saturating(real: Tensor, fake: Tensor) -> None:
    """Zero-sum: L_G = L_D(r, −∞) − L_D(r, f); and L_G(f) − L_G(−f) = −f."""
    cross_entropy_is_bounded_by_its_tangents(real, fake)
    sure = d_loss("saturating", real, torch.full_like(fake, -1e9))
    assert_close(g_loss("saturating", real, fake), sure - d_loss("saturating", real, fake))
    odd = g_loss("saturating", real, fake) - g_loss("saturating", real, -fake)
    assert_close(odd, -fake)


def non_saturating(real: Tensor, fake: Tensor) -> None:
    """−log D = −f − log(1 − D), and the slopes' ratio is (1 − D)/D = exp(−f)."""
    cross_entropy_is_bounded_by_its_tangents(real, fake)
    total = g_loss("non_saturating", real, fake) + g_loss("saturating", real, fake)
    assert_close(total, -fake)
    expected = g_slope("saturating", fake) * (-fake).exp()
    assert_close(g_slope("non_saturating", fake), expected, rtol=1e-12, atol=0)


def maximum_likelihood(real: Tensor, fake: Tensor) -> None:
    """An exponential: L(a + b) = −L(a)L(b), and its slope is itself."""
    value = g_loss("maximum_likelihood", real, fake)
    other = g_loss("maximum_likelihood", fake, real)
    both = g_loss("maximum_likelihood", real, real + fake)
    assert_close(both, -value * other, rtol=1e-12, atol=0)
    assert torch.equal(g_slope("maximum_likelihood", fake), value)


def least_squares(real: Tensor, fake: Tensor) -> None:
    """A parabola of curvature 1 about the labels: (L(a) + L(b))/2 − L((a + b)/2) = (a − b)²/8."""
    for side in (LOSSES["least_squares"].generator, LOSSES["least_squares"].discriminator):
        chord = (side(real, real) + side(real, fake)) / 2 - side(real, (real + fake) / 2)
        assert_close(chord, (real - fake).square() / 8, rtol=1e-9, atol=1e-9)
    one, zero = torch.ones_like(real), torch.zeros_like(fake)
    assert (d_loss("least_squares", real, fake) >= d_loss("least_squares", one, zero)).all()
    assert_close(g_loss("least_squares", real, 1 + fake), g_loss("least_squares", real, 1 - fake))


def wasserstein(real: Tensor, fake: Tensor) -> None:
    """Antisymmetric, blind to a common constant, and zero-sum."""
    loss = d_loss("wasserstein", real, fake)
    assert torch.equal(loss, -d_loss("wasserstein", fake, real))
    assert_close(d_loss("wasserstein", real + 3, fake + 3), loss)
    assert_close(g_loss("wasserstein", real, fake), d_loss("wasserstein", real, 0 * fake) - loss)


def hinge(real: Tensor, fake: Tensor) -> None:
    """At least 2 more than the Wasserstein critic's loss, exactly so within the margins; ≥ 0."""
    loss = d_loss("hinge", real, fake)
    assert (loss >= (2 + fake - real - 1e-12).relu()).all()
    inside_real, inside_fake = real / 50, fake / 50
    assert_close(d_loss("hinge", inside_real, inside_fake), 2 + inside_fake - inside_real)
    assert d_loss("hinge", 1 + real.abs(), -1 - fake.abs()).max() == 0
    assert torch.equal(loss, d_loss("hinge", -fake, -real))


def relativistic_pairing(real: Tensor, fake: Tensor) -> None:
    """L_G − L_D = r − f, pair by pair."""
    difference = g_loss("relativistic_pairing", real, fake) - d_loss(
        "relativistic_pairing", real, fake
    )
    assert_close(difference, real - fake)


def relativistic_average(real: Tensor, fake: Tensor) -> None:
    """Jensen: mean L_D ≥ sp(−(r̄ − f̄)), equal for constant batches; mean L_G − mean L_D = r̄ − f̄."""
    gap = real.mean() - fake.mean()
    bound = -torch.nn.functional.logsigmoid(gap)
    _jensen("relativistic_average", real, fake, bound)
    difference = g_loss("relativistic_average", real, fake) - d_loss(
        "relativistic_average", real, fake
    )
    assert_close(difference.mean(), gap)


def relativistic_average_least_squares(real: Tensor, fake: Tensor) -> None:
    """Mean L_D = (r̄ − f̄ − 1)² + ½(variance of r + variance of f)."""
    mean = d_loss("relativistic_average_least_squares", real, fake).mean()
    bound = (real.mean() - fake.mean() - 1).square()
    spread = (real.var(correction=0) + fake.var(correction=0)) / 2
    assert_close(mean, bound + spread, rtol=1e-9, atol=1e-9)
    _jensen("relativistic_average_least_squares", real, fake, bound)


def relativistic_average_hinge(real: Tensor, fake: Tensor) -> None:
    """max(0, 1 − x) + max(0, 1 + x) = max(2, 1 + |x|), summed over both players."""
    name = "relativistic_average_hinge"
    over_fake, over_real = real - fake.mean(), fake - real.mean()
    both = ((1 + over_fake.abs()).clamp(min=2) + (1 + over_real.abs()).clamp(min=2)) / 2
    assert_close(d_loss(name, real, fake) + g_loss(name, real, fake), both)
    _jensen(name, real, fake, (1 - (real.mean() - fake.mean())).relu())


def _jensen(name: str, real: Tensor, fake: Tensor, bound: Tensor) -> None:
    """The mean is at least the link of the means' difference, and is it for constant batches."""
    assert d_loss(name, real, fake).mean() >= bound - 1e-9 * (1 + bound)
    flat_real, flat_fake = real.mean().expand_as(real), fake.mean().expand_as(fake)
    assert_close(d_loss(name, flat_real, flat_fake).mean(), bound, rtol=1e-9, atol=1e-9)


PROPERTIES: dict[str, Callable[[Tensor, Tensor], None]] = {
    "saturating": saturating,
    "non_saturating": non_saturating,
    "maximum_likelihood": maximum_likelihood,
    "least_squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic_pairing": relativistic_pairing,
    "relativistic_average": relativistic_average,
    "relativistic_average_least_squares": relativistic_average_least_squares,
    "relativistic_average_hinge": relativistic_average_hinge,
}

# (f(u), the logit v* with g(v*) = f′(u)) of each divergence, u = p_data/p_g: Nowozin et al. 2016.
DIVERGENCES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "kl": (lambda u: u * u.log(), lambda u: 1 + u.log()),
    "reverse_kl": (lambda u: -u.log(), lambda u: u.log()),
    "pearson": (lambda u: (u - 1).square(), lambda u: 2 * (u - 1)),
    "squared_hellinger": (lambda u: (u.sqrt() - 1).square(), lambda u: u.log() / 2),
    "jensen_shannon": (
        lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
        lambda u: u.log(),
    ),
}


@pytest.mark.parametrize("name", PROPERTIES)
@untimed
@given(pairs)
def test_property(name: str, pair: Tensor) -> None:
    """The loss has the property that its function above states."""
    PROPERTIES[name](*pair)


@pytest.mark.parametrize("name", DIVERGENCES)
@untimed
@given(likelihood_ratios, st.floats(-20, 20))
def test_f_gan_bounds_its_divergence(name: str, u: Tensor, logit: float) -> None:
    """u·(−g(v)) + f*(g(v)) ≥ −f(u) for every logit v, with equality at the optimal one."""
    divergence, optimum = DIVERGENCES[name]

    def value(v: Tensor) -> Tensor:
        on_fake = -g_loss(name, v, v)
        return u * (d_loss(name, v, v) - on_fake) + on_fake

    tolerance = 1e-9 * (1 + divergence(u).abs() + u)
    assert (value(torch.tensor(logit).double()) >= -divergence(u) - tolerance).all()
    assert_close(value(optimum(u)), -divergence(u), rtol=1e-9, atol=tolerance.item())


@pytest.mark.parametrize("name", LOSSES)
@untimed
@given(pairs, pairs)
def test_discriminators_losses_are_convex(name: str, a: Tensor, b: Tensor) -> None:
    """The mean at a midpoint is at most the mean of the ends: each D has no local minima."""
    count = min(a.shape[1], b.shape[1])
    a, b = (side[:, :count].clamp(-20, 20) for side in (a, b))
    middle = d_loss(name, *((a + b) / 2)).mean()
    ends = (d_loss(name, *a).mean() + d_loss(name, *b).mean()) / 2
    assert middle <= ends + 1e-9 * (1 + ends.abs())


@pytest.mark.parametrize("name", LOSSES)
@untimed
@given(pairs, st.integers(0, 5), st.floats(0, 20))
def test_generators_want_larger_logits(name: str, pair: Tensor, index: int, rise: float) -> None:
    """Where D rejects, raising a generated sample's logit never raises the mean loss."""
    if name in TURNING:
        pair = pair.clamp(-1, 1) + TURNING[name][:, None]
        rise = rise / 20
    real, fake = pair
    raised = fake.clone()
    raised[index % len(fake)] += rise
    worse, better = g_loss(name, real, fake).mean(), g_loss(name, real, raised).mean()
    assert better <= worse + 1e-9 * (1 + worse.abs())


def test_every_loss_has_a_property() -> None:
    """A loss that joins the catalogue brings a law of its own."""
    assert set(PROPERTIES) | set(DIVERGENCES) == set(LOSSES)


# Parabolas turn: where the logits must lie, (r, f), for the generator still to want more.
TURNING = {
    "least_squares": torch.tensor([0.0, -2.0]).double(),
    "pearson": torch.tensor([0.0, 1.0]).double(),
    "relativistic_average_least_squares": torch.tensor([20.0, -20.0]).double(),
}
