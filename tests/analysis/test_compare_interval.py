"""Intervals of ratios: closed forms, SciPy's oracles, and how often they cover."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.compare_interval import (
    files_interval,
    rounds_interval,
    sides_interval,
    smaller_pairs,
    verdict,
)
from analysis.estimates import Interval, median_interval, share_interval

logs = st.lists(st.floats(-20, 20), min_size=1, max_size=12)


def test_equal_rounds_leave_exactly_what_runs_differ_by() -> None:
    """Without any spread in a process the bounds are those of the assumption."""
    found = rounds_interval([0.0] * 9, [math.log(2)] * 9, 0.25)
    assert (found.estimate, found.low, found.high) == pytest.approx((2, 1.6, 2.5))


def test_rounds_widen_the_assumption_in_squares() -> None:
    """The distances of both medians' bounds and of the runs add as sides of a right angle do."""
    rng = np.random.default_rng(1)
    base, head = rng.normal(0, 0.1, 15), rng.normal(0.3, 0.1, 11)
    one, other = median_interval(base), median_interval(head)
    found = rounds_interval(base, head, 0.1)
    below = (other.estimate - other.low) ** 2 + (one.high - one.estimate) ** 2
    expected = other.estimate - one.estimate - math.sqrt(below + math.log(1.1) ** 2)
    assert math.log(found.low) == pytest.approx(expected)


@given(logs, logs, st.floats(0, 10))
def test_a_ratio_lies_between_its_bounds(
    base: list[float], head: list[float], between: float
) -> None:
    """And no interval is narrower than two runs of one program differ by."""
    found = rounds_interval(base, head, between)
    if min(len(base), len(head)) < 6:
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    else:
        slack = 1 + 1e-9
        assert found.low <= found.estimate / (1 + between) * slack
        assert found.high * slack >= found.estimate * (1 + between)


@given(logs, logs)
def test_sides_may_be_exchanged(base: list[float], head: list[float]) -> None:
    """The ratio and its bounds are then one over what they were."""
    there, back = files_interval(base, head), files_interval(head, base)
    assert back.estimate == pytest.approx(1 / there.estimate)
    assert back.low == pytest.approx(1 / there.high, nan_ok=True)
    assert back.high == pytest.approx(1 / there.low, nan_ok=True)


def test_few_files_have_students_interval() -> None:
    """SciPy's two-sample test of equal variances has the same bounds."""
    base, head = [0.0, 0.1, 0.05], [0.2, 0.3]
    expected = stats.ttest_ind(head, base).confidence_interval(0.95)
    found = files_interval(base, head)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(tuple(expected))
    assert found.n == 2


def test_one_file_borrows_the_other_sides_spread() -> None:
    """Three files at 0, 1 and 2 and one at 4: Student with 2 degrees, s = 1."""
    found = files_interval([0.0, 1.0, 2.0], [4.0])
    half = stats.t.ppf(0.975, 2) * math.sqrt(1 + 1 / 3)
    bounds = (math.log(found.low), math.log(found.high))
    assert bounds == pytest.approx((3 - half, 3 + half))


def test_one_file_a_side_has_no_interval() -> None:
    """Two numbers show no spread."""
    found = files_interval([0.0], [0.5])
    assert found.estimate == pytest.approx(math.exp(0.5))
    assert math.isnan(found.low)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (4, 4), (3, 5)])
def test_pairs_are_counted_as_all_orders_have_them(m: int, n: int) -> None:
    """Every choice of m ranks among m + n is equally likely."""
    counts = np.zeros(m * n + 1)
    for ranks in combinations(range(m + n), m):
        counts[sum(rank - place for place, rank in enumerate(ranks))] += 1
    assert smaller_pairs(m, n) == pytest.approx(counts / counts.sum())


def test_four_files_a_side_reach_from_the_least_to_the_largest_difference() -> None:
    """All 16 differences: 2/70 < 5 %, 4/70 is not."""
    base, head = [0.0, 1.0, 2.0, 3.0], [10.0, 11.0, 13.0, 17.0]
    found = files_interval(base, head)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx((7, 17))


@pytest.mark.parametrize("bad", [[], [math.nan], [math.inf, 0.0]])
def test_what_is_no_number_is_refused(bad: list[float]) -> None:
    """An empty side has no median; neither has one that diverged."""
    with pytest.raises(ValueError, match=r"no values|not finite"):
        files_interval(bad, [0.0])


@pytest.mark.parametrize("sizes", [(2, 2), (3, 1), (4, 4), (5, 9)])
def test_intervals_over_files_cover(sizes: tuple[int, int]) -> None:
    """Of normal logarithms at least 95 %, as far as 2,000 samples tell."""
    rng = np.random.default_rng([7, *sizes])
    covered = 0
    for _ in range(2000):
        found = files_interval(rng.normal(size=sizes[0]), 1 + rng.normal(size=sizes[1]))
        covered += found.low <= math.e <= found.high
    assert share_interval(covered, 2000, 0.999).high >= 0.95


def test_an_assumption_that_is_true_covers() -> None:
    """Runs that differ by 20 % in 95 of 100 pairs: bounds hold the true ratio as often."""
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(2000):
        apart = rng.normal(0, math.log(1.2) / 1.96)
        found = rounds_interval(rng.normal(0, 0.03, 20), rng.normal(apart, 0.03, 20), 0.2)
        covered += found.low <= 1 <= found.high
    assert share_interval(covered, 2000, 0.999).high >= 0.95


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.01, 2.0, "slower"),
        (0.5, 0.99, "faster"),
        (0.9, 1.1, "not told apart"),
        (1.0, 1.1, "not told apart"),
        (math.nan, math.nan, "no interval"),
    ],
)
def test_a_verdict_follows_from_the_bounds(low: float, high: float, words: str) -> None:
    """A bound that is 1 decides nothing."""
    assert verdict(Interval(1.05, low, high, 0.95, 1)) == words


def test_files_without_rounds_have_a_ratio_alone() -> None:
    """A file saved without data states its median; one of each side has no interval."""
    empty = np.empty(0)
    found = sides_interval([[0.0], [math.log(3)]], [[empty], [empty]], 0.2)
    assert found.estimate == pytest.approx(3)
    assert verdict(found) == "no interval"
