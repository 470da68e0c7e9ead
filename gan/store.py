"""One finished run is one Parquet file, named by its key and written whole or not at all."""

import dataclasses
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from gan.errors import UsageError
from gan.folder import make
from gan.run import Run

SCHEMA = 1


@dataclasses.dataclass(frozen=True)
class Stored:
    """A run file's contents, the table of results/README.md and its header.

    Args:
        kind: "training" or "gradients".
        run: what was run.
        rows: one mapping per row; a missing column is null.
        status: "finished", "diverged" or "out_of_memory".
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


def key(run: Run, kind: str) -> str:
    """The name under which a run is stored: 16 hexadecimal digits.

    A hash of the run, of the code that runs it, of torch's version and of the processor, since
    each of them changes the last bits of a result.

    Args:
        run: every setting.
        kind: "training" or "gradients".

    Returns:
        Of the same run on the same machine and code always the same.
    """
    parts = [kind, run.as_dict(), _sources(), torch.__version__, processor(run.device)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def path(folder: Path, run: Run, kind: str) -> Path:
    """Where a run is or will be stored.

    Args:
        folder: a results folder.
        run: every setting.
        kind: "training" or "gradients".

    Returns:
        folder/runs/<key>.parquet
    """
    return folder / "runs" / f"{key(run, kind)}.parquet"


def probe(folder: Path) -> None:
    """Make a results folder and try to write to it, before any work.

    Args:
        folder: where results will go.

    Raises:
        UsageError: it can't be made or written.
    """
    try:
        make(folder)
    except OSError as error:
        raise UsageError(f"can't write to {folder}: {error.strerror or error}") from None


def write(folder: Path, stored: Stored) -> Path:
    """Store a run: under a temporary name, synced, then renamed.

    Args:
        folder: a results folder; ``runs`` is made in it.
        stored: what to write.

    Returns:
        The file.

    Raises:
        UsageError: the folder can't be written.
    """
    target = path(folder, stored.run, stored.kind)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                pq.write_table(_table(stored), file, compression="zstd", write_page_checksum=True)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"can't write {target}: {error.strerror or error}") from None
    return target


def _table(stored: Stored) -> pa.Table:
    columns = list(dict.fromkeys(name for row in stored.rows for name in row))
    arrays = {name: [row.get(name) for row in stored.rows] for name in columns}
    table = pa.table(
        {name: pa.array(values, _type(name, values)) for name, values in arrays.items()}
    )
    header = {
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
    return table.replace_schema_metadata({"saddle": json.dumps(header)})


def _type(name: str, values: Sequence[object]) -> pa.DataType:
    """The Arrow type of a column, given even where every value is null."""
    if any(isinstance(value, list) for value in values):
        return pa.list_(pa.float32())
    if any(isinstance(value, str) for value in values):
        return pa.string()
    return pa.int64() if name in ("step", "discriminator_step") else pa.float64()


def read(file: Path) -> Stored | None:
    """Read a run file back, verifying its checksums.

    Args:
        file: where a run would be stored.

    Returns:
        The run, or None if there is no file or it is not whole: then it has to be run again.
    """
    try:
        table = pq.read_table(file, page_checksum_verification=True)
        header = json.loads(table.schema.metadata[b"saddle"])
        names = ("kind", "status", "message", "stopped_step", "facts")
        facts = {name: header[name] for name in names}
        return Stored(run=Run(**header["run"]), rows=table.to_pylist(), **facts)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
