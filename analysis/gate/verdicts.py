"""What the timings of process pairs say of a cell, and how sure that is.

All functions take log ratios, one per pair of fresh processes: log(head's seconds / base's). The
pair is the unit, since rounds in one process share its luck with memory.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from analysis.comparison import paired_p_value
from analysis.effects import shift
from analysis.sample_size import fewest_seeds, paired_seeds, student_power

FALSE_CALLS = 0.01
"""Of a gate run: the probability that any cell is called slower although none is."""

LOOKS = 3
"""How often a run may call; each look has its share of FALSE_CALLS."""

FLOOR = 0.02
"""Changes below it are not called: a placement of code in memory makes as much."""

TOLERANCE = 0.05
"""An interval within it says that nothing of importance changed."""

SUSPICION = 0.01
"""A screen's median beyond it asks for more pairs."""

FEWEST_TO_CLEAR = 6
"""Pairs of which a 95 % interval exists."""

CANARY_LEVEL = 0.05
"""Two-sided, of what no revision changes. A false alarm withholds verdicts and makes none: the six
pairs of a screen, which can't err less often, have to be able to raise it."""

STAYS_ABOVE = 2.0
"""Standard errors of the first estimate after the screen that a change lies above FLOOR, so that in
POWER of all runs no estimate until the first look is below it, which would clear the cell."""

POWER = 0.95
"""Of the smallest change that is told as detectable."""


@dataclass(frozen=True)
class Speed:
    """A cell's verdict on speed.

    Args:
        verdict: "slower", "faster", "no change" or "inconclusive".
        change: Hodges and Lehmann's estimate of head over base, minus 1.
        low: of its 95 % interval; NaN of fewer pairs than have one.
        high: of it.
        pairs: that it is of.
        detectable: the smallest slow-down that such pairs call in 95 of 100 runs.
        needed: pairs that would settle an inconclusive verdict, if the spread stays; else NaN.
        most: pairs that a run makes.
    """

    verdict: str
    change: float
    low: float
    high: float
    pairs: int
    detectable: float
    needed: float = math.nan
    most: float = math.inf


def suspected(log_ratios: ArrayLike) -> bool:
    """Whether a screen's pairs leave doubt that a cell is as fast as it was.

    Args:
        log_ratios: (n,), n ≥ 2.

    Returns:
        True if their median is beyond SUSPICION, or any of them beyond TOLERANCE.
    """
    array = np.asarray(log_ratios, dtype=np.float64)
    beyond = np.abs(array).max() > math.log1p(TOLERANCE)
    return bool(beyond or abs(np.median(array)) > math.log1p(SUSPICION))


def level_of_look(cells: int) -> float:
    """The two-sided level of one cell at one look; half of it is the chance of a false "slower".

    Bonferroni's over all cells of a run. That a screen has to suspect a cell first, by some of the
    same pairs, can only take false calls away, and so can an end before a look.

    Args:
        cells: that are compared.

    Returns:
        2·FALSE_CALLS / (LOOKS · cells).
    """
    return 2 * FALSE_CALLS / (LOOKS * cells)


def looks_of(cells: int) -> list[int]:
    """After how many pairs a run may call a cell.

    Args:
        cells: that are compared.

    Returns:
        LOOKS numbers: one more than the fewest pairs that can call, so that one of them may be a
        little astray, then half as many more, then as many again.

    >>> looks_of(1), looks_of(8)
    ([10, 15, 25], [13, 20, 33])
    """
    first = fewest_seeds(level_of_look(cells)) + 1
    return [first, -(-3 * first // 2), -(-5 * first // 2)]


def called(log_ratios: ArrayLike, level: float) -> str:
    """What a look calls a cell.

    Args:
        log_ratios: (n,), the screen's with them.
        level: two-sided, of the signed-rank test.

    Returns:
        "slower" or "faster"; "" of a change that chance makes too often, or that is below FLOOR.
    """
    change = math.expm1(shift(log_ratios).estimate)
    if paired_p_value(log_ratios) > level or -FLOOR < change < FLOOR:
        return ""
    return "slower" if change > 0 else "faster"


def cleared(log_ratios: ArrayLike) -> bool:
    """Whether pairs show that nothing of importance changed.

    Args:
        log_ratios: (n,).

    Returns:
        True if the 95 % interval lies within TOLERANCE and the estimate within FLOOR.
    """
    found = shift(log_ratios)
    within = -TOLERANCE < math.expm1(found.low) <= math.expm1(found.high) < TOLERANCE
    return bool(within and abs(math.expm1(found.estimate)) < FLOOR)


def verdict_of(log_ratios: ArrayLike, cells: int, *, look: bool) -> str:
    """What pairs say of a cell.

    Args:
        log_ratios: (n,), the screen's with them.
        cells: that are compared in this run, this one included.
        look: whether it may be called.

    Returns:
        "slower", "faster", "no change" or "inconclusive".
    """
    call = called(log_ratios, level_of_look(cells)) if look else ""
    return call or ("no change" if cleared(log_ratios) else "inconclusive")


def verdict_of_canary(log_ratios: ArrayLike) -> str:
    """What pairs say of the kernel that no revision changes.

    Args:
        log_ratios: (n,).

    Returns:
        As ``verdict_of`` has it, at CANARY_LEVEL.
    """
    call = called(log_ratios, CANARY_LEVEL)
    return call or ("no change" if cleared(log_ratios) else "inconclusive")


def speed(log_ratios: ArrayLike, verdict: str, cells: int) -> Speed:
    """A verdict with its numbers.

    Args:
        log_ratios: (n,), n ≥ 2.
        verdict: as Speed has it.
        cells: that are compared in this run, this one included.

    Returns:
        All of it.
    """
    array = np.asarray(log_ratios, dtype=np.float64)
    found, deviation = shift(array), float(array.std(ddof=1))
    level = level_of_look(cells)
    # A cell that was cleared early would have had the pairs of a look to be called by.
    calling = max(array.size, looks_of(cells)[0]) if verdict == "no change" else array.size
    return Speed(
        verdict=verdict,
        change=math.expm1(found.estimate),
        low=math.expm1(found.low),
        high=math.expm1(found.high),
        pairs=array.size,
        detectable=detectable(deviation, calling, level),
        needed=needed(found.estimate, deviation, level) if verdict == "inconclusive" else math.nan,
        most=looks_of(cells)[-1],
    )


def detectable(deviation: float, pairs: int, level: float) -> float:
    """The smallest slow-down that is called with probability POWER.

    It has to be as sure as the level asks, and the estimate to be above FLOOR in the end and not so
    far below before that the cell is cleared: for a quiet cell that is more.

    Args:
        deviation: of the log ratios.
        pairs: how many.
        level: two-sided.

    Returns:
        As a share of base's time; infinite where so few pairs can call nothing.

    >>> [round(detectable(deviation, 13, 0.0025), 4) for deviation in (0, 0.01, 0.03)]
    [0.02, 0.0277, 0.0496]
    """
    if pairs < 2 or 2.0 ** (1 - pairs) > level:
        return math.inf
    above = math.log1p(FLOOR) + STAYS_ABOVE * deviation / math.sqrt(FEWEST_TO_CLEAR + 1)
    return math.expm1(max(above, effect(pairs, level) * deviation))


@functools.cache
def effect(pairs: int, level: float) -> float:
    """The smallest change that is called with probability POWER, in units of the deviation.

    Args:
        pairs: how many.
        level: two-sided.

    Returns:
        A change over the deviation of the log ratios.
    """
    found = optimize.brentq(lambda x: student_power(pairs, x, level) - POWER, 1e-3, 1e3)
    return float(found)


def needed(estimate: float, deviation: float, level: float) -> float:
    """How many pairs would call the change seen, or clear one that is below the floor.

    Args:
        estimate: a log ratio.
        deviation: of the log ratios.
        level: two-sided.

    Returns:
        A whole number.
    """
    if deviation == 0:
        return float(FEWEST_TO_CLEAR)
    size = abs(estimate)
    if size >= math.log1p(FLOOR):
        return float(max(paired_seeds(size / deviation, level, 0.8), fewest_seeds(level)))
    # Two deviations of the mean fit between the estimate and the tolerance.
    pairs = (2.1 * deviation / (math.log1p(TOLERANCE) - size)) ** 2
    return float(max(math.ceil(pairs), FEWEST_TO_CLEAR))
