"""The ledger: every claim with its findings and verdict, as JSON, and against a recorded one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis import fields, schema
from analysis.cells import decode, read_text
from analysis.claims import CLAIMS
from analysis.claims.claim import FAILS, HOLDS, UNMEASURED, Claim, Finding, verdict
from analysis.errors import UsageError
from analysis.json_text import json_text
from analysis.records import Records
from analysis.wording import count, tallied


@dataclass(frozen=True)
class Entry:
    """A claim and what the results say about it.

    Args:
        name: key of CLAIMS.
        claim: the claim.
        findings: one for each condition.
    """

    name: str
    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """What follows from the findings."""
        return verdict(self.findings)

    @property
    def grade(self) -> str:
        """The verdict without its conditions, one of GRADES."""
        return self.verdict if self.verdict in GRADES else CONDITIONALLY


def ledger(records: Records, claims: Mapping[str, Claim] = CLAIMS) -> list[Entry]:
    """Every claim measured on the results.

    Args:
        records: the results.
        claims: name -> claim.

    Returns:
        One entry per claim, in order.
    """
    return [Entry(name, claim, tuple(claim.measure(records))) for name, claim in claims.items()]


def tally(entries: Sequence[Entry]) -> str:
    """How many claims came out how, in a sentence."""
    told = tallied((entry.grade for entry in entries), GRADES)
    return f"Of {count(len(entries), 'claim')} {told}." if told else "There are no claims."


def as_json(entries: Sequence[Entry]) -> bytes:
    """The whole ledger as claims.json; results/README.md has the format.

    Args:
        entries: of `ledger`.

    Returns:
        UTF-8 text, the same for the same results.
    """
    claims = [
        {
            "name": entry.name,
            "statement": entry.claim.statement,
            "source": entry.claim.source,
            "criterion": entry.claim.criterion,
            "verdict": entry.verdict,
            "findings": [asdict(finding) for finding in entry.findings],
        }
        for entry in entries
    ]
    return json_text({"schema": schema.SCHEMA, "verdicts": verdicts(entries), "claims": claims})


def verdicts(entries: Sequence[Entry]) -> dict[str, str]:
    """Name -> verdict."""
    return {entry.name: entry.verdict for entry in entries}


def record(entries: Sequence[Entry]) -> bytes:
    """The verdicts alone, as the file that `--check` reads."""
    return json_text({"schema": schema.SCHEMA, "verdicts": verdicts(entries)})


def recorded(path: Path) -> dict[str, str]:
    """The verdicts that `--record` wrote, or a report's claims.json.

    Args:
        path: the file.

    Returns:
        Name -> verdict.

    Raises:
        UsageError: the file cannot be read or is not such a file.
    """
    document = decode(read_text(path), str(path))
    if not isinstance(document, dict):
        raise UsageError(f"{path}: not recorded verdicts: expected an object at the top")
    schema.check_schema(document, f"{path}: document")
    fields.check(document, {"verdicts": fields.OBJECT}, f"{path}: document")
    found: dict[str, Any] = document["verdicts"]
    fields.check(found, dict.fromkeys(found, fields.TEXT), f"{path}: verdicts")
    return found


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A line on each claim whose verdict is not the recorded one.

    Args:
        before: name -> verdict, recorded.
        now: name -> verdict, found.

    Returns:
        Lines; none if all are equal. A claim that only one side has is a difference, too.

    >>> differences({"a": "holds", "b": "holds"}, {"a": "does not hold", "b": "holds"})
    ['a: recorded "holds", found "does not hold"']
    """
    return [
        f"{name}: recorded {_quoted(before.get(name))}, found {_quoted(now.get(name))}"
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    ]


def _quoted(text: str | None) -> str:
    return "no such claim" if text is None else f'"{" ".join(text.split())}"'


CONDITIONALLY = "holds only under conditions"

GRADES = {
    HOLDS: ("holds", "hold"),
    CONDITIONALLY: ("holds only under conditions", "hold only under conditions"),
    FAILS: ("does not hold", "do not hold"),
    UNMEASURED: ("is not measured", "are not measured"),
}
"""A verdict without its conditions -> what one claim of it does, and several."""
