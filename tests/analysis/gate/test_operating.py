"""How often a whole gate run errs, on simulated pairs: the design, not the machine."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import UsageError
from analysis.estimates import share_interval
from analysis.gate import gate
from analysis.gate.exact import Exact
from analysis.gate.found import Found
from analysis.gate.gate import GRACE_SECONDS, Gate
from analysis.gate.pairs import CANARY, Timed
from analysis.gate.process import OutOfTimeError, WorkerError
from analysis.gate.verdicts import POWER, detectable, level_of_look, looks_of

CELLS: dict[str, dict[str, object]] = {f"cell{i}": {} for i in range(8)}
Draw = Callable[[np.random.Generator], float]


def run(
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    changes: Mapping[str, float],
    deviation: float,
    first: float = 0.0,
) -> Found:
    """A gate run whose pairs are drawn: normal log ratios; who comes first is slower by a share."""
    rng = np.random.default_rng([seed, 7])

    def drawn(_start: Any, cells: Mapping[str, Any], *_rest: Any, head_first: bool) -> Timed:
        slower = first if head_first else -first
        ratios = {
            name: float(rng.normal(math.log1p(changes.get(name, 0.0)) + slower, deviation))
            for name in [*cells, CANARY]
        }
        return Timed(log_ratios=ratios, seconds=dict.fromkeys(cells, (1.0, 1.0)))

    monkeypatch.setattr(gate, "timed", drawn)
    one = Gate(Path(), Path(), 10.0, seed, lambda _line: None)
    monkeypatch.setattr(one, "_exact", lambda _cells: Exact())
    return one.run(CELLS, {})


def verdicts(found: Found) -> list[str]:
    """Of the cells."""
    return [found.speed[name].verdict for name in CELLS]


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.04])
def test_an_unchanged_revision_is_rarely_slower(
    monkeypatch: pytest.MonkeyPatch, deviation: float
) -> None:
    """No more than 1 run in 100, of 8 cells each: the exact interval of the share allows it."""
    runs = [run(monkeypatch, seed, {}, deviation) for seed in range(100)]
    slower = sum("slower" in verdicts(found) for found in runs)
    assert share_interval(slower, len(runs)).low <= 0.01


def test_what_comes_first_may_be_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    """By two per cent, on a quiet machine: over two pairs it cancels."""
    runs = [run(monkeypatch, seed, {}, 0.005, first=0.02) for seed in range(40)]
    assert {verdict for found in runs for verdict in verdicts(found)} == {"no change"}


@pytest.mark.parametrize(
    ("change", "deviation", "least"), [(0.05, 0.01, 0.99), (0.05, 0.02, 0.9), (0.1, 0.03, 0.95)]
)
def test_a_slow_cell_is_called(
    monkeypatch: pytest.MonkeyPatch, change: float, deviation: float, least: float
) -> None:
    """One of eight, and no other with it."""
    runs = [run(monkeypatch, seed, {"cell3": change}, deviation) for seed in range(60)]
    hits = sum(found.speed["cell3"].verdict == "slower" for found in runs)
    assert hits / len(runs) >= least
    others = sum(verdicts(found).count("slower") for found in runs) - hits
    assert others <= 3


def test_everything_slower_is_called_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """All eight cells by 5 %, each pair off by 1 %."""
    changes = dict.fromkeys(CELLS, 0.05)
    runs = [run(monkeypatch, seed, changes, 0.01) for seed in range(20)]
    assert [verdicts(found) for found in runs] == [["slower"] * 8] * 20


def test_a_quiet_machine_needs_the_screen_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six pairs, and every cell is told how large a change could hide."""
    found = run(monkeypatch, 1, {}, 0.001)
    assert (len(found.pairs), found.screen_pairs) == (6, 6)
    assert verdicts(found) == ["no change"] * 8
    assert all(abs(found.speed[name].high) < 0.005 for name in CELLS)


@pytest.mark.parametrize("deviation", [0.003, 0.011, 0.025])
def test_a_change_that_is_told_as_detectable_is_called(
    monkeypatch: pytest.MonkeyPatch, deviation: float
) -> None:
    """In 95 of 100 whole runs: the screen may clear it, an early estimate may, and the floor."""
    change = detectable(deviation, looks_of(len(CELLS))[0], level_of_look(len(CELLS)))
    runs = [run(monkeypatch, seed, {"cell3": change}, deviation) for seed in range(120)]
    hits = sum(found.speed["cell3"].verdict == "slower" for found in runs)
    assert share_interval(hits, len(runs)).high >= POWER


def test_a_machine_that_changed_is_told_by_its_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frozen kernel beside head is as slow as head; also where the screen clears all cells."""
    changes = dict.fromkeys([*CELLS, CANARY], 0.2)
    assert run(monkeypatch, 1, changes, 0.01).machine_changed
    quiet = run(monkeypatch, 1, {CANARY: 0.2}, 0.001)
    assert len(quiet.pairs) == 6
    assert quiet.machine_changed
    assert not run(monkeypatch, 1, dict.fromkeys(CELLS, 0.2), 0.01).machine_changed


def test_a_worker_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice; the third failure ends the run with its reason."""
    said: list[str] = []
    one = Gate(Path(), Path(), 10.0, 0, said.append)
    failures = [WorkerError("killed by SIGKILL"), WorkerError("no answer within 1 s")]

    def work() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    assert one._again(work) == "done"
    assert said == [
        "a worker failed (killed by SIGKILL): again",
        "a worker failed (no answer within 1 s): again",
    ]
    failures += [WorkerError(f"failure {i}") for i in range(3)]
    with pytest.raises(UsageError, match="a worker failed 3 times, last: failure 2"):
        one._again(work)


def test_what_takes_much_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair: what was found before it is told. Without counting there is nothing to tell."""
    clock, limit = [0.0], 60 * 10.0 + GRACE_SECONDS
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    made: list[int] = []

    def hangs_at_last(_start: Any, cells: Mapping[str, Any], *_rest: Any, **_order: Any) -> Timed:
        made.append(len(made))
        if len(made) == 7:
            clock[0] = limit
            raise OutOfTimeError
        ratios = dict.fromkeys([*cells, CANARY], 0.0) | {"cell0": 0.03}
        return Timed(log_ratios=ratios, seconds=dict.fromkeys(cells, (1.0, 1.0)))

    monkeypatch.setattr(gate, "timed", hangs_at_last)
    said: list[str] = []
    one = Gate(Path(), Path(), 10.0, 0, said.append)
    monkeypatch.setattr(one, "_exact", lambda _cells: Exact())
    found = one.run(CELLS, {})
    assert (len(made), len(found.pairs), found.screen_pairs) == (7, 6, 6)
    assert verdicts(found) == ["inconclusive"] + ["no change"] * 7
    assert said[-1] == "a pair took longer than there was time for"

    def late(*_arguments: Any) -> Exact:
        raise OutOfTimeError

    monkeypatch.setattr(one, "_exact", late)
    with pytest.raises(UsageError, match="--minutes 10 ended before all cells were counted"):
        one.run(CELLS, {})


def test_a_training_that_takes_much_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It and those that wait for it are open."""
    one = Gate(Path(), Path(), 10.0, 0, lambda _line: None)

    def late(*_arguments: Any) -> Any:
        raise OutOfTimeError

    monkeypatch.setattr(one, "start", late)
    found = Found(Exact())
    one._train(found, {"one": {}, "two": {}})
    assert [(told.cell, told.verdict) for told in found.quality] == [
        ("one", "inconclusive"),
        ("two", "inconclusive"),
    ]
    assert {told.why for told in found.quality} == {"it took longer than there was time for"}


def test_without_time_for_a_first_pair_none_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take as long as counting did."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    one = Gate(Path(), Path(), 1.0, 0, lambda _line: None)

    def counted(_cells: Any) -> Exact:
        clock[0] += 30.0
        return Exact()

    monkeypatch.setattr(one, "_exact", counted)
    found = one.run(CELLS, {})
    assert (found.pairs, found.speed) == ([], {})


def test_the_budget_ends_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs that take a quarter of it each: no pair is begun that would not end in time."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    rng = np.random.default_rng(0)

    def slow(_start: Any, cells: Mapping[str, Any], *_rest: Any, **_order: Any) -> Timed:
        clock[0] += 150.0
        ratios = {name: float(rng.normal(0, 0.05)) for name in [*cells, CANARY]}
        return Timed(log_ratios=ratios, seconds=dict.fromkeys(cells, (1.0, 1.0)))

    monkeypatch.setattr(gate, "timed", slow)
    one = Gate(Path(), Path(), 10.0, 0, lambda _line: None)
    monkeypatch.setattr(one, "_exact", lambda _cells: Exact())
    found = one.run(CELLS, {})
    assert found.seconds <= 600
    assert set(verdicts(found)) == {"inconclusive"}
