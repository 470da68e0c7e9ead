"""The report's table: what became of every game, how good it ended, how fast it ran."""

import numpy as np
import pandas as pd

from analysis import schema
from analysis.choices import BASELINES
from analysis.estimates import Interval, share_interval
from analysis.figures import metric
from analysis.figures.panel import in_words, settings
from analysis.records import Records
from analysis.recovery import JUDGED
from analysis.wording import number, percent

GAME = ["data", "loss", "penalty", "model"]

PLACE = ["device", "precision", "layout", "mode", "ensemble", "batch_size"]
"""Of a cell of a game: what its speed hangs on."""

UNUSUAL = {"layout", "mode", "ensemble"}
"""Those of PLACE that are told only where they are not as usual."""


def summary(records: Records) -> dict[str, pd.DataFrame]:
    """A table for each data set: a row per loss × penalty × model, and per setting beyond them.

    Args:
        records: the results.

    Returns:
        Data -> columns of text under the headings of the page; what no row has is left out.
    """
    cells = records.cells[records.cells["kind"].isin(["convergence", "throughput"])]
    curves = metric.curves(records)
    last = curves if curves.empty else metric.final(curves)
    tables: dict[str, list[dict[str, str]]] = {}
    for game, of_game in cells.groupby(GAME):
        tables.setdefault(str(game[0]), []).extend(game_rows(records, last, game, of_game))
    return {data: told(pd.DataFrame(rows)) for data, rows in tables.items()}


def told(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that say nothing."""
    filled = table.fillna("–")
    return filled.loc[:, [bool((~filled[name].isin(["", "–"])).any()) for name in filled]]


def game_rows(
    records: Records, last: pd.DataFrame, game: tuple[object, ...], cells: pd.DataFrame
) -> list[dict[str, str]]:
    """The rows of one game: one, or one per setting of its runs."""
    runs = cells[cells["kind"] == "convergence"]
    _, loss, penalty, model = map(str, game)
    names = {"Loss": loss, "Penalty": penalty, "Model": model}
    speed = throughput(records, game)
    if runs.empty:
        return [{**names, **speed}]
    return [
        {
            **names,
            "Also": str(setting),
            "Seeds": number(of_setting["seed"].nunique()),
            "Runs": statuses(of_setting),
            "Diverged": divergence(of_setting),
            **final_metrics(last, of_setting),
            **speed,
        }
        for setting, of_setting in runs.groupby(settings(runs, GAME))
    ]


def statuses(cells: pd.DataFrame) -> str:
    """How the runs ended, as in "8 finished, 1 diverged".

    >>> statuses(pd.DataFrame({"status": ["finished", "out_of_memory", "finished"]}))
    '2 finished, 1 out of memory'
    """
    counts = cells["status"].value_counts()
    known = [status for status in schema.STATUSES if status in counts]
    return ", ".join(f"{counts[status]} {status.replace('_', ' ')}" for status in known) or "–"


def divergence(cells: pd.DataFrame) -> str:
    r"""The share of runs that diverged with its exact 95 % interval; of nothing judged, nothing.

    A run whose memory ran out, or that torch could not make, says nothing of the game.

    >>> divergence(pd.DataFrame({"status": ["finished", "diverged", "out_of_memory"]}))
    '50\xa0% [1\xa0%, 99\xa0%]'
    """
    judged = cells["status"][cells["status"].isin(JUDGED)]
    share = share_interval(int((judged == "diverged").sum()), len(judged))
    if not share.n:
        return "–"
    return f"{percent(share.estimate)} [{percent(share.low)}, {percent(share.high)}]"


def final_metrics(last: pd.DataFrame, cells: pd.DataFrame) -> dict[str, str]:
    """Every metric's interquartile mean over the finished runs' last records, with its interval."""
    finished = cells[cells["status"] == "finished"]
    if last.empty or finished.empty:
        return {}
    rows = last[last["key"].isin(finished["key"])]
    return {
        metric.METRICS[str(name)].name: bounded(
            metric.over_seeds(of_metric["value"]), len(finished)
        )
        for name, of_metric in rows.groupby("metric", sort=False)
    }


def bounded(mean: Interval, runs: int) -> str:
    """A mean with its bounds, if it has any, and of how many runs, if not of all.

    >>> bounded(Interval(7.5, 7.25, 8.0, 0.95, 9), runs=9)
    '7.5 [7.25, 8]'
    >>> bounded(Interval(7.5, float("nan"), float("nan"), 0.95, 3), runs=9)
    '7.5 (3 of 9)'
    """
    text = number(mean.estimate)
    if not np.isnan(mean.low):
        text += f" [{number(mean.low)}, {number(mean.high)}]"
    return text if mean.n == runs else f"{text} ({mean.n} of {runs})"


def throughput(records: Records, game: tuple[object, ...]) -> dict[str, str]:
    """The fastest cell of a game: samples per second in the median, and where."""
    rows = records.throughput
    alike = [rows[name] == value for name, value in zip(GAME, game, strict=True)]
    cells = rows[np.logical_and.reduce(alike)].groupby(["machine", *PLACE])
    medians = [(float(of_cell["images_per_second"].median()), place) for place, of_cell in cells]
    if not medians:
        return {}
    best, (_, *values) = max(medians)
    place = dict(zip(PLACE, values, strict=True))
    chosen = [name for name, usual in BASELINES.items() if name in UNUSUAL and place[name] != usual]
    told = [in_words(name, place[name]) for name in ("batch_size", "precision", "device", *chosen)]
    return {"Most samples/s": number(best), "at": ", ".join(told)}
