"""What it costs to compute elsewhere: seconds per run of each engine, and what two workers gain."""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.engines import ENGINES
from bench.engine.job import Engine, Job, Outcome, Resources, Work, attempt, idle, perform
from gan import store
from gan.errors import UsageError
from gan.folder import Place
from gan.run import Run

GAME = Run(data="ring", steps=150, records=4, batch_size=16, evaluation_samples=200)
"""A game of a fraction of a second: what two workers share."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval.

    Args:
        estimate: the geometric mean.
        low: of the interval.
        high: of the interval.
        n: values.
    """

    estimate: float
    low: float
    high: float
    n: int


def interval(values: Sequence[float]) -> Interval:
    """The geometric mean of some ratios or times, and Student's interval of their logarithms.

    Args:
        values: (n,), positive.

    Returns:
        With infinite ends for a single value.

    Raises:
        UsageError: there is none, or one is not positive.

    >>> interval([2.0, 2.0, 2.0])
    Interval(estimate=2.0, low=2.0, high=2.0, n=3)
    """
    if not values or min(values) <= 0:
        raise UsageError(f"an interval takes positive values, not {list(values)}")
    logarithms = [math.log2(value) for value in values]
    mean, n = statistics.fmean(logarithms), len(values)
    if n == 1:
        return Interval(values[0], 0.0, math.inf, 1)
    error = statistics.stdev(logarithms) / math.sqrt(n)
    from scipy import stats  # a second, for a figure that most sessions do not ask for

    half = float(stats.t.ppf(0.975, n - 1)) * error
    return Interval(2**mean, 2 ** (mean - half), 2 ** (mean + half), n)


def seconds_per_job(engine: Engine, jobs: int, first: int) -> float:
    """Wall time per job once every worker is at work, the last ones' included.

    Args:
        engine: at work on so many different jobs.
        jobs: how many.
        first: those whose end is awaited before the clock starts.

    Returns:
        Seconds.

    Raises:
        RunError: a job failed, so that the time means nothing.
    """
    ended, start, before = 0, 0.0, 0
    while ended < jobs:
        for _, outcome in engine.poll(None):
            if not isinstance(outcome, Outcome):
                raise outcome
            ended += 1
        if not start and ended >= first:
            start, before = time.perf_counter(), ended
    if ended == before:
        raise UsageError(f"{jobs} jobs are too few: all ended before the clock could start")
    return (time.perf_counter() - start) / (ended - before)


def games(folder: Place, number: int) -> list[Job]:
    """Different runs that take the same time.

    Args:
        folder: where they are stored.
        number: how many.

    Returns:
        One for each seed.
    """
    return [Job("convergence", replace(GAME, seed=seed), None, folder) for seed in range(number)]


def engine_seconds(name: str, resources: Resources, jobs: int, work: Work = idle) -> float:
    """Seconds per job of an engine after its start-up: with empty jobs, all of it is overhead.

    Args:
        name: one of ENGINES.
        resources: what it may use.
        jobs: how many to do.
        work: what a worker does with each.

    Returns:
        Seconds of wall time, all workers together.
    """
    workers = resources.workers or 1
    with tempfile.TemporaryDirectory() as folder:
        made = games(Path(folder), jobs)
        engine = ENGINES[name].start(made, resources, work)
        try:
            return seconds_per_job(engine, jobs, workers)
        finally:
            engine.stop()


def in_process_seconds(jobs: int) -> float:
    """The same with no engine at all."""
    made = games(Path(), jobs)
    start = time.perf_counter()
    for job in made:
        attempt(idle, job)
    return (time.perf_counter() - start) / jobs


def speed_ups(jobs: int, repeats: int, threads: int = 1) -> list[float]:
    """How much sooner two workers are done than one, start-up left out.

    Sessions of one worker and of two alternate, and so does who begins: what slows the machine
    for minutes slows both.

    Args:
        jobs: games in each session.
        repeats: pairs of sessions.
        threads: torch's, of each worker.

    Returns:
        (repeats,), ratios of seconds per game.
    """
    ratios = []
    for repeat in range(repeats):
        seconds = {
            workers: engine_seconds("local", Resources(workers, threads), jobs, perform)
            for workers in ((1, 2) if repeat % 2 == 0 else (2, 1))
        }
        ratios.append(seconds[1] / seconds[2])
    return ratios


def file_seconds(folder: Place, files: int) -> dict[str, float]:
    """Seconds to write a run file, to read one, and to list one among the others.

    Args:
        folder: on the disk, or at the address, in question.
        files: how many.

    Returns:
        write, read and listing, each per file.
    """
    made = games(folder, files)
    perform(made[0])
    stored = store.read(store.path(folder, made[0].run, "training"))
    if stored is None:
        raise UsageError(f"{folder} does not keep what is written to it")
    copies = [replace(stored, run=job.run) for job in made]
    paths = [store.path(folder, job.run, "training") for job in made]
    found: list[Place] = []
    return {
        "write": timed(lambda: [store.write(folder, copy) for copy in copies]) / files,
        "read": timed(lambda: [store.read(path) for path in paths]) / files,
        "listing": timed(lambda: found.extend((folder / "runs").iterdir())) / len(found),
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def session_seconds(few: int, many: int, repeats: int = 3) -> float:
    """What a session's own process does for each cell: pytest, progress bar, benchmark.json.

    Pairs of sessions that find all their cells stored; the difference is that of their cells.
    Workers read the files.

    Args:
        few: cells of one.
        many: cells of the other.
        repeats: pairs.

    Returns:
        Seconds per cell, the median of the pairs.
    """
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        session(folder, many)
        for _ in range(repeats):
            short = timed(lambda: session(folder, few))
            differences.append(timed(lambda: session(folder, many)) - short)
    return max(statistics.median(differences), 0.0) / (many - few)


def session(folder: str, cells: int) -> None:
    """A session of cheap cells in a process of its own.

    Args:
        folder: its results.
        cells: how many, one for each seed.

    Raises:
        RuntimeError: it failed.
    """
    seeds = ",".join(map(str, range(cells)))
    options = ["--profile", "smoke", "--kinds", "numerics", "--precisions", "float32"]
    command = [sys.executable, "-m", "pytest", "bench/", "-p", "no:cacheprovider", "-q", *options]
    done = subprocess.run(  # noqa: S603  # our own Python and options
        [*command, "--benchmark-quiet", "--workers", "2", "--seeds", seeds, "--results", folder],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode:
        raise RuntimeError(f"a session failed:\n{done.stdout}{done.stderr}")
