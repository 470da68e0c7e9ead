"""Where results are and reports go: a path of this machine, or an address that fsspec knows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upath import UPath

from analysis.errors import UsageError

Place = Path | UPath


def place(text: str) -> Place:
    """A file or folder by the name that a user gave it.

    Args:
        text: a path, or an address as in "s3://bucket/folder".

    Returns:
        A `pathlib.Path` for names of this machine's, else a `upath.UPath` with the same methods.

    Raises:
        UsageError: an address with one slash, of a protocol that is not known, or of one whose
            package is not installed.

    >>> place("results/local")
    PosixPath('results/local')
    """
    if re.match(r"[A-Za-z][\w+.-]+:/(?!/)", text):
        raise UsageError(f"{text!r}: an address has two slashes, as in s3://bucket/folder")
    protocol, separator, rest = text.partition("://")
    if not separator or protocol in {"file", "local"}:
        return Path(rest if separator else text)
    try:
        address: UPath = UPath(text, **OPTIONS.get(protocol, {}))
        # Only now does it import what speaks the protocol.
        _ = address.fs
    except (ImportError, ValueError) as error:
        # fsspec's own words, which name the package to install.
        raise UsageError(f"{text}: {error}") from error
    return address


@contextmanager
def telling(where: Place, what: str) -> Iterator[None]:
    """Turn a failure to read or write into one line.

    Args:
        where: the file or folder.
        what: was tried in vain, as in "cannot be read".

    Raises:
        UsageError: for any OSError, and for whatever an address's own client raises.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        # Each protocol's client has errors of its own; on this machine there is only OSError.
        if isinstance(where, Path) and not isinstance(error, OSError):
            raise
        raise UsageError(f"{where}: {what}: {getattr(error, 'strerror', None) or error}") from error


# protocol -> what its client is told: to ask a server that has a bad moment again, but not to wait
# minutes for one that does not answer, and not to remember listings, since sessions go on writing.
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
