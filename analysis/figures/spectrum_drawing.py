"""The panels of `spectrum`: a plane of eigenvalues per loss and penalty, and what they come to."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from analysis.figures.panel import (
    WIDTH,
    in_words,
    is_leftmost,
    label,
    legend,
    log_axis,
    loss_handles,
    wrapped,
)
from analysis.figures.style import style_of
from analysis.wording import tick

LINEAR = 1e-3
"""Between −LINEAR and LINEAR an axis of eigenvalues is linear, beyond it logarithmic."""

FARTHEST = 1e9
"""What is farther out, or on a logarithmic axis nearer to 0 than its inverse, is not drawn."""

# Light to dark as training goes on; no loss has these.
PLACES = {0: ("#BDBDBD", "first record"), 1: ("#C07FC4", "middle"), 2: ("#3D1152", "last record")}

RATE = "#B3261E"
"""The run's own learning rate: a line among steps, a circle among eigenvalues."""


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """For each setting a row of planes per loss; below, growth and steps of all losses."""
    panels = list(rows["panel"].unique())
    blocks = [rows[rows["panel"] == panel] for panel in panels]
    heights = [[2.0] * block["loss"].nunique() + [1.8, 1.8] for block in blocks]
    columns = max([3, *(block["penalty"].nunique() for block in blocks)])
    ratios = [height for block in heights for height in block]
    canvas.set_size_inches(WIDTH, 0.8 + sum(ratios))
    grid = canvas.subplots(len(ratios), columns, squeeze=False, height_ratios=ratios)
    start = 0
    for block, size in zip(blocks, heights, strict=True):
        _draw_block(grid[start : start + len(size)], block)
        start += len(size)
    legend(canvas, _handles(rows))


def _draw_block(grid: NDArray[Any], rows: pd.DataFrame) -> None:
    penalties, losses = list(rows["penalty"].unique()), list(rows["loss"].unique())
    reach = _reach(rows)
    for column, axes in enumerate(grid.T):
        if column >= len(penalties):
            for unused in axes:
                unused.remove()
            continue
        of_penalty = rows[rows["penalty"] == penalties[column]]
        for plane, loss in zip(axes, losses, strict=False):
            _draw_plane(plane, of_penalty[of_penalty["loss"] == loss], reach)
            if is_leftmost(plane):
                plane.set_ylabel(f"{label(loss, 22)}\nIm λ")
        axes[len(losses) - 1].set_xlabel("Re λ")
        steps = of_penalty[of_penalty["part"] == "step"]
        _draw_growth(axes[-2], steps)
        _draw_rates(axes[-1], steps)
        title = f"{rows['panel'].iloc[0]} · {in_words('penalty', penalties[column])}"
        axes[0].set_title(wrapped(title, grid.shape[1]))


def _reach(rows: pd.DataFrame) -> float:
    """How far the axes of eigenvalues go, to either side."""
    return _beyond(rows[["real", "imaginary"]].to_numpy(float))


def _beyond(values: NDArray[np.float64]) -> float:
    """Twice the largest modulus of these numbers, within reason."""
    farthest = float(np.abs(values[np.isfinite(values)]).max(initial=5 * LINEAR))
    return min(2 * farthest, FARTHEST)


def _draw_plane(axes: Axes, rows: pd.DataFrame, reach: float) -> None:
    """One game's eigenvalues, upper half plane; inside the circle the run's own step contracts."""
    for which in ("x", "y"):
        _symmetric_axis(axes, which, reach)
    axes.set_ylim(-LINEAR / 2, reach)
    axes.axvline(0, color="#666666", lw=0.8, zorder=1)
    for place, (colour, _) in PLACES.items():
        shown = rows[rows["place"] == place]
        (cloud,) = axes.plot(shown["real"], shown["imaginary"], ".", color=colour, markersize=3)
        cloud.set(rasterized=True, markeredgewidth=0, zorder=2 + place)
    rate = rows["learning_rate"].max()
    if rate > 0:
        edge = unit_circle() / rate
        axes.plot(edge.real, edge.imag, color=RATE, lw=0.9, ls=(0, (4, 2)), zorder=1)


def unit_circle() -> NDArray[np.complex128]:
    """The upper half of |1 + λ| = 1, from −2 to 0, its points dense where a logarithm needs it."""
    angles = np.pi / 2 * np.geomspace(1, 1e-9, 200)
    right = 2j * np.sin(angles / 2) * np.exp(0.5j * angles)  # e^{iφ} − 1 without cancellation
    return np.concatenate([-2 - right[::-1].conj(), right])


def _symmetric_axis(axes: Axes, which: str, reach: float) -> None:
    """Powers of ten to both sides of 0."""
    scale = {"linthresh": LINEAR, "linscale": 0.4}
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("symlog", **scale)
    (axes.set_xlim if which == "x" else axes.set_ylim)(-reach, reach)
    axis.set_major_locator(FixedLocator(symmetric_ticks(reach)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: signed(value)))
    axis.set_minor_locator(NullLocator())


def symmetric_ticks(reach: float) -> Sequence[float]:
    """Ticks at 0 and, to either side, up to three powers of ten beyond LINEAR.

    >>> symmetric_ticks(30.0)
    [-10.0, -0.1, 0.0, 0.1, 10.0]
    """
    highest, lowest = math.floor(math.log10(reach)), round(math.log10(LINEAR)) + 1
    stride = max(1, math.ceil((highest - lowest + 1) / 2))
    powers = [10.0**power for power in range(highest, lowest - 1, -stride)]
    return [*(-power for power in powers), 0.0, *reversed(powers)]


def signed(value: float) -> str:
    """A tick's value, with a true minus sign.

    >>> signed(-100.0), signed(0.0), signed(1e4)
    ('−100', '0', '10⁴')
    """
    return f"−{tick(-value)}" if value < 0 else tick(value)


def _draw_growth(axes: Axes, steps: pd.DataFrame) -> None:
    """How fast the fastest direction expands, through training."""
    for loss, run in _runs(steps.assign(growth=steps["growth"].where(steps["growth"] < FARTHEST))):
        _curve(axes, run, loss, "growth")
        if run["status"].iloc[-1] != "finished":
            last = run["step"].iloc[-1], run["growth"].iloc[-1]
            axes.plot(*last, "x", color=style_of(loss).colour, markersize=8)
    if steps["growth"].between(1 / FARTHEST, FARTHEST).all():
        log_axis(axes, "y")
    else:
        _symmetric_axis(axes, "y", _beyond(np.asarray(steps["growth"], dtype=np.float64)))
        axes.axhline(0, color="#666666", lw=0.8)
    axes.set_ylabel("largest Re λ" if is_leftmost(axes) else "")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _draw_rates(axes: Axes, steps: pd.DataFrame) -> None:
    """The longest steps that contract, through training, beside the runs' own."""
    limits = {
        name: steps[name].where(steps[name].between(1 / FARTHEST, FARTHEST))
        for name in ("contracting_learning_rate", "stable_learning_rate", "learning_rate")
    }
    steps = steps.assign(**limits)
    for loss, run in _runs(steps):
        _curve(axes, run, loss, "contracting_learning_rate")
        rings = axes.plot(run["step"], run["stable_learning_rate"], "o", color="black")
        rings[0].set(markerfacecolor="none", markersize=8)
    for rate in steps["learning_rate"].dropna().unique():
        axes.axhline(rate, color=RATE, lw=0.9, ls=(0, (4, 2)))
    if steps["contracting_learning_rate"].notna().any():  # one line alone has no range to scale
        log_axis(axes, "y")
    axes.set_ylabel("longest step, Re λ < 0" if is_leftmost(axes) else "")
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _runs(steps: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Every run's records, with its loss."""
    groups = steps.groupby(["loss", "key", "machine"], sort=False)
    return [(str(run["loss"].iloc[0]), run) for _, run in groups]


def _curve(axes: Axes, run: pd.DataFrame, loss: str, column: str) -> None:
    style = style_of(loss)
    (line,) = axes.plot(run["step"], run[column], color=style.colour, ls=style.dashes)
    line.set(marker=style.marker, markersize=3, linewidth=1)


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    shown = rows["place"].dropna().unique()
    handles = [
        Line2D([], [], color=colour, marker=".", ls="", markersize=8, label=f"λ, {words}")
        for place, (colour, words) in PLACES.items()
        if place in shown
    ]
    if rows["learning_rate"].notna().any():
        words = "the run's own learning rate η; it contracts λ inside |1 + ηλ| = 1"
        handles.append(Line2D([], [], color=RATE, lw=0.9, ls=(0, (4, 2)), label=words))
    losses = loss_handles(rows["loss"].drop_duplicates())
    steps = rows[rows["part"] == "step"]
    if (steps["stable_learning_rate"] > 0).any():
        ring = Line2D([], [], color="black", marker="o", ls="", markerfacecolor="none")
        ring.set_label("no Re λ > 0: the longest stable step")
        losses.append(ring)
    if (steps["status"] != "finished").any():
        losses.append(Line2D([], [], color="#888888", marker="x", ls="", label="diverged"))
    return handles + losses
