"""Results folders as tidy tables: one row per round, cell, record, run or machine.

The format is results/README.md; the tables that hold it are in schema.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import ceilings, schema
from analysis.cells import KEY, PEER, cell_row, processes, read_document, repetitions, rounds
from analysis.errors import UsageError
from analysis.gate_record import GATE, gates
from analysis.place import Place, telling
from analysis.processes import cores, outcomes
from analysis.runs import RunFile, intern, read_run
from analysis.stacking import stack, stacked_columns, stacked_rows
from analysis.tables import TABLES

KINDS = {kind: "convergence" if kind == "training" else kind for kind in TABLES}
"""The kind of a run's file -> the kind of the cell that left it."""


# Two of the same content are two: what was made of one is kept by which it is.
@dataclass(frozen=True, eq=False)
class Records:
    """What one or more sessions left.

    Every table but `gate` and `machines` has `key`, `machine` (GPU or processor) and the axes:
    `device`, `precision`, `batch_size`, `loss`, `penalty`, `model`, `data`, `seed`.

    Args:
        throughput: one row per round: `round`, `seconds_per_step`, `images_per_second`,
            `steps_per_block`, `first_call_seconds`, `flops_per_step`, `peak_memory_bytes`,
            `generator_parameters`, `discriminator_parameters`, `least_bytes_per_step`,
            `working_set_bytes`, `operators_per_step`, and what bounds the cell: see
            `analysis.ceilings.of_cell`.
        overhead: one row per repetition of a cost of measuring: `quantity`, `unit`, `goal` and
            `value`.
        peers: one row per peer and process of a cell: `peer`, `process`, `seconds_per_step`,
            `first_call_seconds`; one with nothing but the reason in `left_out` of a peer that was
            not timed.
        cells: one row per cell of any kind, also of one that only a run's file tells of: `kind`,
            `status`, `message`, and every other field of the run as `run.<field>`.
        training: one row per record of a training run: `status` and the format's columns.
        gradients: one row per shift and network: `status` and the format's columns.
        numerics, per_sample, optimum, overtrained, counterfactual: the rows of these kinds of run:
            `status` and the format's columns.
        dirac, spectrum: likewise.
        head_start, batches, reproduction: as `training`, of these kinds of run.
        runs: one row per run's file: `kind`, `status`, `message`, `stopped_step`, `torch`, its
            facts, and every other field of the run as `run.<field>`.
        gate: the rows of gate runs: `analysis.gate_record.read_gate` has its columns.
        machines: one row per benchmark.json: `source` (its folder's name), `datetime`, `commit`
            and the machine's facts.
        problems: what could not be read, one line each.
    """

    throughput: pd.DataFrame
    peers: pd.DataFrame
    overhead: pd.DataFrame
    cells: pd.DataFrame
    training: pd.DataFrame
    gradients: pd.DataFrame
    numerics: pd.DataFrame
    per_sample: pd.DataFrame
    optimum: pd.DataFrame
    overtrained: pd.DataFrame
    counterfactual: pd.DataFrame
    head_start: pd.DataFrame
    batches: pd.DataFrame
    dirac: pd.DataFrame
    spectrum: pd.DataFrame
    reproduction: pd.DataFrame
    runs: pd.DataFrame
    gate: pd.DataFrame
    machines: pd.DataFrame
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Session:
    """One results folder, read; a killed session leaves no document."""

    name: str
    document: dict[str, Any] | None
    runs: tuple[RunFile, ...]
    problems: tuple[str, ...]


def load(paths: Sequence[Place]) -> Records:
    """The results of one or more sessions.

    Args:
        paths: each a benchmark.json, which brings the runs it names from runs/ beside it, or a
            results folder, which brings its benchmark.json and gate.json, if any, and all of its
            runs.

    Returns:
        The tables. A run or gate.json that cannot be read is left out and named among the problems.

    Raises:
        UsageError: a path is missing or given twice, a benchmark.json cannot be read or is not of
            this format, or nothing at all is left to report.
    """
    if not paths:
        raise UsageError("no results given: name a benchmark.json or a results folder")
    sessions = [read_session(path) for path in unique(paths)]
    runs, repeated = unique_runs(sessions)
    gate, refused = gates(paths)
    problems = [*(line for one in sessions for line in one.problems), *repeated, *refused]
    cells = cell_rows(sessions, runs)
    if not cells and gate.empty:
        reason = problems[0] if problems else "no cells and no runs"
        raise UsageError(f"nothing to report in {', '.join(map(str, paths))}: {reason}")
    documents = [session.document for session in sessions if session.document]
    timings = [rounds(cell, machine) for cell, machine in cells_of(documents, "throughput")]
    costs = [repetitions(cell, machine) for cell, machine in cells_of(documents, "overhead")]
    peers = [processes(cell, machine) for cell, machine in cells_of(documents, "peers")]
    return Records(
        throughput=stack(timings, [*IDENTITY, *TIMINGS]),
        peers=stack(peers, [*IDENTITY, *PEER]),
        overhead=stack(costs, [*IDENTITY, *schema.OVERHEAD, "goal", "value"]),
        cells=pd.DataFrame(cells) if cells else stack([], CELL),
        **{kind: records(runs, kind) for kind in TABLES},
        runs=stacked_rows(run.row for run in runs) if runs else stack([], [*IDENTITY, "kind"]),
        gate=gate,
        machines=pd.DataFrame([machine_row(session) for session in sessions if session.document]),
        problems=tuple(problems),
    )


def unique(paths: Iterable[Place]) -> list[Place]:
    """The paths, unless two of them are the same results, which would then count twice."""
    folders: dict[Place, Place] = {}
    for path in paths:
        with telling(path, "cannot be read"):
            folder = (path.parent if path.is_file() else path).resolve()
        if folder in folders:
            raise UsageError(f"{path}: the same results as {folders[folder]}; name them once")
        folders[folder] = path
    return list(folders.values())


def read_session(path: Place) -> Session:
    """One results folder.

    Args:
        path: a benchmark.json or the folder it is in.

    Returns:
        What could be read of it.

    Raises:
        UsageError: there is nothing of the kind, or the benchmark.json cannot be read.
    """
    with telling(path, "cannot be read"):
        whole, folder = path.is_dir(), path
        if not whole:
            if not path.exists():
                raise UsageError(f"{path}: no such file or folder")
            folder = path.parent
        file = folder / "benchmark.json" if whole else path
        document = read_document(file) if file.exists() else None
        found: list[Place] = [*folder.glob("runs/*.parquet")] if whole else []
        gated = whole and (folder / GATE).exists()
    if document is None or whole:
        stored = sorted((each for each in found if KEY.fullmatch(each.name)), key=str)
    else:
        stored = [folder / "runs" / f"{key}.parquet" for key in named_keys(document)]
    if document is None and not stored and not gated:
        raise UsageError(
            f"{path}: no benchmark.json and no runs/*.parquet in this folder, and no {GATE}"
        )
    runs, problems = read_runs(stored)
    return Session(folder.resolve().name, document, tuple(runs), tuple(problems))


def named_keys(document: Mapping[str, Any]) -> list[str]:
    """The keys of the runs that a benchmark.json says were stored, sorted, once each."""
    extras = [cell["extra_info"] for cell in document["benchmarks"]]
    stored = {"finished", "diverged"}
    return sorted(
        {e["key"] for e in extras if e["kind"] in KINDS.values() and e["status"] in stored}
    )


def read_runs(paths: Sequence[Place]) -> tuple[list[RunFile], list[str]]:
    """The runs that can be read, and a line on each that cannot, both in the files' order."""
    blocks = [paths[start : start + BLOCK] for start in range(0, len(paths), BLOCK)]
    # The client of an address has threads of its own, which no forked process has.
    local = all(isinstance(path, Path) for path in paths)
    processes = cores() if local and len(paths) >= MANY else 1
    read = outcomes([partial(read_block, block) for block in blocks], processes)
    runs = [run for found, _ in read for run in found]
    intern(runs)
    return runs, [line for _, lines in read for line in lines]


def read_block(paths: Iterable[Place]) -> tuple[list[RunFile], list[str]]:
    """The same of a few files, in this process."""
    runs, problems = [], []
    for path in paths:
        try:
            runs.append(read_run(path))
        except UsageError as error:
            problems.append(f"{path.parent.name}/{path.name} is left out: {error}")
    return runs, problems


def unique_runs(sessions: Iterable[Session]) -> tuple[list[RunFile], list[str]]:
    """Every run once: the same key on the same machine is the same seed, not another one."""
    runs: dict[tuple[str, str, str], RunFile] = {}
    problems = []
    for session in sessions:
        for run in session.runs:
            identity = (run.meta["kind"], run.meta["key"], run.meta["machine"])
            if identity in runs:
                problems.append(
                    f"run {run.meta['key']} is in two folders: {session.name}'s is left out"
                )
            else:
                runs[identity] = run
    return list(runs.values()), problems


def cells_of(documents: Iterable[dict[str, Any]], kind: str) -> list[tuple[Any, Any]]:
    """The finished cells of a kind, each with its machine's facts."""
    return [
        (cell, document["machine_info"]["saddle"])
        for document in documents
        for cell in document["benchmarks"]
        if cell["group"] == kind and cell["extra_info"]["status"] == "finished"
    ]


def cell_rows(sessions: Iterable[Session], runs: Iterable[RunFile]) -> list[dict[str, object]]:
    """The rows of `Records.cells`: the benchmark.json's, then what only a run's file tells of."""
    rows = [
        cell_row(cell, session.document["machine_info"]["saddle"])
        for session in sessions
        if session.document
        for cell in session.document["benchmarks"]
    ]
    told = {(row["kind"], row["key"]) for row in rows}
    for run in runs:
        kind = KINDS[run.meta["kind"]]
        if (kind, run.meta["key"]) not in told:
            facts = {name: run.row[name] for name in run.row if name in CELL or name[:4] == "run."}
            rows.append({**facts, "kind": kind})
    return rows


def records(runs: Iterable[RunFile], kind: str) -> pd.DataFrame:
    """The rows of every run of a kind, each beside what it is."""
    found = [run for run in runs if run.meta["kind"] == kind and len(run)]
    if not found:
        return stack([], columns(kind))
    identity = stacked_rows({name: run.row[name] for name in IDENTITY} for run in found)
    repeated = identity.loc[identity.index.repeat([len(run) for run in found])]
    values = pd.DataFrame(stacked_columns([run.columns for run in found]))
    return repeated.reset_index(drop=True).join(values)


def columns(kind: str) -> list[str]:
    """The columns of a kind's table."""
    return [*IDENTITY, *TABLES[kind].columns, *TABLES[kind].some_columns]


def machine_row(session: Session) -> dict[str, object]:
    """One row of `Records.machines`."""
    document = session.document or {}
    commit, facts = document.get("commit_info") or {}, document["machine_info"]["saddle"]
    return {
        "source": session.name,
        "datetime": str(document.get("datetime", "")),
        "commit": str(commit.get("id", "")) if isinstance(commit, dict) else "",
        **{name: fact for name, fact in facts.items() if name != "ceilings"},
    }


MANY = 200
"""Files from which on a second process has begun long before the first would be done."""

BLOCK = 100
"""Files that a process reads at a time, so that all of them end together."""

IDENTITY = ("key", "machine", "status", *schema.AXES)

CELL = ("kind", "message", *IDENTITY)

TIMINGS = (
    *("round", "seconds_per_step", "images_per_second"),
    *(*schema.THROUGHPUT, *schema.SOME_THROUGHPUT, *ceilings.OF_CELL),
)
