"""How many seeds it takes, against statsmodels and the exact test's own limit."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from analysis.comparison import smallest_p_value
from analysis.sample_size import EFFICIENCY, fewest_seeds, paired_seeds, seeds_needed, student_power

Values = list[float]


@pytest.mark.parametrize("effect", [0.1, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("level", [0.05, 0.05 / 15, 5e-4])
def test_the_sample_size_is_students_over_the_efficiency(effect: float, level: float) -> None:
    """Student's by statsmodels, at levels where that is right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        n = TTestPower().solve_power(effect_size=effect, alpha=level, power=0.8)
    ranked = math.ceil(float(n) / EFFICIENCY)
    assert paired_seeds(effect, level, 0.8) == ranked + (ranked < 20)


@pytest.mark.parametrize("n", [5, 20, 34])
def test_students_power_is_statsmodels(n: int) -> None:
    """By the same noncentral t, but for the other tail."""
    assert student_power(n, 0.5, 0.05) == pytest.approx(TTestPower().power(0.5, n, 0.05), abs=5e-3)


@given(st.floats(0.01, 10), st.floats(1e-5, 0.5), st.floats(0.1, 0.99))
def test_more_is_asked_of_a_smaller_effect_level_or_a_larger_power(
    effect: float, level: float, power: float
) -> None:
    """In every direction, and always some seeds."""
    n = paired_seeds(effect, level, power)
    assert 1 <= n <= paired_seeds(effect / 2, level, power)
    assert n <= paired_seeds(effect, level / 2, power)
    assert n <= paired_seeds(effect, level, (1 + power) / 2)


@given(st.floats(1e-6, 0.99))
def test_the_fewest_seeds_can_reach_the_level_and_one_fewer_cannot(level: float) -> None:
    """2^(1−n) ≤ level."""
    n = fewest_seeds(level)
    assert smallest_p_value(n) <= level * (1 + 1e-12)
    assert smallest_p_value(n - 1) > level


def test_unanimous_seeds_need_the_fewest() -> None:
    """Six for one comparison, ten for the first of fifteen."""
    assert seeds_needed([1.0, 2, 3], 0.05) == 6
    assert seeds_needed([1.0, 2, 3], 0.05 / 15) == 10


@pytest.mark.parametrize("values", [[], [0.0] * 8, [1.0, -1.0], [math.inf, -math.inf, 0.0]])
def test_where_no_difference_is_seen_no_number_of_seeds_would_do(values: Values) -> None:
    """Infinite, not NaN."""
    assert seeds_needed(values, 0.05) == math.inf


def test_one_seed_that_differs_says_nothing() -> None:
    """Neither direction nor spread can be told apart from chance."""
    assert math.isnan(seeds_needed([1.0], 0.05))
    assert math.isnan(seeds_needed([0.0, -2.0, 0.0], 0.05))


def test_seeds_that_tie_have_to_be_made_up_for() -> None:
    """Half of them tie: twice as many."""
    assert seeds_needed([1.0, 2, 3, 0, 0, 0], 0.05) == 12


def test_it_takes_as_many_whichever_loss_is_better() -> None:
    """The effect's sign does not matter."""
    values = np.random.default_rng(0).normal(0.4, 1, 30)
    assert seeds_needed(values, 0.05) == seeds_needed(-values, 0.05)


def test_of_many_normal_differences_it_is_that_of_their_effect() -> None:
    """35 at half a deviation: of the quantiles of such a distribution."""
    values = 0.5 + stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    assert seeds_needed(values, 0.05) == 35


@pytest.mark.parametrize(("level", "power"), [(0.0, 0.8), (1.0, 0.8), (math.nan, 0.8), (0.05, 1.0)])
def test_levels_and_powers_lie_between_0_and_1(level: float, power: float) -> None:
    """At 0 no number would do, at 1 none is needed."""
    with pytest.raises(ValueError, match=r"^level and power lie between 0 and 1, not "):
        seeds_needed([1.0, 2.0], level, power)
