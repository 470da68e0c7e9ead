"""The simulated driver against hand counts and the closed form of the machine-repairman queue."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import scenarios, simulation
from bench.scenarios import Measured
from bench.simulation import Course, Load, bound, driver_busy, durations, saturation, simulate
from gan.errors import UsageError


def repairman(workers: int, ratio: float) -> float:
    """Utilisation 1 − P₀ of M/M/1//N, P₀ = 1/Σₙ N!/(N − n)! ρⁿ, ρ mean service over mean run."""
    terms = [math.perm(workers, n) * ratio**n for n in range(workers + 1)]
    return 1 - 1 / sum(terms)


@pytest.mark.parametrize(("workers", "ratio"), [(1, 0.5), (5, 0.1), (20, 0.05), (30, 0.05)])
def test_driver_is_as_busy_as_a_repairman(workers: int, ratio: float) -> None:
    """Exponential runs and services: utilisation and throughput of the closed form, to 1 %."""
    rng, runs = np.random.default_rng(0), 200_000
    run_seconds, services = rng.exponential(1.0, runs), rng.exponential(ratio, runs)
    course = simulate(workers, run_seconds.tolist(), services.tolist())
    busy = repairman(workers, ratio)
    assert course.driver_busy == pytest.approx(busy, rel=0.01)
    assert course.runs_per_second == pytest.approx(busy / ratio, rel=0.01)
    # Little's law: throughput × mean run = workers at work.
    assert workers * (1 - course.workers_idle) == pytest.approx(busy / ratio, rel=0.01)


def test_two_workers_by_hand() -> None:
    """Hand-outs at 1, 2, 12 (waited for the first end at 11), 13: ends at 11, 12, 22, 23."""
    course = simulate(2, [10.0] * 4, [1.0] * 4)
    assert course == Course(
        seconds=23.0, driver_busy=4 / 13, workers_idle=1 - 40 / 46, runs_per_second=4 / 23
    )


def test_a_saturated_driver_by_hand() -> None:
    """Services of 2 for three workers with runs of 1: it hands out every 2 s, always busy."""
    course = simulate(3, [1.0] * 10, [2.0] * 10, start_seconds=5.0)
    assert course.seconds == 5 + 10 * 2 + 1
    assert course.driver_busy == 1.0
    assert course.workers_idle == 1 - 10 / (3 * 26)


def test_more_workers_than_runs_is_no_error() -> None:
    """Each run has its own; the others are idle."""
    course = simulate(10, [3.0, 3.0], [1.0, 1.0])
    assert (course.seconds, course.workers_idle) == (5.0, 1 - 6 / 50)


def test_a_driver_that_takes_no_time_is_never_busy() -> None:
    """Nor does it saturate; runs that take none either are done at once."""
    free = Load(run_seconds=1.0, driver_seconds=0.0)
    assert simulate(4, [1.0] * 8, [0.0] * 8) == Course(2.0, 0.0, 0.0, 4.0)
    assert bound(free) == math.inf
    assert saturation(free, np.random.default_rng(0)) is None
    assert simulate(1, [0.0], [0.0]) == Course(0.0, 0.0, 0.0, math.inf)


@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=40),
    st.floats(0, 5),
)
def test_no_session_is_faster_than_its_parts(
    workers: int, runs: list[tuple[float, float]], start: float
) -> None:
    """Not than the driver's work, nor the workers'; a share is a share; one worker adds all up."""
    run_seconds, services = [run for run, _ in runs], [service for _, service in runs]
    course = simulate(workers, run_seconds, services, start)
    slack = 1e-9
    assert course.seconds >= start + sum(services) - slack
    assert course.seconds * workers >= sum(run_seconds) - slack
    assert -slack <= course.driver_busy <= 1 + slack
    assert -slack <= course.workers_idle <= 1 + slack
    alone = simulate(1, run_seconds, services, start)
    assert alone.seconds == pytest.approx(start + sum(services) + sum(run_seconds))
    assert course.seconds <= alone.seconds + slack


def test_durations_have_the_loads_mean() -> None:
    """Log-normal, also with a wide spread; the same for the same seed; all alike without one."""
    load = Load(60.0, 0.1, spread=0.8)
    drawn = durations(load, 100_000, np.random.default_rng(1))
    assert np.mean(drawn) == pytest.approx(60.0, rel=0.01)
    assert np.std(np.log(drawn)) == pytest.approx(0.8, rel=0.01)
    assert drawn == durations(load, 100_000, np.random.default_rng(1))
    assert durations(Load(60.0, 0.1), 3, np.random.default_rng(0)) == [60.0] * 3


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_saturation_is_near_the_bound(spread: float) -> None:
    """Where the driver is busy 95 % of the time; with 0.8 times as many workers it is not."""
    load = Load(run_seconds=5.0, driver_seconds=0.05, spread=spread)
    assert bound(load) == pytest.approx(101.0)
    found = saturation(load, np.random.default_rng(0))
    assert found is not None
    assert 0.9 * 101 < found < 1.1 * 101
    rng = np.random.default_rng(1)
    assert driver_busy(load, found, rng) == pytest.approx(0.95, abs=0.03)
    assert driver_busy(load, round(0.8 * found), rng) < 0.85


def test_saturation_that_takes_too_long_is_left_to_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No number rather than a minute of waiting."""
    monkeypatch.setattr(simulation, "MOST_RUNS", 1000)
    assert saturation(Load(5.0, 0.05), np.random.default_rng(0)) is None


@pytest.mark.parametrize("name", ["run_seconds", "driver_seconds", "spread"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_load_without_sense_is_refused(name: str, value: float) -> None:
    """Negative, nan, infinite: the name and the value in one line."""
    with pytest.raises(UsageError, match=rf"^{name} must be at least 0, not {value}$"):
        replace(Load(1.0, 1.0), **{name: value})


@pytest.mark.parametrize(("workers", "runs"), [(0, 5), (3, 0)])
def test_a_session_without_workers_or_runs_is_refused(workers: int, runs: int) -> None:
    """Both are needed."""
    with pytest.raises(UsageError, match=f"^it takes workers and runs, not {workers} and {runs}$"):
        simulate(workers, [1.0] * runs, [1.0] * runs)


def test_scenarios_move_the_write_from_driver_to_worker() -> None:
    """Driver-writes saturate at (R + S + W)/(S + W) workers, worker-writes at (R + W + S)/S."""
    measured = Measured(engine=0.02, session=0.03, write=0.05, listing=0.001)
    found = list(scenarios.scenarios(measured, 20, 500, 10.0, 0.0, 0.2, seed=0))
    assert [(each.writer, each.store) for each in found] == [
        ("driver", "disk"),
        ("driver", "object store"),
        ("worker", "disk"),
        ("worker", "object store"),
    ]
    assert [each.bound for each in found] == pytest.approx(
        [10.1 / 0.1, 10.25 / 0.25, 10.1 / 0.05, 10.25 / 0.05]
    )
    assert all(each.course.seconds > 0.5 + 25 * 10 for each in found)  # listing, then 25 waves
    assert found[1].course.driver_busy > found[0].course.driver_busy > found[2].course.driver_busy
