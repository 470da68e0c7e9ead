"""What measuring costs: the harness's own time, a collection's, a report's."""

import statistics

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from bench.overhead import QUANTITIES


@pytest.mark.benchmark(group="overhead")
def test_overhead(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """One quantity in as many repetitions as it allows; the cell's variant names it."""
    quantity = QUANTITIES[cell.variant]
    values = quantity.measure(benchmark, cell.run, session.rounds)
    facts: measured.Facts = {"quantity": cell.variant, "unit": quantity.unit}
    if quantity.goal is not None:
        facts["goal"] = quantity.goal
    if benchmark.stats is not None:  # None where timing is disabled
        benchmark.stats.stats.data[:] = values
        facts["value"] = statistics.median(values)
    measured.complete(benchmark, cell, facts)
