"""The reproduction ledger in words: a comparison as a line, the whole as text for a terminal."""

import math
from collections.abc import Mapping, Sequence

from rich.console import Console

from analysis.claims.wording import Style
from analysis.console import print_blocks
from analysis.estimates import Interval
from analysis.reproduction.ledger import Entry, tally
from analysis.reproduction.means import WORDS, told
from analysis.reproduction.row import (
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    UNPUBLISHED,
    Comparison,
)
from analysis.wording import count


def between(interval: Interval, metric: str) -> str:
    r"""A number between its bounds, if it has any.

    >>> between(Interval(6.13, 5.5, 6.75, 0.95, 8), "modes of 8")
    '6.13 [5.5, 6.75]'
    >>> between(Interval(0.982, math.nan, math.nan, 0.95, 2), "high quality")
    '98.2\xa0%'
    """
    name = "high_quality" if metric == WORDS["high_quality"] else ""
    value, *bounds = (told(name, x) for x in (interval.estimate, interval.low, interval.high))
    return value if math.isnan(interval.low) else f"{value} [{bounds[0]}, {bounds[1]}]"


def seen(comparison: Comparison) -> str:
    """What was measured, of how many, and how far it is from what was published."""
    n = count(comparison.measured.n, comparison.observations)
    ours = comparison.word or between(comparison.measured, comparison.quantity)
    apart = comparison.difference
    shown = not (comparison.word or math.isnan(apart.estimate))
    difference = f", apart by {between(apart, comparison.quantity)}" if shown else ""
    return f"{comparison.quantity}: {ours}, {n}{difference}"


def line(comparison: Comparison) -> str:
    """A comparison as one line: what was measured, what follows, and the note."""
    return f"{seen(comparison)}: {comparison.verdict}{noted(comparison)}"


def noted(comparison: Comparison) -> str:
    """A comparison's note, in brackets, if it has one."""
    return f" ({comparison.note})" if comparison.note else ""


def ending(entry: Entry) -> str:
    """A verdict with the reason where a row can't be run or was not run to its end."""
    reasons = {NOT_RUN: entry.outcome.note, NOT_REPRODUCED: entry.outcome.shortfall}
    why = reasons.get(entry.verdict, "")
    return f"{entry.verdict}: {why}" if why else entry.verdict


def printed(entries: Sequence[Entry], console: Console) -> None:
    """Print every row: name, verdict, what was published and measured, differences, command.

    Args:
        entries: of `ledger`.
        console: where to.
    """
    blocks = [
        (entry.name, ending(entry), STYLES[entry.verdict].terminal, statements(entry))
        for entry in entries
    ]
    print_blocks(blocks, tally(entries), console)


def statements(entry: Entry) -> list[str]:
    """What there is to say of a row, a line each."""
    row, outcome = entry.row, entry.outcome
    lines = [f"{row.what} ({row.paper})", f"published: {row.published}"]
    lines += [f"ours: {line(comparison)}" for comparison in outcome.comparisons]
    lines += [f"differs: {clause}" for clause in outcome.protocol]
    lines += [f"note: {outcome.note}"] if outcome.note and outcome.comparisons else []
    lines += [f"source: {row.source}"]
    lines += [f"criterion: {row.criterion}", f"command: {row.command}"] if row.command else []
    return lines


STYLES: Mapping[str, Style] = {
    REPRODUCED: Style("holds", "green"),
    NOT_REPRODUCED: Style("fails", "red"),
    UNDECIDED: Style("conditional", "yellow"),
    UNPUBLISHED: Style("unmeasured", "dim"),
    NOT_RUN: Style("unmeasured", "dim"),
}
"""How each verdict looks; its words stand beside it."""
