"""D trained alone against a frozen G: what gradient is left, how noisy, and how heavy its tails."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures.emphasis import emphasised, loss_line, rank
from analysis.figures.figure import Figure
from analysis.figures.panel import (
    WIDTH,
    is_leftmost,
    label,
    legend,
    log_axis,
    run_settings,
    wrapped,
)
from analysis.figures.style import REAL, style_of
from analysis.records import Records
from analysis.theory import PAIR
from analysis.wording import direction, listing, number, tick

NORMS = ("gradient_norm", "gradient_norm_q05", "gradient_norm_q95")
TAILS = ("tail_index", "tail_index_low", "tail_index_high")
OUTPUTS = ("d_fake_q05", "d_fake_q50", "d_fake_q95")

MEASURED = [*NORMS, "snr", *TAILS, *OUTPUTS]

CAUCHY, INFINITE_VARIANCE = 1.0, 2.0
"""Tail indices: a Cauchy distribution's, and the one below which there is no variance."""


def prepare(records: Records) -> pd.DataFrame:
    """Medians over seeds by setting, loss and discriminator step; what is not finite is left out.

    `seeds` counts them; the saturating and the non-saturating loss come first.
    """
    if records.overtrained.empty:
        return pd.DataFrame()
    panels = run_settings(records, "overtrained", given=["data"])
    rows = records.overtrained.merge(panels, on=["key", "machine"])
    rows[MEASURED] = rows[MEASURED].where(np.isfinite(rows[MEASURED]))
    groups = rows.groupby(["panel", "gradient_of", "discriminator_step"], sort=False)
    medians = groups[MEASURED].median().assign(seeds=groups["key"].nunique()).reset_index()
    ordered = medians.assign(place=rank(medians["gradient_of"])).sort_values(
        ["panel", "place", "discriminator_step"], ignore_index=True
    )
    return ordered.drop(columns="place")


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A column per setting: D(G(z)), gradient norms, signal-to-noise ratio, tail index."""
    names = list(rows["panel"].unique())
    canvas.set_size_inches(WIDTH, 9.0)
    columns = max(len(names), 2)
    grid = canvas.subplots(
        4, columns, squeeze=False, sharex="col", height_ratios=(0.7, 1.5, 1, 1), sharey="row"
    )
    for unused in grid[:, len(names) :].flat:
        unused.remove()
    for column, name in enumerate(names):
        of_panel, axes = rows[rows["panel"] == name], grid[:, column]
        axes[0].set_title(wrapped(name, columns))
        _draw_outputs(axes[0], of_panel)
        for loss, curve in of_panel.groupby("gradient_of", sort=False):
            for axis, columns_of in zip(axes[1:], (NORMS, ("snr",), TAILS), strict=True):
                _draw_curve(axis, curve, str(loss), columns_of)
        _finish(list(axes), of_panel["discriminator_step"])
    legend(canvas, _handles(rows), most=4)


def _draw_outputs(axes: Axes, rows: pd.DataFrame) -> None:
    one = rows.drop_duplicates("discriminator_step").sort_values("discriminator_step")
    step = one["discriminator_step"]
    low, median, high = (one[name].where(one[name] > 0) for name in OUTPUTS)
    axes.fill_between(step, low, high, color=REAL, alpha=0.2, lw=0)
    axes.plot(step, median, ".-", color=REAL)


def _draw_curve(axes: Axes, curve: pd.DataFrame, loss: str, columns: tuple[str, ...]) -> None:
    steps = curve["discriminator_step"]
    middle, *bounds = (curve[name].where(curve[name] > 0).to_numpy() for name in columns)
    loss_line(axes, steps, middle, loss, marked=loss in PAIR)
    if bounds and loss in PAIR:
        axes.fill_between(
            steps, bounds[0], bounds[1], color=style_of(loss).colour, alpha=0.15, lw=0
        )


def _finish(axes: list[Axes], steps: "pd.Series[int]") -> None:
    for axis, name in zip(axes, LABELS, strict=True):
        if any(np.isfinite(line.get_ydata()).any() for line in axis.lines):
            log_axis(axis, "y")
        axis.set_ylabel(name if is_leftmost(axis) else "")
    for index, words in ((CAUCHY, "Cauchy"), (INFINITE_VARIANCE, "no variance below")):
        axes[3].axhline(index, color="#999999", lw=0.8, ls=(0, (4, 2)), zorder=1)
        note = axes[3].text(0.01, index, words, fontsize=7, color="#777777", va="bottom")
        note.set(transform=axes[3].get_yaxis_transform(), clip_on=True)
    _step_axis(axes[3], steps)


def _step_axis(axes: Axes, steps: "pd.Series[int]") -> None:
    """Logarithmic from the first step on, with 0 at the left end: D as it begins."""
    last = max(float(steps.max()), 1.0)
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set(xlim=(-0.1, 1.15 * last), xlabel="updates of D alone")
    ticks = [0.0, *(10.0**power for power in range(int(np.log10(last)) + 1))]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def _handles(rows: pd.DataFrame) -> list[Line2D | Patch]:
    losses = emphasised(rows["gradient_of"].unique(), marked=False)
    outputs = Line2D([], [], color=REAL, marker=".", label="median D(G(z))")
    band = Patch(color=REAL, alpha=0.3, label="90 % (D, norms), 95 % (tails)")
    return [*losses, outputs, band]


def caption(rows: pd.DataFrame) -> str:
    """How far D(G(z)) and both gradients fall, and whether the tails are as heavy as predicted."""
    names = list(rows["panel"].unique())
    falls = "; ".join(_falls(rows[rows["panel"] == name], name) for name in names)
    unseen = int((~(rows["gradient_norm"] > 0)).sum())
    tail = f"; {unseen} norms of 0 or not finite can't be shown" if unseen else ""
    return f"{_seeds(rows)}{falls}. {_tails(rows)}{tail}."


def _seeds(rows: pd.DataFrame) -> str:
    seeds, steps = int(rows["seeds"].max()), int(rows["discriminator_step"].max())
    over = f", medians over up to {seeds} seeds" if seeds > 1 else ""
    return f"D trained alone for up to {steps:,} updates{over}: "


def _falls(rows: pd.DataFrame, name: str) -> str:
    """The ends of D(G(z)) and of both norms in one panel."""
    outputs = rows.drop_duplicates("discriminator_step").set_index("discriminator_step")
    d = outputs["d_fake_q50"].sort_index().dropna()
    told = []
    for loss in PAIR:
        norms = ends(rows, loss, "gradient_norm")
        if len(norms) and norms[0] > 0:
            told.append(f"{number(norms[1] / norms[0])} times ({loss.replace('_', '-')})")
    what = (
        f"on {name} D(G(z)) goes from {number(d.iloc[0])} to {number(d.iloc[-1])}" if len(d) else ""
    )
    norms_words = f"the gradient to {listing(told)} its first norm" if told else ""
    both = [words for words in (what, norms_words) if words]
    return listing(both) if both else f"on {name} nothing is finite"


def ends(rows: pd.DataFrame, loss: str, column: str) -> tuple[float, ...]:
    """The first and the last finite value of a loss's column, or nothing.

    Args:
        rows: of one panel.
        loss: whose gradient.
        column: one of MEASURED.

    Returns:
        Two values, or none.
    """
    curve = rows[rows["gradient_of"] == loss].sort_values("discriminator_step")[column].dropna()
    return (float(curve.iloc[0]), float(curve.iloc[-1])) if len(curve) else ()


def _tails(rows: pd.DataFrame) -> str:
    """Arjovsky & Bottou 2017: −log D's gradient is Cauchy-like noise where D is overtrained."""
    of_loss = rows[rows["gradient_of"] == "non_saturating"].dropna(subset="tail_index")
    if of_loss.empty:
        return "No tail index of the non-saturating gradient is known"
    last = of_loss.sort_values("discriminator_step").groupby("panel", sort=False).last()
    told = [f"{number(row.tail_index)} on {name}" for name, row in last.iterrows()]
    heavy = last["tail_index_high"] < INFINITE_VARIANCE
    light = last["tail_index_low"] > INFINITE_VARIANCE
    cauchy = last["tail_index_low"].le(CAUCHY) & last["tail_index_high"].ge(CAUCHY)
    return (
        f"The tail index of the non-saturating gradient's noise ends at {listing(told)}: "
        f"{_verdict(int(heavy.sum()), int(light.sum()), len(last))}, and Cauchy's 1 lies in "
        f"{int(cauchy.sum())} of {len(last)} intervals; {_heaviest(rows)}; the signal-to-noise "
        f"ratio {_noise(rows)}"
    )


def _heaviest(rows: pd.DataFrame) -> str:
    """Which loss's gradient has the heaviest tails where D is trained furthest."""
    known = rows.dropna(subset="tail_index").sort_values("discriminator_step")
    last = known.groupby(["panel", "gradient_of"], sort=False)["tail_index"].last().sort_values()
    name, loss = last.index[0]
    return f"the lowest of any loss there is {number(last.iloc[0])} ({label(loss)} on {name})"


def _verdict(heavy: int, light: int, n: int) -> str:
    """Whether the tails are heavy, from how many intervals lie below and above 2.

    >>> _verdict(0, 3, 3)
    'above 2 in 3 of 3: not the heavy tails that a D with white noise for its error would give'
    """
    if heavy == n:
        return f"below 2 in {heavy} of {n}, the heavy tails of a D with white noise for its error"
    if light:
        white = "not the heavy tails that a D with white noise for its error would give"
        return f"above 2 in {light} of {n}: {white}"
    return f"below 2 in {heavy} of {n}, the other intervals hold 2"


def _noise(rows: pd.DataFrame) -> str:
    """What the non-saturating gradient's signal-to-noise ratio does from first to last."""
    told = []
    for name, of_panel in rows.groupby("panel", sort=False):
        snr = ends(of_panel, "non_saturating", "snr")
        if snr:
            told.append(f"{direction(*snr)} to {number(snr[1])} on {name}")
    return listing(told) if told else "is not known"


LABELS = ("D(G(z))", "‖g‖ of G", "signal-to-noise ratio", "tail index (Hill)")

FIGURE = Figure(
    title="What an overtrained discriminator leaves of the gradient",
    needs="cells of the kind overtrained, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=4,
)
