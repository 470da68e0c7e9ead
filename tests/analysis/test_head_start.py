"""The figure of D's head start, against runs that recover or not by construction."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.figures import head_start
from analysis.records import Records


def told(records: Records) -> str:
    """The caption."""
    return head_start.caption(head_start.prepare(records))


def test_shares_are_counted_by_optimiser_head_start_and_loss(experimental: Records) -> None:
    """With sgd and a head start the saturating loss does not move; everything else recovers."""
    rows = head_start.prepare(experimental)
    shares = rows[rows["part"] == "share"].set_index(["optimiser", "head_start", "loss"])["value"]
    assert len(shares) == 2 * 2 * 3
    assert shares["sgd", 1000, "saturating"] == 0
    assert shares.drop(("sgd", 1000, "saturating")).eq(1).all()


def test_the_longest_head_start_is_told_with_exact_intervals(experimental: Records) -> None:
    """Of two seeds the interval ends at 84 %, or begins at 16 %."""
    text = told(experimental)
    assert text.startswith(
        "Recovered is a generator whose W₁ falls to 85\xa0% of its value at step 0 and stays "
        "there: after 1,000 updates of D on ring, with adam 2 of 2 [16\xa0%, 100\xa0%] "
        "(non-saturating, saturating, wasserstein), with sgd 2 of 2 [16\xa0%, 100\xa0%] "
        "(non-saturating, wasserstein) and 0 of 2 [0\xa0%, 84\xa0%] (saturating). "
    )


def test_what_turns_around_is_told_turned_around(reversed_experimental: Records) -> None:
    """There it is the non-saturating loss that stays behind."""
    assert "0 of 2 [0\xa0%, 84\xa0%] (non-saturating)" in told(reversed_experimental)


def many_seeds(records: Records, seeds: int) -> Records:
    """Every run of a head start several times over, as so many seeds."""
    tables = {
        name: pd.concat([frame.assign(key=frame["key"] + f"-{n}") for n in range(seeds)])
        for name, frame in (("head_start", records.head_start), ("runs", records.runs))
    }
    return replace(records, head_start=tables["head_start"], runs=tables["runs"])


def test_intervals_that_lie_apart_are_a_difference(
    experimental: Records, reversed_experimental: Records
) -> None:
    """0 of 8 against 8 of 8; two seeds could not tell."""
    clause = "recovers less often than the non-saturating, with intervals apart, in {} of 4 "
    end = "conditions, more often in {}"
    assert (clause + end).format(0, 0) in told(experimental)
    assert (clause + end).format(1, 0) in told(many_seeds(experimental, 4))
    assert (clause + end).format(0, 1) in told(many_seeds(reversed_experimental, 4))


def test_a_run_that_diverged_did_not_recover(experimental: Records) -> None:
    """One that ended before its first record counts; one whose memory ran out does not."""
    runs = experimental.runs
    ours = runs["kind"] == "head_start"
    keys = runs.loc[ours & (runs["loss"] == "wasserstein"), "key"].tolist()
    status = runs["status"].mask(runs["key"] == keys[0], "diverged")
    status = status.mask(runs["key"] == keys[1], "out_of_memory")
    table = experimental.head_start
    cut = table[~table["key"].isin(keys[:2])]
    rows = head_start.prepare(
        replace(experimental, runs=runs.assign(status=status), head_start=cut)
    )
    told_of = rows[rows["part"] == "run"].set_index("key")
    assert not told_of.loc[keys[0], "reached"]
    assert keys[1] not in told_of.index


def test_a_recovery_that_is_lost_again_is_counted(experimental: Records) -> None:
    """All runs are back at their first distance in the last record."""
    table = experimental.head_start
    last = table["step"] == table["step"].max()
    first = table.groupby("key")["w1"].transform("first")
    lost = replace(experimental, head_start=table.assign(w1=table["w1"].mask(last, first)))
    assert told(lost).endswith("; 22 runs of 24 came there and lost it again by the end.")
    assert told(experimental).endswith("; 0 runs of 24 came there and lost it again by the end.")


def test_last_distances_are_shares_of_the_first(experimental: Records) -> None:
    """A run that does not move ends at 1; one without a first distance has none."""
    rows = head_start.prepare(experimental)
    stuck = rows[(rows["optimiser"] == "sgd") & (rows["head_start"] > 0)]
    stuck = stuck[(stuck["loss"] == "saturating") & (stuck["part"] == "run")]
    assert stuck["final_share"].tolist() == [1.0, 1.0]
    none = replace(experimental, head_start=experimental.head_start.assign(w1=np.nan))
    rows = head_start.prepare(none)
    assert rows["final_share"].isna().all()


def test_images_recover_in_fid(experimental: Records) -> None:
    """The caption names the distance that was judged."""
    table = experimental.head_start
    images = replace(experimental, head_start=table.assign(fid=table["w1"], w1=np.nan))
    assert told(images).startswith("Recovered is a generator whose FID falls to")


def test_without_both_losses_nothing_is_compared(experimental: Records) -> None:
    """The shares are told all the same."""
    runs = experimental.runs
    one = replace(experimental, runs=runs[runs["loss"] == "wasserstein"])
    assert "no condition compares the saturating with the non-saturating loss" in told(one)


def test_head_starts_are_one_apart_and_losses_beside_each_other(experimental: Records) -> None:
    """Whatever their numbers of updates."""
    rows = head_start.prepare(experimental)
    runs = rows[rows["part"] == "run"]
    assert (runs["x"] - runs["place"]).abs().max() < 0.5
    assert sorted(runs["place"].unique()) == [0.0, 1.0]
    middles = runs[runs["place"] == 0].groupby("loss")["x"].mean()
    assert middles["saturating"] < middles["non_saturating"] < middles["wasserstein"]
    assert middles["non_saturating"] == pytest.approx(0)
