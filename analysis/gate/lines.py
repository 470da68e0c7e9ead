"""Lines of a validation's file, one for each gate run: verdicts, and every pair they go by."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis import history
from analysis.errors import UsageError
from analysis.gate.found import Found
from analysis.json_text import plain

Line = Mapping[str, Any]

NEEDED = {
    "slowdown",
    "head",
    "machine",
    "minutes",
    "seconds",
    "machine_changed",
    "screen_pairs",
    "added_rows",
    "cells",
    "pairs",
    "took",
}
"""Of a line: of ``line_of``, ``analysis.gate.command.facts_of`` and ``validate``."""


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
    found: list[Line] = []
    for number, text in enumerate(file.read_text().splitlines(), start=1):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if not (isinstance(line, dict) and line.keys() >= NEEDED):
            raise UsageError(f"{file}, line {number}: no run of a gate's validation")
        found.append(line)
    return found


def named(slowdown: float) -> str:
    """A slow-down in words.

    >>> named(0.0), named(0.05)
    ('unchanged', 'slower by 5 %')
    """
    return f"slower by {100 * slowdown:g} %" if slowdown else "unchanged"
