"""A session of peers: what it leaves of each cell, and what it refuses."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.matrix import matrix
from bench.peers import process
from bench.peers.worker import Found
from gan.run import Run

ROOT = Path(__file__).parents[2]
SMALL = ["--profile", "peers", "--data", "ring", "--batch-sizes", "64", "--penalties", "none"]

Harness = Callable[..., int]
Measured = Callable[..., Found]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`pytest bench/` in this process, its processes of peers replaced: its exit status."""
    monkeypatch.chdir(ROOT)
    handler = signal.getsignal(signal.SIGTERM)

    def call(measured: Measured, *options: str) -> int:
        monkeypatch.setattr(process, "measured", measured)
        try:
            return int(pytest.main(["bench/", "-p", "no:cacheprovider", *options]))
        finally:
            signal.signal(signal.SIGTERM, handler)

    return call


def seconds(run: Run, _data_dir: Path | None, threads: int, number: int) -> Found:
    """Of process n: 1 + n ms, and twice as long in JAX."""
    assert threads == 1
    own = (1 + number) * 1e-3
    names = {run.mode: own, "jax": 2 * own}
    return Found(
        seconds_per_step=names, first_call_seconds=names, difference={"jax": 1e-6, run.mode: 0.0}
    )


def entries(folder: Path) -> list[dict[str, Any]]:
    """What benchmark.json holds."""
    found: list[dict[str, Any]] = json.loads((folder / "benchmark.json").read_text())["benchmarks"]
    return found


def test_every_process_is_a_sample(harness: Any, tmp_path: Path) -> None:
    """As many as rounds, of one run and of an ensemble; the timer's own reading is not kept."""
    assert harness(seconds, *SMALL, "--rounds", "3", "--results", str(tmp_path)) == 0
    single, ensemble = entries(tmp_path)
    assert (single["params"]["ensemble"], ensemble["params"]["ensemble"]) == (1, 8)
    for entry in (single, ensemble):
        info = entry["extra_info"]
        assert (info["kind"], info["status"]) == ("peers", "finished")
        assert info["run"]["mode"] == "compile"
        assert entry["stats"]["data"] == info["peers"]["compile"] == [0.001, 0.002, 0.003]
        assert info["peers"]["jax"] == [0.002, 0.004, 0.006]


def test_a_peer_that_computes_something_else_fails_the_cell(
    harness: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is told in a line, and nothing of the cell is in benchmark.json."""

    def other(run: Run, *_arguments: object) -> Found:
        if run.ensemble == 1:
            raise process.PeerError("after 3 steps jax is elsewhere")
        return seconds(run, None, 1, 0)

    assert harness(other, *SMALL, "--rounds", "1", "--results", str(tmp_path)) == 1
    assert "after 3 steps jax is elsewhere" in capfd.readouterr().out
    assert [entry["params"]["ensemble"] for entry in entries(tmp_path)] == [8]


def test_memory_that_runs_out_is_recorded(harness: Any, tmp_path: Path) -> None:
    """The session goes on."""

    def hungry(*_arguments: object) -> Found:
        return Found("out_of_memory", "no room")

    assert harness(hungry, *SMALL, "--rounds", "1", "--results", str(tmp_path)) == 0
    info = [entry["extra_info"] for entry in entries(tmp_path)]
    assert [(one["status"], one["message"]) for one in info] == 2 * [("out_of_memory", "no room")]
    assert "peers" not in info[0]


def test_without_timing_nothing_is_written(harness: Any, tmp_path: Path) -> None:
    """As in every other kind."""
    options = [*SMALL, "--benchmark-disable", "--results", str(tmp_path)]
    assert harness(seconds, *options) == 0
    assert not (tmp_path / "benchmark.json").exists()


def test_a_game_that_peers_have_not_is_refused_before_any_work(
    harness: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The user named the loss: an error in one line."""
    options = [*SMALL, "--losses", "hinge", "--results", str(tmp_path)]
    assert harness(seconds, *options) == 4
    assert "peers are compared at loss non_saturating, not hinge" in capfd.readouterr().err


def test_the_profile_has_the_mlps_from_16_to_1024_with_and_without_r1() -> None:
    """On points and on images of MNIST's size, a DCGAN, and seeds side by side."""
    runs = [cell.run for cell in matrix("peers", {"device": ("cpu",)}).cells]
    for data in ("ring", "fashion_mnist"):
        games = {(r.batch_size, r.penalty) for r in runs if (r.model, r.data) == ("mlp", data)}
        assert games == {(n, p) for n in (16, 64, 256, 1024) for p in ("none", "r1")}
    assert {run.data for run in runs if run.model == "dcgan"} == {"digits", "fashion_mnist"}
    assert {run.ensemble for run in runs} == {1, 8}
