"""A job is one run to be computed in any process; what comes back is how it ended, not its rows."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.work import compute, stored_as
from gan import store
from gan.errors import UnwritableError, UsageError
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
        warnings: what was logged on the way: a damaged file that was made again, say.
        members: of an ensemble, the key, status and message of each run, in the order of seeds;
            those above are the first one's.
    """

    key: str
    status: str
    message: str
    seconds: float
    reused: bool
    warnings: tuple[str, ...] = ()
    members: tuple["Ended", ...] = ()

    def of(self, run: Run) -> "Ended":
        """How one run of the job ended.

        Args:
            run: the job's, or one that was trained beside it.

        Returns:
            Its key, status and message.
        """
        if not self.members:
            return self.key, self.status, self.message
        return self.members[run.seed % run.ensemble]


class RunError(Exception):
    """A job that ended without a run file: a traceback, or a line on what became of its worker."""


class FolderError(RunError):
    """The same because the results folder can't be written: so would all that come after end."""


Ended = tuple[str, str, str]
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


class Heard(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's text."""
        self.lines.append(record.getMessage())


@contextmanager
def heard() -> Iterator[list[str]]:
    """What gan's modules warn of meanwhile: in a worker, and under pytest, nobody else would."""
    handler, logger = Heard(), logging.getLogger("gan")
    logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)


def perform(job: Job) -> Outcome:
    """Take a run's results from the folder where somebody left them, or compute and store them.

    Results end as their computation did, finished or diverged, and stay so. Only memory that ran
    out is tried again: it may have been taken by somebody else. Where it runs out, and another
    session has brought the run to its end meanwhile, that is the result.

    Args:
        job: a run and its folders.

    Returns:
        How it ended.

    Raises:
        UsageError: the data or the folder are not to be had.
        RuntimeError: any other that its computation raises.
    """
    start, kind = time.perf_counter(), stored_as(job.kind)
    files = [store.path(job.results, run, kind) for run in job.run.members()]
    with heard() as warnings:
        there = [_ended(file) for file in files]
        if None in there:
            computed = compute(job.kind, job.run, job.data_dir, job.results / "checkpoints")
            # The first one's checkpoint is that of all: it goes when all are stored.
            for stored in reversed(computed):
                store.write(job.results, stored)
            told = [
                stored if stored.ended else _ended(file) or stored
                for stored, file in zip(computed, files, strict=True)
            ]
            reused = not any(stored is mine for stored, mine in zip(told, computed, strict=True))
        else:
            told, reused = [stored for stored in there if stored], True
    members = tuple(
        (file.stem, stored.status, stored.message) for file, stored in zip(files, told, strict=True)
    )
    return Outcome(
        *members[0],
        time.perf_counter() - start,
        reused=reused,
        warnings=tuple(dict.fromkeys(warnings)),
        members=members if len(members) > 1 else (),
    )


def _ended(file: Place) -> store.Stored | None:
    """A stored run that is not to be tried again."""
    stored = store.read(file)
    return stored if stored is not None and stored.ended else None


def attempt(work: Work, job: Job) -> Outcome | RunError:
    """Do a job, and bring what it raises into a form that any process can read.

    Args:
        work: perform, or what stands in for it where the engine itself is measured.
        job: its argument.

    Returns:
        How it ended, or what it raised: a user's mistake in one line, a bug with its traceback.
    """
    try:
        return work(job)
    except UsageError as error:
        return told(error)
    except Exception:  # noqa: BLE001  # a worker outlives any bug of a run; the session tells it
        return RunError(traceback.format_exc())


def told(error: UsageError) -> RunError:
    """A user's mistake as what became of a job.

    Args:
        error: what the job raised.

    Returns:
        A FolderError if nothing more can be stored.
    """
    return (FolderError if isinstance(error, UnwritableError) else RunError)(str(error))


def idle(_job: Job) -> Outcome:
    """Work that takes no time: what is left is the engine's own."""
    return Outcome("", "finished", "", 0.0, reused=False)
