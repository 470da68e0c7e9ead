"""How a cell's measurement enters benchmark.json, whatever became of it."""

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from bench.matrix import Cell
from bench.options import Session
from bench.work import compute, stored_as
from gan import store

SCHEMA = 1
Facts = dict[str, float | int | str | bool]


def once(benchmark: BenchmarkFixture, work: Callable[[], None]) -> None:
    """Time a piece of work that is done once.

    Args:
        benchmark: pytest-benchmark's fixture.
        work: called exactly once.
    """
    benchmark.pedantic(work, rounds=1, iterations=1, warmup_rounds=0)


def computed(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Take a cell's results from the folder where an earlier session left them, or compute them.

    Results end as their computation did, finished or diverged, and stay so. Only memory that ran
    out is tried again: it may have been taken by somebody else.

    Args:
        benchmark: pytest-benchmark's fixture.
        cell: of a kind in WORK.
        session: its folders.
    """
    stored = store.read(store.path(session.results, cell.run, stored_as(cell.kind)))
    reused = stored is not None and stored.status != "out_of_memory"

    def work() -> None:
        nonlocal stored
        if not reused:
            stored = compute(cell.kind, cell.run, session.data_dir)
            store.write(session.results, stored)

    once(benchmark, work)
    if stored is not None:
        complete(benchmark, cell, {"reused": reused}, stored.status, stored.message)


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
