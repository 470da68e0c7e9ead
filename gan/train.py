"""train(run): Algorithm 1 for as many steps as the run says, with records along the way."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan import distributed
from gan.checkpoint import Checkpoint
from gan.data import load
from gan.evaluation import Evaluation, Row
from gan.failures import status_of
from gan.folder import Place
from gan.run import Run
from gan.step import TRACE, divergence
from gan.store import Stored, key
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


def train(
    run: Run,
    data_dir: Path | None = None,
    on_record: Callable[[Row], None] | None = None,
    checkpoint: Place | None = None,
    on_resume: Callable[[int], None] | None = None,
) -> Result:
    """Train one run from its first step, or from its checkpoint, to its last.

    A loss or gradient that is not finite ends it as "diverged" at that step, and so do players that
    are not finite when a record is due; memory that runs out ends it as "out_of_memory", what torch
    cannot compute on the device in the precision as "unsupported". Evaluation stops the training
    clock and draws from streams of its own.

    Args:
        run: what to train.
        data_dir: folder of IDX files, for data sets that are read from files.
        on_record: called with each row as it is made.
        checkpoint: the file that keeps, once a minute, how far the run has come. If it is there,
            the run goes on from it; on a CPU to the same bits as without interruption. Whoever
            stores the result removes it. Of several processes the first one reads it for all.
        on_resume: called with the step from which the run goes on, if it does.

    Returns:
        Records, status and facts.

    Raises:
        UsageError: what ``Run.check`` refuses, or a checkpoint of another run.
    """
    dataset, result = load(run.data, data_dir), Result(run)
    keeper = Checkpoint(checkpoint, key(run, "training"))
    try:
        trainer = Trainer(run, dataset)
        if (kept := distributed.of_first(keeper.kept)) is not None:
            _restore(trainer, result, kept)
            (on_resume or _ignore)(result.stopped_step)
        _train(trainer, result, on_record or _ignore, keeper)
    except (RuntimeError, MemoryError) as error:
        result.status, result.message = status_of(error)
    return result


def _ignore(_told: object) -> None:
    """Nobody listens."""


def _train(
    trainer: Trainer, result: Result, on_record: Callable[[Row], None], keeper: Checkpoint
) -> None:
    evaluation = Evaluation(trainer)
    result.facts = evaluation.facts()
    _lead(trainer, result, keeper)
    if message := lead_divergence(result.lead):
        result.status, result.message = "diverged", message
        return
    steps = record_steps(trainer.run)
    for record in range(len(result.rows), len(steps)):
        _step(trainer, result, steps[record], keeper)
        if diverged := divergence(result.trace):
            result.status = "diverged"
            result.stopped_step, result.message = diverged
            result.trace = result.trace[: result.stopped_step]
            return
        if message := _overflow(evaluation, steps[record]):
            result.status, result.message = "diverged", message
            return
        trace = result.trace[steps[record - 1] :] if record else result.trace
        snapshot = record in _snapshots(len(steps))
        row = evaluation.row(steps[record], result.seconds, trace, snapshot=snapshot)
        result.rows.append(row)
        on_record(row)
        if keeper.due():
            keeper.keep(_progress(trainer, result))


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


def _lead(trainer: Trainer, result: Result, keeper: Checkpoint) -> None:
    """D's head start, as far as it is not made yet."""
    while (left := trainer.run.head_start - len(result.lead)) > 0:
        trace, _ = _advance(trainer, lambda: trainer.lead(1)[0], left, keeper)
        result.lead = torch.cat([result.lead, trace])
        if keeper.due():
            keeper.keep(_progress(trainer, result))


def _step(trainer: Trainer, result: Result, end: int, keeper: Checkpoint) -> None:
    """Every step up to one, as far as they are not made yet."""
    while (left := end - len(result.trace)) > 0:
        trace, elapsed = _advance(trainer, trainer.step, left, keeper)
        result.trace = torch.cat([result.trace, trace])
        result.stopped_step = len(result.trace)
        result.seconds += elapsed
        if keeper.due():
            keeper.keep(_progress(trainer, result))


def _advance(
    trainer: Trainer, update: Callable[[], Tensor], most: int, keeper: Checkpoint
) -> tuple[Tensor, float]:
    """Some updates, until a checkpoint is due; their traces on the CPU, and the seconds."""
    trainer.synchronise()
    start = time.perf_counter()
    traces = [update()]
    while len(traces) < most and not keeper.due():
        traces.append(update())
    trainer.synchronise()
    elapsed = time.perf_counter() - start
    return torch.stack(traces).float().cpu(), elapsed


def _progress(trainer: Trainer, result: Result) -> dict[str, Any]:
    """What a checkpoint holds; the rows as JSON, since it alone takes every kind of number."""
    return {
        "trainer": trainer.state_dict(),
        "rows": json.dumps(result.rows),
        "lead": result.lead,
        "trace": result.trace,
        "seconds": result.seconds,
    }


def _restore(trainer: Trainer, result: Result, progress: dict[str, Any]) -> None:
    """Put a run where its checkpoint left it."""
    trainer.load_state_dict(progress["trainer"])
    result.rows = json.loads(progress["rows"])
    result.lead, result.trace = progress["lead"], progress["trace"]
    result.stopped_step = len(result.trace)
    result.seconds = progress["seconds"]


def _snapshots(records: int) -> set[int]:
    """Which of so many records keep samples: six, evenly from the first to the last."""
    return set(np.linspace(0, records - 1, 6).round().astype(int).tolist())
