"""What does not depend on the machine, recorded once and checked ever after: no clock is read."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.gate.cells import CELLS
from bench.gate.counters import counters
from bench.gate.golden import golden
from gan.data import load
from gan.ensemble import trainer_of
from gan.errors import UsageError
from gan.run import Run

SCHEMA = 1
TOLERANCE = 1e-4
"""Of a trace in float64: processors draw normal numbers that differ in float32's last digit."""

PORTABLE = (
    "parameters",
    "state_bytes",
    "flops_per_step",
    "operators_per_step",
    "graphs",
    "graph_breaks",
    "recorded_operations",
)
"""Counters that are one number everywhere; libraries allocate as the processor suggests."""

RECORDED = tuple(name for name in CELLS if name not in ("ring-r1-compile", "digits-compile"))
"""One compiled game tells whether the step is still one graph; each costs 15 seconds."""

Record = dict[str, Any]


def record() -> Record:
    """Count and trace every recorded cell.

    Returns:
        Ready for JSON.
    """
    return {"schema": SCHEMA, "cells": {name: _cell(CELLS[name]) for name in RECORDED}}


def _cell(fields: Mapping[str, str | int | float]) -> Record:
    run = Run(**fields)  # type: ignore[arg-type]  # names and numbers by field
    found = counters(trainer_of(run, load(run.data)))
    exact = Run(**{**fields, "precision": "float64", "mode": "eager"})  # type: ignore[arg-type]  # as above
    trace = golden(trainer_of(exact, load(run.data)))["trace"]
    return {
        "counters": {name: found[name] for name in PORTABLE if name in found},
        "trace": trace,
    }


def read(file: Path) -> Record:
    """A record.

    Args:
        file: that ``record`` was written to.

    Returns:
        It.

    Raises:
        UsageError: it is not there, or not one.
    """
    try:
        found = json.loads(file.read_text())
        sound = found["schema"] == SCHEMA and isinstance(found["cells"], dict)
    except FileNotFoundError:
        raise UsageError(
            f"there is no {file}: write it with `python -m bench.gate record`"
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{file} is no record of the gate: {type(error).__name__}") from None
    if not sound:
        raise UsageError(f"{file} is no record of this version's gate")
    return dict(found)


def differences(before: Record, now: Record) -> list[str]:
    """What changed, line by line.

    Args:
        before: a record.
        now: another.

    Returns:
        Each counter with both values; the first step at which a trace is another.
    """
    lines = []
    for cell in dict.fromkeys([*before["cells"], *now["cells"]]):
        one, other = (side["cells"].get(cell) for side in (before, now))
        if one is None or other is None:
            lines.append(f"{cell}: only {'now' if one is None else 'before'}")
            continue
        names = dict.fromkeys([*one["counters"], *other["counters"]])
        values = {n: (one["counters"].get(n), other["counters"].get(n)) for n in names}
        lines += [f"{cell}: {n} {a} → {b}" for n, (a, b) in values.items() if a != b]
        step = first_other_step(one["trace"], other["trace"])
        if step:
            lines.append(f"{cell}: another trace from step {step} on")
    return lines


def first_other_step(before: list[list[float]], now: list[list[float]]) -> int:
    """The first step whose quantities are not those before, within TOLERANCE.

    Args:
        before: rows of TRACE.
        now: the same.

    Returns:
        Counted from 1; 0 if there is none.

    >>> first_other_step([[1.0], [2.0]], [[1.0], [2.1]])
    2
    """
    for step, (one, other) in enumerate(zip(before, now, strict=False), start=1):
        if not all(math.isclose(a, b, rel_tol=TOLERANCE) for a, b in zip(one, other, strict=True)):
            return step
    return 0 if len(before) == len(now) else min(len(before), len(now)) + 1
