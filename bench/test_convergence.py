"""Whether the game converges: metrics against steps and seconds, run by run."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.measured import OutcomeOf


@pytest.mark.benchmark(group="convergence")
def test_convergence(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """A game from its start."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="head_start")
def test_head_start(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """A game in which D was trained alone first: does G recover, with which loss and optimiser?"""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="batches")
def test_batches(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """The same game with minibatches of different size, up to all data."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="reproduction")
def test_reproduction(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """A row of a published table: its networks, optimiser and metric."""
    measured.computed(benchmark, cell, outcome_of)
