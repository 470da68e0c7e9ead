"""Every pair of losses compared within a setting, metric by metric, and which are called."""

from collections.abc import Hashable, Iterator, Mapping
from itertools import combinations
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from analysis.comparison import differences, holm, paired_p_value, smallest_p_value
from analysis.effects import improvement, shift, standardised
from analysis.estimates import Array
from analysis.figures import metric
from analysis.figures.panel import run_settings
from analysis.records import Records
from analysis.recovery import DISTANCES, JUDGED
from analysis.sample_size import seeds_needed
from analysis.wording import count


def comparisons(records: Records) -> pd.DataFrame:
    """Every pair of losses by every final metric of every setting, paired by seed.

    A family, within which Holm corrects, is all pairs of one metric in one setting: that is the
    panel from which a reader picks the pair that differs most. Metrics of a setting are readings
    of the same runs and settings are experiments of their own; each family keeps its 5 %.

    A run that diverged, or finished without a value (KL without a good sample), is worse than any
    that has one, and as bad as another. A run whose memory ran out is not compared. Of two runs of
    one loss and seed in a setting the first by key counts.

    Args:
        records: the results.

    Returns:
        One row per pair, W₁ and FID first: `panel`, `setting`, `metric` and the columns of
        `family`; empty if no two losses share a seed.
    """
    if records not in _COMPARISONS:
        _COMPARISONS[records] = _comparisons(records)
    return _COMPARISONS[records].copy(deep=False)  # pandas copies what a caller writes to


def _comparisons(records: Records) -> pd.DataFrame:
    found = [
        family(runs, metric.METRICS[name].best).assign(
            panel=panel, setting=panel.partition("\n")[0], metric=name
        )
        for panel, name, runs in final_values(records)
    ]
    rows = [frame for frame in found if len(frame)]
    if not rows:
        return pd.DataFrame()
    table = pd.concat(rows, ignore_index=True)
    place = ~table["metric"].isin(list(DISTANCES))
    return table.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def final_values(records: Records) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The final values of every panel's runs, NaN of those that diverged or ended undefined.

    Args:
        records: the results.

    Yields:
        The panel, the metric, and its runs: `key`, `loss`, `seed` and `value`.
    """
    rows = metric.curves(records)
    if rows.empty:
        return
    runs = records.runs[records.runs["kind"] == "training"]
    runs = runs[runs["status"].isin(JUDGED)][["key", "machine", "loss", "seed"]]
    settings = run_settings(records, "training", given=["data", "loss"])
    runs = runs.merge(settings.rename(columns={"panel": "setting"}), on=["key", "machine"])
    last = metric.final(rows)
    ends = last[last["status"] == "finished"]
    for (panel, name), of_panel in ends.groupby(["panel", "metric"], sort=False):
        of_setting = runs[runs["setting"] == str(panel).partition("\n")[0]]
        values = of_panel[["key", "machine", "value"]]
        yield str(panel), str(name), of_setting.merge(values, on=["key", "machine"], how="left")


def family(runs: pd.DataFrame, best: str) -> pd.DataFrame:
    """The comparisons of one family.

    Args:
        runs: `key`, `loss`, `seed` and `value`, the final one, NaN if there is none.
        best: "higher" or "lower".

    Returns:
        One row per pair that shares a seed: `loss`, `other`, `seeds`, `wins` (seeds in which the
        first is better), `ties`, `without` (seeds of which either has no value); `probability`
        (of improvement, ties counted half), `low`, `high`; `shift`, `shift_low`, `shift_high` (of
        seeds with both values, in the metric's units, positive where the first has more);
        `effect` (standardised, positive where the first is better); `p`, `smallest_p` (that so
        many seeds can reach), and of Holm `adjusted`, `called` and `level`; `needed` (seeds, for
        the difference seen).
    """
    once = runs.sort_values(["loss", "seed", "key"]).drop_duplicates(["loss", "seed"])
    values = {str(loss): rows.set_index("seed")["value"] for loss, rows in once.groupby("loss")}
    pairs = [
        (first, other, values[first].index.intersection(values[other].index))
        for first, other in combinations(sorted(values), 2)
    ]
    pairs = [pair for pair in pairs if len(pair[2])]
    if not pairs:
        return pd.DataFrame()
    sides = [(values[a].loc[seeds], values[b].loc[seeds]) for a, b, seeds in pairs]
    gaps = [differences(*side, best) for side in sides]
    rows = pd.DataFrame([{"loss": first, "other": other} for first, other, _ in pairs])
    rows = rows.join(
        pd.DataFrame([effect_row(*side, gap) for side, gap in zip(sides, gaps, strict=True)])
    )
    rows["p"] = [paired_p_value(gap) for gap in gaps]
    rows["smallest_p"] = rows["seeds"].map(smallest_p_value)
    rows = rows.join(holm(rows["p"]))
    needed = [seeds_needed(gap, level) for gap, level in zip(gaps, rows["level"], strict=True)]
    return rows.assign(needed=needed)


def effect_row(
    first: "pd.Series[float]", other: "pd.Series[float]", gaps: Array
) -> dict[str, float]:
    """What the seeds of two losses say before any test.

    Args:
        first: final values of one loss, one per seed.
        other: of the other, of the same seeds.
        gaps: how much better the first is.

    Returns:
        The effect sizes among the columns of `family`.
    """
    both = np.isfinite(first.to_numpy(float)) & np.isfinite(other.to_numpy(float))
    better, size = improvement(gaps), shift((first.to_numpy(float) - other.to_numpy(float))[both])
    return {
        "seeds": len(gaps),
        "wins": int((gaps > 0).sum()),
        "ties": int((gaps == 0).sum()),
        "without": int((~both).sum()),
        "probability": better.estimate,
        "low": better.low,
        "high": better.high,
        "shift": size.estimate,
        "shift_low": size.low,
        "shift_high": size.high,
        "effect": standardised(gaps),
    }


def better_first(row: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
    """The row with its losses exchanged where the second is the better.

    Args:
        row: of `comparisons`.

    Returns:
        The same comparison.
    """
    if not advantage(row) < 0:
        return dict(row)
    return {
        **row,
        "loss": row["other"],
        "other": row["loss"],
        "wins": losing_seeds(row),
        "probability": 1 - row["probability"],
        "low": 1 - row["high"],
        "high": 1 - row["low"],
        "shift": -row["shift"],
        "effect": -row["effect"],
        "shift_low": -row["shift_high"],
        "shift_high": -row["shift_low"],
    }


def advantage(row: Mapping[Hashable, Any]) -> float:
    """Positive where the first loss is the better, 0 where neither is.

    By ranks, as the test: few seeds that are far worse can outweigh many that are a little better.
    Only where these say nothing do the numbers of seeds.

    >>> advantage({"effect": -0.4, "seeds": 32, "wins": 17, "ties": 0})
    -0.4
    """
    effect = float(row["effect"])
    return effect if effect and not np.isnan(effect) else float(row["wins"] - losing_seeds(row))


def losing_seeds(row: Mapping[Hashable, Any]) -> int:
    """In how many the other loss is better."""
    return int(row["seeds"] - row["ties"] - row["wins"])


def won(row: Mapping[Hashable, Any]) -> str:
    """In how many seeds the first loss is better, in words.

    >>> won({"seeds": 8, "wins": 7, "ties": 1, "effect": 2.0})
    '7 of 8 seeds, 1 tie'
    """
    return (
        f"{row['wins']:,} of {count(row['seeds'], 'seed')}"
        + (" each" if not advantage(row) else "")
        + (f", {count(row['ties'], 'tie')}" if row["ties"] else "")
        + (", but by more" if row["wins"] < losing_seeds(row) else "")
    )


_COMPARISONS: WeakKeyDictionary[Records, pd.DataFrame] = WeakKeyDictionary()
"""A figure and a table of the report show the same comparisons."""
