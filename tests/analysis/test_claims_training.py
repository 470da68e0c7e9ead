"""Claims about training: recovery after D's head start, the arms race, and small batches."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from analysis.claims import CLAIMS
from analysis.claims.batch_size import trend
from analysis.claims.claim import Finding, verdict
from analysis.records import Records

Row = dict[str, Any]
Made = Callable[..., Records]


def measure(made: Made, name: str, kind: str, runs: Sequence[Any]) -> list[Finding]:
    """A claim's findings; a run is (settings, status, rows)."""
    return list(CLAIMS[name].measure(made(kind, runs)))


def curve(values: Sequence[float], metric: str = "w1", **columns: Any) -> list[Row]:
    """Records every 100 steps and 2 seconds."""
    return [
        {"step": 100 * i, "seconds": 2.0 * i, metric: value, "d_fake_q50": 1e-5, **columns}
        for i, value in enumerate(values)
    ]


BETTER, STUCK = curve([4.0, 3.0, 1.9]), curve([4.0, 4.0, 3.9])


def games(
    saturating: Sequence[Any],
    other: Sequence[Any],
    optimiser: str = "sgd",
    head_start: int = 4000,
    **settings: Any,
) -> list[Any]:
    """Runs of both losses, one per seed; each rows, or a status and rows."""
    runs = []
    for loss, of_loss in (("saturating", saturating), ("non_saturating", other)):
        for seed, told in enumerate(of_loss):
            status, rows = told if isinstance(told, tuple) else ("finished", told)
            fields = {"loss": loss, "seed": seed, "optimiser": optimiser, "head_start": head_start}
            fields |= {"momentum": 0.5, "adam_epsilon": 1e-8}
            runs.append(({**fields, **settings}, status, rows))
    return runs


@pytest.mark.parametrize(
    ("saturating", "other", "expected"),
    [
        (STUCK, BETTER, "holds"),
        (BETTER, STUCK, "does not hold"),
        (BETTER, BETTER, "does not hold"),
        (STUCK, STUCK, "does not hold"),
        (("diverged", BETTER), BETTER, "holds"),
        (STUCK, ("diverged", BETTER), "does not hold"),
        (("diverged", []), BETTER, "holds"),
        (curve([300.0, 299.0], "fid"), curve([300.0, 150.0], "fid"), "holds"),
        (curve([4.0, 0.1, 3.9]), BETTER, "holds"),
        (curve([4.0, 0.1, 3.9, 3.0]), BETTER, "holds"),
        (curve([4.0, 4.0, 3.0]), BETTER, "holds"),
        (curve([4.0, 4.0, 3.0]), curve([4.0, 4.0, 3.0]), "does not hold"),
        (curve([4.0, np.nan]), BETTER, "holds"),
    ],
)
def test_stalling_is_what_only_one_of_the_losses_does(
    made: Made, saturating: Any, other: Any, expected: str
) -> None:
    """Eight seeds; recovered means finished, within 0.85 for good; twice as late is stalled."""
    findings = measure(made, "stalls", "head_start", games([saturating] * 8, [other] * 8))
    assert verdict(findings) == expected


def test_optimisers_and_head_starts_are_conditions(made: Made) -> None:
    """Adam recovers where sgd does not."""
    runs = games([STUCK] * 8, [BETTER] * 8)
    runs += games([BETTER] * 8, [BETTER] * 8, optimiser="adam")
    runs += games([BETTER] * 8, [BETTER] * 8, head_start=0)
    findings = measure(made, "stalls", "head_start", runs)
    assert [finding.condition for finding in findings] == [
        "adam, head start 4,000, ring",
        "sgd, momentum 0.5, head start 0, ring",
        "sgd, momentum 0.5, head start 4,000, ring",
    ]
    assert verdict(findings) == "holds only when sgd, momentum 0.5, head start 4,000, ring"


def test_seeds_are_paired(made: Made) -> None:
    """A seed of one loss only has no partner; the note counts both losses' recoveries."""
    runs = games([STUCK] * 8 + [BETTER], [BETTER] * 9 + [STUCK] * 3)
    (finding,) = measure(made, "stalls", "head_start", runs)
    assert (finding.measured.n, finding.measured.estimate) == (9, 8 / 9)
    assert finding.note == (
        "recovered: 1 of 9 (saturating, in ∞ steps in the median), 9 of 9 (non-saturating, in 100 "
        "steps in the median); D(G(z)) at step 0, in the median: 10⁻⁵; "
        "3 seeds of one loss only left out"
    )


@pytest.mark.parametrize(
    ("saturating", "other"),
    [
        ([], [BETTER] * 8),
        ([STUCK] * 7, [BETTER] * 7),
        ([("out_of_memory", [])] * 8, [BETTER] * 8),
        ([curve([np.nan, 1.0])] * 8, [BETTER] * 8),
        ([STUCK] * 8, [curve([0.0, 0.0])] * 8),
        ([STUCK] * 4 + [BETTER] * 4, [BETTER] * 8),
    ],
    ids=["one loss", "7 seeds", "no memory", "no start", "no distance", "split"],
)
def test_stalling_is_not_decided_by_less(made: Made, saturating: Any, other: Any) -> None:
    """Without pairs of judged runs, or without a majority."""
    findings = measure(made, "stalls", "head_start", games(saturating, other))
    assert verdict(findings) == "not measured"


def test_results_without_head_starts_measure_neither_claim(made: Made) -> None:
    """None at all, and runs that do not say their optimiser."""
    assert measure(made, "stalls", "head_start", []) == []
    assert measure(made, "adam_rescues", "head_start", []) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (BETTER, "holds"),
        (STUCK, "does not hold"),
        (("diverged", BETTER), "does not hold"),
        (curve([4.0, 1.0], d_fake_q50=0.02), "not measured"),
    ],
)
def test_adam_rescues_what_starts_saturated(made: Made, rows: Any, expected: str) -> None:
    """A start at D(G(z)) = 0.02 is not saturated; sgd and the other loss have no say."""
    runs = games([rows] * 8, [STUCK] * 8, optimiser="adam")
    runs += games([STUCK] * 8, [STUCK] * 8)
    findings = measure(made, "adam_rescues", "head_start", runs)
    assert verdict(findings) == expected
    assert len(findings) == 1


def race(accuracy: Sequence[float], w1: Sequence[float]) -> list[Row]:
    """Records with a step 0 at which D knows nothing yet."""
    rows = curve([5.0, *w1])
    return [row | {"accuracy": a} for row, a in zip(rows, [0.5, *accuracy], strict=True)]


FALLING = [4.0, 3.0, 2.0, 1.5, 1.0]


@pytest.mark.parametrize(
    ("accuracy", "w1", "expected"),
    [
        ([0.99, 0.9, 0.8, 0.7, 0.6], FALLING, "holds"),
        ([0.6, 0.7, 0.8, 0.9, 0.99], FALLING, "does not hold"),
        ([0.99, 0.99, 0.98, 0.97, 0.96], FALLING, "does not hold"),
        ([0.9] * 5, FALLING, "does not hold"),
        ([0.9, 0.6, 0.3, 0.2, 0.1], FALLING, "does not hold"),
        ([0.99, 0.9, 0.8, 0.7, 0.6], FALLING[::-1], "not measured"),
        ([0.99, 0.9, 0.8, 0.7, 0.6], [4.0, 3.0, 2.0, 1.5, np.nan], "not measured"),
        ([0.99, 0.9, 0.8, 0.7, np.nan], FALLING, "not measured"),
        ([0.99, 0.9, 0.8, 0.6], FALLING[:4], "not measured"),
    ],
)
def test_the_arms_race_needs_a_g_that_improves(
    made: Made, accuracy: list[float], w1: list[float], expected: str
) -> None:
    """Accuracy falls with the distance, and toward ½ rather than past it."""
    runs = [({"seed": seed}, "finished", race(accuracy, w1)) for seed in range(8)]
    assert verdict(measure(made, "arms_race", "training", runs)) == expected


def test_a_late_rise_is_seen_in_the_order_of_the_records(made: Made) -> None:
    """The end alone may fall while accuracy rose as G improved."""
    rows = race([0.7, 0.72, 0.8, 0.9, 0.6], FALLING)
    runs = [({"seed": seed}, "finished", rows) for seed in range(8)]
    assert verdict(measure(made, "arms_race", "training", runs)) == "does not hold"


def test_a_critic_takes_no_part_in_the_race(made: Made) -> None:
    """Its output is no probability; a run that diverged is left out, too."""
    good = race([0.99, 0.9, 0.8, 0.7, 0.6], FALLING)
    critics = [({"seed": seed, "loss": "wasserstein"}, "finished", good) for seed in range(8)]
    ended = [({"seed": seed}, "diverged", good) for seed in range(8)]
    assert measure(made, "arms_race", "training", critics + ended) == []


def test_runs_of_the_race_that_do_not_improve_are_counted(made: Made) -> None:
    """They say nothing, and that is said."""
    good = race([0.99, 0.9, 0.8, 0.7, 0.6], FALLING)
    bad = race([0.99, 0.9, 0.8, 0.7, 0.6], FALLING[::-1])
    runs = [({"seed": seed}, "finished", good if seed < 9 else bad) for seed in range(10)]
    (finding,) = measure(made, "arms_race", "training", runs)
    assert finding.measured.n == 9
    assert finding.note == (
        "accuracy at the end, in the median: 0.6; 1 seed left out: G does not improve"
    )


def test_momentum_and_epsilon_are_conditions(made: Made) -> None:
    """What follows from them, such as a learning rate of their own, is not told."""
    runs = games([STUCK] * 8, [BETTER] * 8, momentum=0.0, generator_learning_rate=0.05)
    runs += games([BETTER] * 8, [BETTER] * 8, momentum=0.9, generator_learning_rate=0.01)
    findings = measure(made, "stalls", "head_start", runs)
    assert verdict(findings) == "holds only when sgd, head start 4,000, ring"
    of_adam = [
        games([rows] * 8, [], optimiser="adam", adam_epsilon=epsilon)
        for rows, epsilon in ((BETTER, 1e-8), (STUCK, 1e-3))
    ]
    findings = measure(made, "adam_rescues", "head_start", of_adam[0] + of_adam[1])
    assert verdict(findings) == "holds only when adam, head start 4,000, ring"


def test_an_optimiser_from_elsewhere_is_told_by_its_name(made: Made) -> None:
    """On one line, whatever it is called."""
    runs = games([STUCK] * 8, [BETTER] * 8, optimiser="my\nown")
    (finding,) = measure(made, "stalls", "head_start", runs)
    assert finding.condition == "my own, head start 4,000, ring"


def batches(steps_to_target: dict[int, int | None], seeds: int = 8, **end: Any) -> list[Any]:
    """Runs of several batch sizes that reach a tenth of the distance at a record, or never."""
    runs = []
    for size, target in steps_to_target.items():
        rows = curve([4.0 if target is None or i < target else 0.4 for i in range(8)])
        # A step's time grows with the batch.
        rows = [row | {"seconds": row["step"] * (1 + size / 16)} for row in rows]
        status = end.get("status", "finished")
        runs += [({"batch_size": size, "seed": seed}, status, rows) for seed in range(seeds)]
    return runs


@pytest.mark.parametrize(
    ("targets", "steps", "time"),
    [
        ({4: 1, 16: 2, 64: 3}, "holds", "holds"),
        ({4: 3, 16: 2, 64: 1}, "does not hold", "holds"),
        ({4: 6, 16: 1, 64: 1}, "does not hold", "does not hold"),
        ({4: 6, 16: 2, 64: 2}, "does not hold", "holds"),
        ({4: 2, 16: 3, 64: None}, "holds", "holds"),
        ({4: None, 16: None, 64: 1}, "does not hold", "does not hold"),
        ({4: 1, 16: None, 64: None}, "holds", "holds"),
        ({4: None, 16: None, 64: None}, "not measured", "not measured"),
        ({4: 1, 64: 3}, "not measured", "not measured"),
    ],
)
def test_small_batches_are_judged_in_steps_and_in_seconds(
    made: Made, targets: dict[int, int | None], steps: str, time: str
) -> None:
    """A run that misses is slower than those that arrive in its time; two sizes make no order."""
    runs = batches(targets)
    assert verdict(measure(made, "small_batches_steps", "batches", runs)) == steps
    assert verdict(measure(made, "small_batches_time", "batches", runs)) == time


def test_the_note_lists_the_medians(made: Made) -> None:
    """Batch size by batch size, with never as infinity."""
    (finding,) = measure(made, "small_batches_steps", "batches", batches({4: 1, 16: 3, 64: None}))
    assert finding.note == "median steps to the target by batch size: 100 at 4, 300 at 16, ∞ at 64"
    (finding,) = measure(made, "small_batches_time", "batches", batches({4: 1, 16: 3, 64: 4}, 2))
    assert finding.holds is None
    assert finding.note == (
        "median seconds to the target by batch size: 125 at 4, 600 at 16, 2,000 at 64; "
        "fewer than 8 seeds decide nothing"
    )


def test_what_an_average_keeps_of_the_start_is_told(made: Made) -> None:
    """A large batch has few steps; of G itself, or of next to nothing, nothing is said."""
    steps = {4: 2000, 16: 400, 64: 100}
    for decay, expected in ((0.995, "13% at 16, 61% at 64"), (0.0, "")):
        runs = [
            (run | {"average_decay": decay, "steps": steps[run["batch_size"]]}, *rest)
            for run, *rest in batches({4: 1, 16: 2, 64: 3})
        ]
        (finding,) = measure(made, "small_batches_steps", "batches", runs)
        _, _, told = finding.note.partition("ends with so much of its start: ")
        assert told == expected


@pytest.mark.parametrize(("status", "expected"), [("diverged", 1.0), ("out_of_memory", None)])
def test_a_run_that_diverged_never_arrives(made: Made, status: str, expected: float | None) -> None:
    """One whose memory ran out is not part of the order, and two sizes make none."""
    runs = batches({4: 1, 16: 2}) + batches({64: 1}, status=status)
    (finding,) = measure(made, "small_batches_steps", "batches", runs)
    if expected is None:
        assert finding.measured.n == 0
        assert finding.note.endswith(
            "8 seeds left out: too few comparable sizes; fewer than 8 seeds decide nothing"
        )
    else:
        assert finding.measured.estimate == expected


def test_a_budget_that_ran_out_is_no_defeat() -> None:
    """Not reached in 2 steps says nothing against another's 5; in 9 it does."""
    never = np.inf
    assert np.isnan(trend([4, 16, 64], [5, 6, never], [9, 9, 2]))
    assert trend([4, 16, 64], [5, 6, never], [9, 9, 5]) == 1
    assert trend([4, 16, 64], [never, never, 3], [9, 9, 9]) == -1
    assert np.isnan(trend([4, 16, 64], [never] * 3, [9, 9, 9]))
    assert trend([4, 16, 64], [5, 6, never], [9, 9, never]) == 1


@given(st.lists(st.floats(1, 100), min_size=3, max_size=8))
def test_without_misses_the_trend_is_kendall_s(costs: list[float]) -> None:
    """SciPy's, in its variant a; it turns around with the order of sizes."""
    sizes, budgets = np.arange(len(costs)), np.full(len(costs), 100.0)
    pairs = len(costs) * (len(costs) - 1) / 2
    signs = [np.sign(b - a) for i, a in enumerate(costs) for b in costs[i + 1 :]]
    assert trend(sizes, costs, budgets) == pytest.approx(sum(signs) / pairs)
    if len(set(costs)) == len(costs):
        assert trend(sizes, costs, budgets) == pytest.approx(kendalltau(sizes, costs).statistic)
    assert trend(-sizes, costs, budgets) == pytest.approx(-trend(sizes, costs, budgets))


def test_no_trend_is_no_reason_for_small_batches(made: Made) -> None:
    """As many pairs one way as the other: exactly 0 does not hold."""
    (finding,) = measure(
        made, "small_batches_steps", "batches", batches({4: 1, 8: 2, 16: 2, 64: 1})
    )
    assert (finding.measured.estimate, finding.holds) == (0.0, False)


@pytest.mark.parametrize("name", ["arms_race", "small_batches_steps", "small_batches_time"])
def test_without_runs_nothing_is_measured(made: Made, name: str) -> None:
    """An empty table."""
    kind = "training" if name == "arms_race" else "batches"
    assert measure(made, name, kind, []) == []
