"""For tests of whole sessions."""

import os
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _as_if_alone() -> Iterator[None]:
    """A session started by a test is one of its own, also where pytest-xdist runs the tests.

    pytest-benchmark measures nothing where it finds this variable. Like a session's own process,
    this one has as many threads as its workers, and so the same keys.
    """
    torch.set_num_threads(1)
    worker = os.environ.pop("PYTEST_XDIST_WORKER", None)
    yield
    if worker is not None:
        os.environ["PYTEST_XDIST_WORKER"] = worker
