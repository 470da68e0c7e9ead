"""ENGINES: where a session's runs are computed, by the name that its user gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.engine.job import Engine, Job, Resources, Work, perform
from bench.engine.local import Local
from gan.errors import UsageError

MISSING = "--engine ray needs the package ray: pip install -e .[cluster] -c constraints.txt"


@dataclass(frozen=True)
class Site:
    """Where runs can be computed.

    Args:
        check: raises UsageError, before any work, if it can't do some jobs.
        start: begins to compute them.
    """

    check: Callable[[Sequence[Job], Resources], None]
    start: Callable[[Sequence[Job], Resources, Work], Engine]


def on_this_machine(_jobs: Sequence[Job], _resources: Resources) -> None:
    """Nothing to find out: the session itself runs here."""


def check_cluster(jobs: Sequence[Job], resources: Resources) -> None:
    """Whether a Ray cluster can be used for some jobs; one that is yet to be started, can.

    Args:
        jobs: of one results folder.
        resources: its address, and what each job may use.

    Raises:
        UsageError: Ray is not installed, or the cluster doesn't answer or can't do them.
    """
    try:
        from bench.engine import cluster
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    if resources.address:
        cluster.check(jobs, resources)


def start_cluster(jobs: Sequence[Job], resources: Resources, work: Work = perform) -> Engine:
    """A Ray cluster at work on some jobs.

    Args:
        jobs: of one results folder.
        resources: its address, and what each job may use.
        work: what a worker does with a job.

    Returns:
        It.

    Raises:
        UsageError: as check_cluster.
    """
    try:
        from bench.engine import cluster
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    cluster.check(jobs, resources)
    return cluster.Cluster(jobs, resources, work)


def _missing(error: ModuleNotFoundError) -> Exception:
    return UsageError(MISSING) if error.name == "ray" else error


ENGINES: dict[str, Site] = {
    "local": Site(on_this_machine, Local),
    "ray": Site(check_cluster, start_cluster),
}
