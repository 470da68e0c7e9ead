"""Jobs in as many processes as there are cores, with the same results as one after the other."""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from analysis.errors import UsageError

Result = TypeVar("Result")


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def cores() -> int:
    """How many jobs are done at once; 1 where a process cannot safely be forked."""
    return len(usable_cores()) if sys.platform == "linux" else 1


def outcomes(jobs: Sequence[Callable[[], Result]], processes: int) -> list[Result]:
    """What every job returns.

    Args:
        jobs: take nothing; what they refer to is not copied, what they return is.
        processes: at most so many; with one, or one job, they are done in this one.

    Returns:
        Their results, in their order.

    Raises:
        UsageError: a process was killed.
        Exception: whatever the first job that failed raised; those not begun are not done.

    >>> outcomes([lambda: 1, lambda: 2], processes=1)
    [1, 2]
    """
    if min(processes, len(jobs)) < 2:
        return [job() for job in jobs]
    # Only a forked process has the jobs, and the tables in them, without having been sent them.
    pool = ProcessPoolExecutor(
        min(processes, len(jobs)), get_context("fork"), initializer=_begin, initargs=(jobs,)
    )
    with pool:
        futures = [pool.submit(_done, place) for place in range(len(jobs))]
        try:
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise UsageError(
                "a process was killed before its end, perhaps since memory ran out;"
                " one core takes less: taskset -c 0 python -m analysis"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(jobs: Sequence[Callable[[], object]]) -> None:
    _JOBS[:] = jobs


def _done(place: int) -> Any:
    return _JOBS[place]()


_JOBS: list[Callable[[], object]] = []
"""Of a process of the pool: what it is forked with."""
