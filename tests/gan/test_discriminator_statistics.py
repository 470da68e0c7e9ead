"""What D says of real and generated samples: by hand, and against NumPy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from gan.errors import UsageError
from gan.metrics import discriminator_statistics

Floats = NDArray[np.float64]
COLUMNS = ["d_real", "d_fake_q05", "d_fake_q25", "d_fake_q50", "d_fake_q75", "d_fake_q95"]


def test_discriminator_statistics_by_hand() -> None:
    """σ(0) = ½, σ(±log 3) = ¾ and ¼; quantiles between samples are interpolated."""
    log3 = math.log(3)
    statistics = discriminator_statistics(torch.tensor([0.0, log3]), torch.tensor([-log3, log3]))
    assert list(statistics) == [*COLUMNS, "accuracy"]
    expected = [0.625, 0.275, 0.375, 0.5, 0.625, 0.725, 0.625]
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


@pytest.mark.parametrize(("real", "fake"), [((3,), (4,)), ((0,), (0,)), ((3, 1), (3, 1)), ((), ())])
def test_statistics_refuse_other_shapes(real: tuple[int, ...], fake: tuple[int, ...]) -> None:
    """Accuracy is defined on as many real as generated samples."""
    with pytest.raises(UsageError) as error:
        discriminator_statistics(torch.zeros(real), torch.zeros(fake))
    assert str(error.value) == (
        f"logits of shapes {real} and {fake}, expected (N,) twice with N at least 1"
    )
