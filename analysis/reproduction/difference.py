"""Two means, theirs and ours: the interval of their difference, and what it decides."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import FEWEST_SEEDS, Interval, finite
from analysis.reproduction.row import CONFIDENCE, NAN, NOT_REPRODUCED, REPRODUCED, UNDECIDED


@dataclass(frozen=True)
class Mean:
    """A mean of trials.

    Args:
        value: the mean.
        error: its standard error; 0 for a number that stands without one, NaN of one trial.
        trials: how many.
    """

    value: float
    error: float
    trials: int


def mean_of(values: ArrayLike) -> Mean:
    """The mean of our own trials and its standard error, s/√n.

    Args:
        values: (n,), finite.

    Returns:
        The mean; its error is NaN of one value.

    Raises:
        ValueError: there are no values, or one is not finite.

    >>> mean_of([7.0, 9.0])
    Mean(value=8.0, error=1.0, trials=2)
    """
    sample = finite(values, "values")
    error = float(sample.std(ddof=1) / math.sqrt(sample.size)) if sample.size > 1 else NAN
    return Mean(float(sample.mean()), error, sample.size)


def freedom(*means: Mean) -> float:
    """Welch and Satterthwaite's degrees of freedom of a sum of independent means.

    Args:
        means: those with an error above 0 count.

    Returns:
        (Σ s²)² / Σ s⁴/(n − 1), s the standard errors; infinite if none has one.

    Reference:
        Welch 1947, "The generalization of Student's problem when several different population
        variances are involved".
    """
    total = math.hypot(*(mean.error for mean in means))
    if not total > 0:
        return math.inf
    shares = [((mean.error / total) ** 2, mean.trials) for mean in means if mean.error > 0]
    return 1 / sum(share**2 / (trials - 1) for share, trials in shares)


def difference(ours: Mean, theirs: Mean, confidence: float = CONFIDENCE) -> Interval:
    """Ours less theirs with Welch's interval, (x̄ − ȳ) ± t·√(s_x² + s_y²).

    Args:
        ours: our trials.
        theirs: the published ones, or a second sample of ours.
        confidence: of the interval.

    Returns:
        The difference; without bounds where an error is NaN. `n` counts our trials.

    >>> known = difference(Mean(7.5, 0.5, 10), Mean(6.3, 0.5, 10))
    >>> round(known.estimate, 9), round(known.low, 3), round(known.high, 3)
    (1.2, -0.286, 2.686)
    """
    estimate = ours.value - theirs.value
    error = math.hypot(ours.error, theirs.error)
    half = 0.0 if error == 0 else float(stats.t.isf((1 - confidence) / 2, freedom(ours, theirs)))
    half *= error
    return Interval(estimate, estimate - half, estimate + half, confidence, ours.trials)


def alone(mean: Mean, confidence: float = CONFIDENCE) -> Interval:
    """A mean with Student's interval.

    Args:
        mean: of our trials.
        confidence: of the interval.

    Returns:
        The mean between its bounds, which are NaN of fewer than 8 trials.
    """
    return bounded(difference(mean, Mean(0.0, 0.0, 1), confidence))


def bounded(interval: Interval) -> Interval:
    """The interval, its bounds NaN if it is of fewer than 8 of our trials."""
    if interval.n >= FEWEST_SEEDS:
        return interval
    return replace(interval, low=NAN, high=NAN)


def equal(interval: Interval, margin: float) -> str:
    """Whether a difference is shown to be none, up to a margin, or shown to be one.

    Args:
        interval: of the difference, ours less theirs.
        margin: a smaller difference does not matter.

    Returns:
        REPRODUCED if the whole interval lies within ±margin; NOT_REPRODUCED if it does not, and 0
        is outside of it; UNDECIDED if it reaches from 0 beyond the margin, and without bounds.

    Reference:
        Schuirmann 1987, two one-sided tests of equivalence.

    >>> of = lambda low, high: Interval((low + high) / 2, low, high, 0.95, 8)
    >>> [equal(of(*bounds), 1.5) for bounds in ((-1, 1), (0.1, 1), (0.5, 3), (-1, 3))]
    ['reproduced', 'reproduced', 'not reproduced', 'undecided']
    """
    if not np.isfinite([interval.low, interval.high]).all():
        return UNDECIDED
    if max(abs(interval.low), abs(interval.high)) <= margin:
        return REPRODUCED
    return NOT_REPRODUCED if interval.low > 0 or interval.high < 0 else UNDECIDED


def larger(interval: Interval) -> str:
    """Whether an order is there: the first of two of our means is the larger one.

    Args:
        interval: of the first less the second.

    Returns:
        REPRODUCED if the whole interval is above 0, NOT_REPRODUCED if none of it is, else
        UNDECIDED.
    """
    if math.isnan(interval.low) or math.isnan(interval.high):
        return UNDECIDED
    if interval.low > 0:
        return REPRODUCED
    return NOT_REPRODUCED if interval.high <= 0 else UNDECIDED
