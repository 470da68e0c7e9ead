"""Comparisons of losses over a results folder's tables, and the page's table of them."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats

from analysis.comparison import signed_ranks
from analysis.comparison_table import comparison_table, in_words
from analysis.figures.families import advantage, better_first, comparisons, family, won
from analysis.records import Records, load


def runs(**values: ArrayLike) -> pd.DataFrame:
    """Final values by loss, one per seed."""
    return pd.DataFrame(
        [
            {"key": f"{loss}-{seed}", "loss": loss, "seed": seed, "value": value}
            for loss, of_loss in values.items()
            for seed, value in enumerate(np.asarray(of_loss, dtype=float))
        ]
    )


def compared(rows: pd.DataFrame, best: str = "lower") -> pd.DataFrame:
    """Of one family."""
    return family(rows, best)


def with_training(records: Records, training: pd.DataFrame) -> Records:
    """The records with other curves."""
    return Records(**{**vars(records), "training": training})


@pytest.fixture
def eight_seeds(synthetic: Any) -> Records:
    """Two losses on ring; seed 1 of the saturating loss diverges half-way."""
    return load([synthetic.session(data=("ring",), seeds=8, records=2, batch_sizes=())])


def test_a_pair_by_hand() -> None:
    """a is lower in all 8 seeds by 1, …, 8: 2⁻⁷, not corrected as it is the only one."""
    base = np.arange(8.0)
    (row,) = compared(runs(a=base, b=2 * base + 1)).to_dict("records")
    assert (row["loss"], row["other"], row["seeds"], row["ties"]) == ("a", "b", 8, 0)
    assert (row["probability"], row["high"]) == (1, 1)
    assert row["p"] == row["smallest_p"] == row["adjusted"] == 1 / 128
    assert (row["called"], row["level"]) == (True, 0.05)
    assert row["shift"] == -4.5
    assert row["effect"] == math.inf
    assert row["needed"] == 6


def test_the_family_is_all_pairs_of_the_losses() -> None:
    """Three losses, three pairs, the smallest p-value times three."""
    base = np.arange(8.0)
    rows = compared(runs(c=base, a=base + 10, b=base + 0.5 * (-1) ** base))
    assert rows[["loss", "other"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert rows["adjusted"].to_list()[1] == pytest.approx(3 / 128)
    assert rows["called"].tolist() == [True, True, False]


def test_higher_is_better_turns_the_probability_not_the_shift() -> None:
    """The shift is in the metric's own units."""
    rows = runs(a=[1.0] * 8, b=[3.0] * 8)
    low, high = compared(rows).iloc[0], compared(rows, "higher").iloc[0]
    assert (low["probability"], high["probability"]) == (1, 0)
    assert low["shift"] == high["shift"] == -2


def test_runs_without_a_value_rank_worst_and_have_no_shift() -> None:
    """b has none in 7 of 8 seeds, but is better in the other: rank 1 of 8, or none, either way."""
    (row,) = compared(runs(a=[2.0] * 8, b=[1.0] + [math.nan] * 7)).to_dict("records")
    assert row["probability"] == 7 / 8
    assert row["without"] == 7
    assert (row["shift"], row["p"]) == (1.0, pytest.approx(2 * 2 / 2**8, abs=0.02))


def test_only_seeds_that_both_losses_have_are_compared() -> None:
    """And losses that share none are no pair, nor count in the family."""
    rows = runs(a=[1.0] * 8, b=[2.0] * 6)
    other = runs(c=[5.0]).assign(seed=99)
    table = compared(pd.concat([rows, other]))
    assert table[["loss", "other", "seeds"]].to_numpy().tolist() == [["a", "b", 6]]
    assert table["adjusted"].tolist() == [2.0**-5]


def test_a_seed_that_ran_twice_counts_once() -> None:
    """The first key."""
    rows = pd.concat([runs(a=[1.0], b=[2.0]), runs(a=[9.0]).assign(key="z")])
    assert compared(rows)["probability"].tolist() == [1.0]
    assert compared(rows)["seeds"].tolist() == [1]


@pytest.mark.parametrize("rows", [runs(a=[1.0]), runs(a=[1.0]).iloc[:0]])
def test_one_loss_has_no_pair(rows: pd.DataFrame) -> None:
    """An empty table."""
    assert compared(rows).empty


def test_a_diverged_run_is_compared_as_the_worst(eight_seeds: Records) -> None:
    """Seed 1 of the saturating loss: one of the 8 pairs has no value."""
    rows = comparisons(eight_seeds)
    assert rows["metric"].tolist()[0] == "w1"
    assert rows["setting"].unique().tolist() == ["ring"]
    assert (rows["seeds"] == 8).all()
    assert (rows["without"] == 1).all()
    w1 = rows.iloc[0]
    assert (w1["loss"], w1["probability"], w1["called"]) == ("non_saturating", 1.0, True)


def test_a_run_whose_memory_ran_out_is_not_compared(eight_seeds: Records) -> None:
    """It says nothing of the game."""
    lost = eight_seeds.runs["status"] == "diverged"
    changed = eight_seeds.runs.assign(status=eight_seeds.runs["status"].mask(lost, "out_of_memory"))
    rows = comparisons(Records(**{**vars(eight_seeds), "runs": changed}))
    assert (rows["seeds"] == 7).all()


def test_a_value_that_is_undefined_at_the_end_ranks_worst(eight_seeds: Records) -> None:
    """KL of a run without a good sample."""
    training = eight_seeds.training.copy()
    end = (training["step"] == training["step"].max()) & (training["loss"] == "non_saturating")
    training.loc[end, "kl"] = np.nan
    rows = comparisons(with_training(eight_seeds, training))
    (kl,) = rows[rows["metric"] == "kl"].to_dict("records")
    assert kl["probability"] == 0.5 / 8
    assert (kl["without"], kl["ties"]) == (8, 1)


def test_no_records_have_no_comparisons(few_records: Records) -> None:
    """Neither has one loss."""
    empty = with_training(few_records, few_records.training.iloc[:0])
    for records in (empty, few_records):
        assert comparisons(records).empty
        assert comparison_table(records).empty


def test_the_table_names_the_better_loss_first(eight_seeds: Records, records: Records) -> None:
    """A row of text per pair, by W₁ or FID alone."""
    (row,) = comparison_table(eight_seeds).to_dict("records")
    assert row["Better"] == "non_saturating"
    assert row["Than"] == "saturating"
    assert row["Metric"] == "W₁"
    assert row["Seeds"] == "8 (1 without a value)"
    assert row["Better in"] == "8 of 8 seeds"
    assert row["Probability of improvement"].replace("\xa0", " ") == "100 % [63 %, 100 %]"
    assert row["p after Holm"] == "0.00781"
    assert row["Called"] == "yes"
    assert row["Seeds to call it"] == "≥ 6"
    assert set(comparison_table(records)["Metric"]) == {"W₁", "FID"}


def test_exchanging_losses_turns_the_whole_row() -> None:
    """Both directions say the same."""
    base = np.arange(8.0)
    values: dict[str, Any] = {"worse": base + 1.5 * np.array([1, 1, 1, 1, 1, 1, 1, -1.0])}
    (row,) = compared(runs(better=base, **values)).to_dict("records")
    (other,) = compared(runs(zbetter=base, **values)).to_dict("records")
    turned = better_first(other)
    assert better_first(row) == row
    for name in (
        "wins",
        "probability",
        "low",
        "high",
        "shift",
        "shift_low",
        "shift_high",
        "effect",
    ):
        assert turned[name] == pytest.approx(row[name])
    assert (turned["loss"], turned["other"]) == ("zbetter", "worse")


def test_the_better_loss_is_the_one_that_the_test_found() -> None:
    """Ranks, not numbers of seeds: 17 small ones sum to 153, 15 large ones to 375 of 528."""
    values = np.concatenate([-0.01 * np.arange(1, 18), 10.0 + np.arange(15)])
    (row,) = compared(runs(a=values, b=[0.0] * 32)).to_dict("records")
    assert (row["wins"], row["probability"]) == (17, pytest.approx(17 / 32))
    assert row["p"] == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)
    assert row["called"]
    turned = better_first(row)
    assert (turned["loss"], turned["other"], turned["wins"]) == ("b", "a", 15)
    assert turned["effect"] == -row["effect"] > 0
    assert won(turned) == "15 of 32 seeds, but by more"
    assert better_first(turned) == turned


@given(
    st.lists(
        st.sampled_from([-math.inf, -3.0, -2, -1, 0, 1, 2, 3, math.inf]), min_size=6, max_size=12
    )
)
def test_of_a_pair_that_is_called_the_first_has_the_larger_rank_sum(gaps: list[float]) -> None:
    """Whatever the ties and runs without a value."""
    a = [math.nan if gap == -math.inf else -gap if math.isfinite(gap) else 0.0 for gap in gaps]
    b = [math.nan if gap == math.inf else 0.0 for gap in gaps]
    (row,) = compared(runs(a=a, b=b)).to_dict("records")
    signed = signed_ranks(gaps).sum()
    if row["called"]:
        assert better_first(row)["loss"] == ("a" if signed > 0 else "b")


def test_one_seed_that_differs_says_which_is_better() -> None:
    """Its effect has no size, but a sign."""
    (row,) = compared(runs(a=[1.0] * 8, b=[1.0] * 7 + [0.0])).to_dict("records")
    assert math.isnan(row["effect"])
    assert better_first(row)["loss"] == "b"
    assert won(better_first(row)) == "1 of 8 seeds, 7 ties"


@pytest.mark.parametrize(
    ("other", "words"),
    [([1.0] * 8, "0 of 8 seeds each, 8 ties"), ([0.0] * 4 + [2.0] * 4, "4 of 8 seeds each")],
)
def test_where_neither_is_better_none_is_named(other: list[float], words: str) -> None:
    """Eight seeds alike, and four for either by as much."""
    (row,) = compared(runs(a=[1.0] * 8, b=other)).to_dict("records")
    assert advantage(row) == 0
    told = in_words({**row, "setting": "ring", "metric": "w1"})
    assert (told["Better"], told["Than"]) == ("neither of a and b", "the other")
    assert told["Better in"] == words
    assert told["Probability of improvement"].startswith("50")


def test_a_tie_is_no_seed_won() -> None:
    """Seven wins and a tie are not 94 % of eight seeds."""
    (row,) = compared(runs(a=[1.0] * 8, b=[2.0] * 7 + [1.0])).to_dict("records")
    told = in_words({**row, "setting": "ring", "metric": "w1"})
    assert told["Better in"] == "7 of 8 seeds, 1 tie"
    assert told["Probability of improvement"].replace("\xa0", " ") == "94 % [47 %, 100 %]"
