"""Runs on their way from the first step to the last: results, records, checkpoints."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.checkpoint import Checkpoint
from gan.ensemble import members_of
from gan.evaluation import Evaluation, Row
from gan.run import Run
from gan.step import TRACE, divergence
from gan.store import Stored
from gan.trainer import Trainer, lead_divergence


@dataclass
class Result:
    """What a run left: its records, how it ended, and facts about its networks and data.

    Args:
        run: what was trained.
        rows: one per record, the columns of results/README.md.
        status: "finished", "diverged", "out_of_memory" or "unsupported".
        message: why, when it did not finish.
        stopped_step: the last step made.
        trace: (stopped_step, 4), float32, TRACE of every step.
        facts: as results/README.md lists them.
        lead: (head_start, 2), float32, D's loss and gradient norm in each update of the head start.
        seconds: on the training clock.
    """

    run: Run
    rows: list[Row] = field(default_factory=list)
    status: str = "finished"
    message: str = ""
    stopped_step: int = 0
    trace: Tensor = field(default_factory=lambda: torch.empty(0, len(TRACE)))
    facts: dict[str, object] = field(default_factory=dict)
    lead: Tensor = field(default_factory=lambda: torch.empty(0, 2))
    seconds: float = 0.0

    def stored(self) -> Stored:
        """The result as a run file holds it."""
        return Stored(
            kind="training",
            run=self.run,
            rows=self.rows,
            status=self.status,
            message=self.message,
            stopped_step=self.stopped_step,
            facts=self.facts,
        )


def record_steps(run: Run) -> list[int]:
    """The steps after which a run is evaluated: 0, the last, and evenly between.

    Args:
        run: its steps and records.

    Returns:
        Increasing, without repeats.

    >>> record_steps(Run(steps=100, records=4))
    [0, 25, 50, 75, 100]
    """
    steps = np.linspace(0, run.steps, run.records + 1).round().astype(int)
    return [int(step) for step in np.unique(steps)]


class Training:
    """The runs of a trainer on their way from the first step to the last.

    Args:
        trainer: of one run or of an ensemble.
        results: of each run, filled here.
        on_record: called with each row.
        keeper: of the checkpoint.
    """

    def __init__(
        self,
        trainer: Trainer,
        results: list[Result],
        on_record: Callable[[Row], None],
        keeper: Checkpoint,
    ) -> None:
        self._trainer, self._results = trainer, results
        self._state = trainer.state  # made now: where memory runs out there are no facts either
        self._on_record, self._keeper = on_record, keeper
        self._evaluations = [Evaluation(member) for member in members_of(trainer)]
        for result, evaluation in zip(results, self._evaluations, strict=True):
            result.facts = evaluation.facts()
        self.steps, self._leads, self._records, self._seconds = 0, 0, 0, 0.0

    def finish(self) -> None:
        """Make every update and every record that is not made yet."""
        run = self._trainer.run
        self._advance_lead(run.head_start)
        for result in self._going():
            if message := lead_divergence(result.lead):
                result.status, result.message = "diverged", message
        at = record_steps(run)
        for record in range(self._records, len(at)):
            if not self._going():
                return
            self._advance_steps(at[record])
            for result, evaluation in zip(self._results, self._evaluations, strict=True):
                if result.status == "finished":
                    self._record(result, evaluation, record, at)
            self._records = record + 1
            self._keep()

    def _going(self) -> list[Result]:
        return [result for result in self._results if result.status == "finished"]

    def _record(self, result: Result, evaluation: Evaluation, record: int, at: list[int]) -> None:
        """One row of a run's table, or that the run has diverged."""
        if diverged := divergence(result.trace):
            result.status = "diverged"
            result.stopped_step, result.message = diverged
            result.trace = result.trace[: result.stopped_step]
            return
        if message := _overflow(evaluation, at[record]):
            result.status, result.message = "diverged", message
            return
        trace = result.trace[at[record - 1] :] if record else result.trace
        snapshot = record in _snapshots(len(at))
        row = evaluation.row(at[record], result.seconds, trace, snapshot=snapshot)
        result.rows.append(row)
        self._on_record(row)

    def _advance_lead(self, end: int) -> None:
        """D's head start, as far as it is not made yet."""
        while (left := end - self._leads) > 0:
            traces, _ = self._advance(lambda: self._trainer.lead(1)[0], left)
            for result, trace in zip(self._results, traces, strict=True):
                result.lead = torch.cat([result.lead, trace])
            self._leads += len(traces[0])
            self._keep()

    def _advance_steps(self, end: int) -> None:
        """Every step up to one, as far as they are not made yet."""
        while (left := end - self.steps) > 0:
            traces, elapsed = self._advance(self._trainer.step, left)
            self.steps += len(traces[0])
            self._seconds += elapsed
            for result, trace in zip(self._results, traces, strict=True):
                if result.status == "finished":
                    result.trace = torch.cat([result.trace, trace])
                    result.stopped_step, result.seconds = self.steps, self._seconds
            self._keep()

    def _advance(self, update: Callable[[], Tensor], most: int) -> tuple[Sequence[Tensor], float]:
        """Some updates, until a checkpoint is due; each run's traces on the CPU, and the seconds.

        The seconds are those of all runs together: nobody waits for one of them alone.
        """
        trainer, keeper = self._trainer, self._keeper
        trainer.synchronise()
        start = time.perf_counter()
        traces = [update()]
        while len(traces) < most and not keeper.due():
            traces.append(update())
        trainer.synchronise()
        elapsed = time.perf_counter() - start
        together = torch.stack(traces).float().cpu()
        return (together.unbind(1) if trainer.run.ensemble > 1 else [together]), elapsed

    def _keep(self) -> None:
        if self._keeper.due():
            self._keeper.keep(self.progress())

    def progress(self) -> dict[str, Any]:
        """What a checkpoint holds; rows as JSON, since it alone takes every kind of number."""
        return {
            "trainer": self._trainer.state_dict(),
            "steps": self.steps,
            "leads": self._leads,
            "records": self._records,
            "seconds": self._seconds,
            "runs": [
                {
                    "rows": json.dumps(result.rows),
                    "lead": result.lead,
                    "trace": result.trace,
                    "seconds": result.seconds,
                    "status": result.status,
                    "message": result.message,
                    "stopped_step": result.stopped_step,
                }
                for result in self._results
            ],
        }

    def restore(self, progress: dict[str, Any]) -> None:
        """Go on from where a checkpoint left the runs.

        Args:
            progress: as ``progress`` returns it.
        """
        self._trainer.load_state_dict(progress["trainer"])
        self.steps, self._leads = progress["steps"], progress["leads"]
        self._records, self._seconds = progress["records"], progress["seconds"]
        for result, kept in zip(self._results, progress["runs"], strict=True):
            result.rows = json.loads(kept["rows"])
            result.lead, result.trace, result.seconds = kept["lead"], kept["trace"], kept["seconds"]
            result.status, result.message = kept["status"], kept["message"]
            result.stopped_step = kept["stopped_step"]


FEW = 256
"""Inputs of D on which a record's players are looked at before it is made: a small part of it."""


@torch.no_grad()
def _overflow(evaluation: Evaluation, step: int) -> str:
    """What of both players is not finite on noise and data of a record, or "".

    A trace says what they were before each update, so what the last one did shows here alone.
    """
    trainer, run = evaluation.trainer, evaluation.run
    n = min(run.evaluation_samples, FEW * run.pack)
    theta_g, theta_d, average = (*trainer.state[:2], trainer.state.average)
    generate, logits = trainer.game.generate, trainer.game.logits
    z = trainer.latent(n, run.rng(f"evaluation {step}", run.device))
    real, fake = evaluation.real[:n], generate(theta_g, z)
    seen = {
        "a parameter of G": theta_g,
        "a parameter of D": theta_d,
        "a parameter of G's average": average,
        "a sample of G": fake,
        "a sample of G's average": generate(average, z).float(),
        "D's logit of a real sample": logits(theta_d, real.to(run.dtype)),
        "D's logit of a generated sample": logits(theta_d, fake),
    }
    for what, values in seen.items():
        if len(bad := values[~values.isfinite()]):
            return f"{what} is {bad[0].item()} after step {step}"
    return ""


def _snapshots(records: int) -> set[int]:
    """Which of so many records keep samples: six, evenly from the first to the last."""
    return set(np.linspace(0, records - 1, 6).round().astype(int).tolist())
