"""train(run): Algorithm 1 for as many steps as the run says, with records along the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan.data import load
from gan.evaluation import Evaluation, Row
from gan.failures import is_out_of_memory
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
        status: "finished", "diverged" or "out_of_memory".
        message: why, when it did not finish.
        stopped_step: the last step made.
        trace: (stopped_step, 4), float32, TRACE of every step.
        facts: as results/README.md lists them.
    """

    run: Run
    rows: list[Row] = field(default_factory=list)
    status: str = "finished"
    message: str = ""
    stopped_step: int = 0
    trace: Tensor = field(default_factory=lambda: torch.empty(0, len(TRACE)))
    facts: dict[str, object] = field(default_factory=dict)

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


def train(
    run: Run,
    data_dir: Path | None = None,
    on_record: Callable[[Row], None] | None = None,
) -> Result:
    """Train one run from its first step to its last.

    A loss or gradient that is not finite ends it as "diverged" at that step; memory that runs out,
    as "out_of_memory". Evaluation stops the training clock and draws from streams of its own.

    Args:
        run: what to train.
        data_dir: folder of IDX files, for data sets that are read from files.
        on_record: called with each row as it is made.

    Returns:
        Records, status and facts.

    Raises:
        UsageError: what ``Run.check`` refuses.
    """
    dataset, result = load(run.data, data_dir), Result(run)
    try:
        _train(Trainer(run, dataset), result, on_record or _ignore)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        result.status, result.message = "out_of_memory", str(error).splitlines()[0]
    return result


def _ignore(_row: Row) -> None:
    """Nobody listens."""


def _train(trainer: Trainer, result: Result, on_record: Callable[[Row], None]) -> None:
    evaluation = Evaluation(trainer)
    result.facts = evaluation.facts()
    if message := lead_divergence(trainer.lead(trainer.run.head_start)):
        result.status, result.message = "diverged", message
        return
    seconds, steps = 0.0, record_steps(trainer.run)
    trace = torch.empty(0, len(TRACE))
    for record, end in enumerate(steps):
        if record:
            trace, elapsed = _advance(trainer, end - steps[record - 1])
            seconds += elapsed
            result.trace = torch.cat([result.trace, trace])
            result.stopped_step = len(result.trace)
        if diverged := divergence(result.trace):
            result.status = "diverged"
            result.stopped_step, result.message = diverged
            result.trace = result.trace[: result.stopped_step]
            return
        row = evaluation.row(end, seconds, trace, snapshot=record in _snapshots(len(steps)))
        result.rows.append(row)
        on_record(row)


def _advance(trainer: Trainer, steps: int) -> tuple[Tensor, float]:
    """Take some steps; their traces (steps, 4) on the CPU, and the seconds they took."""
    trainer.synchronise()
    start = time.perf_counter()
    traces = [trainer.step() for _ in range(steps)]
    trainer.synchronise()
    elapsed = time.perf_counter() - start
    return torch.stack(traces).float().cpu(), elapsed


def _snapshots(records: int) -> set[int]:
    """Which of so many records keep samples: six, evenly from the first to the last."""
    return set(np.linspace(0, records - 1, 6).round().astype(int).tolist())
