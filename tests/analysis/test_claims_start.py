"""Claims about states that training leads to: its start, and a D far ahead of a frozen G."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from analysis.claims import CLAIMS
from analysis.claims.claim import Finding, verdict
from analysis.records import Records

Row = dict[str, Any]
Made = Callable[..., Records]


def measure(made: Made, name: str, kind: str, runs: Sequence[Any]) -> list[Finding]:
    """A claim's findings; a run is (settings, status, rows)."""
    return list(CLAIMS[name].measure(made(kind, runs)))


def early(lowest: float, share: float, steps: Sequence[int] = (1, 50, 100)) -> list[Row]:
    """A run whose D(G(z)) is lowest in the middle of its records, where the gradients differ."""
    made_rows = []
    for place, step in enumerate(steps):
        at = place == len(steps) // 2
        d, saturating = (lowest, share) if at else (0.4, 0.7)
        for loss, norm in (("saturating", 3 * saturating), ("non_saturating", 3.0)):
            state = {"step": step, "gradient_of": loss, "d_fake": d, "gradient_norm": norm}
            made_rows.append({**state, "scope": "batch", "count": 64.0, "cosine": 0.9})
            made_rows.append({**state, "scope": "bin", "count": 1.0, "d_fake": 1e-9})
    return made_rows


def starts(*runs: list[Row], status: str = "finished", **settings: Any) -> list[Any]:
    """One run per seed."""
    return [({"seed": seed, **settings}, status, rows) for seed, rows in enumerate(runs)]


@pytest.mark.parametrize(
    ("lowest", "share", "near_zero", "no_gradient"),
    [
        (0.01, 0.04, "holds", "holds"),
        (1e-4, 1e-3, "holds", "holds"),
        (1e-4, 0.06, "holds", "does not hold"),
        (0.011, 0.001, "does not hold", "not measured"),
        (0.3, 0.4, "does not hold", "not measured"),
    ],
)
def test_the_start_of_training_is_measured_not_assumed(
    made: Made, lowest: float, share: float, near_zero: str, no_gradient: str
) -> None:
    """Whether D(G(z)) comes near 0, and what the gradients are there, in eight seeds."""
    runs = starts(*[early(lowest, share)] * 8)
    assert verdict(measure(made, "early_near_zero", "counterfactual", runs)) == near_zero
    assert verdict(measure(made, "early_no_gradient", "counterfactual", runs)) == no_gradient


def test_the_note_says_how_near_and_how_many(made: Made) -> None:
    """Medians over seeds."""
    runs = starts(*[early(1e-4, 0.02)] * 9, early(0.2, 0.3))
    (finding,) = measure(made, "early_near_zero", "counterfactual", runs)
    assert (finding.measured.estimate, finding.measured.n) == (0.9, 10)
    assert finding.note == "median of the lowest D(G(z)): 0.0001"
    (finding,) = measure(made, "early_no_gradient", "counterfactual", runs)
    assert finding.note == "near 0 in 9 of 10 seeds; median share of the gradient: 0.02"


def test_data_sets_are_conditions(made: Made) -> None:
    """D may win early on one and not on the other."""
    runs = starts(*[early(1e-4, 1e-3)] * 8, data="digits")
    runs += starts(*[early(0.3, 0.4)] * 8, data="ring")
    findings = measure(made, "early_near_zero", "counterfactual", runs)
    assert verdict(findings) == "holds only when digits"


@pytest.mark.parametrize(
    "runs",
    [
        [],
        starts(*[early(1e-4, 1e-3)] * 8, head_start=1000),
        starts(*[early(1e-4, 1e-3, steps=(0, 101, 500))] * 8),
        starts(*[early(float("nan"), 1e-3, steps=(5,))] * 8),
        starts(*[early(1e-4, 1e-3)] * 8, status="out_of_memory"),
        starts(*[early(1e-4, 1e-3)] * 7),
        starts(*[early(1e-4, 1e-3)] * 4, *[early(0.3, 0.3)] * 4),
    ],
    ids=["none", "head start", "late", "nan", "no memory", "7 seeds", "split"],
)
def test_other_starts_decide_nothing(made: Made, runs: Any) -> None:
    """A head start is no real start; nor is step 0 or 101; 7 seeds are too few."""
    findings = measure(made, "early_near_zero", "counterfactual", runs)
    assert verdict(findings) == "not measured"


def test_a_run_that_diverged_later_had_a_start(made: Made) -> None:
    """Its first records count like any other's."""
    runs = starts(*[early(1e-4, 1e-3)] * 8, status="diverged")
    findings = measure(made, "early_near_zero", "counterfactual", runs)
    assert verdict(findings) == "holds"


def frozen(saturating: float, other: float, tail: float = 1.0) -> list[Row]:
    """D trained for 1000 steps: by how many decades each norm falls, and the last tail index."""
    made_rows = []
    for place, step in enumerate((0, 10, 1000)):
        for loss, fall in (("saturating", saturating), ("non_saturating", other)):
            made_rows.append(
                {
                    "discriminator_step": step,
                    "gradient_of": loss,
                    "d_fake_q50": 10.0**-place,
                    "gradient_norm": 5 * 10 ** (-fall * place / 2),
                    "tail_index": tail if place == 2 else 9.0,
                }
            )
    return made_rows[::-1]


@pytest.mark.parametrize(
    ("saturating", "other", "expected"),
    [
        (2.5, 0.0, "holds"),
        (30.0, -1.0, "holds"),
        (600.0, 0.9, "holds"),
        (1.9, 0.0, "does not hold"),
        (5.0, 1.1, "does not hold"),
        (0.0, 5.0, "does not hold"),
    ],
)
def test_vanishing_is_two_decades_and_staying_is_less_than_one(
    made: Made, saturating: float, other: float, expected: str
) -> None:
    """Both have to be seen, in most of eight seeds; rows come in any order."""
    runs = starts(*[frozen(saturating, other)] * 8)
    findings = measure(made, "overtrained_vanishing", "overtrained", runs)
    assert verdict(findings) == expected


def test_a_gradient_that_underflows_has_vanished(made: Made) -> None:
    """0 is infinitely many decades below."""
    lost = [
        row | ({"gradient_norm": 0.0} if row["discriminator_step"] == 1000 else {})
        if row["gradient_of"] == "saturating"
        else row
        for row in frozen(3.0, 0.5)
    ]
    (finding,) = measure(made, "overtrained_vanishing", "overtrained", starts(*[lost] * 8))
    assert finding.holds is True
    assert finding.note.startswith("decades fallen in the median: ∞ (saturating)")


def test_vanishing_names_the_decades(made: Made) -> None:
    """And the seeds that have none."""
    broken = [{**row, "gradient_norm": np.nan} for row in frozen(3.0, 0.5)]
    runs = starts(*[frozen(3.0, 0.5)] * 8, broken)
    (finding,) = measure(made, "overtrained_vanishing", "overtrained", runs)
    assert finding.measured.n == 8
    assert finding.note == (
        "decades fallen in the median: 3 (saturating), 0.5 (non-saturating); "
        "1 seed left out: a norm is not finite"
    )


@pytest.mark.parametrize(
    ("tails", "expected"),
    [
        ([1.0] * 8, "holds"),
        ([0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 1.9], "holds"),
        ([2.5] * 8, "does not hold"),
        ([1.5] * 4 + [2.5] * 4, "not measured"),
        ([1.0] * 7, "not measured"),
        ([np.nan] * 8, "not measured"),
    ],
)
def test_tails_are_judged_by_the_median_over_seeds(
    made: Made, tails: list[float], expected: str
) -> None:
    """At the last point of D's training, below an index of 2."""
    runs = starts(*[frozen(3.0, 0.0, tail) for tail in tails])
    findings = measure(made, "heavy_tails", "overtrained", runs)
    assert verdict(findings) == expected


def test_seeds_without_a_tail_are_counted(made: Made) -> None:
    """Too few minibatches for Hill's estimator."""
    runs = starts(*[frozen(3.0, 0.0)] * 8, frozen(3.0, 0.0, np.nan))
    (finding,) = measure(made, "heavy_tails", "overtrained", runs)
    assert finding.measured.n == 8
    assert finding.note == "at a median D(G(z)) of 0.01; 1 seed without a tail index"


@pytest.mark.parametrize("name", ["overtrained_vanishing", "heavy_tails"])
@pytest.mark.parametrize("status", ["diverged", "out_of_memory"])
def test_a_discriminator_that_was_not_trained_to_the_end_is_left_out(
    made: Made, name: str, status: str
) -> None:
    """Its last row is not the overtrained state that the others have."""
    runs = starts(*[frozen(3.0, 0.0)] * 8, status=status)
    assert measure(made, name, "overtrained", runs) == []
    assert measure(made, name, "overtrained", []) == []
