"""The figure of batch sizes, against curves whose step to the target is a power of the size."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.figures import batches, reached
from analysis.records import Records


def told(records: Records) -> str:
    """The caption."""
    return batches.caption(batches.prepare(records))


def falling(records: Records, power: float) -> Records:
    """Every run reaches its target at its second record, at step 1600·Nᵖ, a second per 100."""
    table = records.batches
    steps = 1600 * table["batch_size"].astype(float) ** power
    row = table.groupby("key").cumcount()
    return replace(
        records,
        batches=table.assign(
            step=row * steps, seconds=row * steps / 100, w1=np.where(row == 0, 10.0, 0.5)
        ),
    )


@pytest.mark.parametrize(("power", "words"), [(-0.5, "−0.500 [−0.500, −0.500]"), (0.0, "0.000")])
def test_the_power_of_the_batch_size_is_fitted(
    experimental: Records, power: float, words: str
) -> None:
    """From 16 to 256."""
    text = told(falling(experimental, power))
    assert text.startswith(
        "18 of 18 runs reach the target, 50\xa0% of their distance at step 0, and keep it: on ring "
        f"the steps to it go like N to the power {words}"
    )


def test_the_size_with_the_fewest_seconds_is_named(experimental: Records) -> None:
    """At 256 a sixteenth of 1,600 steps, at a second per 100."""
    text = told(falling(experimental, -0.5))
    assert (
        "the fewest seconds are at batch 256 (non_saturating, 1 s), 256 (saturating, 1 s)" in text
    )


def test_the_fit_turns_with_the_data(experimental: Records, reversed_experimental: Records) -> None:
    """Steps fall with the batch, or rise."""
    assert "go like N to the power −0.5" in told(experimental)
    assert "go like N to the power 0.5" in told(reversed_experimental)


def test_too_few_hits_make_no_power(experimental: Records) -> None:
    """Where nothing is reached the caption says so."""
    flat = replace(experimental, batches=experimental.batches.assign(w1=4.0))
    assert told(flat) == (
        "0 of 18 runs reach the target, 50\xa0% of their distance at step 0, and keep it: on "
        "ring no loss reaches it at two batch sizes; after 0.0656 s the lowest median W₁ is 4, at "
        "batch 16 (non_saturating)."
    )


def test_medians_count_misses_as_later_than_any(experimental: Records) -> None:
    """One of two seeds misses: the middle is not known; then no seconds are the fewest."""
    some = falling(experimental, -0.5)
    table = some.batches
    missed = replace(some, batches=table.assign(w1=table["w1"].mask(table["seed"] == 1, 4.0)))
    rows = batches.prepare(missed)
    medians = rows[rows["part"] == "median"]
    assert medians[["step", "seconds"]].isna().all(axis=None)
    assert "; at no size do more than half of the seeds; after " in told(missed)


def test_misses_lie_above_the_longest_run(experimental: Records) -> None:
    """Where an open triangle can't be taken for a step."""
    table = experimental.batches
    some = replace(experimental, batches=table.assign(w1=table["w1"].mask(table["seed"] == 1, 4.0)))
    rows = batches.prepare(some)
    runs = rows[rows["part"] == "run"]
    missed = runs[~runs["reached"].astype(bool)]
    assert len(missed)
    assert missed["step_drawn"].min() > runs["last_step"].max()
    hit = runs[runs["reached"].astype(bool)]
    assert (hit["step_drawn"] == hit["step"]).all()


def test_equal_seconds_are_those_that_every_finished_run_had(experimental: Records) -> None:
    """Each run's last distance by then."""
    rows = batches.prepare(experimental)
    runs = rows[rows["part"] == "run"]
    assert runs["equal_seconds"].unique().tolist() == [runs["last_seconds"].min()]
    shortest = runs.sort_values("last_seconds").iloc[0]
    assert shortest["later"] == shortest["final"]
    longest = runs.sort_values("last_seconds").iloc[-1]
    table = experimental.batches[experimental.batches["key"] == longest["key"]]
    by_then = table[table["seconds"] <= longest["equal_seconds"]]
    assert longest["later"] == by_then["w1"].iloc[-1]


def test_when_no_run_finished_no_seconds_are_equal(experimental: Records) -> None:
    """Diverged runs are judged, but say nothing of equal time."""
    runs = experimental.runs
    ended = runs["status"].mask(runs["kind"] == "batches", "diverged")
    rows = batches.prepare(replace(experimental, runs=runs.assign(status=ended)))
    assert rows["equal_seconds"].isna().all()
    assert rows["later"].isna().all()
    assert "after" not in batches.caption(rows)


def test_losses_are_drawn_beside_each_other() -> None:
    """Two strips half a width from the middle, their seeds within; one loss in the middle."""
    rows = pd.DataFrame(
        {"panel": "p", "loss": ["hinge", "hinge", "saturating"], "n": 4, "key": ["a", "b", "c"]}
    )
    offsets = reached.dodged(rows, ["n"], 1.0)
    assert offsets.tolist() == pytest.approx([0.35, 0.65, -0.5])
    alone = reached.dodged(rows[rows["loss"] == "saturating"], ["n"], 1.0)
    assert alone.tolist() == [0.0]
