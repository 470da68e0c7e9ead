"""The generator's cost and its gradients against D(G(z)), from the closed forms: no measurement."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.special import expit, logit

from analysis.figures.figure import Figure
from analysis.figures.panel import legend, log_axis, loss_handles, small_multiples
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.theory import COSTS
from analysis.wording import listing, number

QUANTITIES = {
    "cost": "cost J (nats)",
    "per_probability": "|dJ/dD|: Eqs. 3 and 4 as printed",
    "per_logit": "|dJ/da|: what parameters feel",
}


LEAST = 1e-6
"""The smallest D(G(z)), and 1 − D(G(z)), on the axes."""

TICKS = {1e-6: "10⁻⁶", 1e-4: "10⁻⁴", 0.01: "0.01", 0.5: "½", 0.99: "0.99", 0.9999: "1 − 10⁻⁴"}


def prepare(_: Records) -> pd.DataFrame:
    """Every loss's J, |dJ/dD| and |dJ/da| at 301 logits from D = 10⁻⁶ to 1 − 10⁻⁶."""
    a = np.linspace(logit(LEAST), -logit(LEAST), 301)
    d = expit(a)
    curves = [
        pd.DataFrame(
            {
                "panel": quantity,
                "loss": loss,
                "logit": a,
                "d_fake": d,
                "value": cost.cost(d) if quantity == "cost" else np.abs(getattr(cost, quantity)(d)),
            }
        )
        for quantity in QUANTITIES
        for loss, cost in COSTS.items()
    ]
    return pd.concat(curves, ignore_index=True)


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """Costs as in Goodfellow 2016, Fig. 16; gradients against the logit, so that both ends show."""
    panels = small_multiples(canvas, [len(QUANTITIES)], columns=3, height=3.1)
    for (axes,), (quantity, title) in zip(panels, QUANTITIES.items(), strict=True):
        x = "d_fake" if quantity == "cost" else "logit"
        for loss, curve in rows[rows["panel"] == quantity].groupby("loss", sort=False):
            style = style_of(str(loss))
            axes.plot(curve[x], curve["value"], color=style.colour, ls=style.dashes)
        axes.set(title=title)
        _scale(axes, quantity)
    legend(canvas, loss_handles(rows["loss"].unique(), marked=False))


def _scale(axes: Axes, quantity: str) -> None:
    if quantity == "cost":
        axes.set(xlim=(0, 1), ylim=(-20, 5), xlabel="D(G(z))")
        return
    log_axis(axes, "y")
    axes.set_xticks(logit(list(TICKS)), list(TICKS.values()))
    axes.set(xlim=(logit(LEAST), -logit(LEAST)), ylim=(LEAST / 3, 3 / LEAST))
    axes.set_xlabel("D(G(z)), even in the logit")


def caption(rows: pd.DataFrame) -> str:
    """The gradients of all losses where D(G(z)) is smallest."""
    left = rows[rows["d_fake"] == rows["d_fake"].min()]
    value = left.set_index(["panel", "loss"])["value"]
    losses = list(rows["loss"].unique())
    felt = listing([f"{number(value['per_logit', x])} ({_words(x)})" for x in losses])
    ratio = value["per_logit", "non_saturating"] / value["per_logit", "saturating"]
    return (
        f"At D(G(z)) = {number(left['d_fake'].iloc[0])} the gradient that reaches the parameters "
        f"is {felt}: the non-saturating one is {number(ratio)} times the saturating one. With "
        f"respect to D that one is {number(value['per_probability', 'non_saturating'])}, but "
        f"dD/da = D(1 − D) takes that back."
    )


def _words(loss: str) -> str:
    return loss.replace("_", "-")


FIGURE = Figure(
    title="The generator's cost against D(G(z))",
    needs="nothing",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
