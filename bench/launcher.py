"""Runs a command and prints what it took, as JSON: [exit status, seconds, most bytes held at once].

A child begins as a copy of its parent, whose memory is part of the child's record for ever. This
parent holds next to nothing: it is started by its path and imports what it needs alone.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the command line's command; its output is dropped."""
    start = time.perf_counter()
    with (
        subprocess.Popen(  # noqa: S603  # of the measurement that starts this
            sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child
    ):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    # Kibibytes, but bytes on macOS.
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps([child.returncode, seconds, memory]))  # noqa: T201  # what it is for


if __name__ == "__main__":
    main()
