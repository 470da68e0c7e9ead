"""For all tests: a warning is an error, and no test has a deadline."""

import pytest
from hypothesis import settings

# A shared machine takes its pauses; a test never asserts a time.
settings.register_profile("saddle", deadline=None)
settings.load_profile("saddle")


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings into errors: not for bench/, where it would cost a measurement."""
    config.addinivalue_line("filterwarnings", "error")
