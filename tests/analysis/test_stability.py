"""Certificates from stored trajectories: which row a run becomes, and what it says."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.records import Records
from analysis.stability import COLUMNS, classes, table, trajectories

Made = Callable[..., Records]
Row = dict[str, Any]


def rows(rates: dict[str, float], steps: int = 200) -> list[Row]:
    """Spirals of 30 steps a turn, each rule with its rate of growth."""
    t = np.arange(steps + 1)
    return [
        {"updates": updates, "step": int(n), "theta": float(theta), "psi": float(psi)}
        for updates, rate in rates.items()
        for n, theta, psi in zip(
            t,
            np.exp(rate * t) * np.cos(math.tau * t / 30),
            np.exp(rate * t) * np.sin(math.tau * t / 30),
            strict=True,
        )
    ]


BOTH = {"simultaneous": 0.02, "alternating": -0.02}
RUN: Row = {
    "loss": "hinge",
    "penalty": "r1",
    "penalty_weight": 0.3,
    "weight_clip": 0.0,
    "generator_learning_rate": 0.2,
    "discriminator_learning_rate": 0.2,
}


def with_radii(records: Records, **radii: Any) -> Records:
    """The records with facts that `made` does not have."""
    facts = {name: pd.Series(values, dtype=object) for name, values in radii.items()}
    return replace(records, runs=records.runs.assign(**facts))


def records_of(made: Made, *runs: tuple[Row, list[Row]]) -> Records:
    """Records of these runs, their radii as BOTH would have them."""
    records = made("dirac", [({**RUN, **fields}, "finished", table) for fields, table in runs])
    n = len(runs)
    return with_radii(
        records,
        radius_simultaneous=[math.exp(0.02)] * n,
        radius_alternating=[math.exp(-0.02)] * n,
    )


def test_a_row_for_each_rule_of_each_run(made: Made) -> None:
    """The columns that others rely on come first; what is played, predicted and measured."""
    found = classes(records_of(made, ({}, rows(BOTH)), ({"loss": "kl"}, rows(BOTH))))
    assert tuple(found.columns) == COLUMNS
    assert COLUMNS[:9] == (
        *("loss", "penalty", "penalty_weight", "learning_rate", "updates"),
        *("predicted", "predicted_rate", "measured", "measured_rate"),
    )
    assert found["loss"].tolist() == ["hinge", "hinge", "kl", "kl"]
    assert found["updates"].tolist() == ["simultaneous", "alternating"] * 2
    assert found["predicted"].tolist() == ["diverges", "converges"] * 2
    assert found["measured"].tolist() == ["diverges", "converges"] * 2
    assert found["predicted_rate"].tolist() == pytest.approx([0.02, -0.02] * 2)
    assert found["measured_rate"].tolist() == pytest.approx([0.02, -0.02] * 2, abs=1e-9)
    assert set(found["penalty_weight"]) == {0.3}
    assert set(found["learning_rate"]) == {0.2}


def test_without_runs_there_are_no_rows(made: Made) -> None:
    """But all columns."""
    found = classes(made("dirac", []))
    assert found.empty
    assert tuple(found.columns) == COLUMNS
    assert table(made("dirac", [])).empty


@pytest.mark.parametrize("absent", [None, math.nan])
def test_without_a_radius_nothing_is_predicted(made: Made, absent: float | None) -> None:
    """Null in the file, NaN in the table: measured alone."""
    records = with_radii(records_of(made, ({}, rows(BOTH))), radius_simultaneous=[absent])
    found = classes(records)
    assert found["predicted"].tolist() == ["undefined", "converges"]
    assert math.isnan(found["predicted_rate"].iloc[0])
    assert found["measured"].tolist() == ["diverges", "converges"]


def test_steps_are_put_in_order(made: Made) -> None:
    """Whatever the order of the file's rows."""
    table = rows(BOTH)
    found, expected = (classes(records_of(made, ({}, t))) for t in (table[::-1], table))
    for updates in BOTH:
        one, other = (f[f["updates"] == updates].iloc[0] for f in (found, expected))
        assert one.equals(other)


def test_lost_states_are_nulls(made: Made) -> None:
    """From a null on the path has diverged."""
    lost = rows(BOTH)
    for row in lost[150:201]:
        row["theta"] = row["psi"] = None
    found = classes(records_of(made, ({}, lost)))
    assert found["measured"].tolist() == ["diverges", "converges"]
    assert found["measured_rate"].iloc[0] == pytest.approx(0.02, abs=1e-9)
    assert math.isnan(found["theta"].iloc[0])


def test_players_of_different_rates_have_no_one_rate(made: Made) -> None:
    """NaN rather than one of them."""
    found = classes(records_of(made, ({"discriminator_learning_rate": 0.1}, rows(BOTH))))
    assert found["learning_rate"].isna().all()


def test_a_run_without_the_newer_settings_still_counts(made: Made) -> None:
    """A column that the records lack is NaN."""
    records = records_of(made, ({}, rows(BOTH)))
    bare = replace(records, runs=records.runs.drop(columns="run.weight_clip"))
    assert classes(bare)["weight_clip"].isna().all()
    assert classes(bare)["measured"].tolist() == ["diverges", "converges"]


def test_other_kinds_of_run_are_left_alone(made: Made, records: Records) -> None:
    """Runs of several kinds share one table."""
    one = records_of(made, ({}, rows(BOTH)))
    both = replace(one, runs=pd.concat([records.runs, one.runs], ignore_index=True))
    pd.testing.assert_frame_equal(classes(both), classes(one))
    assert len(list(trajectories(both))) == 2


def test_the_table_is_in_words(made: Made) -> None:
    """Rates with three digits and their interval, a period, and where it ends."""
    records = with_radii(records_of(made, ({}, rows(BOTH))), radius_simultaneous=[None])
    found = table(records)
    assert found.to_dict("records") == [
        {
            "loss": "hinge",
            "penalty": "r1",
            "weight": "0.3",
            "clip": "0",
            "rate": "0.2",
            "updates": "simultaneous",
            "predicted": "undefined",
            "measured": "diverges",
            "predicted per step": "–",
            "measured per step": "0.02",
            "steps per turn": "30",
            "nearest": "7.39",
            "farthest": "54.6",
        },
        {
            "loss": "hinge",
            "penalty": "r1",
            "weight": "0.3",
            "clip": "0",
            "rate": "0.2",
            "updates": "alternating",
            "predicted": "converges",
            "measured": "converges",
            "predicted per step": "−0.02",
            "measured per step": "−0.02",
            "steps per turn": "30",
            "nearest": "0.0183",
            "farthest": "0.135",
        },
    ]
