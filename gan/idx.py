"""IDX, the file format of MNIST: a big-endian header, then unsigned bytes."""

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan.errors import UsageError

UINT8 = 0x08
GZIP_MAGIC = b"\x1f\x8b"
MOST_DIMENSIONS = 4
CHUNK_BYTES = 1 << 20


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array an IDX file holds: magic 0 0 type D, D sizes of four bytes, then the values.

    Nothing is allocated on the header's word: the content is read in pieces, and no further than
    the header promises, so that neither a false header nor a compressed file without end can
    exhaust the memory.

    Args:
        path: a file, gzipped or plain (told by its first bytes, not by its name).

    Returns:
        A read-only uint8 array of the shape the header states.

    Raises:
        UsageError: the file is missing, cut short, too long, damaged or of another kind.

    Reference:
        LeCun, Cortes and Burges, "The MNIST database", section "File formats".
    """
    try:
        with _opened(path) as file:
            return _array(file, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path}: damaged gzip file ({error})") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error


def _opened(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return gzip.open(path) if compressed else path.open("rb")


def _array(file: io.BufferedIOBase, path: Path) -> NDArray[np.uint8]:
    sizes = _sizes(file, path)
    promised = math.prod(sizes)
    content = _content(file, promised)
    if len(content) != promised:
        shape = "×".join(map(str, sizes))
        actual = f"{len(content)}" if len(content) < promised else "more"
        raise UsageError(
            f"{path}: the header promises {shape} = {promised} bytes, the file holds {actual}"
        )
    values = np.frombuffer(content, dtype=np.uint8).reshape(sizes)
    values.flags.writeable = False
    return values


def _sizes(file: io.BufferedIOBase, path: Path) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise UsageError(
            f"{path}: not an IDX file: expected it to begin with 00 00, found "
            f"{magic.hex(' ') or 'nothing'}"
        )
    kind, dimensions = magic[2], magic[3]
    if kind != UINT8:
        raise UsageError(f"{path}: values of type {kind:#04x}, expected {UINT8:#04x} (uint8)")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise UsageError(f"{path}: {dimensions} dimensions, expected 1 to {MOST_DIMENSIONS}")
    header = file.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise UsageError(
            f"{path}: the header ends after {4 + len(header)} bytes, expected {4 + 4 * dimensions}"
        )
    sizes = tuple(int(size) for size in np.frombuffer(header, dtype=">u4"))
    if 0 in sizes:
        raise UsageError(f"{path}: an empty array of shape {sizes}, expected sizes above 0")
    return sizes


def _content(file: io.BufferedIOBase, limit: int) -> bytearray:
    """The bytes left in the file, at most limit + 1 of them."""
    content = bytearray()
    while piece := file.read(min(CHUNK_BYTES, limit + 1 - len(content))):
        content += piece
    return content
