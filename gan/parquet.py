"""Rows and a header as the bytes of a Parquet file, behind a checksum of both."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gan.atomic import DamagedError
from gan.folder import reason

Header = dict[str, Any]

# The fields of a header of before the checksum, all of them and no other.
UNSEALED = {
    *("schema", "key", "torch", "machine", "kind", "run"),
    *("status", "message", "stopped_step", "facts"),
}

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


def encode(header: Header, rows: Sequence[Mapping[str, object]]) -> bytes:
    """The bytes of a run file.

    Args:
        header: what the entry ``saddle`` of the schema's metadata will hold, besides ``sha256``.
        rows: one mapping per row; a missing column is null.

    Returns:
        A whole Parquet file.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    arrays = {name: [row.get(name) for row in rows] for name in columns}
    table = pa.table(
        {name: pa.array(values, _type(name, values)) for name, values in arrays.items()}
    )
    entry = json.dumps({**header, "sha256": checksum(header, table)})
    sink = pa.BufferOutputStream()
    table = table.replace_schema_metadata({"saddle": entry})
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return bytes(sink.getvalue().to_pybytes())


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
        The header and the rows. Files of before the checksum, which have the fields of UNSEALED
        and no other, vouch for their pages only.

    Raises:
        DamagedError: they are not a whole Parquet file of this suite's, or not as written.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
            table = file.read()
            rows: list[dict[str, Any]] = table.to_pylist()
        header: Header = json.loads((table.schema.metadata or {})[b"saddle"])
        whole = header.keys() == UNSEALED or header.get("sha256") == checksum(header, table)
    except KeyError:
        raise DamagedError("no metadata entry 'saddle'") from None
    except UNREADABLE as error:
        raise DamagedError(reason(error)) from None
    if not whole:
        raise DamagedError("its checksum does not match")
    return header, rows


def checksum(header: Mapping[str, Any], table: pa.Table) -> str:
    """SHA-256 of what a run file says, however Parquet lays it out; results/README.md defines it.

    Args:
        header: ``sha256`` is left out of it.
        table: with all its columns.

    Returns:
        64 hexadecimal digits.
    """
    told = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_list(column.type):
            lengths = pc.list_value_length(column).to_pylist()
            digest.update(json.dumps([name, "list", lengths]).encode())
            digest.update(pc.list_flatten(column).to_numpy().astype("<f4").tobytes())
        else:
            digest.update(json.dumps([name, str(column.type), column.to_pylist()]).encode())
    return digest.hexdigest()
