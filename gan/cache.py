"""Where the suite keeps what it downloaded or trained once."""

import logging
import os
from pathlib import Path

from torch import Tensor

from gan import atomic
from gan.errors import UsageError
from gan.folder import make
from gan.sealed import seal, unseal

log = logging.getLogger(__name__)


def cache_dir() -> Path:
    """The cache folder: $GAN_CACHE, or else the operating system's place for saddle-bench."""
    chosen = os.environ.get("GAN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("saddle-bench"))


def make_folder(folder: Path) -> None:
    """Make a folder of the cache, before the work whose result it is to keep.

    Raises:
        UsageError: it cannot be made or written.
    """
    try:
        make(folder)
        atomic.sweep(folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> UsageError:
    """Say that a folder of the cache cannot be written, and what to do."""
    return UsageError(
        f"cannot write to the cache folder {folder} ({error.strerror or error}): "
        "set GAN_CACHE to a folder that can be written"
    )


def write_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Keep a network's weights behind their SHA-256; renamed into place when all is written.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        atomic.write(path, seal(weights))
    except OSError as error:
        raise unwritable(path.parent, error) from error


def read_weights(path: Path) -> dict[str, Tensor] | None:
    """The weights of a file that is there and whole, or None.

    A file that is there but not whole is told as a warning in the log: it will be replaced.

    Raises:
        UsageError: it is there but cannot be read.
    """
    try:
        return unseal(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(
            f"cannot read {path} ({error.strerror or error}): make it readable, remove it, or set "
            "GAN_CACHE to another folder"
        ) from error
    except atomic.DamagedError:
        log.warning("%s is damaged and will be made again", path)
        return None
