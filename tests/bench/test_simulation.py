"""The simulated driver against hand counts and the closed form of the machine-repairman queue."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import costs, scenarios
from bench.scenarios import Measured
from bench.simulation import MOST_RUNS, Course, Load, bound, durations, simulate
from gan.errors import UsageError

SCALING = Path(__file__).parents[2] / "results/reference/amd-epyc-2-cores-scaling/scaling.json"


def repairman(workers: int, ratio: float) -> float:
    """Utilisation 1 − P₀ of M/M/1//N, P₀ = 1/Σₙ N!/(N − n)! ρⁿ, ρ mean service over mean run."""
    terms = [math.perm(workers, n) * ratio**n for n in range(workers + 1)]
    return 1 - 1 / sum(terms)


@pytest.mark.parametrize(("workers", "ratio"), [(1, 0.5), (5, 0.1), (20, 0.05), (30, 0.05)])
def test_a_driver_that_only_hands_out_is_as_busy_as_a_repairman(workers: int, ratio: float) -> None:
    """Exponential runs and services: utilisation and throughput of the closed form, to 1 %."""
    rng, runs = np.random.default_rng(0), 200_000
    run_seconds, services = rng.exponential(1.0, runs), rng.exponential(ratio, runs)
    course = simulate(workers, run_seconds.tolist(), [0.0] * runs, services.tolist())
    busy = repairman(workers, ratio)
    assert course.driver_busy == pytest.approx(busy, rel=0.01)
    assert course.runs_per_second == pytest.approx(busy / ratio, rel=0.01)
    # Little's law: throughput × mean run = workers at work.
    assert workers * (1 - course.workers_idle) == pytest.approx(busy / ratio, rel=0.01)


def test_two_workers_by_hand() -> None:
    """Hand-outs take 1, records 2, runs 10: what the driver does while workers go on is free.

    Handed out at 1 and 2. The first ends at 11, its worker has the next at 12, the record is done
    at 14; the second, ended at 12, waits for the driver until 14: next at 15, recorded at 17. The
    last two end at 22 and 25: recorded at 24 and 27.
    """
    course = simulate(2, [10.0] * 4, [2.0] * 4, [1.0] * 4)
    assert (course.seconds, course.lag_seconds) == (27.0, 2.0)
    assert course.driver_busy == pytest.approx(12 / 27)
    assert course.workers_idle == pytest.approx(1 - 40 / 50)
    assert course.runs_per_second == pytest.approx(4 / 27)


def test_all_that_wait_are_served_before_one_is_recorded() -> None:
    """Three end at 1, all have their next runs at 1, though each record takes 5."""
    course = simulate(3, [1.0] * 6, [5.0] * 6, [0.0] * 6)
    # Records end at 6, 11, …, 31; the second runs were heard of at 6, having ended at 2.
    assert (course.seconds, course.lag_seconds) == (31.0, 29.0)
    assert course.workers_idle == pytest.approx(0.0)


def test_records_are_made_in_the_sessions_order() -> None:
    """The first run takes 9; the others end at 1 and 2, and are recorded after it."""
    for hand_outs in (None, [0.0] * 3):
        course = simulate(2, [9.0, 1.0, 1.0], [1.0] * 3, hand_outs)
        assert (course.seconds, course.lag_seconds) == (12.0, 3.0)


def test_workers_that_need_not_ask_never_wait() -> None:
    """However long records take; each is made once its run has ended: max over j of a closed form.

    The last record ends at max over j of (end of run j) + (records from j on).
    """
    rng = np.random.default_rng(3)
    runs, records = rng.exponential(1.0, 40), rng.exponential(0.5, 40)
    course = simulate(1, runs.tolist(), records.tolist(), None, start_seconds=2.0)
    ends = 2.0 + runs.cumsum()
    assert course.seconds == pytest.approx(max(ends + records[::-1].cumsum()[::-1]))
    assert course.workers_idle == pytest.approx(2.0 / ends[-1])
    assert course.driver_busy == pytest.approx((2.0 + records.sum()) / course.seconds)


def test_a_saturated_driver_by_hand() -> None:
    """Ten records of 2 after listing for 5: three workers are done at 9 and wait for nobody."""
    course = simulate(3, [1.0] * 10, [2.0] * 10, start_seconds=5.0)
    assert course.seconds == 5 + 1 + 10 * 2
    assert course.lag_seconds == 26 - 9
    assert course.driver_busy == 25 / 26
    assert course.workers_idle == pytest.approx(1 - 10 / (3 * 9))


def test_more_workers_than_runs_is_no_error() -> None:
    """Each run has its own; the others are idle."""
    course = simulate(10, [3.0, 3.0], [0.0, 0.0], [1.0, 1.0])
    assert course.seconds == 5.0
    assert course.workers_idle == pytest.approx(1 - 6 / 50)


@pytest.mark.parametrize("hand_outs", [None, 0.0])
def test_a_driver_that_takes_no_time_is_never_busy(hand_outs: float | None) -> None:
    """Nor does it saturate; runs that take none either are done at once."""
    times = None if hand_outs is None else [hand_outs] * 8
    assert simulate(4, [1.0] * 8, [0.0] * 8, times) == Course(2.0, 0.0, 0.0, 0.0, 4.0)
    assert bound(Load(1.0, 0.0, hand_outs)) == math.inf
    nothing = simulate(1, [0.0], [0.0], times and times[:1])
    assert nothing == Course(0.0, 0.0, 0.0, 0.0, math.inf)


@given(
    workers=st.integers(1, 8),
    times=st.lists(
        st.tuples(st.floats(0, 10), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40
    ),
    start=st.floats(0, 5),
    asked=st.booleans(),
)
def test_no_session_is_faster_than_its_parts(
    workers: int, times: list[tuple[float, float, float]], start: float, *, asked: bool
) -> None:
    """Nor slower than all of them in a row; a share is a share."""
    runs, records, services = (list(column) for column in zip(*times, strict=True))
    course = simulate(workers, runs, records, services if asked else None, start)
    slack = 1e-9
    driver = start + sum(records) + (sum(services) if asked else 0.0)
    assert course.seconds >= driver - slack
    assert (course.seconds - start) * workers >= sum(runs) - slack
    assert course.seconds <= driver + sum(runs) + slack
    assert -slack <= course.lag_seconds <= course.seconds + slack
    assert -slack <= course.driver_busy <= 1 + slack
    assert -slack <= course.workers_idle <= 1 + slack


def test_durations_have_the_loads_mean() -> None:
    """Log-normal, also with a wide spread; the same for the same seed; all alike without one."""
    load = Load(60.0, 0.1, spread=0.8)
    drawn = durations(load, 100_000, np.random.default_rng(1))
    assert np.mean(drawn) == pytest.approx(60.0, rel=0.01)
    assert np.std(np.log(drawn)) == pytest.approx(0.8, rel=0.01)
    assert drawn == durations(load, 100_000, np.random.default_rng(1))
    assert durations(Load(60.0, 0.1), 3, np.random.default_rng(0)) == [60.0] * 3


@pytest.mark.parametrize("hand_outs", [None, 0.01])
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_beyond_the_bound_and_only_there_the_lag_grows_without_end(
    spread: float, hand_outs: float | None
) -> None:
    """Four times the runs: the same lag at 0.8 N*, four times the lag at 1.5 N*."""
    load = Load(5.0, 0.05, hand_outs, spread)

    def lag(share: float, runs: int) -> float:
        times = durations(load, runs, np.random.default_rng(0))
        services = None if hand_outs is None else [hand_outs] * runs
        workers = round(share * bound(load))
        return simulate(workers, times, [load.record_seconds] * runs, services).lag_seconds

    assert lag(0.8, 40_000) < 2 * lag(0.8, 10_000)
    assert lag(1.5, 40_000) == pytest.approx(4 * lag(1.5, 10_000), rel=0.1)
    assert lag(1.5, 40_000) > 30 * lag(0.8, 40_000)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("run_seconds", "1e+09"),
        ("record_seconds", "1e+09"),
        ("hand_out_seconds", "1e+09"),
        ("spread", "2"),
    ],
)
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, 1e200])
def test_a_load_without_sense_is_refused(name: str, most: str, value: float) -> None:
    """Negative, nan, infinite, beyond all bounds: the name and the value in one line."""
    with pytest.raises(UsageError) as told:
        replace(Load(1.0, 1.0), **{name: value})
    assert str(told.value) == f"{name} must be from 0 to {most}, not {value}"


@pytest.mark.parametrize(("workers", "runs"), [(0, 5), (3, 0)])
def test_a_session_without_workers_or_runs_is_refused(workers: int, runs: int) -> None:
    """Both are needed."""
    with pytest.raises(UsageError, match=f"^it takes workers and runs, not {workers} and {runs}$"):
        simulate(workers, [1.0] * runs, [1.0] * runs)


@pytest.mark.parametrize(("workers", "runs"), [(5, MOST_RUNS + 1), (10**400, 5)])
def test_a_session_too_large_to_simulate_is_refused(workers: int, runs: int) -> None:
    """Before its durations are drawn."""
    measured = Measured(0.0, 0.0, 0.0, 0.0, asked=True)
    with pytest.raises(UsageError, match=r"^at most 6,000,000 workers and runs are simulated, "):
        list(scenarios.scenarios(measured, workers, runs, 1.0, 0.0, 0.0, seed=0))


def test_scenarios_move_the_write_from_driver_to_worker() -> None:
    """Driver-writes saturate at (R + E)/(S + W + E) workers, worker-writes at (R + W + E)/(S + E).

    Where workers need not ask, R/(S + E + W) and (R + W)/(S + E).
    """
    asked = Measured(engine=0.02, session=0.03, write=0.05, listing=0.001, asked=True)
    found = list(scenarios.scenarios(asked, 20, 500, 10.0, 0.0, 0.2, seed=0))
    assert [(each.writer, each.store) for each in found] == [
        ("driver", "disk"),
        ("driver", "object store"),
        ("worker", "disk"),
        ("worker", "object store"),
    ]
    assert [each.bound for each in found] == pytest.approx(
        [10.02 / 0.1, 10.02 / 0.25, 10.07 / 0.05, 10.22 / 0.05]
    )
    assert all(each.course.seconds > 0.5 + 25 * 10 for each in found)  # listing, then 25 waves
    assert found[1].course.driver_busy > found[0].course.driver_busy > found[2].course.driver_busy
    assert found[1].course.workers_idle > found[3].course.workers_idle
    unasked = scenarios.scenarios(replace(asked, asked=False), 20, 500, 10.0, 0.0, 0.2, seed=0)
    assert [each.bound for each in unasked] == pytest.approx(
        [10 / 0.1, 10 / 0.25, 10.05 / 0.05, 10.2 / 0.05]
    )


def test_the_table_of_the_documentation_is_the_simulations() -> None:
    """docs/running-at-scale.md, from the committed times, row by row; decision 20 quotes it."""
    docs = SCALING.parents[3] / "docs"
    table = (docs / "running-at-scale.md").read_text()
    decision = " ".join((docs / "decisions/0020-who-writes-run-files.md").read_text().split())
    measured = costs.read_measured(SCALING, "ray")
    found = scenarios.scenarios(measured, 1000, 100_000, 60.0, 0.5, 0.05, seed=0)
    for each in found:
        course, where = each.course, each.store.replace("store", "store (50 ms, assumed)")
        shares = f"{100 * course.driver_busy:.1f} % | {100 * course.workers_idle:.1f} %"
        times = f"{course.seconds / 3600:.2f} h | {course.lag_seconds:.0f} s"
        cost, workers = f"{1000 * each.load.driver_seconds:.1f} ms", f"{each.bound:,.0f}"
        row = f"| {each.writer} | {where} | {cost} | {shares} | {times} | {workers} workers |"
        assert row in table
        assert workers in decision
