"""The logit shift against the closed form, through real networks."""

from dataclasses import replace

import pytest
import torch

from gan.gradients import TARGETS, compared_norms, generator_gradient, logit_shift, shift_experiment
from gan.run import Run
from gan.trainer import Trainer

TRAINER = Trainer(Run(data="ring", batch_size=16, steps=20))
Z = TRAINER.latent(16, torch.Generator().manual_seed(0))


def test_one_sample_ratio_is_one_minus_d_over_d() -> None:
    """For a single z the ratio of norms is (1 − D)/D to 1e-10 and the gradients are parallel."""
    for row in logit_shift(TRAINER.game, TRAINER.state, Z[:1], TARGETS):
        ratio = row["non_saturating_gradient_norm"] / row["saturating_gradient_norm"]
        assert ratio == pytest.approx(row["one_minus_d_fake"] / row["d_fake"], rel=1e-10)
        assert row["cosine"] == pytest.approx(1, abs=1e-12)


def test_range_of_d() -> None:
    """From 1e-30 to within 1e-7 of 1, with ½ in between."""
    rows = logit_shift(TRAINER.game, TRAINER.state, Z[:1], TARGETS)
    assert rows[0]["d_fake"] < 1.1e-30
    assert rows[-1]["one_minus_d_fake"] < 1e-7
    assert any(row["d_fake"] == pytest.approx(0.5) for row in rows)


def test_limits_of_a_minibatch() -> None:
    """D → 0: the saturating norm falls like D, the non-saturating one stops changing."""
    low, lower = logit_shift(TRAINER.game, TRAINER.state, Z, [-30.0, -33.0])
    fall = lower["saturating_gradient_norm"] / low["saturating_gradient_norm"]
    assert fall == pytest.approx(lower["d_fake"] / low["d_fake"], rel=1e-9)
    norms = [row["non_saturating_gradient_norm"] for row in (low, lower)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-9)


def test_gradient_is_that_of_finite_differences() -> None:
    """A directional derivative of the non-saturating loss in float64."""
    game = replace(TRAINER.game, precision=torch.float64)
    state = TRAINER.state._replace(
        generator=TRAINER.state.generator.double(),
        discriminator=TRAINER.state.discriminator.double(),
    )
    z = Z.double()
    gradient = generator_gradient(game, state, z, "non_saturating")
    direction = gradient / gradient.norm()

    def loss(distance: float) -> float:
        theta = state.generator + distance * direction
        logits = game.logits(state.discriminator, game.generate(theta, z))
        return -torch.nn.functional.logsigmoid(logits).mean().item()

    slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
    assert slope == pytest.approx(gradient.norm().item(), rel=1e-6)


def test_comparing_changes_nothing() -> None:
    """The counterfactual norms are read off the state, not written to it."""
    before = TRAINER.state.generator.clone()
    norms = compared_norms(TRAINER.game, TRAINER.state, Z)
    assert set(norms) == {"saturating_gradient_norm", "non_saturating_gradient_norm"}
    assert torch.equal(TRAINER.state.generator, before)


def test_experiment_measures_before_and_after_training() -> None:
    """Rows of the untrained and of the trained networks; they differ; 20 steps were made."""
    stored = shift_experiment(Trainer(TRAINER.run))
    networks = [row["network"] for row in stored.rows]
    assert networks == ["untrained"] * len(TARGETS) + ["trained"] * len(TARGETS)
    assert stored.facts["trained_steps"] == 20
    half = len(TARGETS)
    assert (
        stored.rows[0]["saturating_gradient_norm"] != stored.rows[half]["saturating_gradient_norm"]
    )


def test_diverged_networks_are_not_measured() -> None:
    """Training that blows up leaves the untrained rows and says so."""
    run = replace(TRAINER.run, optimiser="sgd", generator_learning_rate=1e30)
    stored = shift_experiment(Trainer(run))
    assert stored.status == "diverged"
    assert 0 < stored.stopped_step < run.steps
    assert stored.message.endswith(f" at step {stored.stopped_step}")
    assert {row["network"] for row in stored.rows} == {"untrained"}


def test_a_head_start_comes_before_the_steps() -> None:
    """The trained rows are those of a discriminator that was trained alone first."""
    run = replace(TRAINER.run, steps=2)
    plain, led = (
        shift_experiment(Trainer(replace(run, head_start=updates))).rows for updates in (0, 30)
    )
    half = len(TARGETS)
    assert plain[:half] == led[:half]
    assert all(a != b for a, b in zip(plain[half:], led[half:], strict=True))
