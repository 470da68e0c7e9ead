"""Which of our runs stand beside a published row, and where each of them ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.figures.panel import settings
from analysis.records import Records
from analysis.wording import count, listing

KIND = "reproduction"

METRICS = ("modes", "high_quality", "kl")

NOT_SETTINGS = ("seed", "machine", "device", "loss", "penalty", "run.pack")
"""Seeds of one setting may have run in different places; the last three make the method."""

SAID = ("finished", "diverged")
"""Statuses of runs that say something; one whose memory ran out does not."""


@dataclass(frozen=True)
class Method:
    """What runs of a method are called by.

    Args:
        models: names of the model.
        loss: of both players.
        penalty: of the discriminator.
        pack: samples that the discriminator sees at once.
    """

    models: tuple[str, ...]
    loss: str
    penalty: str = "none"
    pack: int = 1


@dataclass(frozen=True)
class Selected:
    """Runs of one setting, of each of the methods that were asked for.

    Args:
        runs: for each method its rows of `Records.runs`, one per seed.
        left_out: which other settings there are, in words; empty if none.
    """

    runs: tuple[pd.DataFrame, ...]
    left_out: str

    @property
    def all(self) -> pd.DataFrame:
        """The runs of every method."""
        return pd.concat(self.runs, ignore_index=True)


def runs_of(records: Records, method: Method, data: Sequence[str]) -> pd.DataFrame:
    """A method's runs on any of these data, of those that say something.

    Args:
        records: the results.
        method: whose runs.
        data: names of data sets.

    Returns:
        Rows of `Records.runs`; a run that was stored without a pack has one of 1.
    """
    runs = records.runs[records.runs["kind"] == KIND]
    pack = runs["run.pack"] if "run.pack" in runs else pd.Series(1, index=runs.index)
    runs = runs.assign(**{"run.pack": pack.fillna(1).astype(float)})
    return runs[
        runs["model"].isin(method.models)
        & runs["data"].isin(data)
        & (runs["loss"] == method.loss)
        & (runs["penalty"] == method.penalty)
        & (runs["run.pack"] == method.pack)
        & runs["status"].isin(SAID)
    ]


def selected(records: Records, methods: Sequence[Method], data: Sequence[str]) -> Selected | None:
    """The runs of all the methods at the setting that is closest to the published one.

    Args:
        records: the results.
        methods: one, or several that are to be compared at one setting.
        data: names of data sets, the closest to the published one first.

    Returns:
        The first of the data that all methods have runs on, of these the most steps, then the most
        seeds; None if there is no setting that all methods have.
    """
    found = [
        runs_of(records, method, data).assign(method=index) for index, method in enumerate(methods)
    ]
    runs = pd.concat(found, ignore_index=True)
    if runs.empty:
        return None
    others = settings(runs.drop(columns=[*NOT_SETTINGS]), ["data"])
    runs["setting"] = runs["data"].where(others == "", runs["data"] + " · " + others)
    runs = runs.drop_duplicates(["method", "setting", "seed"])
    shared = runs.groupby("setting")["method"].nunique() == len(methods)
    ranked = sorted(shared.index[shared], key=lambda name: rank(runs, str(name), data))
    if not ranked:
        return None
    best = runs[runs["setting"] == ranked[0]]
    unused = [str(name) for name in runs["setting"].unique() if name != ranked[0]]
    left_out = f"other settings left out: {listing(unused)}" if unused else ""
    return Selected(tuple(best[best["method"] == index] for index in range(len(methods))), left_out)


def rank(runs: pd.DataFrame, setting: str, data: Sequence[str]) -> tuple[float, ...]:
    """How close a setting is to the published one: the less, the closer."""
    of_setting = runs[runs["setting"] == setting]
    steps = of_setting["run.steps"].max() if "run.steps" in of_setting else 0
    return (data.index(of_setting["data"].iloc[0]), -float(steps), -of_setting["seed"].nunique())


def ends(records: Records, runs: pd.DataFrame) -> pd.DataFrame:
    """Where each run ended.

    Args:
        records: the results.
        runs: of `selected`.

    Returns:
        One row per run: `seed`, `status` and METRICS at its last record, NaN where it has none.
    """
    identity = ["key", "machine"]
    rows = records.reproduction.merge(runs[identity], on=identity)
    last = rows.sort_values("step").drop_duplicates(identity, keep="last")
    told = runs[[*identity, "seed", "status"]]
    return told.merge(last[[*identity, *METRICS]], on=identity, how="left").drop(columns=identity)


def unfinished(found: pd.DataFrame) -> str:
    """A clause on the runs that diverged, or nothing.

    >>> unfinished(pd.DataFrame({"status": ["finished", "diverged", "diverged"]}))
    '2 of 3 runs diverged'
    """
    lost = int((found["status"] == "diverged").sum())
    return f"{lost} of {count(len(found), 'run')} diverged" if lost else ""
