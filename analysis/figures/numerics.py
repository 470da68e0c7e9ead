"""The numerics map: which ways of writing a loss give the gradient it has on paper, and where."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from analysis.figures.figure import Figure
from analysis.figures.numerics_drawing import FORMULATIONS, LOSSES, RIGHT, USABLE, draw, written
from analysis.figures.panel import label, plain
from analysis.records import Records
from analysis.wording import listing, number, percent

STRIP = ["panel", "precision", "gradient_of", "formulation"]


def prepare(records: Records) -> pd.DataFrame:
    """A row per strip and range of neighbouring logits whose gradients are of one grade.

    A strip is a device, dtype, loss and formulation. `low` and `high` are a range's logits, `left`
    and `right` its edges, halfway to its neighbours; `error` is its largest |gradient / exact − 1|;
    `trains_to` is the strip's lowest logit down to which, from 0, every error is at most USABLE,
    `trains_to_d` its D(G(z)), `throughout` whether that is the lowest logit of all.
    """
    if records.numerics.empty:
        return pd.DataFrame()
    rows = graded(records.numerics.assign(panel=panels(records.numerics)))
    ordered = rows.sort_values([*STRIP, "logit"], key=_rank, ignore_index=True)
    strips = [ranges(strip) for _, strip in ordered.groupby(STRIP, sort=False)]
    return pd.concat(strips, ignore_index=True)


def panels(rows: pd.DataFrame) -> list[str]:
    """A panel for each device of a machine; a cell's second result, of other code, in its own."""
    cells = rows[["device", "machine", "precision", "key"]].drop_duplicates()
    turns = cells.groupby(["device", "machine", "precision"]).cumcount() + 1
    turn = rows[[*cells]].merge(cells.assign(turn=turns), how="left")["turn"]
    return [
        plain(f"{device} · {machine}" if n == 1 else f"{device} · {machine}, result {n}")
        for device, machine, n in zip(rows["device"], rows["machine"], turn, strict=True)
    ]


def graded(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `error` = |gradient / exact − 1| and `grade`, a name of GRADES."""
    share = rows["gradient"] / rows["exact"]
    error, finite = (share - 1).abs(), np.isfinite(rows["gradient"])
    somewhere = finite.groupby([rows[name] for name in STRIP]).transform("any")
    grades = {
        "nowhere": ~somewhere,
        "not_finite": ~finite,
        "right": error <= RIGHT,
        "coarse": error <= USABLE,
        "lost": (share >= 0) & (share < 1),
    }
    return rows.assign(error=error, grade=np.select([*grades.values()], [*grades], "wrong"))


def ranges(strip: pd.DataFrame) -> pd.DataFrame:
    """One strip's rows, in order of the logit, as ranges of one grade."""
    logits, grade = strip["logit"].to_numpy(), strip["grade"]
    edges = np.concatenate([logits[:1], (logits[1:] + logits[:-1]) / 2, logits[-1:]])
    by_range = strip.assign(left=edges[:-1], right=edges[1:]).groupby(
        (grade != grade.shift()).cumsum()
    )
    found = by_range.agg(
        **{name: (name, "first") for name in [*STRIP, "grade", "left"]},
        right=("right", "last"),
        low=("logit", "first"),
        high=("logit", "last"),
        error=("error", "max"),
    )
    to = trains_to(logits, grade.isin(["right", "coarse"]).to_numpy())
    return found.assign(trains_to=to, trains_to_d=expit(to), throughout=bool(to == logits[0]))


def trains_to(logits: NDArray[np.float64], good: NDArray[np.bool_]) -> float:
    """The lowest logit of the run of good ones that contains 0.

    Args:
        logits: (n,), increasing.
        good: (n,), whether one can train with the gradient there.

    Returns:
        NaN if the logit 0 is not good or not there.

    >>> trains_to(np.array([-2.0, -1.0, 0.0, 1.0]), np.array([True, False, True, True]))
    0.0
    """
    if not good[logits == 0].any():
        return float("nan")
    bad = np.flatnonzero(~good[logits <= 0])
    return float(logits[bad[-1] + 1 if bad.size else 0])


def _rank(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Names in the order of their table, others after them; other columns as they are."""
    known = ORDERS.get(str(column.name))
    return column.map({n: i for i, n in enumerate(known)}).fillna(len(known)) if known else column


def caption(rows: pd.DataFrame) -> str:
    """What the numbers beside the strips mean, how many reach the end, and which fail first."""
    strips = rows.drop_duplicates(STRIP)
    losses = [_reach(str(loss), some) for loss, some in strips.groupby("gradient_of", sort=False)]
    unfit = {"not_finite": "with gradients that are not finite", "nowhere": "without any gradient"}
    strips_with = {g: len(rows[rows["grade"] == g].drop_duplicates(STRIP)) for g in unfit}
    told = [f"; strips {unfit[grade]}: {n}" for grade, n in strips_with.items() if n]
    return (
        "The number beside a strip is the smallest D(G(z)) down to which, from ½, its gradient "
        f"stays within {percent(USABLE)} of the closed form. Down to the smallest mapped, "
        f"{number(expit(rows['low'].min()), 2)}, that holds for {listing(losses)}{''.join(told)}."
    )


def _reach(loss: str, strips: pd.DataFrame) -> str:
    whole = strips["throughout"].sum()
    return f"{whole} of {len(strips)} strips of the {loss.replace('_', '-')} loss{_first(strips)}"


def _first(strips: pd.DataFrame) -> str:
    """Which strips fail at the largest D(G(z)), those first that never train."""
    failing = strips[~strips["throughout"]]
    if failing.empty:
        return ""
    reach = failing["trains_to"].fillna(np.inf)
    worst = failing[reach == reach.max()]
    names = [
        f"{label(precision)} {_ways(some, strips)}"
        for precision, some in worst.groupby("precision", sort=False)
    ]
    least = worst["trains_to_d"].iloc[0]
    where = "already at ½" if np.isnan(least) else f"below {number(least, 2)}"
    return f" (first to fail, {where}: {'; '.join(names)})"


def _ways(some: pd.DataFrame, every: pd.DataFrame) -> str:
    names = list(some["formulation"].unique())
    if len(names) == every["formulation"].nunique() > 1:
        return "however written"
    return f"as {listing([written(name) for name in names])}"


def table(records: Records) -> pd.DataFrame:
    """The map in text: a row per strip, in the order of the figure.

    Args:
        records: the results.

    Returns:
        Columns of text under the headings of the page; no rows if nothing was mapped.
    """
    rows = prepare(records)
    if rows.empty:
        return rows
    strips = [_strip_in_words(strip) for _, strip in rows.groupby(STRIP, sort=False)]
    return pd.DataFrame(strips)


def _strip_in_words(strip: pd.DataFrame) -> dict[str, str]:
    one = strip.iloc[0]
    least, to = "≤ " if one["throughout"] else "", one["trains_to"]
    return {
        "Device": str(one["panel"]),
        "Dtype": plain(one["precision"]),
        "Loss": plain(one["gradient_of"]),
        "Written as": written(one["formulation"]),
        "Trains down to logit": "never" if np.isnan(to) else f"{least}{_logit(to)}",
        "to D(G(z))": "never" if np.isnan(to) else f"{least}{number(one['trains_to_d'], 2)}",
        "Lost at logits": _where(strip, ["lost"]),
        "Too large or of the wrong sign": _where(strip, ["wrong"]),
        "Not finite": _where(strip, ["not_finite", "nowhere"]),
    }


def _where(strip: pd.DataFrame, grades: Sequence[str]) -> str:
    """The ranges of some grades, as in "−110 to −18.5, 40"."""
    found = strip[strip["grade"].isin(grades)]
    ends = zip(found["low"].map(_logit), found["high"].map(_logit), strict=True)
    return ", ".join(low if low == high else f"{low} to {high}" for low, high in ends) or "–"


def _logit(value: float) -> str:
    return f"{value:g}".replace("-", "−")


ORDERS: Mapping[str, Sequence[str]] = {
    "precision": ("float64", "float32", "bfloat16", "float16"),
    "gradient_of": [*LOSSES],
    "formulation": [*FORMULATIONS],
}

FIGURE = Figure(
    title="Which way of writing the loss gives the generator its gradient",
    needs="cells of the kind numerics, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=3,
)
