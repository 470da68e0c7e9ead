"""One pair of processes: what cancels, and what is told of a cell that one of them can't run."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.gate import gate
from analysis.gate.exact import Change, Exact, changes, exact, first_difference
from analysis.gate.found import Found
from analysis.gate.gate import Gate
from analysis.gate.pairs import CANARY, CANARY_EVERY, Timed, timed
from analysis.gate.process import RefusalError, WorkerError

Block = Callable[[float], float]


class Pretend:
    """A worker on a clock that both share; a block's time is a function of when it is taken."""

    def __init__(
        self, clock: list[float], seconds: Block, refuses: str = "", side: str = "head"
    ) -> None:
        self.side, self.refused = side, ("prepare", "count")
        self._clock, self._seconds, self._refuses = clock, seconds, refuses
        self._sent: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.told: Callable[[str], None] = lambda _name: None
        self.closed = False

    def ask(self, name: str, _timeout: float = 0.0, **arguments: Any) -> dict[str, Any]:
        """Answer at once."""
        self.send(name, **arguments)
        return self.answer()

    def send(self, name: str, **arguments: Any) -> None:
        """Keep a request."""
        self.asked.append(name)
        self.told(name)
        self._sent.append({"do": name, **arguments})

    def answer(self, _timeout: float = 0.0) -> dict[str, Any]:
        """Of the oldest request."""
        request = self._sent.pop(0)
        if request.get("cell") == self._refuses and request["do"] in self.refused:
            raise RefusalError("TypeError: no such cell", self.side)
        if request["do"] == "length":
            return {"steps": 10}
        if request["do"] == "golden":
            return {"trace": [[1.0], [self._seconds(0.0)]], "sha256": str(self._seconds(0.0))}
        if request["do"] == "count":
            return {"counters": {"operators_per_step": 7, "flops_per_step": 100}}
        if request["do"] in ("block", "canary"):
            now = self._clock[0]
            steps = request["steps" if request["do"] == "block" else "blocks"]
            self._clock[0] += steps * self._seconds(now)
            return {"seconds": steps * self._seconds(now)}
        return {}

    def __enter__(self) -> "Pretend":
        """Itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Note it."""
        self.closed = True


def pair(base: Block, head: Block, refuses: tuple[str, str] = ("", "")) -> Any:
    """How to start two of them."""
    clock = [0.0]
    made = Pretend(clock, base, refuses[0], "base"), Pretend(clock, head, refuses[1])
    return lambda: made


def test_the_ratio_of_two_steady_workers_is_exact() -> None:
    """Whatever the order of quads; the kernel beside them too."""
    start = pair(lambda _t: 0.01, lambda _t: 0.0105)
    found = timed(start, {"ring": {}}, 5, np.random.default_rng(0))
    assert math.isclose(found.log_ratios["ring"], math.log(1.05))
    assert math.isclose(found.log_ratios[CANARY], math.log(1.05))
    assert found.seconds["ring"] == pytest.approx((0.01, 0.0105))
    assert found.seconds[CANARY] == pytest.approx((0.01, 0.0105))
    assert all(worker.closed for worker in start())


def test_a_drift_cancels_within_a_quad() -> None:
    """A machine that slows down by a tenth while a cell is timed says nothing of the revisions."""

    def drifting(t: float) -> float:
        return 0.01 * math.exp(0.02 * t)

    found = timed(pair(drifting, drifting), {"ring": {}}, 20, np.random.default_rng(1))
    assert abs(found.log_ratios["ring"]) < 2e-4
    # Without alternation the second half would be 10 % slower than the first.
    assert drifting(10.0) / drifting(5.0) > 1.1


def test_one_slow_moment_does_not_move_the_median() -> None:
    """A quad in which another program ran is one of many."""
    calls = [0]

    def disturbed(_t: float) -> float:
        calls[0] += 1
        return 0.05 if calls[0] in (6, 7) else 0.01

    found = timed(pair(lambda _t: 0.01, disturbed), {"ring": {}}, 9, np.random.default_rng(2))
    assert found.log_ratios["ring"] == pytest.approx(0.0)


def test_a_step_in_canaries_is_the_same_on_a_slower_machine() -> None:
    """One that takes twice as long from the middle of a cell on; seconds tell of it."""

    def slower(t: float) -> float:
        return 0.01 if t < 4.0 else 0.02

    start = pair(lambda t: 1.05 * slower(t), slower)
    found = timed(start, {"ring": {}}, 20, np.random.default_rng(3))
    assert found.in_canaries == {"ring": pytest.approx(1.0)}
    assert found.log_ratios[CANARY] == pytest.approx(-math.log(1.05))
    assert found.seconds["ring"][1] == 0.02


def test_canaries_stand_between_the_quads() -> None:
    """Of base and head alike; a cell's own block that is not timed follows each."""
    start = pair(lambda _t: 0.01, lambda _t: 0.01)
    timed(start, {"ring": {}}, 8, np.random.default_rng(0))
    for worker in start():
        asked = worker.asked[worker.asked.index("canary") :]
        quads = CANARY_EVERY * ["block"] * 2
        assert asked == [*["canary"] * 2, "block", *quads, *["canary"] * 2, "block", *["block"] * 4]


@pytest.mark.parametrize("head_first", [False, True])
def test_who_is_asked_first_is_said_and_the_blocks_order_is_drawn(*, head_first: bool) -> None:
    """What both are asked, in the order of the pair; canaries and blocks in either."""
    firsts: dict[str, list[str]] = {"prepare": [], "length": [], "canary": [], "block": []}
    for seed in range(20):
        told: list[tuple[str, str]] = []
        start = pair(lambda _t: 0.01, lambda _t: 0.01)
        for side, worker in zip(("base", "head"), start(), strict=True):
            worker.told = lambda name, side=side, told=told: told.append((name, side))
        timed(start, {"ring": {}}, 1, np.random.default_rng(seed), head_first=head_first)
        for name, sides in firsts.items():
            sides.append(next(side for asked, side in told if asked == name))
    for name in ("prepare", "length"):
        assert firsts[name] == ["head" if head_first else "base"] * 20
    for name in ("canary", "block"):
        assert 4 <= firsts[name].count("base") <= 16


def test_who_comes_first_is_drawn_and_then_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every two pairs each side once; started in the same order."""
    orders: list[bool] = []
    started: list[int] = []

    def note(start: Callable[[], object], *_rest: object, head_first: bool) -> Timed:
        orders.append(head_first)
        start()
        return Timed()

    def worker(side: int) -> Ready:
        started.append(side)
        return Ready()

    monkeypatch.setattr(gate, "timed", note)
    for seed in range(20):
        one = Gate(Path(), Path(), 10.0, seed, lambda _said: None)
        monkeypatch.setattr(one, "_worker", worker)
        found = Found(Exact())
        for _ in range(4):
            one.pair(found, {})
    assert started == [side for order in orders for side in ((1, 0) if order else (0, 1))]
    assert all(one != other for one, other in zip(orders[::2], orders[1::2], strict=True))
    assert 10 <= sum(orders[::2]) <= 30


class Ready:
    """A worker that started."""

    def ready(self) -> None:
        """At once."""


def test_no_cell_no_canary() -> None:
    """A pair that can time nothing says nothing."""
    start = pair(lambda _t: 0.01, lambda _t: 0.01, ("ring", ""))
    found = timed(start, {"ring": {}}, 2, np.random.default_rng(0))
    assert (found.log_ratios, found.in_canaries) == ({}, {})


@pytest.mark.parametrize(
    ("refuses", "side"), [(("new", ""), "base"), (("", "new"), "head"), (("new", "new"), "base")]
)
def test_a_cell_that_one_cannot_run_is_told(refuses: tuple[str, str], side: str) -> None:
    """And the others are timed all the same."""
    start = pair(lambda _t: 0.01, lambda _t: 0.01, refuses)
    found = timed(start, {"ring": {}, "new": {}}, 2, np.random.default_rng(0))
    assert found.refused == {"new": (side, "TypeError: no such cell")}
    assert set(found.log_ratios) == {"ring", CANARY}


@pytest.mark.parametrize("request_", ["length", "block"])
def test_a_cell_that_fails_while_it_is_timed_is_told(request_: str) -> None:
    """It prepared well, and head can't take its steps: nothing of it counts, all of the other."""
    start = pair(lambda _t: 0.01, lambda _t: 0.01, ("", "new"))
    start()[1].refused = (request_,)
    found = timed(start, {"new": {}, "ring": {}}, 2, np.random.default_rng(0))
    assert found.refused == {"new": ("head", "TypeError: no such cell")}
    assert set(found.log_ratios) == {"ring", CANARY}


def test_a_cell_that_is_refused_later_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was in doubt: no more pairs could settle it, and it is broken."""

    def refuses_at_last(_start: object, cells: Any, *_rest: object, **_order: object) -> Timed:
        made.append([*cells])
        refused = {"new": ("head", "it broke")} if "new" in cells and len(made) > 7 else {}
        ratios = {
            name: 0.06 * (-1) ** len(made) for name in [*cells, CANARY] if name not in refused
        }
        return Timed(log_ratios=ratios, refused=refused, took=1.0)

    made: list[list[str]] = []
    monkeypatch.setattr(gate, "timed", refuses_at_last)
    one = Gate(Path(), Path(), 10.0, 0, lambda _said: None)
    found = one.timing({"ring": {}, "new": {}}, Found(Exact()))
    assert made[7:9] == [["ring", "new"], ["ring"]]
    assert found.verdict("new") == "broken"


def test_a_worker_that_dies_leaves_the_other_closed_too() -> None:
    """In the middle of a block."""

    def dies(t: float) -> float:
        if t > 0.5:
            raise WorkerError("killed by SIGKILL")
        return 0.01

    start = pair(lambda _t: 0.01, dies)
    with pytest.raises(WorkerError):
        timed(start, {"ring": {}}, 50, np.random.default_rng(0))
    assert all(worker.closed for worker in start())


def test_counters_and_traces_are_compared() -> None:
    """Of every cell that both can run."""
    base, head = pair(lambda _t: 1.0, lambda _t: 2.0, ("", "new"))()
    found = exact(base, head, {"ring": {}, "new": {}})
    assert found.numerics == {"ring": 2}
    assert found.changes == []
    assert found.counters == {"ring": {"operators_per_step": 7, "flops_per_step": 100}}
    assert found.refused == {"new": ("head", "TypeError: no such cell")}


def test_a_changed_counter_is_named_with_both_values() -> None:
    """More is worse; what came or went is no cost that rose."""
    found = changes("ring", {"a": 1, "b": 2, "c": 3}, {"b": 3, "c": 2, "d": 1})
    assert found == [
        Change("ring", "a", 1, None),
        Change("ring", "b", 2, 3),
        Change("ring", "c", 3, 2),
        Change("ring", "d", None, 1),
    ]
    assert [change.is_worse for change in found] == [False, True, False, False]


@pytest.mark.parametrize(
    ("base", "head", "step"),
    [
        ([[1.0], [2.0]], [[1.0], [2.0]], 0),
        ([[1.0], [2.0]], [[1.0], [2.5]], 2),
        ([[float("nan")], [2.0]], [[float("nan")], [2.5]], 2),
    ],
)
def test_the_first_different_step_is_found(
    base: list[list[float]], head: list[list[float]], step: int
) -> None:
    """0 where only the state after the last is another."""
    assert first_difference({"trace": base, "sha256": "a"}, {"trace": head, "sha256": "b"}) == step
    assert first_difference({"trace": base, "sha256": "a"}, {"trace": head, "sha256": "a"}) is None


def test_what_differs_is_a_counter_or_a_number() -> None:
    """Each cell once."""
    found = Exact(
        changes=[Change("ring", "flops_per_step", 1, 2), Change("ring", "parameters", 1, 2)],
        numerics={"ring": 3, "digits": 0, "same": None},
    )
    assert found.differing() == {"ring", "digits"}
