"""Rows without a number: the paper says that training failed; does ours?"""

from collections.abc import Callable, Sequence

from analysis.claims.evidence import decided, few, joined
from analysis.estimates import FEWEST_SEEDS, share_interval
from analysis.records import Records
from analysis.reproduction.means import modes_of, told
from analysis.reproduction.protocol import Paper, Protocol, differences
from analysis.reproduction.row import (
    NOT_REPRODUCED,
    REPRODUCED,
    UNDECIDED,
    Comparison,
    Outcome,
    Row,
    nothing,
)
from analysis.reproduction.runs import Method, ends, selected

CRITERION = (
    "The exact 95 % interval of the share of runs that diverged (a loss or gradient was no longer "
    "finite) is above ½; not reproduced: below ½; else, and below "
    f"{FEWEST_SEEDS} seeds, undecided."
)

VERDICTS = {True: REPRODUCED, False: NOT_REPRODUCED, None: UNDECIDED}


def failure_row(
    paper: Paper, what: str, method: Method, data: Sequence[str], published: str, command: str
) -> Row:
    """A row of failure.

    Args:
        paper: where it was published.
        what: method and data.
        method: whose runs stand beside it.
        data: names of data sets, the published one first.
        published: what the paper says, in words.
        command: what runs it.
    """
    measure = fails(method, data, published, paper.protocol)
    return Row(paper.group, what, paper.table, published, paper.source, CRITERION, command, measure)


def fails(
    method: Method, data: Sequence[str], published: str, protocol: Protocol
) -> Callable[[Records], Outcome]:
    """The rule of a row of failure.

    Args:
        method: whose runs stand beside it.
        data: names of data sets, the published one first.
        published: what the paper says, in words.
        protocol: how it was found.

    Returns:
        The results -> the share of runs that diverged at the closest setting.
    """

    def measure(records: Records) -> Outcome:
        found = selected(records, [method], data)
        if found is None:
            return Outcome()
        (runs,) = found.runs
        end = ends(records, runs)
        share = share_interval(int((end["status"] == "diverged").sum()), len(end))
        holds = decided(share, 0.5, 1.0) if len(end) >= FEWEST_SEEDS else None
        modes = end.loc[end["status"] == "finished", "modes"].dropna()
        of = f"{modes_of(str(runs['data'].iloc[0])):,}"
        mean = f"the others find {told('modes', modes.mean())} of {of} modes" if len(modes) else ""
        note = joined(mean, few(len(end)))
        quantity = "share of runs that diverged"
        compared = Comparison(
            quantity, published, share, "", "seed", nothing(), VERDICTS[holds], note
        )
        return Outcome((compared,), differences(protocol, runs, data[0]), found.left_out)

    return measure
