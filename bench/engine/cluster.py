"""A Ray cluster: it places runs on nodes, and begins those again whose process or node died."""

import logging
import os
import queue
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import ray
import torch
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.engine import address, nodes, shared
from bench.engine.job import Finished, Job, Outcome, Resources, RunError, Work, attempt, perform
from gan.errors import UsageError
from gan.folder import Place, reason

RETRIES = 2
"""How often Ray begins a run again after the process or the node that computed it died."""

PROBE_SECONDS = 120.0
"""How long a node may take to import the suite and look at the folder."""

WATCH_SECONDS = 5.0
"""How often to look whether the nodes that are left could still do what is left."""

Answer = Outcome | RunError


def connect(resources: Resources) -> None:
    """Join a cluster, or start one on this machine; nothing to do if that is done.

    Args:
        resources: the cluster's address, or the number of workers.

    Raises:
        UsageError: it doesn't answer, or not to this version.
    """
    if ray.is_initialized():
        return
    if resources.address:
        address.check(resources.address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with _signals_kept():
        try:
            ray.init(
                address=resources.address or "local",
                num_cpus=None if resources.address else _cores(resources),
                include_dashboard=None if resources.address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = resources.address or "this machine"
            raise UsageError(f"can't use Ray at {where}: {reason(error)}") from None


def _cores(resources: Resources) -> int | None:
    return resources.workers * resources.threads if resources.workers else None


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself; a session has its own answer to it."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def check(jobs: Sequence[Job], resources: Resources) -> None:
    """Find out, before any work, whether the cluster can do some jobs.

    Args:
        jobs: of one results folder; without any, all that counts is that the cluster answers.
        resources: what each may use.

    Raises:
        UsageError: no node is large enough, or one can't do the work or doesn't see the folder.
    """
    connect(resources)
    if not jobs:
        return
    found = nodes.alive()
    for amounts in nodes.all_needs(jobs, resources):
        if not nodes.fits(amounts, found.values()):
            raise UsageError(nodes.misfit(amounts, found.values()))
    mark = shared.mark(jobs[0].results)
    try:
        _check_nodes([node for node, amounts in found.items() if amounts.get("CPU")], mark)
    finally:
        mark.unlink(missing_ok=True)


def _check_nodes(ids: Sequence[str], mark: Place) -> None:
    """Have every node look at the results folder."""
    look = ray.remote(num_cpus=0, max_retries=0)(sight)
    asked = {
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
            mark
        ): node
        for node in ids
    }
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=PROBE_SECONDS)
    for reference in answered:
        try:
            problem = ray.get(reference)
        except RayError as error:
            problem = f"it can't run this suite, is it installed there? {_line(error)}"
        if problem:
            raise UsageError(f"node {asked[reference][:8]}: {problem}")
    if silent:
        raise UsageError(f"node {asked[silent[0]][:8]} did not answer in {PROBE_SECONDS:g} seconds")


def sight(mark: Place) -> str:
    """What is wrong with the results folder where this is called, or "".

    Args:
        mark: a file that the session left there.

    Returns:
        One line.
    """
    try:
        shared.see(mark)
    except UsageError as error:
        return str(error)
    return ""


def data_folder() -> str | None:
    """$GAN_DATA by a name that means the same in any folder: nodes have environments of their own.

    Returns:
        An absolute path, or None where it is not set.
    """
    named = os.environ.get("GAN_DATA")
    return str(Path(named).expanduser().absolute()) if named else None


def answer(work: Work, job: Job, mark: Place, threads: int, data: str | None) -> Answer:
    """What a worker of the cluster does.

    Args:
        work: what to do with a job.
        job: its argument.
        mark: shows that the results folder is the session's.
        threads: torch's.
        data: the session's $GAN_DATA, or None to leave the node's.

    Returns:
        How the job ended, or what it raised.
    """
    if data:
        os.environ["GAN_DATA"] = data
    torch.set_num_threads(threads)
    problem = sight(mark)
    return RunError(problem) if problem else attempt(work, job)


class Cluster:
    """Every job is Ray's from the start: it knows where there is room.

    Args:
        jobs: what to compute.
        resources: address, threads and GPUs of each.
        work: what a worker does with a job.
        patience_seconds: how long to wait for a node that can do what is left, once none can.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        resources: Resources,
        work: Work = perform,
        patience_seconds: float = 60.0,
    ) -> None:
        connect(resources)
        self.resources, self.patience_seconds = resources, patience_seconds
        self.mark, self.data = shared.mark(jobs[0].results), data_folder()
        self.ended: queue.Queue[tuple[Job, Future[Answer]]] = queue.Queue()
        self.waiting = dict.fromkeys(jobs)
        self.hopeless_since: float | None = None
        # A worker lives on, with torch, its data sets and its CUDA context; Ray's default for
        # tasks on a GPU is a new process for each.
        self.task = ray.remote(max_calls=0)(answer)
        for job in self.waiting:
            self._submit(job, work)

    @property
    def workers(self) -> int:
        """How many runs the cluster's cores allow at a time, if nobody else uses them."""
        cores = sum(node.get("CPU", 0) for node in nodes.alive().values())
        return int(cores // self.resources.threads)

    def _submit(self, job: Job, work: Work) -> None:
        amounts = nodes.needs(job, self.resources)
        task = self.task.options(
            num_cpus=amounts["CPU"], num_gpus=amounts.get("GPU", 0), max_retries=RETRIES
        )
        future = task.remote(work, job, self.mark, self.resources.threads, self.data).future()
        future.add_done_callback(lambda done: self.ended.put((job, done)))

    def poll(self, wait_seconds: float | None) -> Sequence[Finished]:
        """The jobs that ended since the last call.

        Args:
            wait_seconds: how long to wait for the first; None until there is one.

        Returns:
            Empty when the time is over, which it may be sooner, or nothing is left.
        """
        if not self.waiting:
            return []
        try:
            first = self.ended.get(timeout=WATCH_SECONDS if wait_seconds is None else wait_seconds)
        except queue.Empty:
            return self._stranded() if wait_seconds is None else []
        self.hopeless_since = None
        others = [self.ended.get() for _ in range(self.ended.qsize())]
        return [self._finished(*end) for end in (first, *others)]

    def _finished(self, job: Job, future: "Future[Answer]") -> Finished:
        self.waiting.pop(job, None)  # it may have been given up before
        try:
            result = future.result()
        except Exception as error:  # noqa: BLE001  # the run's own are tracebacks: this one is Ray's
            return job, RunError(f"begun {RETRIES + 1} times and lost: {_line(error)}")
        known = isinstance(result, Outcome | RunError)
        return job, result if known else RunError(f"no outcome: {result!r}")

    def _stranded(self) -> list[Finished]:
        """The jobs that no node could do for a long time: nodes left, and none came."""
        found = nodes.alive().values()
        wanted = nodes.all_needs(list(self.waiting), self.resources)
        hopeless = [amounts for amounts in wanted if not nodes.fits(amounts, found)]
        now = time.monotonic()
        self.hopeless_since = (self.hopeless_since or now) if hopeless else None
        if not hopeless or now - (self.hopeless_since or now) < self.patience_seconds:
            return []
        jobs = [job for job in self.waiting if nodes.needs(job, self.resources) in hopeless]
        for job in jobs:
            del self.waiting[job]
        line = f"given up after {self.patience_seconds:g} seconds: "
        return [
            (job, RunError(line + nodes.misfit(nodes.needs(job, self.resources), found)))
            for job in jobs
        ]

    def stop(self) -> None:
        """Leave the cluster: it ends what this session had it do."""
        ray.shutdown()
        self.mark.unlink(missing_ok=True)


def _line(error: Exception) -> str:
    """Ray's words on one line."""
    return reason(error)[:400]
