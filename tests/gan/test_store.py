"""The store: whole files or none, keys that name everything, files that survive a reader."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gan import store
from gan.errors import UsageError
from gan.run import Run

STORED = store.Stored(
    kind="training",
    run=Run(data="ring", steps=2),
    rows=[
        {"step": 0, "seconds": 0.0, "w1": 1.5, "fid": None, "samples": [0.25, -0.5]},
        {"step": 2, "seconds": 0.1, "w1": float("nan"), "fid": None},
    ],
    status="finished",
    message="",
    stopped_step=2,
    facts={"sample_shape": [2]},
)


def test_round_trip(tmp_path: Path) -> None:
    """What is written is read back: rows, header and facts."""
    back = store.read(store.write(tmp_path, STORED))
    assert back is not None
    assert (back.run, back.status, back.facts) == (STORED.run, "finished", {"sample_shape": [2]})
    assert back.rows[0] == STORED.rows[0]
    assert back.rows[1]["samples"] is None


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


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "foreign"])
def test_a_damaged_file_is_not_taken_for_a_run(tmp_path: Path, damage: str) -> None:
    """Cut short, one byte changed, emptied or not ours: read gives None, so it is run again."""
    file = store.write(tmp_path, STORED)
    content = bytearray(file.read_bytes())
    if damage == "truncate":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[40] ^= 0xFF
    elif damage == "empty":
        content = bytearray()
    else:
        pq.write_table(pq.read_table(file).replace_schema_metadata({}), file)
        content = bytearray(file.read_bytes())
    file.write_bytes(content)
    assert store.read(file) is None


def test_a_missing_file_is_not_a_run(tmp_path: Path) -> None:
    """No file, no run."""
    assert store.read(tmp_path / "none.parquet") is None


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills while writing is one clear line and no half file."""

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
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
