"""Eq. 3 against Eq. 4 of one sample: the ratio of the gradients, and where they are equal."""

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import NAN, joined, point, worst
from analysis.claims.pairs import MARGIN, STATE, formats, pairs
from analysis.records import Records
from analysis.theory import TOLERANCES
from analysis.wording import count, number

RANGE = (1e-30, 1e-7)
"""Asked for: D(G(z)) from the first to 1 minus the second."""

ROUNDING = 0.99
"""A logit in decimals misses the ends by a little: σ(−69.08) is 9.98e-31, and counts."""

REACHED = 10.0
"""The range is covered if rows come this near to both of its ends, as a factor."""

HALF_TOLERANCE = 1e-3
"""Of the D(G(z)) at which both norms are equal."""


def ratio_errors(records: Records, column: str, quantity: str) -> list[Finding]:
    """The largest relative error of the ratio in each format, where the format can hold it.

    Args:
        records: the results.
        column: `ratio_error` or `parameter_error`.
        quantity: what it is, in words.

    Returns:
        One finding per format: undecided where the range asked for is not covered.
    """
    both = pairs(records)
    lowest, highest = (ROUNDING * end for end in RANGE)
    inside = both[(both["d_fake"] >= lowest) & (both["one_minus_d_fake"] >= highest)]
    found = []
    for dtype, rows in formats(inside):
        usable = rows[rows["representable"]]
        covered = (rows["d_fake"].min() <= REACHED * RANGE[0]) and (
            rows["one_minus_d_fake"].min() <= REACHED * RANGE[1]
        )
        error = worst(usable[column]) if len(usable) else NAN
        holds = error <= TOLERANCES[dtype] if covered and len(usable) else None
        hidden = len(rows) - len(usable)
        note = joined(
            f"{count(hidden, 'row')} beyond the format left out" if hidden else "",
            "" if covered else "D(G(z)) does not cover the range",
        )
        measured = point(error, len(usable))
        found.append(Finding(dtype, quantity, measured, "row", holds, note))
    return found


def per_sample_ratio(records: Records) -> list[Finding]:
    """The ratio of the norms against (1 − D)/D."""
    return ratio_errors(records, "ratio_error", "largest relative error of the norms' ratio")


def per_parameter_ratio(records: Records) -> list[Finding]:
    """The same of the gradients parameter by parameter: they are parallel."""
    return ratio_errors(records, "parameter_error", "largest error of a parameter")


def crossing_at_half(records: Records) -> list[Finding]:
    """Where the norms of one sample cross, and whether they are the right way round elsewhere."""
    found = []
    for dtype, rows in formats(pairs(records)):
        usable = rows[rows["representable"]]
        crossings = [crossing(state) for _, state in usable.groupby(STATE)]
        known = [d for d in crossings if not np.isnan(d)]
        wrong = wrong_side(usable)
        off = max(known, key=lambda d: abs(d - 0.5), default=NAN)
        near = abs(off - 0.5) <= HALF_TOLERANCE if known else None
        holds = False if wrong else near
        note = joined(
            f"the wrong way round in {count(wrong, 'row')}" if wrong else "",
            "some states do not reach both sides" if len(known) < len(crossings) else "",
        )
        measured = point(off, len(known))
        quantity = "D(G(z)) of equal norms, furthest from ½"
        found.append(Finding(dtype, quantity, measured, "state", holds, note))
    return found


def crossing(state: pd.DataFrame) -> float:
    """The D at which the logarithm of the ratio changes its sign, between two neighbouring rows.

    Interpolated along the logit, in which theory says that this logarithm is a straight line.

    Args:
        state: rows of `pairs` of one state.

    Returns:
        NaN if the logarithm is positive everywhere or nowhere. Where it changes its sign more than
        once, the D furthest from ½.
    """
    rows = state.sort_values("logit")
    a = rows["logit"].to_numpy(dtype=float)
    ratio = rows["to_parameters_non_saturating"] / rows["to_parameters_saturating"]
    y = np.log(ratio.where(ratio > 0).to_numpy(dtype=float))
    change = np.flatnonzero((y[:-1] > 0) != (y[1:] > 0))
    change = change[np.isfinite(y[change]) & np.isfinite(y[change + 1])]
    if not change.size:
        return NAN
    zeros = a[change] + (a[change + 1] - a[change]) * y[change] / (y[change] - y[change + 1])
    return max((float(d) for d in expit(zeros)), key=lambda d: abs(d - 0.5))


def wrong_side(rows: pd.DataFrame) -> int:
    """Rows above ½ whose saturating gradient is not the larger, and rows below ½ where it is."""
    larger = rows["to_parameters_saturating"] > rows["to_parameters_non_saturating"]
    above = rows["d_fake"] > 0.5 + HALF_TOLERANCE
    below = rows["d_fake"] < 0.5 - HALF_TOLERANCE
    return int(((above & ~larger) | (below & larger)).sum())


PER_SAMPLE_RATIO = Claim(
    statement="For one sample ‖∇θ log D‖ / ‖∇θ log(1 − D)‖ = (1 − D)/D: where D(G(z)) is small, "
    "Eq. 3's gradient is the larger by about 1/D.",
    source="Goodfellow et al. 2014, section 3, Eq. 3 and Eq. 4",
    criterion="The largest relative error over samples and D(G(z)) from 1e-30 to 1 − 1e-7 is at "
    "most 1e-10 in float64, and 1e-5 in float32 wherever no gradient is lost and every norm is at "
    f"least {number(MARGIN)} times the smallest normal number.",
    measure=per_sample_ratio,
)

PER_PARAMETER_RATIO = Claim(
    statement="For one sample the two gradients are parallel: their ratio is (1 − D)/D in every "
    "parameter.",
    source="Goodfellow et al. 2014, section 3, Eq. 3 and Eq. 4, by the chain rule",
    criterion="The largest error of any parameter, relative to the largest parameter of the same "
    "gradient, over samples and D(G(z)) is within the tolerances of the ratio of the norms, over "
    "the same range.",
    measure=per_parameter_ratio,
)

CROSSING_AT_HALF = Claim(
    statement="The two gradients are equal at D(G(z)) = ½; above it the saturating one is the "
    "larger.",
    source="Goodfellow et al. 2014, section 3: Eq. 3 and Eq. 4 at D = 1 − D",
    criterion=f"In every state the norms of one sample are equal within {HALF_TOLERANCE} of ½, and "
    "beyond that the saturating norm is the larger above and the smaller below.",
    measure=crossing_at_half,
)
