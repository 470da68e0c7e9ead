"""Performance profiles, against hand-computed ones and their definition."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.figures.performance_profile import caption
from analysis.performance import profile, ratios, tried_by_all

TIME = st.one_of(st.floats(1e-3, 1e6), st.just(math.inf))
TABLE = st.lists(st.tuples(TIME, TIME, TIME), min_size=1, max_size=12)


def solvers(*rows: tuple[float, ...]) -> pd.DataFrame:
    """Problems × solvers a, b, …"""
    return pd.DataFrame(rows, columns=list("abc")[: len(rows[0])])


def shares(table: pd.DataFrame, loss: str) -> dict[float, float]:
    """One solver's profile, ratio -> share."""
    rows = profile(table)
    of_loss = rows[rows["loss"] == loss]
    return dict(zip(of_loss["ratio"], of_loss["share"], strict=True))


def test_a_profile_by_hand() -> None:
    """a wins twice, b once and is twice 2 and 4 times as slow; one problem neither solves."""
    table = solvers((10, 20), (10, 40), (30, 15), (math.inf, math.inf))
    assert shares(table, "a") == {1.0: 0.5, 2.0: 0.75, 4.0: 0.75}
    assert shares(table, "b") == {1.0: 0.25, 2.0: 0.5, 4.0: 0.75}


def test_a_tie_is_a_win_for_both() -> None:
    """ρ(1) of Dolan and Moré counts ties for each."""
    assert shares(solvers((5, 5)), "a") == shares(solvers((5, 5)), "b") == {1.0: 1.0}


def test_a_miss_is_never_within_any_factor() -> None:
    """Its share stays what it was."""
    table = solvers((1, math.inf), (7, math.inf))
    assert set(shares(table, "b").values()) == {0.0}
    assert ratios(table)["b"].tolist() == [math.inf, math.inf]


@settings(max_examples=30)
@given(TABLE)
def test_a_profile_is_the_share_of_ratios_at_most_tau(rows: list[tuple[float, ...]]) -> None:
    """By the definition, one τ at a time; it never falls, and ends at the share solved."""
    table = solvers(*rows)
    found = ratios(table)
    for loss, curve in profile(table).groupby("loss"):
        assert curve["ratio"].iloc[0] == 1
        for tau, share in zip(curve["ratio"], curve["share"], strict=True):
            assert share == pytest.approx((found[str(loss)] <= tau).mean())
        assert curve["share"].is_monotonic_increasing
        assert curve["share"].iloc[-1] == pytest.approx(np.isfinite(table[str(loss)]).mean())


@given(TABLE)
def test_the_best_of_each_problem_has_ratio_one(rows: list[tuple[float, ...]]) -> None:
    """Where any solver arrived at all."""
    table = solvers(*rows)
    solved = np.isfinite(table.to_numpy()).any(axis=1)
    assert (ratios(table).to_numpy().min(axis=1)[solved] == 1).all()


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_a_time_that_is_none_is_refused(bad: float) -> None:
    """A run that is missing is not a run that missed."""
    with pytest.raises(ValueError, match=r"^every solver needs a positive time for every problem"):
        ratios(solvers((1.0, bad)))


def test_no_problem_has_no_profile() -> None:
    """Rather than one of NaN."""
    with pytest.raises(ValueError, match=r"^a performance profile needs a problem and a solver$"):
        profile(solvers((1.0, 2.0)).iloc[:0])


def test_problems_that_a_loss_did_not_try_are_left_out_and_counted() -> None:
    """Seed 1 of ring lacks b; a miss of seed 2 is a try."""
    rows = pd.DataFrame(
        {
            "panel": ["ring"] * 5,
            "seed": [0, 0, 1, 2, 2],
            "loss": ["a", "b", "a", "a", "b"],
            "time": [1.0, 2.0, 3.0, 4.0, math.inf],
        }
    )
    table, left_out = tried_by_all(rows)
    assert table.index.tolist() == [("ring", 0), ("ring", 2)]
    assert table["b"].tolist() == [2.0, math.inf]
    assert left_out == 1


def told(table: pd.DataFrame) -> str:
    """The caption of one table's profile, in steps."""
    rows = profile(table).assign(panel="3 seeds of ring\nsteps", clock="step", left_out=0)
    return caption(rows).partition(". ")[0].replace("\xa0", " ")


def test_where_nobody_arrives_nobody_is_the_fastest() -> None:
    """Three seeds, two losses, all of them missed; one arrival is enough for a winner."""
    missed = (math.inf, math.inf)
    assert told(solvers(missed, missed, missed)) == (
        "In steps, on 3 seeds of ring no loss comes to the target"
    )
    assert told(solvers(missed, missed, (5, math.inf))) == (
        "In steps, on 3 seeds of ring the fastest most often: a (33 %), at the target most often: "
        "a (33 %)"
    )
