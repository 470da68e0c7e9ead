"""Run files: what is read from them, and why one that is not whole is left out."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.errors import UsageError
from analysis.run_file import checksum
from analysis.runs import read_run, row
from analysis.tables import TABLES


def rewrite(path: Path, **columns: pa.Array | None) -> None:
    """Write a run's file again with columns in place of its own; None drops one."""
    table = pq.read_table(path)
    for name, column in columns.items():
        place = table.column_names.index(name)
        table = table.remove_column(place)
        if column is not None:
            table = table.add_column(place, name, column)
    pq.write_table(table, path, write_page_checksum=True)


def rewrite_meta(path: Path, **entries: object) -> None:
    """Write a run's file again with entries in place of its metadata's."""
    table = pq.read_table(path)
    meta = {**json.loads(table.schema.metadata[b"saddle"]), **entries}
    pq.write_table(table.replace_schema_metadata({"saddle": json.dumps(meta)}), path)


def rows_of(path: Path) -> pd.DataFrame:
    """The table of a run's file."""
    run = read_run(path)
    return run.rows(run.metas[0]["kind"])


def row_of(path: Path) -> dict[str, Any]:
    """A run's file as a row of `Records.runs`."""
    return row(read_run(path).metas[0])


def refusal(path: Path) -> str:
    """Why a file is refused."""
    with pytest.raises(UsageError) as error:
        read_run(path)
    return str(error.value)


def test_a_training_run_comes_back_as_it_was_written(synthetic: Any) -> None:
    """Numbers are float64 with NaN for null, lists are arrays, facts are columns of its row."""
    path = synthetic.run()
    rows, told = rows_of(path), row_of(path)
    assert rows["step"].tolist() == [0, 100, 200]
    assert np.isnan(rows["generator_loss"][0])
    assert rows["fid"].isna().all()
    assert len(rows["samples"][0]) == 400
    assert rows["samples"][1] is None
    assert told["sample_shape"] == [1]
    assert told["run.steps"] == 1000


def test_long_facts_are_arrays_and_short_ones_stay(synthetic: Any) -> None:
    """A list of numbers that is null stays so."""
    path = synthetic.run()
    known = json.loads(pq.read_schema(path).metadata[b"saddle"])["facts"]
    told = row_of(path)
    assert isinstance(told["grid"], np.ndarray)
    assert told["grid"].tolist() == known["grid"]
    assert told["mode_centres"] == known["mode_centres"]
    rewrite(path, logits_on_grid=pa.nulls(3))
    rewrite_meta(path, facts={**known, "grid": None, "density_on_grid": None})
    assert row_of(path)["grid"] is None


def test_a_gradients_run_comes_back_as_it_was_written(synthetic: Any) -> None:
    """Both networks, one row per shift."""
    rows = rows_of(synthetic.run(kind="gradients"))
    assert rows["network"].value_counts().to_dict() == {"untrained": 17, "trained": 17}
    assert rows["one_minus_d_fake"].min() == pytest.approx(1 / (1 + np.exp(12)))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A benchmark.json may name a run whose file was deleted."""
    assert refusal(tmp_path / "gone.parquet") == "there is no such file"


def test_a_flipped_bit_in_a_page_is_found_by_its_checksum(synthetic: Any) -> None:
    """Damage that still decodes is damage."""
    path = synthetic.run()
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(9)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size - 12] ^= 1
    path.write_bytes(bytes(content))
    assert "CRC checksum verification failed" in refusal(path)


def test_damage_to_the_footers_facts_is_found_by_their_second_copy(synthetic: Any) -> None:
    """Checksums do not cover the footer, where a flipped digit is another digit."""
    path = synthetic.run()
    content = path.read_bytes()
    assert content.count(b'"generator_parameters": 1000') == 1
    path.write_bytes(content.replace(b'_parameters": 1000', b'_parameters": 1001'))
    assert refusal(path) == "damaged or cut off: the two copies of its metadata differ"


def test_damage_anywhere_is_refused_or_leaves_a_run(synthetic: Any) -> None:
    """No damage of a file ends in anything but a run or one line on why there is none."""
    path = synthetic.run(kind="gradients")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    lines = []
    for _ in range(150):
        content = bytearray(whole)
        content[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(content))
        try:
            read_run(path)
        except UsageError as error:
            lines.append(str(error))
    assert len(lines) > 100
    assert not any("\n" in line for line in lines)


def test_a_checksum_that_is_right_is_believed(synthetic: Any) -> None:
    """SHA-256 of the header's JSON and of each column's, as the format defines it."""
    table = pa.table({"step": pa.array([3, 4]), "w1": pa.array([0.5, None])})
    lists = pa.array([[1.0], None], pa.list_(pa.float32()))
    texts = [
        '{"a": "x", "b": 1}',
        '["step", "int64", [3, 4]]',
        '["w1", "double", [0.5, null]]',
        '["samples", "list", [1, null]]',
    ]
    digest = hashlib.sha256("".join(texts).encode() + bytes.fromhex("0000803f")).hexdigest()
    meta = {"b": 1, "a": "x", "sha256": "anything"}
    assert checksum(meta, table.append_column("samples", lists)) == digest
    path = synthetic.run()
    whole = pq.read_table(path)
    entry = json.loads(whole.schema.metadata[b"saddle"])
    rewrite_meta(path, sha256=checksum(entry, whole))
    assert len(rows_of(path)) == 3


@pytest.mark.parametrize("change", ["header", "values", "type", "digits"])
def test_a_checksum_that_is_wrong_is_refused(synthetic: Any, change: str) -> None:
    """What was changed after it was taken, though Parquet finds the file whole."""
    path = synthetic.run()
    whole = pq.read_table(path)
    right = checksum(json.loads(whole.schema.metadata[b"saddle"]), whole)
    rewrite_meta(path, sha256="0" * 64 if change == "digits" else right)
    if change == "header":
        rewrite_meta(path, sha256=right, message="another")
    elif change == "values":
        rewrite(path, seconds=pa.array([0.0, 1.0, 2.5]))
    elif change == "type":
        rewrite(path, w1=whole["w1"].cast(pa.float32()))
    assert refusal(path) == "damaged: its checksum does not match"


def test_a_checksum_under_another_name_is_missed(synthetic: Any) -> None:
    """One bit of the word "sha256" is no way around it; a file of before it has no other field."""
    path = synthetic.run()
    assert len(rows_of(path)) == 3
    rewrite_meta(path, sha257="0" * 64)
    assert refusal(path) == "damaged: its checksum does not match"


def sealed(path: Path) -> Path:
    """The same run as a file of schema 2."""
    table = pq.read_table(path)
    meta = {**json.loads(table.schema.metadata[b"saddle"]), "schema": 2, "seal": "0" * 64}
    meta.pop("sha256", None)
    entry = json.dumps(meta, sort_keys=True)
    pq.write_table(table.replace_schema_metadata(None), path, write_page_checksum=True)
    with pq.ParquetWriter(path, table.schema.remove_metadata(), store_schema=False) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata({"saddle": entry})
    content = path.read_bytes()
    digits = hashlib.sha256(content).hexdigest().encode()
    path.write_bytes(content.replace(b'"seal": "' + b"0" * 64, b'"seal": "' + digits))
    return path


def test_a_sealed_file_is_read_as_one_of_before(synthetic: Any) -> None:
    """The same rows and facts."""
    path = synthetic.run()
    rows, told = rows_of(path), row_of(path)
    pd.testing.assert_frame_equal(rows_of(sealed(path)), rows)
    assert str(sorted(row_of(path).items())) == str(sorted(told.items()))


def test_any_flipped_bit_of_a_sealed_file_is_refused(synthetic: Any) -> None:
    """Of pages, header, footer and of the seal itself."""
    path = sealed(synthetic.run())
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    start = whole.index(b'"seal": "')
    for place in [*rng.integers(len(whole), size=150), *range(start, start + 73)]:
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(content))
        assert "\n" not in refusal(path)


def test_a_folder_by_a_runs_name_is_refused(tmp_path: Path) -> None:
    """What is there but can't be read is not called missing."""
    assert refusal(tmp_path / "none.parquet") == "there is no such file"
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(synthetic: Any, share: float) -> None:
    """A file that a killed process left half written is no run."""
    path = synthetic.run()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert refusal(path).startswith("damaged or cut off:")


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    """Without the metadata entry it is not a run."""
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    assert refusal(path) == "not a run of this suite: no metadata entry 'saddle'"


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ({"schema": 3}, "metadata.schema: this version reads 1 and 2, found 3"),
        ({"schema": 2}, "metadata.seal: missing; expected text"),
        ({"kind": "dance"}, f"metadata.kind: expected one of {', '.join(TABLES)}, found 'dance'"),
        ({"run": 3}, "metadata.run: expected an object, found 3"),
        ({"run": {}}, "metadata.run.device: missing; expected text"),
        ({"status": "odd"}, "metadata.status: expected one of"),
        ({"key": "other"}, "its key is 'other', not its name"),
        ({"facts": {}}, "facts.sample_shape: missing; expected a list of positive integers"),
    ],
)
def test_wrong_metadata_is_told(synthetic: Any, entries: dict[str, object], line: str) -> None:
    """The line names the entry."""
    path = synthetic.run()
    rewrite_meta(path, **entries)
    assert refusal(path).startswith(line)


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"sample_shape": [0]}, "facts.sample_shape: expected a list of positive integers"),
        ({"sample_shape": [3]}, "samples are not of the stated shape [3]"),
        ({"mode_centres": [[0.0, 1.0]]}, "facts.mode_centres are not of the stated shape [1]"),
        ({"mode_centres": "here"}, "facts.mode_centres: expected a list of points or null"),
        ({"grid": [0.0, 1.0]}, "facts.grid and facts.density_on_grid differ in length"),
        ({"grid": [0.0], "density_on_grid": [1.0]}, "column logits_on_grid: not as long as"),
        ({"real_samples": [None]}, "facts.real_samples: expected a list of finite numbers"),
    ],
)
def test_facts_that_contradict_the_rows_are_told(
    synthetic: Any, facts: dict[str, object], line: str
) -> None:
    """What a figure would trip over is refused on reading."""
    path = synthetic.run()
    known = json.loads(pq.read_schema(path).metadata[b"saddle"])["facts"]
    rewrite_meta(path, facts={**known, **facts})
    assert refusal(path).startswith(line)


def test_a_grid_that_runs_backwards_is_refused(synthetic: Any) -> None:
    """A density is drawn from left to right."""
    path = synthetic.run()
    known = json.loads(pq.read_schema(path).metadata[b"saddle"])["facts"]
    rewrite_meta(path, facts={**known, "grid": known["grid"][::-1]})
    assert refusal(path) == "facts.grid: not in increasing order"


@pytest.mark.parametrize(
    ("column", "values", "line"),
    [
        ("d_real", None, "column d_real is missing"),
        ("d_real", pa.array(["a", "b", "c"]), "column d_real: expected number, found string"),
        ("step", pa.array([0, 2, 1]), "column step: not in increasing order"),
        ("step", pa.array([0, 1, None]), "a column of integer values has nulls"),
        ("seconds", pa.array([0.0, 2.0, 1.0]), "column seconds: not a clock that runs forward"),
        ("seconds", pa.array([0.0, 1.0, None]), "column seconds: not a clock that runs forward"),
        ("samples", pa.array([1.0, 2.0, 3.0]), "column samples: expected numbers, found double"),
    ],
)
def test_wrong_columns_are_told(
    synthetic: Any, column: str, values: pa.Array | None, line: str
) -> None:
    """The line names the column."""
    path = synthetic.run()
    rewrite(path, **{column: values})
    assert refusal(path) == line


def test_a_column_of_nulls_alone_is_a_column_without_values(synthetic: Any) -> None:
    """Arrow gives such a column a type of its own."""
    path = synthetic.run()
    rewrite(path, w1=pa.nulls(3), samples=pa.nulls(3))
    rows = rows_of(path)
    assert rows["w1"].isna().all()
    assert rows["samples"].isna().all()


def test_another_network_than_the_format_has_is_refused(synthetic: Any) -> None:
    """The gradient figure has a panel for each of two networks."""
    path = synthetic.run(kind="gradients")
    rewrite(path, network=pa.array(["untrained"] * 33 + ["mystery"]))
    assert refusal(path) == "column network: expected untrained or trained"


@pytest.mark.parametrize("status", ["out_of_memory", "finished"])
def test_a_run_without_rows_is_one_that_did_not_finish(synthetic: Any, status: str) -> None:
    """Memory may run out before the first record; a finished run has records."""
    path = synthetic.run(status=status, facts={})
    meta = pq.read_schema(path).metadata
    pq.write_table(pa.table({}).replace_schema_metadata(meta), path)
    if status == "finished":
        assert refusal(path) == "finished, but without rows"
    else:
        assert rows_of(path).empty
