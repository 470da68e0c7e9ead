"""The report's page: what it says beside the figures, and how it becomes HTML."""

import base64
import gzip
import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis import gate_page, peers, stability
from analysis.claims.ledger import Entry, tally
from analysis.claims.wording import VERDICTS, line
from analysis.comparison_table import comparison_table
from analysis.costs import costs
from analysis.figures import numerics
from analysis.machines import machine, runs_only
from analysis.records import Records
from analysis.render import Drawing
from analysis.reproduction.ledger import Entry as Published
from analysis.reproduction.ledger import tally as tally_of_rows
from analysis.reproduction.section import section
from analysis.summary import statuses
from analysis.wording import count, listing

FEW_FINDINGS = 2
"""A claim's findings beyond so many are folded away."""

FEW_CONDITIONS = 3
"""Conditions under which a claim holds are counted, not listed, beyond so many."""

LARGEST_SVG = 2_000_000
"""Bytes; a figure of more shapes than that is shown in pixels."""

LARGEST_DOWNLOAD = 500_000
"""Bytes; a file larger than that is held compressed, so that the page stays one to send around."""

LARGEST_HELD = 20_000_000
"""Bytes; a figure's data beyond that are not in the page, but in the file beside it."""


LongTable = tuple[str, str, str, pd.DataFrame]
"""Anchor, heading, what is in it, and the table."""


def page(
    records: Records,
    entries: Sequence[Entry],
    published: Sequence[Published],
    tables: Mapping[str, pd.DataFrame],
    long_tables: Sequence[LongTable],
    drawings: Sequence[Drawing],
    not_drawn: Sequence[str],
    documents: Sequence[bytes],
) -> str:
    """The page as HTML that needs nothing but itself; all that comes from results is escaped.

    Args:
        records: the results.
        entries: the claims ledger.
        published: the reproduction ledger.
        tables: the summary.
        long_tables: those of `folded`.
        drawings: its figures.
        not_drawn: a line on each figure that is missing.
        documents: the benchmark.json files, to be downloaded from the page.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["download"] = download
    return environment.get_template("report.html.j2").render(
        statement=statement(records),
        # A gate run says nothing of the theory or of what others published.
        has_cells=not records.cells.empty,
        interrupted=interrupted(records),
        tally=tally(entries),
        claims=[(entry, shown(entry), claim_class(entry), lines(entry)) for entry in entries],
        few_findings=FEW_FINDINGS,
        published=section(published),
        tally_of_rows=tally_of_rows(published),
        tables=[
            (data, list(table.columns), table.to_numpy().tolist()) for data, table in tables.items()
        ],
        folded=long_tables,
        machines=[
            *(machine(row) for _, row in records.machines.iterrows()),
            *gate_page.facts(records),
        ],
        runs_only=runs_only(records),
        drawings=drawings,
        picture=picture,
        commands=commands(records),
        problems=records.problems,
        not_drawn=not_drawn,
        documents=documents,
    )


def folded(records: Records) -> list[LongTable]:
    """The long tables: anchor, heading, what is in it, and the table; those without rows left out.

    Args:
        records: the results.

    Returns:
        In the order of the page.
    """
    tables = [
        (
            "comparisons-table",
            "Which losses differ",
            "pairs of losses by seed on the last record: exact signed ranks, Holm within a setting",
            comparison_table(records),
        ),
        (
            "dirac-table",
            "What becomes of the Dirac-GAN",
            "trajectories: the class and rate that the eigenvalues predict, and those measured",
            stability.table(records),
        ),
        (
            "numerics-table",
            "Which way of writing the loss keeps its gradient",
            "strips of the map, in numbers",
            numerics.table(records),
        ),
        (
            "costs",
            "What a step costs",
            "cells: medians over rounds; operations are those of matrix products and convolutions",
            costs(records),
        ),
        (
            "peers-table",
            "How fast the same step is elsewhere",
            "peers: seconds per step over the suite's in the same process, medians of processes",
            peers.table(records),
        ),
    ]
    return [
        (name, heading, f"{len(table):,} {words}", table)
        for name, heading, words, table in tables
        if len(table)
    ]


def lines(entry: Entry) -> list[str]:
    """Each finding of a claim as a line."""
    return [line(finding) for finding in entry.findings]


def shown(entry: Entry) -> str:
    """A claim's verdict as the page shows it: many conditions are counted, to be unfolded beside.

    Args:
        entry: a claim with its findings.

    Returns:
        The verdict, or how many of the conditions that decide it holds under.
    """
    decided = [finding for finding in entry.findings if finding.holds is not None]
    true = sum(bool(finding.holds) for finding in decided)
    if true == len(decided) or true <= FEW_CONDITIONS:
        return entry.verdict
    return f"holds only under {true} of {count(len(decided), 'condition')}"


def claim_class(entry: Entry) -> str:
    """The style of a claim's verdict, in words that the style sheet knows.

    >>> from analysis.claims import CLAIMS
    >>> claim_class(Entry("stalls", CLAIMS["stalls"], ()))
    'unmeasured'
    """
    return VERDICTS[entry.grade].name


def data_uri(data: bytes, media_type: str) -> str:
    """Bytes as an address that holds them.

    >>> data_uri(b"a", "text/csv")
    'data:text/csv;base64,YQ=='
    """
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def download(name: str, data: bytes, media_type: str, folder: str | None = None) -> tuple[str, str]:
    """A file as the page holds it: a large one is compressed, which pandas reads all the same.

    Args:
        name: of the file.
        data: its bytes.
        media_type: of them.
        folder: where it lies beside the page, if it does; a very large one is left there.

    Returns:
        The name that it is saved under, and its address.

    >>> download("a.csv", b"a", "text/csv")
    ('a.csv', 'data:text/csv;base64,YQ==')
    """
    if len(data) <= LARGEST_DOWNLOAD:
        return name, data_uri(data, media_type)
    if folder is not None and len(data) > LARGEST_HELD:
        return name, f"{folder}/{name}"
    return f"{name}.gz", compressed(data)


# Two figures have the same rows, one after the other.
@lru_cache(maxsize=1)
def compressed(data: bytes) -> str:
    """The address of bytes that are held compressed."""
    # Without the time of day, so that the same results give the same page.
    return data_uri(gzip.compress(data, mtime=0), "application/gzip")


def picture(drawing: Drawing) -> str:
    """The address of a figure's picture: SVG, unless it is too large for a page."""
    if len(drawing.svg) > LARGEST_SVG:
        return data_uri(drawing.png, "image/png")
    return data_uri(drawing.svg, "image/svg+xml")


def statement(records: Records) -> str:
    """What this page is, in a paragraph whose numbers are the records'."""
    if records.cells.empty:
        return gate_page.statement(records)
    cells, dates = records.cells, sorted(_known(records.machines, "datetime"))
    kinds = cells["kind"].value_counts()
    told = [f"{n} of {kind}" for kind, n in kinds.items()]
    losses, data = (listing(sorted(cells[name].unique())) for name in ("loss", "data"))
    when = f" on {' and '.join(dict.fromkeys(date[:10] for date in dates))}" if dates else ""
    return (
        f"What Saddle measured{when} on {listing(sorted(cells['machine'].unique()))}: how fast a "
        f"training step of a generative adversarial network is, what gradient the generator gets "
        f"while the discriminator rejects its samples, and whether the game converges. "
        f"{count(len(cells), 'cell')} ({listing(told)}; {statuses(cells)}) of the losses {losses} "
        f"on {data}; {count(len(records.runs), 'stored run')}."
    )


def _known(table: pd.DataFrame, name: str) -> list[str]:
    return [value for value in table[name] if value] if name in table else []


def interrupted(records: Records) -> str:
    """A warning if a session did not come to its end, else nothing."""
    if records.machines.empty and records.runs.empty:
        return ""
    if records.machines.empty:
        return "No benchmark.json was left: the session was killed. Shown is what its runs say."
    broken = records.machines.loc[records.machines["status"] != "finished", "source"]
    if broken.empty:
        return ""
    return f"Interrupted before its end: {listing(list(broken))}. Shown is what was finished."


def commands(records: Records) -> list[str]:
    """The commands that make such results and this report again."""
    lines = gate_page.commands(records)
    for _, row in records.machines.iterrows():
        arguments = row.get("arguments")
        told = arguments if isinstance(arguments, list) else ["bench/", "--profile", row["profile"]]
        lines.append(shlex.join(["python", "-m", "pytest", *map(str, told)]))
    known = [*_known(records.machines, "source"), *_known(records.gate, "source")]
    sources = [f"results/{source}" for source in dict.fromkeys(known)]
    return [*lines, shlex.join(["python", "-m", "analysis", "report", *(sources or ["FOLDER"])])]
