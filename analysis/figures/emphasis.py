"""Many losses in one panel: Eq. 1's and Eq. 2's broad and in front, the others thin behind."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from analysis.figures.panel import loss_handles
from analysis.figures.style import style_of
from analysis.theory import PAIR


def rank(losses: "pd.Series[str]") -> "pd.Series[int]":
    """The order in which losses are listed: PAIR's first, the others after them by name.

    >>> rank(pd.Series(["hinge", "non_saturating", "kl"])).tolist()
    [2, 1, 3]
    """
    others = sorted(set(losses) - set(PAIR))
    order = {loss: place for place, loss in enumerate((*PAIR, *others))}
    return losses.map(order)


def loss_line(axes: Axes, x: ArrayLike, y: ArrayLike, loss: str, *, marked: bool = True) -> None:
    """A loss's curve.

    Args:
        axes: where.
        x: of its points.
        y: of its points; NaN leaves a gap.
        loss: whose colour, dashes and marker it has.
        marked: its points carry the marker.
    """
    style, strong = style_of(loss), loss in PAIR
    (line,) = axes.plot(x, y, color=style.colour, ls=style.dashes)
    line.set(linewidth=2.2 if strong else 0.9, zorder=3 if strong else 2)
    if marked:
        line.set(marker=style.marker, markersize=3.5 if strong else 2)


def emphasised(losses: Iterable[str], *, marked: bool = True) -> list[Line2D]:
    """A legend's entries for such curves.

    Args:
        losses: names.
        marked: as in `loss_line`.
    """
    names = list(losses)
    handles = loss_handles(names, marked=marked)
    for loss, handle in zip(names, handles, strict=True):
        handle.set_linewidth(2.2 if loss in PAIR else 0.9)
    return handles
