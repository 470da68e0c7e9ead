"""python -m analysis gate: two revisions checked out, compared, told."""

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis.errors import UsageError
from analysis.gate.found import Found
from analysis.gate.gate import Gate
from analysis.gate.outcome import Row, history_rows, record, rows, status
from analysis.gate.process import unkilled
from analysis.gate.trees import checked_out, commit_of, refuse_uncommitted, top
from analysis.gate.wording import markdown, printed, summary
from analysis.history import append
from analysis.place import telling
from analysis.processes import usable_cores
from analysis.report import make_folder, replace

MOST_MINUTES = 10_000
"""About a week."""


@dataclass(frozen=True)
class Request:
    """What the command line asks for.

    Args:
        base: a revision.
        head: a revision, or None for the last commit of a tree without changes.
        cells: names, or none for all.
        minutes: the budget.
        seed: of the orders.
        inconclusive_ok: count what is not settled as clean.
        counters_ok: count counters that rose as clean.
        json: where to write everything, or None.
        markdown: where to write the table for a pull request, or None.
        history: the file to append to, or None.
    """

    base: str
    head: str | None
    cells: tuple[str, ...]
    minutes: float
    seed: int
    inconclusive_ok: bool
    counters_ok: bool
    json: Path | None
    markdown: Path | None
    history: Path | None


def gate(request: Request, console: Console, progress: Console) -> int:
    """Compare two revisions.

    Args:
        request: which and how.
        console: of the table.
        progress: of what is being done.

    Returns:
        The exit status.

    Raises:
        UsageError: revisions, cells or files that cannot be, or workers that fail again and again.
    """
    refuse_budget(request.minutes)
    for file in (request.json, request.markdown, request.history):
        if file is not None:
            refuse_unwritable(file)
    repository = top(Path.cwd())
    if request.head is None:
        refuse_uncommitted(repository)
    commits = [commit_of(repository, name) for name in (request.base, request.head or "HEAD")]
    with unkilled(), checked_out(repository, commits) as (base, head):
        one = Gate(base, head, request.minutes, request.seed, progress.print)
        cells, trained = one.cells(request.cells)
        removed = [] if request.cells else one.removed(cells)
        found = one.run(cells, trained)
        found.removed = removed
    told = rows(found, list(cells))
    exit_status = status(
        found, told, inconclusive_ok=request.inconclusive_ok, counters_ok=request.counters_ok
    )
    # Before anything is printed, which a terminal may refuse.
    _written(request, found, told, commits, exit_status)
    printed(found, told, exit_status, console)
    return exit_status


def refuse_budget(minutes: float) -> None:
    """Raise UsageError if a budget is none.

    Args:
        minutes: of a run.

    Raises:
        UsageError: it is not a positive number, or beyond MOST_MINUTES.
    """
    if not 0 < minutes <= MOST_MINUTES:
        raise UsageError(f"--minutes is above 0 and at most {MOST_MINUTES:,}, not {minutes:g}")


def refuse_unwritable(file: Path) -> None:
    """Raise UsageError, before any work, if a file could not be written after it.

    Args:
        file: its folder is made if it is not there.

    Raises:
        UsageError: the folder or the file cannot be written.
    """
    make_folder(file.parent)
    if file.is_dir() or (file.exists() and not os.access(file, os.W_OK)):
        raise UsageError(
            f"{file}: cannot be written: it is {'a folder' if file.is_dir() else 'read-only'}"
        )


def _written(
    request: Request, found: Found, told: list[Row], commits: list[str], exit_status: int
) -> None:
    """Write what was asked for, and GitHub's summary where there is one."""
    facts = facts_of(commits, request.minutes)
    facts["outcome"] = summary(found, told, exit_status)
    if request.history is not None:
        append(request.history, history_rows(found, facts))
    if request.json is not None:
        replace(request.json, record(found, told, facts, exit_status))
    base, head = (commit[:10] for commit in commits)
    text = markdown(found, told, exit_status, f"Gate: {head} against {base}")
    if request.markdown is not None:
        replace(request.markdown, text.encode())
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with (
            telling(Path(page), "cannot be written"),
            Path(page).open("a", encoding="utf-8") as file,
        ):
            file.write(text)


def facts_of(commits: list[str], minutes: float) -> dict[str, Any]:
    """What a record says of its circumstances.

    Args:
        commits: base's and head's.
        minutes: the budget.

    Returns:
        Facts by name.
    """
    return {
        "base": commits[0],
        "head": commits[1],
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "minutes": minutes,
    }


def machine() -> str:
    """A name for what this is measured on: the processor's, and how many cores of it."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(errors="replace").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = next(iter(models), name)
    return f"{name}, {len(usable_cores()) or os.cpu_count()} cores"
