"""Who should write run files: a session of many workers, simulated from what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.simulation import Course, Load, bound, durations, saturation, simulate


@dataclass(frozen=True)
class Measured:
    """Seconds per run, as `python -m bench scaling` finds them.

    Args:
        engine: from handing a run out to hearing of its end, the run itself left out.
        session: of pytest, for each cell.
        write: of a run file.
        listing: of each file that is there when a session starts.
    """

    engine: float
    session: float
    write: float
    listing: float


@dataclass(frozen=True)
class Scenario:
    """One way to do it, and what becomes of it.

    Args:
        writer: "driver" or "worker".
        store: in words, where files go.
        load: what a run costs whom.
        course: of the session.
        bound: workers at which the driver is the bottleneck, N*.
        saturation: workers that keep the driver busy 95 % of the time, or None.
    """

    writer: str
    store: str
    load: Load
    course: Course
    bound: float
    saturation: int | None


def load(writer: str, measured: Measured, write: float, run_seconds: float, spread: float) -> Load:
    """What a run costs whom.

    Args:
        writer: who writes run files: "driver" or "worker".
        measured: the driver's times.
        write: seconds that a file takes.
        run_seconds: mean duration of a run, without its file.
        spread: of durations.

    Returns:
        The file's seconds added to the driver's or to the worker's.

    >>> load("driver", Measured(0.25, 0.25, 9.0, 0.0), 1.0, 60.0, 0.0)
    Load(run_seconds=60.0, driver_seconds=1.5, spread=0.0)
    >>> load("worker", Measured(0.25, 0.25, 9.0, 0.0), 1.0, 60.0, 0.0)
    Load(run_seconds=61.0, driver_seconds=0.5, spread=0.0)
    """
    driver = measured.engine + measured.session
    if writer == "driver":
        return Load(run_seconds, driver + write, spread)
    return Load(run_seconds + write, driver, spread)


def scenarios(
    measured: Measured,
    workers: int,
    runs: int,
    run_seconds: float,
    spread: float,
    object_store_seconds: float,
    seed: int,
) -> Iterator[Scenario]:
    """Driver or worker writes, to a disk or to an object store.

    Args:
        measured: the driver's times.
        workers: of the session.
        runs: of the session; as many files are listed when it starts.
        run_seconds: mean duration of a run.
        spread: σ of the logarithm of durations.
        object_store_seconds: to put a file there.
        seed: of the durations, the same in every scenario.

    Yields:
        The four.
    """
    stores = {"disk": measured.write, "object store": object_store_seconds}
    for writer, (store, write) in product(("driver", "worker"), stores.items()):
        cost = load(writer, measured, write, run_seconds, spread)
        times = durations(cost, runs, np.random.default_rng(seed))
        course = simulate(workers, times, [cost.driver_seconds] * runs, runs * measured.listing)
        found = saturation(cost, np.random.default_rng(seed))
        yield Scenario(writer, store, cost, course, bound(cost), found)
