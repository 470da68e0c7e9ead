"""How our protocol differs from a published one: from the runs' own fields, else as typed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.wording import count, listing, number


@dataclass(frozen=True)
class Protocol:
    """How a paper made its numbers.

    Args:
        fields: column of `Records.runs` -> the published value of what it states.
        trials: how many runs the paper averages over; 0 if it does not say.
        words: differences that no field of a run states, a clause each.
        unstated: columns of what the paper does not give.
    """

    fields: Mapping[str, float]
    trials: int
    words: tuple[str, ...] = ()
    unstated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paper:
    """Where rows were published.

    Args:
        group: the heading that they stand under.
        table: the paper with its table or section.
        source: what the values and the protocol were checked against.
        protocol: how the numbers were made.
    """

    group: str
    table: str
    source: str
    protocol: Protocol


def differences(protocol: Protocol, runs: pd.DataFrame, data: str) -> tuple[str, ...]:
    """Every difference of some runs from the published protocol, a clause each.

    Args:
        protocol: the published one.
        runs: ours, of one setting: rows of `Records.runs`.
        data: the data set of the published row.

    Returns:
        Data, trials, every field that both sides state and that differs, and the typed clauses.
    """
    found = [*data_difference(runs, data), *classifier(runs), *trials_difference(protocol, runs)]
    found += [*field_differences(protocol, runs), *unstated(protocol, runs)]
    return (*found, *protocol.words)


def unstated(protocol: Protocol, runs: pd.DataFrame) -> list[str]:
    """A clause on what the paper does not give, with our values."""
    ours = {name: runs[name].dropna().unique() for name in protocol.unstated if name in runs}
    values = [
        f"{in_words(name)} {listing(told(sorted(ours[name])))}" for name in ours if len(ours[name])
    ]
    return [f"not given in the paper, here: {listing(values)}"] if values else []


def field_differences(protocol: Protocol, runs: pd.DataFrame) -> list[str]:
    """A clause on every field that the paper and the runs both state and that differs.

    Args:
        protocol: the published one.
        runs: rows of `Records.runs`.

    Returns:
        Clauses, in the order of the protocol's fields.
    """
    found = []
    for name, published in protocol.fields.items():
        ours = sorted(runs[name].dropna().unique()) if name in runs else []
        if ours and ours != [published]:
            found.append(field_difference(name, ours, published))
    return found


def data_difference(runs: pd.DataFrame, data: str) -> list[str]:
    """A clause if the runs are on other data than the published ones."""
    ours = [name for name in sorted(runs["data"].unique()) if name != data]
    return [f"{DATA.get(name, name)} instead of {DATA.get(data, data)}" for name in ours]


def classifier(runs: pd.DataFrame) -> list[str]:
    r"""A clause on what counts the modes of images, if it is known.

    >>> classifier(pd.DataFrame({"classifier_accuracy": [0.973]}))
    ["modes counted by the suite's own classifier (accuracy 97.3\xa0%)"]
    """
    worst = runs["classifier_accuracy"].min() if "classifier_accuracy" in runs else math.nan
    if math.isnan(worst):
        return []
    accuracy = f"{number(100 * float(worst))}\N{NO-BREAK SPACE}%"
    return [f"modes counted by the suite's own classifier (accuracy {accuracy})"]


def trials_difference(protocol: Protocol, runs: pd.DataFrame) -> list[str]:
    """A clause if the runs are not as many as the published trials."""
    seeds = int(runs["seed"].nunique())
    if not protocol.trials:
        return ["the paper does not say how many runs its number is of"]
    if seeds == protocol.trials:
        return []
    if seeds < protocol.trials:
        return [f"{seeds} of {count(protocol.trials, 'trial')}"]
    return [f"{seeds} trials instead of {protocol.trials}"]


def shortfall(protocol: Protocol, runs: pd.DataFrame) -> str:
    """How much of the published training our runs did, in words; empty if all of it.

    Args:
        protocol: the published one.
        runs: rows of `Records.runs`.
    """
    published = protocol.fields.get("run.steps", 0.0)
    steps = runs["run.steps"].max() if "run.steps" in runs else math.nan
    return f"{plain(steps)} of {plain(published)} steps" if steps < published else ""


def field_difference(name: str, ours: Sequence[float], published: float) -> str:
    """One field's difference in words.

    Args:
        name: a column of `Records.runs`.
        ours: its values in our runs.
        published: its published value.

    >>> field_difference("run.steps", [20_000], 400_000)
    '20,000 of 400,000 steps'
    >>> field_difference("run.beta1", [0.5], 0.8)
    'β₁ 0.5 instead of 0.8'
    """
    if name == "run.average_decay":
        return f"samples of the generator's moving average (decay {listing(told(ours))})"
    if name == "run.steps" and max(ours) < published:
        return f"{listing(told(ours))} of {plain(published)} steps"
    return f"{in_words(name)} {listing(told(ours))} instead of {plain(published)}"


def in_words(name: str) -> str:
    """A field's name in words."""
    return FIELDS.get(name, name.removeprefix("run.").replace("_", " "))


def told(values: Sequence[float]) -> list[str]:
    """Numbers as text."""
    return [plain(value) for value in values]


def plain(value: float) -> str:
    """A setting: whole numbers whole, others as short as they are.

    >>> plain(400_000), plain(0.0001), plain(0.995), plain(26_000.0)
    ('400,000', '0.0001', '0.995', '26,000')
    """
    value = float(value)
    return f"{value:,.0f}" if value == int(value) else number(value, 6 if value > 0.01 else 3)


FIELDS: Mapping[str, str] = {
    "run.steps": "steps",
    "batch_size": "batch",
    "run.generator_learning_rate": "learning rate of G",
    "run.discriminator_learning_rate": "learning rate of D",
    "run.beta1": "β₁",
    "run.beta2": "β₂",
    "run.discriminator_steps": "updates of D per step",
    "run.latent_dim": "dimensions of z",
    "run.evaluation_samples": "samples evaluated",
}

DATA: Mapping[str, str] = {
    "stacked_digits": "stacked 8×8 digits",
    "stacked_fashion_mnist": "stacked Fashion-MNIST",
    "stacked_mnist": "stacked MNIST",
}
