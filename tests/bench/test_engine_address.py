"""Where a Ray cluster is said to be, and what runs need of it: checked without one."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.engine import address, cluster, nodes, shared
from bench.engine.engines import check_cluster, start_cluster
from bench.engine.job import Job, Outcome, Resources
from gan.errors import UsageError
from gan.run import Run


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    "wrong",
    [
        "localhost",
        "localhost:",
        ":6379",
        "host:port",
        "ray://host:10001",
        "host:70000",
        "host:" + "9" * 5000,
        "10..0.1:6379",
        "h" * 64 + ":6379",
        "ho\0st:6379",
    ],
)
def test_an_address_is_host_and_port(wrong: str) -> None:
    """Anything else is told in one line, with what would be right."""
    with pytest.raises(UsageError) as told:
        address.split(wrong)
    assert str(told.value) == f"--ray-address takes HOST:PORT or auto, not {wrong!r}"


@given(
    st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,3}", fullmatch=True),
    st.integers(0, 2**16 - 1),
)
def test_host_and_port_come_back(host: str, port: int) -> None:
    """split() undoes what a user joined."""
    assert address.split(f"{host}:{port}") == (host, port)


def test_a_bracketed_host_is_an_ipv6_address() -> None:
    """As in a URL."""
    assert address.split("[::1]:6379") == ("::1", 6379)


def test_a_dead_address_says_how_to_start_a_cluster() -> None:
    """Nobody listens: refused at once."""
    port = free_port()
    with pytest.raises(UsageError) as told:
        address.check(f"127.0.0.1:{port}")
    assert str(told.value) == (
        f"nothing answers at 127.0.0.1:{port} (connection refused): start a cluster there with "
        f"ray start --head --port={port}"
    )


def test_auto_is_left_to_ray() -> None:
    """It knows of clusters on this machine."""
    address.check("auto")


@pytest.fixture
def refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """A smoke session that refuses to run: its one line."""
    monkeypatch.chdir(Path(__file__).parents[2])
    results = ["--profile", "smoke", "--results", str(tmp_path)]

    def call(*options: str) -> str:
        arguments = ["bench/", "-p", "no:cacheprovider", *results, *options]
        assert pytest.main(arguments) == pytest.ExitCode.USAGE_ERROR
        assert not list(tmp_path.glob("**/*.parquet"))
        (line,) = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
        return line

    return call


def test_a_session_without_its_cluster_is_one_line(refusal: Callable[..., str]) -> None:
    """Nothing runs, no traceback, and the results folder holds no runs."""
    where = f"127.0.0.1:{free_port()}"
    line = refusal("--engine", "ray", "--ray-address", where)
    assert line.startswith(f"ERROR: nothing answers at {where} (connection refused): start")


def test_a_missing_ray_is_one_line(
    refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to install, without a traceback."""
    monkeypatch.delattr("bench.engine.cluster", raising=False)
    monkeypatch.delitem(sys.modules, "bench.engine.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    line = refusal("--engine", "ray")
    assert line == (
        "ERROR: --engine ray needs the package ray: pip install -e .[cluster] -c constraints.txt"
    )
    with pytest.raises(UsageError, match="needs the package ray"):
        start_cluster([], Resources())


def test_another_missing_package_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no user's mistake."""
    monkeypatch.delattr("bench.engine.cluster", raising=False)
    monkeypatch.delitem(sys.modules, "bench.engine.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", None)
    with pytest.raises(ModuleNotFoundError, match="scheduling_strategies"):
        check_cluster([], Resources())


def test_only_a_run_on_cuda_needs_a_gpu(tmp_path: Path) -> None:
    """Threads are cores; the fraction of a GPU is the session's."""
    resources = Resources(threads=2, num_gpus=0.25)
    cpu = Job("numerics", Run(), None, tmp_path)
    cuda = Job("numerics", Run(device="cuda"), None, tmp_path)
    assert nodes.needs(cpu, resources) == {"CPU": 2.0}
    assert nodes.needs(cuda, resources) == {"CPU": 2.0, "GPU": 0.25}
    assert nodes.all_needs([cpu, cuda, cpu], resources) == [
        {"CPU": 2.0},
        {"CPU": 2.0, "GPU": 0.25},
    ]


def test_a_session_of_timings_alone_asks_only_whether_the_cluster_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No computed cell: nothing to fit, no folder to see."""
    asked: list[Resources] = []
    monkeypatch.setattr("bench.engine.cluster.connect", asked.append)
    there = Resources(address="10.0.0.1:6379")
    cluster.check([], there)
    assert asked == [there]


def test_nodes_are_told_where_data_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$GAN_DATA under its absolute path; where the session has none, the node's own stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_DATA", "idx")
    data = cluster.data_folder()
    assert data == str(tmp_path / "idx")
    job, mark = Job("numerics", Run(), None, tmp_path), shared.mark(tmp_path)

    def told(_job: Job) -> Outcome:
        return Outcome("", "finished", os.environ["GAN_DATA"], 0.0, reused=False)

    for sent, expected in ((data, data), (None, "/node")):
        monkeypatch.setenv("GAN_DATA", "/node")
        end = cluster.answer(told, job, mark, torch.get_num_threads(), sent)
        assert isinstance(end, Outcome)
        assert end.message == expected
    monkeypatch.setenv("GAN_DATA", "")
    assert cluster.data_folder() is None


def test_one_node_must_have_everything() -> None:
    """Cores of one and the GPU of another do not add up."""
    assert not nodes.fits({"CPU": 2, "GPU": 1}, [{"CPU": 8}, {"CPU": 1, "GPU": 4}])
    assert nodes.misfit({"CPU": 1}, []) == "a run needs 1 CPU, but the nodes have: nothing"


def test_a_mark_is_seen_where_it_was_left(tmp_path: Path) -> None:
    """And not in another folder of the same name."""
    mark = shared.mark(tmp_path / "new")
    shared.see(mark)
    with pytest.raises(UsageError, match="of this node is not the session's: results must be on"):
        shared.see(tmp_path / mark.name)


def test_a_mark_that_cannot_be_left_is_one_line() -> None:
    """The folder can't be made."""
    with pytest.raises(UsageError, match=r"^can't write /proc/saddle/"):
        shared.mark(Path("/proc/saddle"))
