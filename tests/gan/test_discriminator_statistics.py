"""What D says of real and generated samples: by hand, and against NumPy."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from gan.displaced import jensen_shannon, optimal_logit
from gan.errors import UsageError
from gan.metrics import discriminator_statistics
from gan.mixtures import gaussian1d

Floats = NDArray[np.float64]
COLUMNS = ["d_real", "d_fake_q05", "d_fake_q25", "d_fake_q50", "d_fake_q75", "d_fake_q95"]


def test_discriminator_statistics_by_hand() -> None:
    """σ(0) = ½, σ(±log 3) = ¾ and ¼; quantiles are interpolated; V = ½ log ½·¾ + ½ log ¾·¼."""
    log3 = math.log(3)
    statistics = discriminator_statistics(torch.tensor([0.0, log3]), torch.tensor([-log3, log3]))
    assert list(statistics) == [*COLUMNS, "accuracy", "game_value"]
    expected = [0.625, 0.275, 0.375, 0.5, 0.625, 0.725, 0.625, math.log(9 / 128) / 2]
    assert list(statistics.values()) == pytest.approx(expected, abs=1e-7)


def test_a_logit_of_zero_is_half_right() -> None:
    """Undecided on everything is an accuracy of ½, not of 0 or 1."""
    assert discriminator_statistics(torch.zeros(4), torch.zeros(4))["accuracy"] == 0.5
    right = discriminator_statistics(torch.ones(4), -torch.ones(4))
    wrong = discriminator_statistics(-torch.ones(4), torch.ones(4))
    assert (right["accuracy"], wrong["accuracy"]) == (1.0, 0.0)


def test_statistics_keep_small_probabilities() -> None:
    """σ(−300) is 10⁻¹³⁰, not 0, from float32 logits too."""
    statistics = discriminator_statistics(torch.zeros(3), torch.full((3,), -300.0))
    assert statistics["d_fake_q50"] == pytest.approx(math.exp(-300.0), rel=1e-12)


def test_infinite_logits_are_certain() -> None:
    """D is 1 or 0 there, and the answer right or wrong."""
    statistics = discriminator_statistics(
        torch.tensor([math.inf, -math.inf]), torch.tensor([-math.inf, -math.inf])
    )
    assert statistics["d_real"] == 0.5
    assert statistics["d_fake_q95"] == 0.0
    assert statistics["accuracy"] == 0.75
    assert statistics["game_value"] == -math.inf


def test_a_nan_logit_is_not_hidden() -> None:
    """It is neither right nor wrong."""
    statistics = discriminator_statistics(torch.tensor([0.0, 1.0]), torch.tensor([math.nan, 1.0]))
    assert statistics["d_real"] == pytest.approx((0.5 + 1 / (1 + math.exp(-1))) / 2)
    assert all(math.isnan(number) for key, number in statistics.items() if key != "d_real")


logits = arrays.arrays(
    np.float32, st.shared(st.integers(1, 20), key="n"), elements=st.floats(-1e4, 1e4, width=32)
)


@settings(deadline=None)
@given(real=logits, fake=logits)
def test_statistics_agree_with_numpy(real: Floats, fake: Floats) -> None:
    """Quantiles of D in float64, and accuracy by counting."""
    statistics = discriminator_statistics(torch.from_numpy(real), torch.from_numpy(fake))
    d_fake = np.sort(1 / (1 + np.exp(-np.clip(fake.astype(np.float64), -700, 700))))
    for column, share in zip(COLUMNS[1:], (5, 25, 50, 75, 95), strict=True):
        assert statistics[column] == pytest.approx(np.percentile(d_fake, share), abs=1e-15)
    right = (real > 0).sum() + (fake < 0).sum() + ((real == 0).sum() + (fake == 0).sum()) / 2
    assert statistics["accuracy"] == pytest.approx(right / (2 * len(real)))


def exact_log_sigmoid(logits: Floats) -> mpmath.mpf:
    """The mean of log σ(a) to 30 digits."""
    with mpmath.workdps(30):
        terms = [-mpmath.log1p(mpmath.exp(-mpmath.mpf(float(a)))) for a in logits]
        return mpmath.fsum(terms) / len(terms)


@given(real=logits, fake=logits)
def test_the_value_is_that_of_equation_1(real: Floats, fake: Floats) -> None:
    """V = mean log σ(a) + mean log(1 − σ(b)) by mpmath, up to logits of 10⁴ either way."""
    actual = discriminator_statistics(torch.from_numpy(real), torch.from_numpy(fake))["game_value"]
    expected = float(exact_log_sigmoid(real) + exact_log_sigmoid(-fake))
    assert actual == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [(0.0, 0.0, -math.log(4)), (1e4, -1e4, 0.0), (-1e4, -1e4, -1e4), (-1e4, 1e4, -2e4)],
)
def test_the_value_neither_overflows_nor_vanishes(
    real: float, fake: float, expected: float
) -> None:
    """−log 4 at D = ½, 0 of a certain D, and the logits themselves where it is certainly wrong."""
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        logits = (torch.full((3,), number, dtype=dtype) for number in (real, fake))
        assert discriminator_statistics(*logits)["game_value"] == pytest.approx(expected, rel=2e-3)


def test_the_value_of_the_best_discriminator_is_bounded_by_the_divergence() -> None:
    """V(D*, G) = −log 4 + 2·JSD on N(4, ¼) and itself moved by σ, and of other Ds it is smaller."""
    line, rng = gaussian1d(), torch.Generator().manual_seed(0)
    real, fake = line.sample(50_000, rng), line.sample(50_000, rng) + line.sigma
    values = [
        discriminator_statistics(*(confidence * optimal_logit(line, 1.0, x) for x in (real, fake)))[
            "game_value"
        ]
        for confidence in (1.0, 0.5, 2.0)
    ]
    assert values[0] == pytest.approx(2 * jensen_shannon(line, 1.0) - math.log(4), abs=0.01)
    assert max(values[1:]) < values[0] - 0.01


@pytest.mark.parametrize(("real", "fake"), [((3,), (4,)), ((0,), (0,)), ((3, 1), (3, 1)), ((), ())])
def test_statistics_refuse_other_shapes(real: tuple[int, ...], fake: tuple[int, ...]) -> None:
    """Accuracy is defined on as many real as generated samples."""
    with pytest.raises(UsageError) as error:
        discriminator_statistics(torch.zeros(real), torch.zeros(fake))
    assert str(error.value) == (
        f"logits of shapes {real} and {fake}, expected (N,) twice with N at least 1"
    )
