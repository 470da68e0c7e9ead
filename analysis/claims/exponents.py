"""Powers of D(G(z)) that gradients follow where it is small: in θ, at the logit, at D itself."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import CONFIDENCE, NAN, decided, point, worst
from analysis.claims.pairs import STATE, formats, pairs
from analysis.estimates import Interval, log_log_slope
from analysis.records import Records
from analysis.theory import SMALL
from analysis.wording import count, number

EXPONENT_TOLERANCE = 1e-3

DECADES = 3.0
"""Of D(G(z)), at least: a power fitted to fewer says little of a limit."""

LIMITS: Mapping[tuple[str, str], float] = {
    ("saturating, at the logit", "to_logit_saturating"): 1.0,
    ("non-saturating, at the logit", "to_logit_non_saturating"): 0.0,
    ("saturating, at the probability", "to_probability_saturating"): 0.0,
    ("non-saturating, at the probability", "to_probability_non_saturating"): -1.0,
}
"""Condition and column of `pairs` -> theory's power of D."""


def power(rows: pd.DataFrame, value: "pd.Series[float]") -> tuple[Interval, str]:
    """The power of D that a gradient follows where D is small, one level per state.

    Args:
        rows: of `pairs`.
        value: the gradient, on the same index.

    Returns:
        The exponent, all NaN if too few decades of D have positive values, and a note on what was
        left out.
    """
    small = rows["d_fake"].between(0, SMALL, inclusive="right")
    good = small & rows["representable"] & (value > 0) & np.isfinite(value)
    hidden = int((small & ~good).sum())
    note = f"{count(hidden, 'row')} lost or beyond the format left out" if hidden else ""
    d = rows.loc[good, "d_fake"]
    if len(d) < 3 or np.log10(d.max() / d.min()) < DECADES:
        return Interval(NAN, NAN, NAN, CONFIDENCE, len(d)), note
    groups = list(zip(*(rows.loc[good, name] for name in STATE), strict=True))
    return log_log_slope(d, value[good], groups, CONFIDENCE), note


def exponent(
    condition: str, quantity: str, rows: pd.DataFrame, value: "pd.Series[float]", expected: float
) -> Finding:
    """A finding on the power of D that a gradient follows."""
    slope, note = power(rows, value)
    near = (expected - EXPONENT_TOLERANCE, expected + EXPONENT_TOLERANCE)
    return Finding(condition, quantity, slope, "row", decided(slope, *near), note)


def exponents(records: Records, losses: Sequence[str], expected: float) -> list[Finding]:
    """The power of D of ‖∇θ‖ of one loss, or of the ratio of the first's to the second's.

    Args:
        records: the results.
        losses: one or two names of PAIR.
        expected: theory's power.

    Returns:
        One finding per format.
    """
    found = []
    for dtype, rows in formats(pairs(records)):
        value = rows[f"to_parameters_{losses[0]}"]
        if len(losses) > 1:
            value = value / rows[f"to_parameters_{losses[1]}"]
        found.append(exponent(dtype, "power of D", rows, value, expected))
    return found


def saturating_exponent(records: Records) -> list[Finding]:
    """‖∇θ log(1 − D)‖ goes like D."""
    return exponents(records, ["saturating"], 1.0)


def non_saturating_exponent(records: Records) -> list[Finding]:
    """‖∇θ log D‖ stays."""
    return exponents(records, ["non_saturating"], 0.0)


def ratio_exponent(records: Records) -> list[Finding]:
    """Their ratio goes like 1/D."""
    return exponents(records, ["non_saturating", "saturating"], -1.0)


def logit_limits(records: Records) -> list[Finding]:
    """Powers of D at the logit and at the probability, and the limit of |dL/da|; in float64."""
    both = pairs(records)
    rows = both[both["dtype"] == "float64"]
    if rows.empty:
        return []
    found = [
        exponent(condition, "power of D", rows, rows[column], expected)
        for (condition, column), expected in LIMITS.items()
    ]
    lowest = rows[rows["d_fake"] == rows["d_fake"].min()]
    off = worst((lowest["to_logit_non_saturating"] - 1).abs())
    quantity = f"distance of |dL/da| from 1 at D = {number(lowest['d_fake'].iloc[0])}"
    holds = off <= EXPONENT_TOLERANCE if lowest["d_fake"].iloc[0] <= SMALL else None
    level = Finding("non-saturating, its level", quantity, point(off, len(lowest)), "state", holds)
    return [*found, level]


CRITERION = (
    "The 95 % interval of the power of D, fitted where D(G(z)) ≤ {} over at least {:.0f} decades, "
    "is within {} of {}."
)

SATURATING_EXPONENT = Claim(
    statement="As D(G(z)) → 0 the saturating gradient vanishes like D: ‖∇θ log(1 − D)‖ ∝ D¹.",
    source="Goodfellow et al. 2014, section 3, Eq. 4, with ∇D = D(1 − D)∇a",
    criterion=CRITERION.format(SMALL, DECADES, EXPONENT_TOLERANCE, 1),
    measure=saturating_exponent,
)

NON_SATURATING_EXPONENT = Claim(
    statement="As D(G(z)) → 0 the non-saturating gradient stays: ‖∇θ log D‖ ∝ D⁰.",
    source="Goodfellow et al. 2014, section 3, Eq. 3, with ∇D = D(1 − D)∇a",
    criterion=CRITERION.format(SMALL, DECADES, EXPONENT_TOLERANCE, 0),
    measure=non_saturating_exponent,
)

RATIO_EXPONENT = Claim(
    statement="As D(G(z)) → 0 the ratio of the non-saturating to the saturating gradient grows "
    "like 1/D.",
    source="Goodfellow et al. 2014, section 3, Eq. 3 over Eq. 4",
    criterion=CRITERION.format(SMALL, DECADES, EXPONENT_TOLERANCE, "−1"),
    measure=ratio_exponent,
)

LOGIT_LIMITS = Claim(
    statement="Only with respect to D does Eq. 3 grow like 1/D. At the logit, and so in every "
    "parameter, the non-saturating gradient tends to the constant 1, the saturating one to 0.",
    source="Chain rule on Eq. 3 and Eq. 4: dD/da = D(1 − D)",
    criterion="In float64, where D(G(z)) ≤ "
    f"{SMALL}, 95 % intervals of the powers of D are within {EXPONENT_TOLERANCE} of 1 and 0 (at "
    "the logit) and of 0 and −1 (at the probability), of the saturating and the non-saturating "
    f"loss; at the smallest D the non-saturating |dL/da| is within {EXPONENT_TOLERANCE} of 1.",
    measure=logit_limits,
)
