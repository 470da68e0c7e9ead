"""Where every run ends: a point per seed, from 8 seeds on the interquartile mean in its bounds."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.estimates import FEWEST_SEEDS
from analysis.figures import metric
from analysis.figures.figure import Figure
from analysis.figures.panel import is_leftmost, label, legend, small_multiples, wrapped
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.wording import number

WIDTH = 0.5
"""Of the strip in which a loss's seeds lie beside each other; losses are 1 apart."""


STRIP = ["panel", "metric", "loss", "strip"]


def prepare(records: Records) -> pd.DataFrame:
    """One row per run and metric, and per loss and metric the finished runs' interquartile mean.

    A run that ends without a value has a row too; where no run ends with one there is none at all.
    """
    rows = metric.curves(records)
    if rows.empty or metric.final(rows).empty:
        return pd.DataFrame()
    last = metric.ends(rows).assign(kind="run", seeds=1)
    last["strip"] = last.groupby("panel")["loss"].rank("dense").astype(int) - 1
    of_loss = last.groupby(["panel", "loss"])
    share = (of_loss.cumcount() + 0.5) / of_loss["key"].transform("size")
    last["drawn_at"] = last["strip"] + WIDTH * (share - 0.5)
    finished = last[metric.is_final(last)].groupby(STRIP, sort=False)
    means = [mean_row(dict(zip(STRIP, strip, strict=True)), runs) for strip, runs in finished]
    return pd.concat([last, pd.DataFrame(means)], ignore_index=True) if means else last


def mean_row(strip: dict[str, object], runs: pd.DataFrame) -> dict[str, object]:
    """The row of a strip's interquartile mean, between its bounds if it has any."""
    mean = metric.over_seeds(runs["value"])
    bounds = {"value": mean.estimate, "low": mean.low, "high": mean.high, "seeds": mean.n}
    return {**strip, **bounds, "kind": "interquartile_mean", "drawn_at": strip["strip"]}


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A panel per setting and metric, a strip per loss, also of one without a value."""
    shown = rows[rows["value"].notna()]
    names = list(shown["panel"].unique())
    most = int(rows["strip"].max()) + 1
    settings = pd.Series(names).str.split("\n").str[0]
    blocks = settings.value_counts(sort=False).to_list()
    panels = small_multiples(canvas, blocks, columns=4, height=1.0 + 0.26 * most)
    before: list[str] = []
    for name, (axes,) in zip(names, panels, strict=True):
        of_panel = shown[shown["panel"] == name]
        _draw_points(axes, of_panel[of_panel["kind"] == "run"])
        _draw_means(axes, of_panel[of_panel["kind"] == "interquartile_mean"])
        strips = rows.loc[rows["panel"] == name, "loss"].unique()
        losses = [label(loss, 24) for loss in sorted(strips)]
        axes.set(title=wrapped(name, 4), ylim=(len(losses) - 0.5, -0.5))
        axes.set_yticks(range(len(losses)), losses)
        axes.grid(visible=False, axis="y")
        axes.tick_params(labelleft=is_leftmost(axes) or losses != before)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.margins(x=0.08)
        before = losses
    legend(canvas, _handles(shown))


def _draw_points(axes: Axes, rows: pd.DataFrame) -> None:
    for (loss, status), points in rows.groupby(["loss", "status"]):
        style = style_of(str(loss))
        marker, size = (style.marker, 4.5) if status == "finished" else ("x", 7.0)
        x, y = points["value"], points["drawn_at"]
        (drawn,) = axes.plot(x, y, marker, color=style.colour, markersize=size, alpha=0.8)
        drawn.set_rasterized(len(points) > MANY)


def _draw_means(axes: Axes, rows: pd.DataFrame) -> None:
    rows = rows[rows["seeds"] >= FEWEST_SEEDS]
    for _, mean in rows.dropna(subset="low").iterrows():
        axes.plot([mean["low"], mean["high"]], [mean["drawn_at"]] * 2, color="black", lw=1.2)
    axes.plot(rows["value"], rows["drawn_at"], "|", color="black", markersize=13, mew=1.6)


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    handles = [Line2D([], [], color="#888888", marker="o", ls="", label="one seed, finished")]
    if (rows["seeds"] >= FEWEST_SEEDS).any():
        middle = Line2D([], [], color="black", marker="|", markersize=11, ls="")
        middle.set_label("interquartile mean of these")
        handles.append(middle)
    if rows.get("low", pd.Series(dtype=float)).notna().any():
        handles.append(Line2D([], [], color="black", lw=1.2, label="95 % interval of the mean"))
    if (rows["status"].dropna() != "finished").any():
        handles.append(Line2D([], [], color="#888888", marker="x", ls="", label="did not finish"))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """Which loss ends best, and how far apart seeds and losses are."""
    ends = rows[rows["kind"] == "run"]
    return f"{_spread(ends)}{metric.ranking(ends)}{metric.diverged(ends)}{metric.undefined(ends)}."


def _spread(ends: pd.DataFrame) -> str:
    """Whether losses differ more than seeds do, as a clause before the ranking."""
    finished = ends[ends["status"] == "finished"]
    groups = finished.groupby(["panel", "loss"])["value"]
    seeds = groups.std().groupby("panel").mean()
    losses = groups.mean().groupby("panel").std()
    known = (seeds > 0) & (losses > 0)
    if not known.any():
        return "At the end, "
    ratio = losses[known] / seeds[known]
    return (
        f"Losses differ more than seeds of one loss do in {(ratio > 1).sum()} of {len(ratio)} "
        f"panels (ratio of standard deviations: median {number(ratio.median())}); "
    )


MANY = 64
"""Points of a loss that are shapes of their own; more are drawn in pixels."""

FIGURE = Figure(
    title="Where every run ends",
    needs="convergence cells, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
