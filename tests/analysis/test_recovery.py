"""When a run reached a share of its first distance, against curves written by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimates import share_interval
from analysis.recovery import (
    RECOVERED,
    TARGET,
    distance_after,
    distance_of,
    outcome,
    outcomes,
    rule_of,
)


def curve(*distances: float, metric: str = "w1", key: str = "k") -> pd.DataFrame:
    """Records every 10 steps and 0.5 s."""
    n = len(distances)
    records = {"key": key, "machine": "m", "step": 10 * np.arange(n), "seconds": np.arange(n) / 2}
    other = "fid" if metric == "w1" else "w1"
    return pd.DataFrame({**records, metric: distances, other: np.nan})


def runs(*keys: str, status: str = "finished") -> pd.DataFrame:
    """Rows of `Records.runs`."""
    return pd.DataFrame({"key": keys, "machine": "m", "status": status, "loss": "hinge"})


def test_the_shares_are_those_the_claims_speak_of() -> None:
    """A start that is left, and half of the first distance."""
    assert (RECOVERED, TARGET) == (0.85, 0.5)


def test_a_target_is_reached_at_the_first_record_within_it() -> None:
    """4, 3, 2, 1: half is reached, not passed, at step 20 after 1 s."""
    told = outcome(curve(4, 3, 2, 1), 0.5)
    assert told == {
        "metric": "w1",
        "start": 4.0,
        "final": 1.0,
        "reached": True,
        "step": 20.0,
        "seconds": 1.0,
        "lost": False,
        "last_step": 30.0,
        "last_seconds": 1.5,
    }


def test_a_run_that_diverged_has_lost_what_it_had_reached() -> None:
    """Its last record was within the target; what came after it was not finite."""
    (told,) = outcomes(curve(4, 1), runs("k", status="diverged"), 0.5).to_dict("records")
    assert not told["reached"]
    assert told["lost"]
    assert np.isnan([told["step"], told["seconds"]]).all()
    (kept,) = outcomes(curve(4, 1), runs("k"), 0.5).to_dict("records")
    assert (kept["reached"], kept["lost"], kept["step"]) == (True, False, 10.0)


def test_a_run_that_loses_it_again_has_not_reached_it() -> None:
    """Its final distance tells."""
    told: Any = outcome(curve(4, 1, 3), 0.5)
    assert (told["reached"], told["lost"], told["final"]) == (False, True, 3.0)
    assert np.isnan(told["step"])


def test_a_target_lost_on_the_way_is_reached_when_it_comes_back() -> None:
    """4, 1, 3, 2, 1: within it for good from step 30 on."""
    told = outcome(curve(4, 1, 3, 2, 1), 0.5)
    assert (told["reached"], told["lost"], told["step"]) == (True, False, 30.0)


def test_a_run_that_never_gets_there_has_no_step() -> None:
    """Nor seconds; but it has its last ones."""
    told: Any = outcome(curve(4, 3, 2.0001), 0.5)
    assert not told["reached"]
    assert np.isnan([told["step"], told["seconds"]]).all()
    assert told["last_step"] == 20.0


@pytest.mark.parametrize("start", [np.nan, np.inf, 0.0, -1.0])
def test_without_a_first_distance_nothing_is_reached(start: float) -> None:
    """There is nothing to take a share of."""
    told = outcome(curve(start, 1.0, 0.0), 0.5)
    assert (told["reached"], told["lost"]) == (False, False)


def test_distances_that_are_not_finite_reach_nothing() -> None:
    """−∞ is no distance; the next record counts."""
    assert outcome(curve(4, -np.inf, np.nan, 2), 0.5)["step"] == 30.0


def test_a_record_without_distance_at_the_end_leaves_the_final_one_undefined() -> None:
    """What was last defined would not be final."""
    told: Any = outcome(curve(4, 1, np.nan), 0.5)
    assert np.isnan(told["final"])
    assert (told["reached"], told["lost"]) == (False, True)


def test_images_are_judged_by_fid() -> None:
    """Mixtures by W₁, also where they had a FID."""
    assert distance_of(curve(3, 1, metric="fid")) == "fid"
    assert distance_of(curve(3, 1).assign(fid=9.0)) == "w1"
    assert distance_of(curve(np.nan, np.inf)) == ""
    assert distance_of(pd.DataFrame({"step": [0]})) == ""


def test_every_run_is_told_of_in_its_order() -> None:
    """Also one that ended before its first record."""
    curves = pd.concat([curve(4, 1, key="a"), curve(4, 3, metric="fid", key="b")])
    before = curves.copy()
    told = outcomes(curves, runs("none", "b", "a"), 0.5)
    assert told["key"].tolist() == ["none", "b", "a"]
    assert told["reached"].tolist() == [False, False, True]
    assert told["metric"].tolist() == ["", "fid", "w1"]
    assert told["final"].tolist()[1:] == [3.0, 1.0]
    assert np.isnan(told["last_step"][0])
    pd.testing.assert_frame_equal(curves, before)


def test_the_same_key_on_another_machine_is_another_run() -> None:
    """A key names settings and processor; a copy may carry another name."""
    curves = pd.concat([curve(4, 1), curve(4, 3).assign(machine="n")])
    both = pd.concat([runs("k"), runs("k").assign(machine="n")])
    assert outcomes(curves, both, 0.5)["reached"].tolist() == [True, False]


def test_a_field_that_a_run_lacks_is_not_part_of_its_rule() -> None:
    """Beside runs that have it a table says NaN."""
    assert rule_of({"run.optimiser": "sgd", "run.momentum": np.nan}) == "sgd"
    assert rule_of({"run.optimiser": "adam", "run.adam_epsilon": np.nan}) == "adam"
    assert rule_of({"run.optimiser": "adam", "run.adam_epsilon": None}) == "adam"
    assert rule_of({"run.optimiser": "adam", "run.adam_epsilon": 1e-3}) == "adam, ε 0.001"


def test_no_runs_are_an_empty_table_with_columns() -> None:
    """Readers need not ask."""
    told = outcomes(curve(4, 1), runs(), 0.5)
    assert told.empty
    assert {"reached", "step", "seconds", "start", "final"} <= set(told)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, np.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    """1 would be reached at once."""
    with pytest.raises(ValueError, match="share must lie between 0 and 1, not"):
        outcomes(curve(4, 1), runs("k"), share)


@given(
    distances=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30), share=st.floats(0.01, 0.99)
)
def test_from_its_step_on_a_run_is_within_the_target(distances: list[float], share: float) -> None:
    """Whatever the curve, and at no step before."""
    told: Any = outcome(curve(*distances), share)
    within = [value <= share * distances[0] for value in distances]
    assert told["reached"] == within[-1]
    assert told["lost"] == (any(within) and not within[-1])
    if told["reached"]:
        first = round(told["step"] / 10)
        assert all(within[first:])
        assert not within[first - 1]


def test_a_distance_after_some_seconds_is_the_last_by_then() -> None:
    """Records at 0, 0.5 and 1 s."""
    records = curve(4, 3, 2)
    assert [distance_after(records, s) for s in (0.0, 0.7, 1.0, 99.0)] == [4.0, 3.0, 2.0, 2.0]
    assert np.isnan(distance_after(records, -0.1))
    assert np.isnan(distance_after(records, np.nan))
    assert np.isnan(distance_after(curve(np.nan, np.nan), 1.0))


@given(n=st.integers(1, 60), data=st.data())
def test_shares_have_clopper_pearsons_bounds(n: int, data: st.DataObject) -> None:
    """Beyond them SciPy's exact tail probabilities fall short of 2.5 %."""
    k = data.draw(st.integers(0, n))
    told = share_interval(k, n)
    bounds = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (told.estimate, told.n) == (k / n, n)
    assert (told.low, told.high) == pytest.approx((bounds.low, bounds.high), rel=1e-6)


def test_shares_of_nothing_are_undefined_and_impossible_ones_refused() -> None:
    """0 of 0 is no share; 3 of 2 is a mistake."""
    assert np.isnan([share_interval(0, 0).estimate, share_interval(0, 0).low]).all()
    with pytest.raises(ValueError, match="3 successes of 2 runs"):
        share_interval(3, 2)
    with pytest.raises(ValueError, match="-1 successes of 2 runs"):
        share_interval(-1, 2)
