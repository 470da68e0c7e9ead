"""What measuring costs: the quantities, and what they are measured with."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.matrix import matrix
from bench.overhead import (
    DATA,
    FEWEST_PAIRS,
    LOSSES,
    QUANTITIES,
    noisy,
    process,
    ratios,
    step_over_bare_loop,
    write_runs,
)
from bench.study import KINDS
from gan import store
from gan.models import MODELS
from gan.models.model import convolves
from gan.run import Run
from gan.trainer import Trainer

ROOT = Path(__file__).parents[2]


class Fixture:
    """pytest-benchmark's, of which a measure sees `pedantic` and `stats`; its clock is counted."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stats = None

    def pedantic(self, target: object, **options: object) -> None:
        """Note what was asked for."""
        self.calls.append(f"{target.__name__} {options['rounds']}")  # type: ignore[attr-defined]  # a function


def test_a_drift_cancels_between_neighbours() -> None:
    """On a line that rises, each inner value is the mean of its neighbours."""
    assert ratios([2.0, 4.0, 6.0], [1.0, 3.0, 5.0, 7.0]) == [1.0, 1.0, 1.0]


def test_neighbours_are_one_more() -> None:
    """Fewer or more of them are a mistake of the caller."""
    with pytest.raises(ValueError, match="zip"):
        ratios([2.0, 4.0], [1.0, 3.0])


def test_the_harness_times_its_own_block() -> None:
    """What the session's numbers come from is asked for, in pairs enough; untimed it has none."""
    fixture = Fixture()
    timer: Any = fixture
    assert step_over_bare_loop(timer, Run(data="ring", batch_size=4, model="mlp_tiny"), 1) == []
    assert fixture.calls == [f"block {FEWEST_PAIRS}"]


def test_a_process_is_held_to_its_own_memory() -> None:
    """Nothing of this process counts, though a child begins as its copy."""
    mine = bytearray(b"x") * 300_000_000
    _, little = process(("-c", "pass"))
    _, much = process(("-c", "x = bytearray(b'x') * 200_000_000"))
    assert little < 1e8 < len(mine)
    assert 2e8 < much < 3e8


def test_a_process_that_fails_is_no_measurement() -> None:
    """The command is named."""
    with pytest.raises(RuntimeError, match=re.escape("python -c exit(3) ended with 3")):
        process(("-c", "exit(3)"))


def test_noise_keeps_a_record_in_its_place() -> None:
    """Step, clock, lists and what is missing stay; numbers keep their sign."""
    row = {"step": 5, "seconds": 1.5, "w1": 2.0, "kl": None, "samples": [0.5]}
    other = noisy(row, np.random.default_rng(0))
    assert other["w1"] != 2.0
    assert float(str(other["w1"])) > 0
    assert {**other, "w1": 2.0} == row


def test_written_runs_are_whole_and_different(tmp_path: Path) -> None:
    """Every loss and data set in turn, then the next seed; each is a file that the store reads."""
    games = len(LOSSES) * len(DATA)
    write_runs(tmp_path, games + 1)
    found = [store.read(file) for file in (tmp_path / "runs").iterdir()]
    runs = [stored.run for stored in found if stored is not None]
    assert len(runs) == games + 1
    assert {(run.loss, run.data) for run in runs} == {(x, y) for x in LOSSES for y in DATA}
    assert sorted(run.seed for run in runs) == [0] * games + [1]


def test_every_quantity_is_a_cell() -> None:
    """The profile has one each, in the table's order, and no other."""
    cells = matrix("overhead", {}).cells
    assert [cell.variant for cell in cells] == list(QUANTITIES)
    assert {cell.kind for cell in cells} == {"overhead"}
    assert "overhead" in KINDS


def test_no_other_profile_measures_itself() -> None:
    """A quick session has no such cell."""
    assert not [cell for cell in matrix("quick", {}).cells if cell.kind == "overhead"]


def test_an_equal_run_has_equal_fields() -> None:
    """What tells cells apart in a check is a copy: writing to it changes no run."""
    run = Run(seed=3)
    fields = run.as_dict()
    fields["seed"] = 4
    assert run == replace(Run(), seed=3)
    assert list(run.as_dict()) == list(Run.__dataclass_fields__)


def test_networks_are_asked_once() -> None:
    """Of runs that differ in their losses and seeds; convolutions are those of images."""
    convolves.cache_clear()
    for loss in LOSSES:
        Run(loss=loss).check(Trainer(Run()).dataset)
    assert convolves.cache_info().misses == 1
    assert convolves(MODELS["dcgan"], (1, 8, 8), 100, 1)
    assert not convolves(MODELS["mlp"], (1, 8, 8), 100, 1)


@pytest.mark.parametrize(
    "arguments",
    [["-m", "analysis", "--help"], ["-m", "analysis", "report", "--help"], ["-m", "gan", "--help"]],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Whoever asks what there is does not wait for torch, pandas, SciPy or matplotlib."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported or "argparse" in imported
    assert not imported & {"torch", "pandas", "matplotlib", "scipy", "numpy", "pyarrow", "sklearn"}
