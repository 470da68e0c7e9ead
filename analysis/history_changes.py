"""Steps and leaks in a series of log ratios: how many, since when and how large."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import ruptures
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Array, finite
from analysis.history_statistics import FEWEST_RUNS, SHORTEST, leaks, noise, standardised

SMALLEST_NOISE = 1e-4
"""Of a log ratio: no clock and no median of steps tells a ratio from one 0.01 % larger."""

LONGEST = 512
"""Runs that are searched, the latest: as far as the penalties are calibrated."""


@dataclass(frozen=True)
class Change:
    """A change of a series.

    Args:
        kind: "step": from one level to another; "leak": a line from a level on to the last run.
        at: the first run of the new level, or the first above the old one.
        size: the log of the new ratio over the old; of a leak what it has come to by the last run.
        low: its lower bound, 95 %, as if `at` were known.
        high: its upper bound.
    """

    kind: str
    at: int
    size: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Fit:
    """What a series looks like without its noise.

    Args:
        noise: the robust standard deviation of one run, of log ratios.
        levels: (n,), the fitted log ratios; NaN of runs before the last LONGEST.
        starts: where each level but the first begins, or the leak.
        changes: one at each start.
    """

    noise: float
    levels: Array
    starts: tuple[int, ...]
    changes: tuple[Change, ...]

    @property
    def change(self) -> Change | None:
        """The last one, if any."""
        return self.changes[-1] if self.changes else None


def fit(log_ratios: ArrayLike, confidence: float = 0.95) -> Fit:
    """The steps or the leak of a series, if it has any.

    Pelt finds the levels with the least Σ(yᵢ − level)² + penalty · changes; a leak competes with
    them, since a staircase describes a slow drift badly. Each has a penalty that noise alone rarely
    exceeds, so that of series without a change 5 % at most are said to have one, and what explains
    more is told: docs/decisions/0026-history.md. Wild runs are drawn in for the search alone.

    Args:
        log_ratios: (n,), by time.
        confidence: of each change's size.

    Returns:
        One level and no change below FEWEST_RUNS.

    Raises:
        ValueError: there are none, or one is not finite.

    Reference:
        Killick, Fearnhead & Eckley 2012, "Optimal detection of changepoints with a linear
        computational cost".
    """
    values = finite(log_ratios, "log ratios")
    skipped = max(values.size - LONGEST, 0)
    y = values[skipped:]
    spread = float(noise(y)) if y.size > 1 else np.nan
    starts: tuple[int, ...] = ()
    changes: tuple[Change, ...] = ()
    if y.size >= FEWEST_RUNS:
        kind, starts = search(standardised(y, SMALLEST_NOISE))
        levels = line(y, starts[0]) if kind == "leak" else steps(y, starts)
        changes = bounded(y - levels, levels, kind, starts, confidence) if starts else ()
    else:
        levels = steps(y, starts)
    return Fit(
        spread,
        np.concatenate([np.full(skipped, np.nan), levels]),
        tuple(start + skipped for start in starts),
        tuple(replace(change, at=change.at + skipped) for change in changes),
    )


def search(values: Array) -> tuple[str, tuple[int, ...]]:
    """Where a series in units of its noise changes.

    Whether it does is decided by the penalties; how, by what explains more for as many parameters.

    Args:
        values: (n,), of `standardised`.

    Returns:
        "step" and the first runs of the levels after the first, or "leak" and the first run above
        its level; without a change "step" and none.
    """
    step, leak = penalties(values.size)
    # Pelt for the linear kernel is Pelt for l2, in C: jump 1 and its minimal length are the same.
    pelt = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(values[:, None])
    starts = tuple(int(start) for start in pelt.predict(pen=step)[:-1])
    # With a minimal length Pelt may have thrown away the start that would show no change is better.
    if explained(values, starts) <= step * len(starts):
        starts = ()
    by_leak = (leaks(values.size) @ values) ** 2
    if not starts and by_leak.max() <= leak:
        return "step", ()
    starts = starts or (best_split(values),)
    if by_leak.max() > explained(values, starts) - leak * (len(starts) - 1):
        return "leak", (int(by_leak.argmax()) + 1,)
    return "step", starts


def explained(values: Array, starts: tuple[int, ...]) -> float:
    """What levels explain of the squares about the mean.

    >>> explained(np.array([1.0, 1.0, 3.0, 3.0]), (2,)), explained(np.array([1.0, 3.0]), ())
    (4.0, 0.0)
    """
    return float(np.square(steps(values, starts) - values.mean()).sum())


def best_split(values: Array) -> int:
    """Where a second level explains most.

    >>> best_split(np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]))
    4
    """
    n = values.size
    splits = np.arange(SHORTEST, n - SHORTEST + 1)
    before = np.cumsum(values - values.mean())[splits - 1]
    return int(splits[np.argmax(before**2 / (splits * (n - splits)))])


def penalties(n: int) -> tuple[float, float]:
    """What a step and a leak have to explain, each, in units of the noise's square.

    Args:
        n: runs, from FEWEST_RUNS to LONGEST; between the table's lengths its logarithm decides.

    >>> penalties(8) == PENALTIES[8]
    True
    """
    lengths = np.log([*PENALTIES])
    of_length = np.array([*PENALTIES.values()]).T
    step, leak = (float(np.interp(np.log(n), lengths, column)) for column in of_length)
    return step, leak


def steps(values: Array, starts: tuple[int, ...]) -> Array:
    """Each value's level: the mean from one start to the next.

    >>> steps(np.array([1.0, 3.0, 5.0]), (2,)).tolist()
    [2.0, 2.0, 5.0]
    """
    parts = np.split(values, starts)
    return np.concatenate([np.full(part.size, part.mean()) for part in parts])


def line(values: Array, start: int) -> Array:
    """The least-squares level before a start that goes over into a line from there to the end.

    >>> line(np.array([1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]), 2)[:3].round(9).tolist()
    [1.0, 1.0, 2.0]
    """
    shape = leaks(values.size)[start - 1]
    return np.asarray(values.mean() + (shape @ values) * shape)


def bounded(
    residuals: Array, levels: Array, kind: str, starts: tuple[int, ...], confidence: float
) -> tuple[Change, ...]:
    """Changes between Student's bounds, each as if its place were known.

    Args:
        residuals: (n,), what the levels leave.
        levels: (n,).
        kind: "step" or "leak".
        starts: as `search` has them.
        confidence: of the bounds.
    """
    n = levels.size
    freedom = n - 3 if kind == "leak" else n - len(starts) - 1
    deviation = np.sqrt(np.square(residuals).sum() / freedom)
    half = stats.t.ppf((1 + confidence) / 2, freedom) * deviation
    sizes = leak_size(levels, starts[0]) if kind == "leak" else step_sizes(levels, starts)
    return tuple(
        Change(kind, at, size, float(size - half * error), float(size + half * error))
        for at, (size, error) in zip(starts, sizes, strict=True)
    )


def step_sizes(levels: Array, starts: tuple[int, ...]) -> list[tuple[float, float]]:
    """What each step comes to, and its standard error in units of a run's deviation.

    >>> step_sizes(np.array([0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0]), (4,))
    [(2.0, 0.7071067811865476)]
    """
    edges = (0, *starts, levels.size)
    return [
        (float(levels[at] - levels[at - 1]), math.sqrt(1 / (at - before) + 1 / (after - at)))
        for before, at, after in zip(edges, starts, edges[2:], strict=False)
    ]


def leak_size(levels: Array, start: int) -> list[tuple[float, float]]:
    """What a leak has come to by the last run, and its standard error in the same units."""
    begins = start - 1
    run = np.maximum(np.arange(levels.size) - begins, 0.0)
    error = run[-1] / np.sqrt(np.square(run - run.mean()).sum())
    return [(float(levels[-1] - levels[begins]), float(error))]


# Runs of a series -> the penalties of a step and of a leak: python -m analysis.history_calibration
# FILE, of the first 304 lines of results/reference/intel-xeon-2-cores-gate/history.jsonl.
PENALTIES: Mapping[int, tuple[float, float]] = {
    8: (35.8, 29.6),
    9: (27.3, 21.9),
    10: (30.4, 23.2),
    11: (28.9, 21.9),
    12: (29.9, 23.6),
    13: (29.4, 22.7),
    14: (30.0, 23.2),
    15: (28.2, 21.5),
    16: (30.6, 22.4),
    17: (28.0, 20.0),
    18: (28.1, 20.2),
    19: (28.5, 20.5),
    20: (29.9, 21.6),
    24: (29.9, 21.1),
    32: (30.0, 20.7),
    48: (30.5, 20.7),
    64: (30.6, 21.3),
    96: (32.2, 21.8),
    128: (32.0, 21.5),
    192: (32.5, 22.6),
    256: (33.1, 22.7),
    384: (34.0, 22.8),
    512: (34.5, 21.6),
}
