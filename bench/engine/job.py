"""A job is one run to be computed in any process; what comes back is how it ended, not its rows."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.work import compute, stored_as
from gan import store
from gan.folder import Place
from gan.run import Run


@dataclass(frozen=True)
class Job:
    """All that a process has to know to compute a run and store it.

    Args:
        kind: a name of WORK.
        run: every setting.
        data_dir: folder of IDX files, or None.
        results: the results folder.
    """

    kind: str
    run: Run
    data_dir: Path | None
    results: Place


@dataclass(frozen=True)
class Outcome:
    """How a job ended; its rows are in its run file.

    Args:
        key: names the run file.
        status: "finished", "diverged", …, as in the run file.
        message: why, when it did not finish.
        seconds: what it took the process that did it.
        reused: an earlier session, or another one, had stored it.
    """

    key: str
    status: str
    message: str
    seconds: float
    reused: bool


class RunError(Exception):
    """A job that ended without a run file: a traceback, or a line on what became of its worker."""


Work = Callable[[Job], Outcome]
Finished = tuple[Job, Outcome | RunError]


@dataclass(frozen=True)
class Resources:
    """What a session may use.

    Args:
        workers: runs at a time on this machine; None is one in this process, or with Ray as many
            as there are cores.
        threads: torch's intra-op threads in each worker.
        address: a Ray cluster's, or None to start Ray on this machine.
        num_gpus: GPUs for each run on CUDA, or a fraction of one; Ray only.
    """

    workers: int | None = None
    threads: int = 1
    address: str | None = None
    num_gpus: float = 1.0


class Engine(Protocol):
    """Computes jobs elsewhere, from the moment it is made."""

    @property
    def workers(self) -> int:
        """How many runs it can compute at a time."""
        ...

    def poll(self, wait_seconds: float | None) -> Sequence[Finished]:
        """The jobs that ended since the last call.

        Args:
            wait_seconds: how long to wait for the first; None until there is one.

        Returns:
            In the order in which they ended; empty when the time is over, or nothing is left.
        """
        ...

    def stop(self) -> None:
        """End every worker; what they were computing is lost, what they stored is kept."""
        ...


def perform(job: Job) -> Outcome:
    """Take a run's results from the folder where somebody left them, or compute and store them.

    Results end as their computation did, finished or diverged, and stay so. Only memory that ran
    out is tried again: it may have been taken by somebody else.

    Args:
        job: a run and its folders.

    Returns:
        How it ended.

    Raises:
        UsageError: the data or the folder are not to be had.
        RuntimeError: any other that its computation raises.
    """
    start, kind = time.perf_counter(), stored_as(job.kind)
    stored = store.read(store.path(job.results, job.run, kind))
    reused = stored is not None and stored.status != "out_of_memory"
    if stored is None or not reused:
        stored = compute(job.kind, job.run, job.data_dir, job.results / "checkpoints")
        store.write(job.results, stored)
    return Outcome(
        store.key(job.run, kind),
        stored.status,
        stored.message,
        time.perf_counter() - start,
        reused,
    )


def attempt(work: Work, job: Job) -> Outcome | str:
    """Do a job, and bring what it raises into a form that any process can read.

    Args:
        work: perform, or what stands in for it where the engine itself is measured.
        job: its argument.

    Returns:
        How it ended, or the traceback of its exception.
    """
    try:
        return work(job)
    except Exception:  # noqa: BLE001  # a worker outlives any bug of a run; the session tells it
        return traceback.format_exc()


def idle(_job: Job) -> Outcome:
    """Work that takes no time: what is left is the engine's own."""
    return Outcome("", "finished", "", 0.0, reused=False)
