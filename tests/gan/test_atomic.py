"""Files that are written whole or not at all, and what the dead leave is swept."""

import fcntl
from pathlib import Path

import pytest

from gan import atomic


def test_a_living_writers_file_is_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another session may begin while this one is in mid-write."""
    replaced, seen = Path.replace, list[bool]()

    def sweep_first(temporary: Path, target: Path) -> Path:
        atomic.sweep(tmp_path)
        seen.append(temporary.exists())
        return replaced(temporary, target)

    monkeypatch.setattr(Path, "replace", sweep_first)
    atomic.write(tmp_path / "file", b"whole")
    assert seen == [True]
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_writer_that_was_swept_at_its_first_step_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the temporary file and locking it, somebody else removed it."""
    lock, sweeps = fcntl.flock, list[int]()

    def swept(descriptor: int, how: int) -> None:
        if not sweeps:
            sweeps.append(1)
            (temporary,) = tmp_path.iterdir()
            temporary.unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", swept)
    atomic.write(tmp_path / "file", b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_file_is_readable_by_others(tmp_path: Path) -> None:
    """Results are shared: temporary files are private, run files are not."""
    file = tmp_path / "file"
    atomic.write(file, b"")
    assert file.stat().st_mode & 0o777 == 0o644
