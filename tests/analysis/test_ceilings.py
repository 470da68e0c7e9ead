"""Ceilings: which of them bounds a cell, and what is no ceiling."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ceilings import bandwidth, check, of_cell
from analysis.errors import UsageError
from analysis.records import load
from tests.analysis.synthetic.runs import MACHINE

CPU = MACHINE["ceilings"]["cpu"]


def machine(**changed: object) -> dict[str, Any]:
    """A machine whose processor has other ceilings."""
    return {"ceilings": {"cpu": {**CPU, **changed}}}


def product(dtype: str, rate: float) -> dict[str, object]:
    """A product of small matrices."""
    return {"dtype": dtype, "m": 2, "k": 3, "n": 4, "flops_per_second": rate}


def test_a_cell_is_bounded_by_its_best() -> None:
    """Of its formats' products the fastest; of copy and update the faster at its size."""
    told = of_cell(machine(), "cpu", "float32", 2**23)
    assert told == {
        "gemm_flops_per_second": 1e11,
        # 2²³ is halfway between 2¹⁸ and 2²⁸: (8 + 1)/2 by copying, (10 + 2)/2 by updating.
        "bytes_per_second": pytest.approx(6e10),
        "cache_bytes_per_second": 1e11,
        "memory_bytes_per_second": 2e10,
        "seconds_per_operator": 1e-6,
    }
    assert of_cell(machine(), "cpu", "float64", 2**23)["gemm_flops_per_second"] == 5e10


def test_products_in_two_formats_are_bounded_by_the_faster() -> None:
    """A bound must not be broken by the half of a step that runs in the other."""
    rows = [product("bfloat16", 1.0), product("float32", 3.0), product("float32", 2.0)]
    told = of_cell(machine(gemm=rows), "cpu", "bfloat16 float32", 2**20)
    assert told["gemm_flops_per_second"] == 3.0


def test_the_slower_curve_does_not_bound() -> None:
    """Where copying is faster than updating, a step may do as well."""
    told = of_cell(machine(update=[{"bytes": 2**18, "bytes_per_second": 1e9}]), "cpu", "", 2**18)
    assert told["bytes_per_second"] == 8e10


@pytest.mark.parametrize("of", [{}, {"ceilings": {}}, {"ceilings": {"cuda": CPU}}])
def test_without_a_measurement_there_is_no_ceiling(of: dict[str, Any]) -> None:
    """Results from before it, sessions without timings, another device."""
    assert all(map(math.isnan, of_cell(of, "cpu", "float32", 2**20).values()))


def test_a_format_that_was_not_measured_has_none() -> None:
    """The others have theirs, and an empty list is no bandwidth."""
    told = of_cell(machine(copy=[], update=[]), "cpu", "float16", 2**20)
    assert math.isnan(told["gemm_flops_per_second"])
    assert math.isnan(told["bytes_per_second"])
    assert told["seconds_per_operator"] == 1e-6


def test_an_unknown_working_set_has_no_bandwidth() -> None:
    """Results that counted no bytes."""
    told = of_cell(machine(), "cpu", "float32", math.nan)
    assert math.isnan(told["bytes_per_second"])
    assert told["memory_bytes_per_second"] == 2e10


SIZES = st.integers(1, 2**40)
RATES = st.floats(1.0, 1e15)


@given(st.dictionaries(SIZES, RATES, min_size=1, max_size=6), SIZES)
def test_a_bandwidth_lies_between_those_measured(rates: dict[int, float], size: int) -> None:
    """At a size that was measured it is that one, in whatever order they come."""
    curve = [{"bytes": bytes_, "bytes_per_second": rate} for bytes_, rate in rates.items()]
    found = bandwidth(curve, size)
    assert min(rates.values()) * (1 - 1e-9) <= found <= max(rates.values()) * (1 + 1e-9)
    assert bandwidth(curve[::-1], size) == found
    for measured, rate in rates.items():
        assert bandwidth(curve, measured) == pytest.approx(rate, rel=1e-6)


ROW = {"bytes": 1024, "bytes_per_second": 1e9}


@pytest.mark.parametrize(
    ("ceilings", "line"),
    [
        ([], "machine.ceilings: expected an object, found a list of 0"),
        ({"cpu": 3}, "machine.ceilings.'cpu': expected an object, found 3"),
        ({"cpu": {}}, "machine.ceilings.'cpu'.gemm: missing; expected a list"),
        (
            {"cpu": CPU | {"copy": [ROW, 7]}},
            "machine.ceilings.'cpu'.copy[1]: expected an object, found 7",
        ),
        (
            {"cpu": CPU | {"update": [ROW | {"bytes": 0}]}},
            "machine.ceilings.'cpu'.update[0].bytes: expected a positive integer, found 0",
        ),
        (
            {"cpu": CPU | {"gemm": [product("float32", -1)]}},
            "machine.ceilings.'cpu'.gemm[0].flops_per_second: expected a positive number, found -1",
        ),
        (
            {"cpu": CPU | {"seconds_per_operator": math.nan}},
            "machine.ceilings.'cpu'.seconds_per_operator: expected a positive number, found nan",
        ),
        (
            {"cpu": CPU | {"seconds_per_operator": None}},
            "machine.ceilings.'cpu'.seconds_per_operator: expected a positive number, found None",
        ),
    ],
)
def test_a_wrong_ceiling_is_refused_in_one_line(ceilings: object, line: str) -> None:
    """The line names the device, the field and what is wrong with it."""
    with pytest.raises(UsageError) as error:
        check({"ceilings": ceilings}, "machine")
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("least_bytes_per_step", 0, "a positive number or null, found 0"),
        ("working_set_bytes", -1, "a positive number or null, found -1"),
        ("operators_per_step", "many", "a positive number or null, found 'many'"),
        ("product_dtypes", 32, "text, found 32"),
    ],
)
def test_a_wrong_count_is_refused(synthetic: Any, field: str, value: object, words: str) -> None:
    """A count of nothing is no bound."""
    file = synthetic.edit(lambda d: d["benchmarks"][0]["extra_info"].update({field: value}))
    with pytest.raises(UsageError) as error:
        load([file])
    assert str(error.value) == f"{file}: benchmarks[0].extra_info.{field}: expected {words}"


def test_a_machine_is_described_without_its_ceilings(synthetic: Any) -> None:
    """They belong to cells."""
    assert "ceilings" not in load([synthetic.session(seeds=1, data=("ring",))]).machines
