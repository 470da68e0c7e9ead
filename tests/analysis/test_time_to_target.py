"""The figures of time to target and of performance profiles, against runs written by hand."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.figures import performance_profile, time_to_target
from analysis.figures.style import RC
from analysis.records import Records, load
from analysis.render import drawing

HOSTILE = "$\\frac{<script>alert(1)</script>\n&\"' 😀 عربى" + "x" * 200


@pytest.fixture
def paired(synthetic: Any) -> Records:
    """Eight seeds of two losses on ring."""
    return load([synthetic.session(data=("ring",), seeds=8, batch_sizes=(), diverged=False)])


def with_distances(records: Records, steps: dict[tuple[str, int], int]) -> Records:
    """W₁ is 4 until the step given for a loss and seed, and 1 from there on."""
    training = records.training.copy()
    for (loss, seed), step in steps.items():
        of_run = (training["loss"] == loss) & (training["seed"] == seed)
        training.loc[of_run, "w1"] = np.where(training.loc[of_run, "step"] >= step, 1.0, 4.0)
    return Records(**{**vars(records), "training": training})


def with_status(records: Records, loss: str, seed: int, status: str) -> Records:
    """The same with another end of one run."""
    runs, training = records.runs.copy(), records.training.copy()
    for table in (runs, training):
        table.loc[(table["loss"] == loss) & (table["seed"] == seed), "status"] = status
    return Records(**{**vars(records), "runs": runs, "training": training})


def even(records: Records) -> Records:
    """Seeds 0 to 7 of saturating arrive at 200 but for 0, 1 and 2, the others' at 100."""
    steps = {("non_saturating", seed): 100 for seed in range(8)}
    steps |= {("saturating", seed): 200 if seed > 2 else 10**6 for seed in range(8)}
    return with_distances(records, steps)


def test_curves_medians_and_misses_are_those_of_the_runs(paired: Records) -> None:
    """Five of eight arrive at 200, all of the other loss at 100."""
    rows = time_to_target.prepare(even(paired))
    curve = rows[(rows["part"] == "curve") & (rows["clock"] == "step")]
    slow = curve[curve["loss"] == "saturating"]
    assert slow["time"].tolist() == [0, 200, 600]
    assert slow["share"].tolist() == pytest.approx([0, 5 / 8, 5 / 8])
    fast = curve[curve["loss"] == "non_saturating"]
    assert fast["time"].tolist() == [0, 100, 600]
    assert fast["share"].tolist() == [0, 1, 1]
    assert (curve["low"] <= curve["share"]).all()
    assert (curve["share"] <= curve["high"]).all()
    medians = rows[(rows["part"] == "median") & (rows["clock"] == "step")]
    assert medians.set_index("loss")["time"].to_dict() == {"saturating": 200, "non_saturating": 100}


def test_the_caption_counts_arrivals_and_tells_the_medians(paired: Records) -> None:
    """With intervals from eight seeds on."""
    text = time_to_target.caption(time_to_target.prepare(even(paired)))
    assert text.replace("\xa0", " ") == (
        "The target is a W₁ of at most 50 % of that at step 0, kept to the end: 13 of 16 runs come "
        "to it, none diverged. Half of the seeds have come to it after 100 [100, 100] steps "
        "(non_saturating) and after 200 [200, ∞] steps (saturating) on ring."
    )


def test_a_loss_of_which_fewer_than_half_arrive_has_no_median(paired: Records) -> None:
    """And a diverged run never arrives, though it was within its target."""
    records = even(paired)
    for seed in (3, 4):
        records = with_status(records, "saturating", seed, "diverged")
    text = time_to_target.caption(time_to_target.prepare(records))
    assert "11 of 16 runs come to it, 2 diverged, which counts as never." in text
    assert "and never in their steps (saturating) on ring." in text


def test_a_run_whose_memory_ran_out_is_not_at_risk(paired: Records) -> None:
    """It is no miss."""
    records = with_status(even(paired), "saturating", 0, "out_of_memory")
    rows = time_to_target.prepare(records)
    assert rows.loc[(rows["part"] == "median") & (rows["loss"] == "saturating"), "n"].unique() == [
        7
    ]


def test_runs_without_a_distance_have_no_target(paired: Records) -> None:
    """Neither have they missed it."""
    bare = Records(**{**vars(paired), "training": paired.training.assign(w1=np.nan)})
    assert time_to_target.prepare(bare).empty
    assert performance_profile.prepare(bare).empty


def test_few_seeds_have_curves_without_bounds(records: Records) -> None:
    """Two of each loss."""
    rows = time_to_target.prepare(records)
    assert "low" not in rows
    assert set(rows.loc[rows["part"] == "curve", "n"]) <= {1, 2}


def test_misses_and_diverged_runs_are_marked(paired: Records) -> None:
    """A tick where it was censored, a cross where the longest run ends."""
    rows = time_to_target.prepare(with_status(even(paired), "saturating", 0, "diverged"))
    with mpl.rc_context(RC):
        canvas = Canvas()
        time_to_target.draw(rows, canvas)
    left = canvas.axes[0]
    ticks, crosses = (
        [line for line in left.lines if line.get_marker() == marker] for marker in ("|", "x")
    )
    assert [len(np.asarray(line.get_xdata())) for line in ticks] == [2]
    assert [np.asarray(line.get_xdata()).tolist() for line in crosses] == [[600.0]]
    entries = [text.get_text() for one in canvas.legends for text in one.get_texts()]
    assert {"ends without (censored)", "diverged (never)", "95 % interval, pointwise"} <= {*entries}


def test_bands_that_would_bury_the_curves_are_not_drawn(paired: Records) -> None:
    """Two losses have theirs; of five the CSV has them."""
    rows = time_to_target.prepare(even(paired))
    many = [rows.assign(loss=rows["loss"] + str(n)) for n in range(3)]
    for shown, bands in ((rows, 2), (pd.concat(many), 0)):
        with mpl.rc_context(RC):
            canvas = Canvas()
            time_to_target.draw(shown, canvas)
        assert [len(axes.collections) for axes in canvas.axes] == [bands] * 2


def test_a_profile_is_over_the_seeds_of_a_setting(paired: Records) -> None:
    """One loss is the fastest everywhere; the other takes twice as long in five of eight."""
    rows = performance_profile.prepare(even(paired))
    steps = rows[rows["clock"] == "step"]
    assert steps["panel"].unique().tolist() == ["8 seeds of ring\nsteps"]
    slow = steps[steps["loss"] == "saturating"]
    assert slow["ratio"].tolist() == [1, 2, 2.5]
    assert slow["share"].tolist() == [0, 5 / 8, 5 / 8]
    assert (steps.loc[steps["loss"] == "non_saturating", "share"] == 1).all()
    assert (
        performance_profile.caption(rows)
        .replace("\xa0", " ")
        .startswith(
            "In steps, on 8 seeds of ring the fastest most often: non_saturating (100 %), at the "
            "target most often: non_saturating (100 %)."
        )
    )


def test_losses_that_are_equal_are_all_named(paired: Records) -> None:
    """Every loss is the fastest."""
    steps = {(loss, n): 100 for loss in ("saturating", "non_saturating") for n in range(8)}
    text = performance_profile.caption(performance_profile.prepare(with_distances(paired, steps)))
    assert "the fastest most often: every loss (100" in text


def test_many_equal_losses_are_counted(synthetic: Any) -> None:
    """Of seven, five arrive at once and two later."""
    losses = [f"loss_{n}" for n in range(7)]
    folder = synthetic.session(
        losses=losses, data=("ring",), seeds=1, batch_sizes=(), diverged=False
    )
    steps = {(loss, 0): 200 if n > 4 else 100 for n, loss in enumerate(losses)}
    records = with_distances(load([folder]), steps)
    text = performance_profile.caption(performance_profile.prepare(records))
    assert "the fastest most often: 5 losses (100" in text


def test_a_seed_that_one_loss_lacks_is_left_out_and_told(paired: Records) -> None:
    """Its memory ran out."""
    rows = performance_profile.prepare(with_status(even(paired), "saturating", 5, "out_of_memory"))
    assert (rows["problems"] == 7).all()
    assert "; 1 seed that a loss lacks left out." in performance_profile.caption(rows)


def test_settings_with_the_same_losses_share_a_profile(records: Records) -> None:
    """Three kinds of data with two losses each: six problems, none left out."""
    rows = performance_profile.prepare(records)
    assert rows["problems"].unique().tolist() == [6]
    assert rows["settings"].unique().tolist() == [3]
    assert (rows["left_out"] == 0).all()


def test_one_loss_has_no_profile(few_records: Records) -> None:
    """There is nothing to be faster than."""
    assert performance_profile.prepare(few_records).empty


def test_losses_that_share_no_seed_have_no_profile(paired: Records) -> None:
    """Even in one setting."""
    runs = paired.runs.copy()
    runs["seed"] += 100 * (runs["loss"] == "saturating")
    assert performance_profile.prepare(Records(**{**vars(paired), "runs": runs})).empty


@pytest.mark.parametrize("module", [time_to_target, performance_profile])
def test_names_of_any_kind_are_drawn_as_text(paired: Records, module: Any) -> None:
    """No TeX, no mark-up, no line breaks, no endless titles, no warnings."""
    names = ("loss", "data", "machine", "penalty")
    attacked = {
        table: frame.assign(**{name: frame[name] + HOSTILE for name in names if name in frame})
        for table, frame in vars(paired).items()
        if isinstance(frame, pd.DataFrame)
    }
    one = drawing("figure", module.FIGURE, Records(**{**vars(paired), **attacked}))
    assert one is not None
    assert b"<script" not in one.svg
