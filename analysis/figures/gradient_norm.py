"""Eq. 3 against Eq. 4: gradient norms of both losses while a shift of the logit moves D(G(z))."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis import theory
from analysis.estimates import Interval, log_log_slope
from analysis.figures.figure import Figure
from analysis.figures.panel import legend, log_axis, run_settings, small_multiples, wrapped
from analysis.figures.style import REAL, style_of
from analysis.records import Records
from analysis.schema import NETWORKS
from analysis.theory import PAIR, SMALL
from analysis.wording import count, interval, number, percent

AGREES = 0.05
"""A fitted slope this close to theory's agrees with it."""

QUANTITIES = (*PAIR, "ratio")


def prepare(records: Records) -> pd.DataFrame:
    """Measured norms, their ratio, and theory's curves.

    Theory fixes a curve's shape: ‖∇θ‖ = K·D (saturating) and K·(1 − D) (non-saturating) of samples
    that share one logit. K is the median of measured over shape, one per panel, network and loss.
    The ratio's curve is (1 − D) / D, with nothing to fit.
    """
    if records.gradients.empty:
        return pd.DataFrame()
    panels = run_settings(records, "gradients", given=["data", "loss"])
    rows = records.gradients.merge(panels, on=["key", "machine"])
    saturating, other = rows["saturating_gradient_norm"], rows["non_saturating_gradient_norm"]
    odds = rows["one_minus_d_fake"] / rows["d_fake"].where(rows["d_fake"] > 0)
    curves = {
        "saturating": (saturating, rows["d_fake"]),
        "non_saturating": (other, rows["one_minus_d_fake"]),
        "ratio": (other / saturating.where(saturating > 0), odds),
    }
    names = ["panel", "network", "key", "shift", "d_fake"]
    long = [
        rows[names].assign(quantity=quantity, odds=odds, measured=measured, shape=shape)
        for quantity, (measured, shape) in curves.items()
    ]
    every = anchored(pd.concat(long, ignore_index=True).sort_values(["panel", "shift"]))
    return every if len(drawable(every)) else pd.DataFrame()


def anchored(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with theory's value beside each measured one."""
    shape = rows["shape"].where(rows["shape"] > 0)
    factors = (rows["measured"] / shape).groupby(
        [rows["panel"], rows["network"], rows["quantity"]], dropna=False
    )
    k = factors.transform("median").where(rows["quantity"] != "ratio", 1.0)
    return rows.assign(theory=k * rows["shape"]).drop(columns="shape")


def drawable(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that logarithmic axes can show."""
    numbers = rows[["d_fake", "odds", "measured", "theory"]]
    return rows[((numbers > 0) & np.isfinite(numbers)).all(axis=1)]


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A row per setting: both norms on each network, and their ratio against (1 − D) / D."""
    names = list(rows["panel"].unique())
    shown = drawable(rows)
    panels = small_multiples(canvas, [3] * len(names), columns=3, height=2.7)
    for row, name in enumerate(names):
        of_panel = shown[shown["panel"] == name]
        norms = [panels[3 * row + i][0] for i in (0, 1)]
        norms[1].sharey(norms[0])
        for axes, network in zip(norms, NETWORKS, strict=True):
            _draw_norms(axes, of_panel[of_panel["network"] == network])
            axes.set_title(wrapped(f"{name}: {network} networks", 3))
        _draw_ratio(panels[3 * row + 2][0], of_panel[of_panel["quantity"] == "ratio"])
    legend(canvas, _handles(), most=4)


def _draw_norms(axes: Axes, rows: pd.DataFrame) -> None:
    for loss in QUANTITIES[:2]:
        style, of_loss = style_of(loss), rows[rows["quantity"] == loss]
        curve = of_loss.sort_values("d_fake")
        d = curve["d_fake"]
        axes.plot(d, curve["theory"], color=style.colour, ls=style.dashes, lw=1)
        axes.plot(d, curve["measured"], style.marker, color=style.colour, markersize=3.5)
    for which in ("x", "y"):
        log_axis(axes, which)
    if len(rows):
        axes.axvspan(0, SMALL, color="#F4F4F4", zorder=0)
    axes.set(xlabel="mean D(G(z))", ylabel="‖∇θ‖₂ of the generator")


def _draw_ratio(axes: Axes, rows: pd.DataFrame) -> None:
    theory_s = rows.sort_values("odds")
    axes.plot(theory_s["odds"], theory_s["theory"], color=REAL, lw=1)
    for network in NETWORKS:
        points = rows[rows["network"] == network]
        (line,) = axes.plot(points["odds"], points["measured"])
        _ring_or_dot(line, network)
    for which in ("x", "y"):
        log_axis(axes, which)
    axes.set(xlabel="(1 − D(G(z))) / D(G(z))", title="non-saturating over saturating norm")


def _ring_or_dot(line: Line2D, network: str) -> Line2D:
    """Rings around dots, so that neither hides the other."""
    trained = network == "trained"
    line.set(color=REAL, marker="o", linestyle="", markersize=3.5 if trained else 7)
    line.set_fillstyle("full" if trained else "none")
    return line


def _handles() -> list[Line2D]:
    handles = []
    for loss in QUANTITIES[:2]:
        style, name = style_of(loss), loss.replace("_", "-")
        equation = {"saturating": "Eq. 4", "non_saturating": "Eq. 3"}[loss]
        dots = Line2D([], [], color=style.colour, marker=style.marker, ls="")
        dots.set_label(f"{name} ({equation}), measured")
        line = Line2D([], [], color=style.colour, ls=style.dashes, lw=1)
        line.set_label(f"theory: K·{'D' if loss == 'saturating' else '(1 − D)'}")
        handles += [dots, line]
    for network in NETWORKS:
        handles.append(_ring_or_dot(Line2D([], [], label=f"ratio, {network}"), network))
    handles.append(Line2D([], [], color=REAL, lw=1, label="theory: (1 − D) / D"))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """Both fitted slopes against theory's, and how far the ratio is from (1 − D) / D."""
    shown = drawable(rows)
    ratio = shown[shown["quantity"] == "ratio"]
    if ratio.empty:
        return "In no state are both norms positive and finite: there is no ratio of Eq. 3 to 4."
    least = ratio.sort_values("d_fake").iloc[0]
    off = (ratio["measured"] / ratio["theory"]).quantile([0.05, 0.5, 0.95])
    hidden = len(rows) - len(shown)
    return (
        f"{_slopes(shown)}; at the smallest D(G(z)), {number(least['d_fake'])}, the non-saturating "
        f"norm is {number(least['measured'])} times the saturating one. "
        f"Over all D(G(z)) their ratio is {number(off[0.5])} times (1 − D) / D in the median "
        f"({percent(0.9)} of points from {number(off[0.05])} to {number(off[0.95])} times)"
        + (f"; {count(hidden, 'value')} of 0 or not finite can't be shown." if hidden else ".")
    )


def _slopes(shown: pd.DataFrame) -> str:
    """Both slopes where D is small, if some network of a run has two points there for each."""
    few = f"Too few points have D(G(z)) ≤ {number(SMALL)} to fit a slope"
    small = shown[shown["d_fake"] <= SMALL]
    texts = []
    for loss in QUANTITIES[:2]:
        rows = small[small["quantity"] == loss]
        if rows.empty:
            return few
        groups = list(zip(rows["key"], rows["network"], strict=True))
        slope = log_log_slope(rows["d_fake"], rows["measured"], groups)
        if np.isnan(slope.estimate):
            return few
        texts.append(f"the {loss.replace('_', '-')} gradient {_verdict(loss, slope)}")
    return f"Where D(G(z)) ≤ {number(SMALL)}, {' and '.join(texts)}"


def _verdict(loss: str, slope: Interval) -> str:
    """What the gradient does as D falls, and whether theory says so.

    >>> _verdict("saturating", Interval(1.0, 0.99, 1.01, 0.95, 9))
    'vanishes like D to the power 1.000 [0.990, 1.010] (as theory says: 1)'
    """
    level = abs(slope.estimate) <= AGREES
    verb = "stays level," if level else ("vanishes like" if slope.estimate > 0 else "grows like")
    expected = theory.COSTS[loss].slope
    agrees = abs(slope.estimate - expected) <= AGREES
    power = interval(slope.estimate, slope.low, slope.high)
    word = "as theory says" if agrees else "which contradicts theory"
    return f"{verb} D to the power {power} ({word}: {expected:.0f})"


FIGURE = Figure(
    title="What gradient reaches the generator: Eq. 3 against Eq. 4",
    needs="cells of the kind gradients, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=6,
)
