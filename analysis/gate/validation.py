"""The gate on one revision against itself, and against itself slowed, run after run.

Every run is a line of a file, so a validation goes on from what is there, in as many pieces as it
takes.
"""

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from analysis import history
from analysis.errors import UsageError
from analysis.gate.command import facts_of, machine, refuse_budget, refuse_unwritable
from analysis.gate.exact import Exact
from analysis.gate.found import Found, ratios_of
from analysis.gate.gate import Cells, Gate, Say
from analysis.gate.lines import Line, append, line_of, lines
from analysis.gate.outcome import history_rows
from analysis.gate.pairs import COMPILING_SECONDS
from analysis.gate.power import table
from analysis.gate.process import WORKER, Worker, WorkerError
from analysis.gate.rates import markdown
from analysis.gate.trees import checked_out, commit_of, top
from analysis.report import make_folder, replace

SLOWED = "bench.gate.slowed"
VARIABLE = "SADDLE_GATE_SLOWDOWN"
SLOWDOWNS = (0.0, 0.05, 0.1)
"""Of head: none, and what has to be noticed."""

HISTORY = "history.jsonl"
"""Beside a validation's file, of its unchanged runs: a change found in it is a false one."""

CORRECTIONS = 3
CORRECTING_PAIRS = 4
"""So often is the work corrected that a slow-down is, and by so many pairs each time."""


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
        UsageError: the slow-down is none of those, or the file is another's or another machine's.
    """
    if slowdown not in SLOWDOWNS:
        raise UsageError(f"a slow-down is one of {SLOWDOWNS}, not {slowdown:g}")
    refuse_budget(minutes)
    refuse_unwritable(file)
    repository = top(Path.cwd())
    commit = commit_of(repository, "HEAD")
    there = lines(file)
    done = [line for line in there if line["slowdown"] == slowdown]
    if len(done) >= runs:
        return
    if others := {str(line["machine"]) for line in there} - {machine()}:
        raise UsageError(f"{file} is of another machine: {', '.join(sorted(others))}")
    with checked_out(repository, [commit, commit]) as (base, head):
        cells, _ = Gate(base, head, minutes, 0, say).cells(())
        rows: dict[str, int] = {}
        if slowdown:
            rows = found_before(done, commit) or added((base, head), cells, slowdown, say)
        modules = (WORKER, SLOWED if slowdown else WORKER)
        for number in range(len(done), runs):
            say(f"slow-down {slowdown:.0%}, run {number + 1} of {runs}")
            gate = Gate(base, head, minutes, number, say, modules, {VARIABLE: json.dumps(rows)})
            found = gate.run(cells, {})
            facts = facts_of([commit, commit], minutes) | {"added_rows": rows}
            append(file, line_of(found, slowdown, facts))
            if not slowdown:
                history.append(file.with_name(HISTORY), history_rows(found, facts))


def found_before(done: Sequence[Line], commit: str) -> dict[str, int]:
    """The work that an earlier piece of this validation found: minutes saved, and the same work.

    Args:
        done: lines of one slow-down.
        commit: another one's step may take another time.

    Returns:
        Cell -> rows of products; empty if there is none.
    """
    return next((dict(line["added_rows"]) for line in done if line["head"] == commit), {})


def added(trees: tuple[Path, Path], cells: Cells, slowdown: float, say: Say) -> dict[str, int]:
    """The work that makes every cell slower by a share of its time: found once, as a change's is.

    A worker guesses it from what steps and products take by themselves; pairs as the gate times
    them, but none of those that are judged, say how much slower that is and correct it. (In one
    process alone a compiled step seemed to lose 5 % where pairs lost 2 %.)

    Args:
        trees: base's and head's folder.
        cells: name -> fields.
        slowdown: the share.
        say: is told of progress.

    Returns:
        Cell -> rows of products.

    Raises:
        UsageError: a worker fails.
    """
    rows = _guessed(trees[1], cells, slowdown)
    for number in range(CORRECTIONS):
        say(f"finding the work that is {slowdown:.0%} of a step, {number + 1} of {CORRECTIONS}")
        variables = {VARIABLE: json.dumps(rows)}
        gate = Gate(*trees, math.inf, number, say, (WORKER, SLOWED), variables)
        found = Found(Exact())
        for _ in range(CORRECTING_PAIRS):
            gate.pair(found, cells)
        for name, ratios in ratios_of(found.pairs).items():
            if name in rows:
                excess = math.expm1(statistics.median(ratios))
                rows[name] = round(max(rows[name], 1) * correction(slowdown, excess))
    return rows


def _guessed(tree: Path, cells: Cells, slowdown: float) -> dict[str, int]:
    try:
        with Worker(tree, tree, SLOWED, {VARIABLE: str(slowdown)}) as worker:
            worker.ready()
            return {
                name: int(
                    worker.ask("prepare", COMPILING_SECONDS, cell=name, fields=dict(fields))["rows"]
                )
                for name, fields in cells.items()
            }
    except WorkerError as error:
        raise UsageError(f"a worker failed: {error}") from error


def correction(wanted: float, found: float) -> float:
    """By what the work is multiplied so that it takes the share wanted.

    Args:
        wanted: share of a step.
        found: share that it takes.

    Returns:
        Between a half and two: a busy moment says anything.

    >>> correction(0.05, 0.08), correction(0.05, -0.01), correction(0.05, 0.01)
    (0.625, 2.0, 2.0)
    """
    return min(max(wanted / found, 0.5), 2.0) if found > 0 else 2.0


def drawn(found: Sequence[Line], folder: Path) -> None:
    """Write the shares as tables, power against minutes as a figure, and its rows.

    Args:
        found: lines.
        folder: where to; made if it is not there.

    Raises:
        UsageError: there are none, or the folder cannot be written.
    """
    from analysis.gate.power_figure import files  # brings matplotlib

    if not found:
        raise UsageError("no run of a validation to draw")
    make_folder(folder)
    most = max(int(line["minutes"]) for line in found)
    for name, content in files(table(found, range(2, most + 1))).items():
        replace(folder / name, content)
    replace(folder / "rates.md", markdown(found).encode())
