"""WORK: what computes each kind of cell, in whichever process: a run in, a run file's contents out.

Throughput and peers are not here: they are timed, not computed, and one at a time.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gan.counterfactual import counterfactual_experiment
from gan.data import load
from gan.dirac import dirac_experiment
from gan.failures import status_of
from gan.folder import Place
from gan.gradients import shift_experiment
from gan.numerics import numerics_experiment
from gan.optimum import optimum_experiment
from gan.overtrained import overtrained_experiment
from gan.per_sample import per_sample_experiment
from gan.run import Run
from gan.spectrum import spectrum_experiment
from gan.store import Stored, key
from gan.train import train_together
from gan.trainer import Trainer

PICTURES = ("samples", "logits_on_grid")

Work = Callable[[Run, Path | None, Place | None], list[Stored]]


def stored_as(kind: str) -> str:
    """The kind of run file that goes by a cell's key.

    >>> stored_as("convergence"), stored_as("numerics")
    ('training', 'numerics')
    """
    return "training" if kind in ("throughput", "convergence") else kind


def compute(
    kind: str, run: Run, data_dir: Path | None, checkpoints: Place | None = None
) -> list[Stored]:
    """What a cell leaves, or that its memory ran out or that torch lacks an operation.

    Args:
        kind: a name of WORK.
        run: every setting.
        data_dir: folder of IDX files, or None.
        checkpoints: the folder where an unfinished training run keeps how far it came, and goes
            on from there; None to keep nothing.

    Returns:
        The contents of its run file; of an ensemble, of each run's.

    Raises:
        RuntimeError: any other that its computation raises.
    """
    file = checkpoints / f"{key(run, stored_as(kind))}.pt" if checkpoints else None
    try:
        all_stored = WORK[kind](run, data_dir, file)
    except (RuntimeError, MemoryError) as error:
        status, message = status_of(error)
        all_stored = [Stored("", each, [], status, message, 0, {}) for each in run.members()]
    return [replace(stored, kind=stored_as(kind)) for stored in all_stored]


def on_networks(experiment: Callable[[Trainer], Stored]) -> Work:
    """An experiment on the networks of a run, as work.

    Args:
        experiment: measures a trainer at its first step.

    Returns:
        The same of a run.
    """
    return lambda run, data_dir, _checkpoint: [experiment(Trainer(run, load(run.data, data_dir)))]


def trained(run: Run, data_dir: Path | None, checkpoint: Place | None) -> list[Stored]:
    """A game from its start, or from its checkpoint, to its end, with those of its ensemble.

    Args:
        run: every setting.
        data_dir: folder of IDX files, or None.
        checkpoint: the file that keeps how far it came, or None.

    Returns:
        Their records.
    """
    return [result.stored() for result in train_together(run, data_dir, checkpoint=checkpoint)]


def trained_for_numbers(run: Run, data_dir: Path | None, checkpoint: Place | None) -> list[Stored]:
    """The same without samples, real ones neither: of hundreds they would outweigh the numbers.

    Args:
        run: every setting.
        data_dir: folder of IDX files, or None.
        checkpoint: the file that keeps how far it came, or None.

    Returns:
        Their records but for the columns of PICTURES; the lists of real samples are empty.
    """
    return [_without_pictures(stored) for stored in trained(run, data_dir, checkpoint)]


def _without_pictures(stored: Stored) -> Stored:
    rows = [{k: v for k, v in row.items() if k not in PICTURES} for row in stored.rows]
    facts = {**stored.facts, "real_samples": []} if stored.facts else {}
    return replace(stored, rows=rows, facts=facts)


WORK: dict[str, Work] = {
    "numerics": lambda run, _data_dir, _checkpoint: [numerics_experiment(run)],
    "dirac": lambda run, _data_dir, _checkpoint: [dirac_experiment(run)],
    "gradients": on_networks(shift_experiment),
    "per_sample": on_networks(per_sample_experiment),
    "optimum": on_networks(optimum_experiment),
    "overtrained": on_networks(overtrained_experiment),
    "counterfactual": on_networks(counterfactual_experiment),
    "spectrum": on_networks(spectrum_experiment),
    "convergence": trained,
    "head_start": trained_for_numbers,
    "batches": trained_for_numbers,
    "reproduction": trained_for_numbers,
}
