"""Rows and a header as the bytes of a Parquet file, and a seal of them all."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gan.atomic import DamagedError
from gan.folder import reason

Header = dict[str, Any]

# What stands before a seal's digits, the last time that it does: the header's keys are sorted.
SEAL = b'"seal": "'
UNSEALED = b"0" * 64

# What reading a damaged file ends with; TypeError where a column's type was lost, so that its texts
# are bytes, and AttributeError where the header is no object.
UNREADABLE = (
    OSError,
    pa.ArrowException,
    ValueError,
    RecursionError,
    TypeError,
    AttributeError,
)

# A file of a dozen rows gains nothing by dictionaries and statistics, nor noise by compression, and
# Arrow's schema repeats the header. Without them it has two thirds of the size and reads faster.
PLAIN: dict[str, Any] = {
    "compression": "none",
    "use_dictionary": False,
    "write_statistics": False,
    "store_schema": False,
}


def encode(header: Header, rows: Sequence[Mapping[str, object]]) -> bytes:
    """The bytes of a run file.

    Args:
        header: what the entry ``saddle`` of the schema's metadata will hold, besides ``seal``.
        rows: one mapping per row; a missing column is null.

    Returns:
        A whole Parquet file.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    arrays = {name: [row.get(name) for row in rows] for name in columns}
    table = pa.table(
        {name: pa.array(values, _type(name, values)) for name, values in arrays.items()}
    )
    entry = json.dumps({**header, "seal": UNSEALED.decode()}, sort_keys=True)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, write_page_checksum=True, **PLAIN) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"saddle": entry})
    content = bytes(sink.getvalue().to_pybytes())
    before, after = _around_seal(content)
    return before + seal(content).encode() + after


def _type(name: str, values: Sequence[object]) -> pa.DataType:
    """The Arrow type of a column, given even where every value is null."""
    if any(isinstance(value, list) for value in values):
        return pa.list_(pa.float32())
    if any(isinstance(value, str) for value in values):
        return pa.string()
    return pa.int64() if name in ("step", "discriminator_step") else pa.float64()


def decode(content: bytes) -> tuple[Header, list[dict[str, Any]]]:
    """What the bytes of a run file say, if they are as they were written.

    Args:
        content: of the file.

    Returns:
        The header and the rows. A file of schema 1, which has no seal, vouches for its pages only.

    Raises:
        DamagedError: they are not a whole Parquet file of this suite's, or not as written.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
            rows: list[dict[str, Any]] = file.read().to_pylist()
            header: Header = json.loads((file.metadata.metadata or {})[b"saddle"])
        found = header.pop("seal", None)
    except KeyError:
        raise DamagedError("no metadata entry 'saddle'") from None
    except UNREADABLE as error:
        raise DamagedError(reason(error)) from None
    is_older = found is None and header.get("schema") == 1
    if not is_older and found != seal(content):
        raise DamagedError("its seal does not match")
    return header, rows


def seal(content: bytes) -> str:
    """SHA-256 of a whole run file whose seal's digits are zeros; results/README.md defines it.

    Args:
        content: of the file.

    Returns:
        64 hexadecimal digits.
    """
    before, after = _around_seal(content)
    return hashlib.sha256(before + UNSEALED + after).hexdigest()


def _around_seal(content: bytes) -> tuple[bytes, bytes]:
    start = content.rfind(SEAL) + len(SEAL)
    return content[:start], content[start + len(UNSEALED) :]
