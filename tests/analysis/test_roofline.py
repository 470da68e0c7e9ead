"""The roofline of a cell by hand, from closed forms."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.costs import costs
from analysis.records import Records, load
from analysis.roofline import LIMITS, bounds, limit, roofline
from tests.analysis.synthetic.runs import MACHINE

CPU = MACHINE["ceilings"]["cpu"]
FLAT = {
    **CPU,
    "copy": [{"bytes": 1024, "bytes_per_second": 1e9}],
    "update": [{"bytes": 1024, "bytes_per_second": 2e9}],
}
"""The same bandwidth at every size."""


def session(synthetic: Any, name: str = "flat", **profile: Any) -> Path:
    """A session of one game at two batch sizes on a machine of flat bandwidth."""
    folder: Path = synthetic.session(
        name, machine={"ceilings": {"cpu": FLAT}}, losses=("hinge",), seeds=1, **profile
    )
    return folder


def change(folder: Path, **extra: object) -> Path:
    """Replace counts of every throughput cell; None removes one."""
    file = folder / "benchmark.json"
    document = json.loads(file.read_text())
    for cell in document["benchmarks"]:
        if cell["group"] == "throughput":
            cell["extra_info"] |= extra
            for name in [name for name, value in extra.items() if value is None]:
                del cell["extra_info"][name]
    file.write_text(json.dumps(document))
    return folder


def of_batch(rows: pd.DataFrame, batch_size: int) -> dict[str, Any]:
    """The only row of this batch size."""
    (row,) = rows[rows["batch_size"] == batch_size].to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_bounds_are_the_hand_count(synthetic: Any) -> None:
    """64·10⁶ FLOP at 10¹¹/s, 125,600 bytes at 2·10⁹/s, 250 operators of 1 µs."""
    records = load([session(synthetic)])
    row = of_batch(roofline(records), 64)
    assert row["arithmetic_seconds"] == pytest.approx(64e6 / 1e11)
    assert row["memory_seconds"] == pytest.approx((100_000 + 400 * 64) / 2e9)
    assert row["dispatch_seconds"] == pytest.approx(250e-6)
    assert row["attainable_seconds"] == row["arithmetic_seconds"]
    assert row["serial_seconds"] == pytest.approx(64e6 / 1e11 + 125_600 / 2e9)
    assert row["intensity"] == pytest.approx(64e6 / 125_600)
    assert row["limit"] == "arithmetic"


def test_fractions_are_of_the_median_round(synthetic: Any) -> None:
    """Between the bounds that the order statistics of six rounds have: the extremes."""
    records = load([session(synthetic)])
    row = of_batch(roofline(records), 64)
    rounds = records.throughput[records.throughput["batch_size"] == 64]["seconds_per_step"]
    assert row["low"] == pytest.approx(64e-5 / rounds.max())
    assert row["high"] == pytest.approx(64e-5 / rounds.min())
    assert row["fraction"] == pytest.approx(np.median(64e-5 / rounds))
    assert row["rounds"] == 6
    assert row["serial_fraction"] == pytest.approx(np.median((64e-5 + 6.28e-5) / rounds))
    assert row["accounted_fraction"] == pytest.approx(np.median((64e-5 + 6.28e-5 + 25e-5) / rounds))
    assert row["flops_per_second"] == pytest.approx(64e6 / rounds.median())


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"flops_per_step": 1e9}, "arithmetic"),
        ({"least_bytes_per_step": 1e9}, "memory"),
        ({"operators_per_step": 1e5}, "dispatch"),
        ({"flops_per_step": 1e3, "operators_per_step": None}, "memory"),
        ({"flops_per_step": 0}, "dispatch"),
    ],
)
def test_the_largest_bound_is_the_limit(
    synthetic: Any, extra: dict[str, object], expected: str
) -> None:
    """Of a program there is no dispatch."""
    rows = roofline(load([change(session(synthetic), **extra)]))
    assert set(rows["limit"]) == {expected}


def test_a_program_has_no_dispatch(synthetic: Any) -> None:
    """Its accounted share is that without overlap."""
    rows = roofline(load([change(session(synthetic), operators_per_step=None)]))
    assert rows["dispatch_seconds"].isna().all()
    assert list(rows["accounted_fraction"]) == list(rows["serial_fraction"])


@pytest.mark.parametrize("missing", ["least_bytes_per_step", "working_set_bytes"])
def test_what_was_not_counted_has_no_roofline(synthetic: Any, missing: str) -> None:
    """Results from before it are read as ever, and have their costs."""
    records = load([change(session(synthetic), **{missing: None})])
    assert roofline(records).empty
    assert len(costs(records)) == 2


def test_a_session_without_ceilings_has_no_roofline(synthetic: Any) -> None:
    """Results from before they were measured; beside those of one that has them, it is left out."""
    old = synthetic.session("old", machine={"ceilings": {}, "cpu": "Old CPU"}, seeds=1)
    assert roofline(load([old])).empty
    both = load([old, session(synthetic)])
    assert set(roofline(both)["machine"]) == {"Example CPU"}
    assert len(costs(both)) == 6
    assert set(costs(both)["limit"]) == {"–", "arithmetic"} | {"dispatch"}


def test_nothing_timed_has_no_roofline(synthetic: Any) -> None:
    """A folder that only holds runs."""
    folder = session(synthetic, data=("ring",))
    (folder / "benchmark.json").unlink()
    assert roofline(load([folder])).empty


def test_each_session_is_held_against_its_own_ceilings(synthetic: Any) -> None:
    """Two of one machine: every round has the fraction that it had in its session."""
    twice = {**FLAT, "gemm": [row | {"flops_per_second": 2e11} for row in FLAT["gemm"]]}
    one = session(synthetic, "one")
    other = synthetic.session(
        "other", machine={"ceilings": {"cpu": twice}}, losses=("hinge",), seeds=1
    )
    alone, together = (of_batch(roofline(load(folders)), 64) for folders in ([one], [one, other]))
    assert together["rounds"] == 12
    # The same rounds twice, once at half of the fraction: their extremes.
    assert together["high"] <= alone["high"]
    assert together["low"] >= alone["low"] / 2
    assert together["gemm_flops_per_second"] == 1.5e11


def test_losses_and_modes_are_cells_of_their_own(records: Records) -> None:
    """As many rows as cells, and no bound is negative."""
    rows = roofline(records)
    assert len(rows) == records.throughput["key"].nunique()
    found = bounds(records.throughput)[list(LIMITS.values())]
    assert (found.to_numpy() > 0).all()


SECONDS = st.floats(1e-12, 1e6)


@given(SECONDS, SECONDS, SECONDS | st.just(math.nan))
def test_no_other_bound_is_above_the_limit(
    arithmetic: float, memory: float, dispatch: float
) -> None:
    """Whatever is known."""
    seconds = {
        "arithmetic_seconds": arithmetic,
        "memory_seconds": memory,
        "dispatch_seconds": dispatch,
    }
    most = seconds[LIMITS[limit(seconds)]]
    assert not any(value > most for value in seconds.values())


def test_the_table_of_costs_has_the_fraction(synthetic: Any) -> None:
    """In per cent, beside what limits the cell."""
    records = load([session(synthetic)])
    table, rows = costs(records), roofline(records)
    assert [float(text) for text in table["% of the attainable"]] == pytest.approx(
        list(100 * rows["fraction"]), rel=6e-3
    )
    assert list(table["limit"]) == list(rows["limit"])


def test_a_table_tells_modes_apart_where_there_are_several(synthetic: Any) -> None:
    """One row for each, named."""
    folder = session(synthetic)
    file = folder / "benchmark.json"
    document = json.loads(file.read_text())
    (first, *_) = [c for c in document["benchmarks"] if c["group"] == "throughput"]
    first["extra_info"]["run"]["mode"] = "compile"
    file.write_text(json.dumps(document))
    assert list(costs(load([folder]))["mode"]) == ["compile", "eager"]
