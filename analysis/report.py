"""The report of one or more results folders: a page and the files of its figures."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.claims import CLAIMS
from analysis.claims.claim import Finding
from analysis.claims.ledger import Entry, as_json, ledger
from analysis.errors import UsageError
from analysis.figures import FIGURES, metric_curve
from analysis.page import page
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
    made, entries, tables = parts(records)
    drawn = tuple(one for one in made.values() if one is not None)
    missing = tuple(
        f"{name}: not drawn: it needs {FIGURES[name].needs}"
        for name, one in made.items()
        if one is None
    )
    documents = [file.read_bytes() for path in paths if (file := document(path)) is not None]
    published = reproduction.ledger(records)
    text = page(records, entries, published, tables, drawn, missing, documents)
    for name, one in made.items():
        for suffix in SUFFIXES:
            file = folder / "figures" / f"{name}.{suffix}"
            replace(file, None if one is None else getattr(one, suffix))
    replace(folder / "claims.json", as_json(entries))
    replace(folder / "reproduction.json", reproduction.as_json(published))
    replace(folder / "report.html", text.encode())
    names = tuple(one.name for one in drawn)
    return Report(folder / "report.html", names, missing, records.problems)


def parts(
    records: Records,
) -> tuple[dict[str, Drawing | None], list[Entry], dict[str, pd.DataFrame]]:
    """What a report is made of and takes long, in as many processes as many results deserve.

    Args:
        records: the results.

    Returns:
        The figures in the order of the page, the claims ledger and the summary.
    """
    groups = together(FIGURES)
    # What several parts ask for is made, and kept, before there are processes to make it twice.
    metric_curve.prepare(records)
    jobs: list[Callable[[], Any]] = [partial(drawings, group, records) for group in groups]
    jobs += [partial(findings, records), partial(summary, records)]
    processes = cores() if len(records.cells) >= MANY else 1
    *made, found, tables = outcomes(jobs, processes)
    by_name = {name: one for group in made for name, one in group.items()}
    claims = zip(CLAIMS.items(), found, strict=True)
    entries = [Entry(name, claim, told) for (name, claim), told in claims]
    return {name: by_name[name] for name in FIGURES}, entries, tables


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
