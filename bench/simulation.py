"""Where a single driver saturates: N workers and the session's process, simulated run by run.

A worker that has ended a run waits until the driver looks (or, where the engine has every run from
the start, not at all); the driver hands a next run to all that wait and then records one run, in
the session's order, while they are at work. Records that lag delay nobody but the session's end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace

import numpy as np

from gan.errors import UsageError

MOST_RUNS = 6_000_000
"""In a session, some 10 seconds to simulate."""

MOST_SECONDS = 1e9
"""Of a run or the driver: thirty years."""

MOST_SPREAD = 2.0
"""Beyond, the few longest of 100,000 log-normal durations would decide the mean of all."""


@dataclass(frozen=True)
class Load:
    """What a run costs whom.

    Args:
        run_seconds: mean duration on its worker, what it writes itself included.
        record_seconds: of the driver for each run, while workers go on.
        hand_out_seconds: of the driver for each run, while its worker waits; None where workers
            need not ask it.
        spread: σ of the logarithm of durations; 0 where all are the same.

    Raises:
        UsageError: a number outside its domain.
    """

    run_seconds: float
    record_seconds: float
    hand_out_seconds: float | None = None
    spread: float = 0.0

    def __post_init__(self) -> None:
        """Check every number."""
        for name in ("run_seconds", "record_seconds", "hand_out_seconds", "spread"):
            value = getattr(self, name)
            most = MOST_SPREAD if name == "spread" else MOST_SECONDS
            if value is not None and not 0 <= value <= most:
                raise UsageError(f"{name} must be from 0 to {most:g}, not {value}")

    @property
    def driver_seconds(self) -> float:
        """All that the driver does for a run."""
        return self.record_seconds + (self.hand_out_seconds or 0.0)


@dataclass(frozen=True)
class Course:
    """How a session went.

    Args:
        seconds: from its start until its last run is recorded.
        lag_seconds: of them after the last run's end: the driver alone is left at work.
        driver_busy: share of the seconds in which the driver was at work.
        workers_idle: share of the workers' time, up to the last run's end, in which they had none.
        runs_per_second: runs over seconds.
    """

    seconds: float
    lag_seconds: float
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
    record_seconds: Sequence[float],
    hand_out_seconds: Sequence[float] | None = None,
    start_seconds: float = 0.0,
) -> Course:
    """Let a session run.

    Args:
        workers: N.
        run_seconds: (runs,), of each run on its worker.
        record_seconds: (runs,), of the driver after each.
        hand_out_seconds: (runs,), of the driver before each; None where workers need not ask it.
        start_seconds: of the driver before the first: listing what is there.

    Returns:
        Its course.

    Raises:
        UsageError: no workers or no runs, or too many to simulate.
    """
    check_size(workers, len(run_seconds))
    if hand_out_seconds is None:
        ends = _unasked_ends(workers, run_seconds, start_seconds)
        last, total = max(ends), _recorded(ends, record_seconds, start_seconds)
    else:
        driver = _Driver(run_seconds, hand_out_seconds, start_seconds)
        for _ in range(min(workers, len(run_seconds))):
            driver.hand_out()
        for run, seconds in enumerate(record_seconds):
            driver.record(run, seconds)
        last, total = driver.last_end, driver.clock
    busy = start_seconds + math.fsum(record_seconds) + math.fsum(hand_out_seconds or ())
    return Course(
        seconds=total,
        lag_seconds=total - last,
        driver_busy=busy / total if total else 0.0,
        workers_idle=1 - math.fsum(run_seconds) / (workers * last) if last else 0.0,
        runs_per_second=len(run_seconds) / total if total else math.inf,
    )


def check_size(workers: int, runs: int) -> None:
    """Refuse a session that can't be simulated.

    Args:
        workers: N.
        runs: of the session.

    Raises:
        UsageError: none of either, or more than MOST_RUNS.
    """
    if workers < 1 or runs < 1:
        raise UsageError(f"it takes workers and runs, not {workers} and {runs}")
    if max(workers, runs) > MOST_RUNS:
        raise UsageError(
            f"at most {MOST_RUNS:,} workers and runs are simulated, not {workers:,} and {runs:,}"
        )


def _unasked_ends(workers: int, run_seconds: Sequence[float], start: float) -> list[float]:
    """When each run ends where whoever is free takes the next."""
    free, ends = [start] * min(workers, len(run_seconds)), []
    for seconds in run_seconds:
        ends.append(free[0] + seconds)
        heapreplace(free, ends[-1])
    return ends


def _recorded(ends: Sequence[float], record_seconds: Sequence[float], start: float) -> float:
    """When the last of some runs is recorded, in their order."""
    clock = start
    for end, seconds in zip(ends, record_seconds, strict=True):
        clock = max(clock, end) + seconds
    return clock


class _Driver:
    """Hands runs to workers whenever it looks, and records them in the session's order.

    Args:
        run_seconds: (runs,), of each on its worker.
        hand_out_seconds: (runs,), of the driver before each.
        clock: when it begins.
    """

    def __init__(
        self, run_seconds: Sequence[float], hand_out_seconds: Sequence[float], clock: float
    ) -> None:
        self.run_seconds, self.hand_out_seconds, self.clock = run_seconds, hand_out_seconds, clock
        self.queue = iter(range(len(run_seconds)))
        self.at_work: list[tuple[float, int]] = []  # a heap of ends and runs
        self.ended: set[int] = set()
        self.last_end = clock

    def hand_out(self) -> None:
        """Give a worker the next run, if there is one."""
        for run in self.queue:
            self.clock += self.hand_out_seconds[run]
            end = self.clock + self.run_seconds[run]
            self.last_end = max(self.last_end, end)
            heappush(self.at_work, (end, run))
            break

    def look(self) -> None:
        """Hear of every run that has ended by now, and give its worker the next."""
        now, waiting = self.clock, 0
        while self.at_work and self.at_work[0][0] <= now:
            self.ended.add(heappop(self.at_work)[1])
            waiting += 1
        for _ in range(waiting):
            self.hand_out()

    def record(self, run: int, seconds: float) -> None:
        """Enter a run as soon as it has ended."""
        self.look()
        while run not in self.ended:
            self.clock = max(self.clock, self.at_work[0][0])
            self.look()
        self.clock += seconds


def bound(load: Load) -> float:
    """N* = (R + E)/(S + E): with more workers the records lag ever further behind the runs.

    Args:
        load: R its run_seconds, S its record_seconds, E its hand_out_seconds or 0.

    Returns:
        Workers; infinite where the driver takes no time.

    Reference:
        Denning and Buzen 1978, "The operational analysis of queueing network models": the
        saturation point of an interactive system.

    >>> bound(Load(run_seconds=9.0, record_seconds=0.0, hand_out_seconds=1.0))
    10.0
    >>> bound(Load(run_seconds=9.0, record_seconds=1.0))
    9.0
    """
    if not load.driver_seconds:
        return math.inf
    return (load.run_seconds + (load.hand_out_seconds or 0.0)) / load.driver_seconds
