"""The roofline: how much of what the device can do a step attains, and what limits it.

Every bound is a lower one of a step's seconds, made of what the step must do and what the session
measured that its device does at most:

- arithmetic_seconds: the operations of its matrix products at the best rate of any product;
- memory_seconds: its compulsory traffic at the bandwidth of its working set;
- dispatch_seconds: its operators at the cost of one in a step that has next to nothing to do,
  where they are dispatched one by one.

attainable_seconds, the larger of the first two, is the classical roofline: arithmetic hides all
traffic, or the other way round. serial_seconds, their sum, is the bound without overlap: D's
gradient waits for G's samples, D's update for its gradient, G's gradient for D's update, and an
update multiplies no matrices.

Reference:
    Williams, Waterman & Patterson 2009, "Roofline: An Insightful Visual Performance Model for
    Multicore Architectures".
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.ceilings import OF_CELL
from analysis.estimates import median_interval
from analysis.records import Records
from analysis.schema import AXES

CELL = ["machine", *(name for name in AXES if name != "seed")]

LIMITS = {
    "dispatch": "dispatch_seconds",
    "memory": "memory_seconds",
    "arithmetic": "arithmetic_seconds",
}
"""What can limit a step, and the bound that says so."""

BOUNDS = [*LIMITS.values(), "attainable_seconds", "serial_seconds"]
COUNTS = ["flops_per_step", "least_bytes_per_step", "working_set_bytes", "operators_per_step"]
SHARES = ["fraction", "serial_fraction", "accounted_fraction"]


def bounds(rounds: pd.DataFrame) -> pd.DataFrame:
    """The rounds of throughput cells, each beside its bounds.

    Args:
        rounds: `Records.throughput`.

    Returns:
        The same rows and columns with BOUNDS, in seconds; NaN where the session did not count or
        measure what a bound is made of, and dispatch_seconds where nothing is dispatched.
    """
    numbers = rounds.assign(**{name: pd.to_numeric(rounds[name]) for name in [*COUNTS, *OF_CELL]})
    arithmetic = numbers["flops_per_step"] / numbers["gemm_flops_per_second"]
    memory = numbers["least_bytes_per_step"] / numbers["bytes_per_second"]
    return numbers.assign(
        arithmetic_seconds=arithmetic,
        memory_seconds=memory,
        dispatch_seconds=numbers["operators_per_step"] * numbers["seconds_per_operator"],
        attainable_seconds=pd.concat([arithmetic, memory], axis=1).max(axis=1, skipna=False),
        serial_seconds=arithmetic + memory,
    )


def roofline(records: Records) -> pd.DataFrame:
    """What every timed cell attains of what its device can do.

    Args:
        records: the results.

    Returns:
        A row per cell whose bounds are known: its axes but the seed, COUNTS, ceilings, BOUNDS,
        `intensity` (operations per least byte), `flops_per_second`, the median
        `seconds_per_step`, `fraction` (attainable over measured seconds, the median of the rounds)
        between `low` and `high`, the same of the bound without overlap as `serial_fraction` and
        with dispatch on top as `accounted_fraction`, and `limit`, a name of LIMITS.
    """
    known = bounds(records.throughput).dropna(subset=["attainable_seconds"])
    if known.empty:
        return pd.DataFrame()
    # Pools the rounds of one cell in several sessions, each held against its own ceilings.
    cells = known.assign(**_shares(known)).groupby(CELL)
    rows = cells[[*COUNTS, *OF_CELL, *BOUNDS, "seconds_per_step", *SHARES]].median()
    found = [median_interval(fractions) for _, fractions in cells["fraction"]]
    rows = rows.assign(
        low=[interval.low for interval in found],
        high=[interval.high for interval in found],
        confidence=[interval.confidence for interval in found],
        rounds=[interval.n for interval in found],
        intensity=rows["flops_per_step"] / rows["least_bytes_per_step"],
        flops_per_second=rows["flops_per_step"] / rows["seconds_per_step"],
        limit=[limit(bounds) for bounds in rows[[*LIMITS.values()]].to_dict("records")],
    )
    return rows.reset_index()


def _shares(known: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """What each bound, and all of them one after the other, are of the measured seconds."""
    accounted = known["serial_seconds"] + known["dispatch_seconds"].fillna(0)
    bounding = (known["attainable_seconds"], known["serial_seconds"], accounted)
    pairs = zip(SHARES, bounding, strict=True)
    return {name: seconds / known["seconds_per_step"] for name, seconds in pairs}


def limit(seconds: Mapping[Any, float]) -> str:
    """What takes a step longest at the least.

    Args:
        seconds: the bounds by the names in LIMITS; NaN where there is none.

    Returns:
        A name of LIMITS.

    >>> nothing = float("nan")
    >>> limit({"dispatch_seconds": nothing, "memory_seconds": 2.0, "arithmetic_seconds": 1.0})
    'memory'
    """
    known = {name: seconds[bound] for name, bound in LIMITS.items()}
    return max(
        (name for name, value in known.items() if value == value), key=lambda name: known[name]
    )
