"""The gradient law: what gradient the generator gets when D(G(z)) is small, and what follows."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.measured import OutcomeOf


@pytest.mark.benchmark(group="numerics")
def test_numerics(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """dL/da in one number format, for every way of writing the loss and logits −110 to 40."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="gradients")
def test_gradients(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """Both losses' gradient norms of a minibatch while a shift of the logit moves D(G(z))."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="per_sample")
def test_per_sample(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """Gradients of single samples at D, at the logit, at the sample and at the parameters."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="optimum")
def test_optimum(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """V and D against the exact ones, and where both losses have their fixed point."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="overtrained")
def test_overtrained(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """Norms, noise and tails of every loss's gradient while D alone is trained."""
    measured.computed(benchmark, cell, outcome_of)


@pytest.mark.benchmark(group="counterfactual")
def test_counterfactual(benchmark: BenchmarkFixture, cell: Cell, outcome_of: OutcomeOf) -> None:
    """What every other loss would have given on the states that training visits."""
    measured.computed(benchmark, cell, outcome_of)
