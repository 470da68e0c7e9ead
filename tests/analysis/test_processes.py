"""Jobs in several processes: the results and errors of one."""

import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from analysis.errors import UsageError
from analysis.processes import cores, outcomes


def refuse(line: str) -> None:
    """Fail as a reader does."""
    raise UsageError(line)


def die() -> None:
    """End as the kernel ends a process when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_results_come_in_the_order_of_the_jobs(most: int) -> None:
    """However many processes there are, and whichever job ends first."""
    assert outcomes([partial(pow, 2, n) for n in range(7)], most) == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("most", [1, 2])
def test_of_no_jobs_there_are_no_results(most: int) -> None:
    """And no process is begun for them."""
    assert outcomes([], most) == []


@pytest.mark.parametrize(("most", "jobs", "here"), [(1, 2, True), (2, 1, True), (2, 2, False)])
def test_one_core_or_one_job_needs_no_other_process(most: int, jobs: int, *, here: bool) -> None:
    """Two of both are done in others."""
    places = outcomes([os.getpid] * jobs, most)
    assert ({os.getpid()} == set(places)) is here
    assert (os.getpid() in places) is here


def test_a_job_need_not_be_one_that_can_be_sent() -> None:
    """A process is forked with the jobs: they may be closures over any table."""
    table = {"seconds": [0.5, 0.25]}
    assert outcomes([lambda: table["seconds"][0], lambda: table["seconds"][1]], 2) == [0.5, 0.25]


@pytest.mark.parametrize("most", [1, 2])
def test_the_first_error_is_told_as_it_was_raised(most: int) -> None:
    """The same type and the same line, in one process or in several."""
    jobs: list[Callable[[], None]] = [
        lambda: None,
        partial(refuse, "first"),
        partial(refuse, "second"),
    ]
    with pytest.raises(UsageError, match=r"^first$"):
        outcomes(jobs, most)


def test_a_killed_process_is_told_in_one_line() -> None:
    """With what to do about it."""
    with pytest.raises(UsageError) as error:
        outcomes([die, die], 2)
    assert str(error.value) == (
        "a process was killed before its end, perhaps since memory ran out;"
        " one core takes less: taskset -c 0 python -m analysis"
    )


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the machine; where forking is not safe, one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
    monkeypatch.setattr("sys.platform", "linux")
    assert cores() == 3
    monkeypatch.setattr("sys.platform", "darwin")
    assert cores() == 1
