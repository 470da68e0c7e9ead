"""The report's section of published results: groups of rows, and what their rows have in common."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from analysis.reproduction.ledger import Entry, groups
from analysis.reproduction.row import ABSENT, NOT_RUN, Comparison
from analysis.reproduction.wording import STYLES, ending, line, noted, seen
from analysis.wording import listing


@dataclass(frozen=True)
class Line:
    """One row of the section's tables, in words.

    Args:
        name: of the row, for its address in the page.
        what: method and data.
        source: paper and table, and what they were checked against unless the whole group says so.
        published: the published values.
        ours: a line per comparison; none if it was not run.
        verdict: with the reason where it can't be run.
        style: of the verdict, in words that the style sheet knows.
        protocol: the differences that are not those of the whole group.
        note: which runs were left out.
    """

    name: str
    what: str
    source: str
    published: str
    ours: tuple[str, ...]
    verdict: str
    style: str
    protocol: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Group:
    """Rows under one heading.

    Args:
        heading: theirs.
        criteria: the rules by which its rows are judged.
        checked: papers, each with what its rows were checked against, unless that differs by row.
        shared: differences of protocol that all rows that were run have.
        lines: the rows.
        commands: each command, and what it runs.
        ran: whether any row was run.
        differ: whether a row has differences of its own.
    """

    heading: str
    criteria: tuple[str, ...]
    checked: tuple[str, ...]
    shared: tuple[str, ...]
    lines: tuple[Line, ...]
    commands: tuple[tuple[str, str], ...]
    ran: bool
    differ: bool


def section(entries: Sequence[Entry]) -> list[Group]:
    """The ledger as the page shows it.

    Args:
        entries: of `ledger`.

    Returns:
        A group per heading, in order.
    """
    return [group(heading, of_group) for heading, of_group in groups(entries).items()]


def group(heading: str, entries: Sequence[Entry]) -> Group:
    """One heading's rows.

    Args:
        heading: the heading.
        entries: its rows.

    Returns:
        The rows in words.
    """
    common = shared(entries)
    checked = sources(entries)
    lines = tuple(as_line(entry, common, checked) for entry in entries)
    return Group(
        heading,
        tuple(dict.fromkeys(entry.row.criterion for entry in entries if entry.row.criterion)),
        tuple(f"{paper}: {source}" for paper, source in checked.items()),
        common,
        lines,
        commands(entries),
        any(entry.verdict != NOT_RUN for entry in entries),
        any(one.protocol for one in lines),
    )


def shared(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The differences of protocol that every row has that was run, if several were."""
    clauses = [entry.outcome.protocol for entry in entries if entry.verdict != NOT_RUN]
    if len(clauses) < 2:
        return ()
    return tuple(one for one in clauses[0] if all(one in others for others in clauses))


def sources(entries: Sequence[Entry]) -> dict[str, str]:
    """Paper -> what its rows were checked against, of papers whose rows all say the same."""
    said: dict[str, set[str]] = {}
    for entry in entries:
        said.setdefault(entry.row.paper, set()).add(entry.row.source)
    return {paper: checked.pop() for paper, checked in said.items() if len(checked) == 1}


def as_line(entry: Entry, common: Sequence[str], checked: Collection[str]) -> Line:
    """A row in words, without what stands above its table."""
    row, outcome = entry.row, entry.outcome
    return Line(
        entry.name,
        row.what,
        row.paper if row.paper in checked else f"{row.paper}: {row.source}",
        row.published,
        in_lines(outcome.comparisons),
        ending(entry),
        STYLES[entry.verdict].name,
        tuple(clause for clause in outcome.protocol if clause not in common),
        "" if outcome.note == ABSENT else outcome.note,
    )


def in_lines(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """A line per comparison; with its verdict only where a row's numbers differ in it."""
    if len({comparison.verdict for comparison in comparisons}) > 1:
        return tuple(line(comparison) for comparison in comparisons)
    return tuple(f"{seen(comparison)}{noted(comparison)}" for comparison in comparisons)


def commands(entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """Each command of some rows, and which of them it runs."""
    runs: dict[str, list[str]] = {}
    for entry in entries:
        if entry.row.command:
            runs.setdefault(entry.row.command, []).append(entry.row.what)
    return tuple((command, listing(what)) for command, what in runs.items())
