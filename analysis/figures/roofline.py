"""The roofline: operations per second against operations per byte, below what the device can do."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.figures.figure import Figure
from analysis.figures.panel import (
    is_leftmost,
    label,
    legend,
    log_axis,
    plain,
    small_multiples,
    wrapped,
)
from analysis.records import Records
from analysis.roofline import CELL, LIMITS, roofline
from analysis.schema import USUAL
from analysis.wording import count, listing, number

POINT = [name for name in CELL if name != "loss"]
"""What a point is: losses differ hardly, so it is their median."""

GOOD = 0.7
"""A fraction of the attainable that leaves little to gain."""


def prepare(records: Records) -> pd.DataFrame:
    """Every timed cell that has ceilings, the median over its losses."""
    cells = roofline(records)
    if cells.empty:
        return cells
    rows = _points(cells)
    told = [name for name in ("machine", "data") if len(rows[name].unique()) > 1]
    names = ["device", "precision", *told]
    rows["panel"] = rows[names].agg(", ".join, axis=1).map(plain)
    rows["series"] = [series_of(row) for row in rows[POINT].to_dict("records")]
    rows["attainable_flops_per_second"] = rows["flops_per_step"] / rows["attainable_seconds"]
    return rows.sort_values(["panel", "series", "mode", "batch_size"], ignore_index=True)


def series_of(point: Mapping[Any, Any]) -> str:
    """What is joined: a model, and what is unusual about it.

    >>> usual = {"model": "mlp", "penalty": "none", "layout": "contiguous", "ensemble": 1}
    >>> series_of(usual), series_of(usual | {"penalty": "r1", "ensemble": 8})
    ('mlp', 'mlp, r1, 8 runs at once')
    """
    penalty, layout, ensemble = (point[name] for name in ("penalty", "layout", "ensemble"))
    parts = [point["model"]]
    parts += [] if penalty == "none" else [penalty]
    parts += [] if layout == USUAL["layout"] else [layout]
    parts += [] if ensemble == USUAL["ensemble"] else [f"{ensemble} runs at once"]
    return plain(", ".join(map(str, parts)))


def _points(cells: pd.DataFrame) -> pd.DataFrame:
    """The median over losses of every number, how many losses, and the most frequent limit."""
    numbers = [str(name) for name in cells.select_dtypes("number") if name not in CELL]
    points = cells.groupby(POINT)
    return (
        points[numbers]
        .median()
        .assign(
            losses=points["loss"].nunique(),
            limit=points["limit"].agg(lambda limits: limits.mode().iloc[0]),
        )
        .reset_index()
    )


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A panel per device, precision and data: its roofs, and below them the cells."""
    names = list(rows["panel"].unique())
    panels = small_multiples(canvas, [len(names)], columns=2, height=3.6)
    colours = colours_of(rows)
    for name, (axes,) in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        _draw_roofs(axes, of_panel)
        for (series, mode), line in of_panel.groupby(["series", "mode"]):
            _draw_cells(axes, line, colours[str(series)], marker_of(str(mode)))
        axes.set_title(wrapped(name, 2))
        axes.set_xlabel("FLOP per byte that must move; joined: growing batches")
        if is_leftmost(axes):
            axes.set_ylabel("FLOP/s")
    legend(canvas, _handles(rows, colours), most=3)


def _draw_roofs(axes: Axes, of_panel: pd.DataFrame) -> None:
    gemm, cache, memory = (float(of_panel[name].max()) for name in ROOFS)
    left = min(gemm / cache, of_panel["intensity"].min()) / 3
    right = max(gemm / memory, of_panel["intensity"].max()) * 3
    x = np.geomspace(left, right, 200)
    for bandwidth, dashes in zip((cache, memory), DASHES, strict=True):
        axes.plot(x, np.minimum(gemm, bandwidth * x), color="#333333", lw=1, ls=dashes)
    lowest = min(of_panel["flops_per_second"].min(), gemm / 10)
    log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set_xlim(left, right)
    axes.set_ylim(lowest / 2, gemm * 6)  # room for words above the roof
    text = (
        f"matrix products: {number(gemm / 1e9)} GFLOP/s\n"
        f"cache: {number(cache / 1e9)} GB/s, memory: {number(memory / 1e9)} GB/s"
    )
    axes.text(0.02, 0.97, text, transform=axes.transAxes, va="top", fontsize=8.5, color="#333333")


def _draw_cells(axes: Axes, line: pd.DataFrame, colour: str, marker: str) -> None:
    """Cells of growing batch, joined; a dash above each is its own ceiling."""
    x, y = line["intensity"], line["flops_per_second"]
    ceiling = line["attainable_flops_per_second"]
    bars = [
        (y - line["low"] * ceiling).clip(lower=0).fillna(0),
        (line["high"] * ceiling - y).clip(lower=0).fillna(0),
    ]
    axes.errorbar(
        x, y, yerr=bars, color=colour, marker=marker, markersize=5, lw=0.8, elinewidth=0.8
    )
    axes.plot(x, ceiling, "_", color=colour, markersize=9, markeredgewidth=1.2)


def colours_of(rows: pd.DataFrame) -> dict[str, str]:
    """A colour for each series, in their order."""
    series = sorted(rows["series"].unique())
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(series)}


def marker_of(mode: str) -> str:
    """The marker of a mode of execution; one that the table does not know has a cross."""
    return MARKERS.get(mode, "X")


def _handles(rows: pd.DataFrame, colours: Mapping[str, str]) -> list[Line2D]:
    handles = [Line2D([], [], color=colour, label=label(name)) for name, colour in colours.items()]
    for mode in sorted(rows["mode"].unique()):
        marked = Line2D([], [], color="#888888", ls="", label=label(f"mode {mode}"))
        marked.set_marker(marker_of(mode))
        handles.append(marked)
    words = ("roof: data in the fastest cache", "roof: data in memory")
    handles += [
        Line2D([], [], color="#333333", ls=dashes, label=text)
        for text, dashes in zip(words, DASHES, strict=True)
    ]
    dash = Line2D(
        [], [], color="#888888", marker="_", markersize=9, ls="", label="the attainable of each"
    )
    return [*handles, dash]


def caption(rows: pd.DataFrame) -> str:
    """How close cells come to the attainable, the best and the worst, and what limits them."""
    ordered = rows.sort_values("fraction")
    worst, best = ordered.iloc[0], ordered.iloc[-1]
    good = int((rows["fraction"] >= GOOD).sum())
    found = rows["limit"].value_counts()
    limits = [f"{name} in {found[name]}" for name in LIMITS if name in found]
    ends = f"from {_told(worst)} to {_told(best)}" if len(rows) > 1 else _told(best)
    return (
        f"Of what its device can do (matrix products or the least traffic, whichever takes longer; "
        f"the median over losses) the median of {count(len(rows), 'cell')} attains "
        f"{share(rows['fraction'].median())}, {ends}; {good} of {len(rows)} "
        f"{'reaches' if good == 1 else 'reach'} {share(GOOD)}. Counting both it would be "
        f"{share(rows['serial_fraction'].median())}, with the dispatch of operators "
        f"{share(rows['accounted_fraction'].median())}; the largest bound is {listing(limits)}."
    )


def share(of_one: float) -> str:
    r"""A share in per cent to two digits: small ones are not 0.

    >>> share(0.0123), share(0.7)
    ('1.2\xa0%', '70\xa0%')
    """
    return f"{number(100 * of_one, 2)}\N{NO-BREAK SPACE}%"


def _told(row: "pd.Series[Any]") -> str:
    return (
        f"{share(row['fraction'])} ({plain(row['series'])}, {plain(row['mode'])}, "
        f"batch {row['batch_size']}, {row['panel']})"
    )


ROOFS = ("gemm_flops_per_second", "cache_bytes_per_second", "memory_bytes_per_second")
DASHES = ((0, (4, 2)), "-")
"""Of the roof of the fastest cache, and of that of memory."""

MARKERS: Mapping[str, str] = {"eager": "o", "compile": "s", "cudagraph": "^"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Okabe and Ito's."""

FIGURE = Figure(
    title="Roofline",
    needs="throughput cells of a session that measured its ceilings",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
