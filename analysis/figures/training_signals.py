"""What both players see through training: D's outputs and the gradients of Eq. 3 and Eq. 4."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis import schema
from analysis.figures.figure import Figure
from analysis.figures.panel import (
    is_leftmost,
    legend,
    log_axis,
    plain,
    run_settings,
    small_multiples,
    wrapped,
)
from analysis.figures.style import REAL, style_of
from analysis.records import Records
from analysis.wording import number, percent

NORMS = ("saturating_gradient_norm", "non_saturating_gradient_norm")
SIGNALS = ("d_real", *schema.QUANTILES, "accuracy", *NORMS)


def prepare(records: Records) -> pd.DataFrame:
    """Medians over seeds of every signal, by setting, loss and step."""
    if records.training.empty:
        return pd.DataFrame()
    blocks = run_settings(records, "training", given=["data", "loss"])
    rows = records.training.merge(blocks.rename(columns={"panel": "block"}), on=["key", "machine"])
    groups = rows.groupby(["block", "loss", "step"])
    medians = groups[list(SIGNALS)].median()
    medians["seeds"] = groups["key"].nunique()
    medians = medians.reset_index()
    return medians.assign(panel=medians["block"] + "\n" + medians["loss"].map(plain))


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Above, D's outputs; below, both gradient norms; one column per loss."""
    names = list(rows["panel"].unique())
    blocks = rows.groupby("block", sort=False)["loss"].nunique()
    columns = max(3, min(6, blocks.max()))
    panels = small_multiples(canvas, list(blocks), stacked=2, columns=columns, height=1.9)
    first: dict[str, Axes] = {}
    for name, (above, below) in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        first_of_block = first.setdefault(of_panel["block"].iloc[0], below)
        if first_of_block is not below:
            below.sharey(first_of_block)
        _draw_outputs(above, of_panel)
        _draw_norms(below, of_panel)
        above.set_title(wrapped(name, columns))
        above.tick_params(labelbottom=False)
        for axes, what in ((above, "D, accuracy"), (below, "‖∇θ‖₂ of G")):
            axes.set_ylabel(what if is_leftmost(axes) else "")
            axes.tick_params(labelleft=is_leftmost(axes))
    legend(canvas, _handles(), most=3)


def _draw_outputs(axes: Axes, rows: pd.DataFrame) -> None:
    step, colour = rows["step"], style_of(rows["loss"].iloc[0]).colour
    q05, q25, q50, q75, q95 = (rows[name] for name in schema.QUANTILES)
    axes.fill_between(step, q05, q95, color=colour, alpha=0.15, lw=0)
    axes.fill_between(step, q25, q75, color=colour, alpha=0.3, lw=0)
    axes.plot(step, q50, color=colour)
    axes.plot(step, rows["d_real"], color=REAL, ls=(0, (5, 1)))
    axes.plot(step, rows["accuracy"], color=REAL, ls=(0, (1, 1)))
    axes.axhline(0.5, color="#BBBBBB", lw=0.6, zorder=0)
    axes.set(ylim=(-0.02, 1.02), yticks=(0, 0.5, 1))
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _draw_norms(axes: Axes, rows: pd.DataFrame) -> None:
    for column in NORMS:
        style = style_of(column.removesuffix("_gradient_norm"))
        axes.plot(rows["step"], rows[column], color=style.colour, ls=style.dashes)
    log_axis(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set(xlabel="step (generator updates)")


def _handles() -> list[Line2D | Patch]:
    saturating, other = style_of("saturating"), style_of("non_saturating")
    return [
        Line2D([], [], color=REAL, ls=(0, (5, 1)), label="mean D(x) of real samples"),
        Line2D([], [], color=REAL, ls=(0, (1, 1)), label="D's accuracy at ½"),
        Line2D([], [], color="#888888", label="median D(G(z)), in the loss's colour"),
        Patch(color="#888888", alpha=0.35, label="50 % and 90 % of D(G(z))"),
        Line2D([], [], color=saturating.colour, ls=saturating.dashes, label="saturating (Eq. 4)"),
        Line2D([], [], color=other.colour, ls=other.dashes, label="non-saturating (Eq. 3)"),
    ]


def caption(rows: pd.DataFrame) -> str:
    """Which of the two gradients is the larger, below and above D(G(z)) = ½, and by how much."""
    saturating, other = (rows[name] for name in NORMS)
    ratio = other / saturating
    known = rows.assign(ratio=ratio)[(saturating > 0) & (other > 0) & np.isfinite(ratio)]
    if known.empty:
        return "No record has both gradient norms above 0."
    least = known.sort_values("d_fake_q50").iloc[0]
    seeds = rows["seeds"].max()
    over = f"; lines are medians over up to {seeds} seeds." if seeds > 1 else "."
    return (
        f"{_larger(known)}. D(G(z)) is smallest, {number(least['d_fake_q50'])}, at step "
        f"{least['step']:,} ({least['block']}, {least['loss']}), where the non-saturating gradient "
        f"is {number(least['ratio'])} times the saturating one{over}"
    )


def _larger(known: pd.DataFrame) -> str:
    below = known[known["d_fake_q50"] < 0.5]
    above = known[known["d_fake_q50"] >= 0.5]
    if below.empty:
        return f"D(G(z)) never falls below ½ in {len(known)} records"
    text = (
        f"The non-saturating gradient (Eq. 3) is larger than the saturating one (Eq. 4) in "
        f"{percent((below['ratio'] > 1).mean())} of the {len(below)} records with median "
        f"D(G(z)) < ½"
    )
    if above.empty:
        return text
    return f"{text}, and in {percent((above['ratio'] > 1).mean())} of the {len(above)} above"


FIGURE = Figure(
    title="What both players see through training",
    needs="convergence cells, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
