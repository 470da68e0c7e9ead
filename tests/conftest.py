"""For all tests: a warning is an error, and no test has a deadline."""

import os

import pytest
from hypothesis import settings

# A shared machine takes its pauses; a test never asserts a time.
settings.register_profile("saddle", deadline=None)
settings.load_profile("saddle")


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings into errors: not for bench/, where it would cost a measurement."""
    config.addinivalue_line("filterwarnings", "error")


@pytest.fixture
def uncovered() -> dict[str, str]:
    """The environment of a process that is sent a signal: one thread, and no coverage.

    A signal that arrives while coverage holds its lock leaves it locked, and the process waits for
    it for ever.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
    return kept | {"OMP_NUM_THREADS": "1"}
