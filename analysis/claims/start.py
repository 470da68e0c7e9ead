"""The start of real training: does D reject G's samples, and does Eq. 1's gradient vanish then?"""

import pandas as pd

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import MOST, joined, most, rows_of, runs_of
from analysis.records import Records
from analysis.theory import NEAR_ZERO
from analysis.wording import count, number

FIRST_STEPS = 100

SMALL_SHARE = 0.05
"""A saturating gradient at most this share of the non-saturating one counts as none. Theory's share
at NEAR_ZERO is 0.01; a minibatch's is higher, since its largest D(G(z)) weigh most."""


def lowest(records: Records) -> pd.DataFrame:
    """Every run's early record of the lowest D(G(z)).

    Args:
        records: the results.

    Returns:
        Of counterfactual runs without a head start of D, from step 1 to FIRST_STEPS: `condition`,
        `seed`, `d_fake` (the minibatch's median) and `share`, ‖g_saturating‖ / ‖g_non_saturating‖.
    """
    runs = runs_of(records, "counterfactual", ["data"])
    if "run.head_start" in runs:
        runs = runs[runs["run.head_start"].fillna(0) == 0]
    rows = rows_of(records.counterfactual, runs[runs["status"].isin(["finished", "diverged"])])
    early = rows[rows["step"].between(1, FIRST_STEPS) & (rows["scope"] == "batch")]
    state = ["condition", "seed", "key", "machine", "step"]
    columns = [*state, "d_fake", "gradient_norm"]
    of_loss = {
        loss: early.loc[early["gradient_of"] == loss, columns].rename(
            columns={"gradient_norm": loss}
        )
        for loss in ("saturating", "non_saturating")
    }
    other = of_loss["non_saturating"].drop(columns="d_fake")
    both = of_loss["saturating"].merge(other, on=state).dropna()
    both = both.assign(share=both["saturating"] / both["non_saturating"])
    first = both.sort_values(["d_fake", "step"]).drop_duplicates(["key", "machine"])
    return first[["condition", "seed", "d_fake", "share"]]


def early_near_zero(records: Records) -> list[Finding]:
    """The share of seeds whose D(G(z)) comes near 0."""
    found = []
    for condition, rows in lowest(records).groupby("condition"):
        note = f"median of the lowest D(G(z)): {number(rows['d_fake'].median())}"
        outcomes = list(rows["d_fake"] <= NEAR_ZERO)
        quantity = "share of seeds whose D(G(z)) comes near 0"
        found.append(most(str(condition), quantity, outcomes, note))
    return found


def early_no_gradient(records: Records) -> list[Finding]:
    """Of the seeds whose D(G(z)) comes near 0, the share without a saturating gradient there."""
    found = []
    for condition, rows in lowest(records).groupby("condition"):
        near = rows[rows["d_fake"] <= NEAR_ZERO]
        typical = number(near["share"].median())
        note = joined(
            f"near 0 in {len(near)} of {count(len(rows), 'seed')}",
            f"median share of the gradient: {typical}" if len(near) else "",
        )
        outcomes = list(near["share"] <= SMALL_SHARE)
        quantity = "share of those seeds with next to no saturating gradient"
        found.append(most(str(condition), quantity, outcomes, note))
    return found


EARLY_NEAR_ZERO = Claim(
    statement="Early in learning, when G is poor, D rejects samples with high confidence: D(G(z)) "
    "is near 0.",
    source="Goodfellow et al. 2014, section 3",
    criterion=f"In most seeds a minibatch's median D(G(z)) is at most {NEAR_ZERO} at a record "
    f"within the first {FIRST_STEPS} steps of real training without a head start: {MOST}.",
    measure=early_near_zero,
)

EARLY_NO_GRADIENT = Claim(
    statement="In this case log(1 − D(G(z))) saturates: it gives G next to no gradient.",
    source="Goodfellow et al. 2014, section 3",
    criterion="In most seeds that come near 0, the saturating gradient on the state of the lowest "
    f"D(G(z)) is at most {SMALL_SHARE} of the non-saturating one: {MOST}.",
    measure=early_no_gradient,
)
