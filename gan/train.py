"""train(run): Algorithm 1 for as many steps as the run says, with records along the way."""

from collections.abc import Callable
from pathlib import Path

from gan import distributed
from gan.checkpoint import Checkpoint
from gan.data import load
from gan.ensemble import trainer_of
from gan.errors import UsageError
from gan.evaluation import Row
from gan.failures import status_of
from gan.folder import Place
from gan.run import Run
from gan.store import key
from gan.training import Result, Training, record_steps

__all__ = ["Result", "record_steps", "train", "train_together"]


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
        run: what to train, by itself; ``train_together`` trains ensembles.
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
    if run.ensemble > 1:
        raise UsageError(f"an ensemble of {run.ensemble} is more than one run: train_together")
    [result] = train_together(run, data_dir, on_record, checkpoint, on_resume)
    return result


def train_together(
    run: Run,
    data_dir: Path | None = None,
    on_record: Callable[[Row], None] | None = None,
    checkpoint: Place | None = None,
    on_resume: Callable[[int], None] | None = None,
) -> list[Result]:
    """Train a run and those beside it in its ensemble: one program, each as ``train`` would.

    A run that diverges ends there with its records; the others go on.

    Args:
        run: any of the ensemble's.
        data_dir: as for ``train``.
        on_record: called with each row of each run.
        checkpoint: one file for all of them.
        on_resume: as for ``train``.

    Returns:
        A result for each of ``run.members()``; their runs say that they were of an ensemble.

    Raises:
        UsageError: as ``train``.
    """
    dataset = load(run.data, data_dir)
    results = [Result(member) for member in run.members()]
    keeper = Checkpoint(checkpoint, key(results[0].run, "training"))
    try:
        trainer = trainer_of(run, dataset)
        training = Training(trainer, results, on_record or _ignore, keeper)
        if (kept := distributed.of_first(keeper.kept)) is not None:
            training.restore(kept)
            (on_resume or _ignore)(training.steps)
        training.finish()
    except (RuntimeError, MemoryError) as error:
        for result in results:
            if result.status == "finished":
                result.status, result.message = status_of(error)
    return results


def _ignore(_told: object) -> None:
    """Nobody listens."""
