"""Their mean against ours: Welch's interval, and what it decides."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimates import Interval
from analysis.reproduction.difference import (
    Mean,
    alone,
    bounded,
    difference,
    equal,
    freedom,
    larger,
    mean_of,
)

NAN = float("nan")
SAMPLES = st.lists(st.floats(-100, 100), min_size=2, max_size=20).filter(lambda v: np.std(v) > 1e-3)


def between(low: float, high: float) -> Interval:
    """An interval of ten seeds."""
    return Interval((low + high) / 2, low, high, 0.95, 10)


@given(SAMPLES, SAMPLES)
def test_the_interval_is_welchs(ours: list[float], theirs: list[float]) -> None:
    """From means and standard errors alone it is what SciPy finds in the samples."""
    found = difference(mean_of(ours), mean_of(theirs))
    known: Any = stats.ttest_ind(ours, theirs, equal_var=False)
    bounds = known.confidence_interval(0.95)
    assert freedom(mean_of(ours), mean_of(theirs)) == pytest.approx(known.df)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), rel=1e-9, abs=1e-9)


@given(SAMPLES)
def test_against_an_exact_number_it_is_students(ours: list[float]) -> None:
    """A published value without a spread is a constant."""
    found = difference(mean_of(ours), Mean(5.0, 0.0, 1))
    known = stats.ttest_1samp(ours, 5.0).confidence_interval(0.95)
    low, high = known.low - 5, known.high - 5
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assert found.n == len(ours)


def test_constant_trials_leave_the_published_error() -> None:
    """All of ours find 8 modes: the interval is Student's of their 10 trials, t₉ = 2.262."""
    found = difference(mean_of([8.0] * 8), Mean(7.9, 0.1, 10))
    assert found.estimate == pytest.approx(0.1)
    assert found.high - found.estimate == pytest.approx(2.262157 * 0.1, rel=1e-6)


def test_two_exact_numbers_have_an_exact_difference() -> None:
    """No spread on either side."""
    found = difference(mean_of([8.0] * 8), Mean(7.0, 0.0, 1))
    assert (found.estimate, found.low, found.high) == (1.0, 1.0, 1.0)
    assert freedom(Mean(1.0, 0.0, 1)) == math.inf


def test_errors_too_small_to_square_are_told_apart() -> None:
    """s⁴ underflows; shares of the sum do not."""
    found = freedom(Mean(0.0, 1e-120, 10), Mean(0.0, 1e-120, 10))
    assert found == pytest.approx(18)


def test_one_trial_has_no_error_and_no_bounds() -> None:
    """Neither of its own nor of a difference."""
    mean = mean_of([7.0])
    assert math.isnan(mean.error)
    found = difference(mean, Mean(6.3, 0.5, 10))
    assert found.estimate == pytest.approx(0.7)
    assert math.isnan(found.low)
    assert equal(found, 1.5) == "undecided"
    assert larger(found) == "undecided"


@pytest.mark.parametrize("values", [[], [1.0, NAN], [math.inf, 0.0]])
def test_a_mean_needs_finite_values(values: list[float]) -> None:
    """Diverged runs are left out by name, not here."""
    with pytest.raises(ValueError, match=r"^values: "):
        mean_of(values)


def test_bounds_are_shown_from_eight_trials_on() -> None:
    """As everywhere in the report."""
    assert math.isnan(alone(mean_of([1.0, 2.0] * 3 + [1.0])).low)
    shown = alone(mean_of([1.0, 2.0] * 4))
    half = stats.t.ppf(0.975, 7) * np.std([1, 2] * 4, ddof=1) / math.sqrt(8)
    assert (shown.estimate, shown.high) == pytest.approx((1.5, 1.5 + half))
    assert bounded(between(0, 1)) == between(0, 1)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((-1.0, 1.0), "reproduced"),
        ((-1.5, 1.5), "reproduced"),
        ((0.2, 1.4), "reproduced"),
        ((-1.4, -0.2), "reproduced"),
        ((0.0, 0.0), "reproduced"),
        ((0.2, 1.6), "not reproduced"),
        ((-9.0, -0.1), "not reproduced"),
        ((2.0, 3.0), "not reproduced"),
        ((-0.1, 1.6), "undecided"),
        ((-5.0, 5.0), "undecided"),
        ((0.0, 1.6), "undecided"),
        ((NAN, NAN), "undecided"),
        ((-math.inf, math.inf), "undecided"),
    ],
)
def test_a_difference_is_judged_by_its_whole_interval(
    bounds: tuple[float, float], expected: str
) -> None:
    """Within the margin, away from 0, or neither: an interval of everything shows nothing."""
    assert equal(between(*bounds), 1.5) == expected


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(0, 5))
def test_a_verdict_does_not_depend_on_the_sign(centre: float, half: float, margin: float) -> None:
    """Ours less theirs or theirs less ours."""
    mirrored = between(-centre - half, -centre + half)
    assert equal(between(centre - half, centre + half), margin) == equal(mirrored, margin)


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(0, 5), st.floats(0, 5))
def test_a_wider_margin_never_undoes_a_reproduction(
    centre: float, half: float, margin: float, more: float
) -> None:
    """Nor does it make a row worse."""
    order = ["not reproduced", "undecided", "reproduced"]
    interval = between(centre - half, centre + half)
    narrow, wide = (order.index(equal(interval, m)) for m in (margin, margin + more))
    assert narrow <= wide


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0.1, 2.0), "reproduced"),
        ((0.0, 2.0), "undecided"),
        ((-1.0, 2.0), "undecided"),
        ((-2.0, -1.0), "not reproduced"),
        ((-2.0, 0.0), "not reproduced"),
        ((0.0, 0.0), "not reproduced"),
        ((NAN, 1.0), "undecided"),
    ],
)
def test_an_order_takes_a_difference_above_nothing(
    bounds: tuple[float, float], expected: str
) -> None:
    """Two methods that find all modes every time do not differ."""
    assert larger(between(*bounds)) == expected
