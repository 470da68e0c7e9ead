"""What a discriminator trained alone does to every loss's gradient, and the estimators of noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gan import overtrained
from gan.errors import UsageError
from gan.gradients import generator_gradient, in_precision
from gan.losses import LOSSES
from gan.overtrained import (
    gradient_statistics,
    minibatch_count,
    overtrained_experiment,
    round_steps,
    signal_to_noise,
    tail_index,
)
from gan.run import Run
from gan.trainer import Trainer

RUN = Run(data="ring", batch_size=4, steps=3, evaluation_samples=40)
STORED = overtrained_experiment(Trainer(RUN))


def index_of(values: np.ndarray, count: int) -> tuple[float, float, float]:
    """Hill's estimate of values that have one."""
    found = tail_index(torch.from_numpy(values), count)
    assert found is not None
    return found


def test_one_row_per_record_and_loss() -> None:
    """Updates 0, 1, 2, 3 and all losses; facts say over how many minibatches."""
    keys = [(row["discriminator_step"], row["gradient_of"]) for row in STORED.rows]
    assert keys == [(step, name) for step in (0, 1, 2, 3) for name in LOSSES]
    assert STORED.facts == {"minibatches": 50, "tail_count": 5}
    assert (STORED.status, STORED.message, STORED.stopped_step) == ("finished", "", 3)


def test_the_generator_is_frozen_and_the_discriminator_is_led() -> None:
    """θ_G as it started; θ_D as one uninterrupted lead leaves it: measuring changes nothing."""
    measured, led = Trainer(RUN), Trainer(RUN)
    start = led.state.generator.clone()
    overtrained_experiment(measured)
    led.lead(3)
    assert torch.equal(measured.state.generator, start)
    assert torch.equal(measured.state.discriminator, led.state.discriminator)


def test_norms_are_those_of_gradients_one_by_one() -> None:
    """The median over minibatches against separate passes on the same random numbers."""
    trainer = Trainer(RUN)
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    rng = RUN.rng("overtrained noise 0")
    norms = [
        generator_gradient(game, state, trainer.latent(4, rng).double(), "saturating").norm()
        for _ in range(50)
    ]
    found = {row["gradient_of"]: row["gradient_norm"] for row in STORED.rows[: len(LOSSES)]}
    assert found["saturating"] == pytest.approx(float(np.median(norms)), rel=1e-12)
    assert found["jensen_shannon"] == found["saturating"]


def test_groups_of_losses_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One loss at a time, when memory is short."""
    monkeypatch.setattr(overtrained, "GRADIENT_BYTES", 1)
    rows = overtrained_experiment(Trainer(replace(RUN, steps=0))).rows
    for row, expected in zip(rows, STORED.rows[: len(LOSSES)], strict=True):
        assert row["gradient_of"] == expected["gradient_of"]
        assert row["snr"] == pytest.approx(expected["snr"], rel=1e-9)


def test_saturating_gradients_fall_with_d_and_the_others_do_not() -> None:
    """After 300 updates D(G(z)) < 1 %: Eq. 4's norm has fallen below a tenth of Eq. 3's."""
    run = replace(RUN, steps=300, discriminator_learning_rate=1e-2, batch_size=16)
    last = {
        row["gradient_of"]: dict(row)
        for row in overtrained_experiment(Trainer(run)).rows
        if row["discriminator_step"] == 300
    }
    d = float(str(last["saturating"]["d_fake_q95"]))
    assert d < 0.01
    norms = [float(str(last[name]["gradient_norm"])) for name in ("saturating", "non_saturating")]
    assert norms[0] < norms[1] * d / (1 - d)


def test_a_discriminator_that_diverges_leaves_the_rows_before() -> None:
    """Status, message and the update at which it happened."""
    run = replace(RUN, optimiser="sgd", discriminator_learning_rate=1e30, steps=20)
    stored = overtrained_experiment(Trainer(run))
    assert stored.status == "diverged"
    assert f" at update {stored.stopped_step} " in stored.message
    assert {row["discriminator_step"] for row in stored.rows} == {
        step for step in (0, 1, 2, 5, 10, 20) if step < stored.stopped_step
    }


def test_a_head_start_is_refused() -> None:
    """Two ways to say the same would make the axis ambiguous."""
    with pytest.raises(UsageError, match=r"takes no head start, not 7: it measures one of `steps`"):
        overtrained_experiment(Trainer(replace(RUN, head_start=7)))


@given(st.integers(0, 10**7))
def test_round_steps_increase_to_the_last(last: int) -> None:
    """1-2-5 per decade, ending at the last, nothing twice."""
    steps = round_steps(last)
    assert steps == sorted(set(steps))
    assert (steps[-1] if steps else 0) == last
    assert all(str(step).rstrip("0") in ("1", "2", "5") for step in steps[:-1])
    assert len(steps) == sum(d * 10**p < last for p in range(8) for d in (1, 2, 5)) + (last > 0)


def test_minibatch_count_has_a_tail_at_least() -> None:
    """50 or as many as the evaluation's samples fill."""
    assert minibatch_count(RUN) == 50
    assert minibatch_count(replace(RUN, evaluation_samples=404)) == 101


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 4.0])
def test_hill_on_pareto_follows_its_exact_law(alpha: float) -> None:
    """k·α/α̂ ~ Gamma(k, 1) for Pareto data, and the 95 % interval covers α in 93 to 97 %."""
    rng, k = np.random.default_rng(0), 50
    samples = stats.pareto.rvs(alpha, size=(2000, 500), random_state=rng)
    found = np.array([index_of(sample, k) for sample in samples])
    assert stats.kstest(k * alpha / found[:, 0], stats.gamma(k).cdf).pvalue > 0.01
    covered = (found[:, 1] <= alpha) & (alpha <= found[:, 2])
    assert 0.93 <= covered.mean() <= 0.97


def test_hill_tells_cauchy_from_gaussian() -> None:
    """|Cauchy| has α = 1; the Gaussian's estimate is far above 2."""
    rng = np.random.default_rng(0)
    cauchy = index_of(np.abs(stats.cauchy.rvs(size=20_000, random_state=rng)), 400)
    assert cauchy[1] < 1 < cauchy[2]
    gaussian = index_of(np.abs(stats.norm.rvs(size=20_000, random_state=rng)), 400)
    assert gaussian[1] > 4


def test_hill_does_not_depend_on_the_unit() -> None:
    """Values of 1e-200 have the tail of the same values at 1."""
    values = stats.pareto.rvs(1.5, size=100, random_state=np.random.default_rng(1))
    assert index_of(values * 1e-200, 10) == pytest.approx(index_of(values, 10), rel=1e-9)


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 4),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 5),
        ([7.0] * 20, 5),
        ([0.0] * 20 + [1.0] * 5, 5),
        ([math.nan] + [1.0, 2.0] * 9, 5),
        ([math.inf] + [1.0, 2.0] * 9, 5),
        ([], 5),
    ],
)
def test_hill_is_undefined(values: list[float], count: int) -> None:
    """Too few in the tail, none below it, no spread, a zero, something not finite, nothing."""
    assert tail_index(torch.tensor(values), count) is None


def test_signal_to_noise_by_hand() -> None:
    """Gradients (1, 0) and (3, 0): mean 2, noise 1 each; 2."""
    statistics = gradient_statistics(torch.tensor([[1.0, 0.0], [3.0, 0.0]]).double(), 0)
    assert statistics["snr"] == 2
    assert statistics["gradient_norm"] == 2
    assert statistics["gradient_norm_q05"] == pytest.approx(1.1)
    assert statistics["gradient_norm_q95"] == pytest.approx(2.9)
    assert statistics["tail_index"] is None


def test_signal_to_noise_of_pure_noise_is_its_stated_bias() -> None:
    """1/√(M − 1) for M = 50 gradients of 20,000 standard normal numbers."""
    noise = torch.randn(50, 20_000, generator=torch.Generator().manual_seed(0)).double()
    snr = gradient_statistics(noise, 5)["snr"]
    assert snr == pytest.approx(1 / 7, rel=0.02)


def test_signal_to_noise_at_its_ends() -> None:
    """Tiny noise is noise; none at all is inf, and 0/0 nan."""
    mean = torch.tensor([3e-200, 4e-200], dtype=torch.float64)
    assert signal_to_noise(mean, torch.full((4,), 1e-200, dtype=torch.float64)) == pytest.approx(5)
    assert signal_to_noise(mean, torch.zeros(4)) == math.inf
    assert math.isnan(signal_to_noise(torch.zeros(2), torch.zeros(4)))


def test_statistics_that_are_not_finite_are_null() -> None:
    """A gradient of nan is no number to store."""
    assert set(gradient_statistics(torch.full((10, 2), math.nan), 5).values()) == {None}
