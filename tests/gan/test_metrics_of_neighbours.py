"""Precision, recall, density and coverage: by hand, against prdc, and at the edges."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from prdc import compute_prdc
from torch import Tensor

from gan.classifier import classifier
from gan.data import load
from gan.images import Images, Stacked
from gan.metrics import METRICS
from gan.mixtures import gaussian1d, ring

Floats = NDArray[np.float64]
NAMES = ("knn_precision", "knn_recall", "density", "coverage")
LINE = torch.arange(10.0, dtype=torch.float64)[:, None]


def rng(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def measured(fake: Tensor, real: Tensor) -> dict[str, float]:
    """All four of points on the line or in the plane."""
    dataset = gaussian1d() if fake.shape[1] == 1 else ring()
    return {name: METRICS[name].value(dataset, fake, real, rng()) for name in NAMES}


def by_prdc(fake: Floats, real: Floats) -> dict[str, float]:
    """The same by the authors' package."""
    values = compute_prdc(real, fake, nearest_k=5)
    return {name: values[name.removeprefix("knn_")] for name in NAMES}


def points(count: int, dimension: int, seed: int) -> Floats:
    """A normal cloud."""
    return np.random.default_rng(seed).normal(size=(count, dimension))


@settings(max_examples=15)
@given(
    st.integers(7, 40),
    st.integers(7, 40),
    st.integers(1, 2),
    st.integers(0, 2**32 - 1),
    st.floats(-3, 3),
    st.floats(0.05, 4),
)
def test_they_agree_with_prdc(
    n: int, m: int, dimension: int, seed: int, shift: float, scale: float
) -> None:
    """On normal clouds of any number, place and size, to 1e-12."""
    fake, real = scale * points(n, dimension, seed) + shift, points(m, dimension, seed + 1)
    actual = measured(torch.tensor(fake), torch.tensor(real))
    assert actual == pytest.approx(by_prdc(fake, real), abs=1e-12)


@pytest.mark.parametrize("name", ["digits", "stacked_digits"])
def test_of_images_they_are_those_of_the_features(name: str) -> None:
    """Against prdc on the classifier's 64 or 192 features, converted to float64."""
    dataset = load(name)
    assert isinstance(dataset, Images | Stacked)
    network = classifier(dataset)
    fake, real = dataset.sample(150, rng(1)).flip(3), dataset.sample(200, rng(2))
    features = (network.features(images).double().numpy() for images in (fake, real))
    actual = {key: METRICS[key].value(dataset, fake, real, rng()) for key in NAMES}
    assert actual == pytest.approx(by_prdc(*features), abs=1e-12)
    assert 0 < actual["coverage"] < 1


def test_the_same_samples_have_one_of_everything() -> None:
    """Density too: a ball that ends at the 5th neighbour holds its centre and four others."""
    for dimension in (1, 2):
        cloud = torch.tensor(points(50, dimension, 0))
        assert measured(cloud.clone(), cloud) == dict.fromkeys(NAMES, 1.0)
        assert measured(cloud, cloud) == dict.fromkeys(NAMES, 1.0)


def test_samples_far_apart_have_nothing() -> None:
    """No ball reaches from one to the other."""
    assert measured(LINE + 100, LINE) == dict.fromkeys(NAMES, 0.0)


def test_by_hand() -> None:
    """On 0, 1, …, 9 the balls reach 5, 4, 3, 3, 3, 3, 3, 3, 4, 5; ten points from 6 on, 10 apart.

    6 lies in the balls of 2 (no: 4 > 3), 4 … 8 and 9 (3 < 5), open at 3 and 9 − 6 = 3: of
    4, 5, 6, 7, 8, 9, so six balls. 16 and what follows lie in none. The balls around 6, 16, 26, …
    reach 50, 40, 30, … 40, 50, and that of 6 alone holds all of the line.
    """
    fake = 6 + 10 * LINE
    assert measured(fake, LINE) == pytest.approx(
        {"knn_precision": 0.1, "knn_recall": 1.0, "density": 6 / 50, "coverage": 0.6}
    )


def test_one_point_is_precise_and_covers_little() -> None:
    """Copies of a real sample: every one is precise, none has a neighbourhood, density adds up."""
    copies = LINE[[0]].expand(20, 1)
    # 0 lies in the open balls of 0 (radius 5), 1 (4) and 2 (3), not in that of 3 (3).
    assert measured(copies, LINE) == pytest.approx(
        {"knn_precision": 1.0, "knn_recall": 0.0, "density": 3 / 5, "coverage": 0.3}
    )


def test_balls_are_open() -> None:
    """A sample as far away as the 5th neighbour is outside, one a hair nearer inside."""
    for distance, inside in ((5.0, 0.0), (4.999, 1.0)):
        fake = torch.full((6, 1), -distance, dtype=torch.float64)
        assert measured(fake, LINE)["knn_precision"] == inside


def test_duplicates_have_balls_of_no_size() -> None:
    """Six copies of each real sample: even the same samples lie in no open ball of radius 0."""
    copies = LINE.repeat(6, 1)
    assert measured(copies.clone(), copies) == dict.fromkeys(NAMES, 0.0)
    five = LINE.repeat(5, 1)
    assert measured(five.clone(), five)["coverage"] == 1.0


@pytest.mark.parametrize("few", [2, 5])
def test_without_a_fifth_neighbour_there_is_no_value(few: int) -> None:
    """Up to 5 real samples leave recall alone, up to 5 generated ones all but recall."""
    of_real, of_fake = measured(LINE, LINE[:few]), measured(LINE[:few], LINE)
    assert {name for name in NAMES if math.isnan(of_real[name])} == set(NAMES) - {"knn_recall"}
    assert {name for name in NAMES if math.isnan(of_fake[name])} == {"knn_recall"}
    assert not any(map(math.isnan, measured(LINE[:6], LINE[:6]).values()))


@given(
    arrays.arrays(np.float64, (8, 2), elements=st.floats(-1e6, 1e6, width=32)),
    arrays.arrays(np.float64, (9, 2), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from([0.25, 1.0, 1024.0]),
)
def test_shares_are_shares_and_have_no_unit(fake: Floats, real: Floats, unit: float) -> None:
    """Within [0, 1], density at most M/k; in another unit, or mirrored, the same."""
    values = measured(torch.tensor(fake), torch.tensor(real))
    assert all(0 <= values[name] <= 1 for name in NAMES if name != "density")
    assert 0 <= values["density"] <= 9 / 5
    assert measured(torch.tensor(-unit * fake), torch.tensor(-unit * real)) == values


def test_samples_of_the_data_have_their_expectations() -> None:
    """Density 1 and coverage 1 − Π (N − i)/(2N − i) over i = 1 … 5, within 5 standard errors."""
    n = 300
    values = [
        measured(torch.tensor(points(n, 2, 2 * s)), torch.tensor(points(n, 2, 2 * s + 1)))
        for s in range(60)
    ]
    expected = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, 6))
    for name, mean in (("density", 1.0), ("coverage", expected)):
        found = np.array([value[name] for value in values])
        assert abs(found.mean() - mean) < 5 * found.std(ddof=1) / math.sqrt(60)


def test_a_thousand_samples_are_looked_at() -> None:
    """What comes later could be anywhere."""
    cloud = torch.tensor(points(1000, 2, 0))
    more = torch.cat([cloud, torch.full((200, 2), 99.0)])
    assert measured(more, more + 0.01) == measured(cloud, cloud + 0.01)


def test_samples_changed_in_place_are_looked_at_again() -> None:
    """Distances are kept from metric to metric, but not those of other values."""
    fake, real = torch.tensor(points(20, 2, 0)), torch.tensor(points(20, 2, 1))
    before = measured(fake, real)
    fake += 100
    assert measured(fake, real) == dict.fromkeys(NAMES, 0.0)
    fake -= 100
    real += 100
    assert measured(fake, real) == dict.fromkeys(NAMES, 0.0)
    real -= 100
    assert measured(fake, real) == pytest.approx(before)


def test_inference_tensors_count_no_changes_and_are_looked_at_each_time() -> None:
    """torch keeps no version of them; the values are the same."""
    fake, real = torch.tensor(points(20, 2, 0)), torch.tensor(points(20, 2, 1))
    with torch.inference_mode():
        assert measured(fake.clone(), real.clone()) == measured(fake, real)


def test_features_of_two_data_sets_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tensors, looked at by another classifier, are other clouds."""
    seen = {"near": torch.tensor(points(20, 2, 0)), "far": torch.tensor(points(20, 2, 1)) + 100}
    fake, real = torch.zeros(20, 1, 1, 2), torch.ones(20, 1, 1, 2)
    for place, expected in (("near", 1.0), ("far", 0.0), ("near", 1.0)):
        features = {id(fake): seen[place], id(real): seen["near"]}
        network = SimpleNamespace(features=lambda images, found=features: found[id(images)])
        monkeypatch.setattr("gan.metrics.clouds.classifier", lambda _, network=network: network)
        assert METRICS["coverage"].value(load("digits"), fake, real, rng()) == expected
