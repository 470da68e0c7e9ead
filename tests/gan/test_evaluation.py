"""Evaluation looks on: it changes no training, no clock and no global random numbers."""

import random
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from gan import train as module
from gan.evaluation import Evaluation, Row
from gan.metrics import METRICS
from gan.run import Run
from gan.trainer import Trainer

RUNS = [
    Run(data="ring", batch_size=16, evaluation_samples=50),
    Run(data="gaussian1d", batch_size=16, evaluation_samples=50, precision="bfloat16"),
    Run(data="digits", batch_size=16, evaluation_samples=50),
    Run(data="stacked_digits", batch_size=16, evaluation_samples=50),
]
NO_TRACE = torch.empty(0, 4)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: str(run.data))
def test_evaluating_at_every_step_leaves_training_bit_identical(run: Run) -> None:
    """Weights, moments, averages and the next random numbers, with snapshots or without."""
    watched, alone = Trainer(run), Trainer(run)
    evaluation = Evaluation(watched)
    for step in range(4):
        evaluation.row(step, 0.0, NO_TRACE, snapshot=step % 2 == 0)
        assert torch.equal(watched.step(), alone.step())
    for mine, other in zip(watched.state[:2], alone.state[:2], strict=True):
        assert torch.equal(mine, other)
    assert torch.equal(watched.state.average, alone.state.average)
    for drawn, expected in zip(watched.draw(), alone.draw(), strict=True):
        assert torch.equal(drawn, expected)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: str(run.data))
def test_evaluation_leaves_the_global_random_numbers_alone(run: Run) -> None:
    """torch's, NumPy's and Python's: whoever uses them sees the same ones, evaluated or not."""
    evaluation = Evaluation(Trainer(run))
    before = global_states()
    evaluation.row(0, 0.0, NO_TRACE, snapshot=True)
    assert global_states() == before


def global_states() -> list[object]:
    """Of the three global generators."""
    legacy = np.random.get_state()  # noqa: NPY002  # the legacy global state is what must not move
    return [torch.get_rng_state().tolist(), str(legacy), random.getstate()]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: str(run.data))
def test_a_row_has_every_metric_of_its_data_and_the_games_value(run: Run) -> None:
    """As results/README.md lists them, all floats; the same twice."""
    trainer = Trainer(run)
    evaluation = Evaluation(trainer)
    row = evaluation.row(7, 0.0, NO_TRACE, snapshot=False)
    names = {name for name, metric in METRICS.items() if metric.applies(trainer.dataset)}
    assert names | {"game_value", "accuracy"} <= set(row)
    assert not (set(METRICS) - names) & set(row)
    assert all(isinstance(row[name], float) for name in names | {"game_value"})
    assert str(evaluation.row(7, 0.0, NO_TRACE, snapshot=False)) == str(row)


def test_facts_are_those_of_the_data() -> None:
    """Modes of mixtures, the density on a grid of the line, the classifier's accuracy of images."""
    named = {
        "ring": {"mode_centres", "mode_sigma"},
        "gaussian1d": {"mode_centres", "mode_sigma", "grid", "density_on_grid"},
        "digits": {"classifier_accuracy"},
        "stacked_digits": {"classifier_accuracy"},
    }
    every = set.union(*named.values())
    for run in RUNS:
        trainer = Trainer(run)
        facts = Evaluation(trainer).facts()
        assert set(facts) & every == named[run.data]
        assert facts["sample_shape"] == list(trainer.dataset.shape)


def test_the_samples_of_a_snapshot_do_not_depend_on_the_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another metric that draws random numbers changes no picture."""
    evaluation = Evaluation(Trainer(RUNS[0]))
    before = evaluation.row(0, 0.0, NO_TRACE, snapshot=True)
    # Not taken out of METRICS itself: what is put back comes last, in every later test's rows.
    others = {name: metric for name, metric in METRICS.items() if name != "sliced_w"}
    monkeypatch.setattr("gan.metrics.METRICS", others)
    after = evaluation.row(0, 0.0, NO_TRACE, snapshot=True)
    assert set(before) - set(after) == {"sliced_w"}
    assert after["samples"] == before["samples"]


def test_the_training_clock_stands_still_while_evaluating(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock by which a step takes a second and an evaluation an hour: 0, 4, 8, 12 s."""
    now = [0.0]
    step, row = Trainer.step, Evaluation.row

    def slow_step(trainer: Trainer) -> torch.Tensor:
        now[0] += 1
        return step(trainer)

    def slow_row(
        self: Evaluation, at: int, seconds: float, trace: torch.Tensor, *, snapshot: bool
    ) -> Row:
        now[0] += 3600
        return row(self, at, seconds, trace, snapshot=snapshot)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(Trainer, "step", slow_step)
    monkeypatch.setattr(Evaluation, "row", slow_row)
    result = module.train(replace(RUNS[0], steps=12, records=3))
    assert [line["seconds"] for line in result.rows] == [0.0, 4.0, 8.0, 12.0]
    assert now[0] == 12 + 4 * 3600
