"""One run from the command line: progress bar, records, picture."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gan import distributed, sheet, store
from gan.data import load
from gan.evaluation import Row
from gan.folder import Place
from gan.run import Run
from gan.train import train_together

SHOWN = ("fid", "modes", "high_quality", "w1", "accuracy")


def train_and_store(run: Run, folder: Place, data_dir: Path | None) -> None:
    """Train a run with a progress bar, store its records and a picture of its samples.

    A run that was interrupted goes on from its checkpoint. Under torchrun each process trains on
    its share of every minibatch, and the first of them tells and stores.

    Args:
        run: what to train.
        folder: a results folder.
        data_dir: folder of IDX files, or None.

    Raises:
        UsageError: what the run or the folder does not allow.
    """
    with distributed.processes(run.device):
        run.check(load(run.data, data_dir))
        store.probe(folder)
        # The first one's checkpoint is that of an ensemble: it goes when all are stored.
        for stored in reversed(_trained(run, folder, data_dir)):
            if distributed.rank() == 0:
                _store(stored, folder)


def _trained(run: Run, folder: Place, data_dir: Path | None) -> list[store.Stored]:
    """The records of the run, and of its ensemble; how far it has come is shown on stderr."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[shown]}"),
        console=Console(stderr=True, quiet=distributed.rank() > 0),
    )
    with bar:
        task = bar.add_task(f"{run.data} {run.loss}", total=run.steps, shown="")

        def show(row: Row) -> None:
            bar.update(task, completed=int(str(row["step"])), shown=summary(row))

        def resume(step: int) -> None:
            bar.update(task, completed=step)
            bar.console.print(f"going on from step {step}, where this run was interrupted")

        kept = store.checkpoint(folder, run.members()[0], "training")
        results = train_together(run, data_dir, show, kept, resume)
        return [result.stored() for result in results]


def _store(stored: store.Stored, folder: Place) -> None:
    """Write records and picture, and say where they are."""
    who = f"seed {stored.run.seed}: " if stored.run.ensemble > 1 else ""
    print(
        f"{who}{stored.status} after {stored.stopped_step} steps: {stored.message or 'no incident'}"
    )
    if stored.rows:
        print(summary(stored.rows[-1]))
    file = store.write(folder, stored)
    print(f"records  {file}")
    picture = folder / f"{file.stem}.png"
    if draw(stored, picture):
        print(f"picture  {picture}")


def summary(row: Mapping[str, object]) -> str:
    """The metrics of a row that a reader looks at first.

    >>> summary({"step": 10, "fid": 2.345, "modes": None, "accuracy": 0.5})
    'fid 2.35  accuracy 0.5'
    """
    return "  ".join(f"{name} {row[name]:.3g}" for name in SHOWN if row.get(name) is not None)


def draw(stored: store.Stored, file: Place) -> bool:
    """Write a picture of the last samples that a run kept.

    Args:
        stored: the run.
        file: a PNG.

    Returns:
        False if the run kept none.
    """
    kept = [row for row in stored.rows if row.get("samples")]
    if not kept:
        return False
    shape = stored.facts["sample_shape"]
    samples, real = (
        np.reshape(np.asarray(values), (-1, *shape))  # type: ignore[misc]  # a list of int
        for values in (kept[-1]["samples"], stored.facts["real_samples"])
    )
    title = f"{stored.run.loss} on {stored.run.data}, step {kept[-1]['step']}"
    sheet.save(samples, real, title, file)
    return True
