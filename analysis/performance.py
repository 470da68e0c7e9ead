"""How often, and how much later than the best, a loss reaches its target: performance profiles."""

import numpy as np
import pandas as pd

from analysis.estimates import Array

PROBLEM = ["panel", "seed"]


def tried_by_all(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The problems of each panel that every loss of the panel tried, as a table.

    Args:
        rows: one per run: `panel`, `loss`, `seed` and `time`, infinite where a run missed.

    Returns:
        Problems × losses, the index `panel` and `seed`, NaN for a loss that the whole panel lacks;
        and how many problems are left out since a run of theirs is missing. Of two runs
        of one loss on a problem the first counts.
    """
    table = rows.pivot_table("time", PROBLEM, "loss", aggfunc="first", sort=True)
    expected = table.notna().groupby(level="panel").transform("any")
    whole = (table.notna() == expected).all(axis=1)
    return table[whole], int((~whole).sum())


def ratios(times: pd.DataFrame) -> pd.DataFrame:
    """Each solver's time over the best one's on the same problem, r = t / min t.

    Args:
        times: problems × solvers, positive; infinite where a solver missed.

    Returns:
        The same shape, at least 1; infinite where a solver missed, also where all of them did.

    Raises:
        ValueError: a time is missing, 0 or negative.

    Reference:
        Dolan & Moré 2002, "Benchmarking optimization software with performance profiles",
        section 2.

    >>> ratios(pd.DataFrame({"a": [100.0, np.inf], "b": [300.0, 50.0]})).to_numpy().tolist()
    [[1.0, 3.0], [inf, 1.0]]
    """
    values = times.to_numpy(dtype=np.float64)
    if not (values > 0).all():
        raise ValueError("every solver needs a positive time for every problem, infinite if missed")
    best = values.min(axis=1, keepdims=True)
    solved = np.where(np.isfinite(values), values, 1.0) / np.where(np.isfinite(best), best, 1.0)
    return pd.DataFrame(
        np.where(np.isfinite(values), solved, np.inf), index=times.index, columns=times.columns
    )


def profile(times: pd.DataFrame) -> pd.DataFrame:
    """ρ(τ): the share of problems that a solver solves within τ times the best one's time.

    ρ(1) is how often it is (one of) the fastest; the last value is how often it arrives at all.
    ρ compares each with the best of those present: leaving one out may change the order of others.

    Args:
        times: problems × solvers, as for `ratios`, at least one problem.

    Returns:
        `loss`, `ratio` (τ, from 1 on, every ratio at which some ρ rises) and `share` (ρ, which
        holds from its τ up to the next).

    Raises:
        ValueError: there are no problems, or a time is missing, 0 or negative.

    Reference:
        Dolan & Moré 2002, Eq. 2.1 and 2.2.
    """
    if times.empty:
        raise ValueError("a performance profile needs a problem and a solver")
    table = ratios(times)
    values = table.to_numpy()
    grid = np.unique(np.append(1.0, values[np.isfinite(values)]))
    return pd.concat(
        [
            pd.DataFrame({"loss": loss, "ratio": grid, "share": reached_by(column, grid)})
            for loss, column in zip(table.columns, values.T, strict=True)
        ],
        ignore_index=True,
    )


def reached_by(values: Array, grid: Array) -> Array:
    """The share of values at or below each point of a grid."""
    return np.asarray(np.searchsorted(np.sort(values), grid, side="right") / values.size)
