"""Sessions survive being killed, full disks, folders that can't be written, and each other."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.job import Job, perform
from gan import store
from gan.errors import UsageError
from gan.run import Run

ROOT = Path(__file__).parents[2]
RUN = Run(data="ring", batch_size=8, steps=3, records=1, evaluation_samples=30)


@pytest.mark.slow
def test_sessions_that_are_killed_lose_nothing_that_was_finished(tmp_path: Path) -> None:
    """SIGKILL at 50 random moments of sessions, and at 50 of writing: see sessions.py.

    After each kill every run file is whole, none that was there is missing, and all say what an
    undisturbed session says, bit for bit; the last session removes whatever the killed ones left.
    """
    program = [sys.executable, str(Path(__file__).with_name("sessions.py")), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*program, "50", "0"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    sessions, writes, together = (told[name] for name in ("sessions", "writes", "together"))
    assert sessions["kills"] == writes["kills"] == 50
    assert sessions["ends"] >= 1
    assert sessions["checkpoints"] >= 1, "no session was killed while it had a checkpoint"
    assert writes["temporaries"] >= 1, "no writer was killed in mid-write"
    assert (writes["files"], writes["left"]) == (3, 0)
    assert together == {"ends": 2, "files": sessions["cells"], "left": []}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of its own, to be mounted again with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]

    def mounted(options: str) -> Path:
        everybody = f"{options},mode=1777"
        told = complaint([*sudo, "mount", "-t", "tmpfs", "-o", everybody, "tmpfs", str(folder)])
        if told:
            # Where nobody looks at skipped tests, these would never run.
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(f"can't mount a file system here: {told}")
        return folder

    yield mounted
    while os.path.ismount(folder):
        subprocess.run([*sudo, "umount", str(folder)], check=True)


def complaint(command: Sequence[str]) -> str:
    """What a command that did not do its work says, or "" if it did."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["true"], ""),
        (["sh", "-c", "echo must be root >&2; exit 1"], "must be root"),
        (["/nowhere/mount"], "[Errno 2] No such file or directory: '/nowhere/mount'"),
    ],
)
def test_a_mount_that_fails_is_told(command: list[str], told: str) -> None:
    """Refused, or without a program: these tests are then skipped, and on CI they fail."""
    assert complaint(command) == told


def files(folder: Path) -> set[Path]:
    """Everything that is not a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}


def refusal_of_any(jobs: Sequence[Job]) -> str:
    """What the first of some jobs that can't be done says."""
    try:
        for job in jobs:
            perform(job)
    except UsageError as error:
        return str(error)
    raise AssertionError("all were done")


def test_a_disk_that_fills_keeps_what_was_finished(small_disk: Callable[[str], Path]) -> None:
    """One line; the files so far are whole and alone; with room again the rest is made."""
    folder = small_disk("size=64k")
    jobs = [Job("convergence", replace(RUN, seed=seed), None, folder) for seed in range(8)]
    line = refusal_of_any(jobs)
    assert line.startswith(f"can't write {folder}/runs/")
    assert line.endswith("No space left on device")
    kept = files(folder)
    assert 0 < len(kept) < len(jobs)
    assert all(store.read(path) for path in kept)
    small_disk("remount,size=10m")
    outcomes = [perform(job) for job in jobs]
    assert [outcome.reused for outcome in outcomes] == [n < len(kept) for n in range(len(jobs))]
    assert kept < files(folder)


def test_a_checkpoint_that_does_not_fit_is_told_and_the_run_goes_on(
    small_disk: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Weights are larger than records: the run may still be stored."""
    folder = small_disk("size=64k")
    monkeypatch.setattr("gan.checkpoint.SECONDS", 0.0)
    outcome = perform(Job("convergence", RUN, None, folder))
    assert outcome.status == "finished"
    assert caplog.messages
    assert all(
        line.startswith(f"can't write the checkpoint {folder}/checkpoints/")
        and line.endswith("No space left on device; the run goes on without it")
        for line in caplog.messages
    )
    assert files(folder) == {store.path(folder, RUN, "training")}


def test_a_read_only_folder_is_refused_before_any_work(
    small_disk: Callable[[str], Path],
) -> None:
    """Also for root, whom no permission stops; what is there can still be read."""
    folder = small_disk("size=1m")
    perform(Job("convergence", RUN, None, folder))
    small_disk("remount,ro")
    with pytest.raises(UsageError) as error:
        store.probe(folder)
    assert str(error.value) == f"can't write to {folder}: Read-only file system"
    assert perform(Job("convergence", RUN, None, folder)).reused
    with pytest.raises(UsageError, match="Read-only file system"):
        perform(Job("convergence", replace(RUN, seed=1), None, folder))


def test_a_limit_on_files_is_one_line_and_an_exit_status(tmp_path: Path) -> None:
    """The whole program where the system refuses a write of more than a kilobyte."""
    short = "train --data ring --steps 2 --records 1 --batch-size 8 --results"
    command = f"ulimit -f 1; exec {sys.executable} -m gan {short} {tmp_path}"
    done = subprocess.run(
        ["bash", "-c", command],  # noqa: S607  # wherever bash is
        cwd=ROOT,
        # The limit is meant for the program, not for what measures its coverage.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    *_, line = done.stderr.strip().splitlines()
    assert line.startswith(f"error: can't write {tmp_path}/runs/")
    assert line.endswith("File too large")
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == set()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_session_ends_when_its_disk_is_full(
    small_disk: Callable[[str], Path], workers: str
) -> None:
    """At the first cell that can't be stored: hours of others would be lost like it."""
    folder = small_disk("size=24k")
    options = ["--profile", "smoke", "--kinds", "convergence", "--data", "ring"]
    options += ["--seeds", "0,1,2,3,4,5,6,7", "--losses", "saturating", "--workers", workers]
    command = [sys.executable, "-m", "pytest", "bench/", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, "--results", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.search(
        r"can't write .*/runs/\w+\.parquet: No space left on device; what finished before is kept",
        done.stdout,
    )
    assert "Traceback" not in done.stdout
    assert all(store.read(path) for path in folder.glob("runs/*.parquet"))


def test_a_session_names_the_damaged_file_that_it_makes_again(tmp_path: Path) -> None:
    """Among its last lines, though pytest keeps to itself what passing tests log."""
    options = ["--profile", "smoke", "--kinds", "numerics", "--precisions", "float64"]
    command = [sys.executable, "-m", "pytest", "bench/", "-p", "no:cacheprovider", *options]
    command += ["--results", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (file,) = tmp_path.glob("runs/*.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{file} is not whole" in done.stdout
    assert file.read_bytes() == whole
