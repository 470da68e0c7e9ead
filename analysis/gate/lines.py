"""Lines of a validation's file, one for each gate run: verdicts, and every pair they go by."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis import fields, history
from analysis.cells import decode, utf8
from analysis.errors import UsageError
from analysis.gate.found import Found
from analysis.gate_record import NATURAL, RATIOS, is_change
from analysis.json_text import plain
from analysis.place import telling

Line = Mapping[str, Any]


def is_cell(value: object) -> bool:
    """What a line says of a cell, as far as it is read again.

    >>> is_cell({"verdict": "slower", "change": 0.05}), is_cell({"verdict": "slower"})
    (True, False)
    """
    return (
        isinstance(value, dict)
        and fields.TEXT.holds(value.get("verdict"))
        and is_change(value.get("change"))
    )


def is_pair(value: object) -> bool:
    """A cell's name -> its log ratio, of one cell at least.

    >>> is_pair({"ring": 0.01}), is_pair({"ring": None}), is_pair({})
    (True, False, False)
    """
    return isinstance(value, dict) and bool(value) and RATIOS.holds([*value.values()])


CELLS = fields.Kind(
    "an object of cells, each with a verdict and a change",
    lambda value: isinstance(value, dict) and all(map(is_cell, value.values())),
)
PAIRS = fields.Kind(
    "a list of pairs, each an object of log ratios between −50 and 50",
    lambda value: isinstance(value, list) and all(map(is_pair, value)),
)
BUDGET = fields.Kind(
    "a positive number of at most 10,000",
    lambda value: fields.POSITIVE.holds(value) and value <= 1e4,  # type: ignore[operator]  # POSITIVE says number
)
ROWS = fields.Kind(
    "an object of integers",
    lambda value: isinstance(value, dict) and all(map(fields.is_integer, value.values())),
)

LINE: fields.Fields = {
    "slowdown": fields.NUMBER,
    "head": fields.TEXT,
    "machine": fields.TEXT,
    "minutes": BUDGET,
    "seconds": fields.NUMBER,
    "machine_changed": fields.BOOLEAN,
    "screen_pairs": NATURAL,
    "added_rows": ROWS,
    "cells": CELLS,
    "pairs": PAIRS,
    "took": fields.NUMBERS,
}
"""Of ``line_of``, ``analysis.gate.command.facts_of`` and ``validate``."""


def line_of(found: Found, slowdown: float, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A run as a line: verdicts, and every pair they go by.

    Args:
        found: by a gate run.
        slowdown: of head.
        facts: of machine, commit and budget.

    Returns:
        Ready for JSON.
    """
    return {
        "slowdown": slowdown,
        **facts,
        "seconds": found.seconds,
        "machine_changed": found.machine_changed,
        "differing": sorted(found.exact.differing()),
        "screen_pairs": found.screen_pairs,
        "cells": {
            name: plain(asdict(told) | {"verdict": found.verdict(name)})
            for name, told in found.speed.items()
        },
        "pairs": [pair.log_ratios for pair in found.pairs],
        "took": plain([pair.took for pair in found.pairs]),
    }


def append(file: Path, line: Mapping[str, Any]) -> None:
    """Add a line; several validations may do so at once.

    Args:
        file: made if it is not there.
        line: ready for JSON.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with history.locked(file) as number:
        history.write(number, json.dumps(line, allow_nan=False).encode() + b"\n")


def lines(file: Path) -> list[Line]:
    """The lines of a file; one that a killed process left unfinished is no line.

    Args:
        file: of ``append``.

    Returns:
        None if it is not there.

    Raises:
        UsageError: it is no such file.
    """
    if not file.exists():
        return []
    with telling(file, "cannot be read"):
        content = file.read_bytes().split(b"\n")
    found: list[Line] = []
    for number, text in enumerate(content, start=1):
        where = f"{file}, line {number}"
        if not text.strip():
            continue
        try:
            line = decode(utf8(text, where), where)
        except UsageError:
            # What a killed process leaves begins as any line does.
            if text.startswith(b"{"):
                continue
            raise
        check(line, f"{where}: no run of a gate's validation")
        found.append(line)
    return found


def check(line: object, where: str) -> None:
    """Hold a decoded line against the format, as far as it is read again.

    Args:
        line: of a file.
        where: how to call it in the error.

    Raises:
        UsageError: a field is missing, of another kind, or contradicts another.
    """
    if not isinstance(line, dict):
        raise UsageError(f"{where}: expected an object, found {fields.short(line)}")
    fields.check(line, LINE, where)
    fields.check_present(line, {"differing": fields.TEXTS}, where)
    if len(line["took"]) != len(line["pairs"]):
        raise UsageError(f"{where}: expected as many of took as of pairs")


def named(slowdown: float) -> str:
    """A slow-down in words.

    >>> named(0.0), named(0.05)
    ('unchanged', 'slower by 5 %')
    """
    return f"slower by {100 * slowdown:g} %" if slowdown else "unchanged"
