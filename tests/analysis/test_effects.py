"""Effect sizes of paired differences, against closed forms and the test they belong to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.effects import improvement, shift, standardised
from analysis.estimates import share_interval

Values = list[float]
DIFFERENCE = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([math.inf, -math.inf]))


def test_ties_count_half_and_widen_the_interval() -> None:
    """4 wins, 2 ties, 2 defeats: between the bounds of 4 and of 6 of 8."""
    told = improvement([1, 2, 3, math.inf, 0, 0, -1, -math.inf])
    assert told.estimate == 5 / 8
    assert (told.low, told.high) == (share_interval(4, 8).low, share_interval(6, 8).high)


@given(st.lists(DIFFERENCE, min_size=1, max_size=20))
def test_exchanging_the_losses_mirrors_the_improvement(values: Values) -> None:
    """P(A better) = 1 − P(B better), bounds and all."""
    one, other = improvement(values), improvement([-value for value in values])
    assert one.estimate == pytest.approx(1 - other.estimate)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))
    assert one.low <= one.estimate <= one.high


def test_no_seeds_have_no_effect() -> None:
    """Rather than one of 0."""
    assert math.isnan(improvement([]).estimate)
    assert math.isnan(shift([]).estimate)
    assert shift([math.inf, -math.inf]).n == 0
    assert math.isnan(standardised([]))


def test_a_shift_by_hand() -> None:
    """Means of pairs of 1, 2, 6: 1, 1½, 2, 3½, 4, 6; their median is 2¾."""
    told = shift([6.0, 1.0, math.inf, 2.0])
    assert (told.estimate, told.n) == (2.75, 3)
    assert math.isnan(told.low)
    assert math.isnan(told.high)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(-1e6, 1e6))
def test_a_shift_moves_with_the_data(values: Values, by: float) -> None:
    """And lies between its bounds."""
    one, moved = shift(values), shift([value + by for value in values])
    assert moved.estimate == pytest.approx(one.estimate + by, abs=1e-6)
    if not math.isnan(one.low):
        assert one.low <= one.estimate <= one.high


@pytest.mark.parametrize("n", [6, 8, 11, 20])
def test_bounds_of_a_shift_are_where_the_signed_rank_test_turns(n: int) -> None:
    """A shift just outside them is rejected at 5 % by SciPy's exact test, one just inside not."""
    values = np.random.default_rng(n).normal(1, 1, n)
    told = shift(values)
    for bound, outwards in ((told.low, -1), (told.high, 1)):
        beyond, within = (values - bound - outwards * step for step in (1e-9, -1e-9))
        assert stats.wilcoxon(beyond, method="exact").pvalue <= 0.05
        assert stats.wilcoxon(within, method="exact").pvalue > 0.05


def test_five_seeds_have_no_bounds_of_a_shift() -> None:
    """The extremes of five have 93.75 %."""
    assert math.isnan(shift([1.0, 2, 3, 4, 5]).low)
    assert shift([1.0, 2, 3, 4, 5], confidence=0.9).low == 1


@pytest.mark.parametrize("delta", [-1.0, 0.0, 0.4, 1.5])
def test_of_normal_differences_it_is_their_mean_over_their_deviation(delta: float) -> None:
    """1,500 of them with deviation 7."""
    values = np.random.default_rng(0).normal(7 * delta, 7, 1500)
    assert standardised(values) == pytest.approx(delta, abs=0.08)


@given(st.lists(DIFFERENCE, min_size=2, max_size=15), st.floats(1e-150, 1e150))
def test_a_standardised_effect_has_no_unit_and_turns_with_the_losses(
    values: Values, unit: float
) -> None:
    """NaN where fewer than two seeds differ."""
    one = standardised(values)
    assert standardised([unit * value for value in values]) == pytest.approx(one, nan_ok=True)
    assert standardised([-value for value in values]) == pytest.approx(-one, nan_ok=True)
    assert math.isnan(one) == (sum(value != 0 for value in values) < 2)


def test_one_wild_seed_moves_it_no_further_than_its_rank() -> None:
    """A thousand times as far is the same; so is a run that diverged."""
    values = [1.0, 2, 3, 4, 5]
    assert standardised([*values, -100.0]) == standardised([*values, -1e5])
    assert standardised([*values, -100.0]) == standardised([*values, -math.inf])


def test_opposite_infinities_cancel() -> None:
    """Each diverged once: as often better as not."""
    assert standardised([math.inf, -math.inf]) == 0


@pytest.mark.parametrize("n", range(2, 40))
def test_as_many_sums_above_as_below_are_exactly_no_effect(n: int) -> None:
    """Not 10⁻¹⁷ of one: its sign says which loss is the better."""
    assert standardised([*np.arange(1.0, n), *-np.arange(1.0, n)]) == 0
