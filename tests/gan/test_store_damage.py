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


def rewritten(file: Path, entries: Mapping[str, object], *, keep_checksum: bool = False) -> None:
    """Write a run file again with other entries in its header, and a checksum that is right."""
    table = pq.read_table(file)
    header = {**json.loads(table.schema.metadata[b"saddle"]), **entries}
    if not keep_checksum:
        header["sha256"] = parquet.checksum(header, table)
    header = {name: value for name, value in header.items() if value is not None}
    pq.write_table(table.replace_schema_metadata({"saddle": json.dumps(header)}), file)


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


@pytest.mark.parametrize(
    "change",
    [
        {"status": "diverged"},
        {"facts": {"sample_shape": [3]}},
        {"machine": "another"},
    ],
)
def test_a_header_that_was_changed_is_not_believed(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """Parquet's own checksums cover its pages only; ours covers what the header says."""
    file = written(tmp_path)
    rewritten(file, change, keep_checksum=True)
    assert store.read(file) is None


def test_rows_that_were_changed_are_not_believed(tmp_path: Path) -> None:
    """Other values or another type under the same header, though Parquet finds them whole."""
    file = written(tmp_path)
    table = pq.read_table(file)
    for column in (table["w1"].cast("float32"), table["fid"]):
        place = table.column_names.index("w1")
        pq.write_table(table.set_column(place, "w1", column), file, write_page_checksum=True)
        assert store.read(file) is None


def test_any_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    """300 flips anywhere in a file: none is read as something else."""
    file = written(tmp_path)
    whole, expected = file.read_bytes(), repr(store.read(file))
    rng, refused = random.Random(0), 0  # noqa: S311  # not secret
    for _ in range(300):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
        try:
            found = store.read(file)
        except UsageError:
            found = None
        refused += found is None
        assert found is None or repr(found) == expected
    assert refused > 150


def test_any_bit_of_the_footer_counts() -> None:
    """Every single one: what is not refused as damaged says what was written, checksum and all."""
    header = dict.fromkeys(sorted(parquet.UNSEALED), 1)
    whole = parquet.encode(header, [{"step": 0, "w": "é", "x": [0.5]}])
    expected = parquet.decode(whole)
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    refused = 0
    for bit in range(8 * (len(whole) - footer), 8 * len(whole)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        try:
            found = parquet.decode(bytes(content))
        except DamagedError:
            refused += 1
        else:
            assert found == expected, f"bit {bit}"
    assert refused > 4 * footer


@pytest.mark.parametrize("name", ["shb256", "SHA256", "sha256 "])
def test_a_checksum_whose_name_was_damaged_is_missed(tmp_path: Path, name: str) -> None:
    """A header of now without it is not one of before it: that had no other fields."""
    file = written(tmp_path)
    rewritten(file, {"sha256": None, name: "0" * 64}, keep_checksum=True)
    assert store.read(file) is None


def test_the_checksum_is_the_documented_one() -> None:
    """SHA-256 of the header's JSON and of each column's, lists as lengths and float32 bytes."""
    content = parquet.encode({"b": 1, "a": "x"}, [{"step": 3, "samples": [1.0]}, {"step": 4}])
    header, _ = parquet.decode(content)
    parts = ['{"a": "x", "b": 1}', '["step", "int64", [3, 4]]', '["samples", "list", [1, null]]']
    digest = hashlib.sha256("".join(parts).encode() + bytes.fromhex("0000803f"))
    assert header["sha256"] == digest.hexdigest()


def test_a_file_from_before_the_checksum_is_still_read(tmp_path: Path) -> None:
    """Its pages vouch for themselves, as they did."""
    file = written(tmp_path)
    rewritten(file, {"sha256": None}, keep_checksum=True)
    back = store.read(file)
    assert back is not None
    assert back.rows[0] == STORED.rows[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 2}, "of schema 2; this version knows schema 1"),
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
