"""A file that pytest-benchmark writes appears in its place whole, or not at all."""

import os
from pathlib import Path

import pytest

from bench.draft import Draft
from gan.errors import UsageError
from gan.folder import place


@pytest.mark.parametrize("name", ["{}/new/benchmark.json", "memory://draft{}/benchmark.json"])
def test_a_draft_is_published_whole(name: str, tmp_path: Path) -> None:
    """Until then its place holds what was there before; afterwards nothing else is left."""
    target = place(name.format(tmp_path))
    for content in (b"first", b"second"):
        draft = Draft(target)
        assert str(draft) == str(target)
        with open(draft, "wb") as file:  # noqa: PTH123  # as pytest-benchmark opens it
            file.write(content)
        assert draft.temporary is not None
        assert not target.exists() or target.read_bytes() == b"first"
        draft.publish()
        assert target.read_bytes() == content
        assert not draft.temporary.parent.exists()
    assert [file.name for file in target.parent.iterdir()] == ["benchmark.json"]


def test_a_draft_that_nobody_wrote_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session without benchmarks has no file, nor one that ended before it could write any."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    draft = Draft(tmp_path / "benchmark.json")
    assert not list(temporary.iterdir())
    draft.publish()
    assert list(tmp_path.iterdir()) == [temporary]
    draft = Draft(tmp_path / "benchmark.json")
    assert str(temporary) in os.fspath(draft)  # opening it failed
    draft.publish()
    assert not list(temporary.iterdir())


def test_a_draft_that_cannot_be_published_is_kept(tmp_path: Path) -> None:
    """The line says where."""
    (tmp_path / "file").write_text("")
    draft = Draft(tmp_path / "file" / "benchmark.json")
    written = Path(os.fspath(draft))
    written.write_bytes(b"{}")
    with pytest.raises(UsageError) as told:
        draft.publish()
    assert str(told.value).startswith(f"can't write {tmp_path}/file/benchmark.json (")
    assert str(told.value).endswith(f"): it is kept as {written}")
    assert written.read_bytes() == b"{}"
