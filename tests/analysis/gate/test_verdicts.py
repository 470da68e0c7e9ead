"""When a gate calls a cell, clears it, or says how much is missing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.gate.verdicts import (
    FALSE_CALLS,
    FLOOR,
    LOOKS,
    POWER,
    called,
    cleared,
    detectable,
    level_of_look,
    looks_of,
    needed,
    speed,
    suspected,
    verdict_of_canary,
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
    """All looks at all cells, one side each: FALSE_CALLS."""
    assert math.isclose(LOOKS * 8 * level_of_look(8) / 2, FALSE_CALLS)


def slower(count: int, sign: int = 1) -> list[float]:
    """Pairs that all say the same."""
    return [sign * (0.05 + 0.001 * i) for i in range(count)]


def test_the_first_look_can_call() -> None:
    """Also where the least of its pairs says otherwise; two pairs fewer cannot."""
    for cells in (1, 3, 8, 20):
        first, second, third = looks_of(cells)
        assert first < second < third
        assert called(slower(first), level_of_look(cells)) == "slower"
        assert called([-0.001, *slower(first - 1)], level_of_look(cells)) == "slower"
        assert called(slower(first - 2), level_of_look(cells)) == ""


def test_faster_is_called_too() -> None:
    """With the sign turned."""
    assert called(slower(12, -1), level_of_look(1)) == "faster"


def test_what_is_below_the_floor_is_not_called() -> None:
    """However sure it is."""
    assert called([0.015 + 1e-5 * i for i in range(30)], level_of_look(1)) == ""
    assert called([0.021 + 1e-5 * i for i in range(30)], level_of_look(1)) == "slower"


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


def test_a_noisy_change_that_is_detectable_is_called() -> None:
    """In about 95 of 100 simulated looks; ranks have a little less power than Student's test."""
    level, n, sd = level_of_look(1), 20, 0.03
    change = detectable(sd, n, level)
    hits = sum(called(pairs(change, sd, n, seed), level) == "slower" for seed in range(400))
    assert POWER - 0.05 < hits / 400 <= 1


def test_six_pairs_of_the_canary_can_say_that_the_machine_changed() -> None:
    """As many as a quiet run makes; not by less than the floor, and not if one says otherwise."""
    six = [0.021, 0.025, 0.022, 0.026, 0.023, 0.024]
    assert verdict_of_canary(six) == "slower"
    assert verdict_of_canary([-x for x in six]) == "faster"
    assert verdict_of_canary([x - 0.01 for x in six]) == "no change"
    assert verdict_of_canary([*six[:-1], -0.001]) == "inconclusive"
    assert verdict_of_canary(six[:5]) == "inconclusive"


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
