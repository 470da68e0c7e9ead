"""One look for every figure: a loss keeps its colour, marker and dashes wherever it appears."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import seaborn

RC: dict[Any, Any] = {
    **seaborn.axes_style("whitegrid"),
    **seaborn.plotting_context("paper"),
    "axes.edgecolor": "#666666",
    "axes.formatter.useoffset": False,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "saddle",
    # Names come from results, which may hold dollar signs: no text of ours is TeX.
    "text.parse_math": False,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}
"""matplotlib settings, seaborn's white grid for the most part, in force while a figure is drawn."""

REAL = "#555555"
"""The data, wherever it is drawn beside what a generator made."""


@dataclass(frozen=True)
class Style:
    """How a loss is drawn; each of the three alone tells it apart from its neighbours.

    Args:
        colour: of lines and points, safe for colour-blind readers.
        marker: matplotlib's marker.
        dashes: matplotlib's line style.
    """

    colour: str
    marker: str
    dashes: str | tuple[int, tuple[int, ...]]


def style_of(loss: str) -> Style:
    """A loss's style; a loss the table does not know gets one that depends on its name alone.

    Args:
        loss: a name.

    Returns:
        Its style, the same in every figure and session.
    """
    if loss in LOSSES:
        return LOSSES[loss]
    return OTHERS[int.from_bytes(hashlib.sha256(loss.encode()).digest()[:4], "big") % len(OTHERS)]


# Okabe & Ito's colours, the lightest darkened so that a line shows on white.
LOSSES: Mapping[str, Style] = {
    "saturating": Style("#D55E00", "o", "-"),
    "non_saturating": Style("#0072B2", "s", (0, (5, 1))),
    "maximum_likelihood": Style("#009E73", "^", (0, (3, 1, 1, 1))),
    "least_squares": Style("#CC79A7", "D", (0, (1, 1))),
    "wasserstein": Style("#E69F00", "v", (0, (7, 2))),
    "hinge": Style("#56B4E9", "P", (0, (3, 1))),
    "relativistic_pairing": Style("#000000", "X", "-"),
    "relativistic_average": Style("#7F7F7F", "p", (0, (5, 1, 1, 1))),
    "relativistic_average_least_squares": Style("#7A1F5C", "*", (0, (2, 1))),
    "relativistic_average_hinge": Style("#1F4E5F", "h", (0, (6, 1, 1, 1))),
    "kl": Style("#8C6D00", "<", "-"),
    "reverse_kl": Style("#5B3A8C", ">", (0, (5, 2))),
    "pearson": Style("#6B8E23", "H", (0, (1, 1))),
    "squared_hellinger": Style("#A0522D", "8", (0, (3, 1, 1, 1))),
    "jensen_shannon": Style("#005F73", "d", (0, (4, 1, 1, 1, 1, 1))),
}

OTHERS = tuple(
    Style(colour, marker, dashes)
    for dashes in ("-", (0, (4, 2)), (0, (1, 1)))
    for colour, marker in (("#4D4D00", "<"), ("#4B0082", ">"), ("#2F4F4F", "h"), ("#800000", "*"))
)
