"""The examples in bench/'s docstrings; pytest would collect its benchmarks along with them."""

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import bench


def modules() -> list[ModuleType]:
    """Every module of bench/ but its benchmarks."""
    names = [found.name for found in pkgutil.walk_packages(bench.__path__, "bench.")]
    return [importlib.import_module(name) for name in names if not name.startswith("bench.test_")]


EXAMPLES = [module for module in modules() if ">>>" in inspect.getsource(module)]


def test_modules_are_found() -> None:
    """Of the folder and of the one below it."""
    names = {module.__name__ for module in EXAMPLES}
    assert {"bench.matrix", "bench.conftest", "bench.work", "bench.engine.nodes"} <= names


@pytest.mark.parametrize("module", EXAMPLES, ids=lambda module: module.__name__)
def test_examples(module: ModuleType) -> None:
    """Every example gives what it shows."""
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
