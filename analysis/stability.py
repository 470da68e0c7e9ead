"""The Dirac-GAN's certificates: what linear theory predicts of each cell, and what it did."""

import math
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from analysis.records import Records
from analysis.verdict import Verdict, verdict
from analysis.wording import number

IDENTITY = ["key", "machine"]

RATES = ("run.generator_learning_rate", "run.discriminator_learning_rate")

COLUMNS = (
    *("loss", "penalty", "penalty_weight", "learning_rate", "updates"),
    *(field.name for field in fields(Verdict)),
    *("weight_clip", *IDENTITY),
)


def classes(records: Records) -> pd.DataFrame:
    """Predicted against measured, for each Dirac-GAN and update rule.

    Args:
        records: the results.

    Returns:
        A row per run and rule, in the order of COLUMNS: what is played, then the fields of
        `Verdict`. `learning_rate` is the generator's; NaN where the discriminator's differs.
    """
    told = ("penalty_weight", "weight_clip")
    wanted = ["loss", "penalty", *(f"run.{name}" for name in told), *RATES]
    rows = []
    for run, updates, path in trajectories(records):
        known = {name.removeprefix("run."): run.get(name, math.nan) for name in wanted}
        of_players = [known.pop(name.removeprefix("run.")) for name in RATES]
        known["learning_rate"] = of_players[0] if of_players[0] == of_players[1] else math.nan
        radius = run.get(f"radius_{updates}")
        found = verdict(path, math.nan if radius is None else float(radius))
        identity = {name: run[name] for name in IDENTITY}
        rows.append({**identity, **known, "updates": updates, **asdict(found)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def trajectories(records: Records) -> Iterator[tuple[dict[str, Any], str, pd.DataFrame]]:
    """Every stored trajectory.

    Args:
        records: the results.

    Yields:
        The run's row of `Records.runs`, the update rule, and θ and ψ in the order of steps.
    """
    if records.dirac.empty:
        return
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

TEXTS = {"loss", "penalty", "updates", "predicted", "measured"}

NUMBERS = set(HEADINGS) - TEXTS
