"""Imports point one way, and what reads results does not need what made them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "gan": {"bench", "analysis", "pytest", "pandas", "seaborn"},
    "bench": {"analysis", "pandas", "seaborn", "matplotlib"},
    "analysis": {"gan", "bench", "torch", "pytest"},
}


def imported(source: str) -> set[str]:
    """Top-level packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else (node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_module_imports_what_its_package_may_not(package: str) -> None:
    """Every import statement, at the top or inside a function, absolute and allowed."""
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    for module in modules:
        names = imported(module.read_text())
        assert not names & (FORBIDDEN[package] | {"."}), module


def test_the_rule_finds_an_import_inside_a_function() -> None:
    """The check sees both forms at any depth."""
    source = "def f():\n    import torch.nn\n    from gan.run import Run\n    from . import x\n"
    assert imported(source) == {"torch", "gan", "."}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("gan.data", ["sklearn", "ot", "pooch", "torchmetrics"]),
        ("gan.__main__", ["torch", "matplotlib"]),
        ("analysis.__main__", ["pandas", "matplotlib", "scipy", "torch"]),
    ],
)
def test_starting_is_light(module: str, absent: list[str]) -> None:
    """What a command needs only later is not imported when it starts."""
    code = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
