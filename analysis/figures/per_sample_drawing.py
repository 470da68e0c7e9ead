"""The panels of `per_sample`: gradients at four places, exponents, the ratio, the crossing."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from scipy.special import logit

from analysis.figures.emphasis import emphasised, loss_line
from analysis.figures.panel import label, legend, log_axis, small_multiples, wrapped
from analysis.figures.style import REAL, style_of
from analysis.theory import PAIR, TOLERANCES
from analysis.wording import interval

TICKS = {1e-30: "10⁻³⁰", 1e-20: "10⁻²⁰", 1e-10: "10⁻¹⁰", 0.5: "½", 1 - 1e-7: "1−10⁻⁷"}

ZOOM_TICKS = {0.01: "0.01", 0.1: "0.1", 0.5: "½", 0.9: "0.9", 0.99: "0.99"}

ZOOM = 0.005
"""The zoomed panel shows D from here to 1 − here."""


@dataclass(frozen=True)
class Place:
    """Where a gradient is taken.

    Args:
        title: the gradient's norm.
        variable: what it is taken with respect to.
        marker: of its exponent.
        corner: of the panel that its curves leave free, "upper right" or "lower right".
    """

    title: str
    variable: str
    marker: str
    corner: str = "lower right"


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Two rows a setting: gradients at four places; exponents, crossing, ratio, minibatch."""
    names = list(rows["panel"].unique())
    grid = [axes for (axes,) in small_multiples(canvas, [8] * len(names), columns=4, height=2.75)]
    for place, name in enumerate(names):
        of_panel, axes = rows[rows["panel"] == name], grid[8 * place : 8 * place + 8]
        curves = of_panel[of_panel["part"] == "curve"]
        for axis, where in zip(axes, PLACES, strict=False):
            _draw_curves(axis, curves[curves["place"] == where], TICKS)
            _write_powers(axis, of_panel[of_panel["part"] == "exponent"], where)
            axis.set_title(f"{wrapped(name, 4)}\n{PLACES[where].title}")
        for axis, (part, draw_part) in zip(axes[4:], PARTS.items(), strict=True):
            draw_part(axis, of_panel[of_panel["part"] == part])
        _draw_zoom(axes[5], curves[curves["place"] == "to_parameters"])
    legend(canvas, _handles(rows))


def _draw_curves(axes: Axes, curves: pd.DataFrame, ticks: Mapping[float, str]) -> None:
    for loss, curve in curves.groupby("gradient_of", sort=False):
        loss_line(axes, curve["logit"], curve["value"], str(loss), marked=False)
    if len(curves):
        log_axis(axes, "y")
    _probability_axis(axes, ticks)


def _write_powers(axes: Axes, fits: pd.DataFrame, where: str) -> None:
    """The powers of both strong losses in the corner that their curves leave free."""
    at = fits[fits["place"] == where].set_index("gradient_of")[["value", "low", "high"]]
    known = [loss for loss in PAIR if loss in at.index]
    lines = [(style_of(loss).colour, interval(*at.loc[loss])) for loss in known]
    top = 0.97 if PLACES[where].corner == "upper right" else 0.3
    for turn, (colour, words) in enumerate([(REAL, "power of D"), *lines] if lines else []):
        text = axes.text(0.99, top - 0.085 * turn, words, color=colour, fontsize=7)
        text.set(transform=axes.transAxes, ha="right", va="top")


def _probability_axis(axes: Axes, ticks: Mapping[float, str]) -> None:
    axes.set_xticks(logit(list(ticks)), list(ticks.values()), fontsize=8)
    axes.set_xlabel("D(G(z)), even in the logit")


def _draw_exponents(axes: Axes, fits: pd.DataFrame) -> None:
    losses = list(fits["gradient_of"].unique())
    for (loss, where), fit in fits.groupby(["gradient_of", "place"], sort=False):
        place, colour = PLACES[str(where)], style_of(str(loss)).colour
        y = losses.index(loss) + 0.6 * (list(PLACES).index(str(where)) / (len(PLACES) - 1) - 0.5)
        axes.hlines(y, fit["low"], fit["high"], color=colour, lw=1)
        axes.plot(fit["theory"], [y], "|", color="#999999", markersize=8, mew=1.2, zorder=1)
        axes.plot(fit["value"], [y], place.marker, color=colour, markersize=3.5)
    axes.set_yticks(range(len(losses)), [label(loss, 24) for loss in losses], fontsize=7)
    axes.set(ylim=(len(losses) - 0.4, -0.6), xlabel="power of D")
    axes.set_title("gradient ~ D to the power")
    axes.margins(x=0.08)


def _draw_crossing(axes: Axes, crossing: pd.DataFrame) -> None:
    for at in crossing["logit"]:
        axes.axvline(at, color=REAL, lw=1, ls=(0, (1, 1)))


def _draw_zoom(axes: Axes, curves: pd.DataFrame) -> None:
    near = curves[curves["d_fake"].between(ZOOM, 1 - ZOOM)]
    _draw_curves(axes, near, ZOOM_TICKS)
    axes.set_title(f"{PLACES['to_parameters'].title} about D = ½")


def _draw_errors(axes: Axes, errors: pd.DataFrame) -> None:
    for (dtype, place), curve in errors.groupby(["dtype", "place"], sort=False):
        look = DTYPES.get(str(dtype), DTYPES["float64"])
        (dots,) = axes.plot(curve["logit"], curve["value"], look, color=REAL, ls="", markersize=3.5)
        dots.set_fillstyle("full" if place == "ratio_error" else "none")
        if dtype in TOLERANCES:
            axes.axhline(TOLERANCES[str(dtype)], color=REAL, lw=0.8, ls=(0, (4, 2)))
    if (errors["value"] > 0).any():
        log_axis(axes, "y")
    _probability_axis(axes, TICKS)
    axes.set_title("ratio against (1 − D)/D: error")


def _draw_batch(axes: Axes, batch: pd.DataFrame) -> None:
    for place, (marker, _) in BATCH.items():
        points = batch[batch["place"] == place]
        axes.plot(points["logit"], points["value"], marker, color=REAL, markersize=3.5)
    axes.axhline(1, color="#BBBBBB", lw=0.8, zorder=0)
    _probability_axis(axes, TICKS)
    axes.set_title("a minibatch, not one sample")
    if batch.empty:
        axes.text(0.5, 0.5, "no cell of the kind gradients", transform=axes.transAxes, ha="center")


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    curves = rows[rows["part"] == "curve"]
    handles = emphasised(curves["gradient_of"].unique(), marked=False)
    for place in PLACES.values():
        handles.append(_dots(f"power of D in {place.variable}", place.marker))
    handles.append(
        Line2D([], [], color="#999999", marker="|", mew=1.2, ls="", label="theory's power")
    )
    for dtype in rows.loc[rows["part"] == "error", "dtype"].unique():
        handles.append(_dots(f"ratio of norms, {label(dtype)}", DTYPES.get(dtype, "o")))
    hollow = _dots("ratio in every parameter", "o")
    hollow.set_fillstyle("none")
    bounds = Line2D([], [], color=REAL, lw=0.8, ls=(0, (4, 2)), label="bounds 10⁻¹⁰ and 10⁻⁵")
    batch = [_dots(text, marker) for marker, text in BATCH.values()]
    return [*handles, hollow, bounds, *batch]


def _dots(text: str, marker: str) -> Line2D:
    return Line2D([], [], color=REAL, marker=marker, ls="", markersize=4, label=text)


PLACES: Mapping[str, Place] = {
    "to_probability": Place("|dL/dD|: Eqs. 3 and 4", "D", "D", "upper right"),
    "to_logit": Place("|dL/da|", "the logit", "o"),
    "to_sample": Place("‖∂L/∂x‖", "the sample", "s"),
    "to_parameters": Place("‖∂L/∂θ_G‖", "the parameters", "^"),
}

DTYPES: Mapping[str, str] = {"float64": "o", "float32": "s"}

BATCH: Mapping[str, tuple[str, str]] = {
    "ratio": (".", "minibatch: ratio over (1 − D)/D"),
    "cosine": ("x", "minibatch: cosine"),
}

PARTS = {
    "exponent": _draw_exponents,
    "crossing": _draw_crossing,
    "error": _draw_errors,
    "batch": _draw_batch,
}
