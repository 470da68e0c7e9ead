"""Whether the game converges: metrics against steps and seconds, run by run."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from gan.store import Stored
from gan.train import train

PICTURES = ("samples", "logits_on_grid")


@pytest.mark.benchmark(group="convergence")
def test_convergence(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """A game from its start."""

    def compute() -> Stored:
        return train(cell.run, session.data_dir).stored()

    measured.computed(benchmark, cell, session.results, compute)


@pytest.fixture
def trained(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> Callable[[], None]:
    """Trains one run for its numbers, or takes what an earlier session left."""

    def compute() -> Stored:
        return without_pictures(train(cell.run, session.data_dir).stored())

    return lambda: measured.computed(benchmark, cell, session.results, compute)


def without_pictures(stored: Stored) -> Stored:
    """A run without samples, real ones neither: of hundreds they would outweigh the numbers.

    Args:
        stored: a training run.

    Returns:
        The same but for the columns of PICTURES and the list of real samples, which is empty.
    """
    rows = [{k: v for k, v in row.items() if k not in PICTURES} for row in stored.rows]
    facts = {**stored.facts, "real_samples": []} if stored.facts else {}
    return replace(stored, rows=rows, facts=facts)


@pytest.mark.benchmark(group="head_start")
def test_head_start(trained: Callable[[], None]) -> None:
    """A game in which D was trained alone first: does G recover, with which loss and optimiser?"""
    trained()


@pytest.mark.benchmark(group="batches")
def test_batches(trained: Callable[[], None]) -> None:
    """The same game with minibatches of different size, up to all data."""
    trained()
