"""Rows of numbers: each published mean beside ours, judged by the interval of the difference."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.claims.evidence import few, joined
from analysis.estimates import FEWEST_SEEDS, Interval
from analysis.records import Records
from analysis.reproduction.difference import Mean, alone, bounded, difference, equal, mean_of
from analysis.reproduction.protocol import Paper, Protocol, differences, shortfall
from analysis.reproduction.row import (
    NAN,
    NOT_REPRODUCED,
    UNDECIDED,
    UNPUBLISHED,
    Comparison,
    Outcome,
    Row,
    absent,
    nothing,
)
from analysis.reproduction.runs import METRICS, Method, ends, selected, unfinished
from analysis.wording import number

MODES: Mapping[str, int] = {
    "ring": 8,
    "grid": 25,
    "stacked_mnist": 1000,
    "stacked_fashion_mnist": 1000,
    "stacked_digits": 1000,
}
"""How many modes the data have."""

MODES_MARGIN = 3 / 16
"""Of all modes. It must tell PacGAN's rows apart (1.6 of 8, 6.5 of 25) and leave room for their
standard errors (±1.1 and ±1.8 at 95 %)."""

FEW_MODES_MARGIN = 1 / 2
"""Of the published number, where that is less: VEEGAN's GAN has 1 mode of 8, and none is not 1."""

SHARE_MARGIN = 0.05
"""Of the share of high-quality samples."""

KL_MARGIN = 0.2
"""Nats; PacGAN's rows differ by 0.38 and 0.57."""

CRITERION = (
    "The 95 % interval of our mean less the published one (Welch's with the published standard "
    "error, Student's where none is known) lies within the margin: 3/16 of all modes, but at most "
    "half of the published ones, 5 points of high quality, 0.2 nats of KL. Not reproduced: it does "
    "not, and 0 is outside of it, or most runs have no such number (they diverged, or KL is "
    f"undefined without a good sample). Else, and below {FEWEST_SEEDS} seeds, undecided. A row is "
    "reproduced if every number of it is."
)


@dataclass(frozen=True)
class Number:
    """A published number.

    Args:
        metric: one of METRICS.
        value: the published mean.
        error: its standard error; NaN if none is known.
    """

    metric: str
    value: float
    error: float = NAN


def number_row(
    paper: Paper,
    what: str,
    method: Method,
    data: Sequence[str],
    numbers: Sequence[Number],
    command: str,
) -> Row:
    """A row of numbers.

    Args:
        paper: where it was published.
        what: method and data.
        method: whose runs stand beside it.
        data: names of data sets, the published one first.
        numbers: the published ones; none where the paper has none.
        command: what runs it.
    """
    words = published(numbers, paper.protocol.trials)
    measure = beside(method, data, numbers, paper.protocol)
    return Row(paper.group, what, paper.table, words, paper.source, CRITERION, command, measure)


def absent_row(paper: Paper, what: str, words: str) -> Row:
    """The row of a method that the suite does not have.

    Args:
        paper: where it was published.
        what: method and data.
        words: its published numbers.
    """
    return Row(paper.group, what, paper.table, words, paper.source, "", "", absent)


def modes_of(data: str) -> int:
    """How many modes a data set has; 0 if it is none of MODES."""
    return MODES.get(data, 0)


def told(metric: str, value: float) -> str:
    r"""A metric's value in words.

    >>> told("modes", 6.3), told("high_quality", 0.982), told("kl", 0.0781)
    ('6.3', '98.2\xa0%', '0.0781')
    """
    if metric != "high_quality":
        return number(value)
    return f"{number(100 * value)}\N{NO-BREAK SPACE}%" if math.isfinite(value) else "–"


def published(numbers: Sequence[Number], trials: int) -> str:
    """Published numbers in words, with what their spread is.

    >>> published([Number("modes", 6.3, 0.5), Number("kl", 0.45)], 10)
    'modes 6.3 ± 0.5, KL 0.45 (mean ± standard error of 10 trials)'
    """
    if not numbers:
        return "nothing"
    values = ", ".join(f"{WORDS[each.metric]} {value_of(each)}" for each in numbers)
    spread = "mean ± standard error" if any(each.error > 0 for each in numbers) else "mean"
    return f"{values} ({spread} of {trials} trials)" if trials > 1 else values


def value_of(known: Number) -> str:
    """A published number with its standard error, where one is known."""
    value = told(known.metric, known.value)
    return f"{value} ± {told(known.metric, known.error)}" if known.error > 0 else value


def beside(
    method: Method,
    data: Sequence[str],
    numbers: Sequence[Number],
    protocol: Protocol,
) -> Callable[[Records], Outcome]:
    """The rule of a row of numbers.

    Args:
        method: whose runs stand beside it.
        data: names of data sets, the published one first.
        numbers: the published ones; none where there is nothing to compare with.
        protocol: how they were made.

    Returns:
        The results -> our means of the runs at the closest setting, each judged.
    """

    def measure(records: Records) -> Outcome:
        found = selected(records, [method], data)
        if found is None:
            return Outcome()
        (runs,) = found.runs
        end, most = ends(records, runs), modes_of(str(runs["data"].iloc[0]))
        shown = [known.metric for known in numbers] or list(METRICS)
        known = {each.metric: each for each in numbers}
        compared = [
            comparison(metric, known.get(metric), end, most, protocol.trials) for metric in shown
        ]
        return Outcome(
            tuple(each for each in compared if each is not None),
            differences(protocol, runs, data[0]),
            joined(unfinished(end), found.left_out),
            shortfall(protocol, runs),
        )

    return measure


def comparison(
    metric: str, known: Number | None, end: pd.DataFrame, modes: int, trials: int
) -> Comparison | None:
    """One number beside ours.

    Args:
        metric: one of METRICS.
        known: the published number, if there is one.
        end: of `ends`.
        modes: of the data.
        trials: that the published number is a mean of.

    Returns:
        The comparison; None if nothing was published and we have no number, either.
    """
    finished = end[end["status"] == "finished"]
    values = finished[metric].to_numpy(float)
    values = values[np.isfinite(values)]
    if known is None and not values.size:
        return None
    words = WORDS[metric] + (f" of {modes:,}" if metric == "modes" and modes else "")
    undefined = f"undefined in {len(finished) - values.size} of {len(finished)}"
    most_lack_it = len(end) >= FEWEST_SEEDS and 2 * values.size < len(end)
    note = joined(
        "" if most_lack_it else few(values.size),
        undefined if values.size < len(finished) else "",
    )
    ours = mean_of(values) if values.size else Mean(NAN, NAN, 0)
    if known is None:
        return Comparison(words, "", alone(ours), "", "seed", nothing(), UNPUBLISHED, note)
    apart = bounded(difference(ours, as_mean(known, trials)))
    decided = NOT_REPRODUCED if most_lack_it else judged(apart, margin(known, modes))
    return Comparison(words, value_of(known), alone(ours), "", "seed", apart, decided, note)


def as_mean(known: Number, trials: int) -> Mean:
    """A published number as a mean; without a known error it is taken as exact."""
    exact = not (known.error > 0 and trials > 1)
    return Mean(known.value, 0.0 if exact else known.error, trials)


def margin(known: Number, modes: int) -> float:
    """A difference from a published number that does not matter.

    >>> margin(Number("modes", 6.3), 8), margin(Number("modes", 1.0), 8)
    (1.5, 0.5)
    """
    if known.metric == "modes":
        return min(MODES_MARGIN * modes, FEW_MODES_MARGIN * known.value)
    return {"high_quality": SHARE_MARGIN, "kl": KL_MARGIN}[known.metric]


def judged(apart: Interval, within: float) -> str:
    """What a difference decides.

    Args:
        apart: our mean less the published one; its `n` is how many of our runs have the number.
        within: the margin.

    Returns:
        UNDECIDED of fewer than 8 numbers, else what the interval says.
    """
    return equal(apart, within) if apart.n >= FEWEST_SEEDS else UNDECIDED


WORDS: Mapping[str, str] = {"modes": "modes", "high_quality": "high quality", "kl": "KL"}
