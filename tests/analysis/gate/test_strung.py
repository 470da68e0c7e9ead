"""Runs that were not made, of the pairs of those that were."""

import math
from typing import Any

import pytest

from analysis.gate import strung as module
from analysis.gate.pairs import CANARY
from analysis.gate.power import replayed
from analysis.gate.rates import markdown, sentences
from analysis.gate.strung import noticed, strung, wrongly
from tests.analysis.gate.recorded import CELLS, recorded


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Unchanged and slower runs, as a file holds them."""
    changes = (0.0, 0.0, 0.05, 0.05, 0.05)
    return [recorded(monkeypatch, seed, change, 0.02) for seed, change in enumerate(changes)]


def test_strung_runs_are_made_of_unchanged_screens(lines: list[dict[str, Any]]) -> None:
    """A screen that slowed runs made has no part; the same seed strings the same runs."""
    found = strung(lines, 20)
    assert found == strung(lines, 20)
    assert all(set(verdicts) == set(CELLS) for verdicts in found)
    assert not any("slower" in verdicts.values() for verdicts in found)
    slow = [{**line, "slowdown": 0.0} for line in lines[2:]]
    called = [list(verdicts.values()).count("slower") for verdicts in strung(slow, 20)]
    assert min(called) > 0


def test_a_strung_run_goes_on_with_another_screens_pairs(lines: list[dict[str, Any]]) -> None:
    """In whole screens: a run of one screen alone ends with it."""
    alone = strung(lines[:1], 1)
    screen = {**lines[0], "pairs": lines[0]["pairs"][:6], "took": lines[0]["took"][:6]}
    screen["seconds"] = lines[0]["seconds"] - sum(lines[0]["took"][6:])
    assert alone == [replayed(screen, 10.0)]


def test_a_slower_head_is_as_if_its_steps_had_been(lines: list[dict[str, Any]]) -> None:
    """Strung of shifted pairs; the canary is no step of head."""
    more = math.log1p(0.05)
    slow = [
        {**x, "pairs": [{n: v + more * (n != CANARY) for n, v in p.items()} for p in x["pairs"]]}
        for x in lines
    ]
    assert strung(lines, 5, slower=0.05) == strung(slow, 5)
    assert strung(lines, 5, slower=0.05) != strung(lines, 5)


def test_what_is_noticed_grows_with_the_change(
    lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nearly nothing to all; of too few runs nothing is said."""
    monkeypatch.setattr(module, "FEWEST", 5)
    monkeypatch.setattr(module, "RUNS", 10)
    monkeypatch.setattr(module, "RUNS_OF_EACH", 5)
    monkeypatch.setattr(module, "SLOWER", (0.001, 0.03, 0.2))
    assert noticed(lines) == wrongly(lines) == ""
    many = [{**line, "slowdown": 0.0, "pairs": quiet} for line in lines for quiet in [still(line)]]
    told = noticed(many)
    assert told.startswith("If every step of head had taken longer (of 5 runs each, strung ")
    assert "by 0.1 % 0.0 %, by 3 % " in told
    assert told.endswith(" and by 20 % 100.0 %.")
    assert told in markdown(many)
    assert told in sentences(many)


def still(line: dict[str, Any]) -> list[dict[str, float]]:
    """A line's pairs without the change that it was made with."""
    more = math.log1p(line["slowdown"])
    return [{n: v - more * (n != CANARY) for n, v in pair.items()} for pair in line["pairs"]]
