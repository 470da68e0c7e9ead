"""The figure of single samples' gradients, against closed forms."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.figures import per_sample
from analysis.figures.per_sample import SLOPES, crossing_rows, expected
from analysis.records import Records


def told(records: Records) -> str:
    """The caption."""
    return per_sample.caption(per_sample.prepare(records))


def changed(records: Records, **columns: Any) -> Records:
    """The records with other columns in their table of single samples."""
    return replace(records, per_sample=records.per_sample.assign(**columns))


def test_the_powers_of_d_are_fitted_and_held_against_theory(experimental: Records) -> None:
    """1/D with respect to D alone: −1 and 0 there, 0 and 1 everywhere else."""
    rows = per_sample.prepare(experimental)
    fits = rows[rows["part"] == "exponent"].set_index(["gradient_of", "place"])["value"]
    assert fits["non_saturating", "to_probability"] == pytest.approx(-1, abs=1e-3)
    assert fits["saturating", "to_probability"] == pytest.approx(0, abs=1e-3)
    for place in ("to_logit", "to_sample", "to_parameters"):
        assert fits["non_saturating", place] == pytest.approx(0, abs=1e-3)
        assert fits["saturating", place] == pytest.approx(1, abs=1e-3)
    text = told(experimental)
    assert "the saturating one goes like D to the power 0.000 [0.000, 0.000] in D and 1.000" in text
    assert "in the logit, the sample and the parameters; 12 of 12 powers are theory's" in text


def test_powers_that_contradict_theory_are_named(reversed_experimental: Records) -> None:
    """With the losses exchanged only the wasserstein loss is as theory has it."""
    text = told(reversed_experimental)
    assert "; 4 of 12 powers are theory's, the others contradict it (saturating in D, " in text
    assert "wasserstein in" not in text


def test_losses_that_follow_no_power_have_no_verdict() -> None:
    """|a − 1| and |a/2 + 1| grow like log 1/D."""
    assert np.isnan([expected("least_squares", "to_logit"), expected("pearson", "to_sample")]).all()
    assert expected("hinge", "to_probability") == -1
    assert SLOPES["squared_hellinger"] == 1


@pytest.mark.parametrize(
    ("float64", "float32", "words"),
    [
        (2e-14, 3e-7, "2·10⁻¹⁴ in float64, within 10⁻¹⁰ and 3·10⁻⁷ in float32, within 10⁻⁵"),
        (2e-9, 3e-4, "2·10⁻⁹ in float64, beyond 10⁻¹⁰ and 0.0003 in float32, beyond 10⁻⁵"),
    ],
)
def test_the_ratios_error_is_held_against_its_bound(
    experimental: Records, float64: float, float32: float, words: str
) -> None:
    """In every format its own."""
    rows = experimental.per_sample
    error = np.where(rows["dtype"] == "float64", float64, float32)
    error = np.where(rows["gradient_of"] == "non_saturating", error, np.nan)
    assert f"by at most {words}; " in told(changed(experimental, ratio_error=error))


def test_an_error_in_a_format_without_a_bound_is_told_alone(experimental: Records) -> None:
    """Nothing is said of within or beyond."""
    text = told(changed(experimental, dtype="float16", ratio_error=0.25))
    assert "by at most 0.25 in float16; they are equal" in text


def test_without_errors_no_ratio_is_told(experimental: Records) -> None:
    """A session of one loss has none."""
    text = told(changed(experimental, ratio_error=np.nan, parameter_error=np.nan))
    assert "No ratio of the two losses was measured; they are equal at D = 0.5" in text


def test_the_norms_cross_where_their_logarithms_do() -> None:
    """Norms e^a and e⁻ᵃ·e at a = −1 and 2 are equal at ½."""
    curves = pd.DataFrame(
        {
            "panel": "p",
            "place": "to_parameters",
            "gradient_of": ["saturating", "non_saturating"] * 2,
            "logit": [-1.0, -1.0, 2.0, 2.0],
            "value": np.exp([-1.0, 2.0, 2.0, -1.0]),
        }
    )
    (row,) = crossing_rows(curves).to_dict("records")
    assert row["logit"] == pytest.approx(0.5)
    assert row["d_fake"] == pytest.approx(1 / (1 + np.exp(-0.5)))
    apart = curves.assign(value=[1.0, 2.0, 1.0, 2.0])
    assert crossing_rows(apart).empty
    assert crossing_rows(curves[curves["gradient_of"] == "saturating"]).empty


def test_norms_that_do_not_cross_are_said_not_to(experimental: Records) -> None:
    """One is always twice the other."""
    rows = experimental.per_sample
    norms = np.where(rows["gradient_of"] == "non_saturating", 2.0, 1.0)
    assert "; the two norms do not cross" in told(changed(experimental, to_parameters=norms))


def test_curves_are_medians_over_seeds_of_trained_networks_in_float64(
    experimental: Records,
) -> None:
    """Seeds of factor 1 and 3 make 2; others are left to the errors."""
    rows = experimental.per_sample
    factor = np.where(rows["seed"] == 0, 1.0, 3.0)
    prepared = per_sample.prepare(changed(experimental, to_logit=factor))
    curves = prepared[(prepared["part"] == "curve") & (prepared["place"] == "to_logit")]
    assert curves["value"].unique().tolist() == [2.0]
    assert curves["network"].unique().tolist() == ["trained"]
    assert curves["dtype"].unique().tolist() == ["float64"]
    errors = prepared[prepared["part"] == "error"]
    assert set(errors["dtype"]) == {"float64", "float32"}


def test_what_there_is_is_shown_where_nothing_is_trained(experimental: Records) -> None:
    """And the caption says on which networks, in which format."""
    rows = experimental.per_sample
    bare = rows[(rows["network"] == "untrained") & (rows["dtype"] == "float32")]
    text = told(replace(experimental, per_sample=bare))
    assert text.startswith("One sample's gradients on untrained networks in float32: ")


def test_values_a_logarithm_can_not_show_are_counted(experimental: Records) -> None:
    """Of the curves that are shown."""
    rows = experimental.per_sample
    shown = (rows["network"] == "trained") & (rows["dtype"] == "float64")
    sample = rows["to_sample"].mask(shown & (rows["logit"] == 0) & (rows["seed"] == 0), 0.0)
    text = told(changed(experimental, to_sample=sample))
    assert text.endswith("; 3 values of 0 or not finite can't be shown.")


def test_without_small_d_there_is_no_power(experimental: Records) -> None:
    """Nothing is fitted where D is not small."""
    large = experimental.per_sample[experimental.per_sample["logit"] > -5]
    text = told(replace(experimental, per_sample=large))
    assert "where D(G(z)) ≤ 0.001, there are too few points to fit a power of D. " in text


def test_a_minibatch_is_held_against_the_law_of_one_sample(experimental: Records) -> None:
    """Norms of 2·(1 − D) and D: the ratio is twice that of one sample; other data do not count."""
    rows = experimental.gradients
    norms: dict[str, Any] = {
        "saturating_gradient_norm": rows["d_fake"],
        "non_saturating_gradient_norm": 2 * rows["one_minus_d_fake"],
        "cosine": 0.75,
    }
    text = told(replace(experimental, gradients=rows.assign(**norms)))
    assert "of a minibatch the ratio is 2 to 2 times (1 − D)/D, the cosine 0.75 to 0.75" in text
    assert "minibatch" not in told(replace(experimental, gradients=rows.assign(data="digits")))
    untrained = rows[rows["network"] == "untrained"]
    assert "minibatch" not in told(replace(experimental, gradients=untrained))
