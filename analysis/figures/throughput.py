"""How fast a step is: samples per second and seconds per step against the batch size."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis.estimates import median_interval
from analysis.figures.figure import Figure
from analysis.figures.panel import (
    PLAIN,
    bars_and_crosses,
    fixed_ticks,
    is_leftmost,
    legend,
    log_axis,
    loss_handles,
    plain,
    settings,
    small_multiples,
    wrapped,
)
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.wording import count, direction, listing, number

GAME = [
    *("machine", "device", "precision", "layout", "mode", "ensemble"),
    *("model", "penalty", "data", "loss", "batch_size"),
]
COSTS = [
    "flops_per_step",
    "peak_memory_bytes",
    "generator_parameters",
    "discriminator_parameters",
    "first_call_seconds",
]
BOUNDS = ["seconds_per_step", "low", "high", "confidence", "rounds"]

PLURAL = {"rises": "rise", "falls": "fall", "stays level": "stay level"}


def prepare(records: Records) -> pd.DataFrame:
    """The median round of every cell and its interval; a cell without timings has its status."""
    cells = records.cells[records.cells["kind"] == "throughput"]
    if cells.empty:
        return pd.DataFrame()
    unfinished = cells.loc[cells["status"] != "finished", [*GAME, "status"]]
    rows = pd.concat([medians(records.throughput), unfinished], ignore_index=True)
    others = settings(rows[[name for name in rows if name in PLAIN]], ["loss", "batch_size"])
    alone = rows["device"] + ", " + rows["precision"] + ", " + rows["model"]
    rows["panel"] = others.where(others != "", alone).map(plain)
    images = rows["batch_size"] * rows["ensemble"]
    rows["images_per_second"] = images / rows["seconds_per_step"]
    rows["achieved_flops_per_second"] = rows["flops_per_step"] / rows["seconds_per_step"]
    # Losses take almost the same time: beside each other they can be told apart.
    order = {loss: place for place, loss in enumerate(sorted(rows["loss"].unique()))}
    place = rows["loss"].map(order) - (len(order) - 1) / 2
    rows["drawn_at"] = rows["batch_size"] * 1.05**place
    return rows.sort_values(["panel", "loss", "batch_size"], ignore_index=True)


def medians(rounds: pd.DataFrame) -> pd.DataFrame:
    """One row per cell: the median of its rounds between its bounds, seconds, and its costs."""
    rows = []
    for game, of_cell in rounds.groupby(GAME) if len(rounds) else []:
        m = median_interval(of_cell["seconds_per_step"])
        bounds = zip(BOUNDS, (m.estimate, m.low, m.high, m.confidence, m.n), strict=True)
        told = {**dict(zip(GAME, game, strict=True)), **of_cell[COSTS].iloc[0], **dict(bounds)}
        rows.append({**told, "status": "finished"})
    return pd.DataFrame(rows, columns=[*GAME, *BOUNDS, *COSTS, "status"])


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Above, samples per second; below, seconds per step; bars are intervals over rounds."""
    names = list(rows["panel"].unique())
    panels = small_multiples(canvas, [len(names)], stacked=2, columns=4, height=2.1)
    for stack in panels[1:]:
        for axes, first in zip(stack, panels[0], strict=True):
            axes.sharey(first)
    for name, (above, below) in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        for loss, line in of_panel.groupby("loss"):
            _draw_loss(above, below, line, str(loss))
        above.set_title(wrapped(name, 4, lines=3))
        below.set_xlabel("batch size")
        for axes in (above, below):
            log_axis(axes, "x")
            log_axis(axes, "y")
            fixed_ticks(axes, sorted(of_panel["batch_size"].unique()))
        above.tick_params(labelbottom=False)
        if is_leftmost(above):
            above.set_ylabel("samples per second")
            below.set_ylabel("seconds per step")
        else:
            for axes in (above, below):
                axes.tick_params(labelleft=False)
    handles = [*loss_handles(rows["loss"].unique()), *bars_and_crosses(rows, "rounds")]
    legend(canvas, handles)


def _draw_loss(above: Axes, below: Axes, line: pd.DataFrame, loss: str) -> None:
    style, n = style_of(loss), line["batch_size"] * line["ensemble"]
    timed = line["status"] == "finished"
    seconds, low, high = (line[name] for name in ("seconds_per_step", "low", "high"))
    for axes, values, bars in (
        (above, n / seconds, (n / seconds - n / high, n / low - n / seconds)),
        (below, seconds, (seconds - low, high - seconds)),
    ):
        axes.errorbar(
            line["drawn_at"][timed],
            values[timed],
            yerr=[bar[timed].fillna(0) for bar in bars],
            color=style.colour,
            marker=style.marker,
            ls=style.dashes,
            markersize=3.5,
            lw=1,
        )
    for at in line["drawn_at"][~timed]:
        above.plot(at, 0.04, "x", color=style.colour, transform=above.get_xaxis_transform())


def caption(rows: pd.DataFrame) -> str:
    """How speed goes with the batch, how much losses differ, and which cells have no timing."""
    timed = rows[rows["status"] == "finished"]
    missing = rows.loc[rows["status"] != "finished", "status"].value_counts()
    told = [f"{n} {str(status).replace('_', ' ')}" for status, n in missing.items()]
    left = f"; {count(int(missing.sum()), 'cell')} without timing: {listing(told)}" if told else ""
    if timed.empty:
        return f"No cell was timed{left}."
    return f"{_with_batch(timed)}. {_between_losses(timed)}{left}."


def _with_batch(timed: pd.DataFrame) -> str:
    ends = timed.groupby(["panel", "loss"]).agg(
        small=("batch_size", "first"),
        large=("batch_size", "last"),
        slow=("images_per_second", "first"),
        fast=("images_per_second", "last"),
    )
    ends = ends[ends["small"] < ends["large"]]
    if ends.empty:
        return (
            f"The fastest cell makes {number(timed['images_per_second'].max())} samples per second"
        )
    trend = pd.Series([direction(a, b) for a, b in zip(ends["slow"], ends["fast"], strict=True)])
    main, lines = str(trend.mode().iloc[0]), len(ends)
    widest = ends.assign(gain=ends["fast"] / ends["slow"]).sort_values("gain").iloc[-1]
    return (
        f"From the smallest to the largest batch, samples per second {PLURAL[main]}"
        f" in {(trend == main).sum()} of {count(lines, 'line')}, at most "
        f"{number(widest['gain'])}-fold (from {number(widest['slow'])} at "
        f"{widest['small']:.0f} to {number(widest['fast'])} at {widest['large']:.0f})"
    )


def _between_losses(timed: pd.DataFrame) -> str:
    losses = timed.sort_values("seconds_per_step").groupby(["panel", "batch_size"])
    ends = losses.agg(
        fast=("loss", "first"),
        slow=("loss", "last"),
        low=("seconds_per_step", "min"),
        high=("seconds_per_step", "max"),
    ).reset_index()
    ends["spread"] = ends["high"] / ends["low"]
    ends = ends[ends["fast"] != ends["slow"]]
    if ends.empty:
        return "No two losses were timed alike"
    most = ends.sort_values("spread").iloc[-1]
    return (
        f"At one batch size the slowest loss takes {number(ends['spread'].median())} times as long "
        f"as the fastest in the median, at most {number(most['spread'])} times ({most['slow']} "
        f"against {most['fast']}, {most['panel']}, batch {most['batch_size']})"
    )


FIGURE = Figure(
    title="Throughput",
    needs="throughput cells",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
