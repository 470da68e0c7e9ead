"""A history in the form that Apache Otava reads: a time column, the commit, a metric a cell."""

import json
import re
from collections.abc import Collection, Sequence

import pandas as pd

from analysis.history_series import Series
from analysis.wording import visible

FIXED = ("time", "commit", "branch")
"""Column names that mean something to Otava; a cell of such a name has another in the file."""


def files(found: Sequence[Series]) -> dict[str, bytes]:
    """The CSV files, and the otava.yaml that names their columns.

    Otava refuses a row with an empty field, and a value made up for it would be none. So the cells
    of a file are those of the same runs: one file a machine where every run has every cell.

    Args:
        found: of `series`.

    Returns:
        Names and contents. The configuration is JSON, which is YAML, too.

    Reference:
        Apache Otava, docs/CSV.md.
    """
    made: dict[str, bytes] = {}
    tests: dict[str, object] = {}
    for cells in grouped(found):
        name = free_name(cells[0].machine, tests)
        table = columns(cells)
        made[f"{name}.csv"] = table.to_csv(index=False, lineterminator="\n").encode()
        tests[name] = {
            "type": "csv",
            "file": f"{name}.csv",
            "time_column": "time",
            "attributes": ["commit"],
            "metrics": {str(metric): {"direction": -1} for metric in table.columns[2:]},
        }
    made["otava.yaml"] = (json.dumps({"tests": tests}, indent=2) + "\n").encode()
    return made


def grouped(found: Sequence[Series]) -> list[list[Series]]:
    """Series of the same machine and the same runs, together; those of the most runs first."""
    groups: dict[tuple[object, ...], list[Series]] = {}
    for one in found:
        runs = zip(one.rows["time"], one.rows["commit"], strict=True)
        groups.setdefault((one.machine, *runs), []).append(one)
    return sorted(groups.values(), key=lambda cells: (cells[0].machine, -len(cells[0].rows)))


def columns(cells: Sequence[Series]) -> pd.DataFrame:
    """Time, commit and the ratios of cells that have the same runs."""
    rows = cells[0].rows
    table = pd.DataFrame(
        {
            # As Otava itself prints them.
            "time": rows["time"].dt.strftime("%Y-%m-%d %H:%M:%S +0000"),
            "commit": rows["commit"].map(visible),
        }
    )
    for one in cells:
        name = visible(one.cell)
        if name in table or name in FIXED:
            name = f"{name} over {visible(one.reference)}"
        table[name] = one.rows["ratio"]
    return table


def free_name(machine: str, taken: Collection[str]) -> str:
    """A file's name for a machine that no other has.

    >>> free_name("AMD EPYC/2", []), free_name("..", ["machine"])
    ('AMD-EPYC-2', 'machine-2')
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", machine)[:100].strip(".-") or "machine"
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
