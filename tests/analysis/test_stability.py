"""Certificates of stored Dirac-GANs: which row a run becomes, and what it says."""

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records import Records, load
from analysis.stability import COLUMNS, classes, table, trajectories
from analysis.tables import UPDATES, VERDICT
from gan import store
from gan.dirac import dirac_experiment, simulate, update_eigenvalues
from gan.run import Run
from gan.verdict import Verdict, verdict

Made = Callable[..., Records]
Row = dict[str, Any]

RUN: Row = {
    "loss": "hinge",
    "penalty": "r1",
    "penalty_weight": 0.3,
    "weight_clip": 0.0,
    "generator_learning_rate": 0.2,
    "discriminator_learning_rate": 0.2,
}

# The verdicts on a spiral that leaves and on one that comes back.
FACTS: dict[str, Row] = {
    "simultaneous": {
        "predicted": "diverges",
        "predicted_rate": 0.021,
        "measured": "diverges",
        "measured_rate": 0.02,
        "low": 0.019,
        "high": 0.022,
        "period_steps": 30.0,
        "nearest": 7.389,
        "farthest": 54.6,
        "theta": -50.0,
        "psi": 20.0,
    },
    "alternating": {
        "predicted": "converges",
        "predicted_rate": -0.02,
        "measured": "stalls",
        "measured_rate": 0.0,
        "low": None,
        "high": None,
        "period_steps": None,
        "nearest": 0.0183,
        "farthest": 0.135,
        "theta": 0.0183,
        "psi": 0.0,
    },
}


def path(*steps: int) -> list[Row]:
    """Both rules' rows at these steps: θ is the step, ψ its negative."""
    return [
        {"updates": updates, "step": step, "theta": float(step), "psi": float(-step)}
        for updates in UPDATES
        for step in steps
    ]


def with_facts(records: Records, **facts: Any) -> Records:
    """The records whose runs all have these facts."""
    n = len(records.runs)
    columns = {name: pd.Series([value] * n, dtype=object) for name, value in facts.items()}
    return replace(records, runs=records.runs.assign(**columns))


def records_of(made: Made, *runs: Row) -> Records:
    """Records of these runs with the verdicts of FACTS."""
    records = made("dirac", [({**RUN, **run}, "finished", path(0, 1)) for run in runs])
    flat = {f"{name}_{rule}": value for rule in FACTS for name, value in FACTS[rule].items()}
    return with_facts(records, **flat)


def test_a_row_for_each_rule_of_each_run(made: Made) -> None:
    """The columns that others rely on come first; what is played, predicted and measured."""
    found = classes(records_of(made, {}, {"loss": "kl"}))
    assert tuple(found.columns) == COLUMNS
    assert COLUMNS[:9] == (
        *("loss", "penalty", "penalty_weight", "learning_rate", "updates"),
        *("predicted", "predicted_rate", "measured", "measured_rate"),
    )
    assert found["loss"].tolist() == ["hinge", "hinge", "kl", "kl"]
    assert found["updates"].tolist() == ["simultaneous", "alternating"] * 2
    assert set(found["penalty_weight"]) == {0.3}
    assert set(found["learning_rate"]) == {0.2}


def test_the_verdict_is_that_of_the_file(made: Made) -> None:
    """Word by word and number by number; null is NaN, and every number a float."""
    found = classes(records_of(made, {}))
    for row, rule in zip(found.to_dict("records"), FACTS, strict=True):
        told = {name: None if pd.isna(row[name]) else row[name] for name in VERDICT}
        assert told == FACTS[rule]
    words = {"predicted", "measured"}
    assert {found[name].dtype for name in VERDICT if name not in words} == {pd.Series([0.5]).dtype}


def test_without_runs_there_are_no_rows(made: Made) -> None:
    """But all columns."""
    found = classes(made("dirac", []))
    assert found.empty
    assert tuple(found.columns) == COLUMNS
    assert table(made("dirac", [])).empty
    assert list(trajectories(made("dirac", []))) == []


def test_the_fields_are_those_of_the_suites_verdict() -> None:
    """A new one needs its line among the tables."""
    assert list(VERDICT) == [field.name for field in fields(Verdict)]


def test_what_an_experiment_stores_is_what_is_read(tmp_path: Path) -> None:
    """From gan's verdict to the table, over a file: not a bit is lost."""
    plain = {"optimiser": "sgd", "momentum": 0.0, "precision": "float64", "weight_clip": 0.0}
    rates = dict.fromkeys(("generator_learning_rate", "discriminator_learning_rate"), 0.2)
    run = Run(loss="hinge", penalty="r1", penalty_weight=0.3, steps=60, **plain, **rates)  # type: ignore[arg-type]  # fields by name
    store.write(tmp_path, dirac_experiment(run))
    found = classes(load([tmp_path])).to_dict("records")
    for row, rule in zip(found, UPDATES, strict=True):
        values = update_eigenvalues("hinge", "r1", 0.3, updates=rule)
        path = simulate("hinge", "r1", 0.3, steps=60, updates=rule)
        expected = pd.Series(asdict(verdict(path, values)), dtype=object)
        assert pd.Series(row, dtype=object)[list(VERDICT)].equals(expected)


def test_a_rule_that_has_no_path_has_no_row(made: Made) -> None:
    """Whatever the facts say of it."""
    records = records_of(made, {}, {"loss": "kl"})
    rows = records.dirac
    one = rows[(rows["updates"] == "alternating") | (rows["key"] == "run1")]
    found = classes(replace(records, dirac=one))
    told = list(zip(found["loss"], found["updates"], strict=True))
    assert told == [("hinge", "alternating"), ("kl", "simultaneous"), ("kl", "alternating")]


def test_a_rate_that_is_not_finite_is_nan(made: Made) -> None:
    """Null in every run: a column without numbers is still one of floats."""
    records = with_facts(records_of(made, {}), predicted_rate_simultaneous=None)
    found = classes(records)["predicted_rate"]
    assert found.isna().tolist() == [True, False]


def test_paths_are_in_the_order_of_steps(made: Made) -> None:
    """Whatever the order of the file's rows."""
    records = records_of(made, {})
    turned = replace(records, dirac=records.dirac.iloc[::-1])
    for _, _, found in trajectories(turned):
        assert found.to_numpy().tolist() == [[0, 0], [1, -1]]


def test_players_of_different_rates_have_no_one_rate(made: Made) -> None:
    """NaN rather than one of them."""
    found = classes(records_of(made, {"discriminator_learning_rate": 0.1}))
    assert found["learning_rate"].isna().all()


def test_a_run_without_the_newer_settings_still_counts(made: Made) -> None:
    """A column that the records lack is NaN."""
    records = records_of(made, {})
    bare = replace(records, runs=records.runs.drop(columns="run.weight_clip"))
    assert classes(bare)["weight_clip"].isna().all()
    assert classes(bare)["measured"].tolist() == ["diverges", "stalls"]


def test_other_kinds_of_run_are_left_alone(made: Made, records: Records) -> None:
    """Runs of several kinds share one table."""
    one = records_of(made, {})
    both = replace(one, runs=pd.concat([records.runs, one.runs], ignore_index=True))
    pd.testing.assert_frame_equal(classes(both), classes(one))
    assert len(list(trajectories(both))) == 2


def test_the_table_is_in_words(made: Made) -> None:
    """Rates with three digits and their interval, a period, and where it ends."""
    gone = {"predicted_simultaneous": "undefined", "predicted_rate_simultaneous": None}
    found = table(with_facts(records_of(made, {}), **gone))
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
            "measured": "stalls",
            "predicted per step": "−0.02",
            "measured per step": "0",
            "steps per turn": "–",
            "nearest": "0.0183",
            "farthest": "0.135",
        },
    ]
