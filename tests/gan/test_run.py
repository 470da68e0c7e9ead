"""Run: what it accepts, what it fills in, and its streams of random numbers."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan.data import load
from gan.domains import WHOLE
from gan.errors import UsageError
from gan.optimisers import OPTIMISERS
from gan.run import NAMES, Run, check_device
from gan.train import train


@pytest.mark.parametrize("field", NAMES)
def test_unknown_names_list_the_valid_ones(field: str) -> None:
    """Every named field refuses an unknown name and lists all that it knows."""
    with pytest.raises(UsageError) as caught:
        Run(**{field: "nonsense"})  # type: ignore[arg-type]  # a wrong value on purpose
    message = str(caught.value)
    assert message.startswith("unknown ")
    assert "'nonsense'" in message
    assert all(name in message for name in NAMES[field])
    assert "\n" not in message


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("batch_size", 0, "batch_size must be at least 1, not 0"),
        ("batch_size", 2.5, "batch_size must be a whole number, not 2.5"),
        ("batch_size", True, "batch_size must be at least 1, not True"),
        ("steps", -1, "steps must be at least 0, not -1"),
        ("steps", 10**20, "steps must be below 2**53, not 100000000000000000000"),
        ("steps", 1e30, "steps must be below 2**53, not 1e+30"),
        ("records", math.inf, "records must be below 2**53, not inf"),
        (
            "evaluation_samples",
            2**53,
            "evaluation_samples must be below 2**53, not 9007199254740992",
        ),
        ("seed", 2**63, "seed must be in [0, 9.22337e+18), not 9223372036854775808"),
        ("seed", -1, "seed must be in [0, 9.22337e+18), not -1"),
        ("beta1", 1.0, "beta1 must be in [0, 1), not 1.0"),
        ("beta2", math.nan, "beta2 must be in [0, 1), not nan"),
        (
            "generator_learning_rate",
            math.inf,
            "generator_learning_rate must be in [0, 3.4e+38), not inf",
        ),
        (
            "discriminator_learning_rate",
            1e40,
            "discriminator_learning_rate must be in [0, 3.4e+38), not 1e+40",
        ),
        ("penalty_weight", -1.0, "penalty_weight must be at least 0, not -1.0"),
        ("latent_dim", 0, "latent_dim must be at least 1, not 0"),
        ("batch_size", "64", "batch_size must be at least 1, not '64'"),
        ("batch_size", None, "batch_size must be at least 1, not None"),
    ],
)
def test_numbers_outside_their_domain_are_one_clear_line(
    field: str, value: object, message: str
) -> None:
    """A bad number is named with the domain and the value."""
    with pytest.raises(UsageError) as caught:
        Run(**{field: value})  # type: ignore[arg-type]  # a wrong value on purpose
    assert str(caught.value) == message


@pytest.mark.parametrize("field", [name for name in WHOLE if name != "seed"])
def test_whole_numbers_end_where_json_rounds_them(field: str) -> None:
    """The largest comes back from JSON as it was; the next is refused."""
    largest = Run(**{field: 2**53 - 1})  # type: ignore[arg-type]  # a whole number
    assert json.loads(json.dumps(largest.as_dict()))[field] == float(2**53 - 1) == 2**53 - 1
    with pytest.raises(UsageError, match=rf"^{field} must be below 2\*\*53, not {2**53}$"):
        Run(**{field: 2**53})  # type: ignore[arg-type]  # a whole number


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_largest_rates_of_the_domain_are_runs_that_diverge(optimiser: str) -> None:
    """No optimiser fails on a number that a run takes."""
    rate = 3.39e38
    short = {"data": "ring", "steps": 3, "records": 1, "batch_size": 4, "evaluation_samples": 10}
    rates = {"generator_learning_rate": rate, "discriminator_learning_rate": rate}
    assert train(Run(optimiser=optimiser, **short, **rates)).status == "diverged"  # type: ignore[arg-type]


def test_usual_settings_are_written_into_the_record() -> None:
    """What None stands for is resolved, so a stored record never depends on a default elsewhere."""
    assert Run(penalty="r1").penalty_weight == 5.0
    assert Run(penalty="wgan_gp").penalty_weight == 10.0
    assert Run(loss="wasserstein").weight_clip == 0.01
    assert Run(loss="wasserstein", penalty="wgan_gp").weight_clip == 0.0
    assert Run(loss="wasserstein", weight_clip=0.0).weight_clip == 0.0
    assert Run(loss="wasserstein", model="mlp_spectral").weight_clip == 0.0
    assert Run(loss="hinge").weight_clip == 0.0


def test_penalty_on_a_batch_normalised_discriminator_is_refused() -> None:
    """The per-sample gradient is not defined there; the message says what to use."""
    with pytest.raises(UsageError, match="use dcgan_layernorm"):
        Run(model="dcgan", penalty="r1")
    assert Run(model="dcgan_layernorm", penalty="r1").penalty == "r1"


def test_record_goes_through_json() -> None:
    """as_dict gives back an equal run."""
    run = Run(loss="hinge", data="ring", seed=3)
    assert Run(**run.as_dict()) == run  # type: ignore[arg-type]  # the fields of another run


@given(st.integers(0, 2**63 - 1), st.sampled_from(["weights", "data", "noise"]))
def test_streams_depend_on_seed_and_purpose_alone(seed: int, purpose: str) -> None:
    """Two runs that differ in their loss draw the same numbers; another purpose draws others."""
    one, other = Run(seed=seed, loss="hinge"), Run(seed=seed, loss="saturating")
    drawn = torch.rand(4, generator=one.rng(purpose))
    assert torch.equal(drawn, torch.rand(4, generator=other.rng(purpose)))
    assert not torch.equal(drawn, torch.rand(4, generator=one.rng("evaluation")))


def test_batch_larger_than_the_data_is_refused() -> None:
    """The message gives both numbers."""
    digits = load("digits")
    with pytest.raises(UsageError, match=r"batch size 5000 is larger than the [\d,]+ training"):
        Run(batch_size=5000).check(digits)


def test_model_that_cannot_make_the_data_is_refused() -> None:
    """An image model on points fails before any work."""
    with pytest.raises(UsageError, match="dcgan makes images"):
        Run(model="dcgan", data="ring").check(load("ring"))


@pytest.mark.parametrize("name", ["gpu", "tpu", "cuda:x", "mps", ""])
def test_unknown_device_lists_the_valid_ones(name: str) -> None:
    """Only cpu, cuda and cuda:N are devices here."""
    with pytest.raises(UsageError, match="choose from cpu, cuda, cuda:N"):
        check_device(name)


def test_absent_device_says_how_many_there_are() -> None:
    """A CUDA device beyond the last is an error."""
    with pytest.raises(UsageError, match=r"device cuda:99 is absent: torch sees \d+ CUDA devices"):
        check_device("cuda:99")


def test_missing_data_dir_is_refused(tmp_path: Path) -> None:
    """A folder without the files is named."""
    with pytest.raises(UsageError, match=str(tmp_path)):
        load("mnist", tmp_path)
