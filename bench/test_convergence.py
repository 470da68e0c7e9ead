"""Whether the game converges: metrics against steps and seconds, run by run."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from gan.store import Stored
from gan.train import train


@pytest.mark.benchmark(group="convergence")
def test_convergence(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Train one run and store it, or take it from the folder where an earlier session left it."""

    def compute() -> Stored:
        return train(cell.run, session.data_dir).stored()

    measured.computed(benchmark, cell, session.results, compute)
