"""How far an unfinished run has come, kept now and then in a file from which it can go on."""

import logging
import math
import time
from typing import Any

from gan import atomic, distributed
from gan.errors import UsageError
from gan.folder import Place, contents, mkdir, telling
from gan.sealed import seal, unseal

# A run that is killed loses at most so much of its training, and writes so rarely that it costs
# next to nothing: a step looks at the clock, less than a microsecond.
SECONDS = 60.0

log = logging.getLogger(__name__)


class Checkpoint:
    """The file of one run, and the clock that says when to write it again.

    Args:
        file: <key>.pt; None keeps nothing.
        key: of the run and the code: no other run goes on from here.
    """

    def __init__(self, file: Place | None, key: str) -> None:
        self._file, self._key = file, key
        self._due = math.inf
        self._wait()

    def _wait(self) -> None:
        if self._file is not None:
            self._due = time.monotonic() + SECONDS

    def due(self) -> bool:
        """Whether SECONDS have passed since the last writing."""
        return time.monotonic() >= self._due

    def keep(self, progress: dict[str, Any]) -> None:
        """Write how far the run has come; a failure is a warning, for the run itself can go on.

        Of several processes that train one run, all at the same state, the first one writes.

        Args:
            progress: tensors, numbers and texts, in dicts and lists.
        """
        if self._file is None or distributed.rank():
            return
        try:
            with telling("can't write the checkpoint", self._file):
                mkdir(self._file.parent)
                content = seal({"key": self._key, "progress": progress})
                atomic.write(self._file, content)
        except UsageError as error:
            log.warning("%s; the run goes on without it", error)
        self._wait()

    def kept(self) -> dict[str, Any] | None:
        """What was written last, or None if there is nothing whole to go on from.

        Raises:
            UsageError: the file cannot be read, or is another run's.
        """
        if self._file is None:
            return None
        stored = contents(self._file)
        if stored is None:
            return None
        try:
            content = unseal(stored)
        except atomic.DamagedError as damage:
            log.warning("%s is damaged (%s): its run starts anew", self._file, damage)
            return None
        if content.get("key") != self._key:
            raise UsageError(
                f"{self._file} is the checkpoint of another run or of other code: "
                "it was left as it is; move it away"
            )
        progress: dict[str, Any] = content["progress"]
        return progress
