"""What is measured of the engines: the arithmetic, the file, the commands."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

from bench import costs, scaling
from bench.__main__ import app, run_app
from bench.engine.job import Finished, Job, Outcome, Resources, RunError
from bench.scenarios import Measured
from gan.errors import UsageError

RUNNER = CliRunner()
FOUND: dict[str, Any] = {
    "schema": 1,
    "load_average_before": 0.1,
    "engine_seconds": {"in_process": 1e-6, "local": 0.0004, "ray": 0.002},
    "session_seconds": 0.01,
    "file_seconds": {"write": 0.005, "read": 0.004, "listing": 1e-5},
    "speed_up": {"estimate": 1.95, "low": 1.9, "high": 2.0, "n": 5},
}


class Bursts:
    """An engine whose jobs end in bursts, at times that a test sets."""

    workers = 2

    def __init__(self, bursts: Sequence[Sequence[Finished]], tick: Callable[[], None]) -> None:
        self.bursts, self.tick = list(bursts), tick

    def poll(self, wait_seconds: float | None) -> Sequence[Finished]:
        """The next burst, a second later; it is always waited for."""
        assert wait_seconds is None
        self.tick()
        return self.bursts.pop(0)

    def stop(self) -> None:
        """Nothing to stop."""


def done(number: int) -> list[Finished]:
    """So many jobs that ended well."""
    return [(cast(Job, n), Outcome("", "finished", "", 0.0, reused=False)) for n in range(number)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Stops time; each call lets a second pass."""
    now = [100.0]
    monkeypatch.setattr("bench.scaling.time.perf_counter", lambda: now[0])

    def tick() -> None:
        now[0] += 1.0

    return tick


def test_the_clock_starts_when_every_worker_has_shown_up(clock: Callable[[], None]) -> None:
    """Bursts of 1, 2 and twice 4: the clock starts at 3 jobs; 8 more take 2 seconds."""
    engine = Bursts([done(1), done(2), done(4), done(4)], clock)
    assert scaling.seconds_per_job(engine, 11, first=2) == 2 / 8


def test_jobs_that_all_end_at_once_measure_nothing(clock: Callable[[], None]) -> None:
    """There is no time between them; a line says so."""
    with pytest.raises(UsageError, match=r"^3 jobs are too few: all ended before the clock could"):
        scaling.seconds_per_job(Bursts([done(3)], clock), 3, first=2)


def test_a_job_that_fails_spoils_the_measurement(clock: Callable[[], None]) -> None:
    """Its error is raised, not timed."""
    failed: list[Finished] = [(cast(Job, 0), RunError("no data"))]
    with pytest.raises(RunError, match="no data"):
        scaling.seconds_per_job(Bursts([failed], clock), 1, first=1)


def test_interval_is_students_of_the_logarithms() -> None:
    """As SciPy computes it; the middle is the geometric mean."""
    values = [1.8, 1.9, 2.05, 1.95]
    logs = [math.log(value) for value in values]
    low, high = stats.t.interval(0.95, 3, sum(logs) / 4, stats.sem(logs))
    found = scaling.interval(values)
    assert found.estimate == pytest.approx(stats.gmean(values))
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_interval_holds_its_estimate(values: list[float]) -> None:
    """And a single value tells nothing about its spread."""
    found = scaling.interval(values)
    slack = 1 + 1e-9
    assert found.low <= found.estimate * slack
    assert found.estimate <= found.high * slack
    assert found.n == len(values)
    if len(values) == 1:
        assert (found.low, found.high) == (0.0, math.inf)


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [-1.0]])
def test_an_interval_of_nothing_is_refused(values: list[float]) -> None:
    """Ratios are positive."""
    with pytest.raises(UsageError, match=r"^an interval takes positive values, not "):
        scaling.interval(values)


def test_speed_up_is_one_workers_time_over_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs alternate in who begins; each gives a ratio."""
    order: list[int] = []

    def seconds(_name: str, resources: Resources, _jobs: int, _work: object) -> float:
        order.append(resources.workers or 0)
        return 3.0 / (resources.workers or 0)

    monkeypatch.setattr(scaling, "engine_seconds", seconds)
    assert scaling.speed_ups(8, 3) == [2.0] * 3
    assert order == [1, 2, 2, 1, 1, 2]


def test_empty_jobs_and_files_are_timed(tmp_path: Path) -> None:
    """Every time is positive, and the clock's; files lie where they were asked for."""
    assert scaling.engine_seconds("local", Resources(workers=2), 20) > 0
    assert scaling.in_process_seconds(20) > 0
    found = scaling.file_seconds(tmp_path, 4)
    assert set(found) == {"write", "read", "listing"}
    assert min(found.values()) > 0
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_seconds_per_cell_are_the_difference_of_two_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 2 and 12 cells, differences of 2, −1 and 30 seconds: the median is 0.2 s per cell."""
    told: list[int] = []
    monkeypatch.setattr(scaling, "session", lambda _folder, cells: told.append(cells))
    times = iter([5.0, 7.0, 6.0, 5.0, 5.0, 35.0])

    def timed(work: Callable[[], object]) -> float:
        work()
        return next(times)

    monkeypatch.setattr(scaling, "timed", timed)
    assert scaling.session_seconds(2, 12) == pytest.approx(0.2)
    assert told == [12, 2, 12, 2, 12, 2, 12]


def test_a_session_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what it said."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RuntimeError, match="a session failed"):
        scaling.session(str(tmp_path), 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a scaling.json."""
    (tmp_path / "scaling.json").write_text(json.dumps(FOUND))
    return tmp_path


def test_a_drivers_times_are_read(folder: Path) -> None:
    """The engine's own, pytest's, a write's and a listing's; who waits for the driver."""
    measured = costs.read_measured(folder / "scaling.json", "ray")
    assert measured == Measured(engine=0.002, session=0.01, write=0.005, listing=1e-5, asked=False)
    assert costs.read_measured(folder / "scaling.json", "local").asked


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '"schema"',
        json.dumps(FOUND)[:-20],
        json.dumps(FOUND | {"schema": 2}),
        json.dumps(FOUND | {"session_seconds": "1"}),
        json.dumps(FOUND | {"session_seconds": float("nan")}),
        json.dumps(FOUND | {"engine_seconds": {"local": -1}}),
        json.dumps(FOUND | {"file_seconds": {"write": 1}}),
    ],
)
def test_a_file_that_is_something_else_is_one_line(content: str, tmp_path: Path) -> None:
    """Truncated, of another schema, with times that can't be."""
    file = tmp_path / "scaling.json"
    file.write_text(content)
    with pytest.raises(UsageError) as told:
        costs.read_measured(file, "local")
    assert str(told.value) == f"{file} is not what this version's `bench scaling` writes"


def test_what_was_not_measured_is_one_line(folder: Path) -> None:
    """No file, no such engine, an engine left out."""
    with pytest.raises(UsageError, match="run `python -m bench scaling` first"):
        costs.read_measured(folder / "other.json", "ray")
    with pytest.raises(UsageError, match="unknown engine 'dask': choose from local, ray"):
        costs.read_measured(folder / "scaling.json", "dask")
    without = FOUND | {"engine_seconds": {"local": 1.0}}
    (folder / "scaling.json").write_text(json.dumps(without))
    with pytest.raises(UsageError, match=r"has no times of ray: measure them, or use --engine"):
        costs.read_measured(folder / "scaling.json", "ray")


def test_simulation_is_a_table_of_four(folder: Path) -> None:
    """Who writes and where, the driver's share, and the bound (60 + 0)/0.012 = 5,000."""
    options = ["--results", str(folder), "--runs", "2000", "--workers", "50", "--spread", "0"]
    done = RUNNER.invoke(app, ["simulate", *options])
    assert done.exit_code == 0
    assert [line.count("driver") for line in done.stdout.splitlines()].count(1) >= 2
    assert "5,000 workers" in done.stdout
    assert "12.00 ms" in done.stdout


def test_measuring_writes_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole command on next to no work; Ray and whole sessions left out."""
    monkeypatch.setattr("bench.costs.session_seconds", lambda _few, _many: 0.01)
    monkeypatch.setattr("bench.costs.speed_ups", lambda _games, _repeats: [1.9, 2.0])
    options = ["--results", str(tmp_path), "--jobs", "20", "--no-ray"]
    done = RUNNER.invoke(app, ["scaling", *options])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "scaling.json").read_text())
    assert set(found["engine_seconds"]) == {"in_process", "local"}
    assert found["speed_up"]["n"] == 2
    assert found["machine"]["threads"] == 1
    assert "1.95 times as fast" in done.stdout
    assert costs.read_measured(tmp_path / "scaling.json", "local").session == 0.01


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--spread", "1e200", "spread must be from 0 to 2, not 1e+200"),
        ("--spread", "60", "spread must be from 0 to 2, not 60.0"),
        ("--run-seconds", "1e300", "run_seconds must be from 0 to 1e+09, not 1e+300"),
        (
            "--runs",
            "100000000000",
            "at most 6,000,000 workers and runs are simulated, not 1,000 and 100,000,000,000",
        ),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    option: str,
    value: str,
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Refused at once, with what would be right."""
    arguments = ["bench", "simulate", "--results", str(folder), option, value]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as left:
        run_app()
    assert left.value.code == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_users_mistake_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, no traceback."""
    monkeypatch.setattr("sys.argv", ["bench", "simulate", "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        run_app()
    assert left.value.code == 2
    line = f"error: there is no {tmp_path}/scaling.json: run `python -m bench scaling` first\n"
    assert capsys.readouterr().err == line
