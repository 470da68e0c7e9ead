"""gate.json: what one run of the regression gate found, as rows of a table.

The format is results/README.md; `analysis.gate.outcome.record` writes it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis import fields, schema
from analysis.cells import decode, read_text
from analysis.errors import UsageError
from analysis.place import Place
from analysis.stacking import stack

GATE = "gate.json"

MOST_CELLS = 100
"""Of a run: more lines than that are no figure."""

MOST_PAIRS = 1_000
"""Of a cell: the means of any two of them are a million."""

CONFIDENCE = 0.95
"""Of an interval that does not say."""

MOST_LOG = 50.0
"""A log ratio beyond it is no ratio of two times."""

Row = dict[str, Any]


def gates(paths: Sequence[Place]) -> tuple[pd.DataFrame, list[str]]:
    """The gate runs of results folders.

    Args:
        paths: results folders, each with a gate.json or without; files among them bring none.

    Returns:
        COLUMNS of all of them, which `run` numbers from 0, and a line on each file that is not of
        the format.
    """
    tables: list[pd.DataFrame] = []
    problems = []
    for path in paths:
        file = path / GATE
        if path.is_dir() and file.exists():
            source = path.resolve().name
            try:
                tables.append(read_gate(file, source).assign(run=len(tables)))
            except UsageError as error:
                why = str(error).removeprefix(f"{file}: ")
                problems.append(f"{source}/{GATE} is left out: {why}")
    return stack(tables, COLUMNS), problems


def read_gate(file: Place, source: str) -> pd.DataFrame:
    """One gate run.

    Args:
        file: its gate.json.
        source: the folder's name.

    Returns:
        COLUMNS: a row per cell, of `kind` "cell", in the file's order; of the kernel that no
        revision changes ("canary"), of each changed counter ("counter") and of each cell that was
        trained ("quality").

    Raises:
        UsageError: it cannot be read or is not of the format.
    """
    document = decode(read_text(file), "the file")
    if not isinstance(document, dict):
        raise UsageError(f"expected an object, found {fields.short(document)}")
    check_document(document)
    facts = {name: document[name] for name in FACTS} | {"outcome": document.get("outcome", "")}
    rows = [_cell(cell) for cell in document["cells"]]
    canary = document["canary"]
    rows += [] if canary["change"] is None else [_cell(canary) | {"kind": "canary"}]
    rows += [_counter(change) for change in document["changes"]]
    rows += [_quality(one) for one in document["quality"]]
    table = pd.DataFrame([{**facts, "source": source, **row} for row in rows])
    return table.assign(run=0).reindex(columns=COLUMNS).astype(dict.fromkeys(NUMERIC, float))


def check_document(document: Row) -> None:
    """Hold a decoded gate.json against the format.

    Args:
        document: the object at its top.

    Raises:
        UsageError: a field is missing, of another kind, or contradicts another.
    """
    schema.check_schema(document, "document")
    fields.check(document, DOCUMENT, "document")
    fields.check_present(document, {"outcome": fields.TEXT}, "document")
    _check_one(document["canary"], CELL, "canary")
    for name, table in LISTS.items():
        for number, one in enumerate(document[name]):
            _check_one(one, table, f"{name}[{number}]")
    cells = {f"cells[{number}]": cell for number, cell in enumerate(document["cells"])}
    for where, cell in {**cells, "canary": document["canary"]}.items():
        if cell["change"] is None and cell["verdict"] in TIMED:
            raise UsageError(f"{where}: {cell['verdict']!r} without a change")


def _check_one(one: object, table: fields.Fields, where: str) -> None:
    if not isinstance(one, dict):
        raise UsageError(f"{where}: expected an object, found {fields.short(one)}")
    fields.check(one, table, where)
    fields.check_present(one, SOME, where)
    if "low" in table:
        _check_interval(one, where)


def _check_interval(one: Row, where: str) -> None:
    low, high = one["low"], one["high"]
    if (low is None) != (high is None):
        raise UsageError(f"{where}: expected both low and high, or neither")
    if low is not None and (one["change"] is None or not low <= one["change"] <= high):
        raise UsageError(f"{where}: expected low ≤ change ≤ high")


def _cell(cell: Row) -> Row:
    numbers = ("change", "low", "high", "base_seconds", "head_seconds", "detectable")
    return {
        "kind": "cell",
        "confidence": CONFIDENCE,
        **{name: cell[name] for name in ("cell", "verdict", "text", "pairs")},
        **{name: _number(cell[name]) for name in numbers},
        "log_ratios": np.asarray(cell["log_ratios"], dtype=np.float64),
    }


def _counter(change: Row) -> Row:
    base, head = ("absent" if change[side] is None else f"{change[side]:,}" for side in SIDES)
    text = f"{change['counter']} {base} → {head}"
    return {"kind": "counter", "cell": change["cell"], "verdict": "", "text": text, "pairs": 0}


def _quality(one: Row) -> Row:
    return {
        "kind": "quality",
        **{name: one[name] for name in ("cell", "verdict")},
        "text": one.get("why") or one["metric"],
        "pairs": one["seeds"],
        **{name: _number(one[name]) for name in ("change", "low", "high")},
        "confidence": one.get("confidence", CONFIDENCE),
    }


def _number(value: float | str | None) -> float:
    """A number as `analysis.json_text` writes it, read again.

    >>> _number(None), _number("infinity"), _number(2)
    (nan, inf, 2.0)
    """
    return math.nan if value is None else float(value)


def _is_few(value: object, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most


def is_ratios(value: object) -> bool:
    """Log ratios of times: few enough, finite, and not beyond all reason.

    >>> is_ratios([0.01, -0.02]), is_ratios([]), is_ratios([1e3]), is_ratios([None])
    (True, True, False, False)
    """
    return (
        isinstance(value, list)
        and _is_few(value, MOST_PAIRS)
        and fields.is_numbers(value)
        and all(abs(ratio) <= MOST_LOG for ratio in value)
    )


def is_change(value: object) -> bool:
    """A ratio of two times or metrics, minus 1.

    >>> is_change(-1), is_change(0.5), is_change(-1.5), is_change("infinity")
    (True, True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1 <= value <= math.exp(MOST_LOG)


SIDES = ("base", "head")
TIMED = ("slower", "faster", "no change", "machine changed")
VERDICTS = (*TIMED, "inconclusive", "incomparable", "broken")

RATIOS = fields.Kind(f"at most {MOST_PAIRS:,} log ratios between −50 and 50", is_ratios)
CHANGE = fields.nullable(fields.Kind("a change from −1 on", is_change))
NATURAL = fields.Kind(
    "0 or a positive integer",
    lambda value: fields.is_integer(value) and value >= 0,  # type: ignore[operator]  # is_integer says int
)
SECONDS = fields.nullable(fields.POSITIVE)
DETECTABLE = fields.Kind(
    'a positive number, "infinity" or null', lambda v: v == "infinity" or SECONDS.holds(v)
)

FACTS: fields.Fields = {
    **dict.fromkeys((*SIDES, "time", "machine"), fields.TEXT),
    "minutes": fields.POSITIVE,
    "seconds": fields.POSITIVE,
}
"""Of a run, told in each of its rows."""

DOCUMENT: fields.Fields = {
    **FACTS,
    "cells": fields.Kind(
        f"a list of 1 to {MOST_CELLS} cells", lambda v: bool(v) and _is_few(v, MOST_CELLS)
    ),
    "changes": fields.OBJECTS,
    "quality": fields.OBJECTS,
    "canary": fields.OBJECT,
}

CELL: fields.Fields = {
    "cell": fields.TEXT,
    "verdict": fields.one_of(*VERDICTS),
    "text": fields.TEXT,
    **dict.fromkeys(("base_seconds", "head_seconds"), SECONDS),
    **dict.fromkeys(("change", "low", "high"), CHANGE),
    "pairs": NATURAL,
    "detectable": DETECTABLE,
    "log_ratios": RATIOS,
}

COUNTER: fields.Fields = {
    **dict.fromkeys(("cell", "counter"), fields.TEXT),
    **dict.fromkeys(SIDES, fields.nullable(fields.INTEGER)),
}

QUALITY: fields.Fields = {
    **dict.fromkeys(("cell", "verdict", "metric"), fields.TEXT),
    **dict.fromkeys(("change", "low", "high"), CHANGE),
    "seeds": NATURAL,
}

SOME: fields.Fields = {
    "why": fields.TEXT,
    "confidence": fields.Kind(
        "a number between 0 and 1",
        lambda v: fields.POSITIVE.holds(v) and v < 1,  # type: ignore[operator]  # POSITIVE says number
    ),
}

LISTS = {"cells": CELL, "changes": COUNTER, "quality": QUALITY}

NUMERIC = ("change", "low", "high", "confidence", "detectable", "base_seconds", "head_seconds")

COLUMNS = (
    *("run", "source", *FACTS, "outcome", "kind", "cell", "verdict", "text"),
    *("change", "low", "high", "confidence", "pairs", "detectable"),
    *("base_seconds", "head_seconds"),
    "log_ratios",
)
