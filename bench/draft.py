"""A file that somebody else's code writes, put in its place when it is whole."""

import os
import tempfile
from pathlib import Path

from gan import atomic
from gan.errors import UsageError
from gan.folder import Place, reason


class Draft(os.PathLike[str]):
    """Opens as a temporary file, and goes by the name of what it will be.

    Args:
        target: where it will be.
    """

    def __init__(self, target: Place) -> None:
        self.target = target
        self.temporary: Path | None = None

    def __fspath__(self) -> str:
        """What open() opens; only now is there a folder that publish() removes."""
        if self.temporary is None:
            self.temporary = Path(tempfile.mkdtemp(prefix="saddle-")) / self.target.name
        return str(self.temporary)

    def __str__(self) -> str:
        """What a user is told."""
        return str(self.target)

    def publish(self) -> None:
        """Put it in its place, if it was written at all.

        Raises:
            UsageError: its place can't be written; it is kept where it is.
        """
        if self.temporary is None:
            return
        if self.temporary.exists():
            try:
                self.target.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(self.target, self.temporary.read_bytes())
            # Each protocol's client has errors of its own.
            except Exception as error:  # noqa: BLE001  # told in one line, and the file is kept
                raise UsageError(
                    f"can't write {self.target} ({reason(error)}): it is kept as {self.temporary}"
                ) from None
            self.temporary.unlink()
        self.temporary.parent.rmdir()
