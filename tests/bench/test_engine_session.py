"""Whole sessions with workers: what they record, and what is left when they are ended."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from bench.computing import alone, computing, jobs_of
from bench.engine.engines import ENGINES, Site
from bench.engine.job import Outcome, Resources, RunError
from bench.matrix import Cell, Matrix
from bench.measured import computed
from bench.options import Session
from bench.progress import ProgressBar
from gan import store
from gan.errors import UsageError
from gan.folder import place
from gan.run import Run

ROOT = Path(__file__).parents[2]
RING = ["--profile", "smoke", "--data", "ring", "--losses", "saturating", "--batch-sizes", "16"]


def command(*options: str) -> list[str]:
    """The harness as its users call it from a terminal, Ray not installed; Ctrl-C is not ignored.

    In a shell's background jobs, and in what these start, it is.
    """
    arguments = ["bench/", "-p", "no:cacheprovider", *options]
    code = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.modules['ray'] = None; sys.exit(pytest.main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code, *arguments]


def children(pid: int) -> list[int]:
    """Processes whose parent, or parent's parent, a process is."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [child for child, parent in parents.items() if parent in found]


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_session_with_workers_records_each_cell_with_its_own_seconds(tmp_path: Path) -> None:
    """Timed cells by the session, computed ones by workers: one finished entry and file each."""
    options = [*RING, "--kinds", "throughput,gradients,convergence", "--rounds", "1"]
    done = subprocess.run(
        command(*options, "--workers", "2", "--results", str(tmp_path)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"3 cells, to {tmp_path}, 2 workers" in done.stdout
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert content["machine_info"]["saddle"]["status"] == "finished"
    entries = {entry["group"]: entry for entry in content["benchmarks"]}
    assert set(entries) == {"throughput", "gradients", "convergence"}
    for kind in ("gradients", "convergence"):
        info = entries[kind]["extra_info"]
        stored = store.read(tmp_path / "runs" / f"{info['key']}.parquet")
        assert stored is not None
        assert (info["status"], info["reused"]) == ("finished", False)
        (seconds,) = entries[kind]["stats"]["data"]
        trained = [float(str(row["seconds"])) for row in stored.rows if "seconds" in row]
        assert seconds > max(trained, default=0.0)
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_session(
    tmp_path: Path, uncovered: dict[str, str], how: signal.Signals
) -> None:
    """Ctrl-C to all, SIGTERM or SIGKILL to the session: workers end, what finished is whole."""
    options = [*RING, "--kinds", "convergence", "--seeds", ",".join(map(str, range(200)))]
    running = subprocess.Popen(
        command(*options, "--workers", "2", "--results", str(tmp_path)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=uncovered,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/[!.]*.parquet")):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    workers = children(running.pid)
    assert len(workers) >= 2
    if how is signal.SIGINT:
        os.killpg(running.pid, how)  # as a terminal does
    else:
        running.send_signal(how)
    output, _ = running.communicate(timeout=60)
    while not all(map(gone, workers)):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)
    assert all(store.read(file) for file in tmp_path.glob("runs/[!.]*.parquet"))
    if how is signal.SIGKILL:
        assert not (tmp_path / "benchmark.json").exists()
    else:
        assert running.returncode == pytest.ExitCode.INTERRUPTED
        assert "what finished is kept in" in output
        content = json.loads((tmp_path / "benchmark.json").read_text())
        assert content["machine_info"]["saddle"]["status"] == "interrupted"


def test_results_go_to_any_address(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Run files and a whole benchmark.json at a URL of fsspec's; the second session reuses them."""
    monkeypatch.chdir(ROOT)
    handler = signal.getsignal(signal.SIGTERM)
    options = ["--profile", "smoke", "--kinds", "numerics", "--precisions", "float32,float64"]
    where = "memory://sessions/anywhere"
    try:
        for reused in (False, True):
            arguments = ["bench/", "-p", "no:cacheprovider", *options, "--results", where]
            assert pytest.main(arguments) == 0
            content = json.loads((place(where) / "benchmark.json").read_text())
            infos = [entry["extra_info"] for entry in content["benchmarks"]]
            assert [info["reused"] for info in infos] == [reused] * 2
            files = {file.stem for file in (place(where) / "runs").iterdir()}
            assert files == {info["key"] for info in infos}
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert f"benchmark data in: {where}/benchmark.json" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "--workers must be from 1 to 4,096, not 0"),
        (["--threads", "-2"], "--threads must be from 1 to 4,096, not -2"),
        (["--threads", "99999999999"], "--threads must be from 1 to 4,096, not 99999999999"),
        (["--devices", " , "], "--devices names no value"),
        (["--part", "0/4"], "--part takes I/N with 1 ≤ I ≤ N, as in 1/4, not '0/4'"),
        (["--part", "2/2", "--kinds", "throughput"], "no cell is in part 2/2: it is 0 computed"),
        (["--kinds", "dirac", "--pack", "2"], "pack must be 1, not 2"),
        (["--kinds", "overtrained", "--pack", "2"], "overtrained takes single samples, but"),
        (["--kinds", "throughput", "--pack", "2"], "throughput takes single samples, but"),
        (["--kinds", "counterfactual", "--pack", "2"], "counterfactual takes single samples, but"),
        (["--engine", "dask"], "unknown value of --engine 'dask': choose from local, ray"),
        (["--ray-address", "a:1"], "--ray-address goes with --engine ray"),
        (["--num-gpus", "1"], "--num-gpus goes with --engine ray"),
        (
            ["--engine", "ray", "--num-gpus", "1.5"],
            "--num-gpus takes a fraction of 1 or a whole number, not 1.5",
        ),
        (
            ["--engine", "ray", "--num-gpus", "nan"],
            "--num-gpus takes a fraction of 1 or a whole number, not nan",
        ),
        (
            ["--engine", "ray", "--num-gpus", "inf"],
            "--num-gpus takes a fraction of 1 or a whole number, not inf",
        ),
        (
            ["--engine", "ray", "--ray-address", "a:1", "--workers", "2"],
            "--workers is for this machine: the cluster at a:1 has as many as it has cores",
        ),
        (
            ["--engine", "ray", "--devices", "cuda:1"],
            "Ray gives each run a GPU of its own: name it cuda, not cuda:1",
        ),
        (
            ["--engine", "ray", "--ray-address", "ray://a:1"],
            "--ray-address takes HOST:PORT or auto, not 'ray://a:1'",
        ),
        (["--benchmark-json", "/proc/saddle/b.json"], "can't write to /proc/saddle: "),
        (["--results", "://x"], "'://x': an address begins with a protocol, as in s3://"),
        (["--results", "s3:/bucket"], "'s3:/bucket': an address has two slashes, as in s3://"),
        (["--pack", "0"], "pack must be at least 1, not 0"),
        (["--pack", "two"], "--pack takes whole numbers, not 'two'"),
    ],
)
def test_a_users_mistake_is_one_line_and_nothing_runs(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Exit status 4, one ERROR line, no traceback, no results."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    results = [] if "--results" in options else ["--results", str(tmp_path / "results")]
    arguments = ["bench/", "-p", "no:cacheprovider", "--profile", "smoke", *options, *results]
    try:
        assert pytest.main(arguments) == pytest.ExitCode.USAGE_ERROR
    finally:
        signal.signal(signal.SIGTERM, handler)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert line.startswith("ERROR: ")
    assert message in line
    assert not (tmp_path / "results" / "runs").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_cells_that_share_a_run_share_its_outcome(workers: int, tmp_path: Path) -> None:
    """Each is told to the bar, a failure without its seconds; timed cells are nobody's job."""
    cells = {
        "timed": Cell("throughput", Run()),
        "one": Cell("numerics", Run(), "one"),
        "two": Cell("numerics", Run(), "two"),
        "bad": Cell("convergence", Run(data="mnist")),
    }
    matrix = Matrix(tuple(cells.values()), ())
    resources = Resources(workers=workers)
    session = Session("smoke", matrix, tmp_path, 1, Path("/nowhere"), "local", resources)
    assert list(jobs_of(session, cells).values()) == [["one", "two"], ["bad"]]
    bar = ProgressBar(cells)
    for watching in (bar, None):
        with computing(session, cells, watching) as outcome_of:
            keys = {outcome_of(cells[name]).key for name in ("one", "two")}
            with pytest.raises((RunError, UsageError), match="/nowhere"):
                outcome_of(cells["bad"])
    assert [file.stem for file in (tmp_path / "runs").iterdir()] == list(keys)
    # Without workers a failure is pytest's to tell.
    assert bar.clock.waiting == {"timed"} | ({"bad"} if workers == 1 else set())
    assert bar.clock.workers == workers
    assert alone(session) == (workers == 1)
    bar.pytest_sessionfinish()


def refuse(*_: object) -> NoReturn:
    """What can't be had after all."""
    raise UsageError("the cluster went away")


# pytest-benchmark's, of a session that had nothing to time: it is so here.
@pytest.mark.filterwarnings("ignore:Not saving anything")
@pytest.mark.parametrize(
    ("what", "status"),
    [("engine", pytest.ExitCode.USAGE_ERROR), ("draft", pytest.ExitCode.INTERNAL_ERROR)],
)
def test_what_fails_after_the_start_is_one_line(
    what: str,
    status: pytest.ExitCode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """An engine that can't be started, a benchmark.json that can't be put in its place."""
    monkeypatch.chdir(ROOT)
    if what == "draft":
        monkeypatch.setattr("bench.draft.Draft.publish", refuse)
    else:
        monkeypatch.setitem(ENGINES, "local", Site(lambda _jobs, _resources: None, refuse))
    handler = signal.getsignal(signal.SIGTERM)
    options = ["--profile", "smoke", "--kinds", "numerics", "--precisions", "float32"]
    where = ["--workers", "2", "--results", str(tmp_path)]
    try:
        assert pytest.main(["bench/", "-p", "no:cacheprovider", *options, *where]) == status
    finally:
        signal.signal(signal.SIGTERM, handler)
    told = "".join(capfd.readouterr())
    assert told.count("the cluster went away") >= 1
    assert "Traceback" not in told
    assert "INTERNALERROR" not in told


def test_a_job_has_absolute_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who computes it may be at work in another folder; an address is one everywhere."""
    monkeypatch.chdir(tmp_path)
    cell = Cell("numerics", Run())
    matrix = Matrix((cell,), ())
    near = Session("smoke", matrix, Path("mine"), 1, Path("idx"), "ray", Resources())
    job = near.job(cell)
    assert (job.results, job.data_dir) == (tmp_path / "mine", tmp_path / "idx")
    far = Session("smoke", matrix, place("memory://mine"), 1, None, "ray", Resources())
    assert str(far.job(cell).results) == "memory://mine"
    assert far.job(cell).data_dir is None


def session_of(*options: str) -> int:
    """A session in this process, of numbers alone."""
    handler = signal.getsignal(signal.SIGTERM)
    kinds = ["--profile", "smoke", "--kinds", "numerics", "--precisions", "float32"]
    try:
        return int(pytest.main(["bench/", "-p", "no:cacheprovider", *kinds, *options]))
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_cells_run_among_other_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Doctests of bench/, and another folder's: they pass, and the cell is measured."""
    monkeypatch.chdir(ROOT)
    other = tmp_path / "test_other.py"
    other.write_text("def test_other():\n    pass\n")
    results = tmp_path / "results"
    assert session_of(str(other), "--doctest-modules", "--results", str(results)) == 0
    assert "bench/matrix.py" in capfd.readouterr().out
    (entry,) = json.loads((results / "benchmark.json").read_text())["benchmarks"]
    assert entry["extra_info"]["status"] == "finished"


def test_benchmark_json_may_go_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """pytest-benchmark takes its option for a path, which has one slash; results go beside it."""
    monkeypatch.chdir(ROOT)
    for options, folder in (
        ([], place("memory://json/one")),
        (["--results", str(tmp_path)], tmp_path),
    ):
        assert session_of("--benchmark-json", "memory://json/one/mine.json", *options) == 0
        content = json.loads(place("memory://json/one/mine.json").read_text())
        assert content["benchmarks"][0]["extra_info"]["reused"] is False
        assert len(list((folder / "runs").iterdir())) == 1
    assert not (ROOT / "memory:").exists()
    capfd.readouterr()


def test_a_session_that_is_refused_leaves_no_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The engine's check comes after the results folder's."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(ENGINES, "local", Site(refuse, refuse))
    assert session_of("--results", str(tmp_path / "results")) == pytest.ExitCode.USAGE_ERROR
    assert "the cluster went away" in capfd.readouterr().err
    assert not list(tmp_path.glob("saddle-*"))


def test_losses_that_an_experiment_refuses_are_left_out_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No optimum of the hinge game is known: the other is measured, and the header says why."""
    monkeypatch.chdir(ROOT)
    for losses in ("hinge,saturating", "saturating,hinge"):
        options = ["--kinds", "optimum", "--losses", losses, "--collect-only"]
        assert session_of(*options, "--results", str(tmp_path)) == 0
        told = capfd.readouterr().out
        assert "left out: unknown loss of Eq. 1's game 'hinge': choose from saturating," in told
        assert "loss=saturating" in told
        assert "loss=hinge" not in told


def test_a_part_of_a_profile_is_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its header says which part; spaces in a list of devices are nobody's name."""
    monkeypatch.chdir(ROOT)
    options = ["--part", "2/2", "--seeds", "0,1,2,3", "--devices", "cpu, cpu", "--collect-only"]
    assert session_of(*options, "--results", str(tmp_path)) == 0
    told = capfd.readouterr().out
    assert f"profile smoke, part 2/2, 2 cells, to {tmp_path}" in told
    assert [f"seed={seed}" in told for seed in range(4)] == [False, True, False, True]


class Fixture:
    """As much of pytest-benchmark's fixture as an entry takes."""

    stats = None

    def __init__(self) -> None:
        self.extra_info: dict[str, object] = {}

    def pedantic(self, target: object, args: tuple[Cell], rounds: int, iterations: int) -> Outcome:
        """Calls once."""
        assert (rounds, iterations) == (1, 1)
        assert callable(target)
        outcome = target(*args)
        assert isinstance(outcome, Outcome)
        return outcome


def test_a_run_that_was_lost_fails_its_cell_with_a_line() -> None:
    """No traceback of the session's own, and no entry: without a schema it is dropped."""
    fixture = Fixture()

    def lost(_cell: Cell) -> Outcome:
        raise RunError("its worker died 3 times, the last time killed by SIGKILL")

    with pytest.raises(pytest.fail.Exception, match=r"^its worker died 3 times") as failed:
        computed(fixture, Cell("convergence", Run()), lost)  # type: ignore[arg-type]  # see Fixture
    assert failed.value.pytrace is False
    assert fixture.extra_info == {}


def test_an_entry_has_the_key_of_who_computed_it() -> None:
    """Another processor's key, not this one's; how it ended, and that it was reused."""
    fixture = Fixture()
    outcome = Outcome("0123", "diverged", "nan at step 3", 4.0, reused=True)
    computed(fixture, Cell("convergence", Run()), lambda _cell: outcome)  # type: ignore[arg-type]  # see Fixture
    told = {name: fixture.extra_info[name] for name in ("key", "status", "message", "reused")}
    assert told == {
        "key": "0123",
        "status": "diverged",
        "message": "nan at step 3",
        "reused": True,
    }
