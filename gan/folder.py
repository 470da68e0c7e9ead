"""Where results go: a folder of this machine, or an address that fsspec knows."""

import re
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upath import UPath

from gan.errors import UsageError

Place = Path | UPath


def place(text: str | Place) -> Place:
    """A file or folder by the name that a user gave it.

    Args:
        text: a path, or an address as in "s3://bucket/folder"; a place stays as it is.

    Returns:
        A ``pathlib.Path`` for names of this machine's, else a ``upath.UPath`` with the same
        methods.

    Raises:
        UsageError: an address with one slash, of a protocol that is not known, or of one whose
            package is not installed.

    >>> place("results/local")
    PosixPath('results/local')
    >>> place("s3:/bucket")
    Traceback (most recent call last):
        ...
    gan.errors.UsageError: 's3:/bucket': an address has two slashes, as in s3://bucket/folder
    """
    if not isinstance(text, str | Path):
        return text
    name = str(text)
    if re.match(r"[A-Za-z][\w+.-]+:/(?!/)", name):
        raise UsageError(f"{name!r}: an address has two slashes, as in s3://bucket/folder")
    protocol, separator, rest = name.partition("://")
    if separator and not protocol:
        raise UsageError(f"{name!r}: an address begins with a protocol, as in s3://bucket/folder")
    if not separator:
        return Path(text)
    return Path(rest) if protocol in ("file", "local") else _address(name, protocol)


def _address(name: str, protocol: str) -> UPath:
    try:
        address: UPath = UPath(name, **OPTIONS.get(protocol, {}))
        # Only now does it import what speaks the protocol.
        _ = address.fs
    except (ImportError, ValueError) as error:
        # fsspec's own words, which name the package to install.
        raise UsageError(f"{name}: {reason(error)}") from None
    return address


@contextmanager
def telling(what: str, where: Place) -> Iterator[None]:
    """Turn a failure to read or write into one line.

    Args:
        what: was tried, as in "can't write to".
        where: the file or folder.

    Raises:
        UsageError: for any OSError, and for whatever an address's own client raises.
    """
    try:
        yield
    except UsageError:
        raise
    except OSError as error:
        raise UsageError(f"{what} {where}: {reason(error)}") from None
    except Exception as error:
        # Each protocol's client has errors of its own; on this machine there is only OSError.
        if isinstance(where, Path):
            raise
        raise UsageError(f"{what} {where}: {reason(error)}") from None


def reason(error: Exception) -> str:
    """What went wrong, on one line.

    >>> reason(OSError(28, "No space left on device"))
    'No space left on device'
    """
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(told).split())


def contents(file: Place) -> bytes | None:
    """All bytes of a file, or None if there is no such file.

    Args:
        file: to be read.

    Returns:
        Its bytes.

    Raises:
        UsageError: it is there but can't be read, or nobody can tell.
    """
    with telling("can't read", file):
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None


def mkdir(folder: Place) -> None:
    """Make a folder with all above it, where there are folders.

    Args:
        folder: may be there already.

    Raises:
        OSError: it cannot be made; from an address also its client's own errors.
    """
    # Object stores have none: what they would make is a bucket, and a mistyped name pays rent too.
    if isinstance(folder, Path) or folder.protocol not in BUCKETS:
        folder.mkdir(parents=True, exist_ok=True)


def make(folder: Place) -> None:
    """Make a folder and try to write to it.

    Args:
        folder: made with all above it.

    Raises:
        OSError: it cannot be made or written; from an address also its client's own errors.
    """
    mkdir(folder)
    if isinstance(folder, Path):
        with tempfile.TemporaryFile(dir=folder):
            return
    tried = folder / f".{uuid.uuid4().hex}.tmp"
    tried.write_bytes(b"")
    tried.unlink()


# Protocols of object stores.
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl")

# protocol -> what its client is told: to ask a server that has a bad moment again, but not to wait
# minutes for one that does not answer, and not to remember listings, since other sessions write.
OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {
            "connect_timeout": 4,
            "read_timeout": 10,
            "retries": {"mode": "standard", "total_max_attempts": 3},
        },
        "use_listings_cache": False,
    },
}
