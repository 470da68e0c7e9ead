"""For all tests: a warning is an error. Not for bench/, where it would cost a measurement."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings into errors."""
    config.addinivalue_line("filterwarnings", "error")
