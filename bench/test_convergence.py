"""Whether the game converges: metrics against steps and seconds, run by run."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session


@pytest.mark.benchmark(group="convergence")
def test_convergence(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """A game from its start."""
    measured.computed(benchmark, cell, session)


@pytest.mark.benchmark(group="head_start")
def test_head_start(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """A game in which D was trained alone first: does G recover, with which loss and optimiser?"""
    measured.computed(benchmark, cell, session)


@pytest.mark.benchmark(group="batches")
def test_batches(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """The same game with minibatches of different size, up to all data."""
    measured.computed(benchmark, cell, session)
