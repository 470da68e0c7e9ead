"""What captions and prepared rows say, against data whose answer is known."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.estimates import Interval
from analysis.figures import FIGURES, final_metric, gradient_norm, metric, metric_curve, throughput
from analysis.figures.gradient_norm import anchored
from analysis.figures.images import sheet
from analysis.figures.snapshot import evenly, finite_samples
from analysis.records import Records, load
from analysis.summary import summary
from analysis.theory import COSTS


def caption(name: str, records: Records) -> str:
    """A figure's caption."""
    return FIGURES[name].caption(FIGURES[name].prepare(records))


def with_gradients(records: Records, **columns: Any) -> Records:
    """The records with other columns in their table of gradients."""
    return Records(**{**vars(records), "gradients": records.gradients.assign(**columns)})


def test_the_cost_caption_tells_the_closed_forms(records: Records) -> None:
    """At D = 10⁻⁶: 10⁻⁶ against 1 in the logit, 10⁶ in D."""
    text = caption("generator_cost", records)
    assert "is 10⁻⁶ (saturating), 1 (non-saturating) and 10⁻⁶ (maximum-likelihood)" in text
    assert "With respect to D that one is 10⁶" in text


def test_the_cost_rows_are_theorys(records: Records) -> None:
    """J itself, and both derivatives in absolute value."""
    rows = FIGURES["generator_cost"].prepare(records)
    for (quantity, loss), curve in rows.groupby(["panel", "loss"]):
        curves = getattr(COSTS[str(loss)], str(quantity))
        expected = curves(curve["d_fake"].to_numpy())
        expected = expected if quantity == "cost" else np.abs(expected)
        np.testing.assert_allclose(curve["value"], expected)


def test_gradients_as_theory_has_them_are_said_to_be(records: Records) -> None:
    """Slopes 1 and 0 where D is small, with bounds."""
    text = caption("gradient_norm", records)
    assert "the saturating gradient vanishes like D to the power 1.00" in text
    assert "(as theory says: 1)" in text
    assert "the non-saturating gradient stays level, D to the power " in text
    assert "(as theory says: 0)" in text


def test_gradients_that_contradict_theory_are_said_to(reversed_records: Records) -> None:
    """With the losses' norms exchanged every verdict turns."""
    text = caption("gradient_norm", reversed_records)
    assert "the saturating gradient stays level, D to the power " in text
    assert "(which contradicts theory: 1)" in text
    assert "the non-saturating gradient vanishes like D to the power 1.00" in text
    assert "(which contradicts theory: 0)" in text


@pytest.mark.parametrize(
    ("loss", "slope", "words"),
    [
        ("saturating", 1.04, "vanishes like D to the power 1.040 (as theory says: 1)"),
        ("saturating", 1.06, "vanishes like D to the power 1.060 (which contradicts theory: 1)"),
        ("non_saturating", -1.0, "grows like D to the power −1.000 (which contradicts theory: 0)"),
        ("non_saturating", -0.04, "stays level, D to the power −0.040 (as theory says: 0)"),
    ],
)
def test_a_verdict_follows_the_slope(loss: str, slope: float, words: str) -> None:
    """Within 0.05 of theory's it agrees."""
    fit = Interval(slope, np.nan, np.nan, 0.95, 9)
    assert gradient_norm._verdict(loss, fit) == words


def test_the_ratio_of_gradients_is_measured_against_the_odds(records: Records) -> None:
    """Norms of 3·(1 − D) and D make it 3 times (1 − D) / D."""
    rows = records.gradients
    exact = with_gradients(
        records,
        saturating_gradient_norm=rows["d_fake"],
        non_saturating_gradient_norm=3 * rows["one_minus_d_fake"],
    )
    text = caption("gradient_norm", exact)
    assert "their ratio is 3 times (1 − D) / D in the median" in text
    assert "from 3 to 3 times" in text


def test_theory_is_anchored_at_the_median_of_measured_over_shape() -> None:
    """Factors of 2, 4 and 30 give K = 4, whatever the shape; the ratio is not fitted."""
    rows = pd.DataFrame(
        {
            "panel": "p",
            "network": "trained",
            "quantity": ["saturating"] * 3 + ["ratio"],
            "shape": [0.1, 0.5, 0.01, 7.0],
            "measured": [0.2, 2.0, 0.3, 5.0],
        }
    )
    assert anchored(rows)["theory"].tolist() == pytest.approx([0.4, 2.0, 0.04, 7.0])


def test_gradients_that_underflow_are_counted(records: Records) -> None:
    """A norm of 0 has no place on a logarithmic axis; it and its ratio are told."""
    norms = records.gradients["saturating_gradient_norm"].copy()
    norms.iloc[:5] = 0.0
    text = caption("gradient_norm", with_gradients(records, saturating_gradient_norm=norms))
    assert text.endswith("; 10 values of 0 or not finite can't be shown.")


def test_without_small_d_there_is_no_slope(records: Records) -> None:
    """Nothing is said of D(G(z)) ≤ 10⁻³ without a state there."""
    large = records.gradients[records.gradients["d_fake"] > 0.01]
    text = caption("gradient_norm", Records(**{**vars(records), "gradients": large}))
    assert text.startswith("Too few points have D(G(z)) ≤ 0.001 to fit a slope")


def test_one_small_d_in_each_network_gives_no_slope(records: Records) -> None:
    """Two values of D(G(z)) at or below 10⁻³, but no power law has two points."""
    rows = records.gradients
    small = rows[rows["d_fake"] <= 1e-3].groupby(["key", "network"]).head(1)
    networks = ("untrained", "trained")
    apart = small.assign(
        d_fake=small["network"].map(dict(zip(networks, (1e-4, 1e-3), strict=True)))
    )
    kept = pd.concat([apart, rows[rows["d_fake"] > 1e-3]])
    assert apart["d_fake"].nunique() == 2
    text = caption("gradient_norm", Records(**{**vars(records), "gradients": kept}))
    assert text.startswith("Too few points have D(G(z)) ≤ 0.001 to fit a slope; at the smallest")


def test_without_a_state_of_both_norms_there_is_no_ratio(records: Records) -> None:
    """All of one loss's norms underflow."""
    text = caption("gradient_norm", with_gradients(records, saturating_gradient_norm=0.0))
    assert (
        text == "In no state are both norms positive and finite: there is no ratio of Eq. 3 to 4."
    )


def test_training_signals_say_which_gradient_is_larger(
    records: Records, reversed_records: Records
) -> None:
    """In all records below ½, or in none."""
    larger = "is larger than the saturating one (Eq. 4) in {}\N{NO-BREAK SPACE}% of the 36 records"
    assert larger.format(100) in caption("training_signals", records)
    assert larger.format(0) in caption("training_signals", reversed_records)


def test_training_signals_are_medians_over_seeds(records: Records) -> None:
    """One row per setting, loss and step; a run that ended early leaves the others."""
    rows = FIGURES["training_signals"].prepare(records)
    assert rows.groupby(["block", "loss", "step"]).size().max() == 1
    ended = rows[(rows["block"] == "ring") & (rows["loss"] == "saturating")]
    assert ended["seeds"].tolist() == [2, 2, 2, 2, 1, 1, 1]


def test_training_signals_above_a_half_are_told_apart(records: Records) -> None:
    """Where D(G(z)) ≥ ½ theory has the saturating gradient larger."""
    rows = FIGURES["training_signals"].prepare(records)
    rows.loc[rows["step"] > 300, "d_fake_q50"] = 0.6
    text = FIGURES["training_signals"].caption(rows)
    assert "records with median D(G(z)) < ½, and in 67\N{NO-BREAK SPACE}% of the 18 above." in text
    rows["d_fake_q50"] = 0.6
    assert FIGURES["training_signals"].caption(rows).startswith("D(G(z)) never falls below ½ in 42")
    rows["saturating_gradient_norm"] = 0.0
    assert FIGURES["training_signals"].caption(rows) == (
        "No record has both gradient norms above 0."
    )


def test_speed_that_grows_with_the_batch_is_said_to(
    records: Records, reversed_records: Records
) -> None:
    """Rising in all lines, or falling in all where a step's time grows like the square."""
    assert "samples per second rise in 2 of 2 lines, at most 2.3" in caption("throughput", records)
    assert "samples per second fall in 2 of 2 lines" in caption("throughput", reversed_records)


def test_the_slowest_loss_is_named(synthetic: Any) -> None:
    """A penalty of 30 % on every step of one loss."""
    folder = synthetic.session(losses=("hinge", "wasserstein"), data=("ring",), seeds=1, rounds=40)
    text = caption("throughput", load([folder]))
    assert "(wasserstein against hinge, " in text
    assert "slowest loss takes 1.3" in text or "slowest loss takes 1.2" in text


def test_cells_without_timings_are_counted_by_status(synthetic: Any) -> None:
    """They are crosses in the figure and a clause in the caption."""

    def change(document: dict[str, Any]) -> None:
        for cell, status in zip(
            document["benchmarks"][:2], ("out_of_memory", "unsupported"), strict=True
        ):
            cell["extra_info"].update(status=status, message="no")

    records = load([synthetic.edit(change, batch_sizes=(16, 64))])
    text = caption("throughput", records)
    assert text.endswith("; 2 cells without timing: 1 out of memory and 1 unsupported.")
    assert FIGURES["throughput"].prepare(records)["status"].value_counts()["finished"] == 2


def test_a_session_whose_every_cell_failed_says_so(synthetic: Any) -> None:
    """There is no speed to tell of."""

    def change(document: dict[str, Any]) -> None:
        for cell in document["benchmarks"][:2]:
            cell["extra_info"].update(status="unsupported", message="no")

    text = caption("throughput", load([synthetic.edit(change)]))
    assert text == "No cell was timed; 2 cells without timing: 2 unsupported."


def test_one_batch_size_has_a_fastest_cell_and_no_trend(synthetic: Any) -> None:
    """The caption says what there is."""
    folder = synthetic.session(losses=("hinge",), data=("ring",), seeds=1, batch_sizes=(16,))
    text = caption("throughput", load([folder]))
    assert text.startswith("The fastest cell makes ")
    assert text.endswith("No two losses were timed alike.")


def test_speeds_are_medians_of_rounds_with_their_bounds(records: Records) -> None:
    """Six rounds: the bounds are the extremes, at 96.9 %."""
    rows = throughput.prepare(records)
    one = rows.iloc[0]
    rounds = records.throughput
    axes = ["loss", "batch_size", "mode"]
    of_cell = rounds.loc[(rounds[axes] == one[axes]).all(axis=1), "seconds_per_step"]
    assert one["seconds_per_step"] == pytest.approx(of_cell.median())
    assert (one["low"], one["high"]) == (of_cell.min(), of_cell.max())
    assert one["images_per_second"] == pytest.approx(one["batch_size"] / of_cell.median())
    assert rows["confidence"].unique() == [0.96875]


def test_the_best_loss_is_the_one_the_data_say(records: Records, reversed_records: Records) -> None:
    """Non-saturating learns faster; in the reversed session it forgets faster."""
    for name in ("metric_steps", "metric_seconds", "final_metric"):
        text = caption(name, records)
        assert "non_saturating has the best final interquartile mean in 8 of 8 panels" in text
        # One of the two saturating runs on ring diverged.
        assert " (a run that diverged or ended without a value counts as infinitely bad)" in text
        text = caption(name, reversed_records)
        assert "saturating has the best final interquartile mean in " in text
        assert "non_saturating has" not in text


def test_runs_that_did_not_finish_are_counted(records: Records) -> None:
    """And left out of the means."""
    assert "; of 12 runs, 1 diverged, marked × where they end." in caption("metric_steps", records)
    rows = final_metric.prepare(records)
    means = rows[(rows["kind"] == "interquartile_mean") & (rows["loss"] == "saturating")]
    assert means.loc[means["panel"].str.startswith("ring"), "seeds"].unique() == [1]


def test_a_run_that_ends_undefined_has_no_final_value(records: Records) -> None:
    """Without a good sample at its end it has no KL there; an earlier one would not be final."""
    training = records.training.copy()
    last = (training["step"] == 600) & (training["seed"] == 0) & (training["data"] == "ring")
    training.loc[last & (training["loss"] == "non_saturating"), "kl"] = np.nan
    lost = Records(**{**vars(records), "training": training})
    rows = metric.final(metric.curves(lost))
    ends = rows[(rows["metric"] == "kl") & (rows["loss"] == "non_saturating")]
    assert ends["seed"].tolist() == [1]
    for name in ("metric_steps", "metric_seconds", "final_metric"):
        assert caption(name, lost).endswith("; 1 final value undefined, not drawn.")
    assert summary(lost)["ring"]["KL (nats)"].tolist()[0].endswith(" (1 of 2)")


def test_a_single_panel_tells_its_means() -> None:
    """Three and five modes of two losses."""
    last = pd.DataFrame(
        {
            "panel": "p",
            "metric": "modes",
            "loss": ["a", "a", "b"],
            "value": [2.0, 4.0, 5.0],
            "status": "finished",
        }
    )
    told = "the final interquartile means are 3 (a) and 5 (b), best for "
    assert metric.ranking(last) == f"{told}b"
    lower = last.assign(metric="w1")
    assert metric.ranking(lower) == f"{told}a"
    assert metric.ranking(last.assign(loss="a")) == "no panel compares two losses"


def test_a_tie_is_a_tie() -> None:
    """Eight modes of eight are found by both."""
    last = pd.DataFrame(
        {
            "panel": ["p", "p", "q", "q"],
            "metric": "modes",
            "loss": ["a", "b"] * 2,
            "value": [8.0, 8.0, 8.0, 7.0],
            "status": "finished",
        }
    )
    assert metric.best_losses(last).to_dict() == {"p": "a tie", "q": "a"}


def test_means_over_seeds_begin_at_eight_and_end_with_the_first_that_diverges(
    synthetic: Any,
) -> None:
    """Nine seeds, of which one of the saturating loss stops half-way."""
    folder = synthetic.session(data=("ring",), seeds=9, records=4, batch_sizes=(16,))
    rows = metric_curve.prepare(load([folder]))
    means = rows[(rows["kind"] == "interquartile_mean") & (rows["metric"] == "w1")]
    assert means[means["loss"] == "saturating"]["step"].max() == 200
    assert means[means["loss"] == "non_saturating"]["step"].max() == 400
    assert (means["low"] <= means["value"]).all()
    assert (means["value"] <= means["high"]).all()


def test_fewer_seeds_are_lines_alone(records: Records) -> None:
    """No mean, no band."""
    assert set(metric_curve.prepare(records)["kind"]) == {"run"}


def test_modes_of_data_with_one_mode_are_not_drawn(records: Records) -> None:
    """A Gaussian has one; finding it is no achievement."""
    rows = metric.curves(records)
    assert set(rows.loc[rows["panel"].str.startswith("gaussian1d"), "metric"]) == {
        "high_quality",
        "w1",
    }


def test_distances_of_many_scales_get_a_logarithmic_axis(records: Records) -> None:
    """Shares do not, nor does what reaches 0."""
    rows = metric_curve.prepare(records)
    assert set(rows.loc[rows["log"], "metric"]) <= {"kl", "w1", "fid", "kid"}
    zero = records.training.assign(w1=np.where(records.training["step"] == 0, 100.0, 0.0))
    rows = metric_curve.prepare(Records(**{**vars(records), "training": zero}))
    assert not rows.loc[rows["metric"] == "w1", "log"].any()


def test_when_no_run_finishes_the_seconds_say_so(records: Records) -> None:
    """A pace needs a run that went all the way."""
    ended = records.training.assign(status="diverged")
    text = caption("metric_seconds", Records(**{**vars(records), "training": ended}))
    assert text == "No run finished; of 12 runs, 12 diverged, marked × where they end."


def test_a_discriminator_that_nears_the_optimum_is_said_to(
    records: Records, reversed_records: Records
) -> None:
    """Mean |D − D*| falls as p_g comes to p_data, and rises as it leaves."""
    assert "mean |D − D*| falls from 0.3" in caption("densities_1d", records)
    assert "mean |D − D*| rises from 0.0" in caption("densities_1d", reversed_records)


def test_many_rows_of_densities_are_counted(synthetic: Any) -> None:
    """Instead of a list of numbers."""
    losses = ("saturating", "non_saturating", "hinge", "wasserstein")
    folder = synthetic.session(losses=losses, data=("gaussian1d",), seeds=1, batch_sizes=(16,))
    text = caption("densities_1d", load([folder]))
    assert "mean |D − D*| falls in 4 of 4 rows and rises in 0" in text


def test_modes_are_counted_first_and_last(records: Records, reversed_records: Records) -> None:
    """From none to eight, or the other way."""
    assert "ring, non_saturating: 0 to 8 of 8 modes" in caption("ring_scatter", records)
    assert "ring, non_saturating: 8 to 0 of 8 modes" in caption("ring_scatter", reversed_records)


def test_points_without_counted_modes_say_so(records: Records) -> None:
    """Another 2-D data set has samples all the same."""
    bare = records.training.assign(modes=np.nan)
    text = caption("ring_scatter", Records(**{**vars(records), "training": bare}))
    assert text.endswith("no modes were counted.")


def test_images_are_compared_with_the_data_in_their_spread(records: Records) -> None:
    """A generator that collapsed to one image differs from itself by nothing."""
    training = records.training.copy()
    is_last = training["samples"].notna() & (training["data"] == "digits")
    training.loc[is_last, "samples"] = training.loc[is_last, "samples"].map(
        lambda values: np.tile(values[:64], 16)
    )
    text = caption("sample_grid", Records(**{**vars(records), "training": training}))
    assert text.endswith("as a share of the data's: 0 (non_saturating) and 0 (saturating).")


def test_a_sheet_puts_images_in_reading_order_between_gaps() -> None:
    """Six images of 2×2 pixels: five in the first row, one in the second."""
    images = np.arange(6.0)[:, None, None] * np.ones((6, 2, 2))
    page = sheet(images, 0.0, 5.0)
    assert page.shape == (5, 14)
    np.testing.assert_allclose(page[0, ::3], [0, 0.2, 0.4, 0.6, 0.8])
    assert page[3, 0] == 1
    assert np.isnan(page[2]).all()


def test_a_sheet_of_colour_has_three_channels() -> None:
    """Without images it is white."""
    page = sheet(np.zeros((1, 3, 2, 2)), 0.0, 0.0)
    assert page.shape == (2, 14, 3)
    assert page[0, 0].tolist() == [0, 0, 0]
    assert page[0, 5].tolist() == [1, 1, 1]


def test_snapshots_are_chosen_from_the_first_to_the_last() -> None:
    """Evenly."""
    assert evenly(list(range(100)), 5) == [0, 25, 50, 74, 99]


def test_samples_that_are_not_finite_are_left_out_whole() -> None:
    """A point with one infinite coordinate is no point."""
    values = np.array([1, 2, np.inf, 4, 5, 6])
    assert finite_samples(values, [2]).tolist() == [[1, 2], [5, 6]]
