"""Whether the game converges: metrics against steps and seconds, run by run."""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from gan.store import Stored
from gan.train import train


@pytest.fixture
def trained(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> Callable[[], None]:
    """Trains one run and stores it, or takes what an earlier session left."""

    def compute() -> Stored:
        return train(cell.run, session.data_dir).stored()

    return lambda: measured.computed(benchmark, cell, session.results, compute)


@pytest.mark.benchmark(group="convergence")
def test_convergence(trained: Callable[[], None]) -> None:
    """A game from its start."""
    trained()


@pytest.mark.benchmark(group="head_start")
def test_head_start(trained: Callable[[], None]) -> None:
    """A game in which D was trained alone first: does G recover, with which loss and optimiser?"""
    trained()


@pytest.mark.benchmark(group="batches")
def test_batches(trained: Callable[[], None]) -> None:
    """The same game with minibatches of different size, up to all data."""
    trained()
