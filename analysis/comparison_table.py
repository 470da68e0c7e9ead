"""The comparisons of losses as text for the page."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures import metric
from analysis.figures.families import advantage, better_first, comparisons, won
from analysis.figures.panel import label
from analysis.records import Records
from analysis.recovery import DISTANCES
from analysis.wording import listing, number, percent


def comparison_table(records: Records) -> pd.DataFrame:
    """The pairs of losses compared by final W₁ or FID; the CSV beside the figure has all metrics.

    Args:
        records: the results.

    Returns:
        A row of text per pair, the better loss first if either is, the smallest p-values first in
        each setting; empty if no two losses share a seed.
    """
    rows = comparisons(records)
    if rows.empty:
        return rows
    rows = rows[rows["metric"].isin(list(DISTANCES))]
    rows = rows.sort_values(["setting", "metric", "adjusted", "p", "loss", "other"])
    return pd.DataFrame([in_words(better_first(row)) for row in rows.to_dict("records")])


def in_words(row: Mapping[Hashable, Any]) -> dict[str, str]:
    """One comparison under the headings of the page."""
    seeds = f"{row['seeds']}" + (f" ({row['without']} without a value)" if row["without"] else "")
    # Where all seeds agree the effect has no upper end: so many are what the test needs at least.
    at_least = "≥ " if np.isinf(row["effect"]) else ""
    pair = label(row["loss"]), label(row["other"])
    better, than = pair if advantage(row) else (f"neither of {listing(pair)}", "the other")
    return {
        "Setting": str(row["setting"]),
        "Metric": metric.METRICS[row["metric"]].name,
        "Better": better,
        "Than": than,
        "Seeds": seeds,
        "Better in": won(row),
        "Probability of improvement": bounded_share(row["probability"], row["low"], row["high"]),
        "By (median)": bounded(row["shift"], row["shift_low"], row["shift_high"]),
        "p": number(row["p"]),
        "p after Holm": number(row["adjusted"]),
        "Called": "yes" if row["called"] else "no",
        "Seeds to call it": at_least + number(row["needed"]),
    }


def bounded_share(share: float, low: float, high: float) -> str:
    r"""A share and its bounds in per cent.

    >>> bounded_share(0.5, 0.25, 0.75)
    '50\xa0% [25\xa0%, 75\xa0%]'
    """
    return f"{percent(share)} [{percent(low)}, {percent(high)}]"


def bounded(estimate: float, low: float, high: float) -> str:
    """A difference and its bounds, if it has any.

    >>> bounded(-1.5, -2.0, -1.0), bounded(-1.5, float("nan"), float("nan"))
    ('−1.5 [−2, −1]', '−1.5')
    """
    text = number(estimate)
    return text if np.isnan(low) else f"{text} [{number(low)}, {number(high)}]"
