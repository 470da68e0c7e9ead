"""How often the noise of unchanged runs is taken for a change: noise as a machine makes it.

The penalties of analysis/history_changes.py are of one machine; here they meet what another
measured on one commit, with what its runs remember of each other.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.estimates import Interval, finite, share_interval
from analysis.history_calibration import BLOCKS, SEED, Law, calibrated, resampled, unchanged
from analysis.history_changes import fit, penalties
from analysis.history_statistics import LEVEL
from analysis.wording import count, number, tenths

LENGTHS = (8, 12, 20, 40, 100)
"""Runs of a series that is drawn."""

DRAWN = 2000
"""Series of each length and block."""


def correlation(values: ArrayLike) -> float:
    """How a run's noise goes with the next one's: the autocorrelation at lag 1.

    Args:
        values: (n,), n ≥ 2, not all the same.

    Returns:
        Between −1 and 1; of noise without memory −1/n on average.

    >>> correlation([1.0, -1.0, 1.0, -1.0])
    -0.75
    """
    array = finite(values, "log ratios")
    centred = array - array.mean()
    return float((centred[1:] * centred[:-1]).sum() / np.square(centred).sum())


def said_to_change(law: Law, n: int, number: int, rng: np.random.Generator) -> Interval:
    """How often a series without a change is said to have one.

    Args:
        law: of its noise.
        n: runs of it.
        number: of series.
        rng: draws them.

    Returns:
        The share with its 95 % interval.
    """
    found = sum(fit(values).change is not None for values in law(rng, (number, n)))
    return share_interval(found, number)


def sentences(rows: pd.DataFrame, drawn: int) -> Iterator[str]:
    """What the noise of unchanged series does.

    Args:
        rows: of `History`, all of one code.
        drawn: how many to draw of each length and block.

    Yields:
        Lines.

    Raises:
        UsageError: they are too short to draw from.
    """
    sound = unchanged(rows)
    changed = sum(fit(values).change is not None for values in sound)
    remembered = [correlation(values) for values in sound]
    without = -float(np.mean([1 / values.size for values in sound]))
    yield (
        f"{len(sound)} unchanged series of {_range([values.size for values in sound])} runs: "
        f"{changed} said to have a change; neighbours correlate by "
        f"{_range(remembered)} ({number(without, 2)} without memory)"
    )
    for block in BLOCKS:
        law = resampled(sound, block)
        for n in LENGTHS:
            rng = np.random.default_rng([SEED, block, n])
            share = said_to_change(law, n, drawn, rng)
            asked = calibrated(n, law, drawn, rng)
            yield (
                f"series of {n} runs, drawn {count(block, 'run')} at a time: "
                f"{tenths(share.estimate)} [{_percent(share.low)}, {_percent(share.high)}] said to "
                f"have a change; for {tenths(LEVEL)} penalties of {_two(asked)}, not "
                f"{_two(penalties(n))}"
            )


def _range(values: Sequence[float]) -> str:
    low, high = (number(one, 2) for one in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _percent(share: float) -> str:
    return number(100 * share, 2)


def _two(found: tuple[float, float]) -> str:
    return " and ".join(number(one) for one in found)
