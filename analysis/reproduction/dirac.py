"""Rows of the Dirac-GAN: whether a method converges, and how fast."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.claims.evidence import point
from analysis.estimates import Interval
from analysis.records import Records
from analysis.reproduction.protocol import Paper, Protocol, field_differences
from analysis.reproduction.rate import published_rate
from analysis.reproduction.row import (
    CONFIDENCE,
    NAN,
    NOT_REPRODUCED,
    REPRODUCED,
    UNDECIDED,
    Comparison,
    Outcome,
    Row,
    nothing,
)
from analysis.stability import classes
from analysis.wording import count, listing, number, percent

RATE_TOLERANCE = 0.1
"""Of a measured rate's relative error."""

LINEAR = 2.0
"""A distance that falls by less than a factor e² in as many steps as the whole run has, at the
tail's rate, falls like a power of time and not like an exponential."""

SUBLINEAR = "converges sublinearly"
CONVERGES = ("converges",)
ORBITS = ("orbits",)
DIVERGES = ("diverges",)
DOES_NOT_CONVERGE = ("orbits", "diverges", "stalls")
NOT_LINEARLY = (*DOES_NOT_CONVERGE, SUBLINEAR)

PUBLISHED = {
    DOES_NOT_CONVERGE: "does not converge",
    NOT_LINEARLY: "does not converge linearly",
}
"""Several classes -> the words of the paper."""

CRITERION = (
    "Of every setting that was run, the measured class is a published one, and each measured rate "
    f"is within {percent(RATE_TOLERANCE)} of that of the published eigenvalues at its learning "
    "rate. Settings whose learning rate is too large for the theorem, by these eigenvalues, say "
    "nothing. What converges at a rate that would bring it less than a factor e² closer in a whole "
    "run converges sublinearly."
)


@dataclass(frozen=True)
class Behaviour:
    """What a paper says of a method on the Dirac-GAN.

    Args:
        loss: of both players.
        penalty: of D.
        classes: update rule -> the classes that agree with the paper.
        has_rate: whether the paper gives the eigenvalues of a penalty γ/2·ψ².
        clips: whether ψ is clipped.
    """

    loss: str
    penalty: str
    classes: Mapping[str, tuple[str, ...]]
    has_rate: bool = False
    clips: bool = False


def class_row(paper: Paper, what: str, method: Behaviour, published: str, command: str) -> Row:
    """A row of the Dirac-GAN.

    Args:
        paper: where it was published.
        what: the method.
        method: what the paper says of it.
        published: the same in words.
        command: what runs it.
    """
    measure = behaves(method, paper.protocol)
    return Row(paper.group, what, paper.table, published, paper.source, CRITERION, command, measure)


def behaves(method: Behaviour, protocol: Protocol) -> Callable[[Records], Outcome]:
    """The rule of a row of the Dirac-GAN.

    Args:
        method: what the paper says.
        protocol: how it was shown.

    Returns:
        The results -> for each update rule the classes, and the rates where the paper has them.
    """

    def measure(records: Records) -> Outcome:
        found = of_method(records, method)
        if found.dirac.empty:
            return Outcome()
        table = classes(found)
        table = table if method.has_rate else named(table, found.dirac)
        rows = table[(table["weight_clip"].fillna(0) > 0) == method.clips]
        if rows.empty:
            return Outcome()
        compared: list[Comparison] = []
        for updates, allowed in method.classes.items():
            of_rule = rows[rows["updates"] == updates]
            if len(of_rule):
                compared += compare(method, updates, allowed, of_rule)
        clauses = (*field_differences(protocol, rows), *protocol.words)
        return Outcome(tuple(compared), clauses, settings_of(rows))

    return measure


def of_method(records: Records, method: Behaviour) -> Records:
    """The results with the trajectories of one method only."""
    rows = records.dirac
    alike = (rows["loss"] == method.loss) & (rows["penalty"] == method.penalty)
    return replace(records, dirac=rows[alike])


def named(table: pd.DataFrame, paths: pd.DataFrame) -> pd.DataFrame:
    """The classes, sublinear convergence by its name.

    Args:
        table: of `analysis.stability.classes`.
        paths: `Records.dirac`.

    Returns:
        The table with SUBLINEAR in `measured` where it is that.
    """
    told = ["key", "machine", "updates"]
    steps = paths.groupby(told)["step"].max().rename("steps").reset_index()
    table = table.merge(steps, on=told, how="left")
    slow = (table["measured"] == "converges") & (-table["measured_rate"] * table["steps"] < LINEAR)
    return table.assign(measured=table["measured"].where(~slow, SUBLINEAR))


def compare(
    method: Behaviour, updates: str, allowed: tuple[str, ...], rows: pd.DataFrame
) -> list[Comparison]:
    """The class under one update rule, and the rate where the paper has one.

    Args:
        method: what the paper says.
        updates: the rule.
        allowed: the published classes.
        rows: of `analysis.stability.classes`, of this method and rule.

    Returns:
        One comparison or two.
    """
    if not method.has_rate:
        return [of_class(updates, allowed, rows, "")]
    inside = told_rates(rows, updates)
    outside = len(rows) - len(inside)
    note = f"{count(outside, 'setting')} left out: no published rate below 0" if outside else ""
    return [of_class(updates, allowed, inside, note), of_rate(updates, inside, note)]


def told_rates(rows: pd.DataFrame, updates: str) -> pd.DataFrame:
    """The rows of which the paper says that they converge, with `published_rate`.

    Args:
        rows: of `analysis.stability.classes`.
        updates: the update rule.

    Returns:
        Those whose learning rate is the same for both players, and small enough.
    """
    known = rows.dropna(subset=["penalty_weight", "learning_rate"])
    settings = zip(known["penalty_weight"], known["learning_rate"], strict=True)
    rates = [published_rate(2 * weight, rate, updates) for weight, rate in settings]
    told = known.assign(published_rate=np.array(rates, dtype=float))
    return told[told["published_rate"] < 0]


def of_class(updates: str, allowed: tuple[str, ...], rows: pd.DataFrame, note: str) -> Comparison:
    """The measured classes of all settings beside the published one."""
    found = [str(word) for word in rows["measured"]]
    published = PUBLISHED.get(allowed, allowed[0])
    measured = Interval(NAN, NAN, NAN, CONFIDENCE, len(found))
    word = listing([f"{name} ({n})" if n < len(found) else name for name, n in tally(found)])
    verdict = REPRODUCED if found and set(found) <= set(allowed) else UNDECIDED
    if (set(found) & {*NOT_LINEARLY, *CONVERGES}) - set(allowed):
        verdict = NOT_REPRODUCED
    quantity = f"{updates} updates"
    return Comparison(quantity, published, measured, word, "setting", nothing(), verdict, note)


def tally(words: list[str]) -> list[tuple[str, int]]:
    """How often each word occurs, in order of appearance; a dash if there is none."""
    return [(word, words.count(word)) for word in dict.fromkeys(words)] or [("–", 0)]


def of_rate(updates: str, rows: pd.DataFrame, note: str) -> Comparison:
    """The rate that is furthest, relatively, from the published one, and by how much it is off."""
    measured, theirs = (rows[name].to_numpy(float) for name in ("measured_rate", "published_rate"))
    errors = np.abs(measured - theirs) / np.abs(theirs)
    quantity = f"rate per update, {updates}"
    if not errors.size or np.isnan(errors).any() or (rows["measured"] != "converges").any():
        return Comparison(quantity, RATE, nothing(), "–", "setting", nothing(), UNDECIDED, note)
    worst = int(errors.argmax())
    where = " where they differ most" if errors.size > 1 else ""
    word = f"{number(measured[worst], 4)} against {number(theirs[worst], 4)}{where}"
    verdict = REPRODUCED if errors[worst] <= RATE_TOLERANCE else NOT_REPRODUCED
    most = point(float(measured[worst]), errors.size)
    apart = point(float(measured[worst] - theirs[worst]), errors.size)
    return Comparison(quantity, RATE, most, word, "setting", apart, verdict, note)


def settings_of(rows: pd.DataFrame) -> str:
    """Which penalty weights and learning rates were run, in words."""
    known = sorted(rows["learning_rate"].dropna().unique())
    rates = [f"learning rate {listing([number(value) for value in known])}"] if known else []
    if rows["learning_rate"].isna().any():
        rates.append("different learning rates of G and D")
    weights = sorted(value for value in rows["penalty_weight"].unique() if value > 0)
    gammas = f"penalty weight {listing([number(value) for value in weights])}, " if weights else ""
    return gammas + listing(rates)


RATE = "log ρ of the published eigenvalues"
