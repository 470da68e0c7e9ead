"""A file that pytest-benchmark writes appears in its place whole, or not at all."""

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
        assert not target.exists() or target.read_bytes() == b"first"
        draft.publish()
        assert target.read_bytes() == content
        assert not draft.folder.exists()
    assert [file.name for file in target.parent.iterdir()] == ["benchmark.json"]


def test_a_draft_that_nobody_wrote_leaves_nothing(tmp_path: Path) -> None:
    """A session without benchmarks has no file."""
    draft = Draft(tmp_path / "benchmark.json")
    draft.publish()
    assert not list(tmp_path.iterdir())
    assert not draft.folder.exists()


def test_a_draft_that_cannot_be_published_is_kept(tmp_path: Path) -> None:
    """The line says where."""
    (tmp_path / "file").write_text("")
    draft = Draft(tmp_path / "file" / "benchmark.json")
    draft.temporary.write_bytes(b"{}")
    with pytest.raises(UsageError) as told:
        draft.publish()
    assert str(told.value).startswith(f"can't write {tmp_path}/file/benchmark.json (")
    assert str(told.value).endswith(f"): it is kept as {draft.temporary}")
    assert draft.temporary.read_bytes() == b"{}"
