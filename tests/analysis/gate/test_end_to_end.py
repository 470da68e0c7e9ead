"""Whole gate runs: git, worktrees, processes, verdicts, files; only the clock is pretended.

The revisions hold small packages in place of ``gan`` and ``torch``, driven by the suite's own
worker, and say how long a step took instead of taking so long: no verdict depends on a machine. The
luck of a revision's processes goes evenly through a normal distribution's: nor on chance.
"""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.errors import UsageError
from analysis.gate.command import Request, gate
from analysis.gate.trees import git

ROOT = Path(__file__).parents[3]

TREE: Mapping[str, str] = {
    "torch.py": "__version__ = '0'\ndef set_num_threads(n): pass\n",
    "gan/__init__.py": "SECONDS, OPERATORS, TRACE, END, TOUCHED = 0.01, 7, 'same', 0.2, None\n",
    "gan/data.py": "def load(name): return name\n",
    "gan/run.py": """
        class Run:
            def __init__(self, data, slower=0.0, seed=0):
                self.data, self.slower, self.seed = data, slower, seed
        """,
    "gan/ensemble.py": """
        class Trainer:
            def __init__(self, run): self.run = run
            def step(self): pass
        def trainer_of(run, data): return Trainer(run)
        """,
    "gan/train.py": """
        import gan
        class Result:
            def __init__(self, run):
                value = gan.END * (1 + 0.01 * (run.seed % 5))
                self.status, self.rows = "finished", [{"w1": value}]
        def train_together(run): return [Result(run)]
        """,
    "bench/__init__.py": "",
    "bench/gate/__init__.py": "",
    "bench/gate/cells.py": """
        CELLS = {"one": {"data": "ring"}, "two": {"data": "digits"}}
        QUALITY = {"one": {"data": "ring"}, "two": {"data": "digits"}}
        """,
    "bench/timing.py": """
        import pathlib, statistics
        import gan
        TREE = pathlib.Path(gan.__file__).parents[1]
        with (TREE / "starts").open("a+b") as starts:
            starts.write(b".")
            STARTS = starts.tell()
        SHARE = STARTS * {"0": 0.618, "1": 0.414}[TREE.name[0]] % 1
        LUCK = statistics.NormalDist(0, 0.003).inv_cdf(SHARE)
        def steps_per_block(trainer, seconds): return 4
        def seconds_of_steps(trainer, steps): return steps * gan.SECONDS * (1 + LUCK)
        """,
    "bench/gate/canary.py": "def seconds(blocks): return 0.01 * blocks\n",
    "bench/gate/counters.py": """
        import gan
        def counters(trainer): return {"operators_per_step": gan.OPERATORS}
        """,
    "bench/gate/golden.py": """
        import gan
        def golden(trainer):
            touched = gan.TOUCHED in (None, trainer.run.data)
            trace = gan.TRACE if touched else "same"
            return {"trace": [[trace]], "sha256": trace}
        """,
}
"""Path -> lines, indented as here."""

DIES = """
    import os, pathlib
    MARK = pathlib.Path(r"{mark}")
    def steps_per_block(trainer, seconds): return 4
    def seconds_of_steps(trainer, steps):
        if {always} or not MARK.exists():
            MARK.touch()
            os.kill(os.getpid(), 9)
        return 0.04
    """


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One commit of TREE, which is the current folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.email", "someone@example.org")
    git(folder, "config", "user.name", "Someone")
    commit(folder, TREE)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return folder


def commit(repository: Path, files: Mapping[str, str]) -> None:
    """Write files and commit them; the suite's worker with the first."""
    for name, text in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").splitlines()
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        path.write_text("".join(f"{line[indent:]}\n" for line in lines))
    shutil.copy(ROOT / "bench" / "gate" / "worker.py", repository / "bench" / "gate")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "a change")


def facts(**changed: object) -> dict[str, str]:
    """What a revision's ``gan`` says of itself."""
    values = {"SECONDS": 0.01, "OPERATORS": 7, "TRACE": "same", "END": 0.2, "TOUCHED": None}
    values |= changed
    return {"gan/__init__.py": "".join(f"{name} = {value!r}\n" for name, value in values.items())}


def run(base: str = "HEAD~1", **options: Any) -> tuple[int, dict[str, Any], str]:
    """Exit status, JSON and what was printed."""
    shown = Console(width=200, record=True, file=io.StringIO())
    fields = {"head": None, "cells": (), "minutes": 5.0, "seed": 0, "history": None}
    fields |= {"inconclusive_ok": False, "counters_ok": False, "markdown": None, **options}
    request = Request(base=base, json=Path("gate.json"), **fields)  # type: ignore[arg-type]  # of Request
    status = gate(request, shown, shown)
    return status, json.loads(Path("gate.json").read_text()), shown.export_text()


def assert_nothing_left(repository: Path) -> None:
    """No worktree that git knows of, no worker that runs."""
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        ours = os.fsencode(repository.parent)
        assert not (b"bench.gate.worker" in line and (ours in environment or ours in line))


def test_the_same_commit_is_clean(repository: Path) -> None:
    """After the screen alone; every verdict says what could have been found."""
    status, found, shown = run("HEAD")
    assert status == found["exit_status"] == 0
    assert [cell["verdict"] for cell in found["cells"]] == ["no change", "no change"]
    assert all(0.02 <= cell["detectable"] < 0.03 for cell in found["cells"])
    assert len(found["canary"]["log_ratios"]) == found["screen_pairs"] == 6
    assert "numerics: the same to the last bit in all 2 cells" in shown
    assert_nothing_left(repository)


def test_the_table_of_a_pull_request_is_githubs_summary_too(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After what others wrote there; one that can't be written is a line."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    run("HEAD", markdown=repository / "gate.md")
    text = (repository / "gate.md").read_text()
    assert text.startswith("### Gate: ")
    assert "| <code>one</code> |" in text
    assert summary.read_text() == f"before\n{text}"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        run("HEAD")


@pytest.mark.parametrize("name", ["markdown", "history"])
def test_what_could_not_be_written_is_told_before_the_work(repository: Path, name: str) -> None:
    """Not after ten minutes."""
    (repository / "folder").mkdir()
    for file, why in ((Path("folder"), "it is a folder"), (Path("/proc/no/x"), "No such file")):
        with pytest.raises(UsageError, match=f"cannot be written: {why}"):
            run("HEAD", **{name: file})
    assert not Path("gate.json").exists()


def test_a_planted_slow_down_is_a_regression(repository: Path) -> None:
    """Of 8 %; nothing else is said to have changed."""
    commit(repository, facts(SECONDS=0.0108))
    status, found, shown = run()
    assert status == 1
    assert [cell["verdict"] for cell in found["cells"]] == ["slower", "slower"]
    assert found["outcome"] == "regression: 2 cells slower"
    assert all(cell["low"] < 0.08 < cell["high"] for cell in found["cells"])
    assert "exact counters: none changed" in shown
    assert found["quality"] == []
    assert_nothing_left(repository)


def test_a_faster_revision_is_clean(repository: Path) -> None:
    """And told."""
    commit(repository, facts(SECONDS=0.009))
    status, found, _ = run()
    assert status == 0
    assert {cell["verdict"] for cell in found["cells"]} == {"faster"}


def test_faster_and_worse_fails(repository: Path) -> None:
    """Numbers that changed are trained, and end a half higher."""
    commit(repository, facts(SECONDS=0.009, TRACE="other", END=0.3))
    status, found, shown = run()
    assert status == 1
    assert {cell["verdict"] for cell in found["cells"]} == {"faster"}
    assert [one["verdict"] for one in found["quality"]] == ["worse", "worse"]
    assert "one: w1 worse, +50.0 % [+50.0, +50.0] over 7 seeds" in shown


def test_the_cell_whose_numbers_changed_is_trained(repository: Path) -> None:
    """It, and no other game of its data, which would end as it did."""
    commit(repository, facts(TRACE="other", TOUCHED="digits", END=0.3))
    status, found, _ = run()
    assert status == 1
    assert [(one["cell"], one["verdict"]) for one in found["quality"]] == [("two", "worse")]


def test_training_that_there_is_no_time_for_is_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other numbers of unknown quality are no clean run."""
    monkeypatch.setattr("analysis.gate.quality.FIRST_SECONDS", 1e6)
    commit(repository, facts(TRACE="other"))
    status, found, shown = run()
    assert status == 3
    assert [one["verdict"] for one in found["quality"]] == ["inconclusive", "inconclusive"]
    assert "one: training is inconclusive: there was no time for it" in shown


def test_other_numbers_that_end_as_well_are_clean(repository: Path) -> None:
    """Two per cent higher is within the margin."""
    commit(repository, facts(TRACE="other", END=0.204))
    status, found, _ = run()
    assert status == 0
    assert [one["verdict"] for one in found["quality"]] == ["kept", "kept"]


def test_training_that_one_revision_refuses_is_told(repository: Path) -> None:
    """What base refuses is incomparable, what only head does is broken; the speed is told."""
    refuses = {"gan/train.py": "def train_together(run): raise ValueError('no such game')\n"}
    commit(repository, {**facts(TRACE="other"), **refuses})
    status, found, shown = run()
    assert status == 1
    assert {one["verdict"] for one in found["quality"]} == {"broken"}
    assert "one: training is broken: head says ValueError: no such game" in shown
    commit(repository, {**facts(), "gan/train.py": TREE["gan/train.py"]})
    status, found, _ = run()
    assert status == 0
    assert {one["verdict"] for one in found["quality"]} == {"incomparable"}
    assert {cell["verdict"] for cell in found["cells"]} == {"no change"}


def test_a_counter_that_rises_is_a_regression(repository: Path) -> None:
    """Whatever the clock says; named with both values, and forgiven on request."""
    commit(repository, facts(OPERATORS=8))
    status, found, shown = run()
    assert status == 1
    assert "one: operators_per_step 7 → 8" in shown
    assert {cell["verdict"] for cell in found["cells"]} == {"no change"}
    assert run(counters_ok=True)[0] == 0


def test_a_cell_that_base_does_not_have_is_incomparable(repository: Path) -> None:
    """The other is compared."""
    run_of_two = TREE["gan/run.py"].replace("slower=0.0", "slower=0.0, mode='eager'")
    cells = TREE["bench/gate/cells.py"].replace('"digits"}, ', '"digits"}, ', 1)
    cells = cells.replace('{"data": "digits"}}', '{"data": "digits", "mode": "compile"}}', 1)
    commit(repository, {"gan/run.py": run_of_two, "bench/gate/cells.py": cells})
    status, found, shown = run()
    assert status == 0
    assert [cell["verdict"] for cell in found["cells"]] == ["no change", "incomparable"]
    assert "incomparable: base says TypeError: " in shown


def test_a_cell_that_only_head_cannot_run_is_broken(repository: Path) -> None:
    """A regression."""
    commit(repository, {"gan/data.py": "def load(name): return {'ring': 1}[name]\n"})
    status, found, _ = run()
    assert status == 1
    assert [cell["verdict"] for cell in found["cells"]] == ["no change", "broken"]


def test_a_base_that_cannot_be_imported_is_told(repository: Path) -> None:
    """In one line, and nothing is left."""
    commit(repository, {"gan/__init__.py": "this is no Python\n"})
    commit(repository, facts())
    with pytest.raises(UsageError) as error:
        run()
    assert str(error.value).startswith("base can't be started: SyntaxError: ")
    assert_nothing_left(repository)


def test_a_cell_that_head_took_away_is_told(repository: Path) -> None:
    """It might be the one that got slower; where cells are named, the others are not asked for."""
    cells = TREE["bench/gate/cells.py"].replace('"two"', '"three"')
    commit(repository, {"bench/gate/cells.py": cells})
    status, found, shown = run()
    assert status == 0
    assert found["removed"] == ["two"]
    assert "two: not compared, since head no longer has it" in shown
    assert run(cells=("one",))[1]["removed"] == []


def test_a_base_without_a_gate_took_nothing_away(repository: Path) -> None:
    """Head drives both."""
    shutil.rmtree(repository / "bench" / "gate")
    git(repository, "commit", "--quiet", "--all", "-m", "no gate")
    commit(repository, TREE)
    status, found, _ = run()
    assert (status, found["removed"]) == (0, [])


def test_what_a_terminal_cannot_show_is_written_all_the_same(repository: Path) -> None:
    """The files come first."""
    shown = Console(width=200, file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    request = Request("HEAD", None, ("one",), 5.0, 0, False, False, Path("gate.json"), None, None)  # noqa: FBT003  # of a dataclass
    with pytest.raises(UnicodeEncodeError):
        gate(request, shown, shown)
    assert json.loads(Path("gate.json").read_text())["exit_status"] == 0


def test_a_head_without_a_gate_is_told(repository: Path) -> None:
    """An installed bench must not take its place unasked."""
    shutil.rmtree(repository / "bench" / "gate")
    git(repository, "commit", "--quiet", "--all", "-m", "no gate")
    with pytest.raises(UsageError, match="head has no bench/gate"):
        run()
    assert_nothing_left(repository)


def test_a_worker_that_is_killed_once_costs_a_try(repository: Path, tmp_path: Path) -> None:
    """In the middle of a block; the run goes on and is clean."""
    text = DIES.format(mark=tmp_path / "mark", always=False)
    commit(repository, {"bench/timing.py": text})
    status, _, shown = run()
    assert status == 0
    assert shown.count(": killed by SIGKILL): again") == 1
    assert_nothing_left(repository)


def test_a_worker_that_always_dies_ends_the_run(repository: Path, tmp_path: Path) -> None:
    """After three tries, with the reason; nothing is left."""
    text = DIES.format(mark=tmp_path / "mark", always=True)
    commit(repository, {"bench/timing.py": text})
    with pytest.raises(UsageError) as error:
        run()
    asked = "(base|head), asked for block (one|two)"
    assert re.fullmatch(
        f"a worker failed 3 times, last: {asked}: killed by SIGKILL", str(error.value)
    )
    assert_nothing_left(repository)


def test_a_worker_that_hangs_keeps_to_the_budget(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be told without its answer."""
    monkeypatch.setattr("analysis.gate.gate.GRACE_SECONDS", 0.0)
    commit(repository, {"gan/data.py": "import time\ndef load(name): time.sleep(1000)\n"})
    with pytest.raises(UsageError, match=r"--minutes 0\.05 ended before all cells were counted"):
        run(minutes=0.05)
    assert_nothing_left(repository)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_gate_that_is_stopped_leaves_nothing(
    repository: Path, uncovered: dict[str, str], number: signal.Signals
) -> None:
    """While its workers hang; its status is not that of a regression."""
    hang = "import time\ndef steps_per_block(trainer, seconds): time.sleep(1000)\n"
    commit(repository, {"bench/timing.py": hang})
    command = [sys.executable, "-m", "analysis", "gate", "--base", "HEAD~1"]
    environment = {**uncovered, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "screen, pair 1" not in (line := process.stderr.readline()):
            assert line, "it ended by itself"
        time.sleep(0.5)
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(30) == 2
    assert rest.strip().endswith(f"error: stopped by {number.name}")
    assert_nothing_left(repository)
