"""The suite's step beside its peers': ratios of seconds per step, cell by cell."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.figures.figure import Figure
from analysis.figures.panel import (
    bars_and_crosses,
    fixed_ticks,
    in_words,
    is_leftmost,
    label,
    legend,
    log_axis,
    plain,
    settings,
    small_multiples,
    wrapped,
)
from analysis.figures.style import Style
from analysis.peers import GAME, MODEL, bounded, geometric_mean, named, ratios
from analysis.records import Records
from analysis.wording import count, listing, number, tallied

SHOWN = ["model", "data", "penalty", "batch_size"]
"""Told of every panel, or along its axis."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per cell, peer and step it is held against, with the geometric mean over its cells.

    A cell that did not finish has a row with its `status`.
    """
    cells = records.cells[records.cells["kind"] == "peers"]
    if cells.empty:
        return pd.DataFrame()
    unfinished = cells.loc[cells["status"] != "finished", ["key", *GAME, "status"]]
    found = ratios(records).assign(status="finished")
    rows = pd.concat([found, unfinished.assign(peer="", over="", left_out="")], ignore_index=True)
    rows = _with_means(records, rows)
    others = settings(rows[GAME], SHOWN)
    panel = rows["model"] + ", " + rows["data"] + ", "
    panel += rows["penalty"].map(lambda value: in_words("penalty", value))
    rows["panel"] = panel.where(others == "", panel + "\n" + others).map(_lines)
    both = zip(rows["peer"], rows["over"], strict=True)
    rows["series"] = [_series(str(peer), str(over)) for peer, over in both]
    order = {name: place for place, name in enumerate(sorted(rows["series"].unique(), key=_place))}
    place = rows["series"].map(order) - (len(order) - 1) / 2
    # Peers of one cell beside each other, not on each other.
    rows["drawn_at"] = rows["batch_size"] * 1.07**place
    return rows.sort_values(["panel", "batch_size", "over", "peer"], ignore_index=True)


def _lines(panel: str) -> str:
    """A panel's name without what is not to be printed, its two lines kept."""
    return "\n".join(map(plain, panel.split("\n", 1)))


def _with_means(records: Records, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what the peer has in the geometric mean over the cells of MODEL."""
    means = {str(peer): geometric_mean(records, str(peer)) for peer in rows["peer"].unique()}
    known = {peer: mean for peer, mean in means.items() if mean is not None}
    return rows.assign(
        mean=rows["peer"].map({peer: found.estimate for peer, (found, _) in known.items()}),
        mean_low=rows["peer"].map({peer: found.low for peer, (found, _) in known.items()}),
        mean_high=rows["peer"].map({peer: found.high for peer, (found, _) in known.items()}),
        mean_cells=rows["peer"].map({peer: cells for peer, (_, cells) in known.items()}),
    )


def _series(peer: str, over: str) -> str:
    """A peer in the legend; what it is held against, if that is not the suite's fastest step."""
    if peer == "textbook" and over == "eager":
        return AGAINST_EAGER
    return named(peer)


def _place(series: str) -> tuple[int, str]:
    names = list(STYLES)
    return (names.index(series) if series in names else len(names), series)


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Ratios against the batch size, 1 marked; bars are intervals over processes."""
    names = list(rows["panel"].unique())
    panels = small_multiples(canvas, [len(names)], columns=4, height=2.6)
    for (axes,) in panels[1:]:
        axes.sharey(panels[0][0])
    for name, (axes,) in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        axes.axhline(1, color="#666666", lw=0.9, zorder=1)
        for series, line in of_panel[of_panel["ratio"].notna()].groupby("series"):
            _draw_series(axes, line, str(series))
        for at in of_panel.loc[of_panel["status"] != "finished", "drawn_at"]:
            axes.plot(at, 0.04, "x", color="#888888", transform=axes.get_xaxis_transform())
        axes.set_title(wrapped(name, 4))
        _dress(axes, sorted(of_panel["batch_size"].unique()))
    series = sorted(rows.loc[rows["ratio"].notna(), "series"].unique(), key=_place)
    legend(
        canvas, [*(_handle(name) for name in series), *bars_and_crosses(rows, "processes")], most=4
    )


def _dress(axes: Axes, sizes: list[int]) -> None:
    """The axes' scales and words."""
    log_axis(axes, "x")
    log_axis(axes, "y")
    fixed_ticks(axes, sizes)
    axes.set_xlim(sizes[0] / 1.6, sizes[-1] * 1.6)
    axes.set_xlabel("batch size")
    if is_leftmost(axes):
        axes.set_ylabel("peer's seconds per step\nover the suite's")
    else:
        axes.tick_params(labelleft=False)


def _draw_series(axes: Axes, line: pd.DataFrame, series: str) -> None:
    style = _style(series)
    low, high = line["ratio"] - line["low"], line["high"] - line["ratio"]
    axes.errorbar(
        line["drawn_at"],
        line["ratio"],
        yerr=[bar.fillna(0).clip(lower=0) for bar in (low, high)],
        color=style.colour,
        marker=style.marker,
        markerfacecolor="white" if series == AGAINST_EAGER else style.colour,
        ls="",
        markersize=4,
        lw=1,
    )


def _handle(series: str) -> Line2D:
    style = _style(series)
    face = "white" if series == AGAINST_EAGER else style.colour
    handle = Line2D([], [], color=style.colour, ls="", markerfacecolor=face, label=label(series))
    handle.set_marker(style.marker)
    return handle


def _style(series: str) -> Style:
    return STYLES.get(series, Style("#7F7F7F", "X", "-"))


def caption(rows: pd.DataFrame) -> str:
    """In how many cells the suite's step is faster than JAX's, by how much, and what is missing."""
    timed = rows[rows["ratio"].notna() & (rows["series"] != AGAINST_EAGER)]
    if timed.empty:
        return f"No peer was timed{_missing(rows)}."
    rivals = [peer for peer in RIVALS if (timed["peer"].isin(RIVALS[peer])).any()]
    if not rivals:
        return f"{_range(timed, 'Other peers', 'take')}{_missing(rows)}."
    first, *others = rivals
    told = _against(timed[timed["peer"].isin(RIVALS[first])], first)
    rest = [_range(timed[timed["peer"].isin(RIVALS[peer])], peer) for peer in others]
    after = f". {_sentence(listing(rest))}" if rest else ""
    return f"{told}{after}{_missing(rows)}."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _against(timed: pd.DataFrame, rival: str) -> str:
    """The verdicts, the ends and the geometric mean against one rival."""
    faster = int((timed["verdict"] == "faster").sum())
    rest = tallied(timed["verdict"], {name: (name, name) for name in ("slower", "undecided")})
    text = (
        f"The suite's step is faster than that of {rival} in {faster} of "
        f"{count(len(timed), 'cell')} by an interval that excludes 1"
        f"{f' ({rest})' if rest else ''}: {_range(timed, rival)}"
    )
    means = timed[timed["mean"].notna()]
    if means.empty:
        return text
    mean = means.iloc[0]
    bounds = bounded(mean["mean"], mean["mean_low"], mean["mean_high"])
    cells = count(int(mean["mean_cells"]), "cell")
    return f"{text}, {bounds} in the geometric mean of {cells} of {MODEL}"


def _range(timed: pd.DataFrame, peer: str, takes: str = "takes") -> str:
    """How many times as long a peer takes, from the least to the most."""
    ordered = timed.sort_values("ratio", kind="stable")
    least, most = ordered.iloc[0], ordered.iloc[-1]
    if len(ordered) == 1:
        return f"{peer} {takes} {number(least['ratio'])} times as long ({_cell(least)})"
    return (
        f"{peer} {takes} {number(least['ratio'])} ({_cell(least)}) to {number(most['ratio'])} "
        f"({_cell(most)}) times as long"
    )


def _cell(row: "pd.Series[Any]") -> str:
    panel = str(row["panel"]).replace("\n", ", ")
    return f"{panel}, batch {row['batch_size']}"


def _missing(rows: pd.DataFrame) -> str:
    """Peers that were left out, and cells that did not finish."""
    out = rows.loc[rows["left_out"] != "", "peer"].map(named).value_counts()
    told = [f"{name} in {count(int(n), 'cell')}" for name, n in out.items()]
    ends = rows.loc[rows["status"] != "finished", "status"].value_counts()
    told += [f"{count(int(n), 'cell')} {str(name).replace('_', ' ')}" for name, n in ends.items()]
    return f"; not timed: {listing(told)}" if told else ""


AGAINST_EAGER = "textbook loop over suite, eager"

# Who a caption compares with, in its words, the first first: the peers that it goes by.
RIVALS: Mapping[str, tuple[str, ...]] = {
    "JAX": ("jax", "jax_vmap"),
    "the textbook loop": ("textbook",),
    "that loop with compiled modules": ("textbook_compiled",),
}

# Okabe & Ito's colours.
STYLES: Mapping[str, Style] = {
    named("jax"): Style("#0072B2", "o", "-"),
    named("jax_vmap"): Style("#56B4E9", "P", "-"),
    named("textbook"): Style("#D55E00", "s", "-"),
    named("textbook_compiled"): Style("#E69F00", "D", "-"),
    named("eager"): Style("#009E73", "^", "-"),
    named("compile"): Style("#000000", "v", "-"),
    AGAINST_EAGER: Style("#CC79A7", "s", "-"),
}

FIGURE = Figure(
    title="The suite's step and its peers'",
    needs="peers cells",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
