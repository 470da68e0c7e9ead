"""Where the numerics changed: does training still end as well as it did?"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from analysis.effects import shift
from analysis.gate.process import RefusalError, Worker, both

METRICS = ("w1", "fid")
"""Of which the first that a record has is compared; of all, lower is better."""

MARGIN = 0.25
"""A metric may be so much larger and still count as kept: seeds alone move it by as much."""

LOOKS = (7, 12, 24)
"""Seeds after which it is judged: rounding alone leaves the ends of a pair close together, and
seven say so; what starts another course needs more."""

CONFIDENCE = 1 - 0.05 / len(LOOKS)
"""Of an interval at each look, so that all together err as a single one of 95 % would."""

TRAINING_SECONDS = 900.0
FIRST_SECONDS = 30.0


@dataclass(frozen=True)
class Quality:
    """A verdict on where training ends.

    Args:
        cell: its name.
        verdict: "kept", "worse" or "inconclusive"; "incomparable" where base refuses to train,
            "broken" where only head does.
        metric: that was compared.
        change: head over base, minus 1, of the metric: Hodges and Lehmann's estimate.
        low: of its interval.
        high: of it.
        seeds: that ended with a value in both.
        lost: seeds that ended with a value in base alone.
        why: it was not trained.
        confidence: of the interval.
    """

    cell: str
    verdict: str
    metric: str
    change: float
    low: float
    high: float
    seeds: int
    lost: int
    why: str = ""
    confidence: float = CONFIDENCE


def quality(
    base: Worker,
    head: Worker,
    cell: str,
    fields: Mapping[str, object],
    fits: Callable[[float], bool],
) -> Quality:
    """Train seed by seed in both, each seed with the same data, noise and first weights.

    It ends at the first of LOOKS that decides, at the last, or with its time.

    Args:
        base: a worker.
        head: a worker.
        cell: its name.
        fields: of its run; of an ensemble, whose seeds come together.
        fits: whether there is time for a training of so many seconds: of the shortest so far, since
            the first one compiles; of FIRST_SECONDS before there is one.

    Returns:
        What the paired ends say.

    Raises:
        WorkerError: a process died or hung.
    """
    base_ends: list[float] = []
    head_ends: list[float] = []
    metric, shortest = METRICS[0], FIRST_SECONDS
    for look in LOOKS:
        while len(base_ends) < look and fits(shortest):
            began = time.monotonic()
            run = {**fields, "seed": len(base_ends)}
            try:
                of_base, of_head = both(base, head, "train", TRAINING_SECONDS, fields=run)
            except RefusalError as refusal:
                verdict = "incomparable" if refusal.side == "base" else "broken"
                return untrained(cell, verdict, f"{refusal.side} says {refusal}")
            metric = next((m for m in METRICS if m in of_base["ends"][0]["last"]), metric)
            base_ends += [_end(one, metric) for one in of_base["ends"]]
            head_ends += [_end(one, metric) for one in of_head["ends"]]
            shortest = min(shortest, time.monotonic() - began)
        if not base_ends:
            return untrained(cell, "inconclusive", "there was no time for it")
        found = judged(cell, metric, base_ends, head_ends)
        if found.verdict != "inconclusive":
            break
    return found


def untrained(cell: str, verdict: str, why: str) -> Quality:
    """The verdict on a cell that has no ends to compare.

    Args:
        cell: its name.
        verdict: as ``Quality`` has it.
        why: in words.
    """
    return Quality(cell, verdict, METRICS[0], math.nan, math.nan, math.nan, 0, 0, why)


def _end(one: Mapping[str, object], metric: str) -> float:
    """The last value of a run that finished; NaN of any other."""
    last = one["last"]
    value = last.get(metric) if isinstance(last, dict) else None
    if one["status"] != "finished" or not isinstance(value, int | float):
        return math.nan
    return float(value)


def judged(cell: str, metric: str, base: ArrayLike, head: ArrayLike) -> Quality:
    """Whether the metric is kept, from its ends by seed.

    Args:
        cell: its name.
        metric: lower is better, positive.
        base: (n,), NaN of a run without an end.
        head: (n,), of the same seeds.

    Returns:
        "kept" if the interval of head over base stays below 1 + MARGIN and no seed is lost; "worse"
        if it lies above 1 and its estimate above 1 + MARGIN, or if head loses so many of the seeds
        that one side alone loses as by chance in less than 1 of 60 cases; "inconclusive" otherwise.

    >>> judged("ring", "w1", [1.0] * 8, [1.01, 0.99] * 4).verdict
    'kept'
    """
    one, other = np.asarray(base, dtype=np.float64), np.asarray(head, dtype=np.float64)
    both = np.isfinite(one) & np.isfinite(other) & (one > 0) & (other > 0)
    lost = int((np.isfinite(one) & ~np.isfinite(other)).sum())
    won = int((~np.isfinite(one) & np.isfinite(other)).sum())
    found = shift(np.log(other[both] / one[both]), CONFIDENCE)
    margin = math.log1p(MARGIN)
    # Of the seeds that only one side lost, each loses half by chance.
    alone = binomtest(lost, lost + won, alternative="greater").pvalue if lost else 1.0
    if alone < 1 - CONFIDENCE or (found.low > 0 and found.estimate > margin):
        verdict = "worse"
    elif not lost and found.high < margin:
        verdict = "kept"
    else:
        verdict = "inconclusive"
    estimates = (found.estimate, found.low, found.high)
    change, low, high = (math.expm1(x) for x in estimates)
    return Quality(cell, verdict, metric, change, low, high, int(both.sum()), lost)
