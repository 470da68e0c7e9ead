"""Whole sessions: what they leave, what they refuse, and how they survive an interruption."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from bench.study import AXES
from gan import store

ROOT = Path(__file__).parents[2]
RING = ["--profile", "smoke", "--data", "ring", "--losses", "saturating", "--batch-sizes", "16"]
SMALL = [*RING, "--kinds", "throughput,gradients,convergence"]

Harness = Callable[..., int]


def command(*options: str) -> list[str]:
    """The harness as its users call it from a terminal: Ctrl-C is not ignored.

    In a shell's background jobs, and in what these start, it is.
    """
    code = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code, "bench/", "-p", "no:cacheprovider", *options]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    """`pytest bench/` in this process: its exit status."""
    monkeypatch.chdir(ROOT)
    handler = signal.getsignal(signal.SIGTERM)

    def call(*options: str) -> int:
        try:
            return int(pytest.main(["bench/", "-p", "no:cacheprovider", *options]))
        finally:
            signal.signal(signal.SIGTERM, handler)

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one small session in a process of its own."""
    results = tmp_path_factory.mktemp("results")
    options = [*SMALL, "--rounds", "3", "--benchmark-json", str(results / "benchmark.json")]
    done = subprocess.run(command(*options), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *_, last = [line for line in done.stderr.splitlines() if line.startswith("[")]
    text, left = first.split(" · ")
    assert text == "[1/3] throughput float32 16 saturating none mlp ring seed 0"
    assert re.fullmatch(r"3 cells, about \d+:\d\d left", left)
    assert last.startswith("[3/3] convergence")
    assert "· 1 cell, about " in last
    return results


@pytest.fixture(scope="module")
def cells(folder: Path) -> dict[str, dict[str, Any]]:
    """benchmark.json's entries by kind."""
    content = json.loads((folder / "benchmark.json").read_text())
    return {entry["extra_info"]["kind"]: entry for entry in content["benchmarks"]}


def test_every_kind_is_recorded(cells: dict[str, dict[str, Any]]) -> None:
    """One finished cell of each kind, its axes scalar, its whole run with it."""
    assert set(cells) == {"throughput", "gradients", "convergence"}
    for kind, entry in cells.items():
        info = entry["extra_info"]
        assert entry["group"] == kind
        assert (info["schema"], info["status"], info["message"]) == (1, "finished", "")
        assert {name: info["run"][name] for name in AXES} | {"variant": ""} == entry["params"]
        assert entry["params"]["batch_size"] == 16


def test_throughput_holds_raw_samples_and_costs(cells: dict[str, dict[str, Any]]) -> None:
    """As many raw block times as rounds, and the costs of results/README.md."""
    entry = cells["throughput"]
    info = entry["extra_info"]
    assert len(entry["stats"]["data"]) == 3
    assert all(seconds > 0 for seconds in entry["stats"]["data"])
    assert info["generator_parameters"] == 3 * 128 + 129 * 128 + 129 * 2
    assert info["flops_per_step"] > 0
    assert info["first_call_seconds"] > 0
    assert info["peak_memory_bytes"] > 0
    seconds = sorted(entry["stats"]["data"])[1] / info["steps_per_block"]
    assert info["seconds_per_step"] == seconds
    assert info["images_per_second"] == 16 / seconds
    assert info["achieved_flops_per_second"] == info["flops_per_step"] / seconds


def test_machine_is_described_without_its_clock_frequency(folder: Path) -> None:
    """What makes two sessions comparable is there; what changes every second is not."""
    machine = json.loads((folder / "benchmark.json").read_text())["machine_info"]
    facts = machine["saddle"]
    assert (facts["schema"], facts["threads"], facts["status"]) == (1, 1, "finished")
    assert facts["profile"] == "smoke"
    assert facts["arguments"][0] == "bench/"
    assert facts["cores"] >= facts["affinity"] >= 1
    assert not [name for name in machine["cpu"] if name.startswith("hz_actual")]
    assert "node" not in machine


def test_computed_results_are_run_files(folder: Path, cells: dict[str, dict[str, Any]]) -> None:
    """One Parquet file per computed cell, under the key in benchmark.json, and nothing else."""
    keys = {cells[kind]["extra_info"]["key"] for kind in ("gradients", "convergence")}
    assert {path.name for path in (folder / "runs").iterdir()} == {f"{k}.parquet" for k in keys}


def test_curves_go_from_the_first_step_to_the_last(
    folder: Path, cells: dict[str, dict[str, Any]]
) -> None:
    """Records at 0, 15, 30, 45 and 60 steps, the metrics of a mixture, samples at both ends."""
    key = cells["convergence"]["extra_info"]["key"]
    rows = pq.read_table(folder / "runs" / f"{key}.parquet").to_pylist()
    assert [row["step"] for row in rows] == [0, 15, 30, 45, 60]
    assert all(row["w1"] > 0 and 0 <= row["modes"] <= 8 for row in rows)
    assert rows[0]["generator_loss"] is None
    assert rows[-1]["generator_loss"] < 0  # log(1 − D)
    assert len(rows[0]["samples"]) == len(rows[-1]["samples"]) == 2 * 512
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)


def test_second_session_reuses_what_is_stored(
    folder: Path, harness: Harness, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same command again trains nothing, changes no run file and says so in the JSON."""
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    output = folder / "second.json"
    assert harness(*SMALL, "--rounds", "1", "--benchmark-json", str(output)) == 0
    capfd.readouterr()
    entries = json.loads(output.read_text())["benchmarks"]
    reused = [entry["extra_info"].get("reused") for entry in entries]
    assert reused == [None, True, True]  # timed, and two computed
    assert {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()} == before


def test_runs_of_an_experiment_are_stored_without_pictures(
    harness: Harness, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Head starts are many: numbers under a kind of their own, told apart by their variant."""
    assert harness(*RING, "--kinds", "head_start", "--results", str(tmp_path)) == 0
    capfd.readouterr()
    (entry,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert entry["group"] == entry["extra_info"]["kind"] == "head_start"
    assert entry["params"]["variant"] == "sgd head_start=100"
    (file,) = (tmp_path / "runs").iterdir()
    stored = store.read(file)
    assert stored is not None
    assert (stored.kind, stored.run.head_start) == ("head_start", 100)
    assert stored.facts["real_samples"] == []
    assert [row["step"] for row in stored.rows] == [0, 10, 20]
    assert not {"samples", "logits_on_grid"} & set(stored.rows[0])
    assert stored.rows[-1]["w1"]


def test_a_kind_leaves_out_what_it_cannot_measure(
    harness: Harness, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Per-sample gradients need samples that do not share a batch: refused before any work."""
    options = ["--profile", "smoke", "--data", "digits", "--models", "dcgan", "--batch-sizes", "8"]
    results = ["--results", str(tmp_path / "results")]
    assert harness(*options, "--kinds", "per_sample", *results) == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert "use mlp, mlp_spectral or goodfellow2014" in line


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (RuntimeError("\"addmm\" not implemented for 'Half'\nmore"), "unsupported"),
    ],
)
def test_a_cell_that_cannot_be_measured_is_recorded(
    error: Exception,
    status: str,
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Memory that runs out or a missing kernel is the cell's status; the session goes on."""

    def fail(_trainer: object) -> int:
        raise error

    monkeypatch.setattr("bench.timing.flops_per_step", fail)
    options = [*RING, "--kinds", "throughput", "--results", str(tmp_path)]
    assert harness(*options) == 0
    capfd.readouterr()
    (entry,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    info = entry["extra_info"]
    assert (info["status"], info["message"]) == (status, str(error).splitlines()[0])


def test_a_diverged_run_is_a_result(
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The cell says diverged and at which step, its run file too, and a second session keeps it."""
    options = [*RING, "--kinds", "convergence", "--results", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr("gan.trainer.Trainer.step", lambda _: torch.full((4,), float("nan")))
        assert harness(*options) == 0
    for reused in (False, True):
        if reused:
            assert harness(*options) == 0
        (entry,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
        info = entry["extra_info"]
        assert (info["status"], info["reused"]) == ("diverged", reused)
        assert info["message"] == "discriminator_loss is nan at step 1"
    capfd.readouterr()
    (file,) = (tmp_path / "runs").iterdir()
    stored = store.read(file)
    assert stored is not None
    assert (stored.status, stored.stopped_step, len(stored.rows)) == ("diverged", 1, 1)


def test_a_diverged_gradients_cell_says_so(
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The cell has the status of its run file, not a finished one."""
    monkeypatch.setattr("gan.trainer.Trainer.step", lambda _: torch.full((4,), float("inf")))
    assert harness(*RING, "--kinds", "gradients", "--results", str(tmp_path)) == 0
    capfd.readouterr()
    (entry,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    info = entry["extra_info"]
    assert info["status"] == "diverged"
    assert info["message"] == "discriminator_loss is inf at step 1"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (RuntimeError("\"addmm\" not implemented for 'Half'\nmore"), "unsupported"),
    ],
)
def test_an_experiment_that_cannot_be_computed_is_recorded(
    error: Exception,
    status: str,
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """As a timing that can't be taken: the cell's status and its run file's, not a failed test."""

    def fail(*_: object) -> list[dict[str, float]]:
        raise error

    monkeypatch.setattr("gan.gradients.logit_shift", fail)
    assert harness(*RING, "--kinds", "gradients", "--results", str(tmp_path)) == 0
    capfd.readouterr()
    (entry,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    info = entry["extra_info"]
    assert (info["status"], info["message"]) == (status, str(error).splitlines()[0])
    (file,) = (tmp_path / "runs").iterdir()
    stored = store.read(file)
    assert stored is not None
    assert (stored.kind, stored.status, list(stored.rows)) == ("gradients", status, [])


def test_memory_that_ran_out_is_tried_again(
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Recorded as out_of_memory; the next session has the memory and finishes the run."""

    def fail(_trainer: object) -> None:
        raise MemoryError("no memory left")

    options = [*RING, "--kinds", "convergence", "--results", str(tmp_path)]
    statuses = []
    with monkeypatch.context() as patch:
        patch.setattr("gan.trainer.Trainer.step", fail)
        assert harness(*options) == 0
        statuses += json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert harness(*options) == 0
    statuses += json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    capfd.readouterr()
    told = [(entry["extra_info"]["status"], entry["extra_info"]["reused"]) for entry in statuses]
    assert told == [("out_of_memory", False), ("finished", False)]


def test_a_bug_in_a_cell_fails_it_and_keeps_it_out(
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Any other error is a failed test, and the JSON does not hold a cell without a measurement."""

    def fail(_trainer: object) -> int:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("bench.timing.flops_per_step", fail)
    options = [*RING, "--kinds", "throughput,gradients", "--results", str(tmp_path)]
    assert harness(*options) == pytest.ExitCode.TESTS_FAILED
    assert "shapes do not match" in capfd.readouterr().out
    entries = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert [entry["group"] for entry in entries] == ["gradients"]


def test_timing_can_be_switched_off(
    tmp_path: Path, harness: Harness, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--benchmark-disable` runs every cell once, as a test, and writes no times."""
    options = [*RING, "--kinds", "throughput", "--benchmark-disable", "--results", str(tmp_path)]
    assert harness(*options) == 0
    capfd.readouterr()
    assert not (tmp_path / "benchmark.json").exists()


def test_help_shows_the_axes_and_writes_nothing(
    tmp_path: Path, harness: Harness, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--help` lists every axis with its names, and makes no folder."""
    results = tmp_path / "results"
    assert harness("--help", "--results", str(results)) == 0
    printed = capfd.readouterr().out
    assert "--batch-sizes" in printed
    assert "relativistic_pairing" in printed
    assert not results.exists()


def test_collecting_writes_nothing(
    tmp_path: Path, harness: Harness, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--collect-only` lists the cells and leaves the folder alone."""
    results = tmp_path / "results"
    assert harness(*SMALL, "--collect-only", "-q", "--results", str(results)) == 0
    assert "loss=saturating" in capfd.readouterr().out
    assert not results.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--profile", "fast"],
            "unknown profile 'fast': choose from smoke, quick, ledger, ledger_full, full",
        ),
        (["--kinds", "speed"], "unknown value of --kinds 'speed': choose from throughput,"),
        (["--losses", "hing"], "unknown value of --losses 'hing': choose from saturating,"),
        (["--penalties", "r3"], "unknown value of --penalties 'r3': choose from none, r1, r2,"),
        (["--models", "vae"], "unknown value of --models 'vae': choose from mlp,"),
        (["--data", "cifar"], "unknown value of --data 'cifar': choose from"),
        (["--precisions", "int8"], "unknown value of --precisions 'int8': choose from float32,"),
        (["--devices", "tpu"], "unknown device 'tpu': choose from cpu, cuda, cuda:N"),
        (["--devices", "cuda:99"], "device cuda:99 is absent: torch sees"),
        (["--batch-sizes", "0"], "batch_size must be at least 1, not 0"),
        (["--batch-sizes", "16,5000", "--data", "digits"], "batch size 5000 is larger than the"),
        (["--batch-sizes", "many"], "--batch-sizes takes whole numbers, not 'many'"),
        (["--seeds", "-1"], "seed must be in"),
        (["--rounds", "0"], "--rounds must be at least 1, not 0"),
        (["--data", "mnist", "--data-dir", "/nowhere"], "/nowhere"),
        (["--models", "dcgan", "--data", "ring"], "dcgan makes images"),
        (["--results", "/proc/saddle"], "can't write to /proc/saddle"),
    ],
)
def test_a_users_mistake_is_one_line_and_nothing_runs(
    options: list[str],
    message: str,
    harness: Harness,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Exit status 4, one ERROR line, no traceback, no results."""
    results = [] if "--results" in options else ["--results", str(tmp_path / "results")]
    assert harness("--profile", "smoke", *options, *results) == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith("ERROR: ")
    assert message in lines[0]
    assert not (tmp_path / "results" / "runs").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_session_keeps_what_finished(
    tmp_path: Path, uncovered: dict[str, str], how: signal.Signals
) -> None:
    """A signal after the first run file leaves a whole JSON and a word on how to go on."""
    options = [*RING, "--kinds", "convergence", "--seeds", ",".join(map(str, range(40)))]
    running = subprocess.Popen(
        command(*options, "--results", str(tmp_path)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=uncovered,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*.parquet")):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(how)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == pytest.ExitCode.INTERRUPTED
    assert "what finished is kept in" in output
    assert "The same command goes on" in output
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert content["machine_info"]["saddle"]["status"] == "interrupted"
    assert all(entry["extra_info"]["schema"] == 1 for entry in content["benchmarks"])
    assert not list(tmp_path.glob("runs/*.tmp"))
