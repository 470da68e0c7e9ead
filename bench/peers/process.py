"""A cell's processes, each started afresh: where one lies in memory is its blocks' common luck."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.peers.worker import Found
from gan.run import Run

TIMEOUT_SECONDS = 900.0


class PeerError(RuntimeError):
    """A process of peers came to no answer; the message is one line."""


def measured(
    run: Run,
    data_dir: Path | None,
    threads: int,
    process: int,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Found:
    """What a fresh process finds of a run's peers.

    Args:
        run: the cell's.
        data_dir: folder of IDX files, or None.
        threads: cores that the process may use.
        process: its number, from 0.
        timeout_seconds: after which it is killed.

    Returns:
        Its answer.

    Raises:
        PeerError: it died, hung, answered nothing that can be read, or found that a peer computes
            another update.
    """
    request = {
        "run": run.as_dict(),
        "data_dir": str(data_dir.absolute()) if data_dir else None,
        "device": run.device,
        "threads": threads,
        "process": process,
    }
    answer = Found(**_answer(json.dumps(request), environment(run, threads), timeout_seconds))
    if answer.disagreement:
        raise PeerError("; ".join(answer.disagreement))
    return answer


def environment(run: Run, threads: int) -> dict[str, str]:
    """The environment of a process of peers.

    Args:
        run: whose device and precision JAX is told.
        threads: of OpenMP's operations.

    Returns:
        This process's own, and what has to be set before torch and JAX are imported.
    """
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "JAX_PLATFORMS": "cpu" if run.device == "cpu" else os.environ.get("JAX_PLATFORMS", ""),
    }


def _answer(request: str, variables: dict[str, str], timeout_seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.peers"]
    try:
        done = subprocess.run(  # noqa: S603  # our own command line
            command,
            input=request,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"a process of peers took more than {timeout_seconds:g} s") from None
    if done.returncode:
        raise PeerError(
            f"a process of peers ended with {done.returncode}: {last_line(done.stderr)}"
        )
    try:
        answer: dict[str, Any] = json.loads(last_line(done.stdout))
    except ValueError:
        told = last_line(done.stdout)
        raise PeerError(f"a process of peers did not answer in JSON: {told[:80]}") from None
    return answer


def last_line(text: str) -> str:
    r"""The last line that says anything.

    >>> last_line("Traceback\nValueError: no\n\n"), last_line("")
    ('ValueError: no', 'it said nothing')
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
