"""Processes of peers: what they are told, how they may fail, and what is made of several."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bench.peers import process, turns, worker
from bench.peers.confinement import confine
from bench.peers.peer import Peer, Start
from bench.peers.summary import Failed, summary
from bench.peers.textbook import Textbook
from bench.peers.worker import Found, found
from gan.run import Run

ROOT = Path(__file__).parents[2]
RING = Run(data="ring", batch_size=16, mode="compile")
ANSWER = Found(
    seconds_per_step={"eager": 0.004, "compile": 0.001, "jax": 0.002},
    first_call_seconds={"eager": 0.1, "compile": 9.0, "jax": 3.0},
    difference={"compile": 1e-7, "jax": 1e-5},
)


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the process of peers run some other code."""

    def write(code: str) -> None:
        package = tmp_path / "bench" / "peers"
        package.mkdir(parents=True)
        for folder in (package.parent, package):
            (folder / "__init__.py").touch()
        (package / "__main__.py").write_text(code)
        monkeypatch.chdir(tmp_path)

    return write


def test_a_process_is_told_the_run_and_answers(pretend: Any) -> None:
    """The last line of what it prints is the answer; the request is on its stdin."""
    answer = json.dumps(asdict(ANSWER))
    pretend(
        "import json, os, sys\n"
        "request = json.load(sys.stdin)\n"
        "assert request['run']['mode'] == 'compile' and request['process'] == 5\n"
        "assert request['threads'] == 2 and os.environ['OMP_NUM_THREADS'] == '2'\n"
        "assert os.environ['JAX_PLATFORMS'] == 'cpu'\n"
        f"print('compiling'); print({answer!r})\n"
    )
    assert process.measured(RING, None, 2, 5) == ANSWER


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit('no memory')", "a process of peers ended with 1: no memory"),
        ("import os; os.kill(os.getpid(), 9)", "a process of peers ended with -9: it said nothing"),
        ("print('hello')", "a process of peers did not answer in JSON: hello"),
        ("pass", "a process of peers did not answer in JSON: it said nothing"),
        ("import time; time.sleep(60)", "a process of peers took more than 0.5 s"),
    ],
)
def test_a_process_that_comes_to_no_answer_is_one_line(pretend: Any, code: str, words: str) -> None:
    """Killed, hung, silent or talking: it is told which."""
    pretend(code)
    seconds = 0.5 if "sleep" in code else 30.0
    with pytest.raises(process.PeerError) as failed:
        process.measured(RING, None, 1, 0, timeout_seconds=seconds)
    assert str(failed.value) == words


def test_another_update_is_an_error(pretend: Any) -> None:
    """Nothing of that cell is kept."""
    answer = json.dumps(asdict(replace(ANSWER, disagreement=["jax is off", "textbook is off"])))
    pretend(f"print({answer!r})")
    with pytest.raises(process.PeerError, match=r"^jax is off; textbook is off$"):
        process.measured(RING, None, 1, 0)


def test_the_facts_of_several_processes_are_lists_in_one_order() -> None:
    """The suite's step first; the largest difference of any process."""
    slower = replace(
        ANSWER,
        seconds_per_step={name: 2 * s for name, s in ANSWER.seconds_per_step.items()},
        difference={"compile": 3e-7, "jax": 1e-6},
    )
    facts: dict[str, Any] = summary([ANSWER, slower], "compile")
    assert facts["peers"] == {
        "compile": [0.001, 0.002],
        "eager": [0.004, 0.008],
        "jax": [0.002, 0.004],
    }
    assert next(iter(facts["peers"])) == "compile"
    assert facts["first_call_seconds"]["compile"] == [9.0, 9.0]
    assert facts["difference"] == {"compile": 3e-7, "jax": 1e-5}
    assert facts["left_out"] == {}


def test_a_peer_that_one_process_left_out_is_left_out() -> None:
    """Ratios are taken within a process: every one has to have it."""
    without = replace(
        ANSWER,
        seconds_per_step={"eager": 0.004, "compile": 0.001},
        left_out={"jax": "MemoryError"},
    )
    facts: dict[str, Any] = summary([ANSWER, without], "compile")
    assert set(facts["peers"]) == {"compile", "eager"}
    assert facts["left_out"] == {"jax": "MemoryError"}


def test_a_suite_that_could_not_step_has_a_status() -> None:
    """As any cell that ran out of memory."""
    with pytest.raises(Failed, match=r"^no room$") as failed:
        summary([ANSWER, Found("out_of_memory", "no room")], "compile")
    assert failed.value.status == "out_of_memory"


def test_a_package_that_is_not_installed_has_no_version() -> None:
    """Null in the JSON."""
    from bench.peers.summary import _version

    assert _version("no-such-package-of-anyone") is None
    assert str(_version("torch")).startswith("2.")


class Hopeless:
    """A peer that cannot be built."""

    def __init__(self, start: Start) -> None:
        raise ImportError(f"no framework for {start.run.data}\nand more")


def skewed(start: Start) -> Peer:
    """The textbook's loop at another rate."""
    return Textbook(replace(start, run=replace(start.run, beta1=0.9)))


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a step."""
    monkeypatch.setattr(turns, "BLOCK_SECONDS", 1e-6)


@pytest.mark.usefixtures("_quick")
def test_a_process_times_what_can_be_built_and_tells_of_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer that is missing or refused has its reason, in one line."""
    builds = {"textbook": Textbook, "jax": Hopeless, "other": Textbook}
    monkeypatch.setattr(worker, "PEERS", builds)
    answer = found(replace(RING, mode="eager"), None, 0, {"other": "unfair", "unknown": "no"})
    assert set(answer.seconds_per_step) == {"eager", "textbook"} == set(answer.first_call_seconds)
    assert all(seconds > 0 for seconds in answer.seconds_per_step.values())
    assert answer.left_out == {"jax": "ImportError: no framework for ring", "other": "unfair"}
    assert set(answer.difference) == {"textbook"}


@pytest.mark.usefixtures("_quick")
def test_nothing_is_timed_where_a_peer_computes_another_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even the others."""
    monkeypatch.setattr(worker, "PEERS", {"textbook": skewed})
    answer = found(replace(RING, mode="eager"), None, 0)
    assert answer.seconds_per_step == {}
    assert len(answer.disagreement) == 1
    assert answer.disagreement[0].startswith("after 3 steps textbook is 0.")


@pytest.mark.usefixtures("_quick")
def test_an_ensemble_has_peers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops one after the other, and JAX vmapped."""
    monkeypatch.setitem(worker.SIDE_BY_SIDE, "jax_vmap", Hopeless)
    answer = found(replace(RING, mode="eager", ensemble=2), None, 0)
    assert set(answer.seconds_per_step) == {"eager", "textbook"}
    assert set(answer.left_out) == {"jax_vmap"}


def test_memory_that_runs_out_is_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the suite's own step cannot be taken there is nothing to compare."""

    def hungry(*_arguments: object) -> Start:
        raise MemoryError

    monkeypatch.setattr(worker, "start_of", hungry)
    assert found(RING, None, 0) == Found("out_of_memory", "MemoryError")


def affinity_of(threads: int, place: int) -> list[int]:
    """The cores of a process that was confined, as places among those it had."""
    code = (
        "import os; from bench.peers.confinement import confine; "
        "had = sorted(os.sched_getaffinity(0)); "
        f"assert confine({threads}, {place}); "
        "print([had.index(core) for core in sorted(os.sched_getaffinity(0))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    cores: list[int] = json.loads(done.stdout)
    return cores


def test_a_process_is_kept_to_its_cores() -> None:
    """One thread has one core, the next process the next; never more than there are."""
    cores = len(os.sched_getaffinity(0))
    assert affinity_of(1, 0) == [0]
    assert affinity_of(1, 1) == [1 % cores]
    assert affinity_of(1, cores) == [0]
    assert affinity_of(2 * cores, 3) == list(range(cores))


def test_a_system_without_affinities_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX is then left out."""
    monkeypatch.delattr(os, "sched_setaffinity")
    assert confine(1, 0) is False
