"""What the noise of unchanged runs is taken for: closed forms, noise with a memory and without."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal, stats

from analysis.errors import UsageError
from analysis.estimates import Array
from analysis.history_calibration import BLOCKS, resampled
from analysis.history_changes import fit
from analysis.history_statistics import LEVEL, noise
from analysis.history_unchanged import LENGTHS, correlation, said_to_change, sentences


def remembering(share: float, n: int, seed: int = 1) -> Array:
    """An autoregression of order 1: its lag-1 correlation is the share."""
    shocks = np.random.default_rng(seed).normal(size=n)
    return np.asarray(signal.lfilter([1.0], [1.0, -share], shocks))


def table(*series: Array) -> pd.DataFrame:
    """A history of such log ratios."""
    names = {"machine": "m", "reference": "gemm 1"}
    parts = [
        pd.DataFrame({**names, "cell": f"cell {place}", "ratio": np.exp(values)})
        for place, values in enumerate(series)
    ]
    return pd.concat(parts)


@pytest.mark.parametrize("share", [-0.5, 0.0, 0.6])
def test_correlation_is_the_autoregressions(share: float) -> None:
    """Within three standard errors, 1/√n each at most."""
    assert correlation(remembering(share, 10_000)) == pytest.approx(share, abs=0.03)


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=30).filter(lambda x: len(set(x)) > 1))
def test_correlation_is_numpys(values: list[int]) -> None:
    """The definition by another implementation."""
    centred = np.array(values) - np.mean(values)
    all_lags = np.correlate(centred, centred, "full")
    n = len(values)
    assert correlation(values) == pytest.approx(all_lags[n] / all_lags[n - 1], abs=1e-9)
    assert -1 <= correlation(values) <= 1


def test_blocks_as_long_as_the_series_are_its_rotations() -> None:
    """In units of its noise, about its median."""
    values = np.array([0.3, 0.1, 0.4, 0.15, 0.9, 0.2])
    unit = (values - np.median(values)) / noise(values)
    drawn = resampled([values], 6)(np.random.default_rng(1), (50, 6))
    rotations = [np.roll(unit, -shift) for shift in range(6)]
    assert {tuple(row) for row in drawn} == {tuple(row) for row in rotations}


def test_every_block_of_every_series_is_drawn_as_often() -> None:
    """Two series that have no value in common; blocks of two stay together."""
    both = [np.array([0.0, 1.0, 0.5, 3.0]), np.array([0.0, 10.0, 2.5, 0.5])]
    unit = [(x - np.median(x)) / noise(x) for x in both]
    blocks = [(x[place], x[(place + 1) % 4]) for x in unit for place in range(4)]
    drawn = resampled(both, 2)(np.random.default_rng(1), (4000, 4))
    counted = pd.Series(
        [tuple(pair) for row in drawn for pair in (row[:2], row[2:])]
    ).value_counts()
    assert set(counted.index) == set(blocks)
    assert stats.chisquare(counted).pvalue > 0.001


@pytest.mark.parametrize(
    ("values", "block"), [([1.0, 2.0, 4.0], 4), ([1.0, 2.0, 4.0], 0), ([1.0, 1.0, 1.0], 1)]
)
def test_what_nothing_can_be_drawn_from_is_told(values: list[float], block: int) -> None:
    """Fewer runs than a block, or no noise."""
    with pytest.raises(ValueError, match="no noise to draw"):
        resampled([values], block)


def test_a_memory_is_taken_for_changes_and_forgetting_it_is_not() -> None:
    """Blocks of one forget; the level is what the penalties promise."""
    unchanged = [remembering(0.7, 400, seed) for seed in range(4)]
    shares = {
        block: said_to_change(resampled(unchanged, block), 40, 500, np.random.default_rng(2))
        for block in (1, 20)
    }
    assert shares[1].low < LEVEL
    assert shares[20].low > 3 * shares[1].estimate


def test_it_is_told_in_words() -> None:
    """A line for the series themselves, and one for each block and length."""
    found = [remembering(0.0, 30, seed) / 100 for seed in (1, 2)]
    first, *lines = sentences(table(*found), drawn=40)
    changes = sum(fit(values).change is not None for values in found)
    assert first.startswith(f"2 unchanged series of 30 runs: {changes} said to have a change; ")
    assert len(lines) == len(BLOCKS) * len(LENGTHS)
    assert all("said to have a change; for 5.0 % penalties of" in line for line in lines)


def test_drawn_series_without_noise_have_penalties() -> None:
    """Of runs that are often equal, neighbours in a drawn series may all be; no penalty is NaN."""
    often_equal = np.array([0, 0, 0, 1, 0, 0, 2, 1, 1, 0, 2, 2]) / 100
    for line in sentences(table(often_equal), drawn=40):
        assert "–" not in line


@pytest.mark.parametrize("values", [np.zeros(30), np.arange(7.0)])
def test_series_that_say_nothing_are_refused(values: Array) -> None:
    """Without noise, or too short for the longest block."""
    with pytest.raises(UsageError, match="unchanged runs: no series has 8 that differ"):
        list(sentences(table(values), drawn=9))
