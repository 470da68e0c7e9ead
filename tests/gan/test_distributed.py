"""A run over two processes is the run of one: gradients, penalties, steps; and what it refuses."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import relu

from gan import distributed, store
from gan.data import load
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.penalties import PENALTIES, Discriminator, Penalty, input_gradient
from gan.run import Run
from gan.trainer import Trainer

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


def test_every_objective_is_evaluated_through_the_wrapper(seen: list[dict[str, Any]]) -> None:
    """Once for each player: only what goes through it is averaged."""
    assert [process["wrapped"] for process in seen] == [2, 2]


def test_going_around_the_wrapper_would_be_found(seen: list[dict[str, Any]]) -> None:
    """Where it is passed by, the same gradient's error is nowhere near the tests' 1e-12."""
    assert min(process["bypassed"] for process in seen) > 1e-3


@pytest.mark.parametrize(
    ("held", "steps"), [("first alone", [8]), ("another", [8]), ("second alone", [])]
)
def test_an_interrupted_run_goes_on_from_the_first_processs_checkpoint(
    seen: list[dict[str, Any]], held: str, steps: list[int]
) -> None:
    """Whatever the second holds itself, the result is that of a run that was not interrupted."""
    undisturbed = seen[0]["resumed"]["undisturbed"]
    assert undisturbed.startswith("from []: ('finished', '', 12,")
    expected = undisturbed.replace("from []", f"from {steps}")
    assert [process["resumed"][held] for process in seen] == [expected, expected]


def test_a_checkpoint_that_the_first_process_refuses_ends_both(seen: list[dict[str, Any]]) -> None:
    """In the same line; the second does not wait for what will not come."""
    (line,) = {process["resumed"]["strange"] for process in seen}
    assert "strange.pt is the checkpoint of another run or of other code" in line


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


loaded = cache(load)


def divides(run: Run) -> str:
    """What ``check`` says of a run's game: nothing if its minibatch can be split."""
    trainer, rng = Trainer(run, loaded(run.data)), run.rng("splitting")
    real = trainer.dataset.sample(4, rng)
    try:
        distributed.check(trainer.game, trainer.state, real, trainer.latent(4, rng), rng)
    except UsageError as refused:
        return str(refused).split(": ")[1].split(";")[0]
    return ""


@pytest.mark.parametrize("data", ["digits", "gaussian1d", "ring", "stacked_digits"])
def test_what_a_penalty_depends_on_does_not_hang_on_the_seed(data: str) -> None:
    """DRAGAN is refused of any weights and data, also where D has one slope on all of them."""
    runs = [Run(data=data, penalty="dragan", seed=seed) for seed in range(30)]
    assert {divides(run) for run in runs} == {"its penalty looks at the whole minibatch"}


@pytest.mark.parametrize("data", ["digits", "gaussian1d"])
@pytest.mark.parametrize("penalty", [name for name in PENALTIES if name != "dragan"])
def test_a_penalty_of_each_sample_is_never_refused(data: str, penalty: str) -> None:
    """However the seed draws."""
    assert {divides(Run(data=data, penalty=penalty, seed=seed)) for seed in range(10)} == {""}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_penalty_of_one_side_is_not_overlooked(
    sign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is 0 above or below a slope of 1 is refused too if it reads the deviation."""

    def one_sided(d: Discriminator, real: Tensor, _fake: Tensor, _uniform: Tensor) -> Tensor:
        slope = input_gradient(d, real * real.std()).norm(dim=1)
        return relu(sign * (slope - 1))

    monkeypatch.setitem(PENALTIES, "dragan", Penalty(one_sided, 1.0))
    runs = [Run(data=data, penalty="dragan") for data in ("digits", "gaussian1d")]
    assert {divides(run) for run in runs} == {"its penalty looks at the whole minibatch"}


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
    assert one.name != other.name  # the last bits differ, and so must the keys
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


TORCHRUN_SAYS = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORLD_SIZE", "two"),
        ("WORLD_SIZE", "0"),
        ("WORLD_SIZE", "-2"),
        ("WORLD_SIZE", ""),
        ("RANK", None),
        ("RANK", "2"),
        ("RANK", "-1"),
        ("MASTER_ADDR", None),
        ("MASTER_PORT", None),
    ],
)
def test_an_environment_that_torchrun_did_not_make_is_told(
    name: str, value: str | None, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with what is there and the command, before any process waits for another."""
    environment = {**TORCHRUN_SAYS, name: value}
    for each, said in environment.items():
        if said is None:
            monkeypatch.delenv(each, raising=False)
        else:
            monkeypatch.setenv(each, said)
    with pytest.raises(UsageError) as error, distributed.processes(device):
        pass
    told = ", ".join(f"{each} {said!r}" for each, said in environment.items() if said is not None)
    assert str(error.value) == (
        f"{told} in the environment is not what torchrun says: start several processes by "
        "torchrun --nproc-per-node 2 -m gan train …, or unset WORLD_SIZE to train in one"
    )


def test_several_processes_need_as_many_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """One GPU by name, or fewer than processes: one line before any process waits for another."""
    for name, value in (TORCHRUN_SAYS | {"RANK": "1", "LOCAL_RANK": "1"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="cuda:0 is one GPU"), distributed.processes("cuda:0"):
        pass
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    too_few = pytest.raises(UsageError, match="need as many GPUs: torch sees 1")
    with too_few, distributed.processes("cuda"):
        pass
