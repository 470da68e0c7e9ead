"""Differences of protocol: computed from the runs' own fields, typed where no field says it."""

from collections.abc import Mapping

import pandas as pd
import pytest

from analysis.reproduction.protocol import (
    Protocol,
    data_difference,
    differences,
    field_differences,
    trials_difference,
    unstated,
)

PAPER = Protocol(
    {"run.steps": 400_000, "batch_size": 100, "run.beta1": 0.8, "run.average_decay": 0.0},
    10,
    ("other weather",),
)


def runs(n: int = 10, fields: Mapping[str, object] | None = None) -> pd.DataFrame:
    """So many seeds of the published protocol, but for these fields."""
    usual = {"data": "ring", "run.steps": 400_000, "batch_size": 100, "run.beta1": 0.8}
    return pd.DataFrame(
        [{**usual, "run.average_decay": 0.0, **(fields or {}), "seed": s} for s in range(n)]
    )


def test_the_published_protocol_has_no_difference_but_the_typed_ones() -> None:
    """All fields alike, as many trials."""
    assert differences(PAPER, runs(), "ring") == ("other weather",)


@pytest.mark.parametrize(
    ("fields", "clause"),
    [
        ({"run.steps": 20_000}, "20,000 of 400,000 steps"),
        ({"run.steps": 500_000}, "steps 500,000 instead of 400,000"),
        ({"batch_size": 64}, "batch 64 instead of 100"),
        ({"run.beta1": 0.5}, "β₁ 0.5 instead of 0.8"),
        (
            {"run.average_decay": 0.995},
            "samples of the generator's moving average (decay 0.995)",
        ),
    ],
)
def test_a_field_that_differs_is_a_clause(fields: dict[str, float], clause: str) -> None:
    """With both values."""
    assert field_differences(PAPER, runs(fields=fields)) == [clause]


def test_a_field_that_differs_among_the_runs_shows_all_values() -> None:
    """Such as rates of two methods."""
    both = pd.concat((runs(), runs(fields={"run.beta1": 0.5})))
    assert field_differences(PAPER, both) == ["β₁ 0.5 and 0.8 instead of 0.8"]


def test_fields_that_old_results_lack_are_not_invented() -> None:
    """Neither a missing column nor a null is a difference."""
    assert field_differences(PAPER, runs().drop(columns="run.beta1")) == []
    assert field_differences(PAPER, runs(fields={"run.beta1": None})) == []


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [(8, ["8 of 10 trials"]), (1, ["1 of 10 trials"]), (10, []), (12, ["12 trials instead of 10"])],
)
def test_trials_are_counted_by_seed(seeds: int, expected: list[str]) -> None:
    """Against the paper's own number."""
    assert trials_difference(PAPER, runs(seeds)) == expected


def test_two_files_of_one_seed_are_one_trial() -> None:
    """As everywhere."""
    assert trials_difference(PAPER, pd.concat([runs(5), runs(5)])) == ["5 of 10 trials"]


def test_a_paper_that_does_not_say_its_trials_is_told() -> None:
    """Its number may be of one run."""
    clause = ["the paper does not say how many runs its number is of"]
    assert trials_difference(Protocol({}, 0), runs()) == clause


def test_other_data_are_said_in_words() -> None:
    """Names of the suite as a reader knows them; an unknown one as it is."""
    assert data_difference(runs(fields={"data": "stacked_digits"}), "stacked_mnist") == [
        "stacked 8×8 digits instead of stacked MNIST"
    ]
    assert data_difference(runs(fields={"data": "mine"}), "ring") == ["mine instead of ring"]
    assert data_difference(runs(), "ring") == []


def test_what_the_paper_does_not_give_is_shown_with_our_values() -> None:
    """In one clause; nothing if the runs do not say it, either."""
    paper = Protocol({}, 0, (), ("run.steps", "batch_size", "run.gamma"))
    clause = "not given in the paper, here: steps 400,000 and batch 100"
    assert unstated(paper, runs()) == [clause]
    assert unstated(Protocol({}, 0, (), ("run.gamma",)), runs()) == []
    assert clause in differences(paper, runs(), "ring")


def test_images_name_their_classifier() -> None:
    """The least accurate one, if runs differ."""
    images = runs().assign(classifier_accuracy=[0.98] * 9 + [0.971])
    clause = "modes counted by the suite's own classifier (accuracy 97.1\N{NO-BREAK SPACE}%)"
    assert clause in differences(PAPER, images, "ring")
    assert differences(PAPER, runs().assign(classifier_accuracy=None), "ring") == PAPER.words
