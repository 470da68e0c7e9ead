"""Timing in turns: what is timed, in which order, and what is made of it."""

import time
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.peers.turns import in_turns, seconds_of, steps_of


class Clock:
    """A clock that only blocks move."""

    def __init__(self) -> None:
        self.now, self.log = 0.0, list[str]()

    def read(self) -> float:
        """The time."""
        return self.now


class Timed:
    """A peer that takes as long as it is told."""

    def __init__(self, clock: Clock, name: str, seconds: float) -> None:
        self.clock, self.name, self.seconds = clock, name, seconds
        self.fresh = False

    def reset(self) -> None:
        """Takes its time, which must not count."""
        self.fresh = True
        self.clock.now += 100.0

    def block(self, steps: int) -> None:
        """So many steps."""
        assert self.fresh
        self.fresh = False
        self.clock.log.append(self.name)
        self.clock.now += steps * self.seconds

    def parameters(self) -> tuple[Tensor, Tensor]:
        """None."""
        return torch.empty(0), torch.empty(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the timing reads."""
    made = Clock()
    monkeypatch.setattr(time, "perf_counter", made.read)
    return made


def test_a_block_is_timed_without_its_reset(clock: Clock) -> None:
    """3 steps of 2 seconds."""
    assert seconds_of(Timed(clock, "a", 2.0), 3) == 6.0


@pytest.mark.parametrize("seconds", [1e-6, 1e-3, 0.049, 0.05, 3.0])
def test_a_block_lasts_at_least_a_twentieth_of_a_second(clock: Clock, seconds: float) -> None:
    """And hardly longer, unless one step does."""
    steps = steps_of(Timed(clock, "a", seconds))
    assert steps * seconds >= 0.05 * (1 - 1e-9)
    assert steps == 1 or steps * seconds < 0.12


def test_seconds_per_step_are_each_peers_own(clock: Clock) -> None:
    """Whatever the lengths of their blocks."""
    peers = {name: Timed(clock, name, s) for name, s in (("a", 0.002), ("b", 0.7), ("c", 0.01))}
    found = in_turns(peers, np.random.default_rng(0))
    assert found == pytest.approx({"a": 0.002, "b": 0.7, "c": 0.01})


def orders(clock: Clock, seed: int, blocks: int) -> list[tuple[str, ...]]:
    """The order of three peers in each round."""
    peers: Mapping[str, Timed] = {name: Timed(clock, name, 0.1) for name in "abc"}
    in_turns(peers, np.random.default_rng(seed), blocks)
    log = clock.log[-3 * blocks :]
    return [tuple(log[place : place + 3]) for place in range(0, len(log), 3)]


def test_every_round_has_every_peer_once_in_an_order_of_its_own(clock: Clock) -> None:
    """All six orders appear; the seed decides which when."""
    found = orders(clock, 0, 60)
    assert all(sorted(order) == ["a", "b", "c"] for order in found)
    assert len(set(found)) == 6
    assert orders(clock, 0, 60) == found
    assert orders(clock, 1, 60) != found


def test_one_slow_moment_does_not_count(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The median of the blocks."""
    peer = Timed(clock, "a", 0.1)
    durations = iter([*[0.1] * 7, 50.0, *[0.1] * 7])

    def block(_steps: int) -> None:
        clock.now += next(durations)

    monkeypatch.setattr(peer, "block", block)
    assert in_turns({"a": peer}, np.random.default_rng(0)) == pytest.approx({"a": 0.1})
