"""Kaplan-Meier curves and median times, against hand-computed ones, closed forms and SciPy."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimates import share_interval
from analysis.survival import arrivals, exposures, median_time

TIMES = st.lists(st.integers(1, 20), min_size=1, max_size=20)


def outcomes(**columns: Any) -> pd.DataFrame:
    """Rows of `recovery.outcomes` of one panel, 100 steps a second."""
    rows = pd.DataFrame({"panel": "p", "status": "finished", **columns})
    rows["seconds"], rows["last_seconds"] = rows["step"] / 100, rows["last_step"] / 100
    return rows


def test_a_curve_without_misses_is_the_share_that_has_arrived() -> None:
    """Four runs, two of them at once."""
    curve = arrivals([300, 100, 200, 200], [True] * 4)
    assert curve.times.tolist() == [0, 100, 200, 300]
    assert curve.share.tolist() == [0, 0.25, 0.75, 1]
    assert curve.n == 4


def test_a_censored_run_leaves_those_at_risk() -> None:
    """Kaplan & Meier by hand: S = 3/4, then 3/4 · 1/2 with two at risk, then 0."""
    curve = arrivals([1, 2, 3, 4], [True, False, True, True])
    assert curve.share == pytest.approx([0, 0.25, 0.25, 0.625, 1])


def test_who_is_censored_when_another_arrives_was_at_risk_then() -> None:
    """The convention: of two at 5, the arrival is out of two."""
    assert arrivals([5, 5], [True, False]).share.tolist() == [0, 0.5]


def test_without_any_arrival_the_share_stays_0() -> None:
    """And its upper bound is that of 0 of 8."""
    curve = arrivals([10.0] * 8, [False] * 8)
    assert curve.share.tolist() == [0, 0]
    assert curve.low.tolist() == [0, 0]
    assert curve.high == pytest.approx([share_interval(0, 8).high] * 2)


@given(TIMES, st.data())
def test_the_estimate_is_scipys(times: list[int], data: st.DataObject) -> None:
    """Whatever the ties and censoring."""
    events = np.array(data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times))))
    curve = arrivals(times, events)
    array = np.array(times, dtype=float)
    survival = stats.ecdf(stats.CensoredData(array[events], right=array[~events])).sf
    assert curve.share == pytest.approx(1 - survival.evaluate(curve.times))
    assert (curve.low <= curve.share + 1e-9).all()
    assert (curve.share <= curve.high + 1e-9).all()
    assert (np.diff(curve.share) >= -1e-12).all()


@given(TIMES)
def test_bounds_without_censoring_are_clopper_pearsons(times: list[int]) -> None:
    """The share that has arrived is then a binomial's."""
    curve = arrivals(times, [True] * len(times))
    for t, low, high in zip(curve.times, curve.low, curve.high, strict=True):
        exact = share_interval(sum(time <= t for time in times), len(times))
        assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-8)


@given(st.integers(1, 12), st.integers(0, 12))
def test_bounds_at_a_common_budget_are_clopper_pearsons(arrived: int, missed: int) -> None:
    """Runs that are all censored at the end were all seen until then."""
    times = [*range(1, arrived + 1), *[arrived + 1] * missed]
    curve = arrivals(times, [True] * arrived + [False] * missed)
    exact = share_interval(arrived, arrived + missed)
    assert (curve.low[-1], curve.high[-1]) == pytest.approx((exact.low, exact.high), abs=1e-8)


def test_bounds_after_censoring_are_the_products_of_betas() -> None:
    """One of the two left after censoring arrives: S is a Beta(2, 1), or that times a uniform.

    That product is a Beta(1, 2), as the smallest of two uniforms is the larger times a third.
    """
    curve = arrivals([1, 1, 2, 3], [False, False, True, False])
    at_2 = list(curve.times).index(2)
    assert curve.share[at_2] == pytest.approx(0.5)
    assert 1 - curve.low[at_2] == pytest.approx(math.sqrt(0.975))
    assert 1 - curve.high[at_2] == pytest.approx(stats.beta.ppf(0.025, 1, 2))


def test_the_median_is_where_half_have_arrived() -> None:
    """Order statistics without censoring: the 2nd and 8th of 9, as of `median_interval`."""
    told = median_time(arrivals(range(1, 10), [True] * 9))
    assert (told.estimate, told.low, told.high, told.n) == (5, 2, 8, 9)


def test_half_of_an_even_number_is_half() -> None:
    """Two of four at 20: the median time is 20, not 30."""
    assert median_time(arrivals([10, 20, 30, 40], [True] * 4)).estimate == 20


def test_a_median_that_is_not_seen_is_infinite() -> None:
    """Three of eight arrive; the bounds say when half might have, and that they might never."""
    told = median_time(arrivals([1, 2, 3, 9, 9, 9, 9, 9], [True] * 3 + [False] * 5))
    assert told.estimate == math.inf
    assert told.low == 1
    assert told.high == math.inf


def test_a_miss_is_censored_where_it_ends_and_a_diverged_run_at_the_longest() -> None:
    """The diverged run never arrives: it stays at risk until 900, not 200."""
    rows = exposures(
        outcomes(
            reached=[True, False, False],
            step=[300.0, np.nan, np.nan],
            last_step=[900.0, 800.0, 200.0],
            status=["finished", "finished", "diverged"],
        )
    )
    assert rows["arrived"].tolist() == [True, False, False]
    assert rows["step_exposed"].tolist() == [300, 800, 900]
    assert rows["seconds_exposed"].tolist() == [3, 8, 9]


def test_a_run_that_diverged_within_its_target_has_not_arrived() -> None:
    """It did not keep it."""
    rows = exposures(
        outcomes(
            reached=[True, True],
            step=[100.0, 100.0],
            last_step=[500.0, 200.0],
            status=["finished", "diverged"],
        )
    )
    assert rows["arrived"].tolist() == [True, False]
    assert rows["step_exposed"].tolist() == [100, 500]


def test_the_longest_run_is_that_of_the_panel() -> None:
    """Another setting may have another budget; a run that ended before any record has none."""
    rows = exposures(
        outcomes(
            panel=["p", "p", "q"],
            reached=False,
            step=np.nan,
            last_step=[400.0, np.nan, 9000.0],
            status=["finished", "diverged", "finished"],
        )
    )
    assert rows["step_exposed"].tolist() == [400, 400, 9000]


@pytest.mark.parametrize(
    ("times", "arrived", "line"),
    [
        ([], [], r"one event per time: \(0,\) times, \(0,\) events"),
        ([1.0], [True, False], r"one event per time: \(1,\) times, \(2,\) events"),
        ([[1.0]], [[True]], r"one event per time: \(1, 1\) times, \(1, 1\) events"),
        ([math.nan], [True], "times must be finite and not negative"),
        ([-1.0], [True], "times must be finite and not negative"),
        ([math.inf], [False], "times must be finite and not negative"),
    ],
)
def test_times_without_meaning_are_refused(times: Any, arrived: Any, line: str) -> None:
    """A miss is censored at a time, not at infinity."""
    with pytest.raises(ValueError, match=f"^{line}$"):
        arrivals(times, arrived)
