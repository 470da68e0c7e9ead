"""Which loss is better than which, seed by seed: a matrix of losses for every final metric."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, Rectangle

from analysis.comparison import LEVEL
from analysis.figures import metric
from analysis.figures.families import advantage, better_first, comparisons, won
from analysis.figures.figure import Figure
from analysis.figures.panel import label, legend, small_multiples, wrapped
from analysis.records import Records
from analysis.sample_size import POWER
from analysis.wording import count, listing, number, percent

COLOURS = "PuOr"
"""Diverging, told apart by colour-blind readers; light enough in the range used for black text."""

TOLD = 3
"""Pairs that the caption names."""


def prepare(records: Records) -> pd.DataFrame:
    """The rows of `families.comparisons`, one per pair of losses and final metric."""
    return comparisons(records)


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A matrix per panel: the probability that a row's loss improves on a column's."""
    names = list(rows["panel"].unique())
    matrices = [matrix(rows[rows["panel"] == name]) for name in names]
    most = max(len(shares) for shares, _ in matrices)
    columns = 3 if most <= FEW else 2
    grid = small_multiples(canvas, [len(names)], columns=columns, height=1.1 + 0.25 * most)
    for name, (axes,), (shares, called) in zip(names, grid, matrices, strict=True):
        _draw_matrix(axes, shares, called)
        axes.set_title(wrapped(name, columns))
        axes.set_xlabel(_axis(rows[rows["panel"] == name]))
    legend(canvas, _handles(rows))


def matrix(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The probability that the row's loss improves on the column's, and where that is called.

    Args:
        pairs: one family.

    Returns:
        Two losses × losses tables: NaN where unknown, and true in the row of the better loss.
    """
    losses = sorted({*pairs["loss"], *pairs["other"]})
    shares = pd.DataFrame(np.nan, index=losses, columns=losses)
    called = pd.DataFrame(data=False, index=losses, columns=losses)
    for row in pairs.to_dict("records"):
        first, other = row["loss"], row["other"]
        shares.loc[first, other] = row["probability"]
        shares.loc[other, first] = 1 - row["probability"]
        better = better_first(row)
        called.loc[better["loss"], better["other"]] = row["called"]
    return shares, called


def _axis(pairs: pd.DataFrame) -> str:
    """What the numbers of one matrix are: probabilities, since half a tie is no seed."""
    ties = "\nties count half" if pairs["ties"].any() else ""
    seeds = count(int(pairs["seeds"].max()), "seed")
    return f"P(better than no. …), % ({seeds}){ties}"


def _draw_matrix(axes: Axes, shares: pd.DataFrame, called: pd.DataFrame) -> None:
    axes.imshow(shares.to_numpy(), cmap=COLOURS, vmin=LOWEST, vmax=HIGHEST, aspect="auto")
    for (y, x), share in np.ndenumerate(shares.to_numpy()):
        if np.isfinite(share):
            bold = "bold" if called.iloc[y, x] else "normal"
            axes.text(x, y, f"{100 * share:.0f}", ha="center", va="center", size=8, weight=bold)
        if called.iloc[y, x]:
            axes.add_patch(
                Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor="black", lw=1.6)
            )
    places = range(len(shares))
    axes.set_yticks(places, [f"{label(loss, 24)}  {n + 1}" for n, loss in enumerate(shares)])
    axes.set_xticks(places, [f"{n + 1}" for n in places])
    axes.grid(visible=False)


def _handles(rows: pd.DataFrame) -> list[Patch]:
    colours = colormaps[COLOURS]
    handles = [
        Patch(color=colours((share - LOWEST) / (HIGHEST - LOWEST)), label=words)
        for share, words in KEY.items()
    ]
    if rows["called"].any():
        words = f"frame: row better, p ≤ {number(LEVEL)} after Holm's correction"
        handles.append(Patch(facecolor="white", edgecolor="black", lw=1.6, label=words))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """How many pairs are called, where none could be, and how many seeds the others would take."""
    called, families = int(rows["called"].sum()), rows["panel"].nunique()
    one_sided = (rows["probability"] - 0.5).abs()
    order = rows.assign(even=-one_sided).sort_values(["adjusted", "p", "even"], kind="stable")
    first = order.head(min(called, TOLD) or 1).to_dict("records")
    named = listing([_named(better_first(row)) for row in first])
    return (
        f"Of {count(len(rows), 'pair')} of losses in {count(families, 'panel')}, {called:,} are "
        "called different by the exact signed-rank test over seeds, corrected by Holm to "
        f"{percent(LEVEL)} within each panel, {'most clearly' if called else 'the nearest'} "
        f"{named}. {_hopeless(rows)}{_needed(rows)}."
    )


def _named(row: Mapping[Hashable, Any]) -> str:
    """One pair, the better loss first if either is."""
    setting, name = str(row["setting"]), metric.METRICS[row["metric"]].name
    against = "over" if advantage(row) else "against"
    return (
        f"{label(row['loss'])} {against} {label(row['other'])} in {name} on {setting} "
        f"(better in {won(row)}, corrected p = {number(row['adjusted'])})"
    )


def _hopeless(rows: pd.DataFrame) -> str:
    """In how many panels no pair can be called, whatever its seeds say; a sentence's first half."""
    best = rows.groupby("panel", sort=False)["smallest_p"].agg(["min", "size"])
    asked = LEVEL / best["size"]
    none = best["min"] > asked
    if not none.any():
        return f"Every one of {count(len(best), 'panel')} has seeds enough to call a pair"
    panel = str(none.idxmax())
    setting, pairs = panel.partition("\n")[0], int(best["size"][panel])
    return (
        f"In {none.sum():,} of {count(len(best), 'panel')} no pair can be called with so few "
        f"seeds: on {setting} they reach p = {number(best['min'][panel])} at best, and the first "
        f"of {count(pairs, 'pair')} has to come to {number(asked[panel])}"
    )


def _needed(rows: pd.DataFrame) -> str:
    """How many seeds the pairs that are not called would take, as a clause to append."""
    others = rows[~rows["called"] & np.isfinite(rows["needed"])]
    if others.empty:
        return ""
    needed = others["needed"]
    least, most = number(needed.min()), number(needed.max())
    told = least if least == most else f"{least} to {most}"
    # Where all seeds agree the effect has no upper end: so many are what the test needs at least.
    at_least = "at least " if np.isinf(others["effect"]).any() else ""
    return (
        f"; if the differences seen are the true ones, the pairs not called take {at_least}{told} "
        f"seeds, {number(needed.median())} in the median, to be called in {percent(POWER)} of "
        "sessions"
    )


FEW = 6
"""With so many losses, three matrices fit beside each other."""

LOWEST, HIGHEST = -0.6, 1.6
"""The colours' ends: what is drawn stays light enough for black text."""

KEY: Mapping[float, str] = {
    1.0: "row better in all seeds",
    0.5: "as often better as worse",
    0.0: "column better in all seeds",
}

FIGURE = Figure(
    title="Which loss is better than which, seed by seed",
    needs="convergence cells of two losses or more with the same seeds, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=9,
)
