"""Peers are held to the suite's own update, in units of how far that moves the players."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.peers.agreement import TOLERANCE, complaints, difference
from bench.peers.peer import COMPUTED, OneByOne, Start, check
from bench.peers.suite import Suite, start_of
from bench.peers.textbook import Textbook
from gan.data import load
from gan.errors import UsageError
from gan.run import Run
from gan.trainer import Trainer

RING = Run(data="ring", batch_size=16, precision="float64")


@dataclass
class Walker:
    """A peer whose players go the same distance in every step."""

    theta_g: Tensor
    theta_d: Tensor
    pace: tuple[float, float] = (1.0, 1.0)
    steps: int = field(default=99, init=False)

    def reset(self) -> None:
        """Back to the first weights."""
        self.steps = 0

    def block(self, steps: int) -> None:
        """So many steps on."""
        self.steps += steps

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Both players, each moved along all of its axes."""
        g, d = (pace * self.steps for pace in self.pace)
        return self.theta_g + g, self.theta_d + d


@pytest.fixture(scope="module")
def start() -> Start:
    """What a small game begins from."""
    return start_of(RING, load("ring"), 4)


@pytest.mark.parametrize(
    ("pace", "expected"), [((1.0, 1.0), 0.0), ((1.5, 1.0), 0.5), ((1.0, -1.0), 2.0)]
)
def test_the_difference_is_relative_to_the_way_gone(
    start: Start, pace: tuple[float, float], expected: float
) -> None:
    """The larger of both players', after the same steps, wherever the peers stood before."""
    one, other = (Walker(start.theta_g, start.theta_d, each) for each in (pace, (1.0, 1.0)))
    assert difference(one, other, start) == pytest.approx(expected)
    assert one.steps == other.steps == 3


@pytest.mark.parametrize(
    ("pace", "reference"), [((math.nan, 1.0), (1.0, 1.0)), ((1.0, 1.0), (1.0, 0.0))]
)
def test_what_is_lost_or_has_not_moved_agrees_with_nothing(
    start: Start, pace: tuple[float, float], reference: tuple[float, float]
) -> None:
    """Not a number, or infinite, and so never within a tolerance."""
    one, other = (Walker(start.theta_g, start.theta_d, each) for each in (pace, reference))
    found = difference(one, other, start)
    assert not found <= 1e9
    assert len(complaints({"one": found}, "other", 1e9)) == 1


def test_the_textbook_computes_the_suites_update(start: Start) -> None:
    """In float64 to rounding: torch's modules and optimiser are an oracle of their own."""
    assert difference(Textbook(start), Suite(start, "eager"), start) < TOLERANCE["float64"]


def test_the_textbook_adds_r1_as_the_suite_does() -> None:
    """The double backward, too."""
    start = start_of(replace(RING, penalty="r1", penalty_weight=None), load("ring"), 4)
    assert difference(Textbook(start), Suite(start, "eager"), start) < TOLERANCE["float64"]


def test_textbooks_one_by_one_are_an_ensemble() -> None:
    """Three seeds, each with its own batches and weights."""
    start = start_of(replace(RING, ensemble=3), load("ring"), 4)
    loops = OneByOne([Textbook(member) for member in start.members()])
    assert difference(loops, Suite(start, "eager"), start) < TOLERANCE["float64"]


@pytest.mark.parametrize(
    "changes",
    [
        {"beta1": 0.9},
        {"beta2": 0.99},
        {"generator_learning_rate": 2.01e-4},
        {"discriminator_learning_rate": 2.01e-4},
        {"penalty": "r1", "penalty_weight": 0.1},
        {"adam_epsilon": 1e-3},
    ],
)
def test_another_update_is_found(start: Start, changes: dict[str, Any]) -> None:
    """Three steps betray a forgotten penalty and every setting of Adam, also in float32."""
    other = replace(start, run=replace(start.run, **changes))
    assert difference(Textbook(other), Suite(start, "eager"), start) > TOLERANCE["float32"]


def test_a_block_does_not_depend_on_what_was_before_it(start: Start) -> None:
    """Weights, moments and batches begin anew: every block computes the same."""
    for peer in (Textbook(start), Suite(start, "eager")):
        ends = []
        for steps_before in (0, 3):
            peer.block(steps_before)
            peer.reset()
            peer.block(5)
            ends.append(torch.cat([theta.clone() for theta in peer.parameters()]))
        assert torch.equal(*ends)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss": "hinge"}, "peers are compared at loss non_saturating, not hinge"),
        ({"penalty": "wgan_gp"}, "peers are compared at penalty none, r1, not wgan_gp"),
        ({"optimiser": "sgd"}, "peers are compared at optimiser adam, not sgd"),
        ({"pack": 2}, "peers are compared at pack 1, not 2"),
        ({"discriminator_steps": 5}, "peers are compared at discriminator steps 1, not 5"),
        ({"precision": "bfloat16"}, "peers are compared at precision float32, float64, not "),
    ],
)
def test_games_that_peers_have_not_are_refused(changes: dict[str, Any], words: str) -> None:
    """In one line that names what they have."""
    run = replace(RING, penalty_weight=None, **{"precision": "float32", **changes})
    with pytest.raises(UsageError, match=f"^{words}") as refused:
        check(Trainer(run, load("ring")))
    assert refused.value.field in COMPUTED
