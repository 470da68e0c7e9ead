"""The few records of a run that carry samples, and which of them a figure has room for."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.estimates import Array
from analysis.figures.panel import plain, run_settings
from analysis.records import Records

Shape = Sequence[int]


def snapshots(records: Records, is_wanted: Callable[[Shape], bool], most: int) -> pd.DataFrame:
    """Records with samples, of one run per setting and loss: that of the lowest seed.

    Args:
        records: the results.
        is_wanted: tells of a sample's shape whether the figure draws such data.
        most: records per run, evenly chosen, the first and the last among them.

    Returns:
        One row per record: `panel` (the setting, a line break, the loss), the record's columns and
        the run's facts.
    """
    if records.training.empty or "sample_shape" not in records.runs:
        return pd.DataFrame()
    runs = records.runs[records.runs["kind"] == "training"].dropna(subset="sample_shape")
    runs = runs[runs["sample_shape"].map(is_wanted)]
    facts = runs[["key", "machine", *(name for name in FACTS if name in runs)]]
    rows = records.training.dropna(subset="samples").merge(facts, on=["key", "machine"])
    rows = rows.merge(run_settings(records, "training", ["data", "loss"]), on=["key", "machine"])
    rows["panel"] = rows["panel"] + "\n" + rows["loss"].map(plain)
    rows = rows.sort_values(["panel", "seed", "machine", "step"], ignore_index=True)
    shown = rows.groupby("panel")[["key", "machine"]].transform("first")
    rows = rows[(rows[["key", "machine"]] == shown).all(axis=1)]
    kept = [row for _, run in rows.groupby("panel") for row in evenly(list(run.index), most)]
    return rows.loc[kept].reset_index(drop=True)


def evenly(items: Sequence[int], most: int) -> list[int]:
    """At most so many items, evenly chosen, the first and the last among them.

    >>> evenly(range(10), 4), evenly([7], 4)
    ([0, 3, 6, 9], [7])
    """
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def finite_samples(values: Array, shape: Shape) -> Array:
    """Flattened samples in their shape, without those that are not finite throughout.

    >>> finite_samples(np.array([1, 2, np.nan, 4]), [2]).tolist()
    [[1.0, 2.0]]
    """
    samples = np.asarray(values, dtype=np.float64).reshape(-1, *shape)
    whole = np.isfinite(samples).all(axis=tuple(range(1, samples.ndim)))
    return np.asarray(samples[whole])


def samples_of(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The samples of every snapshot, of the data and of the modes' centres.

    Args:
        rows: of `snapshots`.
        most: samples of each.

    Returns:
        One row per sample: `panel`, `loss`, `seed`, `step`, `kind` ("generated", "real" or
        "centre") and `sample`, an array; without any, no rows.
    """
    frames = []
    for _, run in rows.groupby("panel") if len(rows) else []:
        last = run.iloc[-1]
        for _, row in run.iterrows():
            frames.append(_samples(row, "generated", row["samples"], most))
        frames.append(_samples(last, "real", last["real_samples"], most))
        if isinstance(last.get("mode_centres"), list):
            frames.append(_samples(last, "centre", np.ravel(last["mode_centres"]), most))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _samples(row: "pd.Series[Any]", kind: str, flat: object, most: int) -> pd.DataFrame:
    samples = finite_samples(np.asarray(flat), row["sample_shape"])[:most]
    names = {name: [row[name]] * len(samples) for name in ("panel", "loss", "seed", "step")}
    return pd.DataFrame({**names, "kind": kind, "sample": list(samples)})


FACTS = ("sample_shape", "real_samples", "mode_centres", "grid", "density_on_grid")
