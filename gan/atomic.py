"""A file is written whole or not at all, whatever becomes of the process that writes it."""

import fcntl
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from gan.folder import Place

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")


class DamagedError(Exception):
    """A file that is there but not whole: what a reader found."""


def write(file: Place, content: bytes) -> None:
    """Put a file in its place: on this machine by a rename, at an address by one put.

    The bytes are on the disk before the name is theirs. What a kill in mid-write leaves is a hidden
    temporary file, which ``sweep`` removes.

    Args:
        file: in a folder that exists; replaced if it is there.
        content: all of it.

    Raises:
        OSError: it cannot be written; from an address also its client's own errors.
    """
    if not isinstance(file, Path):
        file.write_bytes(content)
        return
    descriptor, temporary = _claimed(file)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
            temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(file.parent)


def _claimed(file: Path) -> tuple[int, Path]:
    """A temporary file beside another, and locked: that its writer lives can be seen by all."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent)
        # A file system without locks also has no sweeper that could take one.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A sweeper may have come between the two lines above.
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Have a rename survive a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Place) -> None:
    """Remove the temporary files whose writers no longer live, on whichever machine they did.

    The kernel lets go of a dead process's locks, so only a living writer holds its file's.

    Args:
        folder: where files are written; it need not exist. An address has no temporary files.
    """
    if not isinstance(folder, Path) or not folder.is_dir():
        return
    for file in folder.iterdir():
        if _TEMPORARY.fullmatch(file.name):
            # Gone already, locked by its writer or not ours to remove: it is left to others.
            with suppress(OSError):
                _remove_unlocked(file)


def _remove_unlocked(file: Path) -> None:
    descriptor = os.open(file, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
    finally:
        os.close(descriptor)
