"""All losses' gradients at once against one pass each; norms whose squares leave float64."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.gradients import (
    cotangents,
    gradient_norms,
    in_precision,
    loss_gradients,
    scaled_norms,
)
from gan.losses import LOSSES
from gan.models import MODELS
from gan.run import Run
from gan.step import autograd
from gan.trainer import Trainer


@pytest.mark.parametrize("model", MODELS)
def test_one_batched_pass_is_one_pass_per_loss(model: str) -> None:
    """Every loss, relativistic ones with their real logits, to float64's rounding."""
    data = "ring" if model == "pacgan" else "digits"
    trainer = Trainer(Run(model=model, data=data, batch_size=8))
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    real = trainer.dataset.sample(8, torch.Generator().manual_seed(1)).double()
    z = trainer.latent(8, torch.Generator().manual_seed(0)).double()
    gradients = loss_gradients(game, state, real, z, list(LOSSES.values()))
    drop = torch.empty(2, 8, 0)
    for loss, gradient in zip(LOSSES.values(), gradients, strict=True):
        live = replace(game, loss=loss)

        def objective(theta: torch.Tensor) -> torch.Tensor:
            return live.generator_objective(theta, state.discriminator, real, z, drop)  # noqa: B023  # called in this turn of the loop

        expected = autograd(objective, state.generator)[1]
        assert (gradient - expected).norm() <= 1e-14 * expected.norm()


def test_the_state_is_read_only() -> None:
    """Neither parameters nor their requires_grad change."""
    trainer = Trainer(Run(data="ring", batch_size=8))
    before = trainer.state.generator.clone()
    z = trainer.latent(8, torch.Generator().manual_seed(0))
    loss_gradients(trainer.game, trainer.state, z, z, [LOSSES["hinge"]])
    assert torch.equal(trainer.state.generator, before)
    assert not trainer.state.generator.requires_grad


def test_relativistic_average_is_differentiated_through_its_mean() -> None:
    """RaLSGAN by hand, r = (0, 0), f = (1, 3): ½[(f − r̄ − 1)² + (r − f̄ + 1)²], f̄ = 2."""
    real_logits = torch.zeros(2, dtype=torch.float64)
    fake_logits = torch.tensor([1.0, 3.0], dtype=torch.float64)
    (found,) = cotangents([LOSSES["relativistic_average_least_squares"]], real_logits, fake_logits)
    # ½(f_i − 1) from the first square, ½(f̄ − 1) from the second.
    assert found.tolist() == [0.5, 1.5]


def test_in_precision_leaves_the_players_alone() -> None:
    """Both players converted, the originals kept, their numbers the same."""
    trainer = Trainer(Run(data="ring"))
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    assert game.precision == state.generator.dtype == state.discriminator.dtype == torch.float64
    assert trainer.state.generator.dtype == torch.float32
    assert torch.equal(state.generator.float(), trainer.state.generator)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=1, max_size=6), st.sampled_from([-290, -200, 0, 200, 290])
)
def test_norms_scale_with_the_gradient(values: list[float], power: int) -> None:
    """‖10^p g‖ = 10^p ‖g‖ over float64's range, where squares over- and underflow."""
    # Whole multiples of 1e-6, so that the smallest products stay normal numbers.
    values = [round(value, 6) for value in values]
    gradient = torch.tensor(values, dtype=torch.float64) * 10.0**power
    expected = math.hypot(*values) * 10.0**power
    for norms in (gradient_norms, scaled_norms):
        assert norms(gradient[None]).item() == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_norms_of_what_is_not_finite_are_not_finite(bad: float) -> None:
    """nan stays nan, ±inf is inf, and zeros have norm 0."""
    gradients = torch.tensor([[1.0, bad], [0.0, 0.0], [3.0, 4.0]])
    for norms in (gradient_norms, scaled_norms):
        first, zero, five = norms(gradients).tolist()
        assert math.isnan(first) if math.isnan(bad) else first == math.inf
        assert (zero, five) == (0, pytest.approx(5))
