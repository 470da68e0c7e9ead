"""Eq. 1's optimum on data of known density: V, D and the generators' gradients against theory's."""

import math

import numpy as np
import pandas as pd

from analysis.estimates import FEWEST_SEEDS, Array, mean_interval
from analysis.figures.figure import Figure
from analysis.figures.optimum_drawing import LOG_4, draw
from analysis.figures.panel import run_settings
from analysis.records import Records
from analysis.wording import count, interval, listing, number

CLOSE = 0.02
"""At most so far from the optimum D agrees with D*, and so does V (nats), given its interval."""

NEAR = 0.05
"""A gradient that is 0 so many standard deviations from p_g = p_data is 0 there."""

BAR = 1.96
"""Standard errors on either side of one run's mean: 95 %."""

GROUP = ["panel", "quantity", "gradient_of", "displacement"]


def prepare(records: Records) -> pd.DataFrame:
    """A row per quantity and displacement: the mean of 8 seeds or more, or else each single run.

    `quantity` is value, d_error, d_mean, gradient (of the loss `gradient_of`) or zero, the
    displacement at which that gradient is 0. `mean` lies between `low` and `high`: a bootstrap
    interval over `runs` seeds, or for one run what its fresh samples leave open; `missing` counts
    runs without the quantity.
    """
    if records.optimum.empty:
        return pd.DataFrame()
    panels = run_settings(records, "optimum", given=["data"])
    rows = records.optimum.merge(panels, on=["key", "machine"]).sort_values(
        ["panel", "seed", "key", "displacement"], ignore_index=True
    )
    every = pd.concat([of_discriminator(rows), of_generator(rows), zeros(rows)], ignore_index=True)
    groups = every.groupby(GROUP, sort=False, dropna=False)
    return pd.concat([summary(group) for _, group in groups], ignore_index=True)


def of_discriminator(rows: pd.DataFrame) -> pd.DataFrame:
    """V, |D − D*| and D of every run and displacement, each once, with what D* would give."""
    once = rows.drop_duplicates(["key", "machine", "displacement"])
    optima: dict[str, pd.Series[float] | float] = {
        "value": once["exact_value"],
        "d_error": 0.0,
        "d_mean": 0.5,
    }
    frames = [
        once[["panel", "displacement"]].assign(
            quantity=quantity,
            gradient_of="",
            value=once[quantity],
            error=once["value_error"] if quantity == "value" else np.nan,
            exact=exact,
        )
        for quantity, exact in optima.items()
    ]
    return pd.concat(frames, ignore_index=True)


def of_generator(rows: pd.DataFrame) -> pd.DataFrame:
    """dL/dμ of every run, displacement and loss, with what D* would give."""
    names = {"gradient": "value", "gradient_error": "error", "exact_gradient": "exact"}
    # A file from before exact_gradient was stored lacks it: then it is null.
    shown = rows.reindex(columns=["panel", "displacement", "gradient_of", *names])
    return shown.rename(columns=names).assign(quantity="gradient")


def zeros(rows: pd.DataFrame) -> pd.DataFrame:
    """The displacement at which each run's gradient of each loss is 0, NaN if at none."""
    found = []
    for (panel, _, _, loss), curve in rows.groupby(
        ["panel", "key", "machine", "gradient_of"], sort=False
    ):
        place = zero(curve["displacement"].to_numpy(), curve["gradient"].to_numpy())
        found.append({"panel": panel, "gradient_of": loss, "value": place})
    return pd.DataFrame(found).assign(quantity="zero", displacement=np.nan, error=np.nan, exact=0.0)


def zero(x: Array, y: Array) -> float:
    """Where a curve through points rises through 0, between two of them on a straight line.

    Args:
        x: (n,), increasing.
        y: (n,).

    Returns:
        NaN unless the curve rises through 0 once and never falls through it.

    >>> zero(np.array([-1.0, 0.0, 1.0]), np.array([-1.0, -0.5, 0.5]))
    0.5
    >>> zero(np.array([-1.0, 1.0]), np.array([1.0, -1.0]))
    nan
    """
    rises = np.flatnonzero((y[:-1] <= 0) & (y[1:] > 0))
    falls = (y[:-1] > 0) & (y[1:] <= 0)
    if len(rises) != 1 or falls.any():
        return math.nan
    i = int(rises[0])
    return float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i]))


def summary(group: pd.DataFrame) -> pd.DataFrame:
    """One quantity at one displacement: over enough seeds one row, else a row for each run."""
    known, rows = group["value"].dropna(), group[[*GROUP, "exact"]]
    if known.size < FEWEST_SEEDS:
        mean, half = group["value"], BAR * group["error"]
        missing = mean.isna().astype(int)
        return rows.assign(runs=1, missing=missing, mean=mean, low=mean - half, high=mean + half)
    found = mean_interval(known, np.random.default_rng(0))
    return rows.head(1).assign(
        runs=found.n,
        missing=len(group) - found.n,
        mean=found.estimate,
        low=found.low,
        high=found.high,
    )


def caption(rows: pd.DataFrame) -> str:
    """How far V, D and the gradients' zeros are from the optimum, and whether theory agrees."""
    return f"{_of_discriminator(rows)}. {_of_generators(rows)}."


def _of_discriminator(rows: pd.DataFrame) -> str:
    value, d_error = (rows[rows["quantity"] == name] for name in ("value", "d_error"))
    off, error = (value["mean"] - value["exact"]).abs().max(), d_error["mean"].max()
    outside = np.maximum(value["low"] - value["exact"], value["exact"] - value["high"]).max()
    verdict = "as theory says" if max(outside, error) <= CLOSE else "theory says 0 and 0"
    text = (
        f"over all displacements V is within {number(off)} nats of −log 4 + 2·JSD and mean "
        f"|D − D*| at most {number(error)} ({verdict})"
    )
    at_data = rows[rows["displacement"] == 0].groupby("quantity")["mean"].mean()
    if at_data.empty:
        return text[0].upper() + text[1:]
    return (
        f"Where p_g = p_data the trained D has V = {number(at_data['value'], 5)} (−log 4 = "
        f"{number(-LOG_4, 5)}) and mean D = {number(at_data['d_mean'], 4)}; {text}"
    )


def _of_generators(rows: pd.DataFrame) -> str:
    gradients = rows[(rows["quantity"] == "gradient") & (rows["displacement"] != 0)]
    back = int((gradients["mean"] * gradients["displacement"] > 0).sum())
    found = rows[rows["quantity"] == "zero"]
    far, missing = found["mean"].abs().max(), int(found["missing"].sum())
    agrees = back == len(gradients) and not missing and far <= NEAR
    places = [
        f"{_place(of_loss)} ({str(loss).replace('_', '-')})"
        for loss, of_loss in found.groupby("gradient_of", sort=False)
    ]
    return (
        f"Elsewhere {back} of {count(len(gradients), 'gradient')} point back to p_data, and they "
        f"vanish at a displacement of {listing(places)} standard deviations"
        + (f", {count(missing, 'curve')} not at any one" if missing else "")
        + f" ({'as theory says: 0' if agrees else 'theory says all, and 0'})"
    )


def _place(zeros_of_loss: pd.DataFrame) -> str:
    """Where the gradient of one loss is 0: with an interval if there is one row, else the mean."""
    if len(zeros_of_loss) == 1:
        row = zeros_of_loss.iloc[0]
        mean, low, high = row["mean"], row["low"], row["high"]
    else:
        mean, low, high = zeros_of_loss["mean"].mean(), math.nan, math.nan
    return "–" if math.isnan(mean) else interval(mean, low, high)


FIGURE = Figure(
    title="The game's optimum: D against D*, and where the generators' gradients vanish",
    needs="cells of the kind optimum, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=4,
)
