"""Whether the game converges: metrics against steps and seconds, run by run."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from gan import store
from gan.train import train


@pytest.mark.benchmark(group="convergence")
def test_convergence(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Train one run and store it, or take it from the folder where an earlier session left it."""
    stored = store.read(store.path(session.results, cell.run, "training"))
    reused = stored is not None

    def work() -> None:
        nonlocal stored
        if stored is None:
            stored = train(cell.run, session.data_dir).stored()
            store.write(session.results, stored)

    measured.once(benchmark, work)
    status, message = (stored.status, stored.message) if stored else ("", "")
    measured.complete(benchmark, cell, {"reused": reused}, status, message)
