"""A results folder as a session leaves it, of synthetic runs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tests.analysis.synthetic.experiments import experiment_cells
from tests.analysis.synthetic.gates import gate_document
from tests.analysis.synthetic.overhead import overhead_cells
from tests.analysis.synthetic.peers import peers_cells
from tests.analysis.synthetic.runs import (
    MACHINE,
    Profile,
    Row,
    cell,
    gradient_rows,
    make_run,
    throughput_cell,
    training_rows,
    write_run,
)


def cells_of(folder: Path, profile: Profile) -> Iterator[Row]:
    """Every cell of the profile; those of runs leave their file, too."""
    game = (profile.losses, profile.penalties, profile.models)
    for loss, penalty, model, precision, batch_size in product(
        *game, profile.precisions, profile.batch_sizes
    ):
        axes = {"loss": loss, "penalty": penalty, "model": model, "precision": precision}
        yield throughput_cell(make_run(**axes, data="digits", batch_size=batch_size), profile)
    if profile.experiments and profile.batch_sizes:
        yield choice_cell(profile)
    for data in profile.data:
        run = make_run(data=data)
        write_run(folder, run, "gradients", gradient_rows(run, profile))
        yield cell(run, "gradients", [1.0])
    for (loss, penalty, model), data, seed in product(
        product(*game), profile.data, range(profile.seeds)
    ):
        run = make_run(loss=loss, penalty=penalty, model=model, data=data, seed=seed)
        ends = profile.diverged and (loss, data, seed) == (profile.losses[0], "ring", 1)
        status = {"status": "diverged", "message": "loss is nan at step 301"} if ends else {}
        write_run(
            folder, run, "training", training_rows(run, profile, 0.5 if ends else 1), **status
        )
        yield cell(run, "convergence", [3.0], reused=False, **status)
    yield from experiment_cells(folder, profile) if profile.experiments else ()
    yield from peers_cells(profile) if profile.experiments else ()
    yield from overhead_cells(profile) if profile.experiments else ()


def choice_cell(profile: Profile) -> Row:
    """The last game compiled: twice as fast as eager; reversed it takes twice as long."""
    game = {"loss": profile.losses[-1], "penalty": profile.penalties[-1]}
    game |= {"model": profile.models[-1], "precision": profile.precisions[-1]}
    size = profile.batch_sizes[-1]
    run = make_run(**game, data="digits", batch_size=size, mode="compile")
    timed = throughput_cell(run, profile)
    factor = 2 if profile.reverse else 0.5
    timed["stats"]["data"] = [factor * seconds for seconds in timed["stats"]["data"]]
    return timed


def write_session(folder: Path, profile: Profile | None = None, machine: Row | None = None) -> Path:
    """A whole results folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine_info": {"node": "example", "saddle": {**MACHINE, **(machine or {})}},
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "benchmarks": list(cells_of(folder, profile or Profile())),
        "datetime": "2026-01-02T03:04:05+00:00",
        "version": "5.3.1",
    }
    text = json.dumps(document, ensure_ascii=True, indent=4)
    (folder / "benchmark.json").write_text(text, encoding="utf-8")
    if profile is not None and profile.experiments:
        (folder / "gate.json").write_bytes(gate_document(reverse=profile.reverse))
    return folder


@dataclass(frozen=True)
class Synthetic:
    """The writers, for tests that need a folder of their own."""

    folder: Path

    def session(self, name: str = "results", *, machine: Row | None = None, **profile: Any) -> Path:
        """A results folder of this name; keywords are Profile's."""
        return write_session(self.folder / name, Profile(**profile), machine)

    def edit(self, change: Callable[[Row], None], name: str = "edited", **profile: Any) -> Path:
        """The benchmark.json of a small session after a change of its document."""
        small = {"data": ("ring",), "seeds": 1, "batch_sizes": (16,), "records": 2, **profile}
        file = self.session(name, **small) / "benchmark.json"
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))
        return file

    def run(self, name: str = "runs_only", kind: str = "training", **meta: object) -> Path:
        """One run's file alone in its folder; keywords replace metadata entries."""
        run, profile = make_run(data="gaussian1d"), Profile(records=2)
        rows = (
            gradient_rows(run, profile) if kind == "gradients" else training_rows(run, profile, 1)
        )
        return write_run(self.folder / name, run, kind, rows, **meta)
