"""How large a penalty is that a series without any change hardly ever exceeds.

`python -m analysis.history_calibration [FILE]` prints a table as analysis/history_changes.py holds
it; FILE is a history of unchanged runs, such as a validation of the gate leaves.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis import history
from analysis.errors import UsageError
from analysis.estimates import Array, finite
from analysis.history_changes import SMALLEST_NOISE
from analysis.history_statistics import (
    LEVEL,
    leak_penalties,
    noise,
    standardised,
    step_penalties,
)

MARGIN = 0.9
"""The share of LEVEL that is aimed at: a simulation of so many series errs, too."""

SEED = 20140610

Law = Callable[[np.random.Generator, tuple[int, int]], Array]
"""Draws (series, runs) of noise, in any unit."""

LENGTHS = (*range(8, 21), 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

LAWS: Mapping[str, Law] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "Student's t, 3 degrees": lambda rng, shape: rng.standard_t(3, size=shape),
    "Laplace": lambda rng, shape: rng.laplace(size=shape),
}
"""Medians of many pairs are nearly normal; what a shared machine adds has longer tails."""

BLOCKS = (1, 4, 8)
"""Runs of measured noise that are drawn together: they keep what they remember of each other."""


def unchanged(rows: pd.DataFrame) -> list[Array]:
    """The log ratios of series without a change that noise can be drawn from.

    Args:
        rows: of `History`, all of one code.

    Returns:
        Those of at least as many runs as the largest of BLOCKS, and with noise.

    Raises:
        UsageError: there is none.
    """
    found = [
        np.log(series["ratio"].to_numpy(np.float64)) for _, series in rows.groupby(history.KEYS)
    ]
    sound = [values for values in found if values.size >= max(BLOCKS) and noise(values) > 0]
    if not sound:
        raise UsageError(f"unchanged runs: no series has {max(BLOCKS)} that differ")
    return sound


def resampled(series: Sequence[ArrayLike], block: int) -> Law:
    """Noise as it was measured: blocks of unchanged series strung together.

    Args:
        series: log ratios, each (n,), n ≥ block; their last run is followed by the first.
        block: runs that follow each other as they did; with 1 they forget each other.

    Returns:
        In units of each series' noise, about its median.

    Raises:
        ValueError: a series is shorter than a block, or has no noise.

    Reference:
        Politis & Romano 1992, "A circular block-resampling procedure for stationary data".
    """
    blocks = []
    for values in series:
        array = finite(values, "log ratios")
        if not (array.size >= block >= 1 and noise(array) > 0):
            raise ValueError(f"{array.size} runs, no noise to draw {block} at a time from")
        unit = (array - np.median(array)) / noise(array)
        blocks += [np.roll(unit, -start)[:block] for start in range(unit.size)]
    table = np.array(blocks)

    def law(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        number, runs = shape
        drawn = rng.integers(len(table), size=(number, -(-runs // block)))
        return np.asarray(table[drawn].reshape(number, -1)[:, :runs])

    return law


def calibrated(n: int, law: Law, series: int, rng: np.random.Generator) -> tuple[float, float]:
    """The penalties that fire in MARGIN · LEVEL of series without a change, each as often.

    Args:
        n: runs of a series.
        law: of the noise.
        series: how many to simulate.
        rng: draws them.

    Returns:
        The penalties of a step and of a leak, in units of the estimated noise's square.
    """
    # With the least noise that the search takes: of drawn runs more than half may be equal.
    table = standardised(law(rng, (series, n)), SMALLEST_NOISE)
    found = [step_penalties(table), leak_penalties(table)]
    aimed = MARGIN * LEVEL
    low, high = aimed / 2, aimed
    while high - low > 1e-4:
        middle = (low + high) / 2
        fires = [each > np.quantile(each, 1 - middle) for each in found]
        low, high = (middle, high) if (fires[0] | fires[1]).mean() < aimed else (low, middle)
    step, leak = (float(np.quantile(each, 1 - low)) for each in found)
    return step, leak


def calibrate(
    n: int, laws: Sequence[Law], series: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The largest of the penalties that laws ask for: the level holds under each.

    Args:
        n: runs of a series.
        laws: of the noise.
        series: how many to simulate of each.
        rng: draws them.
    """
    asked = [calibrated(n, law, series, rng) for law in laws]
    return max(step for step, _ in asked), max(leak for _, leak in asked)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, a line per length.

    Args:
        arguments: of the command line: a history of unchanged runs, if its noise shall count, too.
    """
    parser = argparse.ArgumentParser(prog="python -m analysis.history_calibration")
    parser.add_argument("file", type=Path, nargs="?", help="a history of unchanged runs")
    file = parser.parse_args(arguments).file
    laws = [*LAWS.values()]
    if file is not None:
        measured = unchanged(history.read(file).rows)
        laws += [resampled(measured, block) for block in BLOCKS]
    for n in LENGTHS:
        rng = np.random.default_rng([SEED, n])
        step, leak = calibrate(n, laws, 40_000 if n <= 32 else 1_200_000 // n, rng)
        sys.stdout.write(f"    {n}: ({step:.1f}, {leak:.1f}),\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
