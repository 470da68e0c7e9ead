"""The Dirac-GAN's certificates: what linear theory predicts of each cell, and what it did."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.records import Records
from analysis.tables import VERDICT
from analysis.wording import number

IDENTITY = ["key", "machine"]

SETTINGS = [
    "penalty_weight",
    "weight_clip",
    "generator_learning_rate",
    "discriminator_learning_rate",
]

COLUMNS = (
    *("loss", "penalty", "penalty_weight", "learning_rate", "updates"),
    *VERDICT,
    *("weight_clip", *IDENTITY),
)


def classes(records: Records) -> pd.DataFrame:
    """Predicted against measured, for each Dirac-GAN and update rule, as the run files say it.

    Args:
        records: the results.

    Returns:
        A row per run and rule, in the order of COLUMNS: what is played, then the fields of the
        verdict in results/README.md, NaN where they are null. `learning_rate` is the generator's;
        NaN where the discriminator's differs.
    """
    if records.dirac.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    runs = records.runs[records.runs["kind"] == "dirac"]
    rules = records.dirac[[*IDENTITY, "updates"]].drop_duplicates()
    told = pd.concat([of_rule(runs, updates) for updates in rules["updates"].unique()])
    found = rules.merge(told, on=[*IDENTITY, "updates"])[list(COLUMNS)]
    return found.astype({name: float for name in COLUMNS if name not in TEXTS})


def of_rule(runs: pd.DataFrame, updates: str) -> pd.DataFrame:
    """What the runs say of one update rule.

    Args:
        runs: rows of `Records.runs`, of Dirac-GANs.
        updates: the rule.

    Returns:
        A row per run, with the columns of COLUMNS; a setting that no run has is NaN.
    """
    settings = runs.reindex(columns=[f"run.{name}" for name in SETTINGS]).astype(float)
    known = settings.set_axis(SETTINGS, axis=1)
    generator, discriminator = known.pop(SETTINGS[-2]), known.pop(SETTINGS[-1])
    verdict = runs[[f"{name}_{updates}" for name in VERDICT]].set_axis(list(VERDICT), axis=1)
    played = pd.concat([runs[["loss", "penalty", *IDENTITY]], known, verdict], axis=1)
    rate = generator.where(generator == discriminator)
    return played.assign(updates=updates, learning_rate=rate)


def trajectories(records: Records) -> Iterator[tuple[dict[str, Any], str, pd.DataFrame]]:
    """Every stored trajectory.

    Args:
        records: the results.

    Yields:
        The run's row of `Records.runs`, the update rule, and θ and ψ in the order of steps.
    """
    runs = records.runs[records.runs["kind"] == "dirac"].to_dict("records")
    by_run = {(run["key"], run["machine"]): run for run in runs}
    for identity, rows in records.dirac.groupby([*IDENTITY, "updates"], sort=False):
        key, machine, updates = map(str, identity)
        path = rows.sort_values("step")[["theta", "psi"]]
        yield {str(k): v for k, v in by_run[key, machine].items()}, updates, path


def table(records: Records) -> pd.DataFrame:
    """`classes` in the words of the page.

    Args:
        records: the results.

    Returns:
        Columns of text; no rows without a Dirac-GAN.
    """
    rows = classes(records).sort_values(["loss", "penalty", "penalty_weight"], kind="stable")
    words = {
        heading: rows[name].map(number) if name in NUMBERS else rows[name]
        for name, heading in HEADINGS.items()
    }
    return pd.DataFrame(words).reset_index(drop=True)


HEADINGS = {
    "loss": "loss",
    "penalty": "penalty",
    "penalty_weight": "weight",
    "weight_clip": "clip",
    "learning_rate": "rate",
    "updates": "updates",
    "predicted": "predicted",
    "measured": "measured",
    "predicted_rate": "predicted per step",
    "measured_rate": "measured per step",
    "period_steps": "steps per turn",
    "nearest": "nearest",
    "farthest": "farthest",
}

TEXTS = {"loss", "penalty", "updates", "predicted", "measured", *IDENTITY}

NUMBERS = set(HEADINGS) - TEXTS
