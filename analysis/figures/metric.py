"""The metrics of the training records: what they are called and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates import Array, Interval, interquartile_mean, mean_intervals
from analysis.figures.panel import run_settings
from analysis.records import Records
from analysis.wording import count, listing, number

SEED = 20140610
"""Of the bootstrap, so that a report is the same every time."""

RUN = ["panel", "metric", "loss", "seed", "key", "machine", "status"]


@dataclass(frozen=True)
class Metric:
    """A column of the training records that says how good the samples are.

    Args:
        name: for a panel's title, with the unit.
        best: "higher" or "lower".
        many_modes: it means something only where the data have several modes.
    """

    name: str
    best: str
    many_modes: bool = False

    @property
    def title(self) -> str:
        """The name and the better direction."""
        return f"{self.name}, {self.best} is better"


def curves(records: Records) -> pd.DataFrame:
    """Every run's metrics, one row per record and metric.

    Args:
        records: the results.

    Returns:
        `panel` (the setting, a line break, the metric's title), `metric`, `loss`, `seed`, `key`,
        `machine`, `status`, `step`, `seconds`, `is_last` (of the run's records), `runs` (of this
        setting and loss) and `value`, always finite: KL is undefined without a good sample.
    """
    if records.training.empty:
        return pd.DataFrame()
    blocks = run_settings(records, "training", given=["data", "loss"])
    rows = records.training.merge(blocks, on=["key", "machine"])
    rows["is_last"] = rows["step"] == rows.groupby(["key", "machine"])["step"].transform("max")
    rows["runs"] = rows.groupby(["panel", "loss"])["key"].transform("nunique")
    names = [name for name in RUN if name != "metric"] + ["step", "seconds", "is_last", "runs"]
    long = rows.melt(names, list(METRICS), "metric", "value")
    pointless = long["metric"].isin([name for name, m in METRICS.items() if m.many_modes])
    pointless &= long["key"].isin(single_mode_keys(records.runs))
    long = long[np.isfinite(long["value"]) & ~pointless]
    long["place"] = long["metric"].map({name: place for place, name in enumerate(METRICS)})
    long = long.sort_values(["panel", "place", "loss", "seed", "machine", "key", "step"])
    titles = long["metric"].map({name: metric.title for name, metric in METRICS.items()})
    long["panel"] = long["panel"] + "\n" + titles
    ordered: pd.DataFrame = long.drop(columns="place").reset_index(drop=True)
    return ordered


def single_mode_keys(runs: pd.DataFrame) -> "pd.Series[str]":
    """The keys of runs on data of a single mode, which no generator can lose."""
    if "mode_centres" not in runs:
        return runs["key"].iloc[:0]
    return runs["key"][[isinstance(c, list) and len(c) < 2 for c in runs["mode_centres"]]]


def final(rows: pd.DataFrame) -> pd.DataFrame:
    """The last record of every run in every panel.

    A run that did not finish has its last finite value; one that did has none if it ends undefined.
    """
    last: pd.DataFrame = rows.groupby(RUN, sort=False).last().reset_index()
    return last[last["is_last"] | (last["status"] != "finished")].reset_index(drop=True)


def over_seeds(values: "pd.Series[float]") -> Interval:
    """The interquartile mean over seeds, with its interval from 8 seeds on."""
    return pointwise(np.asarray(values, dtype=np.float64)[None])[0]


def pointwise(rows: Array) -> list[Interval]:
    """The same at every point of a curve, by the same resamples of seeds.

    Args:
        rows: (k, n), a column per seed.

    Returns:
        k interquartile means; the intervals are pointwise.
    """
    return mean_intervals(rows, np.random.default_rng(SEED), interquartile_mean)


def best_losses(last: pd.DataFrame) -> "pd.Series[str]":
    """The loss whose finished runs have the best interquartile mean in each panel, or "a tie".

    Args:
        last: of `final`.

    Returns:
        Panel -> loss, for panels with more than one loss.
    """
    finished = last[last["status"] == "finished"]
    means = finished.groupby(["panel", "loss"])["value"].agg(interquartile_mean)
    best: dict[str, str] = {}
    for panel, of_panel in means.groupby("panel", sort=False):
        metric = METRICS[last.loc[last["panel"] == panel, "metric"].iloc[0]]
        at = of_panel.max() if metric.best == "higher" else of_panel.min()
        winners = of_panel.index.get_level_values("loss")[np.isclose(of_panel, at, rtol=1e-9)]
        if len(of_panel) > 1:
            best[str(panel)] = winners[0] if len(winners) == 1 else "a tie"
    return pd.Series(best, dtype=object)


def ranking(last: pd.DataFrame) -> str:
    """Which loss ends best in how many panels; with one panel, by how much.

    Args:
        last: of `final`.

    Returns:
        A clause.
    """
    best = best_losses(last)
    if best.empty:
        return "no panel compares two losses"
    if len(best) > 1:
        (first, n), *others = best.value_counts().items()
        words = "".join(f", {loss} in {n_panels}" for loss, n_panels in others)
        return f"{first} has the best final interquartile mean in {n} of {len(best)} panels{words}"
    finished = last[(last["panel"] == best.index[0]) & (last["status"] == "finished")]
    means = finished.groupby("loss")["value"].agg(interquartile_mean)
    told = [f"{number(value)} ({loss})" for loss, value in means.items()]
    return f"the final interquartile means are {listing(told)}, best for {best.iloc[0]}"


def diverged(last: pd.DataFrame) -> str:
    """How many runs did not finish, as a clause to append; empty if all did."""
    runs = last.drop_duplicates(["key", "machine"])
    ended = runs["status"][runs["status"] != "finished"].value_counts()
    if ended.empty:
        return ""
    told = [f"{n} {str(status).replace('_', ' ')}" for status, n in ended.items()]
    return f"; of {count(len(runs), 'run')}, {listing(told)}, marked × where they end"


def undefined(last: pd.DataFrame) -> str:
    """How many runs end without a value, as a clause to append; empty if none does."""
    groups = last.groupby(["panel", "loss"])["runs"].agg(["first", "size"])
    missing = int((groups["first"] - groups["size"]).sum())
    return f"; {count(missing, 'final value')} undefined and left out" if missing else ""


METRICS: Mapping[str, Metric] = {
    "modes": Metric("modes", "higher", many_modes=True),
    "high_quality": Metric("high quality", "higher"),
    "kl": Metric("KL (nats)", "lower", many_modes=True),
    "w1": Metric("W₁", "lower"),
    "fid": Metric("FID", "lower"),
    "kid": Metric("KID", "lower"),
    "knn_precision": Metric("precision", "higher"),
    "knn_recall": Metric("recall", "higher"),
    "density": Metric("density", "higher"),
    "coverage": Metric("coverage", "higher"),
    "sliced_w": Metric("sliced W₂", "lower"),
    "mmd": Metric("MMD²", "lower"),
}
