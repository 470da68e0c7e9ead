"""One file of pytest-benchmark's, ours or another project's: what was timed, on what."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from analysis import fields
from analysis.cells import decode, read_text
from analysis.errors import UsageError
from analysis.estimates import Array
from analysis.place import Place


@dataclass(frozen=True, eq=False)
class Timing:
    """One benchmark of one file.

    Args:
        log_seconds: the median's logarithm, of one step where the suite timed blocks of them.
        log_rounds: (rounds,), the same of each round; empty where the file keeps none.
        identity: what it is a benchmark of, beside its name: field -> JSON text.
    """

    log_seconds: float
    log_rounds: Array
    identity: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class BenchmarkFile:
    """One file, read.

    Args:
        name: how to call it.
        time: when it was written, if it says so.
        facts: of the machine and the code, as far as it tells them.
        timings: full name -> timing.
        problems: a line on each benchmark that cannot be used.
    """

    name: str
    time: datetime | None
    facts: Mapping[str, str]
    timings: Mapping[str, Timing]
    problems: tuple[str, ...]


def read_file(path: Place) -> BenchmarkFile:
    """What a benchmark file holds.

    Args:
        path: of pytest-benchmark's --benchmark-json or --benchmark-autosave.

    Returns:
        Every benchmark that was timed; what cannot be used, and why, is among the problems.

    Raises:
        UsageError: it cannot be read, is no such file, or nothing in it can be used.
    """
    document = decode(read_text(path), str(path))
    if not isinstance(document, dict):
        raise UsageError(f"{path}: not a benchmark file: expected an object at the top")
    fields.check(document, {"benchmarks": fields.OBJECTS}, f"{path}: not pytest-benchmark's")
    found: list[tuple[str, Timing]] = []
    problems = []
    names = Counter(map(name_of, document["benchmarks"]))
    for number, entry in enumerate(document["benchmarks"]):
        try:
            name, timing = benchmark(entry, f"benchmarks[{number}]")
        except UsageError as error:
            problems.append(f"{path}: {error}")
            continue
        if names[name] == 1:
            found.append((name, timing))
        else:
            problems.append(f"{path}: {name}: {names[name]} benchmarks of one name")
    if not found:
        why = problems[0].removeprefix(f"{path}: ") if problems else "it has none"
        raise UsageError(f"{path}: no benchmark to compare: {why}")
    unique = tuple(dict.fromkeys(problems))
    return BenchmarkFile(str(path), time_of(document), facts(document), dict(found), unique)


def name_of(entry: object) -> str:
    """A benchmark's full name; "" of what has none."""
    name = entry.get("fullname") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else ""


def benchmark(entry: object, where: str) -> tuple[str, Timing]:
    """One entry of `benchmarks`.

    Args:
        entry: the decoded entry.
        where: how to call it in the error until its name is known.

    Returns:
        Its full name and its timing.

    Raises:
        UsageError: a field is missing or of another kind, or nothing was timed.
    """
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected an object, found {fields.short(entry)}")
    fields.check(entry, {"fullname": fields.TEXT}, where)
    name = str(entry["fullname"])
    extra = entry.get("extra_info")
    extra = extra if isinstance(extra, dict) else {}
    if extra.get("status", "finished") != "finished":
        raise UsageError(f"{name}: not timed: {fields.short(extra['status'])}")
    if extra.get("reused") is True:
        raise UsageError(f"{name}: not timed: an earlier session's result was used again")
    fields.check(entry, {"stats": fields.OBJECT}, name)
    fields.check_present(extra, {"steps_per_block": fields.COUNT}, f"{name}.extra_info")
    seconds, stats = np.empty(0), entry["stats"]
    if stats.get("data"):
        fields.check(stats, {"data": fields.POSITIVES}, f"{name}.stats")
        seconds = np.asarray(stats["data"], dtype=np.float64)
    else:
        fields.check(stats, {"median": fields.POSITIVE}, f"{name}.stats")
    steps = np.log(extra.get("steps_per_block", 1))
    rounds = np.asarray(np.log(seconds) - steps)
    median = np.median(rounds) if rounds.size else np.log(stats["median"]) - steps
    return name, Timing(float(median), rounds, identity(entry, extra))


def identity(entry: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, str]:
    """What a benchmark is of: its params, and a cell's kind and run.

    Args:
        entry: of `benchmarks`.
        extra: its extra_info; of other projects' nothing is known, so nothing is taken.
    """
    run = extra.get("run")
    told = {f"run.{name}": value for name, value in run.items()} if isinstance(run, dict) else {}
    whole = {"params": entry.get("params"), "kind": extra.get("kind"), **told}
    return {name: json.dumps(value, sort_keys=True) for name, value in whole.items()}


def time_of(document: Mapping[str, Any]) -> datetime | None:
    """When a file was written, in UTC; None where it does not say."""
    try:
        time = datetime.fromisoformat(document["datetime"])
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def facts(document: Mapping[str, Any]) -> dict[str, str]:
    """The machine and the code as a file tells them.

    >>> facts({"machine_info": {"cpu": {"count": 2}}, "commit_info": None})
    {'cores': '2'}
    """
    told: dict[str, str] = {}
    for name, path in FACTS:
        value: object = document
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            plain = isinstance(value, str | int | float)
            told.setdefault(name, str(value)[:80] if plain else fields.short(value))
    return told


# A fact's name, and where it is; of two places the first that has it.
FACTS = (
    ("processor", ("machine_info", "saddle", "cpu")),
    ("processor", ("machine_info", "cpu", "brand_raw")),
    ("cores", ("machine_info", "saddle", "affinity")),
    ("cores", ("machine_info", "cpu", "count")),
    ("threads", ("machine_info", "saddle", "threads")),
    ("GPU", ("machine_info", "saddle", "gpu")),
    ("machine", ("machine_info", "node")),
    ("system", ("machine_info", "system")),
    ("kernel", ("machine_info", "release")),
    ("Python", ("machine_info", "python_version")),
    ("torch", ("machine_info", "saddle", "torch")),
    ("CUDA", ("machine_info", "saddle", "cuda")),
    ("pytest-benchmark", ("version",)),
    ("commit", ("commit_info", "id")),
    ("uncommitted changes", ("commit_info", "dirty")),
)
