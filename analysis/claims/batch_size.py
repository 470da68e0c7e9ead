"""Do small batches make training faster? Steps and seconds to a target, by batch size."""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import MEDIAN, joined, runs_of, typical
from analysis.records import Records
from analysis.recovery import JUDGED, TARGET, outcomes
from analysis.wording import count, number

FEWEST_SIZES = 3
"""Batch sizes of a seed, at least: two have an order, but no trend."""

HELD = 0.1
"""Of G's first weights in the average that is judged: as much is told."""

COMPARABLE = 0.5
"""Of the pairs of batch sizes, at least: an order of fewer says little of a trend."""


def trend(sizes: ArrayLike, costs: ArrayLike, budgets: ArrayLike) -> float:
    """Kendall's τ between batch size and cost, over the pairs whose order is known.

    A run that missed the target within its budget is known to cost more than that, and no more is
    known; so it is comparable with those alone that arrived within its budget.

    Args:
        sizes: (n,), of one seed.
        costs: (n,), steps or seconds to the target, infinite where it was not reached.
        budgets: (n,), steps or seconds that a run had; infinite for one that diverged, which would
            never have arrived.

    Returns:
        From −1 to 1, the share of pairs in which the smaller batch arrives first less that in which
        the larger does; NaN of fewer than FEWEST_SIZES sizes or too few comparable pairs.

    Reference:
        Harrell et al. 1982, "Evaluating the yield of medical tests", with censored times.

    >>> trend([4, 16, 64], [1.0, 2.0, math.inf], [9.0, 9.0, 9.0])
    1.0
    >>> trend([4, 16, 64], [5.0, 6.0, math.inf], [9.0, 9.0, 2.0])  # 64 had 2 steps: who knows?
    nan
    """
    size, cost, budget = (np.asarray(v, dtype=np.float64)[:, None] for v in (sizes, costs, budgets))
    if np.unique(size).size < FEWEST_SIZES:
        return math.nan
    first = (cost < cost.T) & (np.isfinite(cost.T) | (cost <= budget.T))
    tied = (cost == cost.T) & np.isfinite(cost)
    smaller = size < size.T
    known = smaller & (first | first.T | tied)
    if known.sum() < COMPARABLE * smaller.sum():
        return math.nan
    return float(((smaller & first).sum() - (smaller & first.T).sum()) / known.sum())


def costs_of(records: Records, unit: str) -> pd.DataFrame:
    """What every run of the batches kind took to its target.

    Args:
        records: the results.
        unit: "step" or "seconds".

    Returns:
        `condition`, `seed`, `batch_size`, `cost` (infinite where the target was not reached, or the
        run diverged), `budget` (what the run had; infinite where it diverged) and `start` (how much
        of G's first weights the average that is judged still holds after all steps; NaN of a run
        that does not say). Left out are runs whose memory ran out, or without a distance at step 0.
    """
    runs = runs_of(records, "batches", ["data", "batch_size"])
    judged = runs[runs["status"].isin(JUDGED)].reset_index(drop=True)
    ends = outcomes(records.batches, judged, TARGET)
    finished = ends["status"] == "finished"
    told = judged[["condition", "seed", "batch_size"]].assign(
        cost=ends[unit].where(ends["reached"].astype(bool), math.inf),
        budget=ends[f"last_{unit}"].where(finished, math.inf),
        start=_number(judged, "run.average_decay") ** _number(judged, "run.steps"),
    )
    return told[(ends["start"] > 0) | ~finished]


def _number(runs: pd.DataFrame, name: str) -> pd.Series:
    """A field of each run; NaN where it has none."""
    return pd.to_numeric(runs[name]) if name in runs else pd.Series(np.nan, index=runs.index)


def small_batches(records: Records, unit: str) -> list[Finding]:
    """The trend of cost with batch size, its median over seeds.

    Args:
        records: the results.
        unit: "step" or "seconds".

    Returns:
        One finding per condition; a claim for small batches holds where it is above 0.
    """
    found = []
    for condition, rows in costs_of(records, unit).groupby("condition"):
        trends = {
            seed: trend(of_seed["batch_size"], of_seed["cost"], of_seed["budget"])
            for seed, of_seed in rows.groupby("seed")
        }
        known = [value for value in trends.values() if not math.isnan(value)]
        left_out = len(trends) - len(known)
        note = joined(
            medians(rows, {"step": "steps", "seconds": "seconds"}[unit]),
            f"{count(left_out, 'seed')} left out: too few comparable sizes" if left_out else "",
            averaged(rows),
        )
        quantity = "Kendall's τ with batch size"
        # 0 itself, no trend, is not above 0.
        within = (np.nextafter(0, 1), 1.0)
        found.append(typical(str(condition), quantity, known, within, note))
    return found


def medians(rows: pd.DataFrame, unit: str) -> str:
    """The median cost of each batch size in words; infinite where most seeds miss the target."""
    sizes = rows.groupby("batch_size")["cost"].median()
    told = [f"{number(cost)} at {size}" for size, cost in sizes.items()]
    return f"median {unit} to the target by batch size: {', '.join(told)}"


def averaged(rows: pd.DataFrame) -> str:
    """How much of the start the judged G holds in the end, where it is a tenth or more, by size."""
    held = rows.groupby("batch_size")["start"].median()
    told = ", ".join(f"{share:.0%} at {size}" for size, share in held.items() if share >= HELD)
    return told and f"the judged average of G ends with so much of its start: {told}"


def small_batches_steps(records: Records) -> list[Finding]:
    """Steps to the target."""
    return small_batches(records, "step")


def small_batches_time(records: Records) -> list[Finding]:
    """Seconds to the target."""
    return small_batches(records, "seconds")


CRITERION = (
    "Kendall's τ between batch size and {} until W₁ or FID is at "
    f"most {TARGET} of that at step 0, and stays so, is above 0: {MEDIAN}. Each seed takes "
    f"{FEWEST_SIZES} sizes and half of its pairs comparable: a run that misses the target is "
    "slower than those that reach it within its own budget, one that diverges slower than all. "
    "Where G is judged by an average over its steps, what that keeps of the start, most in the few "
    "steps of a large batch, is told."
)

SMALL_BATCHES_STEPS = Claim(
    statement="Minibatches make training faster: with a smaller batch G takes fewer steps.",
    source="Goodfellow et al. 2014, Algorithm 1, read as a statement on batch size",
    criterion=CRITERION.format("steps"),
    measure=small_batches_steps,
)

SMALL_BATCHES_TIME = Claim(
    statement="Minibatches make training faster: with a smaller batch G takes less time.",
    source="Goodfellow et al. 2014, Algorithm 1, read as a statement on batch size",
    criterion=CRITERION.format("seconds of training"),
    measure=small_batches_time,
)
