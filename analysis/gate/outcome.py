"""What a gate run comes to: a verdict per cell, an exit status, a record of all of it."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.estimates import median_interval
from analysis.gate.found import Found
from analysis.gate.pairs import CANARY
from analysis.json_text import json_text, plain
from analysis.wording import tenths

SCHEMA = 1
CLEAN, REGRESSION, ENVIRONMENT, INCONCLUSIVE = 0, 1, 2, 3


@dataclass(frozen=True)
class Row:
    """A cell's verdict.

    Args:
        cell: its name.
        verdict: "slower", "faster", "no change", "inconclusive", "machine changed",
            "incomparable" or "broken".
        text: the verdict in words, with the numbers that it goes by.
        base_seconds: of a step, the median of the pairs' medians; NaN where untimed.
        head_seconds: the same of head.
        change: head over base, minus 1.
        low: of its 95 % interval.
        high: of it.
        pairs: of fresh processes.
        detectable: the smallest slow-down that would have been called 95 times in 100.
    """

    cell: str
    verdict: str
    text: str
    base_seconds: float = math.nan
    head_seconds: float = math.nan
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    pairs: int = 0
    detectable: float = math.nan


def rows(found: Found, cells: Sequence[str]) -> list[Row]:
    """A row for each cell.

    Args:
        found: by a gate run.
        cells: in the order to show.

    Returns:
        Verdicts; where the machine changed none of them settles anything by a clock.
    """
    return [_row(found, cell) for cell in cells]


def _row(found: Found, cell: str) -> Row:
    verdict = found.verdict(cell)
    if cell in found.exact.refused:
        side, why = found.exact.refused[cell]
        return Row(cell, verdict, f"{verdict}: {side} says {why}")
    if cell not in found.speed:
        return Row(cell, verdict, f"{verdict}: there was no time for it")
    told = found.speed[cell]
    seconds = [pair.seconds[cell] for pair in found.pairs if cell in pair.seconds]
    base, head = (float(np.median([pair[side] for pair in seconds])) for side in (0, 1))
    most = max(abs(told.low), abs(told.high))
    text = {
        "slower": f"slower by {tenths(told.change)}",
        "faster": f"faster by {tenths(-told.change)}",
        "no change": f"no change larger than {tenths(most)}",
        "inconclusive": f"inconclusive: about {told.needed:.0f} pairs would settle it"
        + (f", more than the {told.most:.0f} of a run" if told.needed > told.most else ""),
        "machine changed": "machine changed: so did the kernel that no revision changes",
    }[verdict]
    numbers = (told.change, told.low, told.high, told.pairs, told.detectable)
    return Row(cell, verdict, text, base, head, *numbers)


def status(found: Found, told: Sequence[Row], *, inconclusive_ok: bool, counters_ok: bool) -> int:
    """The exit status.

    Args:
        found: by a gate run.
        told: its rows.
        inconclusive_ok: count what is not settled as clean, but not a machine that changed: head
            may have changed it, by a setting of the whole process.
        counters_ok: count counters that rose as clean.

    Returns:
        CLEAN, REGRESSION, ENVIRONMENT (nothing could be compared) or INCONCLUSIVE.
    """
    verdicts = {row.verdict for row in told}
    worse = any(change.is_worse for change in found.exact.changes) and not counters_ok
    qualities = {one.verdict for one in found.quality}
    if verdicts & {"slower", "broken"} or worse or qualities & {"worse", "broken"}:
        return REGRESSION
    if verdicts <= {"incomparable"}:
        return ENVIRONMENT
    if found.machine_changed:
        return INCONCLUSIVE
    unsettled = "inconclusive" in verdicts | qualities
    return INCONCLUSIVE if unsettled and not inconclusive_ok else CLEAN


def record(found: Found, told: Sequence[Row], facts: dict[str, Any], exit_status: int) -> bytes:
    """All of a run as JSON.

    Args:
        found: by a gate run.
        told: its rows.
        facts: of revisions, machine and budget.
        exit_status: as ``status`` has it.

    Returns:
        A document.
    """
    content = {
        "schema": SCHEMA,
        **facts,
        "exit_status": exit_status,
        "seconds": found.seconds,
        "cells": [
            _timings(found, row)
            | {
                "counters": found.exact.counters.get(row.cell, {}),
                "first_different_step": found.exact.numerics.get(row.cell),
            }
            for row in told
        ],
        "removed": found.removed,
        "screen_pairs": found.screen_pairs,
        "canary": _timings(found, _row(found, CANARY)),
        "changes": [asdict(change) for change in found.exact.changes],
        "quality": [asdict(one) for one in found.quality],
    }
    return json_text(content)


def _timings(found: Found, row: Row) -> dict[str, Any]:
    """A row with what every pair timed."""
    pairs = [pair for pair in found.pairs if row.cell in pair.log_ratios]
    return asdict(row) | {
        "log_ratios": [pair.log_ratios[row.cell] for pair in pairs],
        "seconds": [pair.seconds[row.cell] for pair in pairs],
    }


REFERENCE = "bench.gate.canary 1"
"""The kernel that a history is in units of; another size of it is another unit."""


def history_rows(found: Found, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Head's step times in units of the kernel that no revision changes, timed among its blocks.

    Args:
        found: by a gate run.
        facts: of it: time, head and machine.

    Returns:
        A row of ``analysis.history`` for each cell that was timed.
    """
    timed = dict.fromkeys(name for pair in found.pairs for name in pair.in_canaries)
    return [_history_row(found, cell, facts) for cell in timed]


def _history_row(found: Found, cell: str, facts: dict[str, Any]) -> dict[str, Any]:
    pairs = [pair for pair in found.pairs if cell in pair.in_canaries]
    ratio = median_interval([pair.in_canaries[cell] for pair in pairs])
    return {
        "time": facts["time"],
        "commit": facts["head"],
        "machine": facts["machine"],
        "cell": cell,
        "reference": REFERENCE,
        "ratio": ratio.estimate,
        "low": plain(ratio.low),
        "high": plain(ratio.high),
        "pairs": len(pairs),
        "seconds_per_step": float(np.median([pair.seconds[cell][1] for pair in pairs])),
        "reference_seconds": float(np.median([pair.seconds[CANARY][1] for pair in pairs])),
    }
