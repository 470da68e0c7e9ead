"""On the states that training visits: the gradient that every other loss would have given."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.special import logit

from analysis.figures.emphasis import emphasised, loss_line, rank
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
from analysis.figures.style import REAL
from analysis.records import Records
from analysis.theory import NEAR_ZERO, PAIR
from analysis.wording import count, number, percent

BIN = ["panel", "gradient_of", "d_low", "d_high"]

COLUMNS = [*BIN, "left", "right", "x", "count", "share", "step", "value", "low", "high", "odds"]

TICKS = {1e-12: "10⁻¹²", 1e-6: "10⁻⁶", 0.5: "½", 1 - 1e-6: "1−10⁻⁶", 1 - 1e-12: "1−10⁻¹²"}

FINE_TICKS = {1e-4: "10⁻⁴", 0.01: "0.01", 0.5: "½", 0.99: "0.99", 1 - 1e-4: "1−10⁻⁴"}

WIDE = 22.0
"""An axis over more logits has coarse ticks."""


def prepare(records: Records) -> pd.DataFrame:
    """Of every training loss: gradients by D(G(z)), samples by D(G(z)), the ratio by step.

    `part` "bin": the median over states and seeds of single samples' gradient norms in a bin of
    D(G(z)), at `x`, the logit of their median D(G(z)); `count` samples in all, `share` of this
    panel's; `left` and `right` are the bin's edges in the logit. `part` "step": the
    minibatches' ratio of the non-saturating norm to the saturating one, the median over seeds
    between `low` and `high`, their extremes, and `odds`, (1 − D)/D of the median D(G(z)).
    """
    if records.counterfactual.empty:
        return pd.DataFrame()
    blocks = run_settings(records, "counterfactual", given=["data", "loss"])
    blocks = blocks.rename(columns={"panel": "block"})
    rows = records.counterfactual.merge(blocks, on=["key", "machine"])
    rows = rows.assign(panel=rows["block"] + "\ntrained with " + rows["loss"].map(plain))
    known = [part for part in (bin_rows(rows), ratio_rows(rows)) if len(part)]
    if not known:
        return pd.DataFrame()
    long = pd.concat(known, ignore_index=True)
    long = long.reindex(columns=list(dict.fromkeys([*COLUMNS, *long])))
    place = rows[["panel", "block", "loss"]].drop_duplicates()
    # The two losses of the paper on every data set come first: only so many panels are drawn.
    place = place.assign(place=rank(place["loss"]), other=~place["loss"].isin(PAIR))
    long = long.merge(place, on="panel").sort_values(["other", "block", "place"], kind="stable")
    return long.drop(columns=["other", "place"]).reset_index(drop=True)


def bin_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Single samples' gradients, bin by bin; a norm that is 0 or not finite is left out."""
    usable = rows[(rows["scope"] == "bin") & (rows["count"] > 0) & rows["d_low"].notna()]
    usable = usable[np.isfinite(usable["gradient_norm"]) & (usable["gradient_norm"] > 0)]
    usable = usable[np.isfinite(usable["count"])]
    usable = usable[usable["d_fake"].between(0, 1, inclusive="neither")]
    if usable.empty:
        return pd.DataFrame()
    bins = usable.groupby(BIN, sort=True).agg(
        value=("gradient_norm", "median"), count=("count", "sum"), d_fake=("d_fake", "median")
    )
    bins = bins.reset_index().sort_values("gradient_of", key=rank, kind="stable")
    total = bins.groupby(["panel", "gradient_of"])["count"].transform("sum")
    edges = {"left": bins["d_low"], "right": bins["d_high"]}
    x = logit(bins["d_fake"].to_numpy())
    clipped = {name: inner_edges(edge.to_numpy(), x) for name, edge in edges.items()}
    placed: pd.DataFrame = bins.assign(part="bin", x=x, share=bins["count"] / total, **clipped)
    return placed


def inner_edges(edges: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits of edges; those at D = 0 and D = 1 lie one unit beyond the outermost sample.

    Args:
        edges: (n,), of bins of D.
        x: (n,), finite logits of the samples in them.

    Returns:
        (n,), finite.
    """
    return np.clip(logit(np.clip(edges, 0, 1)), x.min() - 1, x.max() + 1)


def ratio_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The minibatches' ratio of Eq. 3's to Eq. 4's gradient norm at every record."""
    batch = rows[(rows["scope"] == "batch") & rows["gradient_of"].isin(PAIR)]
    names = ["panel", "key", "machine", "step"]
    norms = batch.pivot_table(index=names, columns="gradient_of", values="gradient_norm")
    if not set(PAIR) <= set(norms):
        return pd.DataFrame()
    norms["ratio"] = norms["non_saturating"] / norms["saturating"].where(norms["saturating"] > 0)
    norms["d_fake"] = batch.groupby(names)["d_fake"].median()
    states = norms.reset_index()
    states = states[np.isfinite(states["ratio"]) & (states["ratio"] > 0)]
    states["odds"] = 1 / states["d_fake"].where(states["d_fake"] > 0) - 1
    steps = states.groupby(["panel", "step"]).agg(
        value=("ratio", "median"),
        low=("ratio", "min"),
        high=("ratio", "max"),
        odds=("odds", "median"),
        d_fake=("d_fake", "median"),
        seeds=("key", "nunique"),
    )
    flat: pd.DataFrame = steps.reset_index().assign(part="step")
    return flat


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A column per training loss: gradients by D(G(z)), samples by D(G(z)), the ratio by step."""
    names = list(rows["panel"].unique())
    columns = max(2, min(6, len(names)))
    panels = small_multiples(canvas, [len(names)], stacked=3, columns=columns, height=2.0)
    for name, axes in zip(names, panels, strict=True):
        of_panel = rows[rows["panel"] == name]
        bins = of_panel[of_panel["part"] == "bin"]
        _draw_norms(axes[0], bins)
        _draw_counts(axes[1], bins.drop_duplicates(["d_low", "d_high"]))
        for axis in axes[:2]:
            _probability_axis(axis, rows[rows["block"] == of_panel["block"].iloc[0]])
        _draw_ratio(axes[2], of_panel[of_panel["part"] == "step"])
        axes[0].set_title(wrapped(name, columns))
        for axis, words in zip(axes, LABELS, strict=True):
            axis.set_ylabel(words if is_leftmost(axis) else "")
    legend(canvas, _handles(rows))


def _draw_norms(axes: Axes, bins: pd.DataFrame) -> None:
    for loss, curve in bins.groupby("gradient_of", sort=False):
        loss_line(axes, curve["x"], curve["value"], str(loss))
    if len(bins):
        log_axis(axes, "y")
    axes.tick_params(labelbottom=False)


def _draw_counts(axes: Axes, bins: pd.DataFrame) -> None:
    width = bins["right"] - bins["left"]
    axes.bar(bins["left"], bins["share"], width, align="edge", color="#BBBBBB", edgecolor="white")
    axes.set(ylim=(0, None), xlabel="D(G(z))")


def _probability_axis(axes: Axes, block: pd.DataFrame) -> None:
    """One scale for all panels of a block; its rows of steps have no edges."""
    if block["left"].notna().any():
        axes.set_xlim(block["left"].min(), block["right"].max())
    low, high = axes.get_xlim()
    ticks = TICKS if high - low > WIDE else FINE_TICKS
    shown = {d: words for d, words in ticks.items() if low <= logit(d) <= high}
    axes.set_xticks(logit(list(shown)), list(shown.values()), fontsize=8)
    axes.axvline(0, color="#BBBBBB", lw=0.8, zorder=0)


def _draw_ratio(axes: Axes, steps: pd.DataFrame) -> None:
    axes.fill_between(steps["step"], steps["low"], steps["high"], color=REAL, alpha=0.2, lw=0)
    axes.plot(steps["step"], steps["value"], color="black")
    axes.plot(steps["step"], steps["odds"], color=REAL, ls=(0, (1, 1)))
    if len(steps):
        log_axis(axes, "y")
    axes.axhline(1, color="#BBBBBB", lw=0.8, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("step")


def _handles(rows: pd.DataFrame) -> list[Line2D | Patch]:
    losses = rows.loc[rows["part"] == "bin", "gradient_of"].unique()
    handles: list[Line2D | Patch] = [*emphasised(losses)]
    handles.append(Patch(color="#BBBBBB", label="samples"))
    handles.append(Line2D([], [], color="black", label="minibatch, median over seeds"))
    handles.append(Patch(color=REAL, alpha=0.3, label="all seeds"))
    handles.append(Line2D([], [], color=REAL, ls=(0, (1, 1)), label="(1 − D)/D at the median D"))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """Where the samples are, which of both gradients is larger there, and for how long."""
    return f"{_samples(rows)}. {_steps(rows)}."


def _samples(rows: pd.DataFrame) -> str:
    bins = rows[rows["part"] == "bin"]
    table = bins.pivot_table(index=BIN[:1] + BIN[2:], columns="gradient_of", values="value")
    if not set(PAIR) <= set(table):
        return "No bin of D(G(z)) has both the non-saturating and the saturating gradient"
    table = table.assign(ratio=table["non_saturating"] / table["saturating"]).reset_index()
    one = bins[bins["gradient_of"] == PAIR[0]]
    every = one["count"].sum()
    small, below = (one.loc[one["d_high"] <= d, "count"].sum() / every for d in (NEAR_ZERO, 0.5))
    low, high = table[table["d_high"] <= 0.5]["ratio"], table[table["d_low"] >= 0.5]["ratio"]
    kept = int((low > 1).sum() + (high < 1).sum())
    judged = len(low) + len(high)
    most = table.sort_values("ratio").iloc[-1]
    verdict = "as theory says" if kept == judged else "which contradicts theory in the others"
    return (
        f"Of {count(int(every), 'sample')} that {count(rows['panel'].nunique(), 'kind')} of "
        f"training visited, {percent(small)} lie in bins of D(G(z)) ≤ {number(NEAR_ZERO)} and "
        f"{percent(below)} below ½; Eq. 3's gradient is the larger below ½ and the smaller above "
        f"in {kept} of {judged} bins, {verdict}, and at most {number(most['ratio'])} times "
        f"Eq. 4's (D from {number(most['d_low'])} to {number(most['d_high'])})"
    )


def _steps(rows: pd.DataFrame) -> str:
    steps = rows[rows["part"] == "step"]
    if steps.empty:
        return "No minibatch has both norms above 0"
    last = steps.sort_values("step").groupby("panel")["value"].last()
    larger = (steps["value"] > 1).mean()
    return (
        f"Of whole minibatches it is the larger at {percent(larger)} of the records: the ratio is "
        f"{number(steps['value'].median())} in the median, {number(steps['value'].max())} at most, "
        f"and {number(last.min())} to {number(last.max())} where training ends"
    )


LABELS = ("‖∂L/∂θ‖ of one sample", "share of samples", "Eq. 3's norm over Eq. 4's")

FIGURE = Figure(
    title="What every other loss would have given on the same states",
    needs="cells of the kind counterfactual, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=12,
)
