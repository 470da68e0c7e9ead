"""IDX files: what is read, and that every way of being wrong is told in one line."""

import contextlib
import gzip
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from gan.errors import UsageError
from gan.idx import read_idx

# Two rows of three, written by hand from the format's description.
TWO_BY_THREE = b"\0\0\x08\x02" + b"\0\0\0\x02" + b"\0\0\0\x03" + bytes([1, 2, 3, 4, 5, 255])
MEBIBYTE = 1 << 20


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    """A file of that content."""
    path = folder / name
    path.write_bytes(content)
    return path


def header(*sizes: int) -> bytes:
    """The header of an array of bytes of those sizes."""
    return struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_reads_rows_in_order(tmp_path: Path, compress: object) -> None:
    """The last index runs fastest and 255 stays 255, compressed or not, whatever the name."""
    content = compress(TWO_BY_THREE)  # type: ignore[operator]  # one of two functions
    array = read_idx(written(tmp_path, content))
    assert array.dtype == np.uint8
    assert array.tolist() == [[1, 2, 3], [4, 5, 255]]


@settings(deadline=None)
@given(
    array=arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, max_side=5)),
    compressed=st.booleans(),
)
def test_reads_back_any_array(array: NDArray[np.uint8], *, compressed: bool) -> None:
    """Up to four dimensions of any size come back unchanged."""
    content = header(*array.shape) + array.tobytes()
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), gzip.compress(content) if compressed else content)
        assert np.array_equal(read_idx(path), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: expected it to begin with 00 00, found nothing"),
        (b"\0\0\x08", "not an IDX file: expected it to begin with 00 00, found 00 00 08"),
        (b"PNG\r\n", "not an IDX file: expected it to begin with 00 00, found 50 4e 47 0d"),
        (b"\0\0\x0d\x01", "values of type 0x0d, expected 0x08 (uint8)"),
        (b"\0\0\x08\x00", "0 dimensions, expected 1 to 4"),
        (b"\0\0\x08\x05", "5 dimensions, expected 1 to 4"),
        (b"\0\0\x08\x02\0\0\0\x02\0", "the header ends after 9 bytes, expected 12"),
        (header(3, 0), "an empty array of shape (3, 0), expected sizes above 0"),
        (header(2, 3) + b"12345", "the header promises 2×3 = 6 bytes, the file holds 5"),
        (header(2, 3) + b"1234567", "the header promises 2×3 = 6 bytes, the file holds more"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_says_what_is_wrong(
    tmp_path: Path, content: bytes, message: str, *, compressed: bool
) -> None:
    """The file, what was expected and what was found are in one line."""
    path = written(tmp_path, gzip.compress(content) if compressed else content)
    with pytest.raises(UsageError) as error:
        read_idx(path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("compressed", [False, True])
def test_refuses_every_truncation(tmp_path: Path, *, compressed: bool) -> None:
    """A file cut anywhere is an error, never a shorter array."""
    content = gzip.compress(TWO_BY_THREE) if compressed else TWO_BY_THREE
    for length in range(len(content)):
        with pytest.raises(UsageError):
            read_idx(written(tmp_path, content[:length]))


@settings(deadline=None)
@given(position=st.integers(0), bit=st.integers(0, 7))
def test_never_misreads_a_damaged_gzip_file(position: int, bit: int) -> None:
    """One flipped bit is an error, or was in a part that carries no values."""
    content = bytearray(gzip.compress(TWO_BY_THREE))
    content[position % len(content)] ^= 1 << bit
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), bytes(content))
        with contextlib.suppress(UsageError):
            assert read_idx(path).tolist() == [[1, 2, 3], [4, 5, 255]]


def test_says_that_a_gzip_file_is_damaged(tmp_path: Path) -> None:
    """A wrong checksum inside the gzip file is reported as damage to that file."""
    content = bytearray(gzip.compress(TWO_BY_THREE))
    content[-8] ^= 1
    path = written(tmp_path, bytes(content))
    with pytest.raises(UsageError, match=f"^{path}: damaged gzip file \\(CRC check failed"):
        read_idx(path)


def test_says_that_there_is_no_such_file(tmp_path: Path) -> None:
    """A missing file is named."""
    path = tmp_path / "missing"
    with pytest.raises(UsageError) as error:
        read_idx(path)
    assert str(error.value) == f"{path}: cannot be read (No such file or directory)"


def test_says_that_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in the file's place is named."""
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\)"):
        read_idx(tmp_path)


@pytest.mark.parametrize("compressed", [False, True])
def test_does_not_allocate_what_a_header_claims(tmp_path: Path, *, compressed: bool) -> None:
    """A header of 10¹² bytes over a file of ten costs no memory."""
    content = header(10**6, 10**6) + b"0123456789"
    path = written(tmp_path, gzip.compress(content) if compressed else content)
    tracemalloc.start()
    with pytest.raises(UsageError, match=r"= 1000000000000 bytes, the file holds 10$"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEBIBYTE


def test_does_not_decompress_beyond_the_header(tmp_path: Path) -> None:
    """64 MiB of zeros behind a header of ten bytes cost no memory."""
    path = written(tmp_path, gzip.compress(header(10) + bytes(64 * MEBIBYTE)))
    tracemalloc.start()
    with pytest.raises(UsageError, match=r"promises 10 = 10 bytes, the file holds more$"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEBIBYTE
