"""The arms race: as G improves, D's accuracy falls toward ½."""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.claims.claim import Claim, Finding
from analysis.claims.evidence import MOST, joined, most, rows_of, runs_of
from analysis.records import Records
from analysis.recovery import DISTANCES, Curve, by_run, distance_of
from analysis.wording import count, number

LOSSES = ("saturating", "non_saturating", "maximum_likelihood")
"""Those whose D is a classifier, trained by Eq. 1; a critic's accuracy means nothing."""

KINDS = ("training", "batches")
"""Kinds of run that start from nothing; a head start would begin the race elsewhere."""

FEWEST_RECORDS = 5
"""After step 0: an order of fewer says little."""

FALL = 0.05
"""Of accuracy, from the highest to the last record, at least."""


def arms_race(records: Records) -> list[Finding]:
    """The share of seeds in which D's accuracy falls toward ½ while G improves."""
    curves = [_curves(records, kind) for kind in KINDS]
    rows = pd.concat([table for table in curves if len(table)] or curves[:1], ignore_index=True)
    found = []
    for condition, of_condition in rows[rows["step"] > 0].groupby("condition"):
        each = by_run(of_condition, (*DISTANCES, "accuracy")).values()
        improved = [run for run in each if improves(run)]
        others = len(each) - len(improved)
        ends = [float(run["accuracy"][-1]) for run in improved]
        note = joined(
            f"accuracy at the end, in the median: {number(float(np.median(ends)))}" if ends else "",
            f"{count(others, 'seed')} left out: G does not improve" if others else "",
        )
        outcomes = [gives_way(run) for run in improved]
        found.append(most(str(condition), "share of seeds", outcomes, note))
    return found


def _curves(records: Records, kind: str) -> pd.DataFrame:
    """The records of every finished run whose D is a classifier."""
    runs = runs_of(records, kind, ["data"])
    runs = runs[runs["loss"].isin(LOSSES) & (runs["status"] == "finished")]
    return rows_of(getattr(records, kind), runs)


def improves(run: Curve) -> bool:
    """Whether the distance to the data is smaller at the last record than at the first.

    Args:
        run: its records after step 0, in order of step.

    Returns:
        False also for a run of too few records, or of undefined distance or accuracy.
    """
    metric = distance_of(run)
    if not metric or len(run["accuracy"]) < FEWEST_RECORDS:
        return False
    distance, accuracy = (np.asarray(run[name], dtype=float) for name in (metric, "accuracy"))
    known = np.isfinite(distance).all() and np.isfinite(accuracy).all()
    return bool(known and distance[-1] < distance[0])


def gives_way(run: Curve) -> bool:
    """Whether accuracy and distance fall together, and accuracy comes nearer to ½ by FALL.

    Args:
        run: records of an improving run.

    Returns:
        False where accuracy is constant.
    """
    accuracy = np.asarray(run["accuracy"], dtype=float)
    from_half = abs(accuracy - 0.5)
    if np.ptp(accuracy) == 0 or from_half[-1] > from_half[accuracy.argmax()] - FALL:
        return False
    # The sign of Spearman's coefficient; SciPy adds a p-value in ten times the time.
    ranks = stats.rankdata([accuracy, np.asarray(run[distance_of(run)], dtype=float)], axis=1)
    return bool(np.cov(ranks)[0, 1] > 0)


ARMS_RACE = Claim(
    statement="Training drives both players: as G improves, D's accuracy falls toward ½, where it "
    "cannot tell samples from data.",
    source="Goodfellow et al. 2014, section 1, section 4 and Proposition 2",
    criterion="In most seeds in which G improves, accuracy and distance to the data (W₁ or FID) "
    "have a positive rank correlation over the records after step 0 (at least "
    f"{FEWEST_RECORDS}), and the last accuracy is nearer to ½ than the highest by at least {FALL}: "
    f"{MOST}.",
    measure=arms_race,
)
