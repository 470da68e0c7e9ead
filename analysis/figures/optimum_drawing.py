"""The panels of `optimum`: V and gradients with what D* gives, what they are off by, and D."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.figures.panel import legend, loss_handles, small_multiples, wrapped
from analysis.figures.style import REAL, style_of

LOG_4 = math.log(4)

INK = "#222222"
"""What is measured of the discriminator, which no generator's loss owns."""

DISPLACEMENT = "displacement μ of p_g, standard deviations"


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Two rows a setting: V, |D − D*|, gradients; below, V less the exact, D, gradients less it."""
    names = list(rows["panel"].unique())
    grid = small_multiples(canvas, [3] * len(names), stacked=2, columns=3, height=2.1)
    for place, name in enumerate(names):
        of_panel = rows[rows["panel"] == name]
        (value, value_off), (error, mean), (gradient, gradient_off) = grid[3 * place :][:3]
        _draw_value(value, value_off, _of(of_panel, "value"))
        _draw_probabilities(error, mean, of_panel)
        _draw_gradients(gradient, gradient_off, _of(of_panel, "gradient"))
        value.set_title(wrapped(name, 3))
        for axes in (value_off, mean, gradient_off):
            axes.set_xlabel(DISPLACEMENT)
    legend(canvas, _handles(rows), most=4)


def _of(rows: pd.DataFrame, quantity: str) -> pd.DataFrame:
    return rows[rows["quantity"] == quantity]


def _draw_value(axes: Axes, off: Axes, rows: pd.DataFrame) -> None:
    axes.axhline(-LOG_4, color=REAL, ls=(0, (1, 1)), lw=1)
    _draw_curve(axes, rows, REAL, "-")
    _draw_bars(axes, rows, INK, "o")
    off.axhline(0, color=REAL, lw=1)
    _draw_bars(off, _less_exact(rows), INK, "o")
    axes.set_ylabel("V(D, G), nats")
    off.set_ylabel("V − exact, nats")


def _draw_probabilities(error: Axes, mean: Axes, rows: pd.DataFrame) -> None:
    _draw_bars(error, _of(rows, "d_error"), INK, "o")
    error.set(ylabel="mean |D − D*|", title="discriminator")
    error.set_ylim(bottom=0)
    mean.axhline(0.5, color=REAL, lw=1)
    _draw_bars(mean, _of(rows, "d_mean"), INK, "o")
    mean.set_ylabel("mean D")


def _draw_gradients(axes: Axes, off: Axes, rows: pd.DataFrame) -> None:
    axes.axhline(0, color=REAL, lw=0.6)
    axes.axvline(0, color=REAL, lw=0.6)
    off.axhline(0, color=REAL, lw=1)
    for loss, of_loss in rows.groupby("gradient_of", sort=False):
        style = style_of(str(loss))
        _draw_curve(axes, of_loss, style.colour, style.dashes)
        _draw_bars(axes, of_loss, style.colour, style.marker)
        _draw_bars(off, _less_exact(of_loss), style.colour, style.marker)
    axes.set(ylabel="dL/dμ, nats per σ", title="generators: gradient in μ")
    off.set_ylabel("dL/dμ − exact")


def _draw_curve(
    axes: Axes, rows: pd.DataFrame, colour: str, dashes: str | tuple[int, tuple[int, ...]]
) -> None:
    once = rows.drop_duplicates("displacement").sort_values("displacement")
    axes.plot(once["displacement"], once["exact"], color=colour, ls=dashes, lw=1)


def _draw_bars(axes: Axes, rows: pd.DataFrame, colour: str, marker: str) -> None:
    reach = [(rows["mean"] - rows["low"]).fillna(0), (rows["high"] - rows["mean"]).fillna(0)]
    bars = axes.errorbar(rows["displacement"], rows["mean"], yerr=reach, fmt=marker, color=colour)
    bars[0].set_markersize(3.5)
    for part in (*bars[1], *bars[2]):
        part.set_linewidth(0.9)


def _less_exact(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with mean and bounds relative to what D* gives."""
    return rows.assign(**{name: rows[name] - rows["exact"] for name in ("mean", "low", "high")})


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    runs = sorted(rows["runs"].unique())
    means = " or ".join(f"mean of {n} seeds" if n > 1 else "one run" for n in runs)
    return [
        Line2D([], [], color=INK, marker="o", ls="", label=f"{means}, 95 % interval"),
        Line2D([], [], color=REAL, lw=1, label="exact, with D* (joined by lines)"),
        Line2D([], [], color=REAL, lw=1, ls=(0, (1, 1)), label="−log 4"),
        *loss_handles(loss for loss in rows["gradient_of"].unique() if loss),
    ]
