"""Rows of order: a published method finds more modes than another; does ours?"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from analysis.claims.evidence import few, joined
from analysis.estimates import FEWEST_SEEDS
from analysis.records import Records
from analysis.reproduction.difference import bounded, difference, larger, mean_of
from analysis.reproduction.means import modes_of
from analysis.reproduction.protocol import Paper, Protocol, differences, shortfall
from analysis.reproduction.row import Comparison, Outcome, Row, nothing
from analysis.reproduction.runs import Method, ends, selected, unfinished
from analysis.wording import number

CRITERION = (
    "Welch's 95 % interval of the first method's mean modes less the second's is above 0; not "
    "reproduced: none of it is; else, and where one of them has fewer than "
    f"{FEWEST_SEEDS} seeds, undecided. A run that diverged counts as one without a mode."
)


def order_row(
    paper: Paper,
    what: str,
    methods: tuple[Method, Method],
    data: Sequence[str],
    published: str,
    command: str,
) -> Row:
    """A row of order.

    Args:
        paper: where it was published.
        what: which of two methods finds more modes, and of which data.
        methods: the one that does, then the other.
        data: names of data sets, the published one first.
        published: the modes of both, in words.
        command: what runs both.
    """
    measure = more_modes(methods, data, published, paper.protocol)
    return Row(paper.group, what, paper.table, published, paper.source, CRITERION, command, measure)


def more_modes(
    methods: tuple[Method, Method],
    data: Sequence[str],
    published: str,
    protocol: Protocol,
) -> Callable[[Records], Outcome]:
    """The rule of a row of order.

    Args:
        methods: the one that finds more modes, then the other.
        data: names of data sets, the published one first.
        published: the published modes of both, in words.
        protocol: how they were made.

    Returns:
        The results -> the difference of our means at the closest setting that both have.
    """

    def measure(records: Records) -> Outcome:
        found = selected(records, methods, data)
        if found is None:
            return Outcome()
        of_method = [ends(records, runs) for runs in found.runs]
        compared = comparison(of_method, published, modes_of(str(found.all["data"].iloc[0])))
        clauses = differences(protocol, found.all, data[0])
        lost = joined(*(unfinished(end) for end in of_method))
        short = shortfall(protocol, found.all)
        return Outcome((compared,), clauses, joined(lost, found.left_out), short)

    return measure


def comparison(of_method: Sequence[pd.DataFrame], published: str, modes: int) -> Comparison:
    """Our difference of modes.

    Args:
        of_method: of `ends`, of the method that is to find more modes and of the other.
        published: the published modes of both, in words.
        modes: of the data.

    Returns:
        The comparison; its measured number is the difference, its note says the two means.
    """
    first, second = (found_modes(end) for end in of_method)
    fewest = min(len(first), len(second))
    apart, means = nothing(), ""
    if fewest:
        ours, others = mean_of(first), mean_of(second)
        apart = bounded(replace(difference(ours, others), n=fewest))
        means = f"{number(ours.value)} against {number(others.value)} of {modes:,}"
    note = joined(means, few(fewest))
    return Comparison(QUANTITY, published, apart, "", "seed", nothing(), larger(apart), note)


def found_modes(end: pd.DataFrame) -> list[float]:
    """The modes that each run found: none where it diverged; a run without the number is out."""
    modes = end["modes"].where(end["status"] != "diverged", 0.0).dropna()
    return [float(value) for value in modes]


QUANTITY = "more modes by"
