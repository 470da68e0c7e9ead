"""How the numerics map is drawn: a line per dtype, a column per loss, a strip per formulation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch
from scipy.special import logit

from analysis.figures.panel import axes_by_row, label, legend, wrapped
from analysis.wording import number, percent

RIGHT = 0.01
"""A gradient of at most this relative error is right: some roundings of the coarsest format."""

USABLE = 0.5
"""Up to this relative error one can train with it."""

INK = "#222222"

LINE: Mapping[str, Any] = {"edgecolor": INK, "linewidth": 0.4}

WIDE = 10.0
"""A grade that holds over so many logits has its name written on it."""


@dataclass(frozen=True)
class Grade:
    """How good a gradient is, and its look; lightness alone tells the grades apart.

    Args:
        words: what it means, in the legend.
        colour: of its area, the lighter the better the gradient.
        hatch: over the area.
        name: written on the area where it is wide enough.
    """

    words: str
    colour: str
    hatch: str = ""
    name: str = ""


def written(formulation: object) -> str:
    """A formulation as one writes it in code; one that the table does not know by its name.

    >>> written("naive_log_sigmoid"), written("mine")
    ('log(sigmoid(a))', 'mine')
    """
    return FORMULATIONS.get(str(formulation), label(formulation))


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """The strips of every panel, with a scale in D(G(z)) above and one in the logit below."""
    lines = list(rows[["panel", "precision"]].drop_duplicates().itertuples(index=False))
    last = {panel: place for place, (panel, _) in enumerate(lines)}
    first = {panel: place for place, (panel, _) in reversed([*enumerate(lines)])}
    grid = axes_by_row(canvas, len(lines), len(LOSSES), height=1.4)
    for place, (panel, precision) in enumerate(lines):
        of_line = rows[(rows["panel"] == panel) & (rows["precision"] == precision)]
        names = _in_order(of_line["formulation"].unique())
        for axes, loss in zip(grid[place], LOSSES, strict=True):
            _draw_strips(axes, of_line[of_line["gradient_of"] == loss], names)
            _draw_logits(axes, labelled=last[panel] == place)
            if first[panel] == place:
                _draw_head(axes, LOSSES[loss])
        if first[panel] == place:
            left = grid[place][0]
            left.set_title(f"{wrapped(panel, 2)}\n{left.get_title()}")
        grid[place][0].set_ylabel(label(precision), fontweight="bold")
        grid[place][1].set_yticklabels([])
    legend(canvas, _handles(rows), most=3)


def _in_order(names: Iterable[str]) -> list[str]:
    known = list(FORMULATIONS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _draw_strips(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    for name, grade, left, right in rows[["formulation", "grade", "left", "right"]].to_numpy():
        look, y = GRADES[grade], names.index(name)
        axes.barh(y, right - left, 0.8, left, color=look.colour, hatch=look.hatch, **LINE)
        if right - left >= WIDE:
            words = axes.text((left + right) / 2, y, look.name, color="white", size=7.5)
            words.set(ha="center", va="center_baseline")
    axes.set_yticks(range(len(names)), [written(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    strips = rows.drop_duplicates("formulation")
    limits = axes.secondary_yaxis("right")
    places = [names.index(name) for name in strips["formulation"]]
    limits.set_yticks(places, [_limit(strip) for strip in strips.itertuples()])
    limits.tick_params(length=0)
    limits.spines[:].set_visible(False)


def _draw_logits(axes: Axes, *, labelled: bool) -> None:
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.axvline(0, color=INK, lw=0.8, ls=":")
    axes.margins(x=0.004)
    axes.tick_params(axis="x", bottom=labelled, labelbottom=labelled, color=INK, length=3)
    if labelled:
        axes.set_xlabel("logit a of the discriminator")


def _draw_head(axes: Axes, title: str) -> None:
    axes.set_title(title)
    top = axes.secondary_xaxis("top")
    top.set_xticks(logit([*D_TICKS]), [*D_TICKS.values()])
    top.tick_params(color=INK, length=3)
    top.set_xlabel("D(G(z)) = σ(a)")
    top.spines[:].set_visible(False)
    axes.annotate(
        "trains down\nto D(G(z)) =",
        (1, 1),
        (4, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        size=8,
    )


def _limit(strip: Any) -> str:
    if np.isnan(strip.trains_to_d):
        return "never"
    return ("≤ " if strip.throughout else "") + number(strip.trains_to_d, 2)


def _handles(rows: pd.DataFrame) -> list[Patch]:
    return [
        Patch(facecolor=grade.colour, hatch=grade.hatch, label=grade.words, **LINE)
        for name, grade in GRADES.items()
        if (rows["grade"] == name).any()
    ]


D_TICKS = {
    1e-40: "10⁻⁴⁰",
    1e-30: "10⁻³⁰",
    1e-20: "10⁻²⁰",
    1e-10: "10⁻¹⁰",
    0.5: "½",
    1 - 1e-10: "1 − 10⁻¹⁰",
}

GRADES: Mapping[str, Grade] = {
    "right": Grade(f"right: within {percent(RIGHT)} of the closed form", "#DCEAF4"),
    "coarse": Grade(f"coarse: within {percent(USABLE)}", "#EDB93C", "...."),
    "lost": Grade("lost: more than half of it is gone", "#C8501E", name="lost"),
    "wrong": Grade(
        "wrong: too large by more than half, or of wrong sign", "#7B2D74", "xxxx", "wrong"
    ),
    "not_finite": Grade("not finite: nan or infinite", "#1A1A1A", name="not finite"),
    "nowhere": Grade("no gradient at any logit", "#FFFFFF", "////"),
}

LOSSES: Mapping[str, str] = {
    "saturating": "saturating, log(1 − D): dL/da = −D",
    "non_saturating": "non-saturating, −log D: dL/da = −(1 − D)",
}

FORMULATIONS: Mapping[str, str] = {
    "naive_log_sigmoid": "log(sigmoid(a))",
    "epsilon_in_log": "log(sigmoid(a) + 1e-8)",
    "bce": "BCELoss",
    "bce_with_logits": "BCEWithLogitsLoss",
    "logsigmoid": "logsigmoid(a)",
}
