"""The optimum experiment on modes in the plane: D* in D's place, and a trained D."""

import pytest
import torch

from gan import optimum
from gan.displaced import optimal_logit
from gan.mixtures import Mixture, ring
from gan.optimum import measured, optimum_experiment
from gan.run import Run
from gan.trainer import Trainer


def number(row: dict[str, object], name: str) -> float:
    """One number of a row."""
    value = row[name]
    assert isinstance(value, float)
    return value


def test_in_the_plane_the_exact_discriminator_has_the_theorys_numbers() -> None:
    """D* of p_g one σ to the right: V and the gradients within 4 standard errors, D to rounding."""
    mixture, rng = ring(), torch.Generator().manual_seed(3)
    real, fake = (mixture.sample(20_000, rng).double() for _ in range(2))
    fake[:, 0] += mixture.sigma
    rows = measured(lambda x: optimal_logit(mixture, 1.0, x), mixture, 1.0, real, fake)
    assert number(rows[0], "exact_value") == pytest.approx(-1.16351, abs=1e-4)
    for row in rows:
        assert abs(number(row, "value") - number(row, "exact_value")) < 4 * number(
            row, "value_error"
        )
        off = number(row, "gradient") - number(row, "exact_gradient")
        assert abs(off) < 4 * number(row, "gradient_error")
        assert number(row, "d_error") < 1e-12


def test_in_the_plane_a_discriminator_is_trained_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two wide modes, in a few hundred updates: close to D*, at the data and beside them."""
    wide = Mixture("wide", (2,), torch.tensor([[-2.0, 0], [2.0, 1]], dtype=torch.float64), 0.7)
    monkeypatch.setattr(optimum, "DISPLACEMENTS", (0.0, 1.0))
    run = Run(
        data="ring",
        batch_size=128,
        steps=200,
        discriminator_learning_rate=1e-3,
        evaluation_samples=2000,
    )
    for row in map(dict, optimum_experiment(Trainer(run, wide)).rows):
        displacement, gradient = number(row, "displacement"), number(row, "gradient")
        assert number(row, "d_error") < 0.06
        assert abs(gradient) < 0.05 if displacement == 0 else gradient * displacement > 0.15
