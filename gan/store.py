"""One finished run is one Parquet file, named by its key and written whole or not at all."""

import dataclasses
import hashlib
import json
import logging
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from gan import atomic, distributed, parquet
from gan.errors import UnwritableError, UsageError
from gan.folder import Place, contents, make, mkdir, telling
from gan.run import Run

SCHEMA = 2

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Stored:
    """A run file's contents, the table of results/README.md and its header.

    Args:
        kind: "training" or an experiment's, as results/README.md lists them.
        run: what was run.
        rows: one mapping per row; a missing column is null.
        status: "finished", "diverged", "unsupported" or "out_of_memory".
        message: why, when it did not finish.
        stopped_step: the last step made.
        facts: about networks and data.
    """

    kind: str
    run: Run
    rows: Sequence[Mapping[str, object]]
    status: str
    message: str
    stopped_step: int
    facts: Mapping[str, object]

    @property
    def ended(self) -> bool:
        """Whether it stays so; memory that ran out may come back: somebody else may have it."""
        return self.status != "out_of_memory"


@cache
def processor(device: str) -> str:
    """What computes on a device: the GPU's name, or the processor's from /proc/cpuinfo.

    Args:
        device: "cpu", "cuda", …

    Returns:
        As the vendor spells it.
    """
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@cache
def _sources() -> str:
    """A hash of every source file of gan/: results of other code are other results."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def versions() -> dict[str, str | None]:
    """The versions of what computes results besides gan/; None of what is not installed."""
    found: dict[str, str | None] = {"torch": torch.__version__}
    for name in ("numpy", "scipy", "scikit-learn", "torchmetrics", "POT"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def key(run: Run, kind: str) -> str:
    """The name under which a run is stored: 16 hexadecimal digits.

    A hash of whatever changes the last bits of a result: the run, the code and the libraries that
    compute it, the processor, torch's threads there, and how many processes train it together.

    Args:
        run: every setting.
        kind: "training" or an experiment's.

    Returns:
        Of the same run on the same machine, code and number of threads always the same.
    """
    threads = torch.get_num_threads() if run.device == "cpu" else None
    computed_by = [_sources(), versions(), processor(run.device), threads, distributed.world()]
    parts = json.dumps([kind, run.as_dict(), computed_by], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def path(folder: Place, run: Run, kind: str) -> Place:
    """Where a run is or will be stored.

    Args:
        folder: a results folder.
        run: every setting.
        kind: "training" or an experiment's.

    Returns:
        folder/runs/<key>.parquet
    """
    return folder / "runs" / f"{key(run, kind)}.parquet"


def checkpoint(folder: Place, run: Run, kind: str) -> Place:
    """Where a run keeps how far it has come, until it has ended.

    Args:
        folder: a results folder.
        run: every setting.
        kind: "training" or another kind of curves.

    Returns:
        folder/checkpoints/<key>.pt
    """
    return folder / "checkpoints" / f"{key(run, kind)}.pt"


def probe(folder: Place) -> None:
    """Make a results folder and try to write to it, before any work.

    What killed sessions left there half-written is removed, and the checkpoints of runs that have
    ended. Their empty marks (``bench.engine.shared``) stay: nobody can tell them from a live one's.

    Args:
        folder: where results will go.

    Raises:
        UsageError: it can't be made or written.
    """
    with telling("can't write to", folder):
        make(folder)
        _sweep(folder)


def _sweep(folder: Place) -> None:
    """Remove what killed sessions left half-written, and checkpoints that outlived their runs."""
    for name in ("runs", "checkpoints"):
        atomic.sweep(folder / name)
    for kept in (folder / "checkpoints").glob("*.pt"):
        if _outlived(kept, folder / "runs" / f"{kept.stem}.parquet"):
            kept.unlink(missing_ok=True)


def _outlived(kept: Place, file: Place) -> bool:
    """Whether a checkpoint is of before its run's end; a later one is of a run made again."""
    try:
        if kept.stat().st_mtime > file.stat().st_mtime:
            return False
        stored = read(file)
    except (FileNotFoundError, UsageError):
        return False
    return stored is not None and stored.ended


def write(folder: Place, stored: Stored) -> Place:
    """Store a run, whole or not at all; at its end its checkpoint has served its purpose and goes.

    Memory that ran out is no end: the checkpoint stays for the next attempt, and a file that has
    the run's end, another session's, stays as it is.

    Args:
        folder: a results folder; ``runs`` is made in it.
        stored: what to write.

    Returns:
        The file.

    Raises:
        UnwritableError: the folder can't be written.
        UsageError: memory ran out, and what is there can't be read.
    """
    target = path(folder, stored.run, stored.kind)
    if not stored.ended and (there := read(target)) is not None and there.ended:
        log.warning("%s has the run's end: that memory ran out here is not stored", target)
        return target
    content = parquet.encode(_header(stored), stored.rows)
    try:
        with telling("can't write", target):
            mkdir(target.parent)
            atomic.write(target, content)
    except UsageError as error:
        raise UnwritableError(str(error)) from None
    if stored.ended:
        kept = checkpoint(folder, stored.run, stored.kind)
        with telling("can't remove", kept):
            kept.unlink(missing_ok=True)
    return target


def _header(stored: Stored) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "key": key(stored.run, stored.kind),
        "torch": torch.__version__,
        "machine": processor(stored.run.device),
        "kind": stored.kind,
        "run": stored.run.as_dict(),
        "status": stored.status,
        "message": stored.message,
        "stopped_step": stored.stopped_step,
        "facts": dict(stored.facts),
    }


def read(file: Place) -> Stored | None:
    """Read a run file back, verifying its checksums.

    Args:
        file: where a run would be stored.

    Returns:
        The run, or None if there is no file or, with a warning in the log, if it is not whole:
        then it has to be run again.

    Raises:
        UsageError: it is whole but another run's or another version's, or can't be read at all.
    """
    content = contents(file)
    if content is None:
        return None
    try:
        header, rows = parquet.decode(content)
    except atomic.DamagedError as damage:
        log.warning("%s is not whole (%s): its run is made again", file, damage)
        return None
    return _stored(file, header, rows)


def _stored(file: Place, header: dict[str, Any], rows: list[dict[str, Any]]) -> Stored:
    """A whole file's run, if it is of this version and under its own name."""
    if header.get("schema") != SCHEMA:
        reason = f"of schema {header.get('schema')!r}; this version knows schema {SCHEMA}"
    elif header.get("key") != file.stem:
        reason = f"the run of key {header.get('key')!r}, not of its name"
    else:
        try:
            names = ("kind", "status", "message", "stopped_step", "facts")
            facts = {name: header[name] for name in names}
            return Stored(run=Run(**header["run"]), rows=rows, **facts)
        except (KeyError, TypeError, UsageError):
            reason = "a run of another version of this suite"
    raise UsageError(f"{file} is {reason}: it was left as it is; move it away")
