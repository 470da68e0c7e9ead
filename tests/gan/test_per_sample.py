"""The gradient law sample by sample, in both formats, through real networks."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from gan import per_sample as law
from gan.errors import UsageError
from gan.gradients import TARGETS, in_precision
from gan.losses import LOSSES
from gan.per_sample import (
    GRADIENTS_OF,
    LOGITS,
    logit_gradient_norms,
    parameter_error,
    per_sample,
)
from gan.per_sample import per_sample_experiment as experiment
from gan.run import Run
from gan.trainer import Trainer

RUN = Run(data="ring", batch_size=4, steps=3)
STORED = experiment(Trainer(RUN))
Row = dict[str, Any]


def rows(**fixed: object) -> list[Row]:
    """The stored rows with these values."""
    return [dict(row) for row in STORED.rows if fixed.items() <= row.items()]


def test_targets_span_d_from_1e_30_to_within_1e_7_of_1() -> None:
    """All of the minibatch experiment's, D = 1e-30, and finer around ½; exact in float32."""
    assert set(TARGETS) < set(LOGITS)
    assert 0.99e-30 < 1 / (1 + math.exp(-LOGITS[0])) <= 1e-30
    assert 1 / (1 + math.exp(LOGITS[-1])) < 1e-7
    assert {-1.0, -0.5, 0.0, 0.5, 1.0} < set(LOGITS)
    assert torch.equal(torch.tensor(LOGITS).double(), torch.tensor(LOGITS, dtype=torch.float64))


def test_one_row_per_network_dtype_loss_and_logit() -> None:
    """Every loss that is not relativistic, no row twice."""
    keys = {(row["network"], row["dtype"], row["gradient_of"], row["logit"]) for row in STORED.rows}
    assert len(keys) == len(STORED.rows) == 2 * 2 * len(GRADIENTS_OF) * len(LOGITS)
    assert {name for name, loss in LOSSES.items() if not loss.relativistic} == set(GRADIENTS_OF)
    assert STORED.status == "finished"
    assert STORED.stopped_step == 3
    assert STORED.facts == {
        "trained_steps": 3,
        "samples": 4,
        "generator_parameters": Trainer(RUN).generator.parameters,
    }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_law_holds_over_the_whole_range(dtype: str) -> None:
    """(1 − D)/D to 1e-10 in float64 and 1e-5 in float32, in the norm and in every parameter."""
    bound = {"float64": 1e-10, "float32": 1e-5}[dtype]
    compared = rows(dtype=dtype, gradient_of="non_saturating")
    assert len(compared) == 2 * len(LOGITS)
    for row in compared:
        assert 0 <= row["ratio_error"] < bound
        assert 0 <= row["parameter_error"] < bound
        assert row["lost"] == 0
    assert any(row["parameter_error"] > 0 for row in compared)


def test_only_the_pair_has_errors() -> None:
    """Rows of other losses have null in both columns."""
    others = [row for row in STORED.rows if row["gradient_of"] != "non_saturating"]
    assert {row["ratio_error"] for row in others} == {None}
    assert {row["parameter_error"] for row in others} == {None}


@pytest.mark.parametrize("loss", GRADIENTS_OF)
def test_rows_agree_with_the_whole_composition(loss: str) -> None:
    """The pulled-back cotangents are vmap of grad of loss∘D∘G at the same shifted logits."""
    trainer = Trainer(RUN)
    z = trainer.latent(4, RUN.rng("per sample"))
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    logits, _ = logit_gradient_norms(game, state, z.double())
    for row in rows(network="untrained", dtype="float64", gradient_of=loss)[::6]:
        whole = per_sample(game, state, z.double(), loss, row["logit"] - logits)
        for column in ("d_fake", "to_probability", "to_logit", "to_sample", "to_parameters"):
            expected = getattr(whole, column).double().quantile(0.5).item()
            assert row[column] == pytest.approx(expected, rel=1e-12)


def test_trained_networks_differ_from_untrained() -> None:
    """Same logits, other weights: d_fake agrees, the gradient at θ does not."""
    before, after = (
        rows(network=network, dtype="float64", gradient_of="wasserstein")[0]
        for network in ("untrained", "trained")
    )
    assert before["d_fake"] == after["d_fake"]
    assert before["to_parameters"] != after["to_parameters"]


def test_where_a_loss_is_flat_its_gradient_is_counted_as_vanished() -> None:
    """Least squares has its minimum at a = 1: all samples vanish there, and only there."""
    lost = {row["logit"]: row["lost"] for row in rows(gradient_of="least_squares")}
    assert lost.pop(1.0) == 4
    assert set(lost.values()) == {0}


def test_what_a_format_cannot_hold_is_counted_and_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Float32 loses exp(−120): 4 samples lost, errors and medians null or 0; float64 keeps it."""
    monkeypatch.setattr(law, "LOGITS", (-120.0, 100.0))
    stored = experiment(Trainer(replace(RUN, steps=0)))
    found: dict[tuple[object, ...], Row] = {
        (row["dtype"], row["gradient_of"], row["logit"]): dict(row)
        for row in stored.rows
        if row["network"] == "trained"
    }
    assert found["float32", "saturating", -120.0]["lost"] == 4
    assert found["float32", "saturating", -120.0]["to_parameters"] == 0
    assert found["float32", "saturating", -120.0]["to_probability"] is None
    assert found["float32", "maximum_likelihood", 100.0]["lost"] == 4
    assert found["float32", "maximum_likelihood", 100.0]["to_logit"] is None
    assert found["float32", "non_saturating", -120.0]["ratio_error"] is None
    assert found["float32", "non_saturating", -120.0]["parameter_error"] is None
    assert found["float64", "saturating", -120.0]["lost"] == 0
    assert found["float64", "non_saturating", -120.0]["ratio_error"] < 1e-10


def test_parameter_error_is_of_the_worst_component() -> None:
    """(1, 2, 4) against ½·(2, 4, 9): the last is off by ½ of 4, by hand 0.125."""
    saturating, non_saturating = torch.tensor([2.0, 4.0, 9.0]), torch.tensor([1.0, 2.0, 4.0])
    assert parameter_error(saturating, non_saturating, 0.5) == 0.125


def test_batch_normalised_models_are_refused_before_training() -> None:
    """The error comes with the trainer still at its first step."""
    trainer = Trainer(Run(model="dcgan", batch_size=4, steps=1))
    before = trainer.state.generator.clone()
    with pytest.raises(UsageError, match=r"^no per-sample gradient is defined"):
        experiment(trainer)
    assert torch.equal(trainer.state.generator, before)


def test_diverged_networks_are_left_out() -> None:
    """Untrained rows stay; the status, the step and the message say what happened."""
    run = replace(RUN, optimiser="sgd", generator_learning_rate=1e30, steps=9)
    stored = experiment(Trainer(run))
    assert stored.status == "diverged"
    assert {row["network"] for row in stored.rows} == {"untrained"}
    assert 0 < stored.stopped_step < 9
    assert stored.message.endswith(f" at step {stored.stopped_step}")


def test_a_head_start_that_diverges_stops_before_the_first_step() -> None:
    """A discriminator thrown to infinity leaves the untrained rows."""
    run = replace(RUN, optimiser="sgd", discriminator_learning_rate=1e30, head_start=5)
    stored = experiment(Trainer(run))
    assert (stored.status, stored.stopped_step) == ("diverged", 0)
    assert stored.message.endswith(" of the head start")
