"""A history file: what gate runs measured, one JSON object a line, only ever appended to.

Each line is one cell of one gate run, with

| field | meaning |
| --- | --- |
| schema | 1 |
| time | of the run: ISO 8601 with the offset from UTC, "2026-01-02T03:04:05+00:00"; one a run |
| commit | what was measured, as git names it |
| machine | a name: a series never crosses machines |
| cell | a name: the cell's |
| reference | the fixed reference kernel and its version: a series never crosses kernels |
| ratio | a step's seconds over the reference kernel's beside it, median of pairs; 10⁻²⁰ to 10²⁰ |
| low, high | bounds of the ratio over pairs, null where there are none |
| pairs | process pairs that it is of |

and, where the gate knows them, `seconds_per_step`, `reference_seconds`, `torch`, `python`, `os`: a
step in a series is often one of these. Fields may be added; readers ignore what they do not know.
docs/decisions/0026-history.md says why.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import fields, schema
from analysis.cells import decode, utf8
from analysis.errors import UsageError
from analysis.place import telling

Row = Mapping[str, Any]

KEYS = ["machine", "cell", "reference"]
"""What the rows of a series have in common."""


@dataclass(frozen=True, eq=False)
class History:
    """A history file, read.

    Args:
        rows: one per line, by time: the format's columns; `time` is in UTC.
        problems: a line on each line that is not whole.
    """

    rows: pd.DataFrame
    problems: tuple[str, ...]


def append(path: Path, rows: Iterable[Row]) -> None:
    """Add lines, all of them or none, after whatever others add at the same time.

    The file is locked, and the lines go out in one write; what a killed process left of a line is
    ended first, so that only that line is lost.

    Args:
        path: the file; made if there is none. Its folder must be there.
        rows: the format's fields; `schema` is added where it is missing.

    Raises:
        UsageError: a row is not of the format, or the file cannot be written; then it is as before.

    >>> append(Path("never.jsonl"), [{"time": "yesterday"}])
    Traceback (most recent call last):
        ...
    analysis.errors.UsageError: rows[0].commit: missing; expected text
    """
    lines = []
    for number, row in enumerate(rows):
        whole = {"schema": schema.SCHEMA, **row}
        check_row(whole, f"rows[{number}]")
        line = json.dumps(whole, allow_nan=False)
        # What cannot be read again must not be written: half a surrogate pair.
        decode(line, f"rows[{number}]")
        lines.append(line)
    data = "".join(f"{line}\n" for line in lines).encode()
    if data:
        with telling(path, "cannot be written"), locked(path) as file:
            write(file, data)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """The file, open to read and append, while no other process has it so."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def write(file: int, data: bytes) -> None:
    """Append whole lines to a locked file and wait until they are on the disk.

    Args:
        file: its descriptor.
        data: ends in a line's end.

    Raises:
        OSError: the disk is full, or another fault; the file has its old length again.
    """
    size = os.fstat(file).st_size
    torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
    data = b"\n" + data if torn else data
    try:
        write_whole(file, data)
    except OSError:
        os.ftruncate(file, size)
        raise


def write_whole(file: int, data: bytes) -> None:
    """One write, and wait until it is on the disk; less than all of it is an OSError, too."""
    written = os.write(file, data)
    if written < len(data):
        raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes could be written")
    os.fsync(file)


def read(path: Path) -> History:
    """What a history file holds.

    Args:
        path: the file.

    Returns:
        Its rows; a line that is not whole JSON, as a killed process leaves, is told and left out.

    Raises:
        UsageError: the file cannot be read, holds no row, or a whole line is not of the format.
    """
    with telling(path, "cannot be read"):
        lines = path.read_bytes().split(b"\n")
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        try:
            value = decode(utf8(line, where), where)
        except UsageError as error:
            why = str(error).removeprefix(f"{where}: ")
            problems.append(f"{where}: left out, not a whole line: {why}")
            continue
        rows.append(row_of(value, where))
    if not rows:
        why = f": {problems[0].removeprefix(f'{path}:')}" if problems else ""
        raise UsageError(f"{path}: no line of a history{why}")
    table = pd.DataFrame(rows).sort_values("time", kind="stable", ignore_index=True)
    return History(table, tuple(problems))


def row_of(value: object, where: str) -> dict[str, object]:
    """One line as a row of the table.

    Args:
        value: the decoded line.
        where: how to call it in the error.

    Returns:
        The format's fields, what is missing as None.

    Raises:
        UsageError: it is not of the format.
    """
    if not isinstance(value, dict):
        raise UsageError(f"{where}: not a history: expected an object, found {fields.short(value)}")
    check_row(value, where)
    told = {name: value.get(name) for name in (*FIELDS, *SOME_FIELDS)}
    bounds = {name: float("nan") if told[name] is None else told[name] for name in ("low", "high")}
    time = datetime.fromisoformat(value["time"]).astimezone(UTC)
    return {**told, **bounds, "time": time}


def check_row(row: Row, where: str) -> None:
    """Hold one line against the format.

    Args:
        row: the decoded line.
        where: how to call it in the error.

    Raises:
        UsageError: a field is missing, of another kind, or contradicts another.
    """
    schema.check_schema(row, where)
    fields.check(row, FIELDS, where)
    fields.check_present(row, SOME_FIELDS, where)
    low, high = row["low"], row["high"]
    if (low is None) != (high is None) or (low is not None and not low <= row["ratio"] <= high):
        raise UsageError(f"{where}: expected low ≤ ratio ≤ high, or neither bound")


def is_time(value: object) -> bool:
    """An instant as ISO 8601 has it, with its offset from UTC.

    >>> is_time("2026-01-02T03:04:05Z"), is_time("2026-01-02T03:04:05"), is_time("today")
    (True, False, False)
    """
    if not isinstance(value, str):
        return False
    try:
        time = datetime.fromisoformat(value)
        # The first hours of the year 1 east of Greenwich have no time in UTC.
        return time.tzinfo is not None and bool(time.astimezone(UTC))
    except (ValueError, OverflowError):
        return False


def is_ratio(value: object) -> bool:
    """A number that two times may have between them; of others no axis can be drawn.

    >>> is_ratio(2), is_ratio(1e-308), is_ratio(1e300)
    (True, False, False)
    """
    return fields.is_finite(value) and 1e-20 <= value <= 1e20  # type: ignore[operator]  # is_finite says number


TIME = fields.Kind('a time as "2026-01-02T03:04:05+00:00"', is_time)
RATIO = fields.Kind("a ratio from 10⁻²⁰ to 10²⁰", is_ratio)

FIELDS: fields.Fields = {
    "commit": fields.TEXT,
    "time": TIME,
    "machine": fields.TEXT,
    "cell": fields.TEXT,
    "reference": fields.TEXT,
    "ratio": RATIO,
    "low": fields.nullable(RATIO),
    "high": fields.nullable(RATIO),
    "pairs": fields.COUNT,
}

SOME_FIELDS: fields.Fields = {
    "seconds_per_step": fields.nullable(fields.POSITIVE),
    "reference_seconds": fields.nullable(fields.POSITIVE),
    "torch": fields.nullable(fields.TEXT),
    "python": fields.nullable(fields.TEXT),
    "os": fields.nullable(fields.TEXT),
}
