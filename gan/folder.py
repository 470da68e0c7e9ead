"""A folder that can be written: found out before the work whose result it is to keep."""

import tempfile
from pathlib import Path


def make(folder: Path) -> None:
    """Make a folder and try to write to it.

    Args:
        folder: made with all above it.

    Raises:
        OSError: it cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
