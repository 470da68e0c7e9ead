"""scaling.json: what `python -m bench scaling` finds, written and read."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bench import machine
from bench.engine.engines import ENGINES
from bench.engine.job import Resources
from bench.scaling import (
    engine_seconds,
    file_seconds,
    in_process_seconds,
    interval,
    session_seconds,
    speed_ups,
)
from bench.scenarios import Measured, Scenario
from gan.errors import UsageError, unknown
from gan.folder import Place, telling

SCHEMA = 1


def measure(
    folder: Place, jobs: int, games: int, repeats: int, cells: int, *, ray: bool
) -> dict[str, Any]:
    """Everything that a scaling.json holds.

    Args:
        folder: where files are written and read, an empty folder below it.
        jobs: empty jobs of each engine, and files.
        games: of each session of the speed-up.
        repeats: pairs of sessions of the speed-up.
        cells: of the longer session.
        ray: whether to measure it too.

    Returns:
        Ready for JSON; all times are seconds.
    """
    two = Resources(workers=2)
    before = machine.load_average()
    engines = ["local", "ray"] if ray else ["local"]
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "machine": machine.facts(1, "scaling"),
        "load_average_before": before,
        "engine_seconds": {"in_process": in_process_seconds(jobs)}
        | {name: engine_seconds(name, two, jobs) for name in engines},
        "session_seconds": session_seconds(cells // 10, cells),
        "file_seconds": file_seconds(folder / "files", jobs // 10),
        "files": jobs // 10,
    }
    ratios = speed_ups(games, repeats)
    found["speed_up"] = {"ratios": ratios, **asdict(interval(ratios))}
    return found | {"load_average_after": machine.load_average()}


def rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was measured, line by line.

    Args:
        found: a scaling.json.

    Returns:
        Words and values.
    """
    engines, files, gain = (found[key] for key in ("engine_seconds", "file_seconds", "speed_up"))
    low, high = f"{gain['low']:.2f}", f"{gain['high']:.2f}"
    return [
        *((f"overhead per run, {name}", duration(seconds)) for name, seconds in engines.items()),
        ("pytest per cell", duration(found["session_seconds"])),
        *((f"{name} per file", duration(seconds)) for name, seconds in files.items()),
        ("two workers over one", f"{gain['estimate']:.2f} times as fast"),
        (f"95 % interval, {gain['n']} pairs", f"[{low}, {high}]"),
        ("load average before", f"{found['load_average_before']:.1f}"),
    ]


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them.

    >>> duration(0.00123), duration(4e-7), duration(75.0), duration(30000.0)
    ('1.23 ms', '0.40 µs', '75.00 s', '8.33 h')
    """
    for unit, size in (("h", 3600.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds / 1e-6:.2f} µs"


def read_measured(file: Place, engine: str) -> Measured:
    """A driver's times from a scaling.json.

    Args:
        file: it.
        engine: whose overhead counts.

    Returns:
        Seconds per run.

    Raises:
        UsageError: it is not there, or not one, or the engine was not measured.
    """
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    with telling("can't read", file):
        if not file.exists():
            raise UsageError(f"there is no {file}: run `python -m bench scaling` first")
        content = file.read_bytes()
    wrong = UsageError(f"{file} is not what this version's `bench scaling` writes")
    try:
        found = json.loads(content)
        schema, seconds, files = (found[k] for k in ("schema", "engine_seconds", "file_seconds"))
        times = [found["session_seconds"], files["write"], files["listing"], *seconds.values()]
        sound = schema == SCHEMA and all(0 <= time < math.inf for time in times)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise wrong from None
    if not sound:
        raise wrong
    if engine not in seconds:
        raise UsageError(f"{file} has no times of {engine}: measure them, or use --engine local")
    # Local workers ask for each run; a cluster has all from the start.
    return Measured(seconds[engine], times[0], times[1], times[2], asked=engine == "local")


def scenario_row(scenario: Scenario) -> dict[str, str]:
    """A scenario in words.

    Args:
        scenario: simulated.

    Returns:
        Column -> cell.
    """
    course = scenario.course
    return {
        "who writes": scenario.writer,
        "to": scenario.store,
        "driver per run": duration(scenario.load.driver_seconds),
        "driver busy": f"{course.driver_busy:.1%}",
        "workers idle": f"{course.workers_idle:.1%}",
        "takes": duration(course.seconds),
        "of it after the last run": duration(course.lag_seconds),
        "saturates at": f"{scenario.bound:,.0f} workers",
    }
