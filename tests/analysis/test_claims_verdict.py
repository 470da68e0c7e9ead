"""Verdicts follow from findings, findings from intervals: the rules that every claim shares."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.claims.claim import Finding, verdict
from analysis.claims.evidence import decided, largest, most, point, runs_of, typical, worst
from analysis.estimates import Interval
from analysis.records import Records

NAN = float("nan")


def found(condition: str, holds: bool | None) -> Finding:  # noqa: FBT001  # as the table has it
    """A finding of which only the condition and the outcome matter."""
    return Finding(condition, "slope", Interval(1.0, 0.9, 1.1, 0.95, 8), "seed", holds)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "not measured"),
        ([None], "not measured"),
        ([None, None], "not measured"),
        ([True], "holds"),
        ([True, True], "holds"),
        ([True, None], "holds"),
        ([False], "does not hold"),
        ([False, False], "does not hold"),
        ([False, None], "does not hold"),
        ([True, False], "holds only when c0"),
        ([False, True], "holds only when c1"),
        ([True, False, True], "holds only when c0; c2"),
        ([True, False, None], "holds only when c0"),
    ],
)
def test_the_verdict_is_a_function_of_the_outcomes(
    outcomes: list[bool | None], expected: str
) -> None:
    """The whole truth table, up to more of the same."""
    findings = [found(f"c{number}", holds) for number, holds in enumerate(outcomes)]
    assert verdict(findings) == expected


OUTCOMES = st.lists(st.sampled_from([True, False, None]), max_size=6)


@given(OUTCOMES)
def test_what_is_not_decided_changes_no_verdict(outcomes: list[bool | None]) -> None:
    """Undecided conditions neither help nor hurt."""
    findings = [found(f"c{number}", holds) for number, holds in enumerate(outcomes)]
    assert verdict(findings) == verdict([f for f in findings if f.holds is not None])


@given(OUTCOMES)
def test_a_verdict_turns_around_with_its_findings(outcomes: list[bool | None]) -> None:
    """What holds everywhere holds nowhere once every outcome is the other."""
    turned = [None if holds is None else not holds for holds in outcomes]
    one, other = (
        verdict([found(f"c{number}", holds) for number, holds in enumerate(each)])
        for each in (outcomes, turned)
    )
    swap = {"holds": "does not hold", "does not hold": "holds", "not measured": "not measured"}
    if one in swap:
        assert other == swap[one]
    else:
        assert one.startswith("holds only when ")
        assert other.startswith("holds only when ")
        told = [set(text.removeprefix("holds only when ").split("; ")) for text in (one, other)]
        assert not told[0] & told[1]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.9, True),
        (0.0, 1.0, True),
        (-0.1, 0.5, None),
        (0.5, 1.1, None),
        (-0.5, 1.5, None),
        (1.1, 1.2, False),
        (-0.2, -0.1, False),
        (NAN, NAN, None),
        (NAN, 0.5, None),
        (0.5, NAN, None),
        (-math.inf, math.inf, None),
    ],
)
def test_an_interval_decides_only_as_a_whole(low: float, high: float, expected: Any) -> None:
    """Inside [0, 1], outside it, or neither."""
    assert decided(Interval(0.5, low, high, 0.95, 9), 0, 1) is expected


@given(st.floats(-3, 3), st.floats(0, 2), st.floats(0, 2))
def test_a_narrower_interval_never_changes_a_decision(x: float, half: float, less: float) -> None:
    """It can only make one."""
    wide = decided(Interval(x, x - half - less, x + half + less, 0.95, 9), -1, 1)
    narrow = decided(Interval(x, x - half, x + half, 0.95, 9), -1, 1)
    assert wide is None or narrow is wide


@pytest.mark.parametrize(
    ("yes", "n", "expected"),
    [
        (8, 8, True),
        (7, 8, None),
        (1, 8, None),
        (0, 8, False),
        (7, 7, None),
        (0, 7, None),
        (0, 0, None),
        (15, 20, True),
        (14, 20, None),
        (5, 20, False),
    ],
)
def test_most_seeds_is_decided_by_the_exact_interval(yes: int, n: int, expected: Any) -> None:
    """By a binomial test at 5 % of a share of one half, from 8 seeds on."""
    finding = most("ring", "share", [True] * yes + [False] * (n - yes))
    assert finding.holds is expected
    significant = bool(n) and stats.binomtest(yes, n, 0.5).pvalue < 0.05
    assert (finding.holds is not None) == (significant and n >= 8)
    assert finding.measured.n == n
    assert finding.note == ("" if n >= 8 else "fewer than 8 seeds decide nothing")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0] * 8, True),
        ([3.0] * 8, False),
        ([1.0] * 4 + [3.0] * 4, None),
        ([1.0] * 7, None),
        ([], None),
    ],
)
def test_a_typical_value_is_decided_by_the_interval_of_the_median(
    values: list[float], expected: Any
) -> None:
    """In [0, 2] or not, from 8 seeds on."""
    finding = typical("ring", "index", values, (0, 2), "as seen")
    assert finding.holds is expected
    assert finding.measured.n == len(values)
    assert finding.note.startswith("as seen")


def test_a_point_has_no_interval() -> None:
    """It is computed, not sampled."""
    number = point(0.5, 3)
    assert (number.estimate, number.n) == (0.5, 3)
    assert math.isnan(number.low)
    assert math.isnan(number.high)


def test_the_worst_error_is_infinite_where_one_is_undefined() -> None:
    """NaN is no small error."""
    assert worst([1e-12, 3e-11]) == 3e-11
    assert worst([1e-12, NAN]) == math.inf


def test_bounds_of_the_largest_cover_all_at_once() -> None:
    """Each is as wide as its share of 5 % asks: z(0.0125) for two."""
    gap = largest([0.1, -0.3], [0.01, 0.02])
    z = stats.norm.ppf(1 - 0.05 / 4)
    assert (gap.estimate, gap.n) == (0.3, 2)
    assert gap.low == pytest.approx(0.3 - 0.02 * z)
    assert gap.high == pytest.approx(0.3 + 0.02 * z)


def test_the_largest_is_covered_as_often_as_stated() -> None:
    """Nine estimates of 0 with an error of 1: at least 95 % of the bounds reach down to 0."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(2000, 9))
    covered = np.mean([largest(each, np.ones(9)).low == 0 for each in draws])
    assert 0.94 < covered < 0.97


def test_an_undefined_error_leaves_the_largest_without_bounds() -> None:
    """And so without a decision."""
    gap = largest([0.1, 0.2], [0.01, NAN])
    assert gap.estimate == 0.2
    assert decided(gap, 0, 1) is None


def test_a_seed_counts_once_in_a_condition(made: Callable[..., Records]) -> None:
    """Two files of one seed, of two versions of the code, are not two seeds."""
    runs: Any = [({"seed": seed}, "finished", []) for seed in (0, 0, 1)]
    assert runs_of(made("batches", runs), "batches", ["data"])["seed"].tolist() == [0, 1]


def test_settings_that_differ_are_conditions_of_their_own(made: Callable[..., Records]) -> None:
    """Told in words, beside the data."""
    runs: Any = [
        ({"precision": name, "beta1": 0.5}, "finished", []) for name in ("float32", "float64")
    ]
    found_runs = runs_of(made("training", runs), "training", ["data"])
    assert found_runs["condition"].tolist() == ["ring · float32", "ring · float64"]


def test_a_column_that_no_run_has_makes_no_condition(made: Callable[..., Records]) -> None:
    """Runs of before the field was added."""
    rows = runs_of(made("training", [({}, "finished", [])]), "training", ["data", "run.new"])
    assert rows["condition"].tolist() == ["ring"]
