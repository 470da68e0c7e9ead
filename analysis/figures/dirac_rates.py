"""The Dirac-GAN's rates: log distance per step, as eigenvalues predict it and as measured."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.figures.dirac import named
from analysis.figures.emphasis import rank
from analysis.figures.figure import Figure
from analysis.figures.panel import is_leftmost, legend, loss_handles, small_multiples
from analysis.figures.style import REAL, style_of
from analysis.records import Records
from analysis.stability import IDENTITY, classes
from analysis.wording import count, listing, number, percent

CLOSE, NEAR = 0.05, 1e-4
"""A measured rate this near the predicted one, relatively or per step, agrees with it."""

LINEAR = 1e-3
"""Rates nearer 0 are drawn on a linear scale, others on a logarithmic one."""

TOLD = 4
"""Groups of paths that the caption names."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per run and update rule: `analysis.stability.classes` and its `setting`.

    `panel` is the update rule. `predicted_rate` is null where there are no eigenvalues.
    """
    rows = classes(records)
    if rows.empty:
        return rows
    runs = named(records.runs[records.runs["kind"] == "dirac"])[[*IDENTITY, "setting", "place"]]
    ordered = rows.merge(runs, on=IDENTITY).sort_values("place", kind="stable", ignore_index=True)
    panel = ordered["updates"] + " updates"
    return ordered.assign(panel=panel).drop(columns=["place", "machine"])


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A panel for each update rule: measured against predicted, the line where they are equal."""
    names = sorted(rows["panel"].unique(), reverse=True)
    rates = rows.loc[rows["predicted"] != "undefined", ["predicted_rate", "measured_rate"]]
    reach = 2 * float(np.nanmax([LINEAR, *rates[np.isfinite(rates)].abs().to_numpy().ravel()]))
    grid = small_multiples(canvas, [len(names)], columns=2, height=4.4)
    for name, (axes,) in zip(names, grid, strict=True):
        _draw_panel(axes, rows[rows["panel"] == name], reach)
        axes.set_title(name)
    legend(canvas, _handles(rows), most=5)


def _draw_panel(axes: Axes, rows: pd.DataFrame, reach: float) -> None:
    axes.plot((-reach, 0, reach), (-reach, 0, reach), color=REAL, lw=0.8, zorder=1)
    axes.axhline(0, color="#CCCCCC", lw=0.8, zorder=1)
    axes.axvline(0, color="#CCCCCC", lw=0.8, zorder=1)
    known = rows[rows["predicted"] != "undefined"]
    for loss, group in known.groupby("loss"):
        style = style_of(str(loss))
        for same, of_class in group.groupby(group["predicted"] == group["measured"]):
            (points,) = axes.plot(of_class["predicted_rate"], of_class["measured_rate"], ls="")
            points.set(marker=style.marker, color=style.colour, markersize=6, alpha=0.8)
            points.set_fillstyle("full" if same else "none")
        low, high = group["low"], group["high"]
        axes.vlines(group["predicted_rate"], low, high, color=style.colour, lw=0.9)
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=LINEAR, linscale=0.7)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_xlabel("log of the spectral radius: predicted per step")
    axes.set_ylabel("slope of log distance per step, measured" if is_leftmost(axes) else "")


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    losses = loss_handles(rows["loss"].drop_duplicates().sort_values(key=rank))
    for handle in losses:
        handle.set_linestyle("")
    hollow = Line2D([], [], color="#666666", marker="o", fillstyle="none", ls="")
    hollow.set_label("hollow: another class than predicted")
    return [*losses, hollow, Line2D([], [], color=REAL, lw=0.8, label="measured = predicted")]


def caption(rows: pd.DataFrame) -> str:
    """How many rates agree, and which paths do what their eigenvalues do not say."""
    known = rows[rows["predicted"] != "undefined"]
    error = (known["measured_rate"] - known["predicted_rate"]).abs()
    close = error <= (CLOSE * known["predicted_rate"].abs()).clip(lower=NEAR)
    contracting = known["predicted"] == "converges"
    off = known[known["predicted"] != known["measured"]]
    return (
        f"Of {count(len(known), 'path')} with eigenvalues {close.sum()} have the predicted rate, "
        f"within {percent(CLOSE)} or {number(NEAR)} per step, among them "
        f"{(close & contracting).sum()} of the {contracting.sum()} that should converge. Another "
        f"class than predicted have {len(off)}{_named(off)}; eigenvalues speak of the "
        f"neighbourhood of (0, 0) alone."
    )


def _named(off: pd.DataFrame) -> str:
    """The largest groups of disagreement, each with its losses."""
    groups = [
        (str(setting), str(updates), f"{measured} instead of {predicted}", sorted(of["loss"]))
        for (setting, updates, predicted, measured), of in off.groupby(
            ["setting", "updates", "predicted", "measured"], sort=False
        )
    ]
    groups.sort(key=lambda group: -len(group[3]))
    told = [
        f"{what} ({updates}, {setting}: {listing([loss.replace('_', ' ') for loss in losses])})"
        for setting, updates, what, losses in groups[:TOLD]
    ]
    more = sum(len(group[3]) for group in groups[TOLD:])
    tail = f"; and {more} more" if more else ""
    return f": {'; '.join(told)}{tail}" if told else ""


FIGURE = Figure(
    title="The Dirac-GAN's rates of convergence, predicted and measured",
    needs="cells of the kind dirac, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
