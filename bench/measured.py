"""How a cell's measurement enters benchmark.json, whatever became of it."""

import warnings
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.engine.job import FolderError, Outcome, RunError
from bench.matrix import Cell
from bench.work import stored_as
from gan import store

SCHEMA = 1
Facts = dict[str, float | int | str | bool]
OutcomeOf = Callable[[Cell], Outcome]


def once(benchmark: BenchmarkFixture, work: Callable[[], None]) -> None:
    """Time a piece of work that is done once.

    Args:
        benchmark: pytest-benchmark's fixture.
        work: called exactly once.
    """
    benchmark.pedantic(work, rounds=1, iterations=1, warmup_rounds=0)


def computed(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """Enter how a cell's computation ended, wherever that was.

    Args:
        benchmark: pytest-benchmark's fixture.
        cell: of a kind in WORK.
        outcome_of: computes a cell, or waits for who does.
    """
    try:
        outcome = benchmark.pedantic(outcome_of, args=(cell,), rounds=1, iterations=1)
    except FolderError as error:
        pytest.exit(f"{error}; what finished before is kept", pytest.ExitCode.USAGE_ERROR)
    except RunError as error:
        pytest.fail(str(error), pytrace=False)
    if benchmark.stats is not None:  # None where timing is disabled
        # The timer timed the waiting; the sample is what the run took the process that did it.
        benchmark.stats.stats.data[:] = [outcome.seconds]
    for line in outcome.warnings:
        warnings.warn(line, RuntimeWarning, stacklevel=2)  # pytest lists them at its end
    facts: Facts = {"reused": outcome.reused}
    key, status, message = outcome.of(cell.run)
    complete(benchmark, cell, facts, status, message, key)


def complete(
    benchmark: BenchmarkFixture,
    cell: Cell,
    facts: Facts,
    status: str = "finished",
    message: str = "",
    key: str | None = None,
) -> None:
    """Mark a cell as measured to the end, with what results/README.md lists for its kind.

    Args:
        benchmark: pytest-benchmark's fixture, after its timing.
        cell: what was measured.
        facts: what its kind adds.
        status: how it ended.
        message: why, when it did not finish.
        key: of its run file; None is what this process would have stored it under.
    """
    benchmark.extra_info |= {
        "schema": SCHEMA,
        "kind": cell.kind,
        "status": status,
        "message": message,
        "run": cell.run.as_dict(),
        "key": key or store.key(cell.run, stored_as(cell.kind)),
        **facts,
    }
