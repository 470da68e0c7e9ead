"""How a cell's measurement enters benchmark.json, whatever became of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from bench.matrix import Cell
from gan import store
from gan.errors import UsageError
from gan.failures import is_out_of_memory, is_unsupported
from gan.run import Run
from gan.store import Stored

SCHEMA = 1
Facts = dict[str, float | int | str | bool]


def stored_as(kind: str) -> str:
    """The kind of run file that goes by a cell's key.

    >>> stored_as("convergence"), stored_as("numerics")
    ('training', 'numerics')
    """
    return "training" if kind in ("throughput", "convergence") else kind


def once(benchmark: BenchmarkFixture, work: Callable[[], None]) -> None:
    """Time a piece of work that is done once.

    Args:
        benchmark: pytest-benchmark's fixture.
        work: called exactly once.
    """
    benchmark.pedantic(work, rounds=1, iterations=1, warmup_rounds=0)


def computed(
    benchmark: BenchmarkFixture, cell: Cell, folder: Path, compute: Callable[[], Stored]
) -> None:
    """Take a cell's results from the folder where an earlier session left them, or compute them.

    Results end as their computation did, finished or diverged, and stay so. Only memory that ran
    out is tried again: it may have been taken by somebody else.

    Args:
        benchmark: pytest-benchmark's fixture.
        cell: of a kind that is computed rather than timed.
        folder: the results folder.
        compute: makes the results if they are not there.
    """
    stored = store.read(store.path(folder, cell.run, stored_as(cell.kind)))
    reused = stored is not None and stored.status != "out_of_memory"

    def work() -> None:
        nonlocal stored
        if not reused:
            stored = replace(_outcome(cell.run, compute), kind=stored_as(cell.kind))
            store.write(folder, stored)

    once(benchmark, work)
    if stored is not None:
        complete(benchmark, cell, {"reused": reused}, stored.status, stored.message)


def _outcome(run: Run, compute: Callable[[], Stored]) -> Stored:
    """What a computation gives, or that it ran out of memory or lacks an operation."""
    try:
        return compute()
    except (RuntimeError, MemoryError) as error:
        status, message = status_of(error)
        return Stored("", run, [], status, message, 0, {})


def complete(
    benchmark: BenchmarkFixture,
    cell: Cell,
    facts: Facts,
    status: str = "finished",
    message: str = "",
) -> None:
    """Mark a cell as measured to the end, with what results/README.md lists for its kind.

    Args:
        benchmark: pytest-benchmark's fixture, after its timing.
        cell: what was measured.
        facts: what its kind adds.
        status: how it ended.
        message: why, when it did not finish.
    """
    benchmark.extra_info |= {
        "schema": SCHEMA,
        "kind": cell.kind,
        "status": status,
        "message": message,
        "run": cell.run.as_dict(),
        "key": store.key(cell.run, stored_as(cell.kind)),
        **facts,
    }


def status_of(error: RuntimeError | MemoryError | UsageError) -> tuple[str, str]:
    """What a failed measurement is called.

    Args:
        error: what it raised.

    Returns:
        The status and its message, or re-raises what is neither a lack of memory nor of support.
    """
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    if is_out_of_memory(error):
        return "out_of_memory", message
    if is_unsupported(error):
        return "unsupported", message
    raise error
