"""A run over two processes is the run of one: gradients, penalties, steps; and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gan import distributed, store
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.penalties import PENALTIES

ROOT = Path(__file__).parents[2]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def torchrun(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Two processes on this machine, connected by gloo."""
    return subprocess.run(
        [sys.executable, *TORCHRUN, *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What either process saw."""
    folder = tmp_path_factory.mktemp("two")
    done = torchrun(str(Path(__file__).with_name("two_processes.py")), str(folder))
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_gradients_of_every_loss_and_penalty_are_those_of_the_whole_minibatch(
    seen: list[dict[str, Any]],
) -> None:
    """To 1e-12 in float64, in both processes, wherever the minibatch splits at all."""
    for process in seen:
        assert process["world"] == 2
        assert len(process["gradients"]) == (len(LOSSES) - 3) * (len(PENALTIES) - 1)
        worst = {game: max(errors) for game, errors in process["gradients"].items()}
        assert max(worst.values()) < 1e-12, worst


def test_dropout_is_that_of_the_whole_minibatch(seen: list[dict[str, Any]]) -> None:
    """Each process takes its own samples' uniform numbers."""
    assert max(max(process["dropout"]) for process in seen) < 1e-12


def test_going_around_the_wrapper_is_wrong(seen: list[dict[str, Any]]) -> None:
    """What ``.module`` evaluates is not averaged: the mistake that these tests would find."""
    assert min(process["bypassed"] for process in seen) > 1e-3


def test_twenty_steps_in_two_processes_are_those_of_one(seen: list[dict[str, Any]]) -> None:
    """Weights stay together, and both processes see one trace."""
    assert max(process["trained"] for process in seen) < 1e-10


@pytest.mark.parametrize(
    ("game", "what"),
    [
        ("relativistic_average_hinge", "its loss looks at the whole minibatch"),
        ("dragan", "its penalty looks at the whole minibatch"),
        ("dcgan", "its generator (batch-normalised) looks at the whole minibatch"),
        ("odd", "batch size 7 is not a multiple of 2 processes"),
    ],
)
def test_what_cannot_be_split_is_refused(seen: list[dict[str, Any]], game: str, what: str) -> None:
    """In one line, by both processes, before any work."""
    assert all(what in process["refused"][game] for process in seen)


def test_the_command_line_trains_over_two_processes(tmp_path: Path) -> None:
    """``torchrun -m gan train`` leaves the records of one process, told and stored once."""
    options = ["--data", "ring", "--steps", "30", "--records", "2", "--batch-size", "16"]
    options += ["--precision", "float64", "--penalty", "r1", "--evaluation-samples", "100"]
    split = torchrun("-m", "gan", "train", *options, "--results", str(tmp_path / "split"))
    assert split.returncode == 0, split.stderr
    assert split.stdout.count("records") == 1
    whole = subprocess.run(
        [sys.executable, "-m", "gan", "train", *options, "--results", str(tmp_path / "whole")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert whole.returncode == 0, whole.stderr
    assert split.stdout.splitlines()[:2] == whole.stdout.splitlines()[:2]
    (one,), (other,) = (list(tmp_path.glob(f"{name}/runs/*")) for name in ("split", "whole"))
    assert one.name == other.name
    for row, exact in zip(rows(one), rows(other), strict=True):
        assert row == pytest.approx(exact, rel=1e-6, abs=1e-12, nan_ok=True)


def rows(file: Path) -> list[dict[str, Any]]:
    """A run's records but for the clock and the pictures."""
    stored = store.read(file)
    assert stored is not None
    return [
        {name: value for name, value in row.items() if isinstance(value, float)} | {"seconds": 0.0}
        for row in stored.rows
    ]


def test_one_process_is_a_world_of_its_own() -> None:
    """Without torchrun nothing is started, and the share is the whole."""
    with distributed.processes("cpu"):
        assert (distributed.world(), distributed.rank()) == (1, 0)


def test_several_processes_need_as_many_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """One GPU by name, or fewer than processes: one line before any process waits for another."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(UsageError, match="cuda:0 is one GPU"), distributed.processes("cuda:0"):
        pass
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    too_few = pytest.raises(UsageError, match="need as many GPUs: torch sees 1")
    with too_few, distributed.processes("cuda"):
        pass
