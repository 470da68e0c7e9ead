"""Claims about one sample's gradients: closed forms, and every way in which they could fail."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from analysis.claims import CLAIMS
from analysis.claims.claim import Finding, verdict
from analysis.claims.pairs import pairs
from analysis.claims.ratio import crossing
from analysis.records import Records

Row = dict[str, Any]
Made = Callable[..., Records]
LOGITS = (*np.arange(-69.0, 16.0, 3.0), 16.0)
NAMES = (
    "per_sample_ratio",
    "per_parameter_ratio",
    "saturating_exponent",
    "non_saturating_exponent",
    "ratio_exponent",
    "logit_limits",
    "crossing_at_half",
)
PRECISION = {"float64": 2e-15, "float32": 2e-7}


def rows(
    powers: tuple[float, float] = (1.0, 0.0),
    dtypes: tuple[str, ...] = ("float64", "float32"),
    **changes: Any,
) -> list[Row]:
    """Both losses' rows; |dL/da| is D to the first power and 1 − D, or what the powers say."""
    made_rows = []
    for network, dtype in ((n, d) for n in ("untrained", "trained") for d in dtypes):
        for a in LOGITS:
            d, rest = float(expit(a)), float(expit(-a))
            for loss, power in zip(("saturating", "non_saturating"), powers, strict=True):
                felt = d**power if loss == "saturating" else rest * d**power
                row: Row = {
                    "network": network,
                    "dtype": dtype,
                    "gradient_of": loss,
                    "logit": float(a),
                    "d_fake": d,
                    "one_minus_d_fake": rest,
                    "to_probability": felt / (d * rest),
                    "to_logit": felt,
                    "to_sample": 0.3 * felt,
                    "to_parameters": (5 if network == "untrained" else 50) * felt,
                    "lost": 0.0,
                    "ratio_error": PRECISION[dtype] if loss == "non_saturating" else None,
                    "parameter_error": 3 * PRECISION[dtype] if loss == "non_saturating" else None,
                }
                told = {n: c(row) if callable(c) else c for n, c in changes.items()}
                made_rows.append(row | told)
    return made_rows


def measure(made: Made, name: str, *runs: Any, status: str = "finished") -> list[Finding]:
    """A claim's findings on runs of these rows, each a seed."""
    each = [({"seed": seed}, status, run_rows) for seed, run_rows in enumerate(runs)]
    return list(CLAIMS[name].measure(made("per_sample", each)))


@pytest.mark.parametrize("name", NAMES)
def test_closed_forms_bear_the_theory_out(made: Made, name: str) -> None:
    """Ratio, powers, limits and crossing, in both formats."""
    assert verdict(measure(made, name, rows(), rows())) == "holds"


def wrong(name: str, dtype: str) -> list[Row]:
    """Rows of which one format contradicts a claim."""
    changes: dict[str, list[Row]] = {
        "per_sample_ratio": rows(ratio_error=1e-3),
        "per_parameter_ratio": rows(parameter_error=1e-3),
        "saturating_exponent": rows((1.01, 0.0)),
        "non_saturating_exponent": rows((1.0, 0.01)),
        "ratio_exponent": rows((1.01, 0.0)),
        "logit_limits": rows(
            (0.0, 1.0), to_probability=1.5, to_logit=lambda row: row["d_fake"] ** 2
        ),
        "crossing_at_half": rows((0.0, 1.0)),
    }
    return [row for row in changes[name] if row["dtype"] == dtype]


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_that_fails_is_said_to_fail(made: Made, name: str) -> None:
    """The verdicts turn around with the measurements."""
    found = verdict(measure(made, name, wrong(name, "float64")))
    if name == "logit_limits":
        # 1.5 everywhere is the power 0 that theory has for the saturating loss at D.
        assert found == "holds only when saturating, at the probability"
    else:
        assert found == "does not hold"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "logit_limits"])
@pytest.mark.parametrize(("good", "bad"), [("float64", "float32"), ("float32", "float64")])
def test_formats_are_conditions(made: Made, name: str, good: str, bad: str) -> None:
    """What holds in one may fail in the other."""
    both = rows(dtypes=(good,)) + wrong(name, bad)
    assert verdict(measure(made, name, both)) == f"holds only when {good}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", ["diverged", "out_of_memory"])
def test_only_finished_experiments_count(made: Made, name: str, status: str) -> None:
    """A network that diverged while it was trained is not the cell's."""
    assert verdict(measure(made, name, rows(), status=status)) == "not measured"


@pytest.mark.parametrize("name", NAMES)
def test_without_results_nothing_is_measured(made: Made, name: str) -> None:
    """No rows, other losses only, a format without a stated tolerance."""
    other = rows(gradient_of="least_squares")
    half = rows(dtypes=("float64",), dtype="float16")
    cases: list[list[list[Row]]] = [[], [[]], [other], [half]]
    for some in cases:
        assert verdict(measure(made, name, *some)) == "not measured"


def test_a_ratio_outside_the_range_asked_for_does_not_count(made: Made) -> None:
    """Beyond 1 − D = 10⁻⁷ no digits are promised."""
    bad = rows(ratio_error=lambda row: 1.0 if row["one_minus_d_fake"] < 1e-7 else 0.0)
    bad += rows(logit=-75.0, d_fake=float(expit(-75)), one_minus_d_fake=1.0, ratio_error=1.0)[:2]
    (float64, float32) = measure(made, "per_sample_ratio", bad)
    assert (float64.holds, float32.holds) == (True, True)


def test_the_end_of_the_range_counts_though_its_logit_is_rounded(made: Made) -> None:
    """σ(−69.08) is 0.2 % below 10⁻³⁰."""
    end = rows(dtypes=("float64",), logit=-69.08, d_fake=float(expit(-69.08)), ratio_error=1.0)
    (finding,) = measure(made, "per_sample_ratio", rows(dtypes=("float64",)) + end[:2])
    assert finding.measured.estimate == 1.0
    assert finding.holds is False


@pytest.mark.parametrize("keep", [lambda row: row["logit"] > -60, lambda row: row["logit"] < 10])
def test_part_of_the_range_decides_nothing(made: Made, keep: Callable[[Row], bool]) -> None:
    """D(G(z)) down to 10⁻²⁵, or up to 0.999, is not what was asked for."""
    findings = measure(made, "per_sample_ratio", [row for row in rows() if keep(row)])
    assert [finding.holds for finding in findings] == [None, None]
    assert {finding.note for finding in findings} == {"D(G(z)) does not cover the range"}


def test_float32_is_judged_where_it_can_represent_the_gradients(made: Made) -> None:
    """Lost gradients and norms near the smallest normal number say nothing of the theory."""

    def lost(row: Row) -> float:
        return 3.0 if row["dtype"] == "float32" and row["logit"] < -65 else 0.0

    def error(row: Row) -> float:
        return 1.0 if row["dtype"] == "float32" and row["logit"] < -65 else 1e-12

    (_, float32) = measure(made, "per_sample_ratio", rows(lost=lost, ratio_error=error))
    assert float32.holds is True
    assert float32.note == "4 rows beyond the format left out"
    small = rows(to_sample=lambda row: 1e-33 if row["logit"] < -65 else 1.0, ratio_error=error)
    (_, float32) = measure(made, "per_sample_ratio", small)
    assert (float32.holds, float32.measured.n) == (True, 56)


def test_float64_has_no_such_excuse(made: Made) -> None:
    """It can represent the whole range: a lost gradient, whose ratio is undefined, fails."""

    def error(row: Row) -> float:
        return float("nan") if row["logit"] == -69 else 1e-12

    (float64, _) = measure(made, "per_sample_ratio", rows(lost=1.0, ratio_error=error))
    assert float64.holds is False
    assert float64.measured.estimate == np.inf


def test_a_format_that_represents_nothing_is_not_measured(made: Made) -> None:
    """All is lost: there is no error to state."""
    (float32,) = measure(made, "per_sample_ratio", rows(dtypes=("float32",), lost=64.0))
    assert float32.holds is None
    assert np.isnan(float32.measured.estimate)


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 2))
def test_the_power_found_is_the_power_put_in(made: Made, power: float) -> None:
    """Whatever it is, and the verdict is that of its distance to 1."""
    (finding,) = measure(made, "saturating_exponent", rows((power, 0.0), dtypes=("float64",)))
    assert finding.measured.estimate == pytest.approx(power, abs=1e-9)
    if abs(abs(power - 1) - 1e-3) > 1e-6:
        assert finding.holds is (abs(power - 1) < 1e-3)


def test_few_decades_give_no_power_of_a_limit(made: Made) -> None:
    """From 10⁻³ down to 10⁻⁵ only."""
    short = [row for row in rows() if row["logit"] > -12]
    findings = measure(made, "saturating_exponent", short)
    assert [finding.holds for finding in findings] == [None, None]
    assert np.isnan(findings[0].measured.estimate)


def test_values_that_have_no_logarithm_are_left_out_and_counted(made: Made) -> None:
    """Zeros and what is not finite."""
    holes = {-69.0: 0.0, -66.0: float("nan"), -63.0: float("inf")}
    some = rows(
        dtypes=("float64",),
        to_parameters=lambda row: holes.get(row["logit"], row["d_fake"]),
    )
    (finding,) = measure(made, "saturating_exponent", some)
    assert finding.holds is True
    assert finding.note == "6 rows lost or beyond the format left out"


def test_noise_makes_the_power_undecided(made: Made) -> None:
    """An interval wider than the tolerance."""
    rng = np.random.default_rng(0)
    noisy = rows(
        dtypes=("float64",), to_parameters=lambda row: row["d_fake"] * rng.lognormal(0, 0.3)
    )
    (finding,) = measure(made, "saturating_exponent", noisy)
    assert finding.holds is None
    assert finding.measured.high - finding.measured.low > 2e-3


def test_the_limit_at_the_logit_is_a_level_too(made: Made) -> None:
    """The power 0 alone would let 2 pass for 1."""
    twice = rows(
        to_logit=lambda row: row["d_fake"] if row["gradient_of"] == "saturating" else 2.0,
    )
    findings = {f.condition: f for f in measure(made, "logit_limits", twice)}
    assert findings["non-saturating, at the logit"].holds is True
    assert findings["non-saturating, its level"].holds is False
    assert findings["non-saturating, its level"].measured.estimate == 1.0


def test_no_limit_is_read_off_at_large_d(made: Made) -> None:
    """D(G(z)) has to be small for it."""
    large = [row for row in rows() if row["logit"] >= 0]
    findings = measure(made, "logit_limits", large)
    assert {finding.holds for finding in findings} == {None}


@pytest.mark.parametrize(("shift", "expected"), [(0.0, True), (0.003, True), (0.005, False)])
def test_the_norms_cross_where_they_do(made: Made, shift: float, expected: bool) -> None:  # noqa: FBT001  # a parametrised outcome
    """Interpolated along the logit: a saturating loss larger by e^shift crosses at σ(−shift)."""
    scaled = rows(
        dtypes=("float64",),
        to_parameters=lambda row: (
            row["to_logit"] * (np.exp(shift) if row["gradient_of"] == "saturating" else 1)
        ),
    )
    (finding,) = measure(made, "crossing_at_half", scaled)
    assert finding.measured.estimate == pytest.approx(expit(-shift))
    assert finding.holds is expected


def test_norms_that_never_cross_contradict_the_claim(made: Made) -> None:
    """The non-saturating one larger on both sides of ½."""
    never = rows(
        dtypes=("float64",),
        to_parameters=lambda row: 1.0 if row["gradient_of"] == "saturating" else 2.0,
    )
    (finding,) = measure(made, "crossing_at_half", never)
    assert finding.holds is False
    assert np.isnan(finding.measured.estimate)
    assert finding.note == ("the wrong way round in 12 rows; some states do not reach both sides")


def test_one_side_of_half_shows_no_crossing(made: Made) -> None:
    """Nothing is extrapolated."""
    low = [row for row in rows(dtypes=("float64",)) if row["logit"] < -1]
    (finding,) = measure(made, "crossing_at_half", low)
    assert finding.holds is None
    assert finding.note == "some states do not reach both sides"


def test_of_several_crossings_the_furthest_from_half_counts(made: Made) -> None:
    """A second change of sign is no rounding."""

    def twice(row: Row) -> float:
        flipped = row["logit"] < -65 and row["gradient_of"] == "saturating"
        return 1e6 if flipped else float(row["to_logit"])

    both = pairs(made("per_sample", [({}, "finished", rows(to_parameters=twice))]))
    assert crossing(both[(both["network"] == "trained") & (both["dtype"] == "float64")]) < 1e-20
