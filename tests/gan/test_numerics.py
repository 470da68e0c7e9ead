"""The numerics map against closed forms in 60-digit arithmetic, and what torch's formats do."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gan import store
from gan.errors import UsageError
from gan.gradients import logit_gradient
from gan.numerics import (
    EPSILON,
    FORMULATIONS,
    LOGITS,
    Formulation,
    exact_gradient,
    numerics_experiment,
)
from gan.run import Run
from gan.step import PRECISIONS
from gan.store import Stored

LOSSES = ("saturating", "non_saturating")
MP = mpmath.mp.clone()
MP.dps = 60


def loss_of(formulation: str, gradient_of: str) -> Callable[[Tensor], Tensor]:
    """One of a formulation's two losses."""
    loss: Callable[[Tensor], Tensor] = getattr(FORMULATIONS[formulation], gradient_of)
    return loss


def slope(formulation: str, gradient_of: str, logit: float, precision: str = "float64") -> float:
    """DL/da at one logit in a format."""
    logits = torch.tensor([logit], dtype=PRECISIONS[precision])
    return logit_gradient(loss_of(formulation, gradient_of), logits).item()


def share(formulation: str, gradient_of: str, logit: float, precision: str = "float64") -> float:
    """What is there of a gradient, over what should be."""
    exact = exact_gradient(gradient_of, torch.tensor([logit], dtype=torch.float64)).item()
    return slope(formulation, gradient_of, logit, precision) / exact


def probability(logit: float) -> Any:
    """σ(a) to 60 digits."""
    return 1 / (1 + MP.exp(-MP.mpf(logit)))


def test_every_logit_is_exact_in_every_format() -> None:
    """From −110 to 40 by ½, so that no format maps another logit than it says."""
    assert (LOGITS[0], LOGITS[-1], len(LOGITS)) == (-110, 40, 301)
    for dtype in PRECISIONS.values():
        assert torch.tensor(LOGITS, dtype=dtype).tolist() == list(LOGITS)


@pytest.mark.parametrize("gradient_of", LOSSES)
def test_the_exact_gradient_is_exact(gradient_of: str) -> None:
    """−D and −(1 − D) to 60 digits, within one rounding of float64, down to 10⁻⁴⁸."""
    found = exact_gradient(gradient_of, torch.tensor(LOGITS, dtype=torch.float64)).tolist()
    for logit, value in zip(LOGITS, found, strict=True):
        true = -probability(logit if gradient_of == "saturating" else -logit)
        assert abs(MP.mpf(value) / true - 1) < 3e-16


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_every_formulation_is_the_loss_it_claims_to_be(formulation: str) -> None:
    """log(1 − D + ε) and −log(D + ε), ε of one formulation alone, in nats."""
    epsilon = EPSILON if formulation == "epsilon_in_log" else 0
    for logit in (-9.0, -1.0, 0.0, 2.5, 9.0):
        d, rest = probability(logit), probability(-logit)
        true = {
            "saturating": MP.log(rest + epsilon),
            "non_saturating": -MP.log(d + epsilon),
        }
        logits = torch.tensor([logit], dtype=torch.float64)
        for name in LOSSES:
            value = loss_of(formulation, name)(logits).item()
            assert value == pytest.approx(float(true[name]), rel=1e-11)


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_what_is_documented_is_what_is_computed(formulation: str) -> None:
    """The line of `docs`, run as code, gives both losses bit for bit."""

    def against(module: nn.Module) -> Callable[[Tensor, float], Tensor]:
        return lambda value, target: module(value, torch.full_like(value, target))

    names = {
        "a": torch.linspace(-12, 12, 25, dtype=torch.float64),
        "log": torch.log,
        "sigmoid": torch.sigmoid,
        "logsigmoid": nn.functional.logsigmoid,
        "BCELoss": against(nn.BCELoss(reduction="none")),
        "BCEWithLogitsLoss": against(nn.BCEWithLogitsLoss(reduction="none")),
    }
    written = eval(FORMULATIONS[formulation].docs, names)  # noqa: S307  # this repository's own text
    for values, name in zip(written, LOSSES, strict=True):
        assert torch.equal(values, loss_of(formulation, name)(torch.as_tensor(names["a"])))


@pytest.mark.parametrize("gradient_of", LOSSES)
@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_float64_gradients_follow_their_closed_forms(formulation: str, gradient_of: str) -> None:
    """Each formulation's own, from a = −110 to where 1 − D starts to lose digits."""
    logits = torch.tensor([a for a in LOGITS if a <= 12], dtype=torch.float64)
    found = logit_gradient(loss_of(formulation, gradient_of), logits)
    for logit, value in zip(logits.tolist(), found.tolist(), strict=True):
        true = closed_form(formulation, gradient_of, logit)
        assert abs(MP.mpf(value) / true - 1) < 1e-8


def closed_form(formulation: str, gradient_of: str, logit: float) -> Any:
    """DL/da with D(1 − D) from the sigmoid and the rest from the loss as it is written.

    BCELoss's backward pass divides by max(D(1 − D), 10⁻¹²), which cancels D(1 − D) above only; its
    10⁻¹² is a float32, 4·10⁻⁹ off.
    """
    d, rest = probability(logit), probability(-logit)
    inside = d if gradient_of == "non_saturating" else rest
    if formulation == "epsilon_in_log":
        return -d * rest / (inside + MP.mpf(EPSILON))
    exact = -(d if gradient_of == "saturating" else rest)
    if formulation == "bce":
        return exact * d * rest / max(d * rest, MP.mpf(1e-12))
    return exact


@pytest.mark.parametrize("logit", [-745.0, -700.0, -300.0, 36.0, 300.0, 700.0])
def test_logsigmoid_is_exact_beyond_the_map(logit: float) -> None:
    """Down to float64's smallest numbers: at a = −745 the last one is left."""
    for name, sign in zip(LOSSES, (1, -1), strict=True):
        true = -probability(sign * logit)
        # Subnormal numbers have an absolute rounding of 2⁻¹⁰⁷⁵, normal ones a relative one.
        bound = 2 * MP.mpf(2) ** -1075 + 4e-16 * abs(true)
        assert abs(MP.mpf(slope("logsigmoid", name, logit)) - true) <= bound


def test_epsilon_makes_a_vanishing_loss_of_a_non_saturating_one() -> None:
    """Half is gone at a = log ε = −18.42, 99.86 % at −25, and D/ε of it is left at −40."""
    at_epsilon = float(MP.log(EPSILON))
    assert at_epsilon == pytest.approx(-18.42, abs=0.005)
    assert share("epsilon_in_log", "non_saturating", at_epsilon) == pytest.approx(0.5, rel=1e-7)
    assert share("epsilon_in_log", "non_saturating", -25) == pytest.approx(0.0014, abs=5e-5)
    left = float(probability(-40) / EPSILON)
    assert share("epsilon_in_log", "non_saturating", -40) == pytest.approx(left, rel=1e-6)


@pytest.mark.parametrize("precision", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("gradient_of", LOSSES)
def test_bce_loses_both_gradients(gradient_of: str, precision: str) -> None:
    """Whole at a = −27, D(1 − D)/10⁻¹² of it below −27.6: under half from −28.5, 4·10⁻⁶ at −40."""
    assert share("bce", gradient_of, -27, precision) == pytest.approx(1, rel=0.01)
    assert share("bce", gradient_of, -28.5, precision) == pytest.approx(0.419, rel=0.01)
    assert share("bce", gradient_of, -40, precision) == pytest.approx(4.25e-6, rel=0.01)


def test_bce_is_lost_long_before_its_logarithm_is_clamped() -> None:
    """At a = −40 the loss itself is still right; −100 is reached only where D < 10⁻⁴³."""
    value = loss_of("bce", "non_saturating")(torch.tensor([-40.0, -99.0, -110.0]).double())
    assert value.tolist() == pytest.approx([40, 99, 100], rel=1e-12)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_naive_non_saturating_is_poisoned_where_sigmoid_underflows(precision: str) -> None:
    """exp(−a) overflows beyond a = −88.7: D is 0, −1/D is ∞, D(1 − D) is 0 and the product nan."""
    assert share("naive_log_sigmoid", "non_saturating", -88.5, precision) == pytest.approx(1, 0.01)
    assert math.isnan(slope("naive_log_sigmoid", "non_saturating", -89, precision))


@pytest.mark.parametrize(
    ("precision", "last"), [("float64", 36.5), ("float32", 16.5), ("bfloat16", 6.0)]
)
def test_naive_saturating_is_poisoned_where_d_rounds_to_one(precision: str, last: float) -> None:
    """Beyond a ≈ log(2 / machine epsilon), 1 − D is 0."""
    assert share("naive_log_sigmoid", "saturating", last, precision) == pytest.approx(1, rel=0.01)
    assert math.isnan(slope("naive_log_sigmoid", "saturating", last + 0.5, precision))


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_float16_loses_the_saturating_gradient_however_written(formulation: str) -> None:
    """D < 2⁻²⁵ rounds to 0 from a = log 2⁻²⁵ = −17.33 on."""
    assert share(formulation, "saturating", -17, "float16") == pytest.approx(1, abs=0.5)
    found = slope(formulation, "saturating", -17.5, "float16")
    assert found == 0 or math.isnan(found)


@pytest.mark.parametrize("formulation", ["naive_log_sigmoid", "bce", "epsilon_in_log"])
def test_float16_non_saturating_is_poisoned_through_a_probability(formulation: str) -> None:
    """1/D overflows beyond 65,504, at a = −11.1; ε = 10⁻⁸ rounds to 0 and saves nothing."""
    assert share(formulation, "non_saturating", -11, "float16") == pytest.approx(1, rel=0.01)
    assert not math.isfinite(slope(formulation, "non_saturating", -11.5, "float16"))
    assert torch.tensor(EPSILON, dtype=torch.float16) == 0


@pytest.mark.parametrize("formulation", ["naive_log_sigmoid", "bce", "bce_with_logits"])
def test_bfloat16_loses_the_decay_of_the_non_saturating_gradient(formulation: str) -> None:
    """1 − D in steps of 2⁻⁸: a quarter off at a = 5, more than half too large at 6, then 0."""
    assert share(formulation, "non_saturating", 1, "bfloat16") == pytest.approx(1, rel=0.01)
    assert abs(share(formulation, "non_saturating", 5, "bfloat16") - 1) > 0.1
    assert share(formulation, "non_saturating", 6, "bfloat16") == pytest.approx(2**-8 * 404.4, 0.01)
    assert slope(formulation, "non_saturating", 6.5, "bfloat16") == 0


@pytest.mark.parametrize(
    ("precision", "last"), [("float64", 36.5), ("float32", 16.5), ("float16", 8.0)]
)
def test_logits_in_bce_save_only_the_side_of_small_d(precision: str, last: float) -> None:
    """Its gradient is σ(a) − 1, which is 0 where D rounds to 1; logsigmoid's is σ(−a)."""
    assert slope("bce_with_logits", "non_saturating", last, precision) < 0
    assert slope("bce_with_logits", "non_saturating", last + 0.5, precision) == 0
    assert share("logsigmoid", "non_saturating", last + 0.5, precision) == pytest.approx(
        1, rel=0.01
    )
    assert share("bce_with_logits", "non_saturating", -110, precision) == 1


@given(
    precision=st.sampled_from(sorted(PRECISIONS)),
    logit=st.floats(-700, 700, width=16),
    gradient_of=st.sampled_from(LOSSES),
)
def test_logsigmoid_is_right_wherever_the_format_can_say_it(
    precision: str, logit: float, gradient_of: str
) -> None:
    """Within 2 machine epsilons where the true gradient is a normal number of the format."""
    rounded = torch.tensor(logit, dtype=PRECISIONS[precision]).item()
    limits = torch.finfo(PRECISIONS[precision])
    true = exact_gradient(gradient_of, torch.tensor(rounded, dtype=torch.float64)).item()
    found = slope("logsigmoid", gradient_of, rounded, precision)
    if -true >= 2 * limits.tiny:
        assert found == pytest.approx(true, rel=2 * limits.eps)
    else:
        assert 2.5 * true - limits.smallest_normal <= found <= 0


@given(
    formulation=st.sampled_from(["logsigmoid", "naive_log_sigmoid", "bce", "epsilon_in_log"]),
    logit=st.floats(-30, 12),
)
def test_no_formulation_turns_a_gradient_around(formulation: str, logit: float) -> None:
    """In float64 the generator is always pushed to a larger logit, and never harder than by 1."""
    for name in LOSSES:
        assert -1 - 1e-12 <= slope(formulation, name, logit) <= 0


def test_differentiating_leaves_the_logits_alone() -> None:
    """They are data, not parameters."""
    logits = torch.zeros(3)
    logit_gradient(loss_of("bce", "saturating"), logits)
    assert not logits.requires_grad
    assert logits.tolist() == [0, 0, 0]


def rows_of(stored: Stored, formulation: str, gradient_of: str) -> list[dict[str, object]]:
    """One strip of the map."""
    return [
        dict(row)
        for row in stored.rows
        if (row["formulation"], row["gradient_of"]) == (formulation, gradient_of)
    ]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_map_has_every_formulation_loss_and_logit(precision: str) -> None:
    """One row each, the values those of `gradient`, nothing unsupported on a processor."""
    stored = numerics_experiment(Run(precision=precision))
    assert (stored.kind, stored.status, stored.stopped_step) == ("numerics", "finished", 0)
    assert stored.facts == {"unsupported": ""}
    assert len(stored.rows) == len(FORMULATIONS) * len(LOSSES) * len(LOGITS)
    logits = torch.tensor(LOGITS, dtype=PRECISIONS[precision])
    for formulation in FORMULATIONS:
        for name in LOSSES:
            rows = rows_of(stored, formulation, name)
            values = logit_gradient(loss_of(formulation, name), logits).tolist()
            kept = [value if abs(value) < float("inf") else None for value in values]
            assert [row["gradient"] for row in rows] == kept
            assert [row["logit"] for row in rows] == list(LOGITS)


def test_the_map_is_of_the_format_alone() -> None:
    """Another seed, loss or model leaves every row as it is."""
    one, other = (
        numerics_experiment(run).rows
        for run in (Run(precision="float16"), Run(precision="float16", seed=7, loss="hinge"))
    )
    assert one == other


def test_the_map_survives_its_file(tmp_path: Path) -> None:
    """Nulls stay nulls, numbers keep every bit."""
    stored = numerics_experiment(Run(precision="float16"))
    found = store.read(store.write(tmp_path, stored))
    assert found is not None
    assert found.rows == list(stored.rows)
    assert any(row["gradient"] is None for row in found.rows)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("\"binary_cross_entropy\" not implemented for 'Half'\nmore"),
        NotImplementedError("\"binary_cross_entropy\" not implemented for 'Half'"),
    ],
)
def test_what_a_device_lacks_is_null_and_said(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    """The formulation's rows are there without gradients, its name and torch's reason in facts."""

    def refuse(_: Tensor) -> Tensor:
        raise error

    whole = FORMULATIONS["bce"]
    monkeypatch.setitem(FORMULATIONS, "bce", Formulation(whole.saturating, refuse, whole.docs))
    stored = numerics_experiment(Run(precision="float32"))
    reason = "\"binary_cross_entropy\" not implemented for 'Half'"
    assert stored.facts == {"unsupported": f"bce: {reason}"}
    assert stored.status == "finished"
    for name in LOSSES:
        assert {row["gradient"] for row in rows_of(stored, "bce", name)} == {None}
        assert None not in {row["exact"] for row in rows_of(stored, "bce", name)}
        assert None not in {row["gradient"] for row in rows_of(stored, "bce_with_logits", name)}


def test_any_other_failure_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that ran out is not a missing operation."""

    def fail(_: Tensor) -> Tensor:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setitem(FORMULATIONS, "bce", Formulation(fail, fail, ""))
    with pytest.raises(RuntimeError, match=r"^CUDA error: out of memory$"):
        numerics_experiment(Run())


def test_an_absent_device_is_the_users_mistake() -> None:
    """In one line, before any work."""
    found = torch.cuda.device_count()
    message = f"device cuda:99 is absent: torch sees {found} CUDA devices"
    with pytest.raises(UsageError, match=f"^{message}$"):
        numerics_experiment(Run(device="cuda:99"))
