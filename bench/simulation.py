"""Where a single driver saturates: N workers, each waiting for it after every run.

A closed queue, simulated event by event: a worker computes a run, the driver takes note of its end
and hands out the next one, first come, first served.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from itertools import islice

import numpy as np

from gan.errors import UsageError

WAVES = 60
"""Runs of each worker in a trial: enough that its start and end hardly count."""

MOST_RUNS = 6_000_000
"""In a trial, some 10 seconds; where it would take more, only the bound is given."""


@dataclass(frozen=True)
class Load:
    """What a run costs whom.

    Args:
        run_seconds: mean duration on its worker, what it writes itself included.
        driver_seconds: of the driver for each run.
        spread: σ of the logarithm of durations; 0 where all are the same.

    Raises:
        UsageError: a number that is negative or not finite.
    """

    run_seconds: float
    driver_seconds: float
    spread: float = 0.0

    def __post_init__(self) -> None:
        """Check every number."""
        for name in ("run_seconds", "driver_seconds", "spread"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} must be at least 0, not {getattr(self, name)}")


@dataclass(frozen=True)
class Course:
    """How a session went.

    Args:
        seconds: from its start to its last run's end.
        driver_busy: share of the time up to the last hand-out in which the driver was at work.
        workers_idle: share of the workers' time, in all seconds, in which they had no run.
        runs_per_second: runs over seconds.
    """

    seconds: float
    driver_busy: float
    workers_idle: float
    runs_per_second: float


def durations(load: Load, runs: int, rng: np.random.Generator) -> Sequence[float]:
    """How long each run takes: log-normal with the load's mean.

    Args:
        load: mean and spread.
        runs: how many.
        rng: where they are drawn.

    Returns:
        (runs,), seconds.
    """
    drawn = rng.lognormal(-(load.spread**2) / 2, load.spread, runs)
    times: list[float] = (load.run_seconds * drawn).tolist()
    return times


def simulate(
    workers: int,
    run_seconds: Sequence[float],
    driver_seconds: Sequence[float],
    start_seconds: float = 0.0,
) -> Course:
    """Let a session run.

    The driver hands out the first runs one after the other; from then on it turns to whoever has
    waited longest.

    Args:
        workers: N.
        run_seconds: (runs,), of each run on its worker.
        driver_seconds: (runs,), of the driver before each.
        start_seconds: of the driver before the first: listing what is there.

    Returns:
        Its course.

    Raises:
        UsageError: no workers or no runs.
    """
    if workers < 1 or not len(run_seconds):
        raise UsageError(f"it takes workers and runs, not {workers} and {len(run_seconds)}")
    free, ends = start_seconds, []  # when the driver is next free, and when each worker
    pairs = zip(run_seconds, driver_seconds, strict=True)
    for seconds, service in islice(pairs, workers):
        free += service
        ends.append(free + seconds)
    heapify(ends)
    for seconds, service in pairs:
        # Who ends first is served first: nobody that is yet to start can end before.
        free = max(free, ends[0]) + service
        heapreplace(ends, free + seconds)
    total, busy = max(ends), start_seconds + math.fsum(driver_seconds)
    return Course(
        seconds=total,
        driver_busy=busy / free if free else 0.0,
        workers_idle=1 - math.fsum(run_seconds) / (workers * total) if total else 0.0,
        runs_per_second=len(run_seconds) / total if total else math.inf,
    )


def bound(load: Load) -> float:
    """N* = (R + S)/S: with more workers the driver alone decides how fast runs get done.

    Args:
        load: R its run_seconds, S its driver_seconds.

    Returns:
        Workers; infinite where the driver takes no time.

    Reference:
        Denning and Buzen 1978, "The operational analysis of queueing network models": the
        saturation point of an interactive system.

    >>> bound(Load(run_seconds=9.0, driver_seconds=1.0))
    10.0
    """
    if not load.driver_seconds:
        return math.inf
    return (load.run_seconds + load.driver_seconds) / load.driver_seconds


def saturation(load: Load, rng: np.random.Generator, share: float = 0.95) -> int | None:
    """The fewest workers that keep the driver busy for a share of the time, by simulation.

    Args:
        load: of each run.
        rng: of the durations.
        share: of the time, below 1.

    Returns:
        Workers, to 2 %; None where a trial would take more than MOST_RUNS.
    """
    most = 2 * bound(load)
    if not most * WAVES <= MOST_RUNS:
        return None
    low, high = 0, math.ceil(most)
    while high - low > max(1.0, 0.02 * high):
        middle = (low + high) // 2
        if driver_busy(load, middle, rng) >= share:
            high = middle
        else:
            low = middle
    return high


def driver_busy(load: Load, workers: int, rng: np.random.Generator) -> float:
    """The share of time in which so many workers keep the driver at work.

    Args:
        load: of each run.
        workers: N.
        rng: of the durations.

    Returns:
        In a session of WAVES runs per worker.
    """
    runs = workers * WAVES
    return simulate(workers, durations(load, runs, rng), [load.driver_seconds] * runs).driver_busy
