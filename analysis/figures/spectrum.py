"""The spectrum of a game between real networks: where its eigenvalues lie, and what follows."""

import numpy as np
import pandas as pd

from analysis.figures.emphasis import rank
from analysis.figures.figure import Figure
from analysis.figures.panel import in_words, label, run_settings
from analysis.figures.spectrum_drawing import draw
from analysis.records import Records
from analysis.wording import count, listing, number, percent

GAME = ["panel", "loss", "penalty"]

RUN = [*GAME, "seed", "key", "machine"]

POSITIVE = 1e-6
"""A real part above so much of the largest |λ| counts as positive; the game is flat below it."""

LARGE = 0.01
"""Eigenvalues of at least so much of the largest |λ| have a ratio Im/Re worth telling."""


def prepare(records: Records) -> pd.DataFrame:
    """A row per record of every run (`part` "step") and eigenvalue drawn ("eigenvalue").

    A step: of all eigenvalues λ the share `positive` with Re λ > 0, `growth` (the largest Re λ),
    `ratio` (the largest |Im λ/Re λ|), `contracting_learning_rate`, the longest step with which the
    directions of negative Re λ contract, and the run's own `learning_rate` if its rule is plain
    gradient descent. An eigenvalue: of each game's first run, with Im λ ≥ 0 (the others are
    conjugates), at its first (`place` 0), middle (1) and last record (2).
    """
    table = records.spectrum
    table = table[np.isfinite(table["real"].astype(float) + table["imaginary"].astype(float))]
    if table.empty:
        return pd.DataFrame()
    panels = run_settings(records, "spectrum", given=["data", "loss", "penalty"])
    table = table.merge(panels, on=["key", "machine"])
    order = table.assign(unpenalised=table["penalty"] != "none", place=rank(table["loss"]))
    by = ["panel", "unpenalised", "penalty", "place", "seed", "key", "step"]
    table = order.sort_values(by, kind="stable").drop(columns=["unpenalised", "place"])
    groups = table.groupby([*RUN, "step"], sort=False)
    steps = pd.DataFrame([dict(zip([*RUN, "step"], k, strict=True)) | told(g) for k, g in groups])
    steps = steps.merge(own_rates(records.runs), on=["key", "machine"], how="left")
    return pd.concat([steps.assign(part="step"), drawn(table)], ignore_index=True)


def told(rows: pd.DataFrame) -> dict[str, object]:
    """What the eigenvalues of one record come to."""
    eigenvalues = rows["real"].to_numpy(float) + 1j * rows["imaginary"].to_numpy(float)
    size = np.abs(eigenvalues)
    shrinking = eigenvalues[eigenvalues.real < 0]
    large = eigenvalues[(size >= LARGE * size.max()) & (size > 0)]
    with np.errstate(divide="ignore", over="ignore"):
        limits = 2 * (-shrinking.real / np.abs(shrinking)) / np.abs(shrinking)
        ratios = np.abs(large.imag / large.real)
    stored = ("stable_learning_rate", "radius_simultaneous", "radius_alternating")
    return {
        "status": rows["status"].iloc[0],
        "positive": float(np.mean(eigenvalues.real > POSITIVE * size.max())),
        "growth": float(eigenvalues.real.max()),
        "ratio": float(ratios.max(initial=0.0)),
        "contracting_learning_rate": float(limits.min()) if len(limits) else np.nan,
        **{name: float(rows[name].iloc[0]) for name in stored},
    }


def own_rates(runs: pd.DataFrame) -> pd.DataFrame:
    """The learning rate of every run of plain gradient descent, the larger of its players'."""
    names = [f"run.{name}" for name in ("generator_learning_rate", "discriminator_learning_rate")]
    every = runs.reindex(columns=["key", "machine", *names, "run.optimiser", "run.momentum"])
    plain = (every["run.optimiser"] == "sgd") & (every["run.momentum"] == 0)
    rates = every[names].astype(float).max(axis=1).where(plain)
    return every[["key", "machine"]].assign(learning_rate=rates).drop_duplicates(["key", "machine"])


def drawn(table: pd.DataFrame) -> pd.DataFrame:
    """The eigenvalues that are drawn: upper half plane, three records of each game's first run."""
    first = table.drop_duplicates(GAME)[RUN]
    upper = table[table["imaginary"] >= 0].merge(first, on=RUN)
    kept = []
    for _, rows in upper.groupby(RUN, sort=False):
        steps = rows["step"].unique()
        places = {steps[0]: 0, steps[(len(steps) - 1) // 2]: 1, steps[-1]: 2}
        if len(steps) < 3:
            places = {steps[0]: 0, steps[-1]: 2}
        kept.append(rows.assign(place=rows["step"].map(places)).dropna(subset="place"))
    columns = [*RUN, "step", "real", "imaginary", "place"]
    return pd.concat(kept)[columns].assign(part="eigenvalue")


def caption(rows: pd.DataFrame) -> str:
    """Whether the game contracts where training ends, how it turns, and how short its steps are."""
    steps = rows[rows["part"] == "step"]
    last = steps.groupby(RUN, sort=False).tail(1)
    stable = int((last["stable_learning_rate"] > 0).sum())
    return (
        f"Linearised at its last record the game contracts in {stable} of {count(len(last), 'run')}"
        f" (medians: {_medians(last)}; the ratio is of |λ| from {percent(LARGE)} of the largest on)"
        f". {_rates(steps)}; the spectral radius is above 1 {_radius(steps, 'simultaneous')} and "
        f"{_radius(steps, 'alternating')}."
    )


def _medians(last: pd.DataFrame) -> str:
    """What each penalty's runs end with."""
    first = (
        "with {} {} of the eigenvalues have a positive real part, the largest is {} and "
        "|Im/Re| reaches {}"
    )
    sentences: list[str] = []
    for penalty, group in last.groupby("penalty", sort=False):
        share, growth, ratio = (
            float(group[name].median()) for name in ("positive", "growth", "ratio")
        )
        found = percent(share), number(growth), number(ratio)
        words = "with {} {}, {} and {}" if sentences else first
        sentences.append(words.format(_penalty(str(penalty)), *found))
    return "; ".join(sentences)


def _penalty(name: str) -> str:
    return label(in_words("penalty", name), 24)


def _rates(steps: pd.DataFrame) -> str:
    """How often the runs' own learning rate is within what the contracting directions bear."""
    known = steps.dropna(subset=["learning_rate", "contracting_learning_rate"])
    if known.empty:
        return "No learning rate of plain gradient descent is held against it"
    rates = sorted(known["learning_rate"].unique())
    inside = known["learning_rate"] < known["contracting_learning_rate"]
    by = [
        f"{int(group.sum()):,} of {count(len(group), 'record')} with {_penalty(str(penalty))}"
        for penalty, group in inside.groupby(known["penalty"], sort=False)
    ]
    return (
        f"The runs' own learning rate, {listing([number(rate) for rate in rates])}, is short "
        f"enough for the directions that contract at {listing(by)}"
    )


def _radius(steps: pd.DataFrame, updates: str) -> str:
    """How many records have a spectral radius above 1."""
    known = steps[f"radius_{updates}"].dropna()
    return f"at {int((known > 1).sum()):,} of {count(len(known), 'record')} with {updates} updates"


FIGURE = Figure(
    title="Eigenvalues of the game's Jacobian through training",
    needs="cells of the kind spectrum, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=2,
)
