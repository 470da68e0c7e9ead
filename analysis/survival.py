"""Time to a target where some runs miss it: Kaplan-Meier curves and median times."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.estimates import Array, Interval

CLOCKS = ("step", "seconds")


@dataclass(frozen=True)
class Arrivals:
    """The share of runs that have reached their target, 1 − S(t), as a step function.

    Args:
        times: (k,), rising from 0: where the estimate or a bound may change. Each value holds from
            its time up to the next.
        share: (k,), Kaplan and Meier's estimate.
        low: (k,), its pointwise lower bound.
        high: (k,), its upper bound.
        confidence: of each interval, at one time.
        n: runs.
    """

    times: Array
    share: Array
    low: Array
    high: Array
    confidence: float
    n: int


def exposures(outcomes: pd.DataFrame) -> pd.DataFrame:
    """When every run reached its target, or until when it was seen to miss it.

    A run that finished without its target is censored at its last record. One that diverged
    never reaches the target, wherever it was before: it stays at risk until the longest run of
    its panel ends. To censor it where it diverged would be informative censoring: the estimate
    would treat it as a run that might still arrive like the others. A run whose memory ran out
    says nothing of the game and has to be left out before.

    Args:
        outcomes: of `recovery.outcomes` with `panel`; not changed.

    Returns:
        The same with `arrived` (bool: reached and finished), and `step_exposed` and
        `seconds_exposed`: of arrival, or of censoring.
    """
    finished = outcomes["status"] == "finished"
    rows = outcomes.assign(arrived=outcomes["reached"].astype(bool) & finished)
    for clock in CLOCKS:
        last = rows[f"last_{clock}"].astype(float)
        longest = last.groupby(rows["panel"]).transform("max")
        at_risk = last.where(finished, longest)
        rows[f"{clock}_exposed"] = rows[clock].astype(float).where(rows["arrived"], at_risk)
    return rows


def arrivals(times: ArrayLike, arrived: ArrayLike, confidence: float = 0.95) -> Arrivals:
    """Kaplan and Meier's curve of the share that has arrived, between beta-product bounds.

    Greenwood's interval, SciPy's `sf.confidence_interval`, is undefined before the first and
    after the last arrival; of 8 to 32 runs it held the true share in 78 to 95 % of samples where
    it should in 95, on the log-log scale in 80 to 98 %. The beta-product interval is Clopper and
    Pearson's where nothing is censored before t, and held it in 95.5 to 99.7 %
    (docs/decisions/0017-statistics.md).

    Args:
        times: (n,), of arrival or censoring, steps or seconds, finite and not negative.
        arrived: (n,), bool: false is censored.
        confidence: of each pointwise interval.

    Returns:
        The curve at 0 and at every time given.

    Raises:
        ValueError: there are no times, one is not finite or negative, or the lengths differ.

    Reference:
        Kaplan & Meier 1958; Fay, Brittain & Proschan 2013, "Pointwise confidence intervals for a
        survival distribution with small samples or heavy censoring", by the method of moments.

    >>> arrivals([100, 200, 200, 300], [True, True, False, True]).share.tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    exposed, events = checked(times, arrived)
    grid = np.unique(np.append(0.0, exposed))
    data = stats.CensoredData(uncensored=exposed[events], right=exposed[~events])
    share = 1 - stats.ecdf(data).sf.evaluate(grid)
    bounds = [beta_product_bounds(exposed, events, t, confidence) for t in grid]
    low, high = np.array(bounds).T
    return Arrivals(grid, np.asarray(share), low, high, confidence, exposed.size)


def checked(times: ArrayLike, arrived: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Times and events of the same length, the times finite and not negative."""
    exposed, events = np.asarray(times, dtype=np.float64), np.asarray(arrived, dtype=bool)
    if exposed.ndim != 1 or exposed.shape != events.shape or not exposed.size:
        raise ValueError(f"one event per time: {exposed.shape} times, {events.shape} events")
    if not (np.isfinite(exposed) & (exposed >= 0)).all():
        raise ValueError("times must be finite and not negative")
    return exposed, events


def beta_product_bounds(
    times: Array, arrived: NDArray[np.bool_], t: float, confidence: float
) -> tuple[float, float]:
    """Bounds of the share that has arrived by t.

    S just after an arrival with Y at risk is S before it times a Beta(Y, 1); products of these are
    taken for the beta of their mean and variance. The upper bound of the share counts one more
    arrival, as if it came right after t.

    Args:
        times: (n,), of arrival or censoring.
        arrived: (n,).
        t: the time.
        confidence: of the interval.

    Returns:
        The lower and the upper bound.
    """
    order = np.lexsort((~arrived, times))
    at_risk = times.size - np.arange(times.size)
    passed = at_risk[arrived[order] & (times[order] <= t)].astype(np.float64)
    # At the last time those censored had not arrived; just after an earlier one nobody knows.
    left = float((times > t).sum() or (times[~arrived] == t).sum())
    low = 1 - beta_product_quantile(passed, (1 + confidence) / 2)
    high = 1 - beta_product_quantile(np.append(passed, left), (1 - confidence) / 2) if left else 1.0
    return low, high


def beta_product_quantile(at_risk: Array, q: float) -> float:
    """A quantile of the beta with the mean and variance of Π Beta(Y, 1); of no factors it is 1."""
    if not at_risk.size:
        return 1.0
    mean, square = np.prod(at_risk / (at_risk + 1)), np.prod(at_risk / (at_risk + 2))
    weight = (mean - square) / (square - mean**2)
    return float(stats.beta.ppf(q, mean * weight, (1 - mean) * weight))


def median_time(curve: Arrivals) -> Interval:
    """When half of the runs have arrived, between the times at which the bounds say so.

    Args:
        curve: of `arrivals`.

    Returns:
        The first time at which the share is at least ½; infinite where that never comes within
        the time seen. `low` is where the upper bound comes to ½, `high` where the lower does.

    Reference:
        Brookmeyer & Crowley 1982, "A confidence interval for the median survival time".

    >>> curve = arrivals(range(1, 10), [True] * 9)
    >>> [getattr(median_time(curve), name) for name in ("estimate", "low", "high")]
    [5.0, 2.0, 8.0]
    """
    estimate, low, high = (
        float(curve.times[bound >= HALF][0]) if (bound >= HALF).any() else np.inf
        for bound in (curve.share, curve.high, curve.low)
    )
    return Interval(estimate, low, high, curve.confidence, curve.n)


HALF = 0.5 - 1e-12
"""A share of one half, however it was rounded."""
