"""The store: whole files or none, keys that name everything, files that survive a reader."""

import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan import distributed, parquet, store
from gan.errors import UsageError
from gan.run import Run
from tests.gan.stored import STORED, written

SHORT_OF_MEMORY = replace(STORED, rows=[], status="out_of_memory", message="no", facts={})


def checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of the stored run and of another one."""
    runs = [replace(STORED.run, seed=seed) for seed in (0, 1)]
    files = [Path(str(store.checkpoint(folder, run, "training"))) for run in runs]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    return files


def again(file: Path, seconds: float, stored: Path) -> None:
    """Write a checkpoint again so long after, or before, the run was stored."""
    file.write_bytes(b"")
    when = stored.stat().st_mtime + seconds
    os.utime(file, (when, when))


def test_round_trip(tmp_path: Path) -> None:
    """What is written is read back: rows, header and facts."""
    back = store.read(store.write(tmp_path, STORED))
    assert back is not None
    assert (back.run, back.status, back.facts) == (STORED.run, "finished", {"sample_shape": [2]})
    assert back.rows[0] == STORED.rows[0]
    assert back.rows[1]["samples"] is None


def test_a_run_without_rows_comes_back(tmp_path: Path) -> None:
    """Memory that ran out before the first record leaves a header alone."""
    assert store.read(store.write(tmp_path, SHORT_OF_MEMORY)) == SHORT_OF_MEMORY


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
    assert parquet.decode(parquet.encode({"message": message}, rows)) == (
        {"message": message},
        rows,
    )


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


@pytest.fixture
def two_threads() -> Iterator[None]:
    """torch with one thread more than it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    yield
    torch.set_num_threads(before)


CPU_KEY = store.key(Run(), "training")


@pytest.mark.usefixtures("two_threads")
def test_threads_change_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """They change the order of sums, and so the last bits, on a processor; a GPU has its own."""
    assert store.key(Run(), "training") != CPU_KEY
    monkeypatch.setattr(store, "processor", lambda _device: "a GPU")
    more = store.key(Run(device="cuda"), "training")
    torch.set_num_threads(torch.get_num_threads() - 1)
    assert store.key(Run(), "training") != more == store.key(Run(device="cuda"), "training")


def test_processes_change_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients of shares, averaged, differ from the whole minibatch's in the last bits."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    assert store.key(Run(), "training") != CPU_KEY


@pytest.mark.parametrize("name", ["torchmetrics", "POT", "scipy", "numpy", "scikit-learn"])
def test_libraries_of_metrics_and_data_change_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another version may compute another column; one that is missing has none."""
    real = metadata.version

    def missing(package: str) -> str:
        if package == name:
            raise metadata.PackageNotFoundError(name)
        return real(package)

    keys = {CPU_KEY}
    for changed in (missing, lambda package: "0" if package == name else real(package)):
        store.versions.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(metadata, "version", changed)
            keys.add(store.key(Run(), "training"))
    store.versions.cache_clear()
    assert len(keys) == 3
    assert store.key(Run(), "training") == CPU_KEY


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


@pytest.mark.parametrize("status", ["finished", "diverged", "unsupported"])
def test_a_run_at_its_end_takes_its_checkpoint_alone_along(tmp_path: Path, status: str) -> None:
    """Other runs' checkpoints are still needed."""
    mine, other = checkpoints(tmp_path)
    store.write(tmp_path, replace(STORED, status=status))
    assert [path.name for path in mine.parent.iterdir()] == [other.name]


def test_memory_that_ran_out_leaves_the_checkpoint(tmp_path: Path) -> None:
    """The run is tried again, from there."""
    kept = checkpoints(tmp_path)
    store.write(tmp_path, SHORT_OF_MEMORY)
    assert all(file.exists() for file in kept)


def test_memory_that_ran_out_does_not_replace_an_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another session brought the run to its end meanwhile: one warning, and its file stays."""
    file = written(tmp_path)
    whole = file.read_bytes()
    assert store.write(tmp_path, SHORT_OF_MEMORY) == file
    assert file.read_bytes() == whole
    assert caplog.messages == [f"{file} has the run's end: that memory ran out here is not stored"]


@pytest.mark.parametrize("there", ["nothing", "damaged", "out_of_memory"])
def test_memory_that_ran_out_is_stored_where_there_is_no_end(tmp_path: Path, there: str) -> None:
    """Half a file or an earlier attempt is no result."""
    file = store.path(tmp_path, STORED.run, "training")
    if there == "damaged":
        file = written(tmp_path)
        file.write_bytes(file.read_bytes()[:100])
    elif there == "out_of_memory":
        store.write(tmp_path, replace(SHORT_OF_MEMORY, message="earlier"))
    store.write(tmp_path, SHORT_OF_MEMORY)
    assert store.read(file) == SHORT_OF_MEMORY


def test_probing_removes_what_the_dead_left(tmp_path: Path) -> None:
    """Half-written files without a living writer, and a finished run's checkpoint; nothing else."""
    kept = checkpoints(tmp_path)
    file = written(tmp_path)
    again(kept[0], seconds=-1, stored=file)
    (tmp_path / "runs" / f".{file.name}.abcd1234.tmp").write_bytes(b"half")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    store.probe(tmp_path)
    left = {path.name for path in tmp_path.rglob("*.*") if path.is_file()}
    assert left == {file.name, kept[1].name, "notes.txt"}


@pytest.mark.parametrize("why", ["made again", "out of memory", "damaged", "of another version"])
def test_probing_leaves_a_checkpoint_that_is_needed(tmp_path: Path, why: str) -> None:
    """There is a file by the run's name, and yet the run is still, or again, being made."""
    file = written(tmp_path)
    mine, _ = checkpoints(tmp_path)
    if why == "out of memory":
        file.unlink()
        store.write(tmp_path, SHORT_OF_MEMORY)
    elif why == "damaged":
        file.write_bytes(file.read_bytes()[:100])
    elif why == "of another version":
        file.write_bytes(parquet.encode({"schema": 2}, []))
    again(mine, seconds=1 if why == "made again" else -1, stored=file)
    store.probe(tmp_path)
    assert mine.exists()
