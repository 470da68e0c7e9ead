"""Runs side by side: each equals the same run alone, whatever becomes of the others."""

from dataclasses import replace

import pytest
import torch

from gan.ensemble import Ensemble, members_of, trainer_of
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.models import MODELS
from gan.penalties import PENALTIES
from gan.run import Run
from gan.train import train, train_together
from gan.trainer import Trainer
from tests.gan.test_modes import run_of

E = 3
RUN = Run(data="ring", batch_size=8, steps=6, records=2, evaluation_samples=40)


def assert_each_is_alone(run: Run, steps: int = 20) -> None:
    """Players, moments and average of each run after some steps, in float64."""
    ensemble = Ensemble(replace(run, ensemble=E))
    alone = [Trainer(replace(run, seed=seed)) for seed in range(E)]
    for _ in range(steps):
        trace = ensemble.step()
        traces = torch.stack([trainer.step() for trainer in alone])
        torch.testing.assert_close(trace, traces, rtol=1e-7, atol=1e-9)
    for member, trainer in zip(ensemble.members, alone, strict=True):
        for mine, other in zip(member.state.tensors(), trainer.state.tensors(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_each_equals_the_run_alone_for_every_loss_and_penalty(loss: str) -> None:
    """After 20 steps; two updates of D in each."""
    for penalty in PENALTIES:
        run = run_of(loss, penalty, "mlp_tiny", discriminator_steps=2)
        assert run
        assert_each_is_alone(run, 20 if penalty in ("none", "dragan") else 5)


@pytest.mark.parametrize("model", MODELS)
def test_each_equals_the_run_alone_for_every_model(model: str) -> None:
    """With a penalty where the model takes one; dropout has each run's own numbers."""
    run = run_of("hinge", "wgan_gp", model) or run_of("hinge", "none", model)
    assert run
    assert_each_is_alone(run, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "sgd"},
        {"loss": "wasserstein"},
        {"pack": 2},
        {"data": "digits", "batch_size": 500},
        {"data": "stacked_digits"},
        {"head_start": 2},
    ],
    ids=str,
)
def test_results_are_those_of_the_runs_alone(changes: dict[str, str | int]) -> None:
    """Rows, traces and facts of train_together against train, seed by seed."""
    run = replace(RUN, precision="float64", **changes)  # type: ignore[arg-type]  # fields of Run
    results = train_together(replace(run, ensemble=2, seed=3))
    assert [result.run for result in results] == [
        replace(run, seed=seed, ensemble=2) for seed in (2, 3)
    ]
    for result in results:
        alone = train(replace(result.run, ensemble=1))
        torch.testing.assert_close(result.trace, alone.trace, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(result.lead, alone.lead, rtol=1e-5, atol=1e-7)
        assert str(result.facts) == str(alone.facts)
        assert [row["step"] for row in result.rows] == [row["step"] for row in alone.rows]
        for mine, other in zip(result.rows, alone.rows, strict=True):
            assert mine["d_real"] == pytest.approx(other["d_real"], rel=1e-6)
            assert mine["mmd"] == pytest.approx(other["mmd"], rel=1e-4, abs=1e-9)


def test_one_that_diverges_does_not_touch_the_others() -> None:
    """Its rows end with a reason; theirs have every bit as if it had not."""
    run = replace(RUN, ensemble=E)

    def trained(scale: float) -> list[list[float]]:
        ensemble = Ensemble(run)
        ensemble.state.generator[1] *= scale
        return [ensemble.step().tolist() for _ in range(4)][-1]

    whole, broken = trained(1.0), trained(float("nan"))
    assert (broken[0], broken[2]) == (whole[0], whole[2])
    assert all(value != value for value in broken[1])  # nan


def test_results_tell_the_one_that_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is "diverged" at its step and has no later rows; the others finish."""
    initial = Ensemble._initial

    def broken(self: Ensemble) -> object:
        state = initial(self)
        state.generator[1] = 1e30
        return state

    monkeypatch.setattr(Ensemble, "_initial", broken)
    results = train_together(replace(RUN, ensemble=E))
    assert [result.status for result in results] == ["finished", "diverged", "finished"]
    assert [len(result.rows) for result in results] == [3, 0, 3]
    assert results[1].message
    assert results[1].stopped_step < 6 or "step" in results[1].message


def test_members_see_what_is_trained() -> None:
    """Their states are parts of the ensemble's memory, after a reset and a checkpoint too."""
    ensemble, other = Ensemble(replace(RUN, ensemble=2)), Ensemble(replace(RUN, ensemble=2))
    ensemble.step()
    ensemble.lead(1)
    other.load_state_dict(ensemble.state_dict())
    assert torch.equal(other.step(), ensemble.step())
    for member, theta in zip(ensemble.members, ensemble.state.generator, strict=True):
        assert member.state.generator.data_ptr() == theta.data_ptr()
    ensemble.reset()
    fresh = Trainer(replace(RUN, seed=1))
    assert torch.equal(ensemble.members[1].state.generator, fresh.state.generator)
    assert torch.equal(ensemble.draw().real[:, 1], fresh.draw().real)


def test_what_trains_a_run() -> None:
    """A trainer alone, or an ensemble with a trainer to look at for each run."""
    alone, ensemble = trainer_of(RUN), trainer_of(replace(RUN, ensemble=2, seed=5))
    assert members_of(alone) == [alone]
    assert [member.run.seed for member in members_of(ensemble)] == [4, 5]
    with pytest.raises(UsageError, match="an ensemble of 2 is more than one run"):
        train(replace(RUN, ensemble=2))
