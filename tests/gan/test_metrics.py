"""METRICS as a whole: what applies to which data, and samples of every kind."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.classifier import classifier
from gan.data import Dataset, load
from gan.errors import UsageError
from gan.images import Images
from gan.metrics import METRICS, Metric, evaluate
from gan.mixtures import ring

Floats = NDArray[np.float64]
UNUSED = torch.empty(0)


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def value(name: str, dataset: Dataset, fake: Tensor, real: Tensor = UNUSED) -> float:
    """One metric by name."""
    return METRICS[name].value(dataset, fake, real, rng())


@pytest.fixture(scope="module")
def digits_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the digits' classifier at hand, trained at most once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        dataset = load("digits")
        assert isinstance(dataset, Images)
        classifier(dataset)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gaussian1d", ["modes", "high_quality", "kl", "w1"]),
        ("ring", ["modes", "high_quality", "kl", "w1"]),
        ("digits", ["fid", "kid"]),
        ("stacked_digits", ["modes", "kl", "fid", "kid"]),
    ],
)
@pytest.mark.usefixtures("digits_cache")
def test_evaluate_gives_what_applies(name: str, expected: list[str]) -> None:
    """Finite floats under the metrics' names, the same as one by one."""
    dataset = load(name)
    fake, real = dataset.sample(40, rng(1)), dataset.sample(50, rng(2))
    evaluated = evaluate(dataset, fake, real, rng())
    assert list(evaluated) == expected
    assert all(type(number) is float and math.isfinite(number) for number in evaluated.values())
    assert evaluated == {key: value(key, dataset, fake, real) for key in expected}


@pytest.mark.parametrize("name", ["gaussian1d", "ring", "digits", "stacked_digits"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_samples_that_are_not_finite_have_no_values(name: str, bad: float) -> None:
    """One bad number among the generated ones makes every metric nan, without an exception."""
    dataset = load(name)
    fake, real = dataset.sample(10, rng(1)), dataset.sample(10, rng(2))
    fake.view(-1)[3] = bad
    evaluated = evaluate(dataset, fake, real, rng())
    assert evaluated
    assert all(math.isnan(number) for number in evaluated.values())


@pytest.mark.parametrize("name", ["gaussian1d", "ring", "digits", "stacked_digits"])
@pytest.mark.parametrize("scale", [1e10, 3e38])
@pytest.mark.usefixtures("digits_cache")
def test_huge_samples_are_no_exception(
    name: str, scale: float, capfd: pytest.CaptureFixture[str]
) -> None:
    """What overflows on the way is nan, what does not is as bad as it should be.

    LAPACK, given what is not finite, would complain on the console.
    """
    dataset = load(name)
    real = dataset.sample(20, rng(2))
    evaluated = evaluate(dataset, torch.full_like(real, scale), real, rng())
    assert not any(math.isinf(number) for number in evaluated.values())
    for distance in ("w1", "fid", "kid"):
        assert not evaluated.get(distance, math.inf) < 1e9
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("digits_cache")
@pytest.mark.parametrize("name", ["ring", "digits"])
def test_samples_come_as_training_leaves_them(name: str) -> None:
    """With a graph attached, or in half precision."""
    dataset = load(name)
    fake, real = dataset.sample(30, rng(1)), dataset.sample(30, rng(2))
    plain = evaluate(dataset, fake, real, rng())
    assert evaluate(dataset, fake.clone().requires_grad_() * 1.0, real, rng()) == plain
    half = evaluate(dataset, fake.to(torch.bfloat16), real, rng())
    distance = "w1" if name == "ring" else "fid"
    assert half[distance] == pytest.approx(plain[distance], rel=0.1)


@pytest.mark.parametrize(("side", "index"), [("generated", 0), ("real", 1)])
@pytest.mark.parametrize("shape", [(1, 2), (0, 2), (5, 3), (5,), (5, 2, 1)])
def test_evaluate_refuses_samples_that_do_not_fit(
    side: str, index: int, shape: tuple[int, ...]
) -> None:
    """Too few, or of another shape: the side is named."""
    samples = [torch.zeros(5, 2), torch.zeros(5, 2)]
    samples[index] = torch.zeros(shape)
    with pytest.raises(UsageError) as error:
        evaluate(ring(), samples[0], samples[1], rng())
    assert str(error.value) == (
        f"{side} samples of shape {shape}: ring needs (N, 2) with N at least 2"
    )


def test_evaluate_refuses_real_samples_that_are_not_finite() -> None:
    """That is a mistake in the data, not a generator's failure."""
    with pytest.raises(UsageError, match=r"^real samples of ring must be finite$"):
        evaluate(ring(), torch.zeros(2, 2), torch.full((2, 2), math.nan), rng())


@pytest.mark.parametrize(
    ("name", "dataset", "message"),
    [
        ("modes", "digits", "digits has no known modes"),
        ("fid", "ring", "ring is not a set of images: FID and KID need images"),
        ("kid", "ring", "ring is not a set of images: FID and KID need images"),
    ],
)
def test_metrics_refuse_data_they_are_not_for(name: str, dataset: str, message: str) -> None:
    """Called by hand on the wrong data, a metric says so."""
    own = load(dataset)
    with pytest.raises(UsageError) as error:
        value(name, own, own.sample(5, rng()), own.sample(5, rng()))
    assert str(error.value) == message


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_metrics_say_what_they_are(metric: Metric) -> None:
    """The summary is the docstring's first line, and a direction is given."""
    assert metric.summary
    assert metric.summary == (metric.value.__doc__ or "").splitlines()[0]
    assert metric.best in ("higher", "lower")


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.usefixtures("digits_cache")
def test_the_better_direction_is_right(name: str) -> None:
    """Copies of one sample, or for quality samples in the wrong place, score worse than data."""
    dataset = load("stacked_digits" if name in ("fid", "kid") else "ring")
    real, good = dataset.sample(500, rng(0)), dataset.sample(500, rng(1))
    bad = good + 0.1 if name == "high_quality" else real[:1].repeat(500, *[1] * len(dataset.shape))
    values = [value(name, dataset, fake, real) for fake in (bad, good)]
    assert values == sorted(values, reverse=METRICS[name].best == "lower")
    assert values[0] != values[1]
