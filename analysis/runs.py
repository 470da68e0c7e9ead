"""runs/<key>.parquet: what one run computed, checked before it is believed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis import fields, schema
from analysis.cells import axes, decode
from analysis.errors import UsageError
from analysis.place import Place, telling
from analysis.tables import CURVES, TABLES, Table


@dataclass(frozen=True)
class RunFile:
    """One whole run.

    Args:
        meta: the metadata entry `saddle`; its longest lists of numbers are arrays.
        columns: the table, its numbers as float64 (null is NaN), its lists as arrays, its texts a
            list; empty if it has no rows.
    """

    meta: dict[str, Any]
    columns: dict[str, Any]

    def __len__(self) -> int:
        """How many rows it has."""
        return len(next(iter(self.columns.values()), ()))

    @property
    def rows(self) -> pd.DataFrame:
        """The table."""
        return pd.DataFrame(self.columns)

    @cached_property
    def row(self) -> dict[str, object]:
        """The run's row of `Records.runs`: what it is and its facts."""
        facts = {name: value for name, value in self.meta["facts"].items() if name in FACT_COLUMNS}
        names = ("kind", "status", "message", "key", "machine", "stopped_step", "torch")
        return {**{name: self.meta[name] for name in names}, **axes(self.meta["run"]), **facts}


UNSEALED = {
    *("schema", "key", "torch", "machine", "kind", "run"),
    *("status", "message", "stopped_step", "facts"),
}
"""The fields of a file of before the checksum, which has these and no other."""


def read_run(path: Place) -> RunFile:
    """A run's file, its checksums verified.

    Args:
        path: runs/<key>.parquet.

    Returns:
        The run.

    Raises:
        UsageError: the file is missing, cut off, damaged or not a run of this schema. The line
            does not name the file: the caller knows what it is for.
    """
    content = contents(path)
    try:
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
            # A file is small: handing its columns out to threads takes longer than to read them.
            whole = file.read(use_threads=False)
            meta = metadata(file.metadata.metadata, file.schema_arrow.metadata)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise UsageError(f"damaged or cut off: {error}") from error
    if meta.keys() != UNSEALED and meta.get("sha256") != checksum(meta, whole):
        raise UsageError("damaged: its checksum does not match")
    columns = table(whole, TABLES[meta["kind"]]) if whole.num_rows else {}
    if meta["key"] != path.stem:
        raise UsageError(f"its key is {fields.short(meta['key'])}, not its name")
    check_rows(columns, meta)
    return RunFile({**meta, "facts": {**meta["facts"], **arrays(meta["facts"])}}, columns)


def arrays(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that are long lists of numbers, as arrays: a fourth of the memory.

    >>> arrays({"grid": [0, 0.5], "density_on_grid": None, "sample_shape": [1]})
    {'grid': array([0. , 0.5])}
    """
    lists = {name: facts[name] for name in LONG if isinstance(facts.get(name), list)}
    return {name: np.asarray(values, dtype=np.float64) for name, values in lists.items()}


def intern(runs: Iterable[RunFile]) -> None:
    """Let runs share the arrays among their facts that are equal: most are of the same data.

    Args:
        runs: whose facts refer to one array of each content afterwards, which is read-only.
    """
    known: dict[bytes, Any] = {}
    for run in runs:
        facts = run.meta["facts"]
        for name in LONG & facts.keys():
            if isinstance(facts[name], np.ndarray):
                content = hashlib.sha256(facts[name].tobytes()).digest()
                facts[name] = known.setdefault(content, facts[name])
                facts[name].flags.writeable = False


def contents(path: Place) -> bytes:
    """All bytes of a run's file.

    Args:
        path: the file.

    Returns:
        Its bytes.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    try:
        with telling(path, "cannot be read"):
            return path.read_bytes()
    except UsageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise UsageError("there is no such file") from error
        raise


def checksum(meta: Mapping[str, Any], whole: Any) -> str:
    """SHA-256 of what a run's file says, however Parquet lays it out; the format defines it.

    Args:
        meta: the metadata entry `saddle`, of which `sha256` itself is left out.
        whole: the file's `pyarrow.Table`, with all its columns.

    Returns:
        64 hexadecimal digits.
    """
    told = {name: value for name, value in meta.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, column in zip(whole.column_names, whole.columns, strict=True):
        if pa.types.is_list(column.type):
            counts = pc.list_value_length(column).to_pylist()
            digest.update(json.dumps([name, "list", counts]).encode())
            elements = pc.list_flatten(column).to_numpy()
            digest.update(elements.astype("<f4").tobytes())
        else:
            values = column.to_pylist()
            digest.update(json.dumps([name, str(column.type), values]).encode())
    return digest.hexdigest()


def metadata(*copies: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """The entry `saddle` of a Parquet schema's metadata.

    Args:
        copies: the footer's metadata, and the Arrow schema's. Checksums cover pages, not the
            footer; but a writer leaves the entry in both, and damage to one makes them differ.

    Returns:
        The decoded entry, checked.

    Raises:
        UsageError: it is not there, damaged, not JSON or not of this schema.
    """
    entry, *others = [(copy or {}).get(b"saddle") for copy in copies]
    if entry is None:
        raise UsageError("not a run of this suite: no metadata entry 'saddle'")
    if any(other not in {None, entry} for other in others):
        raise UsageError("damaged or cut off: the two copies of its metadata differ")
    meta = decode(entry.decode("utf-8", errors="replace"), "metadata")
    if not isinstance(meta, dict):
        raise UsageError("metadata: expected an object")
    schema.check_schema(meta, "metadata")
    fields.check(meta, {**schema.RUN_FILE, "kind": fields.one_of(*TABLES)}, "metadata")
    fields.check(meta["run"], schema.FIRST_AXES, "metadata.run")
    fields.check_present(meta["run"], schema.LATER_AXES, "metadata.run")
    return meta


def table(whole: Any, promised: Table) -> dict[str, Any]:
    """The promised columns of a Parquet file.

    Args:
        whole: the file's `pyarrow.Table`.
        promised: its kind's table.

    Returns:
        name -> a value per record.

    Raises:
        UsageError: a column is missing, of another type, or holds a word it may not.
    """
    found, every = whole.schema, {**promised.columns, **promised.some_columns}
    for name in promised.columns:
        if name not in found.names:
            raise UsageError(f"column {name} is missing")
    for name, kind in every.items():
        if name in found.names and not _is(found.field(name).type, kind):
            raise UsageError(f"column {name}: expected {kind}, found {found.field(name).type}")
    there = set(found.names)
    columns = {
        name: _values(whole[name], kind) if name in there else _nulls(whole.num_rows, kind)
        for name, kind in every.items()
    }
    for name, words in promised.words.items():
        if not set(columns[name]) <= set(words):
            raise UsageError(f"column {name}: expected {' or '.join(words)}")
    return columns


def _nulls(count: int, kind: str) -> Any:
    """The values of a column that is not there; only numbers and lists of them may be missing."""
    return np.full(count, None) if kind == "numbers" else np.full(count, np.nan)


def _is(arrow_type: Any, kind: str) -> bool:
    if pa.types.is_null(arrow_type):
        return kind in {"number", "numbers"}
    if kind == "numbers":
        listed = pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type)
        return bool(listed and pa.types.is_floating(arrow_type.value_type))
    return any(test(arrow_type) for test in ARROW_TYPES[kind])


def _values(column: Any, kind: str) -> Any:
    if kind in {"integer", "text"} and column.null_count:
        raise UsageError(f"a column of {kind} values has nulls")
    if kind == "text":
        return column.to_pylist()
    if kind == "numbers":
        return _copies(pd.Series(column.to_pandas(), dtype=object).to_numpy())
    wanted = pa.int64() if kind == "integer" else pa.float64()
    return (column if column.type == wanted else column.cast(wanted)).to_numpy().copy()


def _copies(lists: Any) -> Any:
    """The same lists without the larger buffers that the reader has reserved for them."""
    copies = np.full(len(lists), None)
    for place, values in enumerate(lists):
        copies[place] = values.copy() if isinstance(values, np.ndarray) else None
    return copies


def check_rows(rows: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Hold a run's rows against its metadata.

    Args:
        rows: the columns; a run that ended before its first record has none, and no facts.
        meta: the metadata entry `saddle`.

    Raises:
        UsageError: rows or facts are missing or of another kind.
    """
    if not rows:
        if meta["status"] == "finished":
            raise UsageError("finished, but without rows")
        return
    promised = TABLES[meta["kind"]]
    fields.check(meta["facts"], promised.facts, "facts")
    fields.check_present(meta["facts"], promised.some_facts, "facts")
    if meta["kind"] in CURVES:
        check_training(rows, meta["facts"])


def check_training(rows: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Hold a training run's curves against each other and against its facts.

    Args:
        rows: the columns.
        facts: the run's facts.

    Raises:
        UsageError: steps or seconds run backwards, or lists do not have the stated lengths.
    """
    if (np.diff(rows["step"]) <= 0).any():
        raise UsageError("column step: not in increasing order")
    seconds = rows["seconds"]
    if not np.isfinite(seconds).all() or (np.diff(seconds) < 0).any():
        raise UsageError("column seconds: not a clock that runs forward")
    size = prod(facts["sample_shape"])
    lists = [facts["real_samples"], *_present(rows["samples"])]
    if any(len(values) % size for values in lists):
        raise UsageError(f"samples are not of the stated shape {facts['sample_shape']}")
    if any(len(centre) != size for centre in facts.get("mode_centres") or []):
        raise UsageError(f"facts.mode_centres are not of the stated shape {facts['sample_shape']}")
    grid = facts.get("grid") or []
    if len(facts.get("density_on_grid") or []) != len(grid):
        raise UsageError("facts.grid and facts.density_on_grid differ in length")
    if any(len(row) != len(grid) for row in _present(rows["logits_on_grid"])):
        raise UsageError("column logits_on_grid: not as long as facts.grid")
    if (np.diff(grid) <= 0).any():
        raise UsageError("facts.grid: not in increasing order")


def _present(lists: Any) -> list[Any]:
    return [values for values in lists if values is not None]


LONG = frozenset({"real_samples", "grid", "density_on_grid"})
"""Facts of hundreds of numbers each."""

FACT_COLUMNS = frozenset(
    name for table in TABLES.values() for name in (*table.facts, *table.some_facts)
)

ARROW_TYPES: Mapping[str, tuple[Any, ...]] = {
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_floating, pa.types.is_integer),
    "text": (pa.types.is_string, pa.types.is_large_string),
}
