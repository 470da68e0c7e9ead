"""QUANTITIES: what measuring costs beside what is measured, each in numbers against a goal."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, pairwise, product
from pathlib import Path

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from bench import timing
from bench.study import Study
from gan import store
from gan.data import load
from gan.ensemble import trainer_of
from gan.run import Run
from gan.train import train
from gan.trainer import Trainer

MANY = 10_000
"""Cells of the collection, and runs of the report."""

FEWEST_PAIRS = 40
"""Blocks of 50 ms are as short as the clock allows: so many of both average a busy machine."""

DRAWS = 4096
"""Random numbers are drawn for many steps at a time: of few one would see all or nothing."""

LOSSES = ("saturating", "non_saturating", "maximum_likelihood", "least_squares", "hinge")
DATA = ("gaussian1d", "ring", "digits")
ROOT = Path(__file__).parents[1]
LAUNCHER = Path(__file__).with_name("launcher.py")

Measure = Callable[[BenchmarkFixture, Run, int], list[float]]


@dataclass(frozen=True)
class Quantity:
    """One cost of measuring.

    Args:
        unit: "ratio", "share", "seconds" or "bytes".
        goal: what its median should stay below, or None where there is no goal.
        measure: (fixture, run, rounds) -> a value of each repetition; none where timing is off.
    """

    unit: str
    goal: float | None
    measure: Measure


def step_over_bare_loop(benchmark: BenchmarkFixture, run: Run, rounds: int) -> list[float]:
    """A step as a session times it, over one in a bare loop timed by hand on the same trainer.

    Blocks of both alternate in one process. Each of the session's is held against the mean of the
    bare ones before and after it, so that a drift cancels.

    Args:
        benchmark: times the session's blocks.
        run: whose steps.
        rounds: pairs, FEWEST_PAIRS at least.

    Returns:
        A ratio of each pair.
    """
    trainer = trainer_of(run, load(run.data))
    timing.seconds_of_steps(trainer, 1)
    steps, bare = timing.steps_per_block(trainer), list[float]()
    benchmark.pedantic(
        timing.block,
        args=(trainer, steps),
        setup=lambda: bare.append(bare_seconds(trainer, steps)),
        rounds=max(rounds, FEWEST_PAIRS),
        warmup_rounds=1,
        iterations=1,
    )
    bare.append(bare_seconds(trainer, steps))
    return [] if benchmark.stats is None else ratios(benchmark.stats.stats.data, bare[1:])


def bare_seconds(trainer: Trainer, steps: int) -> float:
    """Steps in a plain loop between two readings of the clock: what anyone would write."""
    trainer.synchronise()
    start = time.perf_counter()
    for _ in range(steps):
        trainer.step()
    trainer.synchronise()
    return time.perf_counter() - start


def ratios(inner: Sequence[float], outer: Sequence[float]) -> list[float]:
    """Each inner value over the mean of its two neighbours.

    Args:
        inner: n values.
        outer: n + 1, before, between and after them.

    Returns:
        n ratios.

    >>> ratios([3.0, 3.0], [2.0, 4.0, 8.0])
    [1.0, 0.5]
    """
    return [2 * x / (a + b) for x, (a, b) in zip(inner, pairwise(outer), strict=True)]


def share_of_draws(benchmark: BenchmarkFixture, run: Run, rounds: int) -> list[float]:
    """The part of a step that goes into its random numbers and minibatches, before the program.

    Args:
        benchmark: times the whole measurement once.
        run: whose steps.
        rounds: pairs of blocks.

    Returns:
        Seconds of drawing over seconds of whole steps, of each pair.
    """

    def shares() -> list[float]:
        trainer = trainer_of(run, load(run.data))
        timing.seconds_of_steps(trainer, 1)
        steps = timing.steps_per_block(trainer)
        draws, wholes = list[float](), [bare_seconds(trainer, steps)]
        for _ in range(rounds):
            start = time.perf_counter()
            for _ in range(DRAWS):
                trainer.draw()
            draws.append((time.perf_counter() - start) * steps / DRAWS)
            wholes.append(bare_seconds(trainer, steps))
        return ratios(draws, wholes)

    found: list[float] = benchmark.pedantic(shares, rounds=1, iterations=1)
    return found


def seconds_of(*arguments: str) -> Measure:
    """How long a command of Python's takes from its start to its end.

    Args:
        arguments: after ``python``.

    Returns:
        A measure: one process per round.
    """

    def measure(benchmark: BenchmarkFixture, _run: Run, rounds: int) -> list[float]:
        benchmark.pedantic(process, args=(arguments,), rounds=rounds, warmup_rounds=1)
        return [] if benchmark.stats is None else list(benchmark.stats.stats.data)

    return measure


def process(arguments: Sequence[str]) -> tuple[float, float]:
    """Run Python on its own.

    Args:
        arguments: of the command line.

    Returns:
        Its seconds, and the most memory that it held at once, bytes.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, str(LAUNCHER), sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    status, seconds, memory = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"python {' '.join(arguments)[:200]} ended with {status}")
    return seconds, memory


def collection(benchmark: BenchmarkFixture, run: Run, rounds: int) -> list[float]:
    """Seconds of collecting MANY cells: every kind of the profile ``full``, with more seeds."""
    from bench.matrix import matrix  # which imports the profiles, and they this file

    cells = (len(matrix("full", {"seed": tuple(range(n))}).cells) for n in count(1))
    seeds = next(n for n, found in enumerate(cells, start=1) if found >= MANY)
    named = ",".join(map(str, range(seeds)))
    return seconds_of(*COLLECT, "full", "--seeds", named)(benchmark, run, min(rounds, 3))


@cache
def report_of(runs: int) -> tuple[float, float]:
    """A report over so many finished runs.

    Args:
        runs: how many.

    Returns:
        Its seconds and the most memory that it held at once, bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder), runs)
        return process(("-m", "analysis", "report", folder))


def write_runs(folder: Path, runs: int) -> None:
    """Store runs that look like a session's: a short real one of each game, with other noise.

    Args:
        folder: the results folder.
        runs: how many, of all losses and data sets in turn.
    """
    games = [
        Run(loss=loss, data=data, steps=20, records=10, evaluation_samples=200)
        for loss, data in product(LOSSES, DATA)
    ]
    finished = [train(game).stored() for game in games]
    for number in range(runs):
        stored, seed = finished[number % len(games)], number // len(games)
        rng = np.random.default_rng(number)
        rows = [noisy(row, rng) for row in stored.rows]
        store.write(folder, replace(stored, run=replace(stored.run, seed=seed), rows=rows))


def noisy(row: Mapping[str, object], rng: np.random.Generator) -> dict[str, object]:
    """A record with each of its numbers a little larger or smaller; its place and clock stay."""
    return {
        name: value * math.exp(rng.normal(0, 0.05))
        if isinstance(value, float) and name != "seconds"
        else value
        for name, value in row.items()
    }


def of_report(part: int) -> Measure:
    """One of the two numbers of a report over MANY runs, which is made once for both.

    Args:
        part: 0 for seconds, 1 for bytes.

    Returns:
        A measure of one value, whatever the rounds.
    """

    def measure(benchmark: BenchmarkFixture, _run: Run, _rounds: int) -> list[float]:
        found: tuple[float, float] = benchmark.pedantic(
            report_of, args=(MANY,), rounds=1, iterations=1
        )
        return [found[part]]

    return measure


COLLECT = ("-m", "pytest", "bench/", "--collect-only", "-q", "--profile")

QUANTITIES: dict[str, Quantity] = {
    "step over bare loop": Quantity("ratio", 1.01, step_over_bare_loop),
    "draws of a step": Quantity("share", None, share_of_draws),
    "analysis --help": Quantity("seconds", 1.0, seconds_of("-m", "analysis", "--help")),
    "report --help": Quantity("seconds", 1.0, seconds_of("-m", "analysis", "report", "--help")),
    "gan --help": Quantity("seconds", 1.0, seconds_of("-m", "gan", "--help")),
    "start-up of a collection": Quantity(
        "seconds", None, seconds_of(*COLLECT, "full", "--kinds", "numerics", "--devices", "cpu")
    ),
    "collection of 10k cells": Quantity("seconds", 5.0, collection),
    "report over 10k runs": Quantity("seconds", 20.0, of_report(0)),
    "memory of that report": Quantity("bytes", 2.0 * 2**30, of_report(1)),
}

STUDIES = tuple(Study("overhead", {"data": ("ring",)}, variant=name) for name in QUANTITIES)
