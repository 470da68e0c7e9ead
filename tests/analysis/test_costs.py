"""The table of what a step costs."""

from typing import Any

import pytest

from analysis.costs import QUANTITIES, costs
from analysis.records import load


def test_each_timed_cell_has_its_costs(synthetic: Any) -> None:
    """A row per throughput cell, in units a reader can compare; achieved is counted over timed."""
    records = load([synthetic.session(losses=("saturating", "hinge"), data=("digits",), seeds=1)])
    table = costs(records)
    assert len(table) == records.throughput["key"].nunique()
    assert {heading for heading, _ in QUANTITIES.values()} <= set(table.columns)
    row, cell = table.iloc[0], records.throughput[records.throughput["loss"] == "hinge"]
    hinge = table[(table["loss"] == "hinge") & (table["batch size"] == row["batch size"])].iloc[0]
    of_batch = cell[cell["batch_size"].astype(str) == row["batch size"]]
    milliseconds = 1000 * of_batch["seconds_per_step"].median()
    assert float(hinge["ms per step"].replace(",", "")) == pytest.approx(milliseconds, rel=5e-3)
    operations = of_batch["flops_per_step"].iloc[0] * 1e-9
    achieved = float(hinge["GFLOP/s"].replace(",", ""))
    assert achieved == pytest.approx(1000 * operations / milliseconds, rel=1e-2)


def test_nothing_timed_is_no_table(synthetic: Any) -> None:
    """A folder that only holds runs has no costs."""
    folder = synthetic.session(losses=("saturating",), data=("ring",), seeds=1)
    (folder / "benchmark.json").unlink()
    assert len(costs(load([folder]))) == 0
