"""The metrics of the training records: what they are called and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from analysis.estimates import Array, Interval, finite, interquartile_mean, mean_intervals
from analysis.figures.panel import run_settings
from analysis.records import Records
from analysis.recovery import JUDGED
from analysis.wording import count, listing, number

SEED = 20140610
"""Of the bootstrap, so that a report is the same every time."""

RESAMPLED = 1000
"""Values whose resamples are made at once: of many more the numbers would not fit into a cache."""

RUN = ["panel", "metric", "loss", "seed", "key", "machine", "status"]

TIE, NO_LOSS = "a tie", "none"
"""What is best in a panel whose best losses are equal, and where all end infinitely bad."""


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
    """Every run's metrics, one row per record that has a value, and one for a run's last without.

    Args:
        records: the results.

    Returns:
        `panel` (the setting, a line break, the metric's title), `metric`, `loss`, `seed`, `key`,
        `machine`, `status`, `ensemble` (seeds trained side by side), `step`, `seconds` (of all
        of these), `is_last` (of the run's records), `runs` (of this setting and loss) and
        `value`: finite, but for a run's last record, which has a row also
        where the value is undefined, as KL is without a good sample. A panel without any value is
        left out: that metric was not measured there.
    """
    if records not in _CURVES:
        _CURVES[records] = _curves(records)
    return _CURVES[records].copy(deep=False)  # pandas copies what a caller writes to


def _curves(records: Records) -> pd.DataFrame:
    if records.training.empty:
        return pd.DataFrame()
    blocks = run_settings(records, "training", given=["data", "loss"])
    rows = with_unrecorded(records).merge(blocks, on=["key", "machine"])
    runs = records.runs.drop_duplicates(["key", "machine"])
    ensembles = runs.reindex(columns=["key", "machine", "ensemble"]).fillna({"ensemble": 1})
    rows = rows.drop(columns="ensemble", errors="ignore").merge(ensembles, on=["key", "machine"])
    rows["is_last"] = rows["step"] == rows.groupby(["key", "machine"])["step"].transform("max")
    rows["runs"] = rows.groupby(["panel", "loss"])["key"].transform("nunique")
    names = [name for name in RUN if name != "metric"]
    names += ["ensemble", "step", "seconds", "is_last", "runs"]
    long = rows.melt(names, list(METRICS), "metric", "value")
    pointless = long["metric"].isin([name for name, m in METRICS.items() if m.many_modes])
    pointless &= long["key"].isin(single_mode_keys(records.runs))
    long["value"] = long["value"].where(np.isfinite(long["value"]))
    measured = long["value"].notna().groupby([long["panel"], long["metric"]]).transform("any")
    long = long[measured & ~pointless & (long["value"].notna() | long["is_last"])]
    long["place"] = long["metric"].map({name: place for place, name in enumerate(METRICS)})
    long = long.sort_values(["panel", "place", "loss", "seed", "machine", "key", "step"])
    titles = long["metric"].map({name: metric.title for name, metric in METRICS.items()})
    long["panel"] = long["panel"] + "\n" + titles
    ordered: pd.DataFrame = long.drop(columns="place").reset_index(drop=True)
    return ordered


def with_unrecorded(records: Records) -> pd.DataFrame:
    """The training records, and a bare one of every run that diverged before it left any."""
    runs = records.runs[records.runs["kind"] == "training"]
    recorded = pd.MultiIndex.from_frame(records.training[["key", "machine"]])
    absent = ~pd.MultiIndex.from_frame(runs[["key", "machine"]]).isin(recorded)
    bare = runs[absent & (runs["status"] == "diverged")]
    if bare.empty:
        return records.training
    bare = bare[["key", "machine", "status", "loss", "seed"]].assign(step=bare["stopped_step"])
    return pd.concat([records.training, bare], ignore_index=True)


def single_mode_keys(runs: pd.DataFrame) -> "pd.Series[str]":
    """The keys of runs on data of a single mode, which no generator can lose."""
    if "mode_centres" not in runs:
        return runs["key"].iloc[:0]
    return runs["key"][[isinstance(c, list) and len(c) < 2 for c in runs["mode_centres"]]]


def ends(rows: pd.DataFrame) -> pd.DataFrame:
    """How every run ends in every panel, one row each.

    Args:
        rows: of `curves`.

    Returns:
        Each run's last record: of one that finished also without a value; of another the last that
        has a value, if any has.
    """
    rows = rows[rows["is_last"].astype(bool) | (rows["status"] != "finished")]
    before_its_end = rows["value"].notna() & (rows["status"] != "finished")
    # Of a run that did not finish the records with a value come last, each kind in its order.
    order = before_its_end.sort_values(kind="stable").index
    last: pd.DataFrame = rows.loc[order].groupby(RUN, sort=False).tail(1)
    return last.sort_index().reset_index(drop=True)


def final(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of `ends` that have a value."""
    return ends(rows).dropna(subset="value").reset_index(drop=True)


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
    finite(rows, "values")
    varied = np.ptp(rows, axis=-1) > 0
    places = np.flatnonzero(varied)
    # Of a single row SciPy adds up in another order than of several: the last bit would differ.
    blocks = np.array_split(places, max(len(places) // max(RESAMPLED // rows.shape[-1], 2), 1))
    means = {
        place: mean
        for block in (np.flatnonzero(~varied), *blocks)
        if block.size
        for place, mean in zip(
            block,
            mean_intervals(rows[block], np.random.default_rng(SEED), interquartile_mean),
            strict=True,
        )
    }
    return [means[place] for place in range(len(rows))]


def is_final(ends: pd.DataFrame) -> "pd.Series[bool]":
    """Whether a run ends with a value: not where it is undefined, nor after the run diverged."""
    return (ends["status"] == "finished") & ends["value"].notna()


def final_means(ends: pd.DataFrame) -> "pd.Series[float]":
    """The interquartile mean of all runs of each panel and loss that say something of the game.

    Args:
        ends: of `ends`. A run that diverged or ended without a value is worse than any that has
            one: it counts as ∞, or −∞ where higher is better. To leave it out would reward
            divergence. Where memory ran out nothing is judged.

    Returns:
        (panel, loss) -> mean, infinite if more than a quarter of the runs have no value.
    """
    judged = ends[ends["status"].isin(JUDGED)]
    worst = judged["metric"].map(
        {name: -np.inf if metric.best == "higher" else np.inf for name, metric in METRICS.items()}
    )
    values = judged["value"].where(is_final(judged), worst)
    return values.groupby([judged["panel"], judged["loss"]]).agg(interquartile_mean)


def best_losses(ends: pd.DataFrame) -> "pd.Series[str]":
    """The loss with the best of `final_means` in each panel, TIE, or NO_LOSS if all are infinite.

    Args:
        ends: of `ends`.

    Returns:
        Panel -> loss, for panels with more than one loss.
    """
    best: dict[str, str] = {}
    for panel, means in final_means(ends).groupby("panel", sort=False):
        metric = METRICS[ends.loc[ends["panel"] == panel, "metric"].iloc[0]]
        at = means.max() if metric.best == "higher" else means.min()
        winners = means.index.get_level_values("loss")[np.isclose(means, at, rtol=1e-9)]
        found = winners[0] if len(winners) == 1 else TIE
        if len(means) > 1:
            best[str(panel)] = found if np.isfinite(at) else NO_LOSS
    return pd.Series(best, dtype=object)


def ranking(ends: pd.DataFrame) -> str:
    """Which loss ends best in how many panels; with one panel, by how much.

    Args:
        ends: of `ends`.

    Returns:
        A clause.
    """
    if not is_final(ends).any():
        return "no run has a final value"
    best = best_losses(ends)
    if best.empty:
        return "no panel compares two losses"
    compared = ends[ends["panel"].isin(best.index) & ends["status"].isin(JUDGED)]
    rule = "" if is_final(compared).all() else INFINITELY_BAD
    if len(best) > 1:
        return f"{_standings(best)}{rule}"
    means = final_means(compared).droplevel("panel")
    told = [f"{number(mean)} ({loss})" for loss, mean in means.items()]
    verdict = TIE if best.iloc[0] == TIE else f"best for {best.iloc[0]}"
    return f"the final interquartile means are {listing(told)}, {verdict}{rule}"


def _standings(best: "pd.Series[str]") -> str:
    """In how many panels each loss is the best, the most frequent first."""
    is_shared = best.isin([TIE, NO_LOSS])
    alone, shared = best[~is_shared].value_counts(), best[is_shared].value_counts()
    first = alone.index[0] if len(alone) else "no loss alone"
    n_best = str(alone.iloc[0]) if len(alone) else "any"
    others = [*alone.iloc[1:].items(), *shared.items()]
    words = "".join(f", {loss} in {n_panels}" for loss, n_panels in others)
    return f"{first} has the best final interquartile mean in {n_best} of {len(best)} panels{words}"


def diverged(ends: pd.DataFrame) -> str:
    """How many runs did not finish, as a clause to append; empty if all did."""
    runs = ends.drop_duplicates(["key", "machine"])
    ended = runs["status"][runs["status"] != "finished"].value_counts()
    if ended.empty:
        return ""
    told = [f"{n} {str(status).replace('_', ' ')}" for status, n in ended.items()]
    return f"; of {count(len(runs), 'run')}, {listing(told)}, marked × where they end"


def undefined(ends: pd.DataFrame) -> str:
    """How many runs finish without a value, as a clause to append; empty if none does."""
    missing = int(((ends["status"] == "finished") & ends["value"].isna()).sum())
    return f"; {count(missing, 'final value')} undefined, not drawn" if missing else ""


_CURVES: WeakKeyDictionary[Records, pd.DataFrame] = WeakKeyDictionary()
"""Six parts of a report ask for the same curves."""

INFINITELY_BAD = " (a run that diverged or ended without a value counts as infinitely bad)"

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
