"""Claims about the optimum: closed forms of two Gaussians, and what goes wrong with them."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.claims import CLAIMS
from analysis.claims.claim import Finding, verdict
from analysis.claims.optimum import crossing, pooled
from analysis.records import Records

Row = dict[str, Any]
Made = Callable[..., Records]
DISPLACEMENTS = (-2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0)
NAMES = ("optimal_discriminator", "value_of_the_game", "value_at_optimum", "same_fixed_point")


@cache
def jsd(displacement: float) -> float:
    """Of two unit Gaussians so far apart, by quadrature."""
    x = np.linspace(-12, 14, 4001)
    p, q = stats.norm.pdf(x), stats.norm.pdf(x, displacement)
    m = (p + q) / 2
    each = [f * np.log(f / m) for f in (p, q)]
    return float(np.trapezoid((each[0] + each[1]) / 2, x))


def rows(**changes: Any) -> list[Row]:
    """A trained discriminator's rows; a change is a value or a function of the displacement."""
    made_rows = []
    for displacement in DISPLACEMENTS:
        exact = 2 * jsd(displacement) - np.log(4)
        for loss in ("saturating", "non_saturating", "maximum_likelihood"):
            row: Row = {
                "displacement": displacement,
                "gradient_of": loss,
                "value": exact - 0.002,
                "value_error": 0.0001 + 0.006 * abs(displacement),
                "exact_value": exact,
                "jsd": jsd(displacement),
                "d_error": 0.004,
                "d_mean": 0.5,
                "gradient": 0.45 * np.tanh(displacement) + 0.003,
                "gradient_error": 0.002,
            }
            told = {n: c(displacement) if callable(c) else c for n, c in changes.items()}
            made_rows.append(row | told)
    return made_rows


def measure(made: Made, name: str, *runs: tuple[str, Sequence[Row]]) -> list[Finding]:
    """A claim's findings on runs of gaussian1d, each a seed."""
    each = [
        ({"data": "gaussian1d", "seed": seed}, status, run_rows)
        for seed, (status, run_rows) in enumerate(runs)
    ]
    return list(CLAIMS[name].measure(made("optimum", each)))


@pytest.mark.parametrize("name", NAMES)
def test_a_well_trained_discriminator_bears_the_theory_out(made: Made, name: str) -> None:
    """D*, the value of the game, −log 4 and the fixed point."""
    assert verdict(measure(made, name, ("finished", rows()))) == "holds"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("optimal_discriminator", {"d_error": lambda x: 0.03 if x == 2 else 0.0}),
        ("optimal_discriminator", {"d_error": float("nan")}),
        ("value_of_the_game", {"value": -1.0}),
        ("value_of_the_game", {"value": lambda x: 2 * jsd(x) - 1.386 + 0.2 * (x == 2)}),
        ("value_at_optimum", {"value": -1.3663}),
        ("same_fixed_point", {"gradient": lambda x: x - 0.3}),
        ("same_fixed_point", {"gradient": lambda x: -0.45 * np.tanh(x)}),
        ("same_fixed_point", {"gradient": lambda x: 0.5 * x if x < 2 else -0.01}),
    ],
)
def test_a_claim_that_fails_is_said_to_fail(made: Made, name: str, changes: Row) -> None:
    """Whatever the theory says."""
    assert verdict(measure(made, name, ("finished", rows(**changes)))) == "does not hold"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("value_of_the_game", {"value_error": 0.1}),
        ("value_of_the_game", {"value_error": float("nan")}),
        ("value_at_optimum", {"value_error": 0.02}),
        ("same_fixed_point", {"gradient": lambda x: 0.5 * np.sin(40 * x)}),
        ("same_fixed_point", {"gradient": float("nan")}),
        ("same_fixed_point", {"gradient": 0.0}),
    ],
)
def test_samples_that_say_too_little_decide_nothing(made: Made, name: str, changes: Row) -> None:
    """An interval that lies neither inside nor outside the tolerance."""
    findings = measure(made, name, ("finished", rows(**changes)))
    undecided = [finding for finding in findings if not finding.note]
    assert undecided or name == "same_fixed_point"
    assert all(finding.holds is None for finding in undecided)


def test_equations_1_and_2_are_told_apart(made: Made) -> None:
    """The claim may hold of one only."""
    changed = [
        row
        | ({"gradient": row["displacement"] + 1.0} if row["gradient_of"] == "saturating" else {})
        for row in rows()
    ]
    findings = measure(made, "same_fixed_point", ("finished", changed))
    assert verdict(findings) == "holds only when non-saturating, gaussian1d"
    assert findings[0].note == "leads away in 2 states"


@pytest.mark.parametrize("name", NAMES)
def test_a_discriminator_that_diverged_did_not_become_optimal(made: Made, name: str) -> None:
    """It fails, with and without rows, and beside one that did."""
    for left in ([], rows()):
        findings = measure(made, name, ("finished", rows()), ("diverged", left))
        assert verdict(findings) == "does not hold"
        assert {f.quantity for f in findings} == {"discriminators that diverged"}
        assert {(f.measured.estimate, f.measured.n) for f in findings} == {(1.0, 2)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("runs", [[], [("out_of_memory", [])], [("unsupported", [])]])
def test_without_results_nothing_is_measured(made: Made, name: str, runs: Any) -> None:
    """Memory that ran out says nothing of the theory."""
    assert measure(made, name, *runs) == []


def test_without_the_displacement_0_there_is_no_value_at_the_optimum(made: Made) -> None:
    """It is not guessed from its neighbours."""
    others = [row for row in rows() if row["displacement"]]
    (finding,) = measure(made, "value_at_optimum", ("finished", others))
    assert (finding.holds, finding.measured.n) == (None, 0)


def test_the_value_is_the_mean_of_the_runs_with_its_error() -> None:
    """Two runs of error 0.03 and 0.04: 0.05/2."""
    value = pooled(pd.Series([-1.4, -1.2]), pd.Series([0.03, 0.04]))
    assert value.estimate == pytest.approx(-1.3)
    assert value.high - value.estimate == pytest.approx(1.959964 * 0.025)


def test_the_zero_of_a_line_is_covered_as_often_as_stated() -> None:
    """Fieller's interval of lines through 0.2 with normal noise."""
    rng, x = np.random.default_rng(1), np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
    hits = []
    for _ in range(1000):
        y = 2 * (x - 0.2) + rng.normal(0, 0.2, x.size)
        zero = crossing(pd.DataFrame({"displacement": x, "gradient": y}))
        if np.isfinite(zero.low):
            hits.append(zero.low <= 0.2 <= zero.high)
    assert len(hits) > 900
    assert 0.93 < np.mean(hits) < 0.97


def test_two_points_have_no_interval() -> None:
    """A line through two points has no residuals to judge it by."""
    zero = crossing(pd.DataFrame({"displacement": [0.0, 1.0], "gradient": [0.0, 1.0]}))
    assert np.isnan([zero.estimate, zero.low, zero.high]).all()
