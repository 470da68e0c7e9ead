"""The report of one or more results folders: a page and the files of its figures."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.claims import CLAIMS
from analysis.claims.claim import Finding
from analysis.claims.ledger import Entry, as_json, ledger
from analysis.errors import UsageError
from analysis.figures import FIGURES, Figure, metric
from analysis.page import LongTable, folded, page
from analysis.place import Place, telling
from analysis.processes import cores, outcomes
from analysis.records import Records, load
from analysis.render import Drawing, drawings, together
from analysis.reproduction import ledger as reproduction
from analysis.summary import summary

SUFFIXES = ("svg", "png", "csv")

MANY = 200
"""Cells from which on a report is drawn in several processes."""


@dataclass(frozen=True)
class Report:
    """What a report wrote.

    Args:
        page: the HTML file.
        drawn: names of the figures.
        not_drawn: a line on each other figure: which results it would take.
        problems: a line on each file that could not be read.
    """

    page: Place
    drawn: tuple[str, ...]
    not_drawn: tuple[str, ...]
    problems: tuple[str, ...]


def report(paths: Sequence[Place], output: Place | None = None) -> Report:
    """Measure every claim, draw every figure and write the page, the page last.

    Args:
        paths: benchmark.json files or results folders.
        output: where to write; None: beside the results, if they are one.

    Returns:
        What was written.

    Raises:
        UsageError: the results cannot be read, or the folder cannot be written.
    """
    folder = output_folder(paths, output)
    records = load(paths)
    make_folder(folder / "figures")
    made = parts(records)
    drawn = tuple(one for one in made.figures.values() if one is not None)
    missing = tuple(
        f"{name}: not drawn: it needs {FIGURES[name].needs}"
        for name, one in made.figures.items()
        if one is None
    )
    documents = [file.read_bytes() for path in paths if (file := document(path)) is not None]
    published = reproduction.ledger(records)
    text = page(
        records, made.entries, published, made.tables, made.folded, drawn, missing, documents
    )
    for name, one in made.figures.items():
        for suffix in SUFFIXES:
            file = folder / "figures" / f"{name}.{suffix}"
            replace(file, None if one is None else getattr(one, suffix))
    replace(folder / "claims.json", as_json(made.entries))
    replace(folder / "reproduction.json", reproduction.as_json(published))
    replace(folder / "report.html", text.encode())
    names = tuple(one.name for one in drawn)
    return Report(folder / "report.html", names, missing, records.problems)


@dataclass(frozen=True)
class Parts:
    """What a page is made of and takes long.

    Args:
        figures: in the order of the page; None: the results hold nothing to draw.
        entries: the claims ledger.
        tables: the summary.
        folded: the long tables.
    """

    figures: dict[str, Drawing | None]
    entries: list[Entry]
    tables: dict[str, pd.DataFrame]
    folded: list[LongTable]


def parts(records: Records) -> Parts:
    """What a report is made of and takes long, in as many processes as many results deserve.

    Args:
        records: the results.

    Returns:
        All of it.
    """
    # What most parts ask for is made, and kept, before there are processes to make it twice.
    metric.curves(records)
    groups = together(FIGURES)
    alike = next((group for group in groups if "comparisons" in group), {})
    jobs: list[Callable[[], Any]] = [
        partial(drawings, group, records) for group in groups if group is not alike
    ]
    jobs += [
        partial(compared, alike, records),
        partial(findings, records),
        partial(summary, records),
    ]
    processes = cores() if len(records.cells) >= MANY else 1
    *made, (others, long_tables), found, tables = outcomes(jobs, processes)
    by_name = {name: one for group in (*made, others) for name, one in group.items()}
    claims = zip(CLAIMS.items(), found, strict=True)
    entries = [Entry(name, claim, told) for (name, claim), told in claims]
    return Parts({name: by_name[name] for name in FIGURES}, entries, tables, long_tables)


def compared(
    group: Mapping[str, Figure], records: Records
) -> tuple[dict[str, Drawing | None], list[LongTable]]:
    """The figure of the comparisons, if any, and the page's long tables, one of which has them."""
    return drawings(group, records) if group else {}, folded(records)


def findings(records: Records) -> list[tuple[Finding, ...]]:
    """Those of every claim: a claim itself holds functions, which no process can send another."""
    return [entry.findings for entry in ledger(records)]


def output_folder(paths: Sequence[Place], output: Place | None) -> Place:
    """Where the report goes: the folder asked for, or that of the only results.

    Args:
        paths: the results.
        output: the folder asked for, if any.

    Returns:
        The folder.

    Raises:
        UsageError: none was asked for, and there are several results.
    """
    if output is not None:
        return output
    if len(paths) != 1:
        raise UsageError("several results make one report: say where with --output FOLDER")
    return paths[0].parent if paths[0].is_file() else paths[0]


def document(path: Place) -> Place | None:
    """The benchmark.json that a path brings, if any."""
    file = path / "benchmark.json" if path.is_dir() else path
    return file if file.is_file() else None


def make_folder(folder: Place) -> None:
    """Make a folder and try to write into it, before any work is done for it.

    Args:
        folder: made with all above it.

    Raises:
        UsageError: it cannot be made or written.
    """
    with telling(folder, "cannot be written"):
        # At an address there are no folders to make, or a bucket would be made of a typing error.
        if isinstance(folder, Path):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass


def replace(path: Place, data: bytes | None) -> None:
    """Write a whole file or none: at an address by one put, else renamed when it is whole.

    Args:
        path: the file.
        data: its bytes; None removes what an earlier report left.

    Raises:
        UsageError: it cannot be written.
    """
    with telling(path, "cannot be written"):
        if data is None:
            path.unlink(missing_ok=True)
        elif isinstance(path, Path):
            rename(path, data)
        else:
            path.write_bytes(data)


def rename(path: Path, data: bytes) -> None:
    """Write a file of this machine's under another name and give it its own when it is whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
