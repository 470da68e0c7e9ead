"""A local worker: a process that computes one job after another until its session ends."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn

import torch

from bench.engine.job import Outcome, RunError, Work, attempt

GRACE_SECONDS = 5.0
"""How long a worker may take to leave, a half-written file to be removed included."""


def serve(connection: "Connection[Outcome | RunError, object]", work: Work, threads: int) -> None:
    """The main function of a worker's process.

    Args:
        connection: jobs come in, what became of them goes out.
        work: what to do with a job.
        threads: torch's.
    """
    # Ctrl-C reaches every process of the terminal, but it is for the session to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True).start()
    torch.set_num_threads(threads)
    answer(connection, work)


def answer(connection: "Connection[Outcome | RunError, object]", work: Work) -> None:
    """Do jobs until nobody sends any.

    Args:
        connection: as above.
        work: as above.
    """
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(attempt(work, job))  # type: ignore[arg-type]  # only jobs are sent


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Unwind, so that a file that is being written is removed."""
    sys.exit(128 + signal.SIGTERM)


def _follow_parent() -> None:
    """End with the session, however it ends: a run that nobody waits for only heats the room."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)
