"""The panels of `dirac`: a row per loss, a column per penalty, arrows, two paths, two verdicts."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.figures.emphasis import rank
from analysis.figures.panel import WIDTH, is_leftmost, label, legend, wrapped
from analysis.stability import IDENTITY

ROW = 1.5
"""Inches."""

MARGIN = 1.12
"""The panel's half width over the arrows': paths that leave it are cut off there."""

# Two colours that no loss has: here they are the update rules'.
RULES: Mapping[str, str] = {"simultaneous": "#C0392B", "alternating": "#154360"}


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Small multiples with one scale; a verdict above each panel for either rule."""
    losses = list(rows["loss"].drop_duplicates().sort_values(key=rank))
    names = list(rows["setting"].unique())
    columns = max(len(names), 3)
    canvas.set_size_inches(WIDTH, 1.1 + ROW * len(losses))
    grid = canvas.subplots(len(losses), columns, squeeze=False)
    feet = rows.loc[rows["part"] == "field", ["theta", "psi"]].to_numpy()
    reach = MARGIN * float(np.abs(feet).max())
    for place, axes in enumerate(grid.flat):
        down, across = divmod(place, columns)
        axes.set_axis_off()
        if across < len(names):
            of_loss = rows[rows["loss"] == losses[down]]
            _draw_panel(axes, of_loss[of_loss["setting"] == names[across]], reach)
    for axes, name in zip(grid[0], names, strict=False):
        _above(axes, wrapped(name, columns + 1))
    for axes, loss in zip(grid[:, 0], losses, strict=True):
        _beside(axes, loss)
    legend(canvas, _handles(), most=3)


def _draw_panel(axes: Axes, rows: pd.DataFrame, reach: float) -> None:
    if rows.empty:
        return
    axes.set_axis_on()
    _draw_arrows(axes, rows[rows["part"] == "field"].drop_duplicates(["theta", "psi"]))
    axes.axhline(0, color="#BBBBBB", lw=0.5, zorder=1)
    axes.axvline(0, color="#BBBBBB", lw=0.5, zorder=1)
    for turn, (updates, colour) in enumerate(RULES.items()):
        for _, path in rows[rows["updates"] == updates].groupby(IDENTITY, sort=False):
            style = "-" if turn == 0 else (0, (4, 1))
            axes.plot(path["theta"], path["psi"], color=colour, lw=0.8, ls=style, zorder=3 + turn)
            _draw_end(axes, path, colour)
            _say(axes, path, turn, colour)
    first = rows[rows["step"] == 0]
    axes.plot(first["theta"], first["psi"], "o", color="black", markersize=3, zorder=6)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_xticks([-2, 0, 2])
    axes.set_yticks([-2, 0, 2])
    axes.tick_params(labelsize=7, length=2, pad=1.5, labelbottom=_is_last(axes))
    axes.tick_params(labelleft=is_leftmost(axes))
    axes.set_xlabel("θ" if _is_last(axes) else "")
    axes.set_ylabel("ψ" if is_leftmost(axes) else "", labelpad=0)
    axes.grid(visible=False)


def _is_last(axes: Axes) -> bool:
    place = axes.get_subplotspec()
    return place is None or place.is_last_row()


def _draw_arrows(axes: Axes, field: pd.DataFrame) -> None:
    length = pd.Series(np.hypot(field["field_theta"], field["field_psi"]), index=field.index)
    length = length.where(length > 0)
    # Directions alone: lengths over several decades would leave dots.
    arrows = axes.quiver(
        *(field["theta"], field["psi"], field["field_theta"] / length, field["field_psi"] / length),
        color="#C4C4C4",
        pivot="mid",
        scale=18,
        width=0.007,
        headwidth=4,
        zorder=2,
    )
    arrows.set_rasterized(True)


def _draw_end(axes: Axes, path: pd.DataFrame, colour: str) -> None:
    last = path.dropna(subset=["theta", "psi"]).tail(1)
    axes.plot(last["theta"], last["psi"], "D", color=colour, markersize=3, zorder=5)


def _say(axes: Axes, path: pd.DataFrame, turn: int, colour: str) -> None:
    predicted, measured = path[["predicted", "measured"]].iloc[0]
    star = "" if predicted in {measured, "undefined"} else "*"
    axes.text(
        turn,
        1.02,
        f"{measured}{star}",
        color=colour,
        fontsize=7.5,
        ha="right" if turn else "left",
        va="bottom",
        transform=axes.transAxes,
    )


def _above(axes: Axes, text: str) -> None:
    axes.text(0.5, 1.22, text, ha="center", va="bottom", fontsize=9, transform=axes.transAxes)


def _beside(axes: Axes, loss: str) -> None:
    words = "\n".join(wrap(label(loss.replace("_", " ")), 14, max_lines=4, placeholder="…"))
    axes.text(-0.4, 0.5, words, ha="right", va="center", fontsize=8.5, transform=axes.transAxes)


def _handles() -> list[Line2D]:
    solid, dashed = RULES.items()
    return [
        Line2D([], [], color=solid[1], label=f"{solid[0]} updates"),
        Line2D([], [], color=dashed[1], ls=(0, (4, 1)), label=f"{dashed[0]} updates, G first"),
        Line2D([], [], color="#C4C4C4", marker=">", ls="", label="field −∇ of both losses"),
        Line2D([], [], color="black", marker="o", ls="", label="start"),
        Line2D([], [], color="#666666", marker="D", ls="", label="end; the data are at θ = 0"),
        Line2D([], [], ls="", label="* not what the eigenvalues predict"),
    ]
