"""Paired tests and Holm's correction, against enumeration, SciPy and statsmodels."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.comparison import (
    LEVEL,
    differences,
    holm,
    paired_p_value,
    rank_sum_distribution,
    signed_ranks,
    smallest_p_value,
)

Values = list[float]
DIFFERENCE = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([math.inf, -math.inf]))


def enumerated(values: Values) -> float:
    """The p-value by its definition: the share of sign assignments at least as extreme."""
    ranks = np.abs(signed_ranks(values))
    seen = abs(signed_ranks(values).sum())
    sums = [abs((ranks * signs).sum()) for signs in product([-1, 1], repeat=ranks.size)]
    return float(np.mean([total >= seen for total in sums]))


def test_higher_or_lower_is_better() -> None:
    """FID 10 against 30 is better by 20; so are 30 against 10 modes."""
    assert differences([10.0], [30.0], "lower").tolist() == [20]
    assert differences([30.0], [10.0], "higher").tolist() == [20]


def test_a_run_without_a_value_is_worse_than_any_with_one_and_ties_with_another() -> None:
    """Whichever way is better; infinite is no value either."""
    values = [math.nan, 1.0, math.nan, math.inf], [1.0, math.nan, math.nan, -math.inf]
    for best in ("higher", "lower"):
        assert differences(*values, best).tolist() == [-math.inf, math.inf, 0, 0]


def test_values_too_far_apart_for_a_float_are_infinitely_far_apart() -> None:
    """Without a warning."""
    assert differences([1e308], [-1e308], "higher").tolist() == [math.inf]


def test_ranks_share_ties_and_leave_out_zeros() -> None:
    """|d| = 1, 2, 2, ∞ have ranks 1, 2½, 2½, 4."""
    ranks = signed_ranks([2.0, 0.0, -1.0, -math.inf, -2.0])
    assert ranks.tolist() == [2.5, -1, -4, -2.5]


def test_a_difference_that_is_nan_is_refused() -> None:
    """It would be neither better nor worse."""
    with pytest.raises(ValueError, match=r"^a difference is NaN: a run without a value is worst"):
        paired_p_value([1.0, math.nan])


@given(st.lists(DIFFERENCE, min_size=1, max_size=9))
def test_the_p_value_is_that_of_all_sign_assignments(values: Values) -> None:
    """With ties, zeros and infinite differences."""
    assert paired_p_value(values) == pytest.approx(enumerated(values))


@pytest.mark.parametrize("n", [6, 13, 14, 15, 20, 50, 100])
def test_without_ties_it_is_scipys_exact_wilcoxon(n: int) -> None:
    """Which does not know ties."""
    for shift in (0.0, 0.5, 9.0):
        values = np.random.default_rng(n).normal(shift, 1, n)
        expected = stats.wilcoxon(values, method="exact").pvalue
        assert paired_p_value(values) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30)  # SciPy enumerates 2¹² signs
@given(st.lists(DIFFERENCE, min_size=2, max_size=12))
def test_with_ties_it_is_scipys_permutation_of_all_signs(values: Values) -> None:
    """Of the sum of signed ranks, also of infinite differences; zeros left out."""
    differing = np.array([value for value in values if value])
    if differing.size < 2:
        assert paired_p_value(values) == 1
        return

    def rank_sum(sample: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        ranks = np.sign(sample) * stats.rankdata(np.abs(sample), axis=axis)
        return np.asarray(ranks.sum(axis=axis))

    expected = stats.permutation_test(
        (differing,), rank_sum, permutation_type="samples", vectorized=True, n_resamples=2**12
    )
    assert paired_p_value(values) == pytest.approx(expected.pvalue, rel=1e-12)


def test_a_seed_more_or_less_makes_no_jump_to_another_method() -> None:
    """Two pairs of ties among 14, 15 and 16 seeds, by enumeration of every sign."""
    for n in (14, 15, 16):
        values = [float(k // 2 + 1) * (-1 if k % 5 == 0 else 1) for k in range(n)]
        assert paired_p_value(values) == pytest.approx(enumerated(values), rel=1e-12)


def test_a_thousand_seeds_are_tested_exactly() -> None:
    """As far as float64 goes: 2⁻⁹⁹⁹ if they agree, the normal limit's if they do not."""
    assert paired_p_value(np.ones(1000)) == smallest_p_value(1000) == 2.0**-999
    values = np.random.default_rng(5).normal(0.05, 1, 1000)
    limit = stats.wilcoxon(values, method="approx").pvalue
    assert paired_p_value(values) == pytest.approx(limit, rel=1e-3)


@pytest.mark.parametrize("n", [1, 4, 10])
def test_the_rank_sums_distribution_has_its_moments(n: int) -> None:
    """Mean n(n+1)/4, variance n(n+1)(2n+1)/24."""
    chances = rank_sum_distribution(range(1, n + 1), most=n * (n + 1) // 2)
    sums = np.arange(chances.size)
    mean = chances @ sums
    assert chances.sum() == pytest.approx(1)
    assert mean == pytest.approx(n * (n + 1) / 4)
    assert chances @ (sums - mean) ** 2 == pytest.approx(n * (n + 1) * (2 * n + 1) / 24)


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(0, 80))
def test_rank_sums_of_any_ranks_are_counted(ranks: list[int], most: int) -> None:
    """In any order, with ties, and no further than asked."""
    sums = [sum(chosen) for k in range(len(ranks) + 1) for chosen in combinations(ranks, k)]
    expected = np.bincount(sums, minlength=most + 1)[: most + 1] / 2 ** len(ranks)
    assert rank_sum_distribution(ranks, most).tolist() == expected.tolist()


def test_losses_that_never_differ_are_not_called() -> None:
    """Nor if only one seed does."""
    assert paired_p_value([0.0] * 8) == 1
    assert paired_p_value([0.0, 0.0, math.inf]) == 1
    assert paired_p_value([]) == 1


@given(st.lists(DIFFERENCE, min_size=1, max_size=8))
def test_it_does_not_matter_which_loss_is_first(values: Values) -> None:
    """Two-sided."""
    assert paired_p_value([-value for value in values]) == pytest.approx(paired_p_value(values))


@pytest.mark.parametrize(
    "sizes", [[1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 2, 9], [1, 1, 3, 3, 1e9, math.inf]]
)
def test_the_level_is_kept_exactly_whatever_the_sizes(sizes: Values) -> None:
    """Under the null all signs are as likely: P(p ≤ α) ≤ α for every α, also with ties."""
    found = [
        paired_p_value([sign * size for sign, size in zip(signs, sizes, strict=True)])
        for signs in product([-1.0, 1.0], repeat=len(sizes))
    ]
    for level in np.unique(found):
        assert np.mean(np.array(found) <= level) <= level + 1e-12


@pytest.mark.parametrize("n", [1, 3, 8, 15, 20, 60])
def test_unanimous_seeds_reach_the_smallest_p_value(n: int) -> None:
    """2^(1−n): 5 seeds cannot come to 5 %, however large the difference."""
    assert paired_p_value([float(k + 1) for k in range(n)]) == smallest_p_value(n) == 2.0 ** (1 - n)
    assert smallest_p_value(0) == 1


@settings(max_examples=10)  # statsmodels collects garbage at each call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_correction_is_statsmodels(p_values: Values) -> None:
    """An independent implementation."""
    called, adjusted, *_ = multipletests(p_values, alpha=LEVEL, method="holm")
    rows = holm(p_values)
    assert rows["adjusted"].to_numpy() == pytest.approx(adjusted)
    near = np.abs(adjusted - LEVEL) < 1e-9
    assert (rows["called"].to_numpy() == called)[~near].all()


def test_holm_asks_less_of_each_that_follows() -> None:
    """5 % over 3, 2 and 1; of equal ones the most."""
    assert holm([0.04, 0.01, 0.03])["level"].tolist() == pytest.approx([0.05, 0.05 / 3, 0.025])
    assert holm([0.25, 0.25, 0.5])["level"].tolist() == pytest.approx([0.05 / 3, 0.05 / 3, 0.05])


@pytest.mark.parametrize("p_values", [[], [0.5, math.nan], [1.5], [-0.1]])
def test_holm_takes_p_values_only(p_values: Values) -> None:
    """At least one."""
    with pytest.raises(ValueError, match=r"^Holm's correction needs p-values, all of them between"):
        holm(p_values)
