"""benchmark.json: what was timed, as two tables and the facts of the machine."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import ceilings, fields, schema
from analysis.errors import UsageError
from analysis.place import Place, telling

KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""A key names a file: no separators, no leading dot."""

GZIP = b"\x1f\x8b"
"""How its files begin: the second byte is no UTF-8."""


def read_document(path: Place) -> dict[str, Any]:
    """The decoded benchmark.json, checked down to its machine and cells.

    Args:
        path: the file that `pytest --benchmark-json` wrote.

    Returns:
        The document, as pytest-benchmark's schema has it.

    Raises:
        UsageError: the file is missing, empty, cut off, not UTF-8, not JSON or not this suite's.
    """
    document = decode(read_text(path), str(path))
    if not isinstance(document, dict):
        raise UsageError(f"{path}: not a benchmark file: expected an object at the top")
    fields.check(document, schema.DOCUMENT, f"{path}: document")
    machine = document["machine_info"].get("saddle")
    if not isinstance(machine, dict):
        raise UsageError(f"{path}: not this suite's: machine_info.saddle is missing")
    schema.check_schema(machine, f"{path}: machine_info.saddle")
    fields.check(machine, schema.MACHINE, f"{path}: machine_info.saddle")
    fields.check_present(machine, schema.SOME_MACHINE, f"{path}: machine_info.saddle")
    ceilings.check(machine, f"{path}: machine_info.saddle")
    for number, cell in enumerate(document["benchmarks"]):
        check_cell(cell, f"{path}: benchmarks[{number}]")
    return document


def read_text(path: Place) -> str:
    """The text of a file.

    Args:
        path: the file.

    Returns:
        Its text, not only white space.

    Raises:
        UsageError: the file cannot be read, is empty or not UTF-8.
    """
    with telling(path, "cannot be read"):
        content = path.read_bytes()
    text = utf8(content, str(path))
    if not text.strip():
        raise UsageError(f"{path}: empty; the session ended before it wrote its results")
    return text


def utf8(content: bytes, where: str) -> str:
    r"""Bytes as the text that they are.

    Args:
        content: of a file, or of a line of it.
        where: how to call it in the error.

    Raises:
        UsageError: they are no UTF-8.

    >>> utf8(b"a\xff", "a.json")
    Traceback (most recent call last):
        ...
    analysis.errors.UsageError: a.json: not UTF-8 text: invalid start byte at byte 1
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        packed = "; it is compressed, by gzip" if content.startswith(GZIP) else ""
        raise UsageError(
            f"{where}: not UTF-8 text: {error.reason} at byte {error.start}{packed}"
        ) from error


def decode(text: str, where: str) -> Any:
    """A JSON text, decoded; it may spell only what UTF-8 can write again.

    Args:
        text: the JSON text.
        where: how to call it in the error.

    Returns:
        The value it states.

    Raises:
        UsageError: it is cut off, malformed, nested beyond reason or holds half a surrogate pair.
    """
    try:
        value = json.loads(text)
        if re.search(r"\\u[dD][89a-fA-F]", text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{where}: not whole JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not JSON that can be read: {error}") from error
    return value


def check_cell(cell: object, where: str) -> None:
    """Hold one entry of `benchmarks` against the format.

    Args:
        cell: the entry.
        where: how to call it in the error.

    Raises:
        UsageError: a field is missing, of another kind, or contradicts another.
    """
    if not isinstance(cell, dict):
        raise UsageError(f"{where}: expected an object, found {fields.short(cell)}")
    fields.check(cell, schema.CELL, where)
    extra = cell["extra_info"]
    where = f"{where}.extra_info"
    schema.check_schema(extra, where)
    fields.check(extra, schema.EXTRA_INFO, where)
    fields.check(extra["run"], schema.FIRST_AXES, f"{where}.run")
    fields.check_present(extra["run"], schema.LATER_AXES, f"{where}.run")
    if not KEY.fullmatch(extra["key"]):
        raise UsageError(f"{where}.key: not a file's name: {fields.short(extra['key'])}")
    if extra["kind"] != cell["group"]:
        raise UsageError(f"{where}.kind: {extra['kind']!r} is not the group, {cell['group']!r}")
    if extra["status"] == "finished":
        check_finished(cell, where)


def check_finished(cell: Mapping[str, Any], where: str) -> None:
    """Hold a finished cell against what its kind promises.

    Args:
        cell: an entry of `benchmarks`.
        where: how to call its extra_info in the error.

    Raises:
        UsageError: a field is missing or of another kind; a timing is not a positive number.
    """
    fields.check(cell["extra_info"], FIELDS.get(cell["group"], {}), where)
    fields.check_present(cell["extra_info"], SOME_FIELDS.get(cell["group"], {}), where)
    if cell["group"] == "peers":
        check_peers(cell["extra_info"], where)
    where = where.removesuffix(".extra_info")
    fields.check(cell, {"stats": fields.OBJECT}, where)
    fields.check(cell["stats"], {"data": fields.NUMBERS}, f"{where}.stats")
    if cell["group"] in ("throughput", "overhead") and not (
        cell["stats"]["data"] and min(cell["stats"]["data"]) > 0
    ):
        raise UsageError(f"{where}.stats.data: expected positive seconds of at least one round")


def axes(run: Mapping[str, Any]) -> dict[str, object]:
    """A run's axes, and its other fields as `run.<field>`; lists become JSON text.

    Args:
        run: every field of a run.

    Returns:
        One value per column.

    >>> told = axes({"penalty": None, "betas": [0.5, 0.9], "mode": "compile"})
    >>> told["penalty"], told["run.betas"], told["mode"], told["layout"]
    ('none', '[0.5, 0.9]', 'compile', 'contiguous')
    """
    columns: dict[str, object] = {**schema.USUAL}
    for name, value in run.items():
        plain = json.dumps(value) if isinstance(value, list | dict) else value
        columns[name if name in schema.AXES else f"run.{name}"] = plain
    if columns.get("penalty", "") is None:
        columns["penalty"] = "none"
    return columns


def machine_of(device: str, machine: Mapping[str, Any]) -> str:
    """The name of what computed: the GPU for a CUDA device, else the processor.

    >>> machine_of("cuda:0", {"cpu": "A", "gpu": "B"}), machine_of("cpu", {"cpu": "A", "gpu": "B"})
    ('B', 'A')
    """
    return str((machine["gpu"] if device.startswith("cuda") else None) or machine["cpu"])


def cell_row(cell: Mapping[str, Any], machine: Mapping[str, Any]) -> dict[str, object]:
    """One row of `Records.cells`."""
    extra = cell["extra_info"]
    facts = {name: extra[name] for name in ("kind", "status", "message", "key")}
    return {**facts, "machine": machine_of(extra["run"]["device"], machine), **axes(extra["run"])}


def rounds(cell: Mapping[str, Any], machine: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `Records.throughput` that one finished cell gives: one per round.

    Args:
        cell: an entry of `benchmarks` of the group "throughput".
        machine: `machine_info.saddle`.

    Returns:
        The cell's axes, facts and ceilings beside `seconds_per_step` and `images_per_second`, the
        batch size over the seconds of one step.
    """
    extra = cell["extra_info"]
    seconds = np.asarray(cell["stats"]["data"], dtype=float) / extra["steps_per_block"]
    row = cell_row(cell, machine)
    constants = {name: row[name] for name in ("key", "machine", *schema.AXES)}
    facts = {
        name: np.nan if extra.get(name) is None else float(extra[name])
        for name in (*schema.THROUGHPUT, *schema.SOME_THROUGHPUT)
    }
    dtypes = extra.get("product_dtypes", extra["run"]["precision"])
    bounds = ceilings.of_cell(machine, extra["run"]["device"], dtypes, facts["working_set_bytes"])
    return pd.DataFrame(
        {
            **constants,
            "round": np.arange(len(seconds)),
            "seconds_per_step": seconds,
            "images_per_second": extra["run"]["batch_size"] * row["ensemble"] / seconds,
            **facts,
            **bounds,
        }
    )


def repetitions(cell: Mapping[str, Any], machine: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `Records.overhead` that one finished cell gives: one per repetition.

    Args:
        cell: an entry of `benchmarks` of the group "overhead".
        machine: `machine_info.saddle`.

    Returns:
        What was measured, its goal (NaN where there is none) and each `value`.
    """
    row, extra = cell_row(cell, machine), cell["extra_info"]
    told = {name: extra[name] for name in schema.OVERHEAD}
    constants = {name: row[name] for name in ("key", "machine", "status", *schema.AXES)}
    values = np.asarray(cell["stats"]["data"], dtype=float)
    goal = float(extra.get("goal", np.nan))
    return pd.DataFrame({**constants, **told, "goal": goal, "value": values})


def check_peers(extra: Mapping[str, Any], where: str) -> None:
    """Hold the peers of a cell against the format.

    Args:
        extra: extra_info of a finished cell of the group "peers".
        where: how to call it in the error.

    Raises:
        UsageError: the suite's own step is not among them, a list is not of positive numbers or not
            as long as the others, or a reason is not text.
    """
    mode, peers, first = extra["run"].get("mode"), extra["peers"], extra["first_call_seconds"]
    if mode not in peers:
        raise UsageError(f"{where}.peers.{mode}: missing; expected the suite's own step")
    for name in peers:
        fields.check(peers, {name: fields.POSITIVES}, f"{where}.peers")
        fields.check(first, {name: fields.POSITIVES}, f"{where}.first_call_seconds")
        for seconds in (peers[name], first[name]):
            if len(seconds) != len(peers[mode]):
                raise UsageError(
                    f"{where}.peers.{name}: expected {len(peers[mode])} processes, found "
                    f"{len(seconds)}"
                )
    reasons = extra["left_out"]
    fields.check(reasons, dict.fromkeys(reasons, fields.TEXT), f"{where}.left_out")


def processes(cell: Mapping[str, Any], machine: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `Records.peers` that one finished cell gives: one per peer and process.

    Args:
        cell: an entry of `benchmarks` of the group "peers".
        machine: `machine_info.saddle`.

    Returns:
        The cell's axes beside `peer`, `process`, `seconds_per_step`, `first_call_seconds` and
        `left_out`, ""; a peer that was left out has one row without numbers, and the reason there.
    """
    extra, row = cell["extra_info"], cell_row(cell, machine)
    constants = {name: row[name] for name in ("key", "machine", *schema.AXES)}
    found = [
        (peer, process, seconds, extra["first_call_seconds"][peer][process], "")
        for peer, of_peer in extra["peers"].items()
        for process, seconds in enumerate(of_peer)
    ]
    found += [(peer, -1, np.nan, np.nan, why) for peer, why in extra["left_out"].items()]
    table = pd.DataFrame(found, columns=[*PEER])
    return pd.DataFrame({name: [value] * len(table) for name, value in constants.items()}).join(
        table.astype({"seconds_per_step": float, "first_call_seconds": float})
    )


PEER = ("peer", "process", "seconds_per_step", "first_call_seconds", "left_out")

FIELDS: Mapping[str, fields.Fields] = {
    "throughput": schema.THROUGHPUT,
    "overhead": schema.OVERHEAD,
    "peers": schema.PEERS,
    "convergence": schema.CONVERGENCE,
}

SOME_FIELDS: Mapping[str, fields.Fields] = {
    "overhead": schema.SOME_OVERHEAD,
    "throughput": {**schema.SOME_THROUGHPUT, **schema.PRODUCTS},
}
