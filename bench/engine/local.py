"""Local processes: each computes a run at a time; one that dies is replaced, its run redone."""

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Sequence
from multiprocessing.connection import wait

from bench.engine.job import Finished, Job, Outcome, Resources, RunError, Work, perform
from bench.engine.worker import GRACE_SECONDS, serve

RETRIES = 2
"""How often a run is begun again after the process that computed it died."""

# One server imports torch, and workers are forked from it within milliseconds, whenever one is
# needed; a fork of the session itself would share its threads and locks.
CONTEXT = multiprocessing.get_context("forkserver")


class Worker:
    """A process of its own and the job it has.

    Args:
        work: what it does with a job.
        threads: torch's.
    """

    def __init__(self, work: Work, threads: int) -> None:
        CONTEXT.set_forkserver_preload(["bench.engine.worker"])
        self.connection, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(theirs, work, threads), daemon=True)
        self.process.start()
        theirs.close()  # so that its death is the end of the connection
        self.job: Job | None = None

    def give(self, job: Job | None) -> bool:
        """Hand it a job; None leaves it idle.

        Args:
            job: the next.

        Returns:
            False if it has died since its last job, and so has not begun this one.
        """
        self.job = job
        if job is None:
            return True
        try:
            self.connection.send(job)
        except OSError:
            return False
        return True

    def death(self) -> str:
        """How it died, in words."""
        self.process.join(GRACE_SECONDS)
        code = self.process.exitcode or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """End it, gently at first."""
        self.process.terminate()
        self.process.join(GRACE_SECONDS)
        self.process.kill()
        self.process.join()
        self.connection.close()


class Local:
    """As many processes as wanted on this machine; they share its GPU, if runs use one.

    Args:
        jobs: what to compute, in this order.
        resources: workers and threads.
        work: what a worker does with a job.
    """

    def __init__(self, jobs: Sequence[Job], resources: Resources, work: Work = perform) -> None:
        self.queue, self.work, self.threads = deque(dict.fromkeys(jobs)), work, resources.threads
        self.deaths: Counter[Job] = Counter()
        self.team: list[Worker] = []
        for _ in range(min(resources.workers or 1, len(self.queue))):
            self.team.append(self._worker(self._next()))

    @property
    def workers(self) -> int:
        """How many processes compute."""
        return len(self.team)

    def _worker(self, job: Job | None) -> Worker:
        """A new one, at work on a job; if it dies at once, the next look at it finds out."""
        worker = Worker(self.work, self.threads)
        worker.give(job)
        return worker

    def _replace(self, worker: Worker, job: Job | None) -> None:
        """Put a new worker in the place of a dead one."""
        worker.stop()
        self.team[self.team.index(worker)] = self._worker(job)

    def _next(self) -> Job | None:
        return self.queue.popleft() if self.queue else None

    def poll(self, wait_seconds: float | None) -> Sequence[Finished]:
        """The jobs that ended since the last call; their workers get the next ones.

        Args:
            wait_seconds: how long to wait for the first; None until there is one.

        Returns:
            Empty when the time is over, or nothing is left.
        """
        done: list[Finished] = []
        while not done and (busy := [worker for worker in self.team if worker.job is not None]):
            ready = wait([worker.connection for worker in busy], wait_seconds)
            if not ready:
                break
            for worker in busy:
                if worker.connection in ready:
                    done.extend(self._take(worker))
        return done

    def _take(self, worker: Worker) -> Sequence[Finished]:
        """What a worker says: at most one job's end, and none if it died and its job is redone."""
        job = worker.job
        if job is None:
            return []
        try:
            answer: Outcome | RunError = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker, job)
        if not worker.give(following := self._next()):
            self._replace(worker, following)
        known = isinstance(answer, Outcome | RunError)
        return [(job, answer if known else RunError(f"no outcome: {answer!r}"))]

    def _bury(self, worker: Worker, job: Job) -> Sequence[Finished]:
        """Replace a worker that died; its job is next again, unless it has killed enough."""
        self.deaths[job] += 1
        lost = self.deaths[job] > RETRIES
        if not lost:
            self.queue.appendleft(job)
        death = worker.death()
        self._replace(worker, self._next())
        line = f"its worker died {self.deaths[job]} times, the last time {death}"
        hint = ": the machine may be out of memory" if "SIGKILL" in death else ""
        return [(job, RunError(line + hint))] if lost else []

    def stop(self) -> None:
        """End every worker; what they were computing is lost, what they stored is kept."""
        for worker in self.team:
            worker.process.terminate()
        for worker in self.team:
            worker.stop()
        self.team = []
