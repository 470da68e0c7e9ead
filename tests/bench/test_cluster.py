"""A real Ray cluster of two nodes on this machine: same results, whoever dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import ray
from ray._private.node import Node
from ray.cluster_utils import Cluster as RayCluster

from bench.engine import address, cluster
from bench.engine.job import Finished, Job, Outcome, Resources, RunError, perform
from bench.engine.outcomes import Outcomes
from bench.work import stored_as
from gan import store
from gan.errors import UsageError
from gan.run import Run

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    # Ray leaves its processes' pipes and its log files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # Ray announces what a later version of it will do about GPUs.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    # JAX, imported by another test in this process, warns of every fork; these begin a program.
    pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning"),
    # A process that a test kills is one that Ray's own watchers complain about.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@dataclass
class Two:
    """A head without cores, and two nodes with one each."""

    cluster: RayCluster
    nodes: list[Node]

    @property
    def resources(self) -> Resources:
        """To join it."""
        return Resources(address=self.cluster.address)


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """The cluster of all tests here; each leaves it with at least one node."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = RayCluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        yield Two(made, [made.add_node(num_cpus=1) for _ in range(2)])
    finally:
        ray.shutdown()
        cast(Any, made).shutdown()  # without annotations


def runs(steps: int, seeds: Iterable[int], folder: Path) -> list[Job]:
    """Games on the ring."""
    run = Run(data="ring", steps=steps, records=2, batch_size=16, evaluation_samples=50)
    return [Job("convergence", replace(run, seed=seed), None, folder) for seed in seeds]


def rows(job: Job, folder: Path) -> str:
    """What a job stored, without the times, every bit of it told: nan too."""
    stored = store.read(store.path(folder, job.run, stored_as(job.kind)))
    assert stored is not None
    return repr([{k: v for k, v in row.items() if k != "seconds"} for row in stored.rows])


def all_of(engine: cluster.Cluster, jobs: list[Job]) -> dict[Job, Outcome | RunError]:
    """Every job's end."""
    ended: list[Finished] = []
    outcomes = Outcomes(engine, jobs, ended.append)
    for job in jobs:
        try:
            outcomes(job)
        except RunError:
            continue
    return dict(ended)


def assert_as_here(jobs: list[Job], folder: Path) -> None:
    """Each job's rows are, bit for bit, those that this process computes."""
    for job in jobs:
        perform(replace(job, results=folder))
        assert rows(job, folder) == rows(job, Path(str(job.results)))


def busy_workers() -> list[int]:
    """Processes below this one that Ray has named after the task they are at."""
    parents: dict[int, int] = {}
    named: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            name = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(entry.name)] = int(stat[1])
        if name.startswith(b"ray::answer"):
            named.append(int(entry.name))

    def ours(pid: int) -> bool:
        while pid > 1 and pid != os.getpid():
            pid = parents.get(pid, 0)
        return pid == os.getpid()

    return [pid for pid in named if ours(pid)]


def wait_for_busy(number: int) -> list[int]:
    """Their process ids, once so many are at work."""
    deadline = time.monotonic() + 120
    while len(busy := busy_workers()) < number:
        assert time.monotonic() < deadline, "no worker began"
        time.sleep(0.05)
    return busy


def test_a_cluster_gives_the_same_bits(two: Two, tmp_path: Path) -> None:
    """Rows of four runs from two nodes are those of this process; a second time all are reused."""
    jobs = [*runs(20, range(3), tmp_path / "far"), Job("numerics", Run(), None, tmp_path / "far")]
    cluster.check(jobs, two.resources)
    engine = cluster.Cluster(jobs, two.resources)
    assert engine.workers == 2
    ended = all_of(engine, jobs)
    assert [getattr(end, "status", end) for end in ended.values()] == ["finished"] * 4
    assert_as_here(jobs, tmp_path / "here")
    again = all_of(cluster.Cluster(jobs, two.resources), jobs)
    assert all(isinstance(end, Outcome) and end.reused for end in again.values())
    assert {store.path(tmp_path, job.run, stored_as(job.kind)).stem for job in jobs} == {
        end.key for end in ended.values() if isinstance(end, Outcome)
    }


def test_what_a_run_raises_is_told(two: Two, tmp_path: Path) -> None:
    """In a line, if it is the user's mistake; only that run fails, the one after it is computed."""
    bad = Job("convergence", Run(data="mnist"), Path("/nowhere"), tmp_path)
    good = Job("numerics", Run(), None, tmp_path)
    ended = all_of(cluster.Cluster([bad, good], two.resources), [bad, good])
    assert isinstance(ended[good], Outcome)
    assert isinstance(ended[bad], RunError)
    assert str(ended[bad]) == "the data folder is /nowhere: no such folder"


def test_a_killed_worker_costs_no_run(two: Two, tmp_path: Path) -> None:
    """SIGKILL in mid-run: Ray begins it again elsewhere, with the same bits."""
    jobs = runs(800, range(2), tmp_path / "far")
    engine = cluster.Cluster(jobs, two.resources)
    os.kill(wait_for_busy(1)[0], signal.SIGKILL)
    ended = all_of(engine, jobs)
    assert [getattr(end, "status", end) for end in ended.values()] == ["finished"] * 2
    assert_as_here(jobs[:1], tmp_path / "here")


def test_a_session_runs_on_a_cluster(two: Two, tmp_path: Path) -> None:
    """The whole command: cells computed by the nodes, one benchmark.json, no mark left."""
    options = ["--profile", "smoke", "--kinds", "numerics", "--precisions", "float32,bfloat16"]
    where = ["--engine", "ray", "--ray-address", two.cluster.address, "--results", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", "bench/", "-p", "no:cacheprovider", *options, *where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f", on Ray at {two.cluster.address}" in done.stdout
    entries = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert [entry["extra_info"]["status"] for entry in entries] == ["finished"] * 2
    keys = {entry["extra_info"]["key"] for entry in entries}
    assert {file.stem for file in (tmp_path / "runs").iterdir()} == keys
    assert sorted(file.name for file in tmp_path.iterdir()) == ["benchmark.json", "runs"]


def test_what_no_node_can_fit_is_refused_before_any_work(two: Two, tmp_path: Path) -> None:
    """A GPU is asked for and none is there; three threads, and each node has one core."""
    here = Job("convergence", Run(), None, tmp_path)
    there = replace(here, run=Run(device="cuda"))
    halves = replace(two.resources, num_gpus=0.5)
    with pytest.raises(UsageError, match=r"^a run needs 1 CPU and 0.5 GPU, but the nodes have: "):
        cluster.check([here, there], halves)
    with pytest.raises(UsageError, match=r"^a run needs 3 CPU, but the nodes have: 0 CPU; 1 CPU$"):
        cluster.check([here], replace(two.resources, threads=3))


def test_a_node_that_does_not_see_the_folder_is_refused(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session's mark is not in the folder of that name over there."""
    monkeypatch.setattr("bench.engine.shared.mark", lambda folder: folder / ".elsewhere")
    job = Job("numerics", Run(), None, tmp_path)
    with pytest.raises(UsageError, match=r"^node \w{8}: .* of this node is not the session's: "):
        cluster.check([job], two.resources)
    ended = all_of(cluster.Cluster([job], two.resources), [job])
    assert "of this node is not the session's" in str(ended[job])
    assert not list(tmp_path.iterdir())


def test_a_lost_node_costs_no_run(two: Two, tmp_path: Path) -> None:
    """Both nodes compute, one goes without a word: the other finishes, with the same bits."""
    jobs = runs(800, range(2), tmp_path / "far")
    engine = cluster.Cluster(jobs, two.resources)
    wait_for_busy(2)
    two.cluster.remove_node(two.nodes.pop(), allow_graceful=False)
    ended = all_of(engine, jobs)
    assert [getattr(end, "status", end) for end in ended.values()] == ["finished"] * 2
    assert_as_here(jobs, tmp_path / "here")


def test_runs_that_nothing_can_fit_any_more_are_given_up(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last node with a core goes: one line per run that waits, instead of a hang."""
    monkeypatch.setattr(cluster, "WATCH_SECONDS", 0.2)
    jobs = runs(10**7, range(2), tmp_path)
    engine = cluster.Cluster(jobs, two.resources, patience_seconds=1.0)
    while two.nodes:
        two.cluster.remove_node(two.nodes.pop(), allow_graceful=False)
    ended = all_of(engine, jobs)
    words = "given up after 1 seconds: a run needs 1 CPU, but the nodes have: 0 CPU"
    assert [str(end) for end in ended.values()] == [words] * 2
    assert engine.poll(None) == []
    engine.stop()
    assert not ray.is_initialized()
    assert not list(tmp_path.glob(".*.session"))


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of something that listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_an_address_without_ray_is_one_line(mute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something answers there, but not as Ray does; Ray itself would try for two minutes."""
    monkeypatch.setattr(address, "HEALTH_SECONDS", 1.0)
    with pytest.raises(UsageError, match=r"^what answers at \S+ is not the head of a Ray"):
        cluster.connect(Resources(address=mute))
