"""Estimates against closed forms, other implementations and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimates import (
    FEWEST_SEEDS,
    finite,
    interquartile_mean,
    log_log_slope,
    mean_interval,
    mean_intervals,
    median_interval,
)
from analysis.estimates.mean import MANY, Statistic, student_level

Values = list[float]
moderate = st.floats(-1e6, 1e6, allow_nan=False)
positive = st.floats(1e-6, 1e6)


@given(st.floats(-5, 5), positive, st.lists(st.floats(0.01, 100), min_size=3, unique=True))
def test_an_exact_power_law_gives_its_exponent(slope: float, factor: float, x: Values) -> None:
    """y = c·xᵇ without noise has slope b and bounds upon it."""
    if max(x) / min(x) < 1.01:
        return
    fit = log_log_slope(x, [factor * value**slope for value in x])
    assert fit.estimate == pytest.approx(slope, abs=1e-6)
    assert fit.high - fit.low == pytest.approx(0, abs=1e-4)


def test_the_slope_and_its_bounds_are_linregress_and_students_t() -> None:
    """With one group they are the textbook's."""
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(size=20))
    y = x**0.7 * np.exp(rng.normal(size=20))
    expected = stats.linregress(np.log(x), np.log(y))
    half = stats.t.ppf(0.95, 18) * expected.stderr
    fit = log_log_slope(x, y, confidence=0.9)
    assert fit.estimate == pytest.approx(expected.slope)
    assert [fit.low, fit.high] == pytest.approx([expected.slope - half, expected.slope + half])
    assert fit.n == 20


def test_groups_keep_their_own_level() -> None:
    """Two networks of different gradient scale share the exponent; pooled, it would be wrong."""
    x = np.array([1.0, 10, 100, 1000])
    both, y = np.concatenate([x, 100 * x]), np.concatenate([x, 1e-3 * 100 * x])
    groups = ["a"] * 4 + ["b"] * 4
    assert log_log_slope(both, y, groups).estimate == pytest.approx(1)
    assert log_log_slope(both, y).estimate < 0.5


def test_bounds_with_groups_are_those_of_a_regression_with_a_level_for_each() -> None:
    """The within estimator equals least squares with one dummy per group, error included."""
    rng = np.random.default_rng(1)
    log_x, labels = rng.normal(size=30), np.repeat([0, 1, 2], 10)
    log_y = 2 * log_x + labels + rng.normal(size=30)
    design = np.column_stack([log_x, np.eye(3)[labels]])
    coefficients, residuals, *_ = np.linalg.lstsq(design, log_y)
    variance = residuals[0] / (30 - 4) * np.linalg.inv(design.T @ design)[0, 0]
    half = stats.t.ppf(0.975, 26) * math.sqrt(variance)
    fit = log_log_slope(np.exp(log_x), np.exp(log_y), labels.tolist())
    assert fit.estimate == pytest.approx(coefficients[0])
    assert fit.high - fit.estimate == pytest.approx(half)


def test_bounds_of_a_slope_hold_the_true_one_as_often_as_they_say() -> None:
    """95 % intervals of 1,000 noisy power laws miss it in 2.9 to 7.1 % (±3 standard errors)."""
    rng = np.random.default_rng(2)
    x, misses = np.geomspace(1e-9, 1e-3, 12), 0
    for _ in range(1000):
        fit = log_log_slope(x, x * np.exp(rng.normal(0, 0.3, 12)))
        misses += not fit.low <= 1 <= fit.high
    assert 29 <= misses <= 71


@pytest.mark.parametrize("x", [[2.0], [2.0, 2.0, 2.0]])
def test_a_slope_needs_two_different_x(x: Values) -> None:
    """Otherwise there is none, rather than a warning."""
    fit = log_log_slope(x, x)
    assert math.isnan(fit.estimate)
    assert math.isnan(fit.low)


def test_two_points_give_a_slope_without_bounds() -> None:
    """A line through two points has no residuals to judge it by."""
    fit = log_log_slope([1, 10], [1, 100])
    assert fit.estimate == pytest.approx(2)
    assert math.isnan(fit.low)
    assert math.isnan(fit.high)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], "x: no values"),
        ([1.0, math.nan, math.inf], "x: 2 of 3 are not finite"),
        ([1.0, 0.0], "x: a logarithm needs positive values"),
        ([1.0, -1.0], "x: a logarithm needs positive values"),
    ],
)
def test_values_without_a_logarithm_are_refused(values: Values, line: str) -> None:
    """They have to be left out by the caller, who can say so."""
    with pytest.raises(ValueError, match=f"^{line}$"):
        log_log_slope(values, [1.0] * len(values))


@given(st.lists(moderate, min_size=2, max_size=40))
def test_a_median_lies_between_its_bounds(values: Values) -> None:
    """The bounds are two of the values, in order, with their real confidence beside them."""
    m = median_interval(values)
    assert m.estimate == np.median(values)
    assert {m.low, m.high} <= set(map(float, values))
    assert m.low <= m.estimate <= m.high
    if len(values) >= 6:
        assert m.confidence >= 0.95
    else:
        assert m.confidence == pytest.approx(1 - 2.0 ** (1 - len(values)))


@pytest.mark.parametrize(("n", "low", "high"), [(10, 2, 9), (20, 6, 15), (50, 18, 33)])
def test_a_medians_bounds_are_the_order_statistics_of_the_tables(
    n: int, low: int, high: int
) -> None:
    """Conover 1999: for n = 10 the 2nd and 9th, and so on."""
    m = median_interval(range(1, n + 1))
    assert (m.low, m.high) == (low, high)


@pytest.mark.parametrize("n", [7, 12, 31, 64])
def test_a_medians_bounds_are_where_scipys_sign_test_turns(n: int) -> None:
    """A median just below the lower bound is rejected at 5 %, one just above it is not."""
    values = np.random.default_rng(3).lognormal(size=n)
    below = int((values < median_interval(values).low).sum())
    assert stats.binomtest(below, n).pvalue <= 0.05 < stats.binomtest(below + 1, n).pvalue


def test_bounds_of_a_median_hold_the_true_one_at_least_as_often_as_they_say() -> None:
    """Of a skewed distribution; 2,000 samples of 10 at 97.9 %."""
    samples = np.random.default_rng(4).exponential(size=(2000, 10))
    intervals = [median_interval(sample) for sample in samples]
    hits = sum(m.low <= math.log(2) <= m.high for m in intervals)
    assert hits / 2000 == pytest.approx(intervals[0].confidence, abs=0.01)


def test_one_round_has_a_median_without_bounds() -> None:
    """Nothing is known of its spread."""
    m = median_interval([3.0])
    assert (m.estimate, m.confidence, m.n) == (3.0, 0.0, 1)
    assert math.isnan(m.low)


@given(st.lists(moderate, min_size=1, max_size=30))
def test_the_interquartile_mean_drops_a_quarter_at_each_end(values: Values) -> None:
    """Sorted, cut, averaged."""
    cut = len(values) // 4
    kept = sorted(values)[cut : len(values) - cut]
    assert float(interquartile_mean(values)) == pytest.approx(np.mean(kept), abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, FEWEST_SEEDS - 1])
def test_few_seeds_have_a_mean_without_bounds(n: int) -> None:
    """Fewer than 8 are shown as points."""
    mean = mean_interval(np.arange(n), np.random.default_rng(0))
    assert mean.estimate == (n - 1) / 2
    assert math.isnan(mean.low)
    assert math.isnan(mean.high)
    assert mean.n == n


def test_equal_seeds_have_bounds_upon_their_mean() -> None:
    """BCa is undefined for constant data; all seeds agree."""
    mean = mean_interval([8.0] * 9, np.random.default_rng(0))
    assert (mean.estimate, mean.low, mean.high) == (8, 8, 8)


def test_bounds_of_a_mean_are_scipys_bca_at_students_level() -> None:
    """Of 12 values Student's 95 % quantile is 2.201, within which are 97.23 % of a normal."""
    assert student_level(0.95, 12) == pytest.approx(0.9723, abs=1e-4)
    values = np.random.default_rng(5).exponential(size=12)
    mean = mean_interval(values, np.random.default_rng(6), resamples=999)
    expected = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=999,
        method="BCa",
        confidence_level=2 * stats.norm.cdf(stats.t.ppf(0.975, 11)) - 1,
        rng=np.random.default_rng(6),
    ).confidence_interval
    assert (mean.low, mean.high) == (expected.low, expected.high)
    assert mean.confidence == 0.95


def test_a_curves_intervals_are_those_of_its_points() -> None:
    """The same resamples of seeds at every point, whether taken together or alone."""
    table = np.random.default_rng(8).normal(size=(3, 9))
    table[1] = 2.0
    together = mean_intervals(table, np.random.default_rng(0), interquartile_mean, resamples=500)
    for row, one in zip(table, together, strict=True):
        alone = mean_interval(row, np.random.default_rng(0), interquartile_mean, resamples=500)
        assert one == alone
    assert (together[1].low, together[1].high) == (2, 2)


def test_a_curve_of_few_seeds_has_no_bounds() -> None:
    """Nor does it draw random numbers."""
    rng = np.random.default_rng(0)
    (one, other) = mean_intervals([[1, 2, 3], [4, 4, 4]], rng)
    assert (one.estimate, other.estimate, one.n) == (2, 4, 3)
    assert np.isnan([one.low, one.high, other.low, other.high]).all()
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("rows", [[[]], [[1.0, math.nan]]])
def test_a_curve_without_values_is_refused(rows: list[Values]) -> None:
    """As one without finite ones."""
    with pytest.raises(ValueError, match=r"^values: "):
        mean_intervals(rows, np.random.default_rng(0))


@given(st.integers(FEWEST_SEEDS, 10**6), st.floats(0.5, 0.999))
def test_students_level_is_wider_and_falls_to_the_confidence(n: int, confidence: float) -> None:
    """Never narrower than a normal's, and the same for many values."""
    level = student_level(confidence, n)
    assert confidence - 1e-9 <= level < 1
    assert level <= student_level(confidence, n - 1)


def test_where_bca_is_undefined_there_are_no_bounds() -> None:
    """The interquartile mean of seven equal seeds and one other does not vary in the jackknife."""
    mean = mean_interval([1.0] * 9 + [5.0], np.random.default_rng(0), interquartile_mean)
    assert mean.estimate == 1
    assert math.isnan(mean.low)


def test_a_run_that_diverged_has_to_be_left_out_by_name() -> None:
    """A mean over what is left would pass for the mean over all."""
    with pytest.raises(ValueError, match=r"^values: 1 of 3 are not finite$"):
        mean_interval([1, 2, math.nan], np.random.default_rng(0))


def test_values_become_one_vector_of_float64() -> None:
    """Whatever their shape and type."""
    array = finite([[1, 2], [3, 4]], "x")
    assert array.dtype == np.float64
    assert array.shape == (4,)


@pytest.mark.parametrize("statistic", [np.mean, interquartile_mean])
def test_bounds_of_many_seeds_are_those_of_students_t(statistic: Statistic) -> None:
    """Of a mean the textbook's, of a trimmed mean SciPy's, which counts the middle half's."""
    # So many that a quarter is whole: SciPy divides by half of n, not by how many it averages.
    values = np.random.default_rng(1).lognormal(size=MANY + 4)
    found = mean_interval(values, np.random.default_rng(0), statistic)
    if statistic is np.mean:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    else:
        low, high = stats.mstats.trimmed_mean_ci(values, (0.25, 0.25), alpha=0.05)
    assert [found.low, found.high] == pytest.approx([float(low), float(high)], rel=1e-9)
    assert found.estimate == pytest.approx((found.low + found.high) / 2)


def test_bounds_of_many_seeds_that_are_equal() -> None:
    """Of equal values the value itself; where only the averaged ones are equal there are none."""
    equal, nearly = np.ones(MANY + 1), np.ones(MANY + 1)
    nearly[:3] = 5.0
    one, other = mean_intervals([equal, nearly], np.random.default_rng(0), interquartile_mean)
    assert (one.estimate, one.low, one.high) == (1.0, 1.0, 1.0)
    assert other.estimate == 1.0
    assert math.isnan(other.low)
    assert math.isnan(other.high)
