"""Eq. 1 at its optimum: D*, the value of the game, and where the generator's gradient is zero."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import (
    CONFIDENCE,
    NAN,
    decided,
    largest,
    point,
    rows_of,
    runs_of,
    worst,
)
from analysis.estimates import Interval
from analysis.records import Records
from analysis.theory import PAIR
from analysis.wording import count

D_TOLERANCE = 0.02
"""Of the mean |D − D*|; a D that says ½ of everything is ten times as far away at 2σ."""

VALUE_TOLERANCE = 0.1
"""Nats: a fourteenth of log 4, the range of the game's value."""

OPTIMUM_TOLERANCE = 0.01
"""Nats, at p_g = p_data, where V hardly varies from sample to sample."""

NEAR = 0.5
"""Standard deviations: within them the gradient is nearly a straight line."""

CROSSING_TOLERANCE = 0.1
"""Standard deviations from p_data."""

Measure = Callable[[str, pd.DataFrame], Finding]


def findings(records: Records, measure: Measure) -> list[Finding]:
    """A finding for each data set: of the finished runs, false where a discriminator diverged.

    Args:
        records: the results.
        measure: a condition and its rows -> what they say.

    Returns:
        One finding per condition.
    """
    found = []
    for name, runs in runs_of(records, "optimum", ["data"]).groupby("condition"):
        condition, ended = str(name), int((runs["status"] == "diverged").sum())
        rows = rows_of(records.optimum, runs[runs["status"] == "finished"])
        if ended:
            quantity, n = "discriminators that diverged", len(runs)
            found.append(Finding(condition, quantity, point(ended, n), "run", holds=False))
        elif len(rows):
            found.append(measure(condition, rows))
    return found


def states(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows once per run and displacement: what does not depend on the generator's loss."""
    return rows.drop_duplicates(["key", "machine", "displacement"])


def optimal_discriminator(records: Records) -> list[Finding]:
    """The largest mean |D − D*| over displacements."""

    def measure(condition: str, rows: pd.DataFrame) -> Finding:
        errors = states(rows)["d_error"]
        error = point(worst(errors), len(errors))
        holds = error.estimate <= D_TOLERANCE
        return Finding(condition, "largest mean |D − D*|", error, "state", holds)

    return findings(records, measure)


def value_of_the_game(records: Records) -> list[Finding]:
    """The largest |V − (−log 4 + 2·JSD)| over displacements."""

    def measure(condition: str, rows: pd.DataFrame) -> Finding:
        each = states(rows)
        gap = largest(each["value"] - each["exact_value"], each["value_error"])
        holds = decided(gap, 0, VALUE_TOLERANCE)
        return Finding(condition, "largest |V − (−log 4 + 2·JSD)| (nats)", gap, "state", holds)

    return findings(records, measure)


def value_at_optimum(records: Records) -> list[Finding]:
    """V at p_g = p_data, the mean over runs, against −log 4."""

    def measure(condition: str, rows: pd.DataFrame) -> Finding:
        each = states(rows[rows["displacement"] == 0])
        value = pooled(each["value"], each["value_error"])
        exact = -np.log(4)
        holds = decided(value, exact - OPTIMUM_TOLERANCE, exact + OPTIMUM_TOLERANCE)
        return Finding(condition, "V at p_g = p_data (nats)", value, "run", holds)

    return findings(records, measure)


def pooled(values: "pd.Series[float]", errors: "pd.Series[float]") -> Interval:
    """The mean of independent estimates, with the normal interval of their standard errors."""
    n = len(values)
    if not n:
        return Interval(NAN, NAN, NAN, CONFIDENCE, 0)
    error = float(np.sqrt((errors**2).sum())) / n
    half, mean = float(stats.norm.isf((1 - CONFIDENCE) / 2)) * error, float(values.mean())
    return Interval(mean, mean - half, mean + half, CONFIDENCE, n)


def same_fixed_point(records: Records) -> list[Finding]:
    """Where each loss's gradient changes its sign, and whether it leads there from both sides."""

    def measure(loss: str, data: str, rows: pd.DataFrame) -> Finding:
        of_loss = rows[rows["gradient_of"] == loss]
        zero = crossing(of_loss[of_loss["displacement"].abs() <= NEAR])
        away = wrong_way(of_loss)
        holds = False if away else decided(zero, -CROSSING_TOLERANCE, CROSSING_TOLERANCE)
        note = f"leads away in {count(away, 'state')}" if away else ""
        condition = f"{loss.replace('_', '-')}, {data}"
        quantity = "zero of the gradient (σ from p_data)"
        return Finding(condition, quantity, zero, "state", holds, note)

    return [found for loss in PAIR for found in findings(records, partial(measure, loss))]


def crossing(rows: pd.DataFrame) -> Interval:
    """The zero of a straight line through gradient against displacement.

    The interval is Fieller's, of the residuals about the line: they hold the noise of training, of
    evaluation, and the curve's own bend.

    Args:
        rows: `displacement` and `gradient`.

    Returns:
        The zero; without bounds where three points are lacking or the slope might be zero, and then
        without an estimate, too.

    Reference:
        Fieller 1954, "Some problems in interval estimation".
    """
    x, y = (rows[name].to_numpy(dtype=float) for name in ("displacement", "gradient"))
    unknown = Interval(NAN, NAN, NAN, CONFIDENCE, len(x))
    if len(x) < 3 or np.ptp(x) == 0 or not np.isfinite(y).all():
        return unknown
    line = stats.linregress(x, y)
    spread = ((x - x.mean()) ** 2).sum()
    noise = ((y - line.intercept - line.slope * x) ** 2).sum() / (len(x) - 2)
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(x) - 2))
    g = t**2 * noise / spread / line.slope**2 if line.slope else np.inf
    if g >= 1:
        return unknown
    zero = -line.intercept / line.slope
    away = (zero - x.mean()) / (1 - g)
    half = t * np.sqrt(noise * ((1 - g) / len(x) + (zero - x.mean()) ** 2 / spread))
    half /= abs(line.slope) * (1 - g)
    low, high = x.mean() + away - half, x.mean() + away + half
    return Interval(float(zero), float(low), float(high), CONFIDENCE, len(x))


def wrong_way(rows: pd.DataFrame) -> int:
    """States whose gradient, beyond its error, would move G further from p_data."""
    outward = -np.sign(rows["displacement"]) * rows["gradient"]
    return int((outward > 2 * rows["gradient_error"]).sum())


OPTIMAL_DISCRIMINATOR = Claim(
    statement="For G fixed the optimal discriminator is D* = p_data / (p_data + p_g): "
    "a discriminator that is trained against a generator held still becomes D*.",
    source="Goodfellow et al. 2014, Proposition 1",
    criterion=f"The mean |D − D*| over fresh samples is at most {D_TOLERANCE} at every "
    "displacement of p_g; a discriminator that diverged fails.",
    measure=optimal_discriminator,
)

VALUE_OF_THE_GAME = Claim(
    statement="With the optimal discriminator the value of the game is "
    "V = −log 4 + 2·JSD(p_data‖p_g).",
    source="Goodfellow et al. 2014, Eq. 1 and Theorem 1",
    criterion="Simultaneous 95 % bounds of |V − (−log 4 + 2·JSD)| on fresh samples are within "
    f"{VALUE_TOLERANCE} nats at every displacement of p_g.",
    measure=value_of_the_game,
)

VALUE_AT_OPTIMUM = Claim(
    statement="At p_g = p_data the value of the game is −log 4.",
    source="Goodfellow et al. 2014, Eq. 1 and Theorem 1",
    criterion="The 95 % interval of V on fresh samples is within "
    f"{OPTIMUM_TOLERANCE} nats of −log 4 = −1.386.",
    measure=value_at_optimum,
)

SAME_FIXED_POINT = Claim(
    statement="Eq. 2 (non-saturating) has the same fixed point as Eq. 1 (saturating): both "
    "gradients are zero at p_g = p_data and lead back there from both sides.",
    source="Goodfellow et al. 2014, section 3",
    criterion=f"The 95 % interval of the gradient's zero is within {CROSSING_TOLERANCE} standard "
    "deviations of p_data, and at no displacement does the gradient lead away by more than "
    "2 standard errors.",
    measure=same_fixed_point,
)
