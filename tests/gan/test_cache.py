"""The cache folder, and weights that are either whole or made again."""

import logging
from pathlib import Path

import pooch
import pytest
import torch

from gan.cache import cache_dir, make_folder, read_weights, write_weights
from gan.errors import UsageError

WEIGHTS = {"0.weight": torch.arange(6.0).reshape(2, 3)}


def test_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GAN_CACHE wins; ~ is the home folder."""
    monkeypatch.setenv("GAN_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.setenv("GAN_CACHE", "~/gan")
    assert cache_dir() == Path.home() / "gan"


@pytest.mark.parametrize("unset", [True, False])
def test_cache_is_otherwise_the_systems(monkeypatch: pytest.MonkeyPatch, *, unset: bool) -> None:
    """Without GAN_CACHE, or with an empty one, the system's cache folder."""
    monkeypatch.setenv("GAN_CACHE", "")
    if unset:
        monkeypatch.delenv("GAN_CACHE")
    assert cache_dir() == Path(pooch.os_cache("saddle-bench"))


def test_weights_come_back(tmp_path: Path) -> None:
    """Bit by bit, and nothing else is left in the folder."""
    write_weights(tmp_path / "net.pt", WEIGHTS)
    read = read_weights(tmp_path / "net.pt")
    assert read is not None
    assert list(read) == ["0.weight"]
    assert torch.equal(read["0.weight"], WEIGHTS["0.weight"])
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt"]


def test_no_file_is_no_weights(tmp_path: Path) -> None:
    """Nothing there is not an error: nothing was trained yet."""
    assert read_weights(tmp_path / "net.pt") is None


def test_damaged_weights_are_told_and_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Any cut and any flipped byte is noticed, the empty file included."""
    path = tmp_path / "net.pt"
    write_weights(path, WEIGHTS)
    whole = path.read_bytes()
    flipped = [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in (0, 40, len(whole) - 1)]
    for damaged in [b"", whole[:20], whole[:-1], *flipped]:
        caplog.clear()
        path.write_bytes(damaged)
        with caplog.at_level(logging.WARNING):
            assert read_weights(path) is None
        assert caplog.messages == [f"{path} is damaged and will be made again"]


@pytest.mark.parametrize("kind", ["folder", "forbidden"])
def test_weights_that_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A file that is there is neither a traceback nor made again unasked."""
    path, reason = tmp_path / "net.pt", "Permission denied"
    if kind == "folder":
        path.mkdir()
        reason = "Is a directory"
    else:

        def refuse(_path: Path) -> bytes:
            raise PermissionError(13, reason)

        monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UsageError) as error:
        read_weights(path)
    assert str(error.value) == (
        f"cannot read {path} ({reason}): make it readable, remove it, or set GAN_CACHE to another "
        "folder"
    )


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_says_that_the_cache_cannot_be_made(tmp_path: Path, inside: str) -> None:
    """A file where the folder should be is told with the remedy."""
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(UsageError) as error:
        make_folder(blocked / inside)
    reason = "Not a directory" if inside else "File exists"
    assert str(error.value) == (
        f"cannot write to the cache folder {blocked / inside} ({reason}): "
        "set GAN_CACHE to a folder that can be written"
    )


def test_says_that_weights_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is gone when the training ends is told too."""
    with pytest.raises(UsageError, match=r"^cannot write to the cache folder .*No such file"):
        write_weights(tmp_path / "gone" / "net.pt", WEIGHTS)
