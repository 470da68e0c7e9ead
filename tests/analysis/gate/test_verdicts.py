"""When a gate calls a cell, clears it, or says how much is missing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.gate.verdicts import (
    FALSE_CALLS,
    FIRST_LEVEL,
    FLOOR,
    LATER_LOOKS,
    POWER,
    called_alone,
    called_together,
    cleared,
    detectable,
    level_of_look,
    looks_of,
    needed,
    speed,
    suspected,
)


def pairs(change: float, deviation: float, count: int, seed: int = 0) -> np.ndarray:
    """Log ratios of pairs whose true change is known."""
    return np.random.default_rng(seed).normal(math.log1p(change), deviation, count)


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        ([0.0, 0.001, -0.002, 0.003], False),
        ([0.011, 0.012, 0.010, 0.012], True),  # the median is above 1 %
        ([0.0, 0.001, 0.0, 0.06], True),  # one of them is beyond 5 %
        ([-0.011, -0.012, -0.013, -0.012], True),
    ],
)
def test_a_screen_suspects_what_may_have_changed(values: list[float], doubt: bool) -> None:  # noqa: FBT001  # expected
    """By the median, and by any pair that is far out."""
    assert suspected(values) is doubt


def test_levels_add_up_to_the_promise() -> None:
    """The first look at all cells together, the others at each, one side of both: FALSE_CALLS."""
    later = LATER_LOOKS * 8 * level_of_look(8)
    assert math.isclose((FIRST_LEVEL + later) / 2, FALSE_CALLS)


def slower(count: int, sign: int = 1) -> list[float]:
    """Pairs that all say the same."""
    return [sign * (0.05 + 0.001 * i) for i in range(count)]


def test_the_first_look_can_call_cells_that_change_together() -> None:
    """Eight pairs, all slower in every cell, are as rare as the level; seven are not."""
    assert called_together({f"cell{i}": slower(8) for i in range(8)}) == {
        f"cell{i}": "slower" for i in range(8)
    }
    assert called_together({"one": slower(7)}) == {"one": ""}
    both = called_together({"one": slower(8, -1), "other": slower(8)})
    assert both == {"one": "faster", "other": "slower"}


def test_the_second_look_can_call_one_cell_of_many() -> None:
    """Also where the least of its pairs says otherwise; two pairs fewer could not."""
    for cells in (1, 3, 8, 20):
        first, second, third = looks_of(cells)
        assert 8 == first < second < third
        assert called_alone(slower(second), cells) == "slower"
        assert called_alone([-0.001, *slower(second - 1)], cells) == "slower"
        assert called_alone(slower(7), cells) == ""


def test_faster_is_called_too() -> None:
    """With the sign turned."""
    assert called_alone(slower(12, -1), 1) == "faster"


def test_what_is_below_the_floor_is_not_called() -> None:
    """However sure it is."""
    assert called_alone([0.015 + 1e-5 * i for i in range(30)], 1) == ""
    assert called_alone([0.021 + 1e-5 * i for i in range(30)], 1) == "slower"


def test_clearing_takes_an_interval_within_the_tolerance() -> None:
    """Of six pairs the interval is from the least to the most."""
    assert cleared([-0.01, 0.0, 0.01, 0.005, -0.005, 0.002])
    assert not cleared([-0.01, 0.0, 0.01, 0.005, -0.005, 0.06])
    assert not cleared([-0.01, 0.0, 0.01, 0.005, -0.005])  # five have no 95 % interval
    assert not cleared([0.03, 0.031, 0.032, 0.033, 0.034, 0.035])  # sure, and above the floor


@given(st.integers(9, 40), st.floats(0.001, 0.1))
def test_the_detectable_change_falls_with_pairs_and_grows_with_noise(n: int, sd: float) -> None:
    """And is never below the floor."""
    level = level_of_look(1)
    assert FLOOR <= detectable(sd, n + 1, level) <= detectable(sd, n, level)
    assert detectable(sd, n, level) <= detectable(2 * sd, n, level)


def test_the_detectable_change_is_detected() -> None:
    """In about 95 of 100 simulated runs; ranks have a little less power than Student's test."""
    level, n, sd = level_of_look(1), 20, 0.03
    change = detectable(sd, n, level)
    hits = sum(called_alone(pairs(change, sd, n, seed), 1) == "slower" for seed in range(400))
    assert POWER - 0.05 < hits / 400 <= 1


def test_what_settles_an_inconclusive_verdict() -> None:
    """Twice the noise takes four times the pairs to clear; a change as large as the floor more."""
    level = level_of_look(1)
    assert needed(0.0, 0.1, level) == math.ceil((2.1 * 0.1 / math.log(1.05)) ** 2) == 19
    assert needed(0.0, 0.2, level) == math.ceil((2.1 * 0.2 / math.log(1.05)) ** 2)
    assert 10 <= needed(0.05, 0.04, level) < 40
    assert needed(0.01, 0.0, level) == 6


def test_a_verdict_tells_its_numbers() -> None:
    """The change is of times, not of logarithms."""
    values = [math.log(1.05)] * 9
    told = speed(values, "slower", 1)
    assert (told.pairs, told.verdict) == (9, "slower")
    assert math.isclose(told.change, 0.05)
    assert math.isclose(told.detectable, FLOOR)
    assert math.isnan(told.needed)
    assert speed([0.01, 0.05, -0.03], "inconclusive", 2).needed > 0
    assert math.isnan(speed([0.01, 0.05], "inconclusive", 2).low)
