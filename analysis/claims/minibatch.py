"""Eq. 3 against Eq. 4 of a minibatch: what mixing samples does to the ratio and the directions."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import NAN, decided, point, rows_of, runs_of
from analysis.estimates import Interval, median_interval
from analysis.records import Records
from analysis.wording import percent

RATIO_MARGIN = 0.01
"""Of the relative distance of a minibatch's ratio from that of its mean D(G(z))."""

COSINE = 0.99
"""Gradients of at least this cosine, 8 degrees apart, count as parallel."""

SEVERAL = "of 6 runs and more, the 95 % interval of their median; of fewer, every one"

Measure = Callable[[pd.DataFrame], float]


def findings(
    records: Records, quantity: str, measure: Measure, within: tuple[float, float]
) -> list[Finding]:
    """A finding for each setting and network: the extreme over shifts, its median over runs.

    The extreme of one state is computed, not sampled. So one run decides about its own state; from
    several the interval of their median decides.

    Args:
        records: the results.
        quantity: what is measured, in words.
        measure: rows of one state -> its number, NaN where it has none.
        within: the range in which the claim holds.

    Returns:
        One finding per condition that has a number.
    """
    runs = runs_of(records, "gradients", ["data"])
    rows = rows_of(records.gradients, runs[runs["status"] == "finished"])
    found = []
    for (name, network), of_state in rows.groupby(["condition", "network"]):
        states = [measure(state) for _, state in of_state.groupby(["key", "machine"])]
        values = [value for value in states if np.isfinite(value)]
        if values:
            measured = median_interval(values) if len(values) > 1 else point(values[0], 1)
            holds = decided(bounded(measured), *within)
            found.append(Finding(f"{name}, {network}", quantity, measured, "run", holds))
    return found


def bounded(measured: Interval) -> Interval:
    """A single computed number as an interval of no width."""
    if np.isfinite(measured.low):
        return measured
    number = measured.estimate
    return Interval(number, number, number, measured.confidence, measured.n)


def ratio_error(state: pd.DataFrame) -> float:
    """The largest |ratio of the norms / ((1 − D̄)/D̄) − 1| over shifts."""
    norms = state["non_saturating_gradient_norm"] / state["saturating_gradient_norm"]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = norms / (state["one_minus_d_fake"] / state["d_fake"]) - 1
    sizes = off[np.isfinite(off)].abs()
    return float(sizes.max()) if len(sizes) else NAN


def lowest_cosine(state: pd.DataFrame) -> float:
    """The lowest cosine between the two gradients over shifts."""
    return float(state["cosine"].min())


def batch_ratio(records: Records) -> list[Finding]:
    """How far a minibatch's ratio is from (1 − D̄)/D̄ of its mean D(G(z))."""
    quantity = "largest relative distance from (1 − D̄)/D̄"
    return findings(records, quantity, ratio_error, (RATIO_MARGIN, np.inf))


def batch_direction(records: Records) -> list[Finding]:
    """How far apart the directions are."""
    return findings(records, "lowest cosine", lowest_cosine, (-1.0, COSINE))


BATCH_RATIO = Claim(
    statement="For a minibatch the ratio of the gradients is not (1 − D̄)/D̄ of its mean D(G(z)): "
    "each sample's ratio is weighted by its gradient.",
    source="Eq. 3 and Eq. 4 summed over the samples of Algorithm 1's minibatch",
    criterion="At some shift of the logits the ratio is more than "
    f"{percent(RATIO_MARGIN)} away from (1 − D̄)/D̄: {SEVERAL}.",
    measure=batch_ratio,
)

BATCH_DIRECTION = Claim(
    statement="For a minibatch the two gradients have different directions: the losses weigh its "
    "samples differently.",
    source="Eq. 3 and Eq. 4 summed over the samples of Algorithm 1's minibatch",
    criterion="At some shift of the logits the cosine between the two gradients is less than "
    f"{COSINE}: {SEVERAL}.",
    measure=batch_direction,
)
