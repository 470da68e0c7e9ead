"""What mode, precision, layout and ensemble gain: a cell against the same with the usual choice."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis import schema
from analysis.estimates import Array, Interval, finite
from analysis.records import Records

FEWEST_ROUNDS = 8
"""Below this a bootstrap interval of rounds is not worth its name."""

CELL = ["key", "machine"]

COSTS = ["images_per_second", "peak_memory_bytes", "first_call_seconds"]


def compared(records: Records) -> pd.DataFrame:
    """Every finished throughput cell beside the one that differs from it in one axis alone.

    The other has this axis at its value of BASELINES, and is equal in the machine and in every
    setting but the seed; the rounds of seeds are taken together.

    Args:
        records: the results.

    Returns:
        One row per pair, axis by axis in the order of BASELINES: the cell's `machine`, axes and
        `run.<field>`; `axis` and `choice`, its value there; `ratio`, its median samples per second
        over the other's, with `low`, `high` and `confidence`; `rounds`, the fewer of both;
        `memory_ratio` of their peaks, NaN where unknown; `first_call_seconds`; and `verdict`. No
        rows where no two cells differ so.
    """
    cells = timed(records)
    pairs = [_pairs(cells, axis) for axis in BASELINES]
    rows = pd.concat(pairs, ignore_index=True) if pairs else cells
    if rows.empty:
        return pd.DataFrame()
    both = zip(rows["images_per_second"], rows["images_per_second_baseline"], strict=True)
    # The same resamples for every pair: a cell's bounds do not hang on which others there are.
    found = [ratio_of_medians(mine, theirs, np.random.default_rng(0)) for mine, theirs in both]
    rows = rows.assign(
        ratio=[each.estimate for each in found],
        low=[each.low for each in found],
        high=[each.high for each in found],
        confidence=[each.confidence for each in found],
        rounds=[each.n for each in found],
        memory_ratio=rows["peak_memory_bytes"] / rows["peak_memory_bytes_baseline"],
        verdict=[verdict(each) for each in found],
    )
    passing = [f"{name}_baseline" for name in COSTS]
    return rows.drop(columns=["images_per_second", "peak_memory_bytes", *passing, "game"])


def timed(records: Records) -> pd.DataFrame:
    """One row per finished throughput cell, those that differ in their seed as one.

    Args:
        records: the results.

    Returns:
        `machine`, the axes and `run.<field>` but the seed; `images_per_second`, the array of its
        rounds; medians of `peak_memory_bytes` and `first_call_seconds`.
    """
    cells = records.cells
    finished = cells[(cells["kind"] == "throughput") & (cells["status"] == "finished")]
    fields = [str(name) for name in finished if str(name).startswith("run.")]
    settings = ["machine", *(name for name in schema.AXES if name != "seed"), *fields]
    known = finished[["key", *settings]].drop_duplicates(CELL)
    # A clock that read next to nothing leaves an infinite rate, which has no median.
    rates = records.throughput[records.throughput["images_per_second"] < np.inf]
    rounds = rates[[*CELL, *COSTS]].merge(known, on=CELL)
    if rounds.empty:
        return rounds.drop(columns="key")
    cell = rounds.groupby(settings, dropna=False, sort=False)
    return cell.agg(
        images_per_second=("images_per_second", np.array),
        peak_memory_bytes=("peak_memory_bytes", "median"),
        first_call_seconds=("first_call_seconds", "median"),
    ).reset_index()


def _pairs(cells: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Each cell with its own choice of an axis beside the one with the baseline's."""
    follows = FOLLOWS.get(axis, {})
    apart = (axis, *COSTS, *follows)
    settings = [name for name in cells if name not in apart]
    game = cells.groupby(settings, dropna=False, sort=False).ngroup() if len(cells) else ()
    cells = cells.assign(game=game, axis=axis)
    usual = cells[axis] == BASELINES[axis]
    for name, value in follows.items():
        if name in cells:
            usual &= cells[name].isna() | (cells[name] == value)
    baselines = cells.loc[usual, ["game", *COSTS]].drop_duplicates("game")
    chosen = cells[cells[axis] != BASELINES[axis]]
    pairs = chosen.merge(baselines, on="game", suffixes=("", "_baseline"))
    return pairs.assign(choice=[WORDS.get(axis, "{}").format(value) for value in pairs[axis]])


def ratio_of_medians(
    values: ArrayLike,
    baseline: ArrayLike,
    rng: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """The ratio of two samples' medians between percentile bootstrap bounds, from 8 values on.

    Of two samples of 10 it covers in 96 to 98 % (normal with outliers, lognormal, exponential,
    Student's t₂, rounded); quotients of each median's own bounds would be twice as wide.

    Args:
        values: (n,), positive.
        baseline: (m,), positive.
        rng: draws the resamples, of each sample by itself.
        confidence: of the interval.
        resamples: of the bootstrap.

    Returns:
        The ratio, and the fewer of n and m; its bounds are NaN where that is below 8.

    Raises:
        ValueError: a sample is empty or not finite.

    Reference:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.

    >>> ratio_of_medians([2.0] * 8, [1.0] * 8, np.random.default_rng(0))
    Interval(estimate=2.0, low=2.0, high=2.0, confidence=0.95, n=8)
    """
    samples = finite(values, "values"), finite(baseline, "baseline")
    ratio, fewer = float(_quotient(*samples)), min(map(len, samples))
    if fewer < FEWEST_ROUNDS:
        return Interval(ratio, np.nan, np.nan, confidence, fewer)
    bounds = stats.bootstrap(
        samples,
        _quotient,
        vectorized=True,
        method="percentile",
        n_resamples=resamples,
        confidence_level=confidence,
        rng=rng,
    ).confidence_interval
    return Interval(ratio, float(bounds.low), float(bounds.high), confidence, fewer)


def _quotient(values: Array, baseline: Array, axis: int = -1) -> Any:
    """The medians' ratio; any number of samples at once."""
    return np.median(values, axis=axis) / np.median(baseline, axis=axis)


def verdict(ratio: Interval) -> str:
    """Whether an interval of ratios leaves out 1, and on which side.

    >>> verdict(Interval(1.2, 1.1, 1.3, 0.95, 10)), verdict(Interval(0.8, 0.7, 0.9, 0.95, 10))
    ('gains', 'loses')
    >>> verdict(Interval(1.2, 0.9, 1.5, 0.95, 10)), verdict(Interval(1.2, np.nan, np.nan, 0.95, 3))
    ('undecided', 'undecided')
    """
    if ratio.low > 1:
        return "gains"
    return "loses" if ratio.high < 1 else "undecided"


BASELINES: Mapping[str, str | int] = {
    "mode": "eager",
    "precision": "float32",
    "layout": "contiguous",
    "ensemble": 1,
}
"""Axis -> the value that its others are held against."""

FOLLOWS: Mapping[str, Mapping[str, float]] = {"precision": {"run.loss_scale": 1.0}}
"""Axis -> settings that go with its value, and what they are at the baseline's."""

WORDS: Mapping[str, str] = {"ensemble": "ensemble {}"}
"""Axis -> how a choice is called where its value alone does not say what it is."""
