"""D trained far ahead of a frozen G: which gradient vanishes, how heavy the other's tails are."""

import math

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import MEDIAN, MOST, joined, most, rows_of, runs_of, typical
from analysis.records import Records
from analysis.wording import count, number

VANISHED = 2.0
"""Decades by which a gradient that vanishes falls, at least."""

KEPT = 1.0
"""Decades by which a gradient that does not vanish falls, at most."""

INFINITE_VARIANCE = 2.0
"""A tail index below it: the variance is infinite; Cauchy's is 1."""


def histories(records: Records, loss: str) -> pd.DataFrame:
    """The rows of one loss's gradient while D is trained, of finished runs, by D's steps."""
    runs = runs_of(records, "overtrained", ["data"])
    rows = rows_of(records.overtrained, runs[runs["status"] == "finished"])
    return rows[rows["gradient_of"] == loss].sort_values("discriminator_step", kind="stable")


def decades(norms: "pd.Series[float]") -> float:
    """By how many decades a norm falls from the first row to the last.

    >>> decades(pd.Series([10.0, 5.0, 0.1])), decades(pd.Series([1.0, 0.0]))
    (2.0, inf)
    """
    first, last = float(norms.iloc[0]), float(norms.iloc[-1])
    if not (first > 0 and last >= 0 and math.isfinite(first) and math.isfinite(last)):
        return math.nan
    return math.log10(first / last) if last else math.inf


def overtrained_vanishing(records: Records) -> list[Finding]:
    """The share of seeds whose saturating gradient vanishes while the non-saturating one stays."""
    names = ["condition", "seed", "key", "machine"]
    falls = {
        loss: histories(records, loss).groupby(names)["gradient_norm"].agg(decades).rename(loss)
        for loss in ("saturating", "non_saturating")
    }
    both = pd.concat(falls.values(), axis=1).reset_index()
    found = []
    for condition, rows in both.groupby("condition"):
        known = rows.dropna()
        medians = [number(known[loss].median()) for loss in falls]
        left_out = len(rows) - len(known)
        note = joined(
            f"decades fallen in the median: {medians[0]} (saturating), {medians[1]} "
            "(non-saturating)",
            f"{count(left_out, 'seed')} left out: a norm is not finite" if left_out else "",
        )
        stays = known["non_saturating"] <= KEPT
        outcomes = list((known["saturating"] >= VANISHED) & stays)
        found.append(most(str(condition), "share of seeds", outcomes, note))
    return found


def heavy_tails(records: Records) -> list[Finding]:
    """The tail index of the non-saturating gradient's noise where D is trained furthest."""
    last = histories(records, "non_saturating").drop_duplicates(["key", "machine"], keep="last")
    found = []
    for condition, rows in last.groupby("condition"):
        known = rows["tail_index"][np.isfinite(rows["tail_index"])]
        missing = len(rows) - len(known)
        note = joined(
            f"at a median D(G(z)) of {number(rows['d_fake_q50'].median())}",
            f"{count(missing, 'seed')} without a tail index" if missing else "",
        )
        # An index is positive; the range is open at 2, which no interval's end is but by chance.
        within = (0.0, INFINITE_VARIANCE)
        found.append(typical(str(condition), "tail index", known, within, note))
    return found


OVERTRAINED_VANISHING = Claim(
    statement="The closer D is to its optimum, the smaller the saturating gradient: it vanishes, "
    "and the non-saturating one does not.",
    source="Arjovsky & Bottou 2017, Theorem 2.4; Goodfellow et al. 2014, section 3",
    criterion="With G frozen, from the first to the last point of D's training the median "
    f"saturating norm falls by at least {VANISHED:.0f} decades and the non-saturating one by at "
    f"most {KEPT:.0f}, in most seeds: {MOST}.",
    measure=overtrained_vanishing,
)

HEAVY_TAILS = Claim(
    statement="Under an overtrained D the non-saturating gradient is heavy-tailed, like a Cauchy "
    "variable: its variance over samples is infinite.",
    source="Arjovsky & Bottou 2017, Theorem 2.6: of a D whose error and its slope are white noise, "
    "independent at every sample; whether a trained D's are is what is measured",
    criterion="Where D was trained furthest, and held fixed, Hill's tail index of the minibatch "
    f"gradients' noise is below {INFINITE_VARIANCE:.0f}: {MEDIAN}.",
    measure=heavy_tails,
)
