"""Series of a history as a table for a terminal, and the files that are asked for."""

import math
from collections.abc import Sequence

from rich.console import Console

from analysis.compare_words import aligned
from analysis.console import print_blocks
from analysis.history_changes import Change
from analysis.history_series import Series
from analysis.history_statistics import FEWEST_RUNS, LEVEL
from analysis.place import place
from analysis.wording import count, number, visible

HEADINGS = ("runs", "noise", "change", "since", "commit", "ratio by", "")


def printed(found: Sequence[Series], since: int, console: Console) -> None:
    """Print the series, machine by machine, those with a recent change first.

    Args:
        found: of `series`.
        since: how many runs count as recent.
        console: where to.
    """
    machines: dict[str, list[Series]] = {}
    for one in found:
        machines.setdefault(one.machine, []).append(one)
    blocks = [
        (
            visible(machine),
            f"{count(recent_changes(of), 'recent change')} in {len(of)} series",
            "red" if recent_changes(of) else "green",
            lines(of),
        )
        for machine, of in machines.items()
    ]
    print_blocks(blocks, last_line(found, since), console)


def recent_changes(found: Sequence[Series]) -> int:
    """How many changes are among the last runs."""
    return sum(len(one.changes) for one in found if one.recent)


def lines(found: Sequence[Series]) -> list[str]:
    """The table of one machine's series."""
    ordered = sorted(found, key=lambda one: not one.recent)
    several = len({one.reference for one in found}) > 1
    cells = [visible(one.cell + (f" over {one.reference}" if several else "")) for one in ordered]
    rows = [[*row, cell] for one, cell in zip(ordered, cells, strict=True) for row in told(one)]
    return aligned([[*HEADINGS, "cell"], *rows])


def told(one: Series) -> list[list[str]]:
    """One series under the headings: a row for each change that is told, or one that says none."""
    runs = str(len(one.rows))
    noise = "–" if one.short else share(one.fit.noise, signed=False)
    if not one.changes:
        why = f"fewer than {FEWEST_RUNS} runs" if one.short else "none"
        return [[runs, noise, why, "–", "–", "–", ""]]
    recent = "recent" if one.recent else ""
    return [[runs, noise, *told_change(one, change), recent] for change in one.changes]


def told_change(one: Series, change: Change) -> list[str]:
    """A change of a series: what it is, since when, which commit and by how much."""
    at = one.rows.iloc[change.at]
    bounds = f"{share(change.size)} [{share(change.low)}, {share(change.high)}]"
    return [change.kind, f"{at['time']:%Y-%m-%d %H:%M}", visible(at["commit"][:10]), bounds]


def share(log_ratio: float, *, signed: bool = True) -> str:
    r"""A log ratio as a change in per cent.

    >>> share(math.log(1.05)), share(math.log(0.5)), share(0.01, signed=False)
    ('+5\xa0%', '−50\xa0%', '1.01\xa0%')
    """
    value = 100 * (math.expm1(log_ratio) if log_ratio < 700 else math.inf)
    sign = "+" if signed and value > 0 else ""
    return f"{sign}{number(value)}\N{NO-BREAK SPACE}%"


def last_line(found: Sequence[Series], since: int) -> str:
    """How many series have a recent change, and how many chance alone would give any."""
    searched = sum(not one.short for one in found)
    recent = sum(one.recent for one in found)
    return (
        f"Of {len(found)} series {recent} changed within {count(since, 'run')}; of {searched} "
        f"searched ones without any change, up to {number(LEVEL * searched)} would be said to "
        "have one"
    )


def written(found: Sequence[Series], figure: str | None, csv: str | None) -> None:
    """Write the figure's files and the CSV files, as far as they are asked for.

    Args:
        found: of `series`.
        figure: the folder for history.svg, history.png and history.csv.
        csv: the folder for one CSV a machine and otava.yaml.

    Raises:
        UsageError: a folder cannot be written.
    """
    from analysis import history_csv, history_figure
    from analysis.report import make_folder, replace

    for folder, files in ((figure, history_figure.files), (csv, history_csv.files)):
        if folder is None:
            continue
        make_folder(place(folder))
        for name, data in files(found).items():
            replace(place(folder) / name, data)
