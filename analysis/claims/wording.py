"""The ledger in words: a finding as a line, the whole as text for a terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from analysis.claims.claim import FAILS, HOLDS, UNMEASURED, Finding
from analysis.claims.ledger import CONDITIONALLY, Entry, tally
from analysis.console import print_blocks
from analysis.wording import count, number, percent


@dataclass(frozen=True)
class Style:
    """How a verdict looks.

    Args:
        name: its class in the page's style sheet.
        terminal: its style on a terminal.
    """

    name: str
    terminal: str


DIGITS = 4
"""Significant ones: −1.386 and 1.001 are told from −1.38 and 1."""


def measured(finding: Finding) -> str:
    """A finding's number with its interval and how many observations it is of.

    >>> from analysis.estimates import Interval
    >>> slope = Interval(0.9999, 0.9998, 1.0002, 0.95, 40)
    >>> measured(Finding("float64", "power of D", slope, "row", True))
    'power of D: 0.9999 [0.9998, 1], 40 rows'
    """
    interval = finding.measured
    value = number(interval.estimate, DIGITS)
    if not math.isnan(interval.low):
        value += f" [{number(interval.low, DIGITS)}, {number(interval.high, DIGITS)}]"
        if interval.confidence < 0.95:
            value += f" ({percent(interval.confidence)})"
    return f"{finding.quantity}: {value}, {count(interval.n, finding.observations)}"


def line(finding: Finding) -> str:
    """A finding as one line: condition, number, what follows, and the note."""
    condition = f"{finding.condition}: " if finding.condition else ""
    note = f" ({finding.note})" if finding.note else ""
    return f"{condition}{measured(finding)}; {WORDS[finding.holds]}{note}"


def printed(entries: Sequence[Entry], console: Console) -> None:
    """Print every claim: name, verdict, what was measured, criterion, source.

    Args:
        entries: of `ledger`.
        console: where to.
    """
    blocks = [
        (entry.name, entry.verdict, VERDICTS[entry.grade].terminal, statements(entry))
        for entry in entries
    ]
    print_blocks(blocks, tally(entries), console)


def statements(entry: Entry) -> list[str]:
    """A claim's lines under its name."""
    lines = [line(finding) for finding in entry.findings] or ["nothing"]
    measured = [f"measured: {words}" for words in lines]
    claim = entry.claim
    return [
        claim.statement,
        *measured,
        f"criterion: {claim.criterion}",
        f"source: {claim.source}",
    ]


WORDS = {True: "holds", False: "does not hold", None: "not decided"}

VERDICTS = {
    HOLDS: Style("holds", "green"),
    CONDITIONALLY: Style("conditional", "yellow"),
    FAILS: Style("fails", "red"),
    UNMEASURED: Style("unmeasured", "dim"),
}
"""How each grade of a verdict looks; the verdict's words stand beside it."""
