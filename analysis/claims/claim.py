"""A claim, what was found about it under each condition, and the verdict that follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.estimates import Interval
from analysis.records import Records

HOLDS = "holds"
FAILS = "does not hold"
UNMEASURED = "not measured"
CONDITIONAL = "holds only when "


@dataclass(frozen=True)
class Finding:
    """What was measured under one condition.

    Args:
        condition: in words, as in "float64"; empty where the claim has only one.
        quantity: what the number is, as in "largest relative error".
        measured: the number between its bounds, and of how many observations; without bounds where
            the data allow none.
        observations: what was counted, one of them, as in "seed".
        holds: whether the claim holds here; None where the data do not decide it.
        note: what the number does not say, as in "2 seeds left out: they did not finish".
    """

    condition: str
    quantity: str
    measured: Interval
    observations: str
    holds: bool | None
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """One statement of the theory, and the rule by which measurements decide about it.

    Args:
        statement: what the theory says.
        source: where it says so.
        criterion: the rule in words, its thresholds among them.
        measure: the rule: the results -> a finding for each condition that they have.
    """

    statement: str
    source: str
    criterion: str
    measure: Callable[[Records], Sequence[Finding]]


def verdict(findings: Sequence[Finding]) -> str:
    """What follows from the findings, and from nothing else.

    Conditions that the data do not decide neither help nor hurt a claim.

    Args:
        findings: one for each condition.

    Returns:
        "not measured" if none decides; "holds" or "does not hold" if all that decide agree; else
        "holds only when", with the conditions under which it does.

    >>> def found(condition, holds):
    ...     return Finding(condition, "slope", Interval(1.0, 0.9, 1.1, 0.95, 8), "seed", holds)
    >>> verdict([found("float64", True), found("float32", False), found("float16", None)])
    'holds only when float64'
    >>> verdict([found("float64", True), found("float16", None)])
    'holds'
    """
    decided = [finding for finding in findings if finding.holds is not None]
    true = [finding.condition for finding in decided if finding.holds]
    if not decided:
        return UNMEASURED
    if len(true) == len(decided):
        return HOLDS
    return CONDITIONAL + "; ".join(true) if true else FAILS
