"""A live worker process of one revision: a request, an answer, a deadline for each."""

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from analysis.errors import UsageError
from analysis.wording import visible

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Also Ctrl-C: its usual exit status is that of a regression."""

WORKER = "bench.gate.worker"

MOST_WORDS = 300
"""Bytes of what a process that died said last."""

PROTOCOL = 2
"""Of requests and answers, as this driver knows them."""


class WorkerError(Exception):
    """A worker died, hung, or said what nobody can read: the machine's trouble or the code's."""


class RefusalError(WorkerError):
    """A worker lives, but can't do what was asked.

    Args:
        why: in its own words.
        side: "base" or "head".
    """

    def __init__(self, why: str, side: str) -> None:
        super().__init__(why)
        self.side = side


class OutOfTimeError(Exception):
    """The time of all work ended before an answer came."""


class Worker:
    """A process that answers requests of ``bench.gate.worker``, once ready; killed on leaving.

    Args:
        tree: the revision's folder.
        driver: the folder whose ``bench`` asks.
        module: that is run.
        variables: of its environment, beside this process's.
        side: "base" or "head", for its errors.
        ends: when by time.monotonic() no answer is waited for any more.
    """

    def __init__(
        self,
        tree: Path,
        driver: Path,
        module: str = WORKER,
        variables: Mapping[str, str] | None = None,
        *,
        side: str = "head",
        ends: float = math.inf,
    ) -> None:
        self.side, self._ends, self._asked = side, ends, "its start"
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(driver),
            **(variables or {}),
        }
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # for as long as the process
        self._process = subprocess.Popen(  # noqa: S603  # our own command line
            [sys.executable, "-m", module, str(tree)],
            cwd=driver,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,  # so that what it starts can be killed with it
        )
        # Popen was asked for both pipes.
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._rest = b""

    def ready(self, timeout_seconds: float = 120.0) -> Self:
        """Wait for its greeting.

        Args:
            timeout_seconds: for its start.

        Returns:
            The worker.

        Raises:
            RefusalError: the revision can't be imported, or its bench answers in another way.
            WorkerError: it does not start.
        """
        spoken = self.answer(timeout_seconds).get("protocol", 1)
        if spoken != PROTOCOL:
            raise RefusalError(
                f"its bench speaks protocol {spoken} of the gate, this one {PROTOCOL}: "
                "run the gate of a revision that speaks the same",
                self.side,
            )
        return self

    def keep_to(self, core: int) -> None:
        """Keep all its threads to one core, where the system can.

        Args:
            core: of those that this process may use.
        """
        if not hasattr(os, "sched_setaffinity"):
            return
        # A thread that has ended, or a system without /proc, needs none.
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread.name), {core})

    def ask(self, name: str, timeout_seconds: float = 120.0, **arguments: Any) -> dict[str, Any]:
        """A request and its answer.

        Args:
            name: of the worker's REQUESTS.
            timeout_seconds: after which it counts as hung.
            arguments: of the request.

        Returns:
            The answer.

        Raises:
            RefusalError: it can't.
            WorkerError: it died, or hangs.
        """
        self.send(name, **arguments)
        return self.answer(timeout_seconds)

    def send(self, name: str, **arguments: Any) -> None:
        """A request alone, to be answered while others work.

        Args:
            name: of the worker's REQUESTS.
            arguments: of the request.

        Raises:
            WorkerError: it is dead.
        """
        self._asked = " ".join([name, *([str(arguments["cell"])] if "cell" in arguments else [])])
        try:
            self._requests.write(json.dumps({"do": name, **arguments}).encode() + b"\n")
            self._requests.flush()
        except (BrokenPipeError, ValueError):
            raise self._error(self._end()) from None

    def answer(self, timeout_seconds: float = 120.0) -> dict[str, Any]:
        """The answer to the last request.

        Args:
            timeout_seconds: after which it counts as hung.

        Returns:
            It.

        Raises:
            RefusalError: it can't.
            WorkerError: it died, or hangs.
            OutOfTimeError: so long that the time of all work ended.
        """
        line = self._line(timeout_seconds)
        try:
            answer = json.loads(line)
            sound = isinstance(answer["ok"], bool)
        except (ValueError, TypeError, KeyError):
            raise self._error(f"an answer that can't be read: {line[:80]!r}") from None
        if not (sound and answer["ok"]):
            why = visible(str(answer.get("error", "no reason given")))
            raise RefusalError(why, self.side)
        return dict(answer)

    def _error(self, what: str) -> WorkerError:
        """What happened, to which side, and what it had been asked."""
        return WorkerError(f"{self.side}, asked for {visible(self._asked)}: {what}")

    def _line(self, timeout_seconds: float) -> bytes:
        deadline = min(time.monotonic() + timeout_seconds, self._ends)
        number = self._answers.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(number, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    if deadline == self._ends:
                        raise OutOfTimeError
                    raise self._error(f"no answer within {timeout_seconds:g} s")
                more = os.read(number, 1 << 16)
                if not more:
                    raise self._error(self._end())
                self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _end(self) -> str:
        """How the process ended, in words."""
        try:
            status = self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            return "its output ended"
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"ended with status {status}{self._last_words()}"

    def _last_words(self) -> str:
        """The last line that it wrote on stderr, after a colon."""
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - MOST_WORDS))
        lines = [line.strip() for line in self._said.read().decode(errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "")
        return last and f": {visible(last[-MOST_WORDS:])}"

    def close(self) -> None:
        """Kill the process and all that it started, and wait for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._requests, self._answers, self._said):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def __enter__(self) -> Self:
        """The worker."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill it."""
        self.close()


def both(
    base: Worker,
    head: Worker,
    name: str,
    timeout_seconds: float,
    *,
    head_first: bool = False,
    **arguments: Any,
) -> list[dict[str, Any]]:
    """Base's and head's answers to one request, worked out side by side.

    Args:
        base: a worker.
        head: a worker.
        name: of the worker's REQUESTS.
        timeout_seconds: after which each counts as hung.
        head_first: who is asked first.
        arguments: of the request.

    Returns:
        Two answers, base's first.

    Raises:
        RefusalError: one of them can't; base's refusal comes first.
        WorkerError: a process died or hung.
    """
    for worker in (head, base) if head_first else (base, head):
        worker.send(name, **arguments)
    answers, refused = [], None
    for worker in (base, head):
        try:
            answers.append(worker.answer(timeout_seconds))
        except RefusalError as error:  # the other's answer still has to be read
            refused = refused or error
    if refused:
        raise refused
    return answers


@contextlib.contextmanager
def unkilled() -> Iterator[None]:
    """Turn the signals that end a process into exceptions, so that what it holds is cleared up."""

    def stop(number: int, _frame: object) -> None:
        for other in ENDING:  # a second one would end the clearing up
            signal.signal(other, signal.SIG_IGN)
        raise UsageError(f"stopped by {signal.Signals(number).name}")

    before = {number: signal.signal(number, stop) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
