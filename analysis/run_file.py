"""The bytes of runs/<key>.parquet: a header and a table, checked before they are believed."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis import fields, schema
from analysis.cells import decode
from analysis.errors import UsageError
from analysis.estimates import Array
from analysis.place import Place, telling
from analysis.tables import TABLES

SEAL = b'"seal": "'
"""What stands before a seal's digits in a file, the last time that it does."""

DIGITS = 64

LISTS = re.compile(r'"(real_samples|grid|density_on_grid)": (\[[^][{}"]*\])')
"""Facts of hundreds of numbers each, which most runs have in common: they are read once. A name in
a text has a backslash before its second quotation mark."""

UNSEALED = {
    *("schema", "key", "torch", "machine", "kind", "run"),
    *("status", "message", "stopped_step", "facts"),
}
"""The fields of a file of before the checksum, which has these and no other."""


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


def opened(content: bytes) -> tuple[dict[str, Any], Any]:
    """What a run's file says, if it is as it was written.

    Args:
        content: of the file.

    Returns:
        The metadata entry `saddle`, checked, its longest lists of numbers as arrays, which runs of
        the same data share; and the `pyarrow.Table`.

    Raises:
        UsageError: it is cut off, damaged or not a run of a schema that is known.
    """
    is_sealed = seal(content) == digits(content)
    try:
        # The seal vouches for the pages, too.
        with pq.ParquetFile(
            pa.BufferReader(content), page_checksum_verification=not is_sealed
        ) as file:
            meta = header((file.metadata.metadata or {}).get(b"saddle"))
            if meta["schema"] > 1 and not (is_sealed and meta["seal"] == digits(content)):
                raise UsageError("damaged: its seal does not match")
            # A file is small: handing its columns out to threads takes longer than to read them.
            whole = file.read(use_threads=False)
            if meta["schema"] == 1:
                check_older(file, whole)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise UsageError(f"damaged or cut off: {error}") from error
    return meta, whole


def header(entry: bytes | None) -> dict[str, Any]:
    """The decoded header of a run's file.

    Args:
        entry: of its metadata.

    Returns:
        It, checked, with arrays in it.

    Raises:
        UsageError: it is not there, damaged, not JSON or not of a known schema.
    """
    if entry is None:
        raise UsageError("not a run of this suite: no metadata entry 'saddle'")
    text = entry.decode("utf-8", errors="replace")
    lists: dict[str, str] = {}
    meta = decode(LISTS.sub(partial(_set_aside, lists), text), "metadata")
    if not isinstance(meta, dict):
        raise UsageError("metadata: expected an object")
    schema.check_schema(meta, "metadata", schema.RUN_SCHEMAS)
    fields.check(meta, {**schema.RUN_FILE, "kind": fields.one_of(*TABLES)}, "metadata")
    fields.check(meta, schema.SEAL if meta["schema"] > 1 else {}, "metadata")
    fields.check(meta["run"], schema.FIRST_AXES, "metadata.run")
    fields.check_present(meta["run"], schema.LATER_AXES, "metadata.run")
    for name, numbers in lists.items():
        if meta["facts"].get(name) == []:
            meta["facts"][name] = array(numbers, name)
    return meta


def _set_aside(lists: dict[str, str], found: "re.Match[str]") -> str:
    lists[found[1]] = found[2]
    return f'"{found[1]}": []'


@lru_cache(maxsize=64)
def array(text: str, name: str) -> Array:
    """A list of numbers as an array that cannot be written to: a fourth of the memory.

    Args:
        text: of JSON.
        name: how to call it in the error.

    Returns:
        (n,).

    Raises:
        UsageError: it is not a list of finite numbers.

    >>> array("[0, 0.5]", "grid")
    array([0. , 0.5])
    """
    values = decode(text, f"facts.{name}")
    fields.check({name: values}, {name: fields.NUMBERS}, "facts")
    found = np.asarray(values, dtype=np.float64)
    found.flags.writeable = False
    return found


def digits(content: bytes) -> str:
    """The seal that stands in a file, or whatever stands in its place."""
    start = content.rfind(SEAL) + len(SEAL)
    return content[start : start + DIGITS].decode("ascii", errors="replace")


def seal(content: bytes) -> str:
    """SHA-256 of a whole file whose seal's digits are zeros; the format defines it.

    Args:
        content: of the file.

    Returns:
        64 hexadecimal digits.
    """
    start = content.rfind(SEAL) + len(SEAL)
    every = memoryview(content)
    digest = hashlib.sha256(every[:start])
    digest.update(b"0" * DIGITS)
    digest.update(every[start + DIGITS :])
    return digest.hexdigest()


def check_older(file: Any, whole: Any) -> None:
    """Hold a file of schema 1 against its checksum, or, of before that, against its second header.

    Args:
        file: its `pyarrow.parquet.ParquetFile`.
        whole: its table.

    Raises:
        UsageError: they differ.
    """
    entry = file.metadata.metadata[b"saddle"]
    meta = decode(entry.decode("utf-8", errors="replace"), "metadata")
    if meta.keys() == UNSEALED:
        # Checksums cover pages, not the footer; but damage to one header makes the two differ.
        if (file.schema_arrow.metadata or {}).get(b"saddle", entry) != entry:
            raise UsageError("damaged or cut off: the two copies of its metadata differ")
    elif meta.get("sha256") != checksum(meta, whole):
        raise UsageError("damaged: its checksum does not match")


def checksum(meta: Mapping[str, Any], whole: Any) -> str:
    """SHA-256 of what a file of schema 1 says, however Parquet lays it out; the format defines it.

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
