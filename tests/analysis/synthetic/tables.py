"""Records of one kind, made run by run without files."""

from collections.abc import Sequence

import pandas as pd

from analysis.gate_record import COLUMNS
from analysis.records import IDENTITY, Records, columns
from analysis.schema import AXES
from analysis.stacking import stack
from analysis.tables import TABLES
from tests.analysis.synthetic.experiments import verdicts
from tests.analysis.synthetic.runs import MACHINE, Row, make_run


def records_of(kind: str, runs: Sequence[tuple[Row, str, Sequence[Row]]]) -> Records:
    """Records that hold runs of one kind alone: each its settings, its status and its rows."""
    empty = {name: stack([], columns(name)) for name in TABLES}
    ends, tables = [], []
    for number, (fields, status, rows) in enumerate(runs):
        run = make_run(**fields)
        identity = {"key": f"run{number}", "machine": MACHINE["cpu"], "status": status}
        named = {name: value for name, value in run.items() if name in AXES}
        others = {f"run.{name}": value for name, value in run.items() if name not in AXES}
        found = verdicts(rows, {}) if kind == "dirac" else {}
        ends.append({**identity, **named, **others, **found, "kind": kind})
        tables.append(pd.DataFrame([{**identity, **named, **row} for row in rows]))
    filled = [table for table in tables if len(table)]
    table = stack(filled, columns(kind)).reindex(columns=columns(kind))
    none = pd.DataFrame()
    return Records(
        throughput=none,
        peers=none,
        overhead=none,
        cells=none,
        **{**empty, kind: table},
        runs=pd.DataFrame(ends) if ends else stack([], [*IDENTITY, "kind"]),
        gate=stack([], COLUMNS),
        machines=none,
        problems=(),
    )
