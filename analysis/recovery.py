"""Whether and when a run's samples came within a share of their first distance to the data."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.wording import number

RECOVERED = 0.85
"""Of the distance at step 0: a generator that comes so near and stays has left its start, to which
D's head start may have held it."""

TARGET = 0.5
"""Of the distance at step 0: what runs with different minibatches are to reach, and to keep."""

USUAL_EPSILON = 1e-8
"""Adam's ε in its paper: far below any healthy gradient."""

JUDGED = ("finished", "diverged")
"""Statuses of runs that say something of the game; memory that ran out does not."""


Curve = Mapping[str, Any] | pd.DataFrame
"""Name -> the values of a run's records."""


def outcomes(curves: pd.DataFrame, runs: pd.DataFrame, share: float) -> pd.DataFrame:
    """Where every run started and ended, and when it first reached its target.

    A run's distance is W₁ if it has any, else FID. Its target is share × distance at step 0, and it
    reaches the target at the record from which on no distance is above that: one that a run loses
    again by its end is not reached, and a run that diverged has lost it. What has no finite,
    positive distance at its first record reaches nothing.

    Args:
        curves: records of training, `Records.head_start` or `Records.batches`; not changed.
        runs: the rows of `Records.runs` to tell of, also of runs without records.
        share: of the distance at step 0, between 0 and 1.

    Returns:
        One row per run, in the order of `runs`: `key`, `machine`, `status`, `metric` ("w1", "fid"
        or ""), `start` and `final` (distances; NaN where undefined), `reached` (bool), `step` and
        `seconds` (of that record; NaN if there is none), `lost` (bool: some record was within the
        target, but the run did not stay there), `last_step` and `last_seconds` (of the last
        record).

    Raises:
        ValueError: share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share!r}")
    identity = ["key", "machine"]
    records = by_run(curves, CLOCKS_AND_DISTANCES)
    rows = [
        {
            "key": run["key"],
            "machine": run["machine"],
            "status": run["status"],
            **outcome(
                records.get((run["key"], run["machine"]), NOTHING),
                share,
                diverged=run["status"] == "diverged",
            ),
        }
        for run in runs.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=[*identity, "status", *outcome(NOTHING, share)])


def by_run(table: pd.DataFrame, names: Iterable[str]) -> dict[tuple[str, str], Curve]:
    """The columns of every run's rows; a frame for each of thousands would cost seconds.

    Args:
        table: with `key` and `machine`.
        names: of columns of numbers; those that are not there are left out.

    Returns:
        (key, machine) -> name -> values in the table's order; runs in order of appearance.
    """
    columns = {name: table[name].to_numpy(dtype=float) for name in names if name in table}
    places: Mapping[Any, Any] = table.groupby(["key", "machine"], sort=False).indices
    return {
        (str(key), str(machine)): {name: values[rows] for name, values in columns.items()}
        for (key, machine), rows in places.items()
    }


def outcome(records: Curve, share: float, *, diverged: bool = False) -> dict[str, object]:
    """One run's part of `outcomes`.

    Args:
        records: of one run, in order of step: `step`, `seconds`, `w1`, `fid`.
        share: of the distance at the first record.
        diverged: whether the run ended so: after its last record its samples are no longer data.

    Returns:
        metric, start, final, reached, step, seconds, lost, last_step and last_seconds.

    >>> curve = pd.DataFrame({"step": [0, 5, 7, 9], "seconds": [0.0, 1.0, 2.0, 3.0],
    ...                       "w1": [4.0, 2.0, 3.0, 1.0], "fid": np.nan})
    >>> outcome(curve, 0.5)["step"]
    9.0
    """
    metric = distance_of(records)
    clock = {name: np.asarray(records[name], dtype=float) for name in ("step", "seconds")}
    nowhere = np.full(len(clock["step"]), np.nan)
    values = np.asarray(records[metric], dtype=float) if metric else nowhere
    start = float(values[0]) if len(values) else np.nan
    target = share * start if np.isfinite(start) and start > 0 else np.nan
    within = np.isfinite(values) & (values <= target)
    beyond = np.flatnonzero(~within)
    since = int(beyond[-1]) + 1 if beyond.size else 0
    first = since if since < len(values) and not diverged else None
    return {
        "metric": metric,
        "start": start,
        "final": float(values[-1]) if len(values) else np.nan,
        "reached": first is not None,
        "step": np.nan if first is None else float(clock["step"][first]),
        "seconds": np.nan if first is None else float(clock["seconds"][first]),
        "lost": bool(within.any() and first is None),
        "last_step": float(clock["step"][-1]) if len(values) else np.nan,
        "last_seconds": float(clock["seconds"][-1]) if len(values) else np.nan,
    }


def rule_of(run: Mapping[Hashable, Any]) -> str:
    """How a run's players are updated: the optimiser, and what of it matters to a small gradient.

    Args:
        run: a row of `Records.runs`.

    Returns:
        Its optimiser, with momentum where there is any and Adam's ε where it is not the usual one.

    >>> rule_of({"run.optimiser": "sgd", "run.momentum": 0.9})
    'sgd, momentum 0.9'
    >>> rule_of({"run.optimiser": "adam", "run.momentum": 0.5, "run.adam_epsilon": 1e-8})
    'adam'
    """
    optimiser = " ".join(str(run.get("run.optimiser")).split())
    # NaN where only other runs have the field; NaN is neither larger than 0 nor unusual.
    momentum, epsilon = (run.get(name) or 0.0 for name in ("run.momentum", "run.adam_epsilon"))
    if optimiser == "sgd" and momentum > 0:
        return f"{optimiser}, momentum {number(momentum)}"
    if optimiser == "adam" and epsilon > 0 and epsilon != USUAL_EPSILON:
        return f"{optimiser}, ε {number(epsilon)}"
    return optimiser


def distance_of(records: Curve) -> str:
    """The distance that a run's records have: "w1", "fid", or "" for neither.

    >>> distance_of(pd.DataFrame({"w1": [np.nan, np.nan], "fid": [np.nan, 3.0]}))
    'fid'
    """
    for metric in DISTANCES:
        if metric in records and np.isfinite(np.asarray(records[metric], dtype=float)).any():
            return metric
    return ""


def distance_after(records: pd.DataFrame, seconds: float) -> float:
    """A run's distance after so many seconds of training: that of the last record by then.

    Args:
        records: of one run, in order of seconds.
        seconds: of the training clock.

    Returns:
        NaN where the distance is undefined or the run has no record by then.
    """
    metric, by_then = distance_of(records), records[records["seconds"] <= seconds]
    return float(by_then[metric].iloc[-1]) if metric and len(by_then) else float("nan")


DISTANCES: Mapping[str, str] = {"w1": "W₁", "fid": "FID"}
"""The distance of each kind of data, and what it is called; the first that a run has counts."""

CLOCKS_AND_DISTANCES = ("step", "seconds", *DISTANCES)

NOTHING: Curve = {name: np.empty(0) for name in CLOCKS_AND_DISTANCES}
