"""Narrow formats: what a loss scale saves of a gradient, and that it changes nothing else."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gan.ensemble import trainer_of
from gan.run import Run
from gan.step import PRECISIONS
from gan.trainer import Trainer

RING = Run(data="ring", batch_size=8, steps=20)


def logits_lowered(run: Run, by: float) -> Trainer:
    """A run whose discriminator is sure that samples are fake, by its last bias."""
    trainer = Trainer(run)
    trainer.state.discriminator[-1] -= by
    return trainer


def generator_update(run: Run) -> Tensor:
    """Where plain gradient descent moves the generator in a step of 2²⁰ against a D held still.

    So long a step shows in float32 what so small a gradient is.
    """
    still = replace(run, optimiser="sgd", momentum=0.0, generator_learning_rate=2.0**20)
    trainer = logits_lowered(replace(still, discriminator_learning_rate=1e-30), 16.0)
    before = trainer.state.generator.clone()
    trainer.step()
    return trainer.state.generator - before


SATURATED = Run(loss="saturating", data="ring", batch_size=8, precision="float16")


def test_a_gradient_below_float16_is_lost_without_a_scale() -> None:
    """σ(−16)/8 = 1.4e-8 of each logit is less than half of 2⁻²⁴, float16's smallest number."""
    assert not generator_update(replace(SATURATED, loss_scale=1.0)).any()


def test_a_loss_scale_saves_it() -> None:
    """1024 times that is 1.4e-5: the update is that of float64, but for its smallest numbers."""
    saved = generator_update(SATURATED).double()
    exact = generator_update(replace(SATURATED, precision="float64", loss_scale=1.0))
    assert exact.norm() > 0
    assert (saved - exact).norm() < 0.25 * exact.norm()


@pytest.mark.parametrize("penalty", ["none", "r1"])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_power_of_two_changes_no_bit(penalty: str, optimiser: str) -> None:
    """20 steps in float64: players, moments, average; and losses and norms of every step."""
    run = replace(RING, precision="float64", optimiser=optimiser, penalty=penalty)
    run = replace(run, penalty_weight=None)
    plain, scaled = Trainer(run), Trainer(replace(run, loss_scale=1024.0))
    traces = [torch.stack([one.step() for _ in range(20)]) for one in (plain, scaled)]
    assert torch.equal(*traces)
    for mine, theirs in zip(plain.state.tensors(), scaled.state.tensors(), strict=True):
        assert torch.equal(mine, theirs)


def test_an_ensemble_is_scaled_as_its_runs_are() -> None:
    """To the bit, too."""
    run = replace(RING, precision="float64", ensemble=2)
    plain, scaled = trainer_of(run), trainer_of(replace(run, loss_scale=1024.0))
    assert torch.equal(plain.step(), scaled.step())
    for mine, theirs in zip(plain.state.tensors(), scaled.state.tensors(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_head_start_is_scaled_and_told_unscaled() -> None:
    """The discriminator's updates alone."""
    run = replace(RING, precision="float64")
    plain, scaled = Trainer(run), Trainer(replace(run, loss_scale=1024.0))
    assert torch.equal(plain.lead(5), scaled.lead(5))
    assert torch.equal(plain.state.discriminator, scaled.state.discriminator)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_float16_alone_is_scaled_unless_told_otherwise(precision: str) -> None:
    """By 2¹⁰; and what the user says holds."""
    usual = 1024.0 if precision == "float16" else 1.0
    assert Run(precision=precision).loss_scale == usual
    assert Run(precision=precision, loss_scale=8.0).loss_scale == 8.0


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_the_trace_is_of_the_loss_itself(precision: str) -> None:
    """In a narrow format losses and gradient norms are near those of float64, not scaled."""
    narrow = Trainer(replace(RING, precision=precision, loss_scale=1024.0)).step()
    exact = Trainer(replace(RING, precision="float64")).step()
    torch.testing.assert_close(narrow.double(), exact, rtol=0.02, atol=0)


def test_a_scale_too_large_for_float16_ends_the_run_as_diverged() -> None:
    """A gradient that overflows is told, not left out as a dynamic scale would."""
    trace = Trainer(replace(RING, precision="float16", loss_scale=2.0**30)).step()
    assert not trace[1].isfinite()


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_parameters_and_losses_stay_in_float32(precision: str) -> None:
    """Only matrix products and convolutions are narrow."""
    trainer = Trainer(replace(RING, precision=precision))
    trace = trainer.step()
    assert trace.dtype == torch.float32
    assert {t.dtype for t in trainer.state.tensors() if t.dim()} == {torch.float32}
