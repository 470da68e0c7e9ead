"""What the page says of gate runs beside their figure."""

import shlex

import pandas as pd

from analysis.figures.gate import caption, prepare
from analysis.records import Records
from analysis.wording import listing, number


def runs(records: Records) -> pd.DataFrame:
    """One row per gate run, with its facts."""
    return records.gate.drop_duplicates("run")


def statement(records: Records) -> str:
    """What a page of gate runs alone is, in a paragraph whose numbers are theirs.

    Args:
        records: results of at least one gate run.

    Returns:
        Sentences.
    """
    told = runs(records)
    dates = dict.fromkeys(str(time)[:10] for time in sorted(told["time"]))
    return (
        f"What Saddle's regression gate found on {listing(list(dates))} on "
        f"{listing(sorted(told['machine'].unique()))}: whether a training step became slower or "
        f"faster from one revision to another. {caption(prepare(records))}"
    )


def facts(records: Records) -> list[dict[str, str]]:
    """What each gate run says of its circumstances, under the words of the page.

    Args:
        records: the results.

    Returns:
        Words -> fact, one of each run.
    """
    return [
        {
            "Gate": str(row["source"]),
            "Outcome": str(row["outcome"]) or "not told",
            "Machine": str(row["machine"]),
            "Base": str(row["base"]),
            "Head": str(row["head"]),
            "Budget": f"{number(row['minutes'])} minutes, {number(row['seconds'] / 60)} used",
            "Date": str(row["time"]),
        }
        for _, row in runs(records).iterrows()
    ]


def commands(records: Records) -> list[str]:
    """The commands that make such gate runs again.

    Args:
        records: the results.

    Returns:
        One of each run.
    """
    return [
        shlex.join(
            [
                *("python", "-m", "analysis", "gate"),
                *("--base", str(row["base"]), "--head", str(row["head"])),
                *("--minutes", f"{row['minutes']:g}"),
                *("--json", f"results/{row['source']}/gate.json"),
            ]
        )
        for _, row in runs(records).iterrows()
    ]
