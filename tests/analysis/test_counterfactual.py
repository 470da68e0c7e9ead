"""The figure of what other losses would have given, against states written by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from analysis.figures import counterfactual
from analysis.figures.counterfactual import inner_edges
from analysis.records import Records


def told(records: Records) -> str:
    """The caption."""
    return counterfactual.caption(counterfactual.prepare(records))


def states(records: Records, **columns: Any) -> Records:
    """Two bins and one minibatch of two losses on one state of the first training run."""
    first = records.counterfactual.iloc[:1]
    table = pd.DataFrame(
        {
            "scope": ["bin"] * 4 + ["batch"] * 2,
            "gradient_of": ["saturating", "non_saturating"] * 3,
            "d_low": [0.0, 0.0, 0.5, 0.5, np.nan, np.nan],
            "d_high": [0.01, 0.01, 1.0, 1.0, np.nan, np.nan],
            "count": [30.0, 30.0, 10.0, 10.0, 64.0, 64.0],
            "d_fake": [0.001, 0.001, 0.8, 0.8, 0.1, 0.1],
            "gradient_norm": [0.01, 4.0, 3.0, 1.0, 2.0, 6.0],
            "step": 100,
        }
    ).assign(**columns)
    identity = first[["key", "machine", "status", "loss", "data", "seed"]]
    return replace(records, counterfactual=identity.merge(table, how="cross"))


def test_samples_are_counted_where_training_goes(experimental: Records) -> None:
    """30 of 40 in the bin below 0.01, where the ratio is 400; above ½ it is a third."""
    text = told(states(experimental))
    assert text.startswith(
        "Of 40 samples that 1 kind of training visited, 75\xa0% lie in bins of D(G(z)) ≤ 0.01 and "
        "75\xa0% below ½; Eq. 3's gradient is the larger below ½ and the smaller above in 2 of 2 "
        "bins, as theory says, and at most 400 times Eq. 4's (D from 0 to 0.01). "
    )


def test_bins_that_contradict_theory_are_counted(
    experimental: Records, reversed_experimental: Records
) -> None:
    """With the losses exchanged none is as theory has it."""
    text = told(reversed_experimental)
    assert " in 0 of 15 bins, which contradicts theory in the others" in text
    assert " in 15 of 15 bins, as theory says" in told(experimental)


def test_the_ratio_of_minibatches_is_told_from_its_records(experimental: Records) -> None:
    """6 over 2."""
    text = told(states(experimental))
    assert text.endswith(
        "Of whole minibatches it is the larger at 100\xa0% of the records: the ratio is 3 in the "
        "median, 3 at most, and 3 to 3 where training ends."
    )


def test_bins_show_medians_and_shares(experimental: Records) -> None:
    """At the logit of their median D; the outer edges lie beyond the outermost samples."""
    rows = counterfactual.prepare(states(experimental))
    bins = rows[(rows["part"] == "bin") & (rows["gradient_of"] == "saturating")]
    assert bins["share"].tolist() == [0.75, 0.25]
    assert bins["x"].tolist() == pytest.approx(logit([0.001, 0.8]))
    assert bins["left"].tolist() == pytest.approx([logit(0.001) - 1, 0.0])
    assert bins["right"].tolist() == pytest.approx([logit(0.01), logit(0.8) + 1])


def test_edges_inside_the_samples_stay() -> None:
    """Only those at infinity are drawn in."""
    edges = inner_edges(np.array([0.0, 0.5, 1.0]), np.array([-3.0, 3.0]))
    assert edges.tolist() == [-4.0, 0.0, 4.0]


def test_one_loss_alone_compares_nothing(experimental: Records) -> None:
    """The caption says so, twice."""
    rows = experimental.counterfactual
    alone = rows[rows["gradient_of"] == "wasserstein"]
    assert told(replace(experimental, counterfactual=alone)) == (
        "No bin of D(G(z)) has both the non-saturating and the saturating gradient. "
        "No minibatch has both norms above 0."
    )


@pytest.mark.parametrize("norm", [0.0, np.nan, np.inf])
def test_norms_without_a_logarithm_are_left_out(experimental: Records, norm: float) -> None:
    """Where all are so there is nothing to draw."""
    assert counterfactual.prepare(states(experimental, gradient_norm=norm)).empty


def test_the_losses_that_train_have_a_panel_each(experimental: Records) -> None:
    """The two of the paper first."""
    rows = counterfactual.prepare(experimental)
    assert list(rows["panel"].unique()) == [
        "ring\ntrained with saturating",
        "ring\ntrained with non_saturating",
        "ring\ntrained with wasserstein",
    ]


def test_odds_are_those_of_the_median_output(experimental: Records) -> None:
    """D = 0.1 makes 9."""
    rows = counterfactual.prepare(states(experimental))
    (step,) = rows[rows["part"] == "step"].to_dict("records")
    assert (step["value"], step["odds"], step["seeds"]) == pytest.approx((3.0, 9.0, 1))
