"""Synthetic results folders and their tables, made from closed forms."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.records import Records, load
from tests.analysis.synthetic.runs import Profile
from tests.analysis.synthetic.session import Synthetic, write_session
from tests.analysis.synthetic.tables import records_of


@pytest.fixture
def synthetic(tmp_path: Path) -> Synthetic:
    """Writers into this test's own folder."""
    return Synthetic(tmp_path)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One results folder that tests read and none changes."""
    return write_session(tmp_path_factory.mktemp("session") / "results", Profile(experiments=True))


@pytest.fixture(scope="session")
def records(results: Path) -> Records:
    """The tables of that folder."""
    return load([results])


@pytest.fixture(scope="session")
def few_records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """One seed of one loss on every kind of data."""
    few = Profile(losses=("mine",), seeds=1, records=4, batch_sizes=(16, 64), experiments=True)
    return load([write_session(tmp_path_factory.mktemp("few") / "results", few)])


@pytest.fixture(scope="session")
def reversed_records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The tables of a session in which every trend runs the other way."""
    folder = tmp_path_factory.mktemp("reversed") / "results"
    return load([write_session(folder, Profile(reverse=True, experiments=True))])


@pytest.fixture(scope="session")
def made() -> Callable[..., Records]:
    """`records_of`, for tests that say themselves what was measured."""
    return records_of


EXPERIMENTAL = Profile(
    losses=("saturating", "non_saturating", "wasserstein"),
    data=("ring",),
    batch_sizes=(),
    records=4,
    diverged=False,
    experiments=True,
)


@pytest.fixture(scope="session")
def experimental(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The tables of a folder that has every experiment, two seeds of each."""
    return load([write_session(tmp_path_factory.mktemp("experimental") / "results", EXPERIMENTAL)])


@pytest.fixture(scope="session")
def reversed_experimental(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The same with every trend turned around."""
    folder = tmp_path_factory.mktemp("reversed_experimental") / "results"
    return load([write_session(folder, replace(EXPERIMENTAL, reverse=True))])
