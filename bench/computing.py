"""A session's computed cells, in this process one by one or elsewhere side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.engine.engines import ENGINES
from bench.engine.job import Finished, Job, Outcome, RunError, perform, told
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
        bar: is told each cell that ended, or None.

    Yields:
        What gives a cell's outcome.

    Raises:
        UsageError: the engine can't be started.
    """
    jobs = jobs_of(session, cells)

    def tell(finished: Finished) -> None:
        if bar:
            report(bar, jobs[finished[0]], finished[1])

    if alone(session):

        def alone_outcome(cell: Cell) -> Outcome:
            job = session.job(cell)
            outcome = here(job)
            tell((job, outcome))
            return outcome

        yield alone_outcome
        return
    engine = ENGINES[session.engine].start(list(jobs), session.resources, perform)
    if bar:
        bar.begin(engine.workers)
    outcomes = Outcomes(engine, jobs, tell)
    try:
        yield lambda cell: outcomes(session.job(cell))
    finally:
        engine.stop()


def report(bar: ProgressBar, names: Sequence[str], outcome: Outcome | RunError) -> None:
    """Tell a progress bar that a job has ended.

    Args:
        bar: of the session.
        names: the cells that share the job; its time is counted once.
        outcome: how it ended; only of what was computed now the time says what others will take.
    """
    seconds = outcome.seconds if isinstance(outcome, Outcome) and not outcome.reused else None
    for place, name in enumerate(names):
        bar.finish(name, seconds if place == 0 else None)


def alone(session: Session) -> bool:
    """Whether the session computes everything in its own process."""
    return session.engine == "local" and (session.resources.workers or 1) == 1
