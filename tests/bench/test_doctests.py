"""The examples in bench/'s docstrings; pytest would collect its benchmarks along with them."""

import doctest
from types import ModuleType

import pytest

from bench import costs, matrix, progress, scaling, scenarios, simulation, timing
from bench.engine import address, choice, nodes


@pytest.mark.parametrize(
    "module",
    [
        matrix,
        progress,
        timing,
        address,
        choice,
        nodes,
        costs,
        scaling,
        scenarios,
        simulation,
    ],
)
def test_examples(module: ModuleType) -> None:
    """Every example gives what it shows."""
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
