"""What small gradients do to training: G after D's head start, by optimiser."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import MOST, joined, most, runs_of
from analysis.records import Records
from analysis.recovery import JUDGED, RECOVERED, outcomes, rule_of
from analysis.theory import NEAR_ZERO
from analysis.wording import count, number

SLOWER = 2.0
"""A saturating run that recovers after so many times the steps of the other, or more, stalls."""


def outcomes_of(records: Records) -> pd.DataFrame:
    """Which runs of the two losses recovered after D's head start.

    Args:
        records: the results.

    Returns:
        `condition`, `optimiser`, `loss`, `seed`, `steps` (until its distance is at most RECOVERED
        of that at step 0 and stays so; infinite if that never comes, or the run diverged) and
        `d_fake`, the median D(G(z)) at step 0. Runs without a positive distance at step 0 are left
        out, but not those that diverged: they did not recover.
    """
    given = [
        *("data", "loss", "run.optimiser", "run.head_start"),
        *("run.momentum", "run.adam_epsilon"),
    ]
    runs = runs_of(records, "head_start", given)
    if runs.empty:
        return pd.DataFrame(columns=["condition", "optimiser", "loss"])
    judged = runs[runs["status"].isin(JUDGED) & runs["loss"].isin(LOSSES)].reset_index(drop=True)
    ends = outcomes(records.head_start, judged, RECOVERED)
    rows = judged[["key", "machine", "loss", "seed"]].assign(
        condition=[in_words(run) for run in judged.to_dict("records")],
        optimiser=[str(run.get("run.optimiser")) for run in judged.to_dict("records")],
        steps=ends["step"].where(ends["reached"].astype(bool), math.inf),
    )[(ends["start"] > 0) | (ends["status"] == "diverged")]
    first = records.head_start.drop_duplicates(["key", "machine"])
    d_fake = first[["key", "machine", "d_fake_q50"]].rename(columns={"d_fake_q50": "d_fake"})
    return rows.merge(d_fake, on=["key", "machine"], how="left")


def in_words(run: Mapping[Hashable, Any]) -> str:
    """A run's condition: its optimiser, D's head start, the data, and what else tells runs apart.

    >>> in_words({"run.optimiser": "sgd", "run.momentum": 0.9, "run.head_start": 4000,
    ...           "condition": "ring"})
    'sgd, momentum 0.9, head start 4,000, ring'
    """
    start = run.get("run.head_start")
    told = number(start) if isinstance(start, int | float) else " ".join(str(start).split())
    return f"{rule_of(run)}, head start {told}, {run['condition']}"


def stalls(records: Records) -> list[Finding]:
    """The share of seeds in which the saturating generator stalls and the other does not."""
    found = []
    for condition, rows in outcomes_of(records).groupby("condition"):
        table = rows.pivot_table("steps", "seed", "loss", aggfunc="first")
        paired = table.reindex(columns=list(LOSSES)).dropna()
        unpaired = len(table) - len(paired)
        recovered = np.isfinite(paired)
        told = [
            f"{recovered[loss].sum()} of {len(paired)} ({words}, in {number(paired[loss].median())}"
            " steps in the median)"
            for loss, words in LOSSES.items()
        ]
        note = joined(
            f"recovered: {', '.join(told)}",
            f"D(G(z)) at step 0, in the median: {number(rows['d_fake'].median())}",
            f"{count(unpaired, 'seed')} of one loss only left out" if unpaired else "",
        )
        slower = paired["saturating"] >= SLOWER * paired["non_saturating"]
        outcomes = list(recovered["non_saturating"] & slower)
        quantity = "share of seeds in which only saturating stalls"
        found.append(most(str(condition), quantity, outcomes, note))
    return found


def adam_rescues(records: Records) -> list[Finding]:
    """Of the seeds that start saturated, the share whose saturating generator recovers by Adam."""
    rows = outcomes_of(records)
    found = []
    of_adam = rows[(rows["optimiser"] == "adam") & (rows["loss"] == "saturating")]
    for condition, seeds in of_adam.groupby("condition"):
        saturated = seeds[seeds["d_fake"] <= NEAR_ZERO]
        note = f"saturated at step 0: {len(saturated)} of {count(len(seeds), 'seed')}"
        quantity = "share of those seeds that recover"
        found.append(most(str(condition), quantity, list(np.isfinite(saturated["steps"])), note))
    return found


LOSSES = {"saturating": "saturating", "non_saturating": "non-saturating"}

MEANING = (
    f"Recovered is a finished run whose W₁ or FID comes to at most {RECOVERED} of that at step 0 "
    "and stays there to the last record"
)

STALLS = Claim(
    statement="When D has learnt too much, G trained by log(1 − D) does not learn, or takes "
    f"{SLOWER:g} times as long, and G trained by −log D does.",
    source="Goodfellow et al. 2014, section 3",
    criterion="In most seeds the non-saturating run recovers, and the saturating run of the same "
    f"weights, data and noise never does or takes at least {SLOWER:g} times as many steps: {MOST}. "
    f"{MEANING}.",
    measure=stalls,
)

ADAM_RESCUES = Claim(
    statement="Adam divides by the gradient's scale, so a saturated generator still trains.",
    source="Kingma & Ba 2015, section 2.1: updates are invariant to the gradient's scale",
    criterion="With Adam the saturating generator recovers in most seeds whose median D(G(z)) at "
    f"step 0 is at most {NEAR_ZERO}: {MOST}. {MEANING}.",
    measure=adam_rescues,
)
