"""Columns of run files as arrays: what their kind promises of them, and nothing else."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.errors import UsageError
from analysis.tables import Table


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


def column(whole: Any, name: str, kind: str) -> Any:
    """One promised column; only numbers and lists of them may be missing.

    Args:
        whole: a `pyarrow.Table`.
        name: of the column.
        kind: of its values, as `Table` has it.

    Returns:
        Numbers as float64 (null is NaN), whole numbers as int64, lists as arrays that refer to the
        reader's buffers, texts as a list.

    Raises:
        UsageError: a value is missing where none may.
    """
    if name not in whole.column_names:
        return np.full(whole.num_rows, None if kind == "numbers" else np.nan)
    values = whole[name]
    if kind in {"integer", "text"} and values.null_count:
        raise UsageError(f"a column of {kind} values has nulls")
    if kind == "text":
        return values.to_pylist()
    if kind == "numbers":
        return _lists(values)
    wanted = pa.int64() if kind == "integer" else pa.float64()
    return (values if values.type == wanted else values.cast(wanted)).to_numpy()


def _lists(column: Any) -> Any:
    """A column of lists as an array of arrays; they refer to the reader's buffers."""
    found = np.full(len(column), None)
    if pa.types.is_null(column.type):
        return found
    place = 0
    for chunk in column.chunks:
        values, offsets = (
            chunk.values.to_numpy(zero_copy_only=False),
            chunk.offsets.to_numpy(),
        )
        for number in np.flatnonzero(chunk.is_valid().to_numpy(zero_copy_only=False)).tolist():
            found[place + number] = values[offsets[number] : offsets[number + 1]]
        place += len(chunk)
    return found


def taken(values: Any, places: Any) -> Any:
    """The values of a column at some places, in their order."""
    return [values[place] for place in places] if isinstance(values, list) else values[places]


def owned(values: Any) -> Any:
    """A column that holds none of the reader's larger buffers."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        copies = np.full(len(values), None)
        for place, one in enumerate(values):
            copies[place] = None if one is None else one.copy()
        return copies
    return values.copy() if isinstance(values, np.ndarray) else values


ARROW_TYPES: Mapping[str, tuple[Any, ...]] = {
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_floating, pa.types.is_integer),
    "text": (pa.types.is_string, pa.types.is_large_string),
}
