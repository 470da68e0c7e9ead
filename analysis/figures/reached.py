"""Runs with and without success in one panel: points, open triangles at the top, medians."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.emphasis import rank
from analysis.figures.panel import run_settings
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.recovery import JUDGED, outcomes
from analysis.survival import CLOCKS

BEYOND = 1.6
"""Misses are drawn at so many times the longest run's last step or second."""


def judged_runs(records: Records, kind: str, given: list[str], share: float) -> pd.DataFrame:
    """What every run of a kind reached, beside its settings.

    Args:
        records: the results.
        kind: "head_start" or "batches".
        given: columns of the runs that the figure shows in another way than by panels.
        share: of the distance at step 0 that is to be reached.

    Returns:
        `outcomes` of runs that finished or diverged, with `panel`, `loss`, `seed`, the columns
        given, and `step_drawn` and `seconds_drawn`: misses lie above the panel's longest run.
    """
    runs = records.runs[records.runs["kind"] == kind] if len(records.runs) else records.runs
    if runs.empty:
        return pd.DataFrame()
    panels = run_settings(records, kind, given)
    known = outcomes(getattr(records, kind), runs, share)
    settings = runs[["key", "machine", "seed", *dict.fromkeys([*given, "loss"])]]
    rows = known.merge(settings, on=["key", "machine"]).merge(panels, on=["key", "machine"])
    rows = rows[rows["status"].isin(JUDGED)]
    for clock in CLOCKS:
        longest = rows.groupby("panel")[f"last_{clock}"].transform("max")
        rows[f"{clock}_drawn"] = rows[clock].where(rows["reached"], BEYOND * longest)
    return rows.sort_values(["panel", "loss", "seed"], ignore_index=True)


def median_of(values: "pd.Series[float]") -> float:
    """The median over seeds, a miss counted as later than any; NaN where half or more miss.

    >>> median_of(pd.Series([1.0, 2.0, np.nan])), median_of(pd.Series([1.0, np.nan]))
    (2.0, nan)
    """
    middle = float(values.fillna(np.inf).median()) if len(values) else np.nan
    return middle if np.isfinite(middle) else float("nan")


def dodged(rows: pd.DataFrame, places: Sequence[str], width: float) -> "pd.Series[float]":
    """Offsets that put a panel's losses beside each other, and a loss's seeds within its strip.

    Args:
        rows: of `judged_runs`.
        places: columns that tell the places about which they lie.
        width: of all losses of a place, from the first strip to the last.

    Returns:
        One offset per row; their mean over the seeds of one loss is its strip's middle.
    """
    turn = rows.groupby("panel")["loss"].transform(rank)
    turn = turn.groupby(rows["panel"]).rank("dense") - 1
    gaps = turn.groupby(rows["panel"]).transform("max").clip(lower=1)
    middle = (turn / gaps - 0.5).where(turn.groupby(rows["panel"]).transform("max") > 0, 0.0)
    seeds = rows.groupby(["panel", "loss", *places])["key"]
    share = (seeds.cumcount() + 0.5) / seeds.transform("size") - 0.5
    return width * (middle + 0.6 * share / gaps)


def draw_runs(axes: Axes, rows: pd.DataFrame, x: str, y: str) -> None:
    """A point per run: filled where it reached its target, an open triangle where it did not.

    Args:
        axes: where.
        rows: of `judged_runs`.
        x: a column.
        y: "step" or "seconds".
    """
    for loss, points in rows.groupby("loss"):
        style = style_of(str(loss))
        reached = points["reached"].astype(bool)
        hit, missed = points[reached], points[~reached]
        axes.plot(hit[x], hit[y], style.marker, color=style.colour, markersize=3.5, alpha=0.7)
        (open_,) = axes.plot(missed[x], missed[f"{y}_drawn"], "^", color=style.colour)
        open_.set(markersize=5.5, fillstyle="none", alpha=0.8)


def missed_handle() -> Line2D:
    """The legend's entry for a run that did not reach its target."""
    handle = Line2D([], [], color="#888888", marker="^", ls="", markersize=5.5)
    handle.set(fillstyle="none", label="not reached in its steps")
    return handle
