"""A validation's runs once more with smaller budgets."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.errors import UsageError
from analysis.estimates import share_interval
from analysis.gate.pairs import CANARY
from analysis.gate.power import replayed, table
from analysis.gate.power_figure import caption, files
from analysis.gate.rates import markdown
from analysis.gate.validation import drawn
from tests.analysis.gate.recorded import recorded


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Unchanged and slower runs, as a file holds them."""
    changes = (0.0, 0.0, 0.05, 0.05, 0.05)
    return [recorded(monkeypatch, seed, change, 0.02) for seed, change in enumerate(changes)]


def test_the_whole_budget_gives_the_verdicts_that_were_recorded(
    lines: list[dict[str, Any]],
) -> None:
    """Of every run and cell."""
    for line in lines:
        told = {n: cell["verdict"] for n, cell in line["cells"].items() if n != CANARY}
        assert replayed(line, 10.0) == told


def test_a_smaller_budget_settles_no_more(lines: list[dict[str, Any]]) -> None:
    """Two minutes are a screen that ends early; none is nothing."""
    slow = lines[2]
    assert set(replayed(slow, 0.1).values()) == {"inconclusive"}
    assert set(replayed(slow, 2.0).values()) == {"inconclusive"}
    settled = [
        sum(v != "inconclusive" for v in replayed(slow, minutes).values())
        for minutes in (2.0, 7.0, 10.0)
    ]
    assert settled == sorted(settled)
    assert settled[-1] > 0


def test_a_machine_that_changed_calls_no_revision(lines: list[dict[str, Any]]) -> None:
    """As in a gate run's own table."""
    line = lines[2]
    moved = [{**pair, CANARY: 0.1 + 0.001 * i} for i, pair in enumerate(line["pairs"])]
    assert "slower" not in replayed({**line, "pairs": moved}, 10.0).values()


def test_a_row_is_counts_of_cells_and_runs(lines: list[dict[str, Any]]) -> None:
    """With exact intervals; a budget larger than a run's own has none of it."""
    found = table(lines, [10.0, 12.0])
    assert found[["slowdown", "minutes", "cells", "runs"]].to_numpy().tolist() == [
        [0.0, 10.0, 16, 2],
        [0.05, 10.0, 24, 3],
    ]
    slower = sum(v == "slower" for line in lines[2:] for v in replayed(line, 10.0).values())
    row = found.iloc[1]
    assert row["slower"] == slower
    expected = share_interval(slower, 24)
    assert (row["share"], row["low"], row["high"]) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )


def test_the_figure_says_what_the_largest_budget_found() -> None:
    """In shares with their intervals."""
    rows = pd.DataFrame(
        {
            "slowdown": [0.0, 0.05, 0.05],
            "minutes": [10, 5, 10],
            "slower": [0, 10, 20],
            "settled": [80, 30, 30],
            "cells": [80, 40, 40],
            "share": [0.0, 0.25, 0.5],
            "low": [0.0, 0.127, 0.338],
            "high": [0.045, 0.412, 0.662],
        }
    )
    assert caption(rows) == (
        "Called slower: 0 of 80 cells that are unchanged in 10 minutes (0 %, 95 % interval 0 % to "
        "4.5 %) and 20 of 40 cells that are slower by 5 % in 10 minutes (50 %, 95 % interval "
        "34 % to 66 %)."
    )
    made = files(rows)
    assert set(made) == {"power.svg", "power.png", "power.csv", "power.txt"}
    assert b"slower by 5 %" in made["power.svg"]


def test_a_validation_is_drawn_into_a_folder(lines: list[dict[str, Any]], tmp_path: Path) -> None:
    """Budgets from two minutes to the largest; nothing is a user's mistake."""
    drawn(lines, tmp_path / "new")
    rows = pd.read_csv(tmp_path / "new" / "power.csv")
    assert (tmp_path / "new" / "rates.md").read_text() == markdown(lines)
    assert sorted(rows["minutes"].unique()) == list(range(2, 11))
    with pytest.raises(UsageError, match="no run of a validation to draw"):
        drawn([], tmp_path)
