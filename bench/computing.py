"""A session's computed cells, in this process one by one or elsewhere side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.engine.engines import ENGINES
from bench.engine.job import Finished, Job, Outcome, perform, told
from bench.engine.outcomes import Outcomes
from bench.matrix import Cell
from bench.measured import OutcomeOf
from bench.options import Session
from bench.progress import ProgressBar
from bench.work import WORK
from gan.errors import UsageError


def jobs_of(session: Session, cells: Mapping[str, Cell]) -> dict[Job, list[str]]:
    """What is to be computed, and for which cells.

    Args:
        session: its folders.
        cells: of the session, by pytest's node id.

    Returns:
        In the order of the cells; two of them may share a job.
    """
    jobs: defaultdict[Job, list[str]] = defaultdict(list)
    for name, cell in cells.items():
        if cell.kind in WORK:
            jobs[session.job(cell)].append(name)
    return dict(jobs)


def here(job: Job) -> Outcome:
    """A job's outcome, computed in this process.

    Args:
        job: one of the session's.

    Returns:
        Its outcome.

    Raises:
        RunError: it has none, for a reason that is told in one line.
    """
    try:
        return perform(job)
    except UsageError as error:
        raise told(error) from None


@contextmanager
def computing(
    session: Session, cells: Mapping[str, Cell], bar: ProgressBar | None
) -> Iterator[OutcomeOf]:
    """Compute cells as a session asks for them, or all from now on where there are workers.

    Args:
        session: the engine and its resources.
        cells: those that will run, by pytest's node id.
        bar: is told each cell that ended elsewhere, or None.

    Yields:
        What gives a cell's outcome.

    Raises:
        UsageError: the engine can't be started.
    """
    if alone(session):
        yield lambda cell: here(session.job(cell))
        return
    jobs = jobs_of(session, cells)

    def tell(finished: Finished) -> None:
        if bar is None:
            return
        job, outcome = finished
        for name in jobs[job]:
            bar.finish(name, outcome.seconds if isinstance(outcome, Outcome) else None)

    engine = ENGINES[session.engine].start(list(jobs), session.resources, perform)
    if bar:
        bar.begin(engine.workers)
    outcomes = Outcomes(engine, jobs, tell)
    try:
        yield lambda cell: outcomes(session.job(cell))
    finally:
        engine.stop()


def alone(session: Session) -> bool:
    """Whether the session computes everything in its own process."""
    return session.engine == "local" and (session.resources.workers or 1) == 1
