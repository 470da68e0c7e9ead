"""What becomes of a trajectory around (0, 0): converges, orbits, diverges or stalls, how fast."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ON_CIRCLE = 1e-9
"""A spectral radius this close to 1 is 1: the linear part neither grows nor shrinks."""

ONE = 1e-6
"""An eigenvalue on the circle this close to 1 is 1: a double one is found to √ε at best, and any
other would take six million steps to turn once."""

FLAT = 0.05
"""A log distance that changes by at most this much over the tail neither grows nor shrinks."""

STILL = 0.01
"""A tail that moves by at most this share of its distance, and of the way so far, is at rest."""

EVEN = 1.25
"""Rates of a tail's two halves that differ by more than this factor are not one rate."""

FEWEST = 8
"""Points that a tail needs to say anything."""

SMALLEST = 1e-150
"""Distances below it are the equilibrium itself: their squares underflow."""


@dataclass(frozen=True)
class Verdict:
    """The linear prediction beside what the trajectory did.

    Args:
        predicted: of ``predicted_class``.
        predicted_rate: log of the spectral radius, what log distance gains per step.
        measured: "converges" (the distance from (0, 0) keeps falling, or has become 0 for good),
            "diverges" (it keeps growing, or is no longer finite), "orbits" (it does neither while
            the state moves), "stalls" (the state rests elsewhere) or "undecided" (too short to
            tell; so is a path that is at (0, 0) from its start).
        measured_rate: slope of log distance per step over the tail.
        low: lower bound of its 95 % interval, NaN if no point is to spare.
        high: upper bound.
        period_steps: of one revolution in the tail; NaN if it makes none.
        nearest: smallest distance in the tail.
        farthest: largest distance in the tail.
        theta: θ at the end, NaN where it is lost.
        psi: ψ at the end.
    """

    predicted: str
    predicted_rate: float
    measured: str
    measured_rate: float
    low: float
    high: float
    period_steps: float
    nearest: float
    farthest: float
    theta: float
    psi: float


class Slope(NamedTuple):
    """A slope per step with the bounds of its 95 % interval, which are NaN if no point is spare."""

    rate: float
    low: float
    high: float


def verdict(trajectory: ArrayLike, eigenvalues: ArrayLike = ()) -> Verdict:
    """Predicted against measured, with (0, 0) as the equilibrium.

    The tail is the last half of the steps. If it makes whole revolutions it is judged once in each,
    at one angle, so that an ellipse is not taken for a drift, and is an orbit unless its rate's
    interval excludes a change of FLAT; a slower drift takes more steps to be seen. Eigenvalues are
    local: from a start far from (0, 0) a trajectory may do something else, and both are told.

    Args:
        trajectory: (steps + 1, 2), θ and ψ in float64, since smaller formats stop falling long
            before SMALLEST; not finite from where they are lost.
        eigenvalues: of the update's derivative at (0, 0), (2,); (0,) where it has none.

    Returns:
        The verdict.

    >>> turns = np.arange(400) * 0.1
    >>> spiral = 0.99 ** np.arange(400)[:, None] * np.stack([np.cos(turns), np.sin(turns)], 1)
    >>> found = verdict(spiral, 0.99 * np.exp([0.1j, -0.1j]))
    >>> found.predicted, found.measured, round(found.measured_rate, 5), round(found.period_steps, 2)
    ('converges', 'converges', -0.01005, 62.83)
    """
    every = np.asarray(trajectory, dtype=np.float64).reshape(-1, 2)
    path = before_loss(every)
    start = tail_start(path)
    tail = path[start:]
    distance = np.hypot(*tail.T)
    times, logs, period = once_a_revolution(tail)
    slope = slope_of(times, logs)
    radius = radius_of(eigenvalues)
    return Verdict(
        predicted_class(eigenvalues),
        math.log(radius) if radius > 0 else -math.inf if radius == 0 else math.nan,
        class_of_end(path, every[len(path) :]) or measured_class(path, start, slope, period),
        *slope,
        period,
        float(distance.min(initial=math.inf)),
        float(distance.max(initial=0.0)),
        *map(float, every[-1] if len(every) else (math.nan, math.nan)),
    )


def radius_of(eigenvalues: ArrayLike) -> float:
    """The spectral radius: the largest |eigenvalue|, NaN without any.

    >>> radius_of([0.5, -2.0]), radius_of([])
    (2.0, nan)
    """
    sizes = np.abs(np.asarray(eigenvalues))
    return float(sizes.max()) if sizes.size else math.nan


def predicted_class(eigenvalues: ArrayLike) -> str:
    """What the eigenvalues of an update's derivative say of its equilibrium.

    Those on the unit circle turn a state for good, unless they are 1: where that is so of all of
    them, states beside the equilibrium are at rest, too, and descent ends at one of those.

    Args:
        eigenvalues: (n,), complex; (0,) where there is no derivative.

    Returns:
        "converges" or "diverges" by the spectral radius; where that is 1, to ON_CIRCLE, "stalls" if
        every eigenvalue on the circle is 1 (to ONE), else "orbits"; "undefined" without any.

    >>> [predicted_class(pair) for pair in ([0.9, 0.1], [1j, -1j], [1, 0.9], [1.1, 1], [])]
    ['converges', 'orbits', 'stalls', 'diverges', 'undefined']
    """
    values = np.asarray(eigenvalues, dtype=np.complex128)
    radius = radius_of(values)
    if math.isnan(radius):
        return "undefined"
    if abs(radius - 1) > ON_CIRCLE:
        return "converges" if radius < 1 else "diverges"
    on_circle = values[np.abs(values) >= 1 - ON_CIRCLE]
    return "stalls" if (np.abs(on_circle - 1) <= ONE).all() else "orbits"


def class_of_end(path: Array, rest: Array) -> str:
    """What the states after a path say of it: nothing if it has no states, or there are none.

    >>> class_of_end(np.ones((2, 2)), np.zeros((3, 2)))
    'converges'
    """
    if len(rest) and not np.abs(rest[0]).max() <= SMALLEST:
        return "diverges"
    arrived = len(path) and len(rest) and np.abs(rest).max() <= SMALLEST
    return "converges" if arrived else ""


def before_loss(path: Array) -> Array:
    """The states before the first that is not finite, or that has come to (0, 0) for good.

    >>> len(before_loss(np.array([[1.0, 1.0], [2.0, 0.0], [np.inf, 0.0]])))
    2
    """
    # Beyond √max the distance itself would overflow.
    size = np.abs(path).max(axis=1, initial=0.0)
    gone = ~(size < 1e150) | (size <= SMALLEST)
    return path[: int(np.argmax(gone))] if gone.any() else path


def tail_start(path: Array) -> int:
    """Where the tail begins: at half of the path, or at a quarter if it revolves but slowly."""
    for start in (len(path) // 2, len(path) // 4):
        if revolutions(path[start:]).size > 2:
            return start
    return len(path) // 2


def angles(tail: Array) -> Array:
    """The angle that a tail has turned through, radians; empty where it jumps instead of turning.

    A step of more than a quarter turn does not tell which way it went.
    """
    turned = np.unwrap(np.arctan2(tail[:, 1], tail[:, 0]))
    if len(tail) < 2 or np.abs(np.diff(turned)).max() > math.pi / 2:
        return np.empty(0)
    return np.asarray(np.abs(turned - turned[0]))


def revolutions(tail: Array) -> Array:
    """The times, in steps and interpolated, at which a tail has made 0, 1, 2, … revolutions."""
    turned = angles(tail)
    if not turned.size:
        return turned
    whole = np.arange(int(turned.max() / math.tau) + 1) * math.tau
    steps = np.arange(len(tail), dtype=float)
    return np.asarray(np.interp(whole, np.maximum.accumulate(turned), steps))


def once_a_revolution(tail: Array) -> tuple[Array, Array, float]:
    """Times, log distances there and the period; of all steps, and NaN, if it does not revolve."""
    steps = np.arange(len(tail), dtype=float)
    logs = np.log(np.hypot(*tail.T))
    times = revolutions(tail)
    if times.size < 2:
        return steps, logs, math.nan
    return times, np.interp(times, steps, logs), float(times[-1] / (times.size - 1))


def slope_of(times: Array, logs: Array) -> Slope:
    """Least squares with Student's interval of the residuals."""
    from scipy import stats

    if times.size < 2:
        return Slope(math.nan, math.nan, math.nan)
    line = stats.linregress(times, logs)
    if times.size < 3:
        return Slope(float(line.slope), math.nan, math.nan)
    half = float(stats.t.ppf(0.975, times.size - 2) * line.stderr)
    return Slope(float(line.slope), float(line.slope) - half, float(line.slope) + half)


def measured_class(path: Array, start: int, slope: Slope, period: float) -> str:
    """What a path does that stays finite.

    Args:
        path: (n, 2), all of it.
        start: of the tail.
        slope: of the tail's log distance.
        period: of its revolutions, NaN if it makes none.

    Returns:
        "converges", "orbits", "diverges", "stalls" or "undecided".
    """
    tail = path[start:]
    if len(tail) < FEWEST:
        return "undecided"
    if math.isnan(period):
        flat = abs(slope.rate) * len(tail) <= FLAT
        return class_of_level(path, start) if flat else class_of_drift(tail)
    span = len(tail) // period * period
    low, high = (slope.rate, slope.rate) if math.isnan(slope.low) else slope[1:]
    if low * span <= FLAT and high * span >= -FLAT:
        return "orbits"
    return "converges" if slope.rate < 0 else "diverges"


def class_of_level(path: Array, start: int) -> str:
    """What a tail does that keeps its distance without a whole revolution.

    One that jumps from side to side orbits; one that turns too slowly may yet do anything.
    """
    tail = path[start:]
    way = np.hypot(*np.diff(path, axis=0).T)
    if np.ptp(tail, axis=0).max() <= STILL * np.hypot(*tail[-1]):
        return "stalls" if way[start:].sum() <= STILL * way.sum() else "undecided"
    return "undecided" if angles(tail).size else "orbits"


def class_of_drift(tail: Array) -> str:
    """What a tail does whose distance changes without a whole revolution.

    It converges only at one rate: a distance that falls faster and faster is on its way past
    (0, 0), one that falls slower and slower may come to rest before it. It diverges at one rate or
    faster: a distance that grows slower and slower may come to rest, too.
    """
    logs = np.log(np.hypot(*tail.T))
    halves = np.array_split(logs, 2)
    early, late = (slope_of(np.arange(len(half), dtype=float), half).rate for half in halves)
    if min(early, late) * len(tail) >= -STILL:
        return "diverges" if late >= early / EVEN else "undecided"
    even = max(early, late) < 0 and 1 / EVEN <= early / late <= EVEN
    return "converges" if even else "undecided"
