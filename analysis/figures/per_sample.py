"""Where the 1/D goes: one sample's gradient at the probability, the logit, the sample and θ_G."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis import theory
from analysis.estimates import log_log_slope
from analysis.figures.figure import Figure
from analysis.figures.gradient_norm import AGREES
from analysis.figures.panel import run_settings
from analysis.figures.per_sample_drawing import PLACES, draw
from analysis.records import Records
from analysis.theory import PAIR, SMALL, TOLERANCES
from analysis.wording import interval, listing, number

COLUMNS = ["panel", "part", "place", "gradient_of", "dtype", "logit", "d_fake", "value"]


def prepare(records: Records) -> pd.DataFrame:
    """The rows of each `part` of the figure, setting by setting.

    "curve": the median over seeds of a gradient of one loss at a `place` (|dL/dD|, |dL/da|,
    ‖∂L/∂x‖, ‖∂L/∂θ_G‖) on trained networks in float64, where there are any. "exponent": its power
    of D where D ≤ SMALL, between `low` and `high`, beside theory's. "error": the largest relative
    error of the ratio against (1 − D)/D over samples, seeds and networks. "crossing": where both
    norms are equal. "batch": the same ratio of a minibatch, over (1 − D)/D of its means, and the
    cosine, from cells of the kind gradients on the same data and model.
    """
    if records.per_sample.empty:
        return pd.DataFrame()
    panels = run_settings(records, "per_sample", given=["data"])
    rows = records.per_sample.merge(panels, on=["key", "machine"])
    parts = []
    for _, of_panel in rows.groupby("panel", sort=False):
        shown = preferred(preferred(of_panel, "network", "trained"), "dtype", "float64")
        curves = curve_rows(shown)
        if curves.empty:
            continue
        parts += [curves, exponent_rows(shown), error_rows(of_panel), crossing_rows(curves)]
        parts.append(batch_rows(records.gradients, of_panel))
    if not parts:
        return pd.DataFrame()
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def preferred(rows: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    """The rows that have this value, or the first value there is."""
    chosen = value if (rows[column] == value).any() else rows[column].iloc[0]
    return rows[rows[column] == chosen]


def positive(values: "pd.Series[float]") -> "pd.Series[bool]":
    """Which values a logarithmic axis can show."""
    return (values > 0) & np.isfinite(values)


def curve_rows(shown: pd.DataFrame) -> pd.DataFrame:
    """Medians over seeds of every place's gradient, with `hidden`: values of 0 or not finite."""
    names = ["panel", "network", "dtype", "gradient_of", "logit", "key"]
    long = shown.melt([*names, "d_fake"], list(PLACES), "place", "value")
    usable = long[positive(long["value"]) & positive(long["d_fake"])]
    medians = usable.groupby([*names[:-1], "place"], sort=False)[["d_fake", "value"]].median()
    return medians.reset_index().assign(part="curve", hidden=len(long) - len(usable))


def exponent_rows(shown: pd.DataFrame) -> pd.DataFrame:
    """The power of D that each gradient follows where D ≤ SMALL, one level per run."""
    small = shown[positive(shown["d_fake"]) & (shown["d_fake"] <= SMALL)]
    fits = []
    for (panel, loss), of_loss in small.groupby(["panel", "gradient_of"], sort=False):
        for place in PLACES:
            usable = of_loss[positive(of_loss[place])]
            if len(usable["d_fake"].unique()) > 1:
                groups = list(zip(usable["key"], usable["machine"], strict=True))
                fit = log_log_slope(usable["d_fake"], usable[place], groups)
                where = {"panel": panel, "part": "exponent", "gradient_of": loss, "place": place}
                slope = {"value": fit.estimate, "low": fit.low, "high": fit.high}
                fits.append({**where, **slope, "theory": expected(str(loss), place)})
    return pd.DataFrame(fits)


def expected(loss: str, place: str) -> float:
    """Theory's exponent, NaN of a loss that follows no power of D.

    dL/dD is dL/da over D(1 − D), so its exponent is one less; at the sample and at the parameters
    ∂a/∂x and ∂a/∂θ are factors that do not depend on D.

    >>> expected("non_saturating", "to_probability"), expected("saturating", "to_parameters")
    (-1.0, 1.0)
    """
    return SLOPES.get(loss, float("nan")) - (place == "to_probability")


def error_rows(of_panel: pd.DataFrame) -> pd.DataFrame:
    """The largest errors of the ratio at each logit, in every dtype."""
    rows = of_panel[of_panel["gradient_of"] == "non_saturating"]
    names = ["panel", "dtype", "logit"]
    long = rows.melt([*names, "d_fake"], ["ratio_error", "parameter_error"], "place", "value")
    worst = long.dropna(subset="value").groupby([*names, "place"], sort=False)
    errors = worst.agg(d_fake=("d_fake", "median"), value=("value", "max")).reset_index()
    return errors.assign(part="error", gradient_of="non_saturating")


def crossing_rows(curves: pd.DataFrame) -> pd.DataFrame:
    """Where ‖∂L/∂θ_G‖ of both losses is equal: log ratio 0, linear in the logit between two."""
    norms = curves[curves["place"] == "to_parameters"]
    table = norms.pivot_table(index="logit", columns="gradient_of", values="value")
    if not set(PAIR) <= set(table):
        return pd.DataFrame()
    both = table.dropna(subset=list(PAIR))
    logits = both.index.to_numpy()
    ratios = np.log(both["non_saturating"].to_numpy() / both["saturating"].to_numpy())
    below = np.flatnonzero((ratios[:-1] > 0) & (ratios[1:] <= 0))
    if not below.size:
        return pd.DataFrame()
    (left, right), (high, low) = (x[below[0] : below[0] + 2] for x in (logits, ratios))
    at = left + (right - left) * high / (high - low)
    place = {"panel": curves["panel"].iloc[0], "part": "crossing", "place": "to_parameters"}
    return pd.DataFrame([{**place, "logit": at, "d_fake": 1 / (1 + np.exp(-at)), "value": 1.0}])


def batch_rows(gradients: pd.DataFrame, of_panel: pd.DataFrame) -> pd.DataFrame:
    """A minibatch's ratio over (1 − D)/D, and the cosine, on trained networks like the panel's."""
    alike = ["data", "model", "machine"]
    rows = gradients.merge(of_panel[alike].drop_duplicates(), on=alike)
    rows = rows[rows["network"] == "trained"] if len(rows) else rows
    if rows.empty:
        return pd.DataFrame()
    odds = rows["one_minus_d_fake"] / rows["d_fake"].where(rows["d_fake"] > 0)
    odds = odds.where(odds > 0)
    ratio = rows["non_saturating_gradient_norm"] / rows["saturating_gradient_norm"]
    where = rows[["d_fake"]].assign(logit=-np.log(odds), panel=of_panel["panel"].iloc[0])
    long = pd.concat(
        [
            where.assign(place="ratio", value=ratio / odds),
            where.assign(place="cosine", value=rows["cosine"]),
        ]
    )
    finite = np.isfinite(long["value"]) & np.isfinite(long["logit"])
    known: pd.DataFrame = long[finite].sort_values("logit")
    return known.assign(part="batch", gradient_of="non_saturating")


def caption(rows: pd.DataFrame) -> str:
    """Where the 1/D is and where it is not, how exact the ratio is, and where the norms cross."""
    curves = rows[rows["part"] == "curve"]
    hidden = int(curves.groupby("panel")["hidden"].first().sum())
    network, dtype = (listing(sorted(curves[name].unique())) for name in ("network", "dtype"))
    tail = f"; {hidden} values of 0 or not finite can't be shown" if hidden else ""
    return (
        f"One sample's gradients on {network} networks in {dtype}: where D(G(z)) ≤ "
        f"{number(SMALL)}, {_powers(rows)}. "
        f"{_ratio(rows)}{_crossing(rows)}{_batch(rows)}{tail}."
    )


def _powers(rows: pd.DataFrame) -> str:
    fits = rows[rows["part"] == "exponent"]
    if fits.empty:
        return "there are too few points to fit a power of D"
    told = []
    for loss in PAIR:
        at = fits[fits["gradient_of"] == loss].groupby("place")[["value", "low", "high"]].median()
        places: dict[str, list[str]] = {}
        for place in (place for place in PLACES if place in at.index):
            places.setdefault(interval(*at.loc[place]), []).append(PLACES[place].variable)
        if places:
            powers = [f"{power} in {listing(names)}" for power, names in places.items()]
            told.append(
                f"the {loss.replace('_', '-')} one goes like D to the power {listing(powers)}"
            )
    known = fits.dropna(subset="theory")
    off = known[(known["value"] - known["theory"]).abs() > AGREES]
    verdict = f"{len(known) - len(off)} of {len(known)} powers are theory's"
    if len(off):
        words = [
            f"{row.gradient_of} in {PLACES[str(row.place)].variable}" for row in off.itertuples()
        ]
        verdict += f", the others contradict it ({listing(list(dict.fromkeys(words)))})"
    return "; ".join([*told, verdict])


def _ratio(rows: pd.DataFrame) -> str:
    errors = rows[(rows["part"] == "error") & (rows["place"] == "ratio_error")]
    if errors.empty:
        return "No ratio of the two losses was measured"
    told = []
    for dtype, worst in errors.groupby("dtype", sort=False)["value"].max().items():
        kept = worst <= TOLERANCES[str(dtype)] if str(dtype) in TOLERANCES else None
        word = {None: "", True: ", within ", False: ", beyond "}[kept]
        bound = f"{word}{number(TOLERANCES[str(dtype)])}" if word else ""
        told.append(f"{number(worst)} in {dtype}{bound}")
    return f"Their ratio differs from (1 − D)/D by at most {listing(told)}"


def _crossing(rows: pd.DataFrame) -> str:
    at = rows.loc[rows["part"] == "crossing", "d_fake"]
    if at.empty:
        return "; the two norms do not cross"
    low, high = (number(x) for x in (at.min(), at.max()))
    return f"; they are equal at D = {low if low == high else f'{low} to {high}'}"


def _batch(rows: pd.DataFrame) -> str:
    batch = rows[rows["part"] == "batch"]
    if batch.empty:
        return ""
    values = (batch.loc[batch["place"] == place, "value"] for place in ("ratio", "cosine"))
    ratio, cosine = (f"{number(part.min())} to {number(part.max())}" for part in values)
    return f"; of a minibatch the ratio is {ratio} times (1 − D)/D, the cosine {cosine}"


# Exponents of |dL/da| as D → 0; least_squares and pearson grow like log 1/D, no power of D.
SLOPES: Mapping[str, float] = {
    **{loss: cost.slope for loss, cost in theory.COSTS.items()},
    "wasserstein": 0.0,
    "hinge": 0.0,
    "kl": 1.0,
    "reverse_kl": 0.0,
    "squared_hellinger": 1.0,
    "jensen_shannon": 1.0,
}

FIGURE = Figure(
    title="Where the 1/D goes: gradients of single samples",
    needs="cells of the kind per_sample, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=3,
)
