"""Who should write run files: a session of many workers, simulated from what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.simulation import Course, Load, bound, check_size, durations, simulate


@dataclass(frozen=True)
class Measured:
    """Seconds per run, as `python -m bench scaling` finds them.

    Args:
        engine: from handing a run out to hearing of its end, the run itself left out.
        session: of pytest, for each cell.
        write: of a run file.
        listing: of each file that is there when a session starts.
        asked: whether a worker waits for the driver to have its next run; else the engine has all
            of them from the start.
    """

    engine: float
    session: float
    write: float
    listing: float
    asked: bool


@dataclass(frozen=True)
class Scenario:
    """One way to do it, and what becomes of it.

    Args:
        writer: "driver" or "worker".
        store: in words, where files go.
        load: what a run costs whom.
        course: of the session.
        bound: N*, workers beyond which the driver lags ever further behind.
    """

    writer: str
    store: str
    load: Load
    course: Course
    bound: float


def load(writer: str, measured: Measured, write: float, run_seconds: float, spread: float) -> Load:
    """What a run costs whom.

    Args:
        writer: who writes run files: "driver" or "worker".
        measured: the driver's times.
        write: seconds that a file takes.
        run_seconds: mean duration of a run, without its file.
        spread: of durations.

    Returns:
        The file's seconds added to the driver's records or to the worker's; so are the engine's to
        the records, where no worker waits for them.

    >>> asked, unasked = (Measured(0.25, 0.5, 9.0, 0.0, asked=asked) for asked in (True, False))
    >>> load("driver", asked, 1.0, 60.0, 0.0)
    Load(run_seconds=60.0, record_seconds=1.5, hand_out_seconds=0.25, spread=0.0)
    >>> load("worker", unasked, 1.0, 60.0, 0.0)
    Load(run_seconds=61.0, record_seconds=0.75, hand_out_seconds=None, spread=0.0)
    """
    of_driver, of_worker = (write, 0.0) if writer == "driver" else (0.0, write)
    record = measured.session + of_driver + (0.0 if measured.asked else measured.engine)
    hand_out = measured.engine if measured.asked else None
    return Load(run_seconds + of_worker, record, hand_out, spread)


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

    Raises:
        UsageError: a number outside its domain.
    """
    check_size(workers, runs)
    stores = {"disk": measured.write, "object store": object_store_seconds}
    for writer, (store, write) in product(("driver", "worker"), stores.items()):
        cost = load(writer, measured, write, run_seconds, spread)
        times = durations(cost, runs, np.random.default_rng(seed))
        records = [cost.record_seconds] * runs
        hand_outs = None if cost.hand_out_seconds is None else [cost.hand_out_seconds] * runs
        course = simulate(workers, times, records, hand_outs, runs * measured.listing)
        yield Scenario(writer, store, cost, course, bound(cost))
