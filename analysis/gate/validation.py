"""How often the gate errs on this machine: one revision against itself, and against itself slowed.

Every run is a line of a file, so a validation goes on from what is there, in as many pieces as it
takes.
"""

import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis import history
from analysis.errors import UsageError
from analysis.estimates import Interval, share_interval
from analysis.gate.command import facts_of
from analysis.gate.found import Found
from analysis.gate.gate import Cells, Gate, Say
from analysis.gate.outcome import history_rows
from analysis.gate.pairs import CANARY, COMPILING_SECONDS
from analysis.gate.process import WORKER, Worker, WorkerError
from analysis.gate.trees import checked_out, commit_of, top
from analysis.json_text import plain
from analysis.report import make_folder, replace

SLOWED = "bench.gate.slowed"
VARIABLE = "SADDLE_GATE_SLOWDOWN"
SLOWDOWNS = (0.0, 0.05, 0.1)
"""Of head: none, and what has to be noticed."""

HISTORY = "history.jsonl"
"""Beside a validation's file, of its unchanged runs: a change found in it is a false one."""

CALIBRATIONS = 5
"""Processes that find how much work a slow-down is: memory is placed anew in each."""

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Rate:
    """How often something happened, with Clopper and Pearson's interval.

    Args:
        slowdown: of head, as a share of base's time.
        what: in words.
        share: with its 95 % interval.
        count: how often.
        of: how many times it could have.
    """

    slowdown: float
    what: str
    share: Interval
    count: int
    of: int


def validate(file: Path, slowdown: float, runs: int, minutes: float, say: Say) -> None:
    """Run the gate on one revision, head slowed or not, and append what it says.

    Unchanged runs go into a history beside the file, as any gate run's may.

    Args:
        file: of lines; made if it is not there.
        slowdown: of SLOWDOWNS.
        runs: how many of this slow-down there should be in the end.
        minutes: the budget of each.
        say: is told of progress.

    Raises:
        UsageError: the slow-down is none of those, or the file is another's.
    """
    if slowdown not in SLOWDOWNS:
        raise UsageError(f"a slow-down is one of {SLOWDOWNS}, not {slowdown:g}")
    repository = top(Path.cwd())
    commit = commit_of(repository, "HEAD")
    done = [line for line in lines(file) if line["slowdown"] == slowdown]
    if len(done) >= runs:
        return
    with checked_out(repository, [commit, commit]) as (base, head):
        cells, _ = Gate(base, head, minutes, 0, say).cells(())
        rows = added(head, cells, slowdown, say) if slowdown else {}
        modules = (WORKER, SLOWED if slowdown else WORKER)
        for number in range(len(done), runs):
            say(f"slow-down {slowdown:.0%}, run {number + 1} of {runs}")
            gate = Gate(base, head, minutes, number, say, modules, {VARIABLE: json.dumps(rows)})
            found = gate.run(cells, {})
            facts = facts_of([commit, commit], minutes) | {"added_rows": rows}
            append(file, line_of(found, slowdown, facts))
            if not slowdown:
                history.append(file.with_name(HISTORY), history_rows(found, facts))


def added(tree: Path, cells: Cells, slowdown: float, say: Say) -> dict[str, int]:
    """The work that makes every cell slower by a share of its time: found once, as a change's is.

    Args:
        tree: a revision's folder.
        cells: name -> fields.
        slowdown: the share.
        say: is told of progress.

    Returns:
        Cell -> rows of products, the median of a few processes.

    Raises:
        UsageError: a process can't find it.
    """
    found: dict[str, list[int]] = {}
    for number in range(CALIBRATIONS):
        say(f"finding the work that is {slowdown:.0%} of a step, {number + 1} of {CALIBRATIONS}")
        try:
            with Worker(tree, tree, SLOWED, {VARIABLE: str(slowdown)}) as worker:
                worker.ready()
                for name, fields in cells.items():
                    answer = worker.ask(
                        "prepare", COMPILING_SECONDS, cell=name, fields=dict(fields)
                    )
                    found.setdefault(name, []).append(int(answer["rows"]))
        except WorkerError as error:
            raise UsageError(f"a worker failed: {error}") from error
    return {name: round(statistics.median(rows)) for name, rows in found.items()}


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
        if not (isinstance(line, dict) and {"slowdown", "cells", "seconds"} <= line.keys()):
            raise UsageError(f"{file}, line {number}: no run of a gate's validation")
        found.append(line)
    return found


def rates(found: Sequence[Line]) -> list[Rate]:
    """How often the gate was wrong, and how often it noticed.

    Args:
        found: lines.

    Returns:
        For each slow-down: cells and runs called slower, cells left open, cells told unchanged.
    """
    told: list[Rate] = []
    for slowdown in sorted({line["slowdown"] for line in found}):
        some = [line for line in found if line["slowdown"] == slowdown]
        verdicts = [verdict for line in some for verdict in _verdicts(line)]
        words = ("slower", "faster", "inconclusive", "machine changed", "no change")
        told += [
            rate(slowdown, f"cells {word}", verdicts.count(word), len(verdicts)) for word in words
        ]
        wrong = sum("slower" in _verdicts(line) for line in some)
        told.append(rate(slowdown, "runs with a cell slower", wrong, len(some)))
        changed = sum(bool(line["machine_changed"]) for line in some)
        told.append(rate(slowdown, "runs with the machine changed", changed, len(some)))
    return told


def rate(slowdown: float, what: str, count: int, of: int) -> Rate:
    """A share with its interval."""
    return Rate(slowdown, what, share_interval(count, of), count, of)


def _verdicts(line: Line) -> list[str]:
    """Of the cells, not of the canary."""
    return [cell["verdict"] for name, cell in line["cells"].items() if name != CANARY]


def spreads(found: Iterable[Line]) -> Iterator[tuple[str, float, int]]:
    """How much unchanged pairs differ.

    Args:
        found: lines.

    Yields:
        Cell, the standard deviation of its log ratios, and of how many pairs.
    """
    import numpy as np

    ratios: dict[str, list[float]] = {}
    for line in found:
        if line["slowdown"] == 0:
            for pair in line["pairs"]:
                for name, value in pair.items():
                    ratios.setdefault(name, []).append(value)
    for name, values in ratios.items():
        yield name, float(np.std(values, ddof=1)) if len(values) > 1 else math.nan, len(values)


def drawn(found: Sequence[Line], folder: Path) -> None:
    """Write the shares, power against minutes as a figure, and its rows.

    Args:
        found: lines.
        folder: where to; made if it is not there.

    Raises:
        UsageError: there are none, or the folder cannot be written.
    """
    from analysis.gate.power import table
    from analysis.gate.power_figure import files

    if not found:
        raise UsageError("no run of a validation to draw")
    make_folder(folder)
    most = max(int(line["minutes"]) for line in found)
    for name, content in files(table(found, range(2, most + 1))).items():
        replace(folder / name, content)


def printed(found: Sequence[Line], say: Say) -> None:
    """Print what a validation has so far.

    Args:
        found: lines.
        say: prints a line.
    """
    for told in rates(found):
        low, high = told.share.low, told.share.high
        say(
            f"slow-down {told.slowdown:.0%}: {told.what} {told.count} of {told.of}, "
            f"{told.share.estimate:.1%} [{low:.1%}, {high:.1%}]"
        )
    for name, deviation, count in spreads(found):
        say(
            f"{name}: unchanged pairs differ by {deviation:.2%} (standard deviation, {count} pairs)"
        )
