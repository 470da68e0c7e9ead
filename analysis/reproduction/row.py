"""A published row, what the runs say beside it, and the verdict that follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.estimates import Interval
from analysis.records import Records

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
UNDECIDED = "undecided"
UNPUBLISHED = "nothing published"
NOT_RUN = "not run"

NAN = float("nan")
CONFIDENCE = 0.95
"""Of every interval that decides."""


@dataclass(frozen=True)
class Comparison:
    """One quantity of a row: what was published, what was measured, and what follows.

    Args:
        quantity: in words, as in "modes".
        published: the published value in words; empty if there is none.
        measured: ours between its bounds, and of how many observations; NaN where it is a word.
        word: ours, where it is a word, as in "diverges"; else empty.
        observations: what was counted, one of them, as in "seed".
        difference: ours less the published value, between its bounds; NaN where it is none.
        verdict: REPRODUCED, NOT_REPRODUCED, UNDECIDED or UNPUBLISHED.
        note: what the numbers do not say.
    """

    quantity: str
    published: str
    measured: Interval
    word: str
    observations: str
    difference: Interval
    verdict: str
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the results have of a row.

    Args:
        comparisons: one per quantity; none if nothing of it was run.
        protocol: how our protocol differs from the published one, a clause each.
        note: which runs were left out, or why there are none.
        shortfall: how much of the published training was done, in words; empty if all of it.
    """

    comparisons: tuple[Comparison, ...] = ()
    protocol: tuple[str, ...] = ()
    note: str = ""
    shortfall: str = ""


@dataclass(frozen=True)
class Row:
    """One published row, and the rule by which runs are judged beside it.

    Args:
        group: heading that it stands under.
        what: method and data.
        paper: where it was published, with its table or section.
        published: its values in words.
        source: what the values and the protocol were checked against.
        criterion: the rule in words, its thresholds among them.
        command: what runs it; empty if the suite has no such method.
        measure: the rule.
    """

    group: str
    what: str
    paper: str
    published: str
    source: str
    criterion: str
    command: str
    measure: Callable[[Records], Outcome]


ABSENT = "not in the suite"
"""Why a method's row can't be run."""


def absent(_records: Records) -> Outcome:
    """The rule of a method that the suite does not have."""
    return Outcome(note=ABSENT)


def nothing(confidence: float = CONFIDENCE) -> Interval:
    """A number that there is not."""
    return Interval(NAN, NAN, NAN, confidence, 0)


def verdict(comparisons: Sequence[Comparison]) -> str:
    """What follows from the comparisons, and from nothing else.

    Args:
        comparisons: one per quantity of the row.

    Returns:
        NOT_RUN if there are none; NOT_REPRODUCED if one quantity is not; else UNDECIDED if one is
        not decided; else REPRODUCED, or UNPUBLISHED where nothing was published.

    >>> def found(verdict):
    ...     return Comparison("modes", "8", nothing(), "", "seed", nothing(), verdict)
    >>> verdict([found(REPRODUCED), found(UNDECIDED)]), verdict([])
    ('undecided', 'not run')
    """
    found = {comparison.verdict for comparison in comparisons}
    for worst in (NOT_REPRODUCED, UNDECIDED, REPRODUCED, UNPUBLISHED):
        if worst in found:
            return worst
    return NOT_RUN
