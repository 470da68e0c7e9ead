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
EVERYWHERE = ["knn_precision", "knn_recall", "density", "coverage", "sliced_w", "mmd"]


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
        ("gaussian1d", ["modes", "high_quality", "kl", "w1", *EVERYWHERE]),
        ("ring", ["modes", "high_quality", "kl", "w1", *EVERYWHERE]),
        ("digits", ["fid", "kid", *EVERYWHERE]),
        ("stacked_digits", ["modes", "kl", "fid", "kid", *EVERYWHERE]),
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
    for distance in ("w1", "sliced_w", "fid", "kid"):
        assert not evaluated.get(distance, math.inf) < 1e9
    for nearness in ("knn_precision", "knn_recall", "density", "coverage"):
        assert not evaluated[nearness] > 0
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("digits_cache")
@pytest.mark.parametrize("name", ["ring", "digits"])
def test_samples_come_as_training_leaves_them(name: str) -> None:
    """With a graph attached, or in half precision."""
    dataset = load(name)
    fake, real = dataset.sample(30, rng(1)), dataset.sample(30, rng(2))
    plain = evaluate(dataset, fake, real, rng())
    assert evaluate(dataset, fake.clone().requires_grad_() * 1.0, real, rng()) == plain
    for dtype in (torch.bfloat16, torch.float16):
        half = evaluate(dataset, fake.to(dtype), real, rng())
        assert all(map(math.isfinite, half.values()))
        for distance in ("w1" if name == "ring" else "fid", "sliced_w"):
            assert half[distance] == pytest.approx(plain[distance], rel=0.1)


@pytest.mark.usefixtures("digits_cache")
@pytest.mark.parametrize("name", ["gaussian1d", "ring", "digits", "stacked_digits"])
def test_two_samples_are_enough_for_all_but_neighbours(name: str) -> None:
    """Without a 5th neighbour there is no precision, recall, density or coverage: nan."""
    dataset = load(name)
    fake, real = dataset.sample(2, rng(1)), dataset.sample(2, rng(2))
    evaluated = evaluate(dataset, fake, real, rng())
    undefined = {key for key, number in evaluated.items() if math.isnan(number)}
    assert undefined - {"kl"} == {"knn_precision", "knn_recall", "density", "coverage"}


def test_evaluate_leaves_its_generator_where_it_stands() -> None:
    """So that another metric changes neither the others nor what is drawn after them."""
    dataset, generator = ring(), rng(3)
    fake, real = dataset.sample(40, rng(1)), dataset.sample(40, rng(2))
    first = evaluate(dataset, fake, real, generator)
    assert evaluate(dataset, fake, real, generator) == first
    assert torch.equal(generator.get_state(), rng(3).get_state())


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


REFUSED = {
    ("modes", "digits"): "digits has no known modes: modes needs a mixture or stacks",
    ("kl", "digits"): "digits has no known modes: kl needs a mixture or stacks",
    **{
        (name, data): f"{data} is not a mixture: {needs}"
        for name, needs in (
            ("high_quality", "high_quality needs modes of a known σ"),
            ("w1", "w1 needs one, sliced_w does not"),
        )
        for data in ("digits", "stacked_digits")
    },
    **{
        (name, data): f"{data} is not a set of images: {name} needs images"
        for name in ("fid", "kid")
        for data in ("gaussian1d", "ring", "grid")
    },
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("data", ["gaussian1d", "ring", "grid", "digits", "stacked_digits"])
@pytest.mark.usefixtures("digits_cache")
def test_a_metric_applies_or_refuses_in_one_line(name: str, data: str) -> None:
    """Called by hand on data it is not for, a metric says so; on all other data it is a number."""
    dataset = load(data)
    fake, real = dataset.sample(20, rng(1)), dataset.sample(20, rng(2))
    assert METRICS[name].applies(dataset) == ((name, data) not in REFUSED)
    if METRICS[name].applies(dataset):
        assert math.isfinite(value(name, dataset, fake, real))
        return
    with pytest.raises(UsageError) as error:
        value(name, dataset, fake, real)
    assert str(error.value) == REFUSED[name, data]


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
    copies = real[:1].repeat(500, *[1] * len(dataset.shape))
    bad = good + 0.1 if name in ("high_quality", "knn_precision", "density") else copies
    values = [value(name, dataset, fake, real) for fake in (bad, good)]
    assert values == sorted(values, reverse=METRICS[name].best == "lower")
    assert values[0] != values[1]
