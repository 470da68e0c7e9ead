"""Every loss, both sides, value and slopes, against 500-digit arithmetic, from −745 to 745.

Each oracle is the paper's formula, written with D = σ(a) and logarithms as the paper writes it:
with 500 digits 1 − D needs no care even at a = 1,000. Slopes are the oracle's derivative by a
complex step, Im L(a + ih)/h, which has no difference to cancel.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from mpmath import mp
from torch import Tensor

from gan.losses import LOSSES

Real = Any  # mpmath's numbers, which come without annotations
Oracle = Callable[[list[Real], list[Real]], list[Real]]

# 25: torch's softplus is linear from 20 on, where D still differs from 1.
LOGITS = [-745.0, -300.0, -100.0, -40.0, -25.0, -1e-9, 0.0, 1e-9]
LOGITS += [25.0, 37.0, 100.0, 300.0, 700.0, 745.0]
MODERATE = [-15.0, -4.5, -(2.0**-10), 0.0, 2.0**-10, 0.75, 4.5, 15.0]  # float32 has them all
EPS = torch.finfo(torch.float64).eps


def alone(real: Callable[[Real], Real], fake: Callable[[Real], Real]) -> Oracle:
    """A discriminator's loss that takes each sample alone."""
    return lambda r, f: [real(a) + fake(b) for a, b in zip(r, f, strict=True)]


def on_fake(value: Callable[[Real], Real]) -> Oracle:
    """A generator's loss that sees generated samples alone."""
    return lambda _r, f: [value(b) for b in f]


def average(on_real: Callable[[Real], Real], on_fakes: Callable[[Real], Real]) -> Oracle:
    """½[on_real(r − f̄) + on_fakes(f − r̄)]: a relativistic average discriminator."""

    def oracle(r: list[Real], f: list[Real]) -> list[Real]:
        mean_r, mean_f = mp.fsum(r) / len(r), mp.fsum(f) / len(f)
        return [(on_real(a - mean_f) + on_fakes(b - mean_r)) / 2 for a, b in zip(r, f, strict=True)]

    return oracle


def swapped(oracle: Oracle) -> Oracle:
    """The same game with real and fake exchanged: a relativistic generator."""
    return lambda r, f: oracle(f, r)


def d(a: Real) -> Real:
    """D = σ(a)."""
    return 1 / (1 + mp.exp(-a))


def relu(x: Real) -> Real:
    """max(0, x), by the real part."""
    return x if mp.re(x) > 0 else mp.mpf(0)


def f_gan(g: Callable[[Real], Real], conjugate: Callable[[Real], Real]) -> tuple[Oracle, Oracle]:
    """−g(r) + f*(g(f)) and −f*(g(f)), composed step by step."""
    return (
        alone(lambda a: -g(a), lambda b: conjugate(g(b))),
        on_fake(lambda b: -conjugate(g(b))),
    )


CROSS_ENTROPY = alone(lambda a: -mp.log(d(a)), lambda b: -mp.log(1 - d(b)))
AVERAGE = average(lambda x: -mp.log(d(x)), lambda y: -mp.log(1 - d(y)))
AVERAGE_SQUARES = average(lambda x: (x - 1) ** 2, lambda y: (y + 1) ** 2)
AVERAGE_HINGE = average(lambda x: relu(1 - x), lambda y: relu(1 + y))


def pairing(r: list[Real], f: list[Real]) -> list[Real]:
    """−log σ(r − f)."""
    return [-mp.log(d(a - b)) for a, b in zip(r, f, strict=True)]


# (discriminator, generator) of each loss.
ORACLES: dict[str, tuple[Oracle, Oracle]] = {
    "saturating": (CROSS_ENTROPY, on_fake(lambda b: mp.log(1 - d(b)))),
    "non_saturating": (CROSS_ENTROPY, on_fake(lambda b: -mp.log(d(b)))),
    "maximum_likelihood": (CROSS_ENTROPY, on_fake(lambda b: -d(b) / (1 - d(b)))),
    "least_squares": (
        alone(lambda a: (a - 1) ** 2 / 2, lambda b: b**2 / 2),
        on_fake(lambda b: (b - 1) ** 2 / 2),
    ),
    "wasserstein": (alone(lambda a: -a, lambda b: b), on_fake(lambda b: -b)),
    "hinge": (
        alone(lambda a: relu(1 - a), lambda b: relu(1 + b)),
        on_fake(lambda b: -b),
    ),
    "relativistic_pairing": (pairing, swapped(pairing)),
    "relativistic_average": (AVERAGE, swapped(AVERAGE)),
    "relativistic_average_least_squares": (AVERAGE_SQUARES, swapped(AVERAGE_SQUARES)),
    "relativistic_average_hinge": (AVERAGE_HINGE, swapped(AVERAGE_HINGE)),
    "kl": f_gan(lambda v: v, lambda t: mp.exp(t - 1)),
    "reverse_kl": f_gan(lambda v: -mp.exp(-v), lambda t: -1 - mp.log(-t)),
    "pearson": f_gan(lambda v: v, lambda t: t**2 / 4 + t),
    "squared_hellinger": f_gan(lambda v: 1 - mp.exp(-v), lambda t: t / (1 - t)),
    "jensen_shannon": f_gan(
        lambda v: mp.log(2) - mp.log(1 + mp.exp(-v)), lambda t: -mp.log(2 - mp.exp(t))
    ),
}

# Terms that cancel leave the rounding of the largest of them: values that end in "plus a constant"
# or are differences, and slopes that are. Everything else is held to its own last bits.
CANCELLING_VALUES = {"pearson", "reverse_kl", "squared_hellinger", "jensen_shannon", "wasserstein"}
CANCELLING_SLOPES = {"relativistic_average_least_squares"}


def batches(name: str, logits: list[float]) -> list[tuple[list[float], list[float]]]:
    """(a, −a), (a, a), (a, 0) and (0, a); for averages one of three pairs."""
    pairs = [pair for a in logits for pair in ((a, -a), (a, a), (a, 0.0), (0.0, a))]
    if not name.startswith("relativistic_average"):
        return [([r], [f]) for r, f in pairs]
    return [([r, 0.625, -2.25], [f, 1.5, 0.3125]) for r, f in pairs]


def close(
    name: str, expected: list[float], logits: list[float], eps: float, cancelling: set[str]
) -> object:
    """Within a few last bits; a relativistic loss sees differences that are rounded already."""
    largest = max(map(abs, logits)) if LOSSES[name].relativistic else 0.0
    relative = eps * (4 + largest)
    return pytest.approx(expected, rel=relative, abs=relative if name in cancelling else 1e-323)


def sides(name: str) -> list[tuple[Callable[[Tensor, Tensor], Tensor], Oracle]]:
    """Both sides of a loss, each with its oracle."""
    loss = LOSSES[name]
    return list(zip((loss.discriminator, loss.generator), ORACLES[name], strict=True))


def slopes(oracle: Oracle, r: list[float], f: list[float]) -> list[float]:
    """dΣL/dr and dΣL/df of each sample, exact to h² = 1e-400."""
    h, logits = mp.mpf("1e-200"), [mp.mpc(x) for x in (*r, *f)]
    gradient = []
    for index, logit in enumerate(logits):
        moved = [*logits[:index], logit + mp.mpc(0, h), *logits[index + 1 :]]
        gradient.append(float(mp.fsum(oracle(moved[: len(r)], moved[len(r) :])).imag / h))
    return gradient


def measured(
    side: Callable[[Tensor, Tensor], Tensor], r: list[float], f: list[float], dtype: torch.dtype
) -> tuple[list[float], list[float]]:
    """Values and slopes by torch's autograd."""
    inputs = [torch.tensor(x, dtype=dtype, requires_grad=True) for x in (r, f)]
    values = side(*inputs)
    gradients = torch.autograd.grad(values.sum(), inputs, materialize_grads=True)
    return values.tolist(), torch.cat(gradients).tolist()


@pytest.mark.parametrize("name", LOSSES)
def test_values_at_the_extremes(name: str) -> None:
    """Each value is exact to a few last bits; what float64 can't hold is ±inf, never nan."""
    for (side, oracle), (r, f) in itertools.product(sides(name), batches(name, LOGITS)):
        with mp.workdps(500):
            expected = [float(value) for value in oracle([*map(mp.mpf, r)], [*map(mp.mpf, f)])]
        got, _ = measured(side, r, f, torch.float64)
        assert got == close(name, expected, r + f, EPS, CANCELLING_VALUES), (r, f)


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_at_the_extremes(name: str) -> None:
    """dL/dr and dL/df are exact to a few last bits, at 1e-300 as at 1e300."""
    for (side, oracle), (r, f) in itertools.product(sides(name), batches(name, LOGITS)):
        with mp.workdps(500):
            expected = slopes(oracle, r, f)
        _, got = measured(side, r, f, torch.float64)
        assert got == close(name, expected, r + f, EPS, CANCELLING_SLOPES), (r, f)


@pytest.mark.parametrize("name", LOSSES)
def test_float32_slopes_at_moderate_logits(name: str) -> None:
    """Between −15 and 15 float32's slopes are exact to a few of its own last bits."""
    for (side, oracle), (r, f) in itertools.product(sides(name), batches(name, MODERATE)):
        with mp.workdps(60):
            expected = slopes(oracle, r, f)
        _, got = measured(side, r, f, torch.float32)
        eps = torch.finfo(torch.float32).eps
        assert got == close(name, expected, r + f, eps, CANCELLING_SLOPES), (r, f)


@pytest.mark.parametrize(
    ("name", "side", "logit", "sign"),
    [
        ("maximum_likelihood", "generator", 710.0, -1),
        ("kl", "generator", 711.0, -1),
        ("kl", "discriminator", 711.0, 1),
        ("reverse_kl", "discriminator", -710.0, 1),
        ("squared_hellinger", "generator", 710.0, -1),
        ("squared_hellinger", "discriminator", 710.0, 1),
        ("squared_hellinger", "discriminator", -710.0, 1),
    ],
)
def test_overflow_is_infinite_with_its_sign(name: str, side: str, logit: float, sign: int) -> None:
    """Beyond exp(709.78) the four exponential losses are ±inf, so that divergence shows."""
    a = torch.tensor([logit], dtype=torch.float64)
    value = getattr(LOSSES[name], side)(a, a).item()
    assert math.isinf(value)
    assert math.copysign(1, value) == sign
    almost = getattr(LOSSES[name], side)(*[a - math.copysign(2, logit)] * 2).item()
    assert math.isfinite(almost)


def test_every_loss_has_an_oracle() -> None:
    """A loss that joins the catalogue brings its formula: none is left untested."""
    assert set(ORACLES) == set(LOSSES)


def test_the_oracle_tells_a_naive_formula() -> None:
    """log(1 − σ(a)) is −inf at 40, where the oracle says −40: the comparison above sees that."""
    _, oracle = ORACLES["saturating"]
    got, gradients = measured(
        lambda _r, f: torch.log(1 - torch.sigmoid(f)), [0.0], [40.0], torch.float64
    )
    with mp.workdps(500):
        expected = [float(value) for value in oracle([mp.mpf(0)], [mp.mpf(40)])]
    assert expected == [-40.0]
    assert got != close("saturating", expected, [0.0, 40.0], EPS, CANCELLING_VALUES)
    assert not math.isfinite(gradients[1])
