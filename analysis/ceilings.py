"""What a session measured that its devices can do at most, and which of it bounds a cell."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis import fields
from analysis.errors import UsageError

CEILINGS: fields.Fields = {
    "gemm": fields.OBJECTS,
    "copy": fields.OBJECTS,
    "update": fields.OBJECTS,
    "seconds_per_operator": fields.POSITIVE,
}
GEMM: fields.Fields = {
    "dtype": fields.TEXT,
    "m": fields.COUNT,
    "k": fields.COUNT,
    "n": fields.COUNT,
    "flops_per_second": fields.POSITIVE,
}
BANDWIDTH: fields.Fields = {"bytes": fields.COUNT, "bytes_per_second": fields.POSITIVE}

OF_CELL = (
    "gemm_flops_per_second",
    "bytes_per_second",
    "cache_bytes_per_second",
    "memory_bytes_per_second",
    "seconds_per_operator",
)
"""What `of_cell` tells."""


def check(machine: Mapping[str, Any], where: str) -> None:
    """Hold `ceilings` against the format; results from before it have none.

    Args:
        machine: `machine_info.saddle`.
        where: how to call it in the error.

    Raises:
        UsageError: a field is missing or of another kind.
    """
    fields.check_present(machine, {"ceilings": fields.OBJECT}, where)
    for device, of_device in machine.get("ceilings", {}).items():
        place = f"{where}.ceilings.{fields.short(device)}"
        check_row(of_device, CEILINGS, place)
        for name, row_fields in (("gemm", GEMM), ("copy", BANDWIDTH), ("update", BANDWIDTH)):
            for number, row in enumerate(of_device[name]):
                check_row(row, row_fields, f"{place}.{name}[{number}]")


def check_row(row: object, row_fields: fields.Fields, where: str) -> None:
    """Hold a value against a table of fields: it may be no object at all."""
    if not isinstance(row, dict):
        raise UsageError(f"{where}: expected an object, found {fields.short(row)}")
    fields.check(row, row_fields, where)


def of_cell(
    machine: Mapping[str, Any], device: str, product_dtypes: str, working_set_bytes: float
) -> dict[str, float]:
    """The ceilings that bound a cell.

    Args:
        machine: `machine_info.saddle`, checked.
        device: the cell's.
        product_dtypes: the formats of its matrix products, separated by spaces.
        working_set_bytes: of its state and batch; NaN where it is not known.

    Returns:
        gemm_flops_per_second, the best of any shape and of these formats; bytes_per_second, the
        bandwidth at the cell's working set; cache_bytes_per_second and memory_bytes_per_second, the
        best of any working set and that of the largest; seconds_per_operator. NaN where the session
        did not measure it.
    """
    found = machine.get("ceilings", {}).get(device)
    if found is None:
        return dict.fromkeys(OF_CELL, math.nan)
    products, names = found["gemm"], product_dtypes.split()
    rates = [row["flops_per_second"] for row in products if row["dtype"] in names]
    curves = [found["copy"], found["update"]]
    largest = max((row["bytes"] for curve in curves for row in curve), default=math.nan)
    every = [row["bytes_per_second"] for curve in curves for row in curve]
    told = (
        max(rates, default=math.nan),
        best_bandwidth(curves, working_set_bytes),
        max(every, default=math.nan),
        best_bandwidth(curves, largest),
        found["seconds_per_operator"],
    )
    return {name: float(value) for name, value in zip(OF_CELL, told, strict=True)}


def best_bandwidth(
    curves: Sequence[Sequence[Mapping[str, float]]], working_set_bytes: float
) -> float:
    """The best of several bandwidths at a working set.

    Args:
        curves: each rows of `bytes` and `bytes_per_second`, in any order.
        working_set_bytes: any positive size, or NaN.

    Returns:
        Bytes per second, NaN where there is nothing to tell it from.
    """
    if math.isnan(working_set_bytes):
        return math.nan
    found = [bandwidth(curve, working_set_bytes) for curve in curves if curve]
    return max(found, default=math.nan)


def bandwidth(curve: Sequence[Mapping[str, float]], working_set_bytes: float) -> float:
    """The bandwidth at a working set: straight between those measured over the logarithm of size.

    Args:
        curve: rows of `bytes` and `bytes_per_second`, at least one, in any order.
        working_set_bytes: below the smallest measured it counts as that, above the largest too.

    Returns:
        Bytes per second.

    >>> rows = [{"bytes": 1, "bytes_per_second": 8.0}, {"bytes": 100, "bytes_per_second": 2.0}]
    >>> bandwidth(rows, 10), bandwidth(rows, 1e9)
    (5.0, 2.0)
    """
    ordered = sorted(curve, key=lambda row: row["bytes"])
    sizes = np.log([row["bytes"] for row in ordered])
    rates = [row["bytes_per_second"] for row in ordered]
    return float(np.interp(math.log(working_set_bytes), sizes, rates))
