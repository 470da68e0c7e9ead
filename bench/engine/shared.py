"""Whether another node sees this session's results folder, and not one of its own by that name."""

import uuid
from functools import cache

from gan import store
from gan.errors import UsageError
from gan.folder import Place, telling


def mark(folder: Place) -> Place:
    """Leave a file by which others can tell the folder.

    Args:
        folder: the results folder; made if it is not there.

    Returns:
        The file; whoever made it removes it.

    Raises:
        UsageError: it can't be written.
    """
    file = folder / f".{uuid.uuid4().hex}.session"
    with telling("can't write", file):
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    return file


@cache
def see(file: Place) -> None:
    """Make sure that this process sees the mark, and can write beside it.

    Args:
        file: what mark() returned.

    Raises:
        UsageError: it doesn't.
    """
    with telling("can't read", file.parent):
        seen = file.exists()
    if not seen:
        raise UsageError(
            f"{file.parent} of this node is not the session's: results must be on a disk that "
            f"all nodes share, or at an address such as s3://bucket/folder"
        )
    store.probe(file.parent)
