"""Run files that are not what was written: each is named, and none is believed."""

import hashlib
import json
import logging
import random
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gan import parquet, store
from gan.atomic import DamagedError
from gan.errors import UsageError
from tests.gan.stored import STORED, written


def rewritten(file: Path, entries: Mapping[str, object]) -> None:
    """Write a run file again with other entries in its header, and a seal that is right."""
    header, rows = parquet.decode(file.read_bytes())
    file.write_bytes(parquet.encode({**header, **entries}, rows))


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "foreign", "one byte"])
def test_a_damaged_file_is_named_and_not_taken_for_a_run(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut short, one byte changed, emptied or not ours: one warning, and None, so it is rerun."""
    file = written(tmp_path)
    content = bytearray(file.read_bytes())
    if damage == "truncate":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[40] ^= 0xFF
    elif damage == "empty":
        content = bytearray()
    elif damage == "one byte":
        content = content[:1]
    else:
        pq.write_table(pq.read_table(file).replace_schema_metadata({}), file)
        content = bytearray(file.read_bytes())
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert store.read(file) is None
    (line,) = caplog.messages
    assert line.startswith(f"{file} is not whole (")
    assert line.endswith("): its run is made again")
    assert "\n" not in line


def test_a_rerun_replaces_a_damaged_file(tmp_path: Path) -> None:
    """Writing does not care what was there."""
    file = written(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    store.write(tmp_path, STORED)
    assert file.read_bytes() == whole


def test_a_header_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    """Parquet's own checksums cover its pages only; the seal covers the whole file."""
    file = written(tmp_path)
    content = file.read_bytes()
    assert content.count(b'"status": "finished"') == 1
    file.write_bytes(content.replace(b'"status": "finished"', b'"status": "diverged"'))
    assert store.read(file) is None


def test_rows_that_were_changed_are_not_believed(tmp_path: Path) -> None:
    """Other values or another type under the same header, though Parquet finds them whole."""
    file = written(tmp_path)
    table = pq.read_table(file)
    for column in (table["w1"].cast("float32"), table["fid"]):
        place = table.column_names.index("w1")
        pq.write_table(table.set_column(place, "w1", column), file, write_page_checksum=True)
        assert store.read(file) is None


def test_any_flipped_bit_is_refused(tmp_path: Path) -> None:
    """300 flips anywhere in a file: none is read."""
    file = written(tmp_path)
    whole = file.read_bytes()
    rng = random.Random(0)  # noqa: S311  # not secret
    for _ in range(300):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
        assert store.read(file) is None


def test_any_bit_of_the_footer_counts() -> None:
    """Every single one, the seal's own among them."""
    whole = parquet.encode({"schema": 2}, [{"step": 0, "w": "é", "x": [0.5]}])
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for bit in range(8 * (len(whole) - footer), 8 * len(whole)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedError):
            parquet.decode(bytes(content))


def test_a_text_like_a_seal_is_no_seal() -> None:
    """Whatever rows and header say, the seal is the last that looks like one."""
    like = '"seal": "' + "0" * 64
    header = {"facts": {"seal": "0" * 64}, "message": like, "schema": 2, "status": like}
    rows = [{"word": like, "seal": like}]
    assert parquet.decode(parquet.encode(header, rows)) == (header, rows)


def test_the_seal_is_the_documented_one() -> None:
    """SHA-256 of the file, in which the seal's digits are zeros."""
    content = parquet.encode({"b": 1, "a": "x"}, [{"step": 3, "samples": [1.0]}, {"step": 4}])
    start = content.index(b'"seal": "') + 9
    zeros = content[:start] + b"0" * 64 + content[start + 64 :]
    assert content[start : start + 64].decode() == hashlib.sha256(zeros).hexdigest()


def test_a_file_of_before_the_seal_is_left_as_it_is(tmp_path: Path) -> None:
    """It is of an older version, not damaged."""
    file = written(tmp_path)
    table, (header, _) = pq.read_table(file), parquet.decode(file.read_bytes())
    header["schema"] = 1
    pq.write_table(table.replace_schema_metadata({"saddle": json.dumps(header)}), file)
    with pytest.raises(UsageError, match="of schema 1; this version knows schema 2"):
        store.read(file)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 3}, "of schema 3; this version knows schema 2"),
        ({"key": "0" * 16}, "the run of key '0000000000000000', not of its name"),
        ({"run": {"loss": "future"}}, "a run of another version of this suite"),
        ({"run": {"warmth": 3}}, "a run of another version of this suite"),
        ({"run": 3}, "a run of another version of this suite"),
    ],
)
def test_another_versions_file_is_left_as_it_is(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    """It is whole, so somebody may need it: one line instead of a rerun that would replace it."""
    file = written(tmp_path)
    rewritten(file, change)
    with pytest.raises(UsageError) as error:
        store.read(file)
    assert str(error.value) == f"{file} is {told}: it was left as it is; move it away"
