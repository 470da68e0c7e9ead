"""runs/<key>.parquet: what runs computed, as columns of many."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis import fields
from analysis.cells import axes
from analysis.errors import UsageError
from analysis.place import Place
from analysis.run_checks import LISTS, check_facts, check_training
from analysis.run_columns import check_types, column, owned, taken
from analysis.run_file import contents, opened
from analysis.stacking import Columns, stacked_columns
from analysis.tables import CURVES, TABLES


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
        parts.append({name: column(whole, name, of) for name, of in every.items()})
        order += [np.arange(*bounds[place]) for place in places]
    columns = stacked_columns(parts)
    if len(parts) > 1:
        back = np.argsort(np.concatenate(order), kind="stable")
        columns = {name: taken(values, back) for name, values in columns.items()}
    for name, words in promised.words.items():
        if not set(columns[name]) <= set(words):
            raise UsageError(f"column {name}: expected {' or '.join(words)}")
    if kind in CURVES:
        check_training(columns, metas, bounds)
        _let_go(columns, metas, bounds)
    return {name: owned(values) for name, values in columns.items()}


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


FACT_COLUMNS = frozenset(
    name for table in TABLES.values() for name in (*table.facts, *table.some_facts)
)
