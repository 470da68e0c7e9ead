"""The outcomes of a session's jobs, in whatever order its tests ask for them."""

from collections.abc import Callable, Iterable

from bench.engine.job import Engine, Finished, Job, Outcome, RunError


class Outcomes:
    """Waits for an engine's jobs and keeps what came before it was asked for.

    Args:
        engine: at work.
        jobs: the engine's.
        on_finish: called with each job as it ends, before anyone has asked for it.
    """

    def __init__(
        self, engine: Engine, jobs: Iterable[Job], on_finish: Callable[[Finished], None]
    ) -> None:
        self.engine, self.on_finish = engine, on_finish
        self.waiting = set(jobs)
        self.ended: dict[Job, Outcome | RunError] = {}

    def __call__(self, job: Job) -> Outcome:
        """How a job ended, as soon as it has.

        Args:
            job: one of the engine's.

        Returns:
            Its outcome.

        Raises:
            RunError: it has none.
        """
        # Even when the answer is known: an engine may hand out work only when it is asked.
        self._take(0.0)
        while job in self.waiting:
            self._take(None)
        outcome = self.ended[job]
        if isinstance(outcome, RunError):
            raise outcome
        return outcome

    def _take(self, wait_seconds: float | None) -> None:
        for job, outcome in self.engine.poll(wait_seconds):
            self.waiting.discard(job)
            self.ended[job] = outcome
            self.on_finish((job, outcome))
