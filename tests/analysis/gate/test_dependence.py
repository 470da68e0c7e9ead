"""What is common to pairs of a run is found where there is something, and only there."""

from typing import Any

import numpy as np
import pytest

from analysis.gate.dependence import FEWEST_RUNS, common_share, dependence


def lines(runs: int, common: float, shared: float, seed: int = 0) -> list[dict[str, Any]]:
    """Unchanged runs of 5 to 8 pairs of two cells.

    Args:
        runs: how many.
        common: share of the variance that the pairs of a run have in common.
        shared: share of the rest that the two cells of a pair have in common.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)

    def run(pairs: int) -> dict[str, Any]:
        of_run = rng.normal(scale=common**0.5, size=2)
        of_pairs = rng.normal(scale=(1 - common) ** 0.5, size=(pairs, 3))
        mixed = shared**0.5 * of_pairs[:, :1] + (1 - shared) ** 0.5 * of_pairs[:, 1:] + of_run
        return {"slowdown": 0.0, "pairs": [dict(zip("ab", pair, strict=True)) for pair in mixed]}

    return [run(5 + place % 4) for place in range(runs)]


def test_the_share_is_the_published_one() -> None:
    """Four judges of six targets, Shrout and Fleiss 1979, Tables 2 and 4: 0.17."""
    rows = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert common_share([np.array(row, float) for row in rows]) == pytest.approx(0.166, abs=5e-4)


@pytest.mark.parametrize("common", [0.0, 0.3, 0.9])
def test_a_share_that_was_put_in_is_found(common: float) -> None:
    """In groups of different sizes."""
    some = lines(3000, common, 0.0)
    groups = [np.array([pair["a"] for pair in line["pairs"]]) for line in some]
    assert common_share(groups) == pytest.approx(common, abs=0.03)


def test_the_sentence_has_what_was_put_in() -> None:
    """Slowed runs and cells that a pair lacks change nothing."""
    some = lines(400, 0.0, 0.5)
    told = dependence(some)
    assert "of 400 unchanged runs" in told
    correlation = float(told.split("correlate by ")[1].split()[0])
    assert correlation == pytest.approx(6 / np.pi * np.arcsin(0.5 / 2), abs=0.04)
    slowed = [{**line, "slowdown": 0.1} for line in lines(9, 0.9, 0.0, seed=1)]
    assert dependence(some + slowed) == told
    del some[0]["pairs"][0]["a"]
    assert "of 400 unchanged runs" in dependence(some)


def test_runs_that_have_something_in_common_are_told() -> None:
    """By the share of each of two cells, and a small p-value."""
    told = dependence(lines(200, 0.5, 0.0))
    least, most = (float(told.split()[place].lstrip("+")) for place in (7, 10))
    assert 40 < least <= most < 60
    assert "·10" in told.split("Wallis's, is ")[1]


def test_of_too_few_runs_nothing_is_said() -> None:
    """Nor of runs of one pair."""
    some = lines(FEWEST_RUNS, 0.0, 0.0)
    assert dependence(some)
    assert dependence(some[1:]) == dependence([]) == ""
    some[0]["pairs"] = some[0]["pairs"][:1]
    assert dependence(some) == ""
