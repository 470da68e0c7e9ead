"""The store: whole files or none, keys that name everything, files that survive a reader."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan import parquet, store
from gan.errors import UsageError
from gan.run import Run
from tests.gan.stored import STORED, written


def test_round_trip(tmp_path: Path) -> None:
    """What is written is read back: rows, header and facts."""
    back = store.read(store.write(tmp_path, STORED))
    assert back is not None
    assert (back.run, back.status, back.facts) == (STORED.run, "finished", {"sample_shape": [2]})
    assert back.rows[0] == STORED.rows[0]
    assert back.rows[1]["samples"] is None


def test_a_run_without_rows_comes_back(tmp_path: Path) -> None:
    """Memory that ran out before the first record leaves a header alone."""
    empty = replace(STORED, rows=[], status="out_of_memory", message="no", facts={})
    assert store.read(store.write(tmp_path, empty)) == empty


NUMBERS = st.none() | st.floats(allow_nan=False)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "step": st.integers(0, 2**62),
            "w1": NUMBERS,
            "word": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
            "samples": st.none() | st.lists(st.floats(width=32, allow_nan=False), max_size=4),
        }
    ),
    max_size=4,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, message=st.text(st.characters(codec="utf-8")))
def test_any_rows_come_back(rows: list[dict[str, object]], message: str) -> None:
    """Every number, infinite ones too, every text and list, and nulls as nulls."""
    header, back = parquet.decode(parquet.encode({"message": message}, rows))
    assert header.pop("sha256")
    assert header == {"message": message}
    assert back == rows


def test_columns_have_their_documented_types(tmp_path: Path) -> None:
    """step is int64, lists are float32, and a column of nulls is still float64."""
    schema = pq.read_schema(store.write(tmp_path, STORED))
    types = {name: str(schema.field(name).type) for name in ("step", "fid", "samples")}
    assert types == {"step": "int64", "fid": "double", "samples": "list<element: float>"}


def test_file_is_named_by_the_key_and_nothing_else_is_left(tmp_path: Path) -> None:
    """One run, one file; no temporary name stays behind."""
    store.write(tmp_path, STORED)
    names = [path.name for path in (tmp_path / "runs").iterdir()]
    assert names == [f"{store.key(STORED.run, 'training')}.parquet"]


def test_every_setting_changes_the_key() -> None:
    """Two runs that differ in any field, or in kind, are stored apart."""
    run = Run()
    others = [
        replace(run, seed=1),
        replace(run, loss="hinge"),
        replace(run, steps=run.steps + 1),
        replace(run, precision="float64"),
        replace(run, generator_learning_rate=1e-3),
    ]
    keys = {store.key(each, "training") for each in [run, *others]} | {store.key(run, "gradients")}
    assert len(keys) == len(others) + 2
    assert store.key(Run(), "training") == store.key(run, "training")


def test_a_missing_file_is_not_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No file, no run, and nothing to tell."""
    assert store.read(tmp_path / "none.parquet") is None
    assert store.read(tmp_path / "no folder" / "none.parquet") is None
    assert caplog.messages == []


def test_what_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    """A folder by the name of a run file: one line."""
    with pytest.raises(UsageError) as error:
        store.read(tmp_path)
    assert str(error.value) == f"can't read {tmp_path}: Is a directory"


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails while it syncs is one clear line and no half file."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        store.write(tmp_path, STORED)
    assert list((tmp_path / "runs").iterdir()) == []


def test_unwritable_folder_is_one_clear_line(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't write to"):
        store.probe(tmp_path / "file" / "results")
    with pytest.raises(UsageError, match="can't write"):
        store.write(tmp_path / "file", STORED)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder_is_one_clear_line(tmp_path: Path) -> None:
    """A folder without write permission."""
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        store.probe(tmp_path)


def test_storing_a_run_removes_its_checkpoint_alone(tmp_path: Path) -> None:
    """Other runs' checkpoints are still needed."""
    mine = store.checkpoint(tmp_path, STORED.run, "training")
    other = store.checkpoint(tmp_path, replace(STORED.run, seed=1), "training")
    mine.parent.mkdir()
    for file in (mine, other):
        file.write_bytes(b"")
    store.write(tmp_path, STORED)
    assert [path.name for path in mine.parent.iterdir()] == [other.name]


def test_probing_removes_what_the_dead_left(tmp_path: Path) -> None:
    """Half-written files without a living writer, and a stored run's checkpoint; nothing else."""
    file = written(tmp_path)
    kept = [store.checkpoint(tmp_path, replace(STORED.run, seed=s), "training") for s in (0, 1)]
    kept[0].parent.mkdir()
    for checkpoint in kept:
        checkpoint.write_bytes(b"")
    (tmp_path / "runs" / f".{file.name}.abcd1234.tmp").write_bytes(b"half")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    store.probe(tmp_path)
    left = {path.name for path in tmp_path.rglob("*.*") if path.is_file()}
    assert left == {file.name, kept[1].name, "notes.txt"}
