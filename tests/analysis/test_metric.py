"""How runs end, and which loss is the best of a panel, where runs diverge or end undefined."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimates import interquartile_mean, mean_intervals
from analysis.figures import FIGURES, metric
from analysis.records import Records
from analysis.render import drawing

ALL = range(8)
THREE = ("metric_steps", "metric_seconds", "final_metric")
BAD = "(a run that diverged or ended without a value counts as infinitely bad)"
STEPS = (0, 500, 1000)

Without = Mapping[tuple[str, str], range]
Seeds = Callable[..., Records]


@pytest.fixture
def seeds(made: Callable[..., Records]) -> Seeds:
    """Makes records of eight seeds of two losses on ring."""

    def make(
        undefined: Without | None = None,
        steps: tuple[int, ...] = (1000,),
        status: Mapping[tuple[str, int], str] | None = None,
    ) -> Records:
        """W₁ and KL are 1 + seed / 8 at every step, of the poor loss one more.

        Args:
            undefined: (loss, metric) -> the seeds without a value.
            steps: at which they have none.
            status: (loss, seed) -> how the run ended, if it did not finish.
        """
        runs = []
        for loss, offset in (("good", 0), ("poor", 1)):
            for seed in ALL:
                values = dict.fromkeys(("w1", "kl"), 1 + seed / 8 + offset)
                missing = [
                    name for name in values if seed in (undefined or {}).get((loss, name), ())
                ]
                records = [
                    {"step": step, "seconds": step / 100, **values}
                    | (dict.fromkeys(missing, np.nan) if step in steps else {})
                    for step in STEPS
                ]
                ended = (status or {}).get((loss, seed), "finished")
                runs.append(({"loss": loss, "seed": seed}, ended, records))
        return made("training", runs)

    return make


@pytest.mark.parametrize(("k", "n"), [(1, 8), (3, 8), (5, 40), (11, 160), (7, 600)])
@pytest.mark.parametrize("constant", [0, 1])
def test_means_of_many_seeds_are_resampled_in_parts_with_the_same_last_bit(
    k: int, n: int, constant: int
) -> None:
    """Those that SciPy makes of all points at once; a point whose seeds are equal is its value."""
    table = np.random.default_rng(n).lognormal(size=(k, n))
    table[:constant] = 2.5
    whole = mean_intervals(table, np.random.default_rng(metric.SEED), interquartile_mean)
    assert repr(metric.pointwise(table)) == repr(whole)


@pytest.mark.parametrize(
    ("table", "line"), [(np.empty((1, 0)), "no values"), ([[1.0, np.nan]], "1 of 2 are not finite")]
)
def test_no_mean_is_made_of_nothing_or_nan(table: np.ndarray, line: str) -> None:
    """A diverged run is left out by name, not by chance."""
    with pytest.raises(ValueError, match=f"^values: {line}$"):
        metric.pointwise(np.asarray(table))


def caption(name: str, records: Records) -> str:
    """A figure's caption."""
    return FIGURES[name].caption(FIGURES[name].prepare(records))


def end(loss: str, *values: float, best: str = "w1", status: str = "finished") -> pd.DataFrame:
    """The ends of one loss's runs in a panel of the name of the metric."""
    return pd.DataFrame(
        {"panel": best, "metric": best, "loss": loss, "status": status, "value": values}
    )


@pytest.mark.parametrize("name", THREE)
def test_a_loss_of_which_most_runs_diverged_is_not_the_best(seeds: Seeds, name: str) -> None:
    """Seven of eight; its one good run is better than all of the other's."""
    records = seeds(status={("good", seed): "diverged" for seed in range(1, 8)})
    assert (
        f"poor has the best final interquartile mean in 2 of 2 panels {BAD}; of 16 runs, 7 diverged"
    ) in caption(name, records)


@pytest.mark.parametrize("name", THREE)
def test_a_loss_of_which_most_runs_end_undefined_is_not_the_best(seeds: Seeds, name: str) -> None:
    """In KL; in W₁ all have a value."""
    text = caption(name, seeds({("good", "kl"): range(7)}))
    # The best in as many panels, told in the order of the panels: KL is before W₁.
    assert (
        f"poor has the best final interquartile mean in 1 of 2 panels, good in 1 {BAD}; 7" in text
    )


def test_a_quarter_of_the_runs_may_lack_a_value() -> None:
    """The middle half of eight leaves out the worst two."""
    two = end("a", 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, np.nan, np.nan)
    three = end("b", *[0.0] * 5, *[np.nan] * 3)
    means = metric.final_means(pd.concat([two, three], ignore_index=True))
    assert means.to_dict() == {("w1", "a"): 2.0, ("w1", "b"): np.inf}


def test_where_more_is_better_the_worst_is_minus_infinity() -> None:
    """A single panel tells it."""
    ends = pd.concat([end("a", 0.1, best="density"), end("b", 0.9, np.nan, best="density")])
    assert metric.ranking(ends.reset_index(drop=True)) == (
        f"the final interquartile means are 0.1 (a) and −∞ (b), best for a {BAD}"
    )


def test_a_value_from_before_a_run_diverged_does_not_count() -> None:
    """It is drawn, but it is no end."""
    ends = pd.concat([end("a", 3.0), end("b", 1.0, status="diverged")], ignore_index=True)
    assert metric.best_losses(ends).to_dict() == {"w1": "a"}


def test_memory_that_ran_out_is_not_judged() -> None:
    """Neither as a value nor as none; a loss without any other run is not compared."""
    out = end("a", 0.0, np.nan, status="out_of_memory")
    ends = pd.concat([end("a", 1.0), out, end("b", 2.0)], ignore_index=True)
    assert metric.ranking(ends) == "the final interquartile means are 1 (a) and 2 (b), best for a"
    alone = pd.concat([out, end("b", 2.0)], ignore_index=True)
    assert metric.ranking(alone) == "no panel compares two losses"


def test_losses_that_are_infinitely_bad_do_not_tie() -> None:
    """None is the best, though a run has a value; ties and such panels are told last."""
    bad = pd.concat([end("a", 1.0, np.nan), end("b", 2.0, np.nan)], ignore_index=True)
    assert metric.ranking(bad) == (
        f"the final interquartile means are ∞ (a) and ∞ (b), best for none {BAD}"
    )
    tied = [bad, *(end(loss, 1.0, best=name) for name in ("kl", "fid") for loss in "ab")]
    both = pd.concat(tied, ignore_index=True)
    assert metric.ranking(both) == (
        "no loss alone has the best final interquartile mean in any of 3 panels, a tie in 2, none "
        f"in 1 {BAD}"
    )
    won = pd.concat([both, end("a", 1.0, best="kid"), end("b", 2.0, best="kid")], ignore_index=True)
    assert metric.ranking(won).startswith(
        "a has the best final interquartile mean in 1 of 4 panels, a tie in 2, none in 1 ("
    )


def test_equal_means_of_a_single_panel_are_a_tie() -> None:
    """With all values there the rule for those without is not told."""
    ends = pd.concat([end("a", 2.0), end("b", 2.0)], ignore_index=True)
    assert metric.ranking(ends) == "the final interquartile means are 2 (a) and 2 (b), a tie"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.integers(0, 12))
def test_a_value_less_run_is_as_bad_as_any_that_is_worse(values: list[float], missing: int) -> None:
    """A very bad number in its place gives the same mean, unless that number is in the mean."""
    rows = end("a", *values, *[np.nan] * missing)
    (mean,) = metric.final_means(rows)
    if 4 * missing <= len(rows):
        assert mean == pytest.approx(interquartile_mean([*values, *[1e9] * missing]))
    else:
        assert mean == np.inf


@pytest.mark.parametrize("name", ["metric_steps", "final_metric"])
def test_ends_without_a_value_are_drawn_around(seeds: Seeds, name: str) -> None:
    """A loss without a KL, one without any end, a run that diverged without a value."""
    undefined = {("good", "kl"): ALL, ("poor", "w1"): range(3)}
    records = seeds(undefined, STEPS, {("good", 0): "diverged"})
    one = drawing(name, FIGURES[name], records)
    assert one is not None
    assert "nan" not in one.caption


@pytest.mark.parametrize("name", THREE)
@pytest.mark.parametrize("missing", [1, 7, 8])
def test_values_that_are_undefined_at_the_end_are_counted(
    seeds: Seeds, name: str, missing: int
) -> None:
    """Also of a loss that has none at all at its end, or at any record."""
    for steps in ((1000,), STEPS):
        text = caption(name, seeds({("good", "kl"): range(missing)}, steps))
        words = "1 final value" if missing == 1 else f"{missing} final values"
        assert text.endswith(f"; {words} undefined, not drawn.")


def test_a_metric_that_no_run_has_is_no_panel(seeds: Seeds) -> None:
    """FID was not measured; nothing of it is undefined."""
    rows = metric.curves(seeds())
    assert set(rows["metric"]) == {"w1", "kl"}
    assert metric.undefined(metric.ends(rows)) == ""


EVERYWHERE = {(loss, name): ALL for loss in ("good", "poor") for name in ("w1", "kl")}


def test_without_any_last_value_the_curves_captions_say_so(seeds: Seeds) -> None:
    """All runs finished, and their steps and seconds are known."""
    records = seeds(EVERYWHERE)
    assert caption("metric_steps", records) == (
        "At the end (at most 1,000 steps), no run has a final value; 32 final values undefined, "
        "not drawn."
    )
    assert caption("metric_seconds", records) == (
        "A thousand steps take 10 s (good) to 10 s (poor) on ring, medians over runs without their "
        "evaluation; no run has a final value; 32 final values undefined, not drawn."
    )
    assert drawing("final_metric", FIGURES["final_metric"], records) is None


def test_seconds_of_seeds_side_by_side_are_told_as_theirs(seeds: Seeds) -> None:
    """All of them took so long: one alone would take less."""
    records = seeds()
    records.runs["ensemble"] = 4
    assert " on ring (4 seeds side by side), medians over runs" in caption(
        "metric_seconds", records
    )


def test_a_diverged_runs_last_value_is_drawn_where_it_was(seeds: Seeds) -> None:
    """Its last record is without one; a run that finished so has no other."""
    status = {("good", 0): "diverged"}
    rows = metric.ends(metric.curves(seeds({("good", "kl"): range(2)}, status=status)))
    ends = rows[(rows["metric"] == "kl") & (rows["loss"] == "good")].set_index("seed")
    assert ends["step"].tolist() == [500, *[1000] * 7]
    assert ends["value"].head(3).fillna(-1).tolist() == [1.0, -1, 1.25]
    assert 1 not in set(metric.final(rows).query("metric == 'kl' and loss == 'good'")["seed"])


def test_a_run_that_diverged_before_its_first_record_counts(seeds: Seeds) -> None:
    """It has no curve, but it is no less bad for that."""
    records = seeds()
    lost = (records.runs["loss"] == "good") & (records.runs["seed"] > 0)
    runs = records.runs.assign(stopped_step=np.where(lost, 3, 1000))
    runs["status"] = runs["status"].where(~lost, "diverged")
    kept = records.training[(records.training["loss"] == "poor") | (records.training["seed"] == 0)]
    text = caption("metric_steps", Records(**{**vars(records), "runs": runs, "training": kept}))
    assert text.startswith("At the end (at most 1,000 steps), poor has the best final ")
    assert "; of 16 runs, 7 diverged" in text


def test_a_loss_without_a_value_keeps_its_strip(seeds: Seeds) -> None:
    """An empty one; of the others nothing moves."""
    rows = FIGURES["final_metric"].prepare(seeds({("good", "kl"): ALL}))
    of_kl = rows[(rows["metric"] == "kl") & (rows["kind"] == "run")]
    for loss, strip, values in (("good", 0, 0), ("poor", 1, 8)):
        of_loss = of_kl[of_kl["loss"] == loss]
        assert set(of_loss["strip"]) == {strip}
        assert of_loss["value"].count() == values
    means = rows[rows["kind"] == "interquartile_mean"]
    assert means.groupby("metric")["loss"].agg(list).to_dict() == {
        "kl": ["poor"],
        "w1": ["good", "poor"],
    }
