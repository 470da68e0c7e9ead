"""Worker processes that answer, die, hang or talk nonsense; none outlives its driver."""

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bench.gate.worker
from analysis.errors import UsageError
from analysis.gate.process import (
    PROTOCOL,
    OutOfTimeError,
    RefusalError,
    Worker,
    WorkerError,
    unkilled,
)

HELLO = 'print(\'{"ok": true, "protocol": 2}\', flush=True)\n'
Make = Callable[..., Worker]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A worker that runs some lines."""

    def start(lines: str, ends: float = math.inf, **options: object) -> Worker:
        (tmp_path / "written.py").write_text(f"import json, os, sys, time\n{lines}")
        worker = Worker(tmp_path, tmp_path, "written", side="base", ends=ends)
        try:
            return worker.ready(**options)  # type: ignore[arg-type]  # of ready
        except (WorkerError, OutOfTimeError):
            worker.close()
            raise

    return start


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def test_a_request_has_its_answer(make: Make) -> None:
    """Line by line."""
    echo = "for line in sys.stdin: print(json.dumps({'ok': True, **json.loads(line)}), flush=True)"
    with make(HELLO + echo) as worker:
        assert worker.ask("block", steps=3) == {"ok": True, "do": "block", "steps": 3}
        assert worker.ask("x" * 100_000)["do"] == "x" * 100_000


@pytest.mark.parametrize(("greeting", "spoken"), [({}, "1"), ({"protocol": 3}, "3")])
def test_a_bench_of_another_protocol_is_refused(
    make: Make, greeting: dict[str, int], spoken: str
) -> None:
    """Its answers would be read wrongly; the suite's own worker speaks the driver's."""
    lines = f"print(json.dumps({{'ok': True, **{greeting}}}), flush=True); time.sleep(60)"
    with pytest.raises(RefusalError, match=f"protocol {spoken} of the gate, this one 2"):
        make(lines)
    assert bench.gate.worker.PROTOCOL == PROTOCOL


def test_a_refusal_leaves_the_worker_alive(make: Make) -> None:
    """Its words are the error's."""
    lines = "for line in sys.stdin: print(json.dumps({'ok': False, 'error': line}), flush=True)"
    with make(HELLO + lines) as worker:
        for _ in range(2):
            with pytest.raises(RefusalError, match="block"):
                worker.ask("block")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("sys.stdin.readline(); os._exit(3)", "ended with status 3$"),
        ("sys.stdin.readline(); sys.exit('a\\n\\x1b[31mno\\n')", r"status 1: \\x1b\[31mno$"),
        ("sys.stdin.readline(); sys.exit('x' * 9999)", "status 1: x{299}$"),
        ("sys.stdin.readline(); os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("sys.stdin.readline(); os.close(1); time.sleep(60)", "its output ended"),
        ("sys.stdin.readline(); print('{', flush=True)", "an answer that can't be read: b'{'"),
        ("sys.stdin.readline(); print('[]', flush=True)", r"an answer that can't be read: b'\[\]'"),
        ("sys.stdin.readline(); print('{}', flush=True)", "an answer that can't be read"),
        ("sys.stdin.readline(); print('{\"ok\": 1}', flush=True)", "no reason given"),
    ],
)
def test_what_is_no_answer_is_told(make: Make, lines: str, message: str) -> None:
    """Death in the middle of a block, and nonsense."""
    with make(HELLO + lines) as worker, pytest.raises(WorkerError, match=message):
        worker.ask("block")


def test_a_worker_that_hangs_is_given_up(make: Make) -> None:
    """After the time that a request has."""
    hangs = pytest.raises(WorkerError, match=r"no answer within 0\.2 s")
    with make(HELLO + "time.sleep(60)") as worker, hangs:
        worker.ask("block", timeout_seconds=0.2)


def test_an_error_names_the_side_and_what_it_was_asked(make: Make) -> None:
    """A refusal has the side apart, since its words are told after it."""
    hangs = pytest.raises(WorkerError, match=r"^base, asked for block ring\\x1b: no answer")
    with make(HELLO + "time.sleep(60)") as worker, hangs:
        worker.ask("block", timeout_seconds=0.1, cell="ring\x1b")
    with pytest.raises(WorkerError, match=r"^base, asked for its start: ended with status 2"):
        make("os._exit(2)")
    refuses = "for line in sys.stdin: print(json.dumps({'ok': False, 'error': 'no'}), flush=True)"
    with make(HELLO + refuses) as worker, pytest.raises(RefusalError, match=r"^no$") as refusal:
        worker.ask("block")
    assert refusal.value.side == "base"


def test_nobody_waits_beyond_the_end_of_all_work(make: Make) -> None:
    """Whatever time a request has; that is no failure to be tried again."""
    began = time.monotonic()
    with make(HELLO + "time.sleep(60)", ends=began + 20) as worker:
        worker._ends = time.monotonic() + 0.1
        with pytest.raises(OutOfTimeError):
            worker.ask("block", timeout_seconds=50.0)
    assert not issubclass(OutOfTimeError, WorkerError)
    with pytest.raises(OutOfTimeError):
        make("time.sleep(60)", ends=time.monotonic() - 1)


def test_a_worker_that_is_gone_takes_no_request(make: Make) -> None:
    """The second one finds a broken pipe, or its end."""
    with make(HELLO + "os._exit(0)") as worker:
        for _ in range(2):
            with pytest.raises(WorkerError, match="ended with status 0"):
                worker.ask("block")


@pytest.mark.parametrize("lines", ["os._exit(1)", "raise SystemExit(1)", "import nothing"])
def test_a_worker_that_does_not_start_is_told(make: Make, lines: str) -> None:
    """Before any request."""
    with pytest.raises(WorkerError, match="ended with status 1"):
        make(lines)


def test_nothing_outlives_its_driver(make: Make) -> None:
    """Neither a worker that hangs nor what it started."""
    lines = (
        "import subprocess; child = subprocess.Popen(['sleep', '60'])\n"
        "sys.stdin.readline(); print(json.dumps({'ok': True, 'pid': child.pid}), flush=True)\n"
        "time.sleep(60)"
    )
    with make(HELLO + lines) as worker:
        child, own = int(worker.ask("x")["pid"]), worker._process.pid
        assert alive(child)
    deadline = time.monotonic() + 5
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(child)
    assert not alive(own)


def test_a_worker_is_kept_to_its_core(make: Make) -> None:
    """With all its threads, and whatever it starts later; one that has ended is left alone."""
    core = min(os.sched_getaffinity(0))
    lines = (
        "import threading\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        "sys.stdin.readline()\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        "cores = [list(os.sched_getaffinity(int(t))) for t in os.listdir('/proc/self/task')]\n"
        "print(json.dumps({'ok': True, 'cores': cores}), flush=True)\n"
    )
    with make("import threading\n" + lines.replace("sys.stdin", HELLO + "sys.stdin")) as worker:
        worker.keep_to(core)
        assert worker.ask("x")["cores"] == [[core]] * 3
    worker.keep_to(core)


def test_a_signal_becomes_an_error() -> None:
    """So that what is held is let go; afterwards signals are as before."""
    before = signal.getsignal(signal.SIGTERM)

    def stopped() -> None:
        with unkilled():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)

    with pytest.raises(UsageError, match="stopped by SIGTERM"):
        stopped()

    def stopped_twice() -> None:
        with unkilled():
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            finally:  # as what is held is let go
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.01)
                cleared.append(True)

    cleared: list[bool] = []
    with pytest.raises(UsageError, match="stopped by SIGINT"):
        stopped_twice()
    assert cleared
    assert signal.getsignal(signal.SIGTERM) is before
