"""runs/<key>.parquet: what runs computed, as columns of many."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis import fields
from analysis.cells import axes
from analysis.errors import UsageError
from analysis.place import Place
from analysis.run_file import contents, opened
from analysis.stacking import Columns, stacked_columns
from analysis.tables import CURVES, TABLES, Table


@dataclass(frozen=True)
class Runs:
    """Some whole runs, their rows column by column: a table for each run would cost more than it.

    Args:
        metas: the metadata entry `saddle` of each; its longest lists of numbers are arrays.
        counts: how many rows each has.
        columns: kind -> the rows of all runs of this kind, one below the other: numbers as float64
            (null is NaN), lists as arrays, texts as lists. Of training, the lists of the lowest
            seed of each setting alone are kept, of the others they are None.
    """

    metas: list[dict[str, Any]]
    counts: list[int]
    columns: dict[str, dict[str, Any]]

    def rows(self, kind: str) -> pd.DataFrame:
        """The table of one kind; empty if no run of it has rows."""
        return pd.DataFrame(self.columns.get(kind, {}))

    def of_kind(self, kind: str) -> list[tuple[dict[str, Any], int]]:
        """Metadata and how many rows, of the runs of one kind that have some."""
        both = zip(self.metas, self.counts, strict=True)
        return [(meta, count) for meta, count in both if meta["kind"] == kind and count]

    def without(self, places: Iterable[int]) -> "Runs":
        """The same less some runs."""
        kept = np.ones(len(self.metas), dtype=bool)
        kept[list(places)] = False
        columns = {}
        for kind, table in self.columns.items():
            of_kind = np.array([meta["kind"] == kind for meta in self.metas])
            rows = np.repeat(kept & of_kind, self.counts)[np.repeat(of_kind, self.counts)]
            columns[kind] = {name: _where(values, rows) for name, values in table.items()}
        where = np.flatnonzero(kept)
        return Runs([self.metas[i] for i in where], [self.counts[i] for i in where], columns)


def _where(values: Any, rows: Any) -> Any:
    if isinstance(values, list):
        return [value for value, is_kept in zip(values, rows, strict=True) if is_kept]
    return values[rows]


def row(meta: Mapping[str, Any]) -> dict[str, object]:
    """A run's row of `Records.runs`: what it is and its facts.

    Args:
        meta: of it.

    Returns:
        Name -> value.
    """
    facts = {name: value for name, value in meta["facts"].items() if name in FACT_COLUMNS}
    names = ("kind", "status", "message", "key", "machine", "stopped_step", "torch")
    return {**{name: meta[name] for name in names}, **axes(meta["run"]), **facts}


def joined(parts: Sequence[Runs]) -> Runs:
    """The runs of several, in their order.

    Args:
        parts: each with whole runs.

    Returns:
        All of them. They share the arrays among their facts that are equal, since most are of the
        same data.
    """
    metas = [meta for part in parts for meta in part.metas]
    _intern(metas)
    kinds = dict.fromkeys(kind for part in parts for kind in part.columns)
    columns = {
        kind: stacked_columns([part.columns[kind] for part in parts if kind in part.columns])
        for kind in kinds
    }
    found = Runs(metas, [count for part in parts for count in part.counts], columns)
    for kind in columns.keys() & set(CURVES):
        of_kind = found.of_kind(kind)
        _let_go(columns[kind], [meta for meta, _ in of_kind], _bounds(n for _, n in of_kind))
    return found


def _bounds(counts: Iterable[int]) -> list[tuple[int, int]]:
    """Where each of so many rows begins and ends."""
    return list(pairwise(accumulate(counts, initial=0)))


def _intern(metas: Iterable[Mapping[str, Any]]) -> None:
    known: dict[bytes, Any] = {}
    contents: dict[int, bytes] = {}
    for facts in (meta["facts"] for meta in metas):
        for name, values in facts.items():
            if isinstance(values, np.ndarray):
                # Those of one process are one already.
                content = contents.get(id(values)) or hashlib.sha256(values.tobytes()).digest()
                contents[id(values)] = content
                facts[name] = known.setdefault(content, values)
                facts[name].flags.writeable = False


def read_runs(paths: Sequence[Place]) -> tuple[Runs, list[str]]:
    """The runs that can be read, and a line on each that cannot, both in the files' order.

    Args:
        paths: runs/<key>.parquet.

    Returns:
        Both.
    """
    files, problems = [], []
    for path in paths:
        try:
            files.append(_file(path))
        except UsageError as error:
            problems.append((path, error))
    try:
        found = _runs(files)
    except UsageError:
        # Which of them it was, they tell one by one.
        found, refused = _one_by_one(files)
        problems += refused
    order = {path: place for place, path in enumerate(paths)}
    problems.sort(key=lambda problem: order[problem[0]])
    return found, [f"{_name(path)} is left out: {error}" for path, error in problems]


def read_run(path: Place) -> Runs:
    """One run's file.

    Args:
        path: runs/<key>.parquet.

    Returns:
        The run alone.

    Raises:
        UsageError: the file is missing, cut off, damaged or not a run of a known schema. The line
            does not name the file: the caller knows what it is for.
    """
    return _runs([_file(path)])


File = tuple[Place, dict[str, Any], Any]
"""A file, its header and its `pyarrow.Table`."""


def _name(path: Place) -> str:
    return f"{path.parent.name}/{path.name}"


def _file(path: Place) -> File:
    meta, whole = opened(contents(path))
    if meta["key"] != path.stem:
        raise UsageError(f"its key is {fields.short(meta['key'])}, not its name")
    return path, meta, whole


def _one_by_one(files: Iterable[File]) -> tuple[Runs, list[tuple[Place, UsageError]]]:
    parts, refused = [], []
    for file in files:
        try:
            parts.append(_runs([file]))
        except UsageError as error:
            refused.append((file[0], error))
    return joined(parts), refused


def _runs(files: Sequence[File]) -> Runs:
    """Runs as columns, each held against its metadata.

    Raises:
        UsageError: the rows of one are not what its kind promises; which one is not said.
    """
    counts = [whole.num_rows for _, _, whole in files]
    columns = {}
    for kind in dict.fromkeys(meta["kind"] for _, meta, _ in files):
        some = [(meta, whole) for _, meta, whole in files if meta["kind"] == kind]
        if some := [(meta, whole) for meta, whole in some if check_facts(meta, whole.num_rows)]:
            columns[kind] = _columns([meta for meta, _ in some], [one for _, one in some], kind)
    return Runs([meta for _, meta, _ in files], counts, columns)


def check_facts(meta: Mapping[str, Any], rows: int) -> bool:
    """Hold a run's facts against its kind.

    Args:
        meta: of the run.
        rows: how many it has; one that ended before its first record has none, and no facts.

    Returns:
        Whether it has rows.

    Raises:
        UsageError: rows or facts are missing or of another kind.
    """
    if not rows:
        if meta["status"] == "finished":
            raise UsageError("finished, but without rows")
        return False
    promised = TABLES[meta["kind"]]
    fields.check(meta["facts"], promised.facts, "facts")
    fields.check_present(meta["facts"], promised.some_facts, "facts")
    return True


def _columns(
    metas: Sequence[Mapping[str, Any]], tables: Sequence[Any], kind: str
) -> dict[str, Any]:
    """The rows of runs of one kind."""
    promised = TABLES[kind]
    every = {**promised.columns, **promised.some_columns}
    known: dict[Any, list[int]] = {}
    for place, whole in enumerate(tables):
        known.setdefault(whole.schema.remove_metadata(), []).append(place)
    parts, order = [], []
    bounds = _bounds(whole.num_rows for whole in tables)
    for arrow_schema, places in known.items():
        check_types(arrow_schema, promised)
        whole = pa.concat_tables([tables[place].replace_schema_metadata() for place in places])
        parts.append({name: _column(whole, name, of) for name, of in every.items()})
        order += [np.arange(*bounds[place]) for place in places]
    columns = stacked_columns(parts)
    if len(parts) > 1:
        back = np.argsort(np.concatenate(order), kind="stable")
        columns = {name: _taken(values, back) for name, values in columns.items()}
    for name, words in promised.words.items():
        if not set(columns[name]) <= set(words):
            raise UsageError(f"column {name}: expected {' or '.join(words)}")
    if kind in CURVES:
        check_training(columns, metas, bounds)
        _let_go(columns, metas, bounds)
    return {name: _owned(values) for name, values in columns.items()}


def _taken(values: Any, places: Any) -> Any:
    return [values[place] for place in places] if isinstance(values, list) else values[places]


def _owned(values: Any) -> Any:
    """A column that holds none of the reader's larger buffers."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        owned = np.full(len(values), None)
        for place, one in enumerate(values):
            owned[place] = None if one is None else one.copy()
        return owned
    return values.copy() if isinstance(values, np.ndarray) else values


def _let_go(
    columns: Columns, metas: Sequence[Mapping[str, Any]], bounds: Sequence[tuple[int, int]]
) -> None:
    """Forget the lists of all seeds of a setting but the lowest that has any.

    No figure shows samples of another, and of thousands of runs they would fill the memory.
    """
    lowest: dict[str, tuple[int, int]] = {}
    known: list[tuple[str, int, int]] = []
    for meta, (start, end) in zip(metas, bounds, strict=True):
        if any(values is not None for values in columns["samples"][start:end]):
            setting, seed = (
                repr([meta["machine"], {**meta["run"], "seed": None}]),
                meta["run"]["seed"],
            )
            lowest[setting] = min(lowest.get(setting, (seed, start)), (seed, start))
            known.append((setting, start, end))
    for setting, start, end in known:
        if lowest[setting][1] != start:
            for name in LISTS:
                columns[name][start:end] = None


def check_types(arrow_schema: Any, promised: Table) -> None:
    """Hold a file's columns against what its kind promises.

    Args:
        arrow_schema: of the file.
        promised: its kind's table.

    Raises:
        UsageError: a column is missing or of another type.
    """
    for name in promised.columns:
        if name not in arrow_schema.names:
            raise UsageError(f"column {name} is missing")
    for name, kind in {**promised.columns, **promised.some_columns}.items():
        if name in arrow_schema.names and not _is(arrow_schema.field(name).type, kind):
            found = arrow_schema.field(name).type
            raise UsageError(f"column {name}: expected {kind}, found {found}")


def _is(arrow_type: Any, kind: str) -> bool:
    if pa.types.is_null(arrow_type):
        return kind in {"number", "numbers"}
    if kind == "numbers":
        listed = pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type)
        return bool(listed and pa.types.is_floating(arrow_type.value_type))
    return any(test(arrow_type) for test in ARROW_TYPES[kind])


def _column(whole: Any, name: str, kind: str) -> Any:
    """One promised column; only numbers and lists of them may be missing."""
    if name not in whole.column_names:
        return np.full(whole.num_rows, None if kind == "numbers" else np.nan)
    column = whole[name]
    if kind in {"integer", "text"} and column.null_count:
        raise UsageError(f"a column of {kind} values has nulls")
    if kind == "text":
        return column.to_pylist()
    if kind == "numbers":
        return _lists(column)
    wanted = pa.int64() if kind == "integer" else pa.float64()
    return (column if column.type == wanted else column.cast(wanted)).to_numpy()


def _lists(column: Any) -> Any:
    """A column of lists as an array of arrays; they refer to the reader's buffers."""
    found = np.full(len(column), None)
    if pa.types.is_null(column.type):
        return found
    place = 0
    for chunk in column.chunks:
        values, offsets = chunk.values.to_numpy(zero_copy_only=False), chunk.offsets.to_numpy()  # noqa: PD011  # Arrow's own
        for number in np.flatnonzero(chunk.is_valid().to_numpy(zero_copy_only=False)).tolist():
            found[place + number] = values[offsets[number] : offsets[number + 1]]
        place += len(chunk)
    return found


def check_training(
    columns: Columns, metas: Sequence[Mapping[str, Any]], bounds: Sequence[tuple[int, int]]
) -> None:
    """Hold the curves of training runs against each other and against their facts.

    Args:
        columns: of all of them.
        metas: of each.
        bounds: its first row, and the one after its last.

    Raises:
        UsageError: steps or seconds run backwards, or lists do not have the stated lengths.
    """
    for meta, (start, end) in zip(metas, bounds, strict=True):
        if (np.diff(columns["step"][start:end]) <= 0).any():
            raise UsageError("column step: not in increasing order")
        seconds = columns["seconds"][start:end]
        if not np.isfinite(seconds).all() or (np.diff(seconds) < 0).any():
            raise UsageError("column seconds: not a clock that runs forward")
        samples, logits = (_present(columns[name][start:end]) for name in LISTS)
        check_lengths(meta["facts"], samples, logits)


def check_lengths(facts: Mapping[str, Any], samples: Sequence[Any], logits: Sequence[Any]) -> None:
    """Hold the lists of a training run against their stated lengths.

    Args:
        facts: of the run.
        samples: flattened, of each record that has some.
        logits: on the grid, likewise.

    Raises:
        UsageError: one is shorter or longer, or the grid is in no order.
    """
    size = prod(facts["sample_shape"])
    if any(len(values) % size for values in (facts["real_samples"], *samples)):
        raise UsageError(f"samples are not of the stated shape {facts['sample_shape']}")
    if any(len(centre) != size for centre in facts.get("mode_centres") or []):
        raise UsageError(f"facts.mode_centres are not of the stated shape {facts['sample_shape']}")
    grid, density = (
        () if facts.get(name) is None else facts[name] for name in ("grid", "density_on_grid")
    )
    if len(density) != len(grid):
        raise UsageError("facts.grid and facts.density_on_grid differ in length")
    if any(len(values) != len(grid) for values in logits):
        raise UsageError("column logits_on_grid: not as long as facts.grid")
    if (np.diff(grid) <= 0).any():
        raise UsageError("facts.grid: not in increasing order")


def _present(lists: Any) -> list[Any]:
    return [values for values in lists if values is not None]


LISTS = ("samples", "logits_on_grid")
"""Columns of hundreds of numbers a record."""

FACT_COLUMNS = frozenset(
    name for table in TABLES.values() for name in (*table.facts, *table.some_facts)
)

ARROW_TYPES: Mapping[str, tuple[Any, ...]] = {
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_floating, pa.types.is_integer),
    "text": (pa.types.is_string, pa.types.is_large_string),
}
