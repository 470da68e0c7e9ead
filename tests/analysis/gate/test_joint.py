"""The joint test of cells against brute force, and how often it errs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.comparison import paired_p_value
from analysis.gate.joint import MOST_PAIRS, joint_p_values

log_ratios = st.floats(-1, 1).map(lambda x: x or 0.5)


@given(st.lists(log_ratios, min_size=2, max_size=9))
def test_one_cell_has_the_signed_rank_test(values: list[float]) -> None:
    """Exact, ties and all; so have cells that are the same."""
    expected = paired_p_value(values)
    assert joint_p_values([values]) == pytest.approx([expected], rel=1e-12)
    assert joint_p_values([values, values]) == pytest.approx([expected] * 2, rel=1e-12)


@given(st.integers(2, 4), st.integers(2, 7), st.randoms(use_true_random=False))
def test_the_definition(cells: int, pairs: int, random: np.random.Generator) -> None:
    """Every assignment of signs, every step, one by one."""
    array = np.array([[random.gauss(0.1, 1) for _ in range(pairs)] for _ in range(cells)])  # type: ignore[attr-defined]  # Python's

    def sums(signs: tuple[int, ...]) -> list[float]:
        changed = [np.multiply(signs, row) for row in array]
        return [abs(sum(np.sign(row) * stats.rankdata(abs(row)))) for row in changed]

    seen = sums((1,) * pairs)
    expected, least = [0.0] * cells, 0.0
    for cell in sorted(range(cells), key=lambda i: -seen[i]):
        rivals = [i for i in range(cells) if seen[i] <= seen[cell]]
        every = list(itertools.product((1, -1), repeat=pairs))
        hits = sum(max(sums(signs)[i] for i in rivals) >= seen[cell] for signs in every)
        least = max(least, hits / len(every))
        expected[cell] = least
    assert joint_p_values(array) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("together", [0.0, 0.9])
def test_unchanged_cells_are_rarely_called(together: float) -> None:
    """Any of five with p of at most 5 %, independent or moved by the same neighbours: as promised.

    A sixth cell that did change is no unchanged one.
    """
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(600):
        shared = np.sqrt(together) * rng.standard_t(3, 8)
        cells = shared + np.sqrt(1 - together) * rng.standard_t(3, (6, 8))
        cells[5] += 3
        wrong += bool((joint_p_values(cells)[:5] <= 0.05).any())
    assert stats.binomtest(wrong, 600).proportion_ci(0.999).low <= 0.05


def test_a_pair_without_a_change_counts_for_neither() -> None:
    """Zero has a rank, but no sign."""
    assert joint_p_values([[0, 1, 2, 3]]) == pytest.approx([0.25])
    assert joint_p_values(np.zeros((2, 5))) == pytest.approx([1, 1])


def test_what_cannot_be_tested_is_told() -> None:
    """All signs of many pairs are too many; a NaN has none."""
    with pytest.raises(ValueError, match="17 pairs: signs of at most 16 are all tried"):
        joint_p_values(np.ones((1, MOST_PAIRS + 1)))
    with pytest.raises(ValueError, match="a log ratio is NaN"):
        joint_p_values([[1.0, float("nan")]])
