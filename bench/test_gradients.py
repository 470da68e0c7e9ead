"""The gradient law: what gradient the generator gets when D(G(z)) is small, and what follows."""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from gan.counterfactual import counterfactual_experiment
from gan.data import load
from gan.gradients import shift_experiment
from gan.numerics import numerics_experiment
from gan.optimum import optimum_experiment
from gan.overtrained import overtrained_experiment
from gan.per_sample import per_sample_experiment
from gan.store import Stored
from gan.trainer import Trainer

Experiment = Callable[[Trainer], Stored]


@pytest.fixture
def measure(
    benchmark: BenchmarkFixture, cell: Cell, session: Session
) -> Callable[[Experiment], None]:
    """Computes an experiment on the cell's networks, or takes what an earlier session left."""

    def of(experiment: Experiment) -> None:
        def compute() -> Stored:
            return experiment(Trainer(cell.run, load(cell.run.data, session.data_dir)))

        measured.computed(benchmark, cell, session.results, compute)

    return of


@pytest.mark.benchmark(group="numerics")
def test_numerics(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """dL/da in one number format, for every way of writing the loss and logits −110 to 40."""
    measured.computed(benchmark, cell, session.results, lambda: numerics_experiment(cell.run))


@pytest.mark.benchmark(group="gradients")
def test_gradients(measure: Callable[[Experiment], None]) -> None:
    """Both losses' gradient norms of a minibatch while a shift of the logit moves D(G(z))."""
    measure(shift_experiment)


@pytest.mark.benchmark(group="per_sample")
def test_per_sample(measure: Callable[[Experiment], None]) -> None:
    """Gradients of single samples at D, at the logit, at the sample and at the parameters."""
    measure(per_sample_experiment)


@pytest.mark.benchmark(group="optimum")
def test_optimum(measure: Callable[[Experiment], None]) -> None:
    """V and D against the exact ones, and where both losses have their fixed point."""
    measure(optimum_experiment)


@pytest.mark.benchmark(group="overtrained")
def test_overtrained(measure: Callable[[Experiment], None]) -> None:
    """Norms, noise and tails of every loss's gradient while D alone is trained."""
    measure(overtrained_experiment)


@pytest.mark.benchmark(group="counterfactual")
def test_counterfactual(measure: Callable[[Experiment], None]) -> None:
    """What every other loss would have given on the states that training visits."""
    measure(counterfactual_experiment)
