"""The reproduction ledger: every published row with what our runs say, in words and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from analysis import schema
from analysis.json_text import json_text
from analysis.records import Records
from analysis.reproduction.published import ROWS
from analysis.reproduction.row import (
    ABSENT,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    UNPUBLISHED,
    Outcome,
    Row,
    verdict,
)
from analysis.wording import count, tallied


@dataclass(frozen=True)
class Entry:
    """A published row and what the results say about it.

    Args:
        name: key of ROWS.
        row: the published row.
        outcome: what the results have of it.
    """

    name: str
    row: Row
    outcome: Outcome

    @property
    def verdict(self) -> str:
        """What follows from the comparisons."""
        return verdict(self.outcome.comparisons)


def ledger(records: Records, rows: Mapping[str, Row] = ROWS) -> list[Entry]:
    """Every published row beside the results.

    Args:
        records: the results.
        rows: name -> row.

    Returns:
        One entry per row, in order.
    """
    return [Entry(name, row, row.measure(records)) for name, row in rows.items()]


def groups(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The entries under their headings, both in order."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.row.group, []).append(entry)
    return found


def tally(entries: Sequence[Entry]) -> str:
    """How many rows came out how, in a sentence.

    >>> tally([])
    'There are no published rows.'
    """
    if not entries:
        return "There are no published rows."
    told = tallied((entry.verdict for entry in entries), VERDICTS)
    absent = sum(entry.outcome.note == ABSENT for entry in entries)
    all_absent = absent == sum(entry.verdict == NOT_RUN for entry in entries)
    of_them = "" if all_absent else f"{absent} of them: "
    which = f" ({of_them}the suite does not have the method)" if absent else ""
    return f"Of {count(len(entries), 'published row')} {told}{which}."


def as_json(entries: Sequence[Entry]) -> bytes:
    """The whole ledger as reproduction.json; results/README.md has the format.

    Args:
        entries: of `ledger`.

    Returns:
        UTF-8 text, the same for the same results.
    """
    rows = [
        {
            "name": entry.name,
            **{field: getattr(entry.row, field) for field in FIELDS},
            "verdict": entry.verdict,
            **asdict(entry.outcome),
        }
        for entry in entries
    ]
    verdicts = {entry.name: entry.verdict for entry in entries}
    document = {"schema": schema.SCHEMA, "verdicts": verdicts, "rows": rows}
    return json_text(document)


FIELDS = ("group", "what", "paper", "published", "source", "criterion", "command")

VERDICTS: Mapping[str, tuple[str, str]] = {
    REPRODUCED: ("is reproduced", "are reproduced"),
    NOT_REPRODUCED: ("is not reproduced", "are not reproduced"),
    UNDECIDED: ("is undecided", "are undecided"),
    UNPUBLISHED: (
        "has nothing published to stand beside",
        "have nothing published to stand beside",
    ),
    NOT_RUN: ("is not run", "are not run"),
}
"""A verdict -> what one row of it is, and several."""
