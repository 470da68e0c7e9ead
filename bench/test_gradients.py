"""What gradient the generator gets when D(G(z)) is small: Eq. 3 against Eq. 4 by logit shift."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from gan.data import load
from gan.gradients import shift_experiment
from gan.store import Stored
from gan.trainer import Trainer


@pytest.mark.benchmark(group="gradients")
def test_gradients(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Both losses' gradient norms on the untrained networks and after the run's steps."""

    def compute() -> Stored:
        return shift_experiment(Trainer(cell.run, load(cell.run.data, session.data_dir)))

    measured.computed(benchmark, cell, session.results, compute)
