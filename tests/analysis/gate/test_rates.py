"""Shares of a validation are exact, and its tables hold them."""

from typing import Any

import numpy as np
import pytest

from analysis.estimates import share_interval
from analysis.gate import rates as module
from analysis.gate import strung
from analysis.gate.pairs import CANARY
from analysis.gate.rates import (
    by_commit,
    goals,
    markdown,
    rates,
    sentences,
    spreads,
    standing,
)
from analysis.gate.strung import wrongly


def line(slowdown: float, verdicts: dict[str, str], change: float = 0.0) -> dict[str, Any]:
    """A run of six pairs that differ by a tenth of a per cent, in five minutes."""
    names = [*verdicts, CANARY]
    pairs = [{name: np.log1p(change) + 0.001 * i for name in names} for i in range(6)]
    cells = {name: {"verdict": verdict, "change": change} for name, verdict in verdicts.items()}
    return {
        "slowdown": slowdown,
        "head": "0123456789abcdef",
        "machine": "two cores",
        "minutes": 10.0,
        "seconds": 300.0,
        "machine_changed": False,
        "screen_pairs": 6,
        "cells": cells | {CANARY: {"verdict": "no change", "change": 0.001}},
        "pairs": pairs,
        "took": [30.0] * 6,
    }


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Three unchanged runs, one of which errs; two slowed ones."""
    monkeypatch.setattr(strung, "RUNS", 10)
    monkeypatch.setattr(strung, "RUNS_OF_EACH", 2)
    monkeypatch.setattr(strung, "FEWEST", 3)
    same, wrong = {"a": "no change", "b": "no change"}, {"a": "slower", "b": "inconclusive"}
    slow = {"a": "slower", "b": "slower"}
    return [
        *(line(0.0, verdicts) for verdicts in (same, same, wrong)),
        *(line(0.05, slow, change) for change in (0.04, 0.07)),
    ]


def test_shares_are_of_cells_and_of_runs(found: list[dict[str, Any]]) -> None:
    """With Clopper and Pearson's interval; the canary is no cell."""
    told = {(rate.slowdown, rate.what): rate for rate in rates(found)}
    assert told[0.0, "cells slower"].share == share_interval(1, 6)
    assert told[0.0, "cells no change"].count == 4
    assert told[0.0, "runs with a cell slower"].share == share_interval(1, 3)
    assert told[0.05, "cells slower"].share == share_interval(4, 4)
    assert told[0.05, "runs with the machine changed"].count == 0


def test_an_exact_part_that_errs_is_counted(found: list[dict[str, Any]]) -> None:
    """Of the unchanged runs whose lines tell; a slowed step has other counters, rightly."""
    what = "runs with other counters or numbers"
    assert what not in {rate.what for rate in rates(found)}
    for line, differing in zip(found, (None, [], ["a"], ["a"], ["a"]), strict=True):
        if differing is not None:
            line["differing"] = differing
    assert [(r.slowdown, r.count, r.of) for r in rates(found) if r.what == what] == [(0.0, 1, 2)]


def test_pairs_of_unchanged_runs_have_a_spread(found: list[dict[str, Any]]) -> None:
    """Slowed ones have no part in it."""
    told = {name: (deviation, count) for name, deviation, count in spreads(found)}
    assert set(told) == {"a", "b", CANARY}
    deviation, count = told["a"]
    assert deviation == pytest.approx(0.001 * np.std([*range(6)] * 3, ddof=1))
    assert count == 18


def test_the_words_have_the_numbers(found: list[dict[str, Any]]) -> None:
    """Each share with its interval, the runs that were not made among them."""
    said = list(sentences(found))
    assert "slow-down 5%: cells slower 4 of 4, 100.0% [39.8%, 100.0%]" in said
    expected = (
        "Of 10 runs strung together of the screens of 3 unchanged ones 0 call a cell slower: 0.0 %."
    )
    assert expected in said
    assert expected in markdown(found)
    assert wrongly(found[1:]) == ""
    assert list(sentences([])) == []


def test_a_bias_of_unchanged_pairs_shows_commit_by_commit(
    found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mean and standard error of 12 log ratios, six of each run; another commit has too few."""
    monkeypatch.setattr(module, "FEWEST_OF_COMMIT", 2)
    found[2]["head"] = "another"
    values = 0.001 * np.array([*range(6)] * 2)
    error = 100 * values.std(ddof=1) / np.sqrt(12)
    each = f"+0.25 ± {error:.2f} %"
    expected = (
        "2 unchanged runs of 0123456789: 0 of 4 cells called slower, 0.0 % [0, 60]; "
        f"head over base on average of all pairs: a {each}, b {each} and canary {each}; "
        "of all cells, run by run +0.25 ± 0.00 %."
    )
    assert list(by_commit(found)) == [expected]
    assert f"- {expected}" in markdown(found)
    assert expected in sentences(found)


def test_goals_are_held_against_the_counts(found: list[dict[str, Any]]) -> None:
    """Those of which there are runs, in the page too."""
    expected = [
        (
            "Unchanged, runs with a cell slower: the goal is at most 1.0 %; 1 of 3, 33.3 % "
            "[0.84, 91], missed, which its interval does not show."
        ),
        (
            "Slower by 5 %, cells slower: the goal is at least 95.0 %; 4 of 4, 100.0 % [40, 100], "
            "reached, which its interval does not show; by the runs' estimates cells took 5.5 % to "
            "5.5 % more."
        ),
    ]
    assert list(goals(found)) == expected
    assert all(f"- {goal}" in markdown(found) for goal in expected)
    assert all(goal in sentences(found) for goal in expected)
    assert list(goals([])) == []


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [
        (100, 100, "reached, as its whole interval is"),
        (60, 60, "reached, which its interval does not show"),
        (90, 100, "missed, which its interval does not show"),
        (50, 100, "missed, by its whole interval"),
    ],
)
def test_a_share_reaches_a_goal_or_misses_it(count: int, of: int, expected: str) -> None:
    """By its estimate; whether that is shown, its interval says."""
    assert standing(share_interval(count, of), 0.95, 1.0) == expected
    other = share_interval(of - count, of)
    assert standing(other, 0.0, 0.05) == expected


def test_tables_have_every_run_and_cell(found: list[dict[str, Any]]) -> None:
    """Counts with shares, estimates with the least and the most."""
    text = markdown(found)
    assert text.startswith("two cores; 5 runs of 0123456789\n\n| head | runs | cells | slower |")
    rows = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| ")]
    assert rows[2][:4] == ["unchanged", "3", "6", "1: 16.7 % [0.42, 64]"]
    assert rows[3][-2:] == ["2: 100.0 % [16, 100]", "5.0, 5.0"]
    a = next(row for row in rows if row[0] == "a")
    assert a[1:4] == ["0.2 % (18)", "1 of 3", "2 of 2"]
    assert a[5] == "+5.5 % (+4.0 % to +7.0 %)"
    assert rows[-1][0] == CANARY


def test_slowed_runs_alone_have_tables(found: list[dict[str, Any]]) -> None:
    """Without a spread of unchanged pairs."""
    text = markdown(found[3:])
    assert "| a |  | 2 of 2 |" in text
    assert "strung" not in text
