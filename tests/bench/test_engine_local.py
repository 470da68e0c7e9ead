"""Local workers: the same bits as in this process, whatever becomes of the processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest
import torch

from bench.engine import worker
from bench.engine.job import (
    Finished,
    Job,
    Outcome,
    Resources,
    RunError,
    Work,
    attempt,
    idle,
    perform,
)
from bench.engine.local import RETRIES, Local
from bench.engine.outcomes import Outcomes
from bench.work import stored_as
from gan import store
from gan.run import Run

ROOT = Path(__file__).parents[2]
TINY = Run(data="ring", steps=20, records=2, batch_size=16, evaluation_samples=50)


def jobs_in(folder: Path) -> list[Job]:
    """One of each way to be computed: without networks, with them, trained."""
    kinds = {"numerics": Run(), "gradients": TINY, "convergence": TINY, "head_start": TINY}
    return [Job(kind, run, None, folder) for kind, run in kinds.items()]


def numbers(*values: float) -> list[Job]:
    """Numbers where jobs are expected: an engine hands on whatever can be pickled."""
    return cast(list[Job], list(values))


def work(function: object) -> Work:
    """A function of Python's own in place of perform: workers can import it."""
    return cast(Work, function)


def rows(job: Job) -> str:
    """What a job stored, without the times, every bit of it told: nan too."""
    stored = store.read(store.path(job.results, job.run, stored_as(job.kind)))
    assert stored is not None
    return repr([{k: v for k, v in row.items() if k != "seconds"} for row in stored.rows])


@contextmanager
def local(jobs: list[Job], workers: int = 2, do: Work = perform) -> Iterator[Local]:
    """An engine that is stopped, come what may."""
    engine = Local(jobs, Resources(workers=workers), do)
    try:
        yield engine
    finally:
        engine.stop()


def all_of(engine: Local) -> dict[Job, Outcome | RunError]:
    """Every job's end, in the order in which they came."""
    ended: list[Finished] = []
    while found := engine.poll(None):
        ended += found
    return dict(ended)


def alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_dead(pids: list[int]) -> None:
    """Fail unless processes end by themselves within a while."""
    deadline = time.monotonic() + 60
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)


def test_workers_give_the_same_bits(tmp_path: Path) -> None:
    """Rows from two processes are this process's; a job given twice is computed once."""
    far, here = jobs_in(tmp_path / "far"), jobs_in(tmp_path / "here")
    with local([*far, far[0]]) as engine:
        assert engine.workers == 2
        ended = all_of(engine)
    assert len(ended) == len(far)
    for job, same in zip(far, here, strict=True):
        end, told = ended[job], perform(same)
        assert isinstance(end, Outcome)
        assert replace(end, seconds=0.0) == replace(told, seconds=0.0)
        assert end.seconds > 0
        assert rows(job) == rows(same)


def test_what_is_stored_is_not_computed_again(tmp_path: Path) -> None:
    """The second time the outcome says so, and the file is untouched."""
    job = Job("numerics", Run(), None, tmp_path)
    first = perform(job)
    (file,) = (tmp_path / "runs").iterdir()
    before = file.stat().st_mtime_ns
    second = perform(job)
    assert (first.reused, second.reused) == (False, True)
    assert first.key == second.key == file.stem
    assert file.stat().st_mtime_ns == before


def test_a_job_that_raises_fails_alone(tmp_path: Path) -> None:
    """A user's mistake is its one line; the same worker goes on."""
    bad = Job("convergence", Run(data="mnist"), Path("/nowhere"), tmp_path)
    good = Job("numerics", Run(), None, tmp_path)
    with local([bad, good], workers=1) as engine:
        pid = engine.team[0].process.pid
        ended = all_of(engine)
        assert engine.team[0].process.pid == pid
    assert isinstance(ended[bad], RunError)
    assert str(ended[bad]) == "the data folder is /nowhere: no such folder"
    assert isinstance(ended[good], Outcome)


def test_a_killed_worker_is_replaced_and_its_run_redone(tmp_path: Path) -> None:
    """SIGKILL in mid-run: the run is begun again, with the same bits; the other goes on."""
    far, here = jobs_in(tmp_path / "far"), jobs_in(tmp_path / "here")
    # Nobody writes to it: its reader waits there until it is killed.
    pipe = store.path(far[0].results, far[0].run, stored_as(far[0].kind))
    assert isinstance(pipe, Path)
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    with local(far) as engine:
        victim = engine.team[0]
        first = victim.job
        victim.process.kill()
        victim.process.join()
        pipe.unlink()
        ended = all_of(engine)
        assert engine.deaths == {first: 1}
        assert victim not in engine.team
        assert len(engine.team) == 2
    assert all(isinstance(end, Outcome) for end in ended.values())
    perform(here[0])
    assert rows(far[0]) == rows(here[0])


@pytest.mark.parametrize(
    ("do", "job", "death"),
    [
        (signal.raise_signal, 9, "killed by SIGKILL: the machine may be out of memory"),
        (signal.raise_signal, 6, "killed by SIGABRT"),
        (os._exit, 7, "exit status 7"),
    ],
)
def test_a_run_that_kills_its_worker_is_given_up(do: object, job: int, death: str) -> None:
    """After it was begun three times, with a line on how the worker died."""
    with local(numbers(job), workers=1, do=work(do)) as engine:
        (given_up,) = all_of(engine).values()
        assert engine.deaths == {job: RETRIES + 1}
    assert str(given_up) == f"its worker died 3 times, the last time {death}"


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    """It had answered: what it would have got next is another's, and is not charged with it."""
    first, second = jobs = numbers(1, 2)
    with local(jobs, workers=1, do=idle) as engine:
        victim = engine.team[0]
        assert victim.connection.poll(60)
        victim.process.kill()
        victim.process.join()
        assert [job for job, _ in engine.poll(None)] == [first]
        assert engine.team[0] is not victim
        ((job, end),) = engine.poll(None)
        assert job == second
        assert isinstance(end, Outcome)
        assert engine.deaths == {}


def test_a_worker_that_died_with_nothing_left_to_do_is_not_missed() -> None:
    """Its answer counts, and nobody is started in its place."""
    with local(numbers(1), workers=1, do=idle) as engine:
        victim = engine.team[0]
        assert victim.connection.poll(60)
        victim.process.kill()
        victim.process.join()
        ((_, end),) = engine.poll(None)
        assert isinstance(end, Outcome)
        assert engine.team == [victim]
        assert engine.poll(None) == []


def test_stopping_ends_workers_in_mid_run() -> None:
    """No process is left, and asking again gives nothing."""
    with local(numbers(600.0, 601.0, 602.0), do=work(time.sleep)) as engine:
        pids = [member.process.pid or 0 for member in engine.team]
        assert all(map(alive, pids))
        assert engine.poll(0.0) == []
    wait_until_dead(pids)
    assert engine.poll(None) == []


def test_no_more_workers_than_jobs_are_started(tmp_path: Path) -> None:
    """Nor any without work."""
    with local(jobs_in(tmp_path)[:1], workers=64, do=idle) as engine:
        assert engine.workers == 1
    with local([], workers=4, do=idle) as engine:
        assert (engine.workers, engine.poll(None)) == (0, [])


SESSION = """
import time
from typing import cast
from unittest.mock import Mock
from bench.engine.job import Resources
from bench.engine.local import Local
if __name__ == "__main__":
    engine = Local([600.0, 601.0], Resources(workers=2), time.sleep)
    print(*[worker.process.pid for worker in engine.team], flush=True)
    engine.poll(None)
"""


def test_workers_do_not_outlive_a_killed_session(tmp_path: Path) -> None:
    """SIGKILL gives the session no chance to end them: they see that it is gone."""
    script = tmp_path / "session.py"
    script.write_text(SESSION)
    command = [sys.executable, str(script)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        pids = [int(word) for word in running.stdout.readline().split()]
        assert len(pids) == 2
        running.kill()
    wait_until_dead(pids)


def test_a_worker_whose_session_is_gone_ends_in_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks itself to leave, and does not wait for ever; without a session there is nothing."""
    told: list[object] = []
    monkeypatch.setattr("multiprocessing.parent_process", lambda: None)
    worker._follow_parent()
    assert told == []
    gone = Mock(join=lambda: told.append("joined"))
    monkeypatch.setattr("multiprocessing.parent_process", lambda: gone)
    monkeypatch.setattr("bench.engine.worker.os.kill", lambda *told_: told.append(told_))
    monkeypatch.setattr("bench.engine.worker.time.sleep", told.append)
    monkeypatch.setattr("bench.engine.worker.os._exit", told.append)
    worker._follow_parent()
    assert told == ["joined", (os.getpid(), signal.SIGTERM), worker.GRACE_SECONDS, 1]


def test_outcomes_come_in_any_order() -> None:
    """Asked for the last job first: what came before is kept, and told as it came."""
    first, second, third = jobs = numbers(1, 2, 3)
    told: list[Finished] = []
    with local(jobs, workers=1, do=idle) as engine:
        outcomes = Outcomes(engine, jobs, told.append)
        assert outcomes(third).status == "finished"
        assert [job for job, _ in told] == [first, second, third]
        assert outcomes(first).status == outcomes(second).status == "finished"
        assert len(told) == 3
        with pytest.raises(KeyError):
            outcomes(cast(Job, 4))


def test_an_attempt_brings_back_what_was_raised() -> None:
    """As an error that any process can read; an outcome stays one."""
    (job,) = numbers(1)
    assert attempt(idle, job) == idle(job)
    failed = attempt(work(len), job)
    assert isinstance(failed, RunError)
    told = str(failed)
    assert told.startswith("Traceback (most recent call last)")
    assert told.endswith("TypeError: object of type 'int' has no len()\n")


def test_a_failure_is_raised_whenever_it_is_asked_for() -> None:
    """Twice, with the worker's words."""
    jobs = numbers(1)
    with local(jobs, workers=1, do=work(len)) as engine:
        outcomes = Outcomes(engine, jobs, lambda _: None)
        for _ in range(2):
            with pytest.raises(RunError, match=r"object of type 'int' has no len\(\)"):
                outcomes(jobs[0])


def test_a_worker_answers_until_nobody_asks() -> None:
    """Jobs in, outcomes out, until the other end is closed; Ctrl-C is not its business."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = torch.get_num_threads()
    ours, theirs = multiprocessing.Pipe()
    try:
        for job in numbers(1, 2):
            ours.send(job)
        before = threading.active_count()
        closing = threading.Timer(0.2, ours.close)
        closing.start()
        replies: list[object] = []
        reading = threading.Thread(target=lambda: replies.extend((ours.recv(), ours.recv())))
        reading.start()
        worker.serve(theirs, idle, threads)
        reading.join()
        closing.join()
        assert threading.active_count() <= before + 1
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with pytest.raises(SystemExit) as left:
            signal.raise_signal(signal.SIGTERM)
        assert left.value.code == 143
    finally:
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGTERM, handlers[1])
    assert [cast(Outcome, reply).status for reply in replies] == ["finished"] * 2
