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
from analysis.runs import Runs, joined, read_runs, row
from analysis.stacking import stack, stacked_rows
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
        training: one row per record of a training run: `status` and the format's columns; samples
            of the lowest seed of each setting.
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
    runs: Runs
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
    facts = [row(meta) for meta in runs.metas]
    cells = cell_rows(sessions, facts)
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
        **{kind: records(runs, facts, kind) for kind in TABLES},
        runs=stacked_rows(facts) if facts else stack([], [*IDENTITY, "kind"]),
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
    runs, problems = read_all(stored)
    return Session(folder.resolve().name, document, runs, tuple(problems))


def named_keys(document: Mapping[str, Any]) -> list[str]:
    """The keys of the runs that a benchmark.json says were stored, sorted, once each."""
    extras = [cell["extra_info"] for cell in document["benchmarks"]]
    stored = {"finished", "diverged"}
    return sorted(
        {e["key"] for e in extras if e["kind"] in KINDS.values() and e["status"] in stored}
    )


def read_all(paths: Sequence[Place]) -> tuple[Runs, list[str]]:
    """`read_runs`, in as many processes as so many files deserve."""
    blocks = [paths[start : start + BLOCK] for start in range(0, len(paths), BLOCK)]
    # The client of an address has threads of its own, which no forked process has.
    local = all(isinstance(path, Path) for path in paths)
    processes = cores() if local and len(paths) >= MANY else 1
    read = outcomes([partial(read_runs, block) for block in blocks], processes)
    return joined([found for found, _ in read]), [line for _, lines in read for line in lines]


def unique_runs(sessions: Iterable[Session]) -> tuple[Runs, list[str]]:
    """Every run once: the same key on the same machine is the same seed, not another one."""
    known = set[tuple[str, str, str]]()
    parts, problems = [], []
    for session in sessions:
        repeated = []
        for place, meta in enumerate(session.runs.metas):
            identity = (meta["kind"], meta["key"], meta["machine"])
            if identity in known:
                problems.append(
                    f"run {meta['key']} is in two folders: {session.name}'s is left out"
                )
                repeated.append(place)
            known.add(identity)
        parts.append(session.runs.without(repeated) if repeated else session.runs)
    return joined(parts) if len(parts) > 1 else parts[0], problems


def cells_of(documents: Iterable[dict[str, Any]], kind: str) -> list[tuple[Any, Any]]:
    """The finished cells of a kind, each with its machine's facts."""
    return [
        (cell, document["machine_info"]["saddle"])
        for document in documents
        for cell in document["benchmarks"]
        if cell["group"] == kind and cell["extra_info"]["status"] == "finished"
    ]


def cell_rows(
    sessions: Iterable[Session], runs: Iterable[Mapping[str, object]]
) -> list[dict[str, object]]:
    """The rows of `Records.cells`: the benchmark.json's, then what only a run's file tells of."""
    rows = [
        cell_row(cell, session.document["machine_info"]["saddle"])
        for session in sessions
        if session.document
        for cell in session.document["benchmarks"]
    ]
    told = {(row["kind"], row["key"]) for row in rows}
    for run in runs:
        kind = KINDS[str(run["kind"])]
        if (kind, run["key"]) not in told:
            facts = {name: run[name] for name in run if name in CELL or name[:4] == "run."}
            rows.append({**facts, "kind": kind})
    return rows


def records(runs: Runs, facts: Iterable[Mapping[str, object]], kind: str) -> pd.DataFrame:
    """The rows of every run of a kind, each beside what it is: a row of `facts` each."""
    both = zip(facts, runs.counts, strict=True)
    found = [(fact, count) for fact, count in both if fact["kind"] == kind and count]
    if not found:
        return stack([], columns(kind))
    identity = stacked_rows({name: fact[name] for name in IDENTITY} for fact, _ in found)
    repeated = identity.loc[identity.index.repeat([count for _, count in found])]
    return repeated.reset_index(drop=True).join(runs.rows(kind))


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

BLOCK = 250
"""Files that a process reads at a time: few enough that all processes end together."""

IDENTITY = ("key", "machine", "status", *schema.AXES)

CELL = ("kind", "message", *IDENTITY)

TIMINGS = (
    *("round", "seconds_per_step", "images_per_second"),
    *(*schema.THROUGHPUT, *schema.SOME_THROUGHPUT, *ceilings.OF_CELL),
)
