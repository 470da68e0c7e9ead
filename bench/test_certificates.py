"""Certificates of convergence: whether the game, linearised, contracts under the players' steps."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.measured import OutcomeOf


@pytest.mark.benchmark(group="dirac")
def test_dirac(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """The Dirac-GAN under both update rules, and what its eigenvalues predict."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="spectrum")
def test_spectrum(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """Eigenvalues of the whole Jacobian of a game between small networks, through training."""
    measured.computed(benchmark, cell, outcome_of)
