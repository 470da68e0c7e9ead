"""What every loss would have given in a training that does not notice it."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gan import counterfactual
from gan.counterfactual import EDGES, counterfactual_experiment, measured_steps
from gan.gradients import generator_gradient, in_precision
from gan.losses import LOSSES
from gan.run import Run
from gan.step import State
from gan.trainer import Trainer

RUN = Run(data="ring", batch_size=16, steps=8, records=2, loss="hinge")
STORED = counterfactual_experiment(Trainer(RUN))
Row = dict[str, Any]


def rows(**fixed: object) -> list[Row]:
    """The stored rows with these values."""
    return [dict(row) for row in STORED.rows if fixed.items() <= row.items()]


def measured_minibatch(run: Run, step: int) -> tuple[Trainer, State, Tensor]:
    """The z that an experiment measures at a step, with the players of an undisturbed run there."""
    trainer = Trainer(run)
    for _ in range(step):
        trainer.step()
    state = in_precision(trainer.game, trainer.state, torch.float64)[1]
    z = trainer.latent(run.batch_size, run.rng(f"counterfactual noise {step}")).double()
    return trainer, state, z


@pytest.mark.parametrize("head_start", [0, 3])
def test_training_is_that_of_an_undisturbed_run(head_start: int) -> None:
    """Both players bit for bit after measuring at 6 steps."""
    run = replace(RUN, head_start=head_start)
    measured, undisturbed = Trainer(run), Trainer(run)
    counterfactual_experiment(measured)
    undisturbed.lead(head_start)
    for _ in range(8):
        undisturbed.step()
    assert torch.equal(measured.state.generator, undisturbed.state.generator)
    assert torch.equal(measured.state.discriminator, undisturbed.state.discriminator)
    assert torch.equal(measured.state.average, undisturbed.state.average)


def test_one_batch_row_per_step_and_loss() -> None:
    """At 0, 1, 2, 4 and 8; no edges; all 16 samples."""
    batch = rows(scope="batch")
    assert [(row["step"], row["gradient_of"]) for row in batch] == [
        (step, name) for step in (0, 1, 2, 4, 8) for name in LOSSES
    ]
    assert {(row["d_low"], row["d_high"], row["count"]) for row in batch} == {(None, None, 16.0)}
    assert STORED.facts == {"batch_size": 16}
    assert (STORED.status, STORED.stopped_step) == ("finished", 8)


def test_batch_norms_and_cosines_are_those_of_separate_passes() -> None:
    """Saturating and non-saturating at the last step, against autograd on the same minibatch."""
    trainer, state, z = measured_minibatch(RUN, 8)
    game = replace(trainer.game, precision=torch.float64)
    live = generator_gradient(game, state, z, "hinge")
    for name in ("saturating", "non_saturating", "hinge"):
        gradient = generator_gradient(game, state, z, name)
        (row,) = rows(scope="batch", step=8, gradient_of=name)
        cosine = gradient.dot(live) / gradient.norm() / live.norm()
        assert row["gradient_norm"] == pytest.approx(gradient.norm().item(), rel=1e-12)
        assert row["cosine"] == pytest.approx(cosine.item(), rel=1e-12)


def test_bins_are_of_the_samples_between_their_edges() -> None:
    """Each sample alone, by a pass of its own, sorted by hand into the bins of its D."""
    trainer, state, z = measured_minibatch(RUN, 8)
    game = replace(trainer.game, precision=torch.float64)
    d = torch.sigmoid(game.logits(state.discriminator, game.generate(state.generator, z)))
    norms = torch.stack([generator_gradient(game, state, noise[None], "kl").norm() for noise in z])
    found = rows(scope="bin", step=8, gradient_of="kl")
    assert sum(row["count"] for row in found) == 16
    for row in found:
        inside = (row["d_low"] <= d) & (d < row["d_high"])
        assert row["count"] == inside.sum()
        assert row["d_fake"] == pytest.approx(d[inside].quantile(0.5).item(), rel=1e-12)
        expected = norms[inside].quantile(0.5).item()
        assert row["gradient_norm"] == pytest.approx(expected, rel=1e-12)
        assert row["cosine"] is None


def test_bins_hold_their_lower_edge_and_the_last_holds_1() -> None:
    """D = 0, every edge, and 1 exactly; four bins empty between chosen values have no row."""
    norms = torch.arange(1.0, 5.0).repeat(len(LOSSES), 1)
    minibatch = counterfactual._Minibatch(
        torch.tensor([0.0, 1e-10, 0.5, 1.0], dtype=torch.float64), torch.empty(0), norms
    )
    found = [
        (row["d_low"], row["d_high"], row["count"], row["gradient_norm"])
        for row in counterfactual._bin_rows(minibatch)
        if row["gradient_of"] == "saturating"
    ]
    assert found == [
        (0.0, 1e-10, 1.0, 1.0),
        (1e-10, 1e-6, 1.0, 2.0),
        (0.5, 0.9, 1.0, 3.0),
        (0.99, 1.0, 1.0, 4.0),
    ]
    assert EDGES[0] == 0
    assert EDGES[-1] == 1


def test_relativistic_contributions_add_up_to_the_minibatch_gradient() -> None:
    """In a minibatch of one sample its contribution is the whole gradient, for every loss."""
    stored = counterfactual_experiment(Trainer(replace(RUN, batch_size=1, steps=2)))
    batch = [row for row in stored.rows if row["scope"] == "batch"]
    bins = [row for row in stored.rows if row["scope"] == "bin"]
    assert len(batch) == len(bins) == 3 * len(LOSSES)
    for whole, part in zip(batch, bins, strict=True):
        assert (whole["step"], whole["gradient_of"]) == (part["step"], part["gradient_of"])
        assert part["gradient_norm"] == pytest.approx(whole["gradient_norm"], rel=1e-9)


def test_networks_that_couple_samples_have_no_bins() -> None:
    """Batch rows only, for a batch-normalised pair."""
    run = Run(model="dcgan", batch_size=4, steps=1)
    stored = counterfactual_experiment(Trainer(run))
    assert {row["scope"] for row in stored.rows} == {"batch"}
    assert len(stored.rows) == 2 * len(LOSSES)


def test_training_that_diverges_leaves_the_rows_before() -> None:
    """Status, step and message; rows up to the last record before."""
    run = replace(RUN, optimiser="sgd", generator_learning_rate=1e30, steps=20)
    stored = counterfactual_experiment(Trainer(run))
    assert stored.status == "diverged"
    assert stored.message.endswith(f" at step {stored.stopped_step}")
    assert {row["step"] for row in stored.rows} == {
        step for step in measured_steps(run) if step < stored.stopped_step
    }


def test_a_head_start_that_diverges_leaves_nothing() -> None:
    """No step was made and nothing measured."""
    run = replace(RUN, optimiser="sgd", discriminator_learning_rate=1e30, head_start=5)
    stored = counterfactual_experiment(Trainer(run))
    assert (stored.status, stored.stopped_step, list(stored.rows)) == ("diverged", 0, [])
    assert stored.message.endswith(" of the head start")


def test_what_is_not_finite_is_null() -> None:
    """nan gradients have no norm and no cosine, those beside them do."""
    gradients = torch.eye(len(LOSSES), dtype=torch.float64)
    gradients[1] = math.nan
    minibatch = counterfactual._Minibatch(torch.tensor([0.5]), gradients, None)
    found = counterfactual._batch_rows(minibatch, "saturating")
    assert [(row["gradient_norm"], row["cosine"]) for row in found[:3]] == [
        (1.0, 1.0),
        (None, None),
        (1.0, 0.0),
    ]


def test_measured_steps() -> None:
    """No steps: the start; few: all round ones; many: about as many as records."""
    assert measured_steps(replace(RUN, steps=0)) == [0]
    assert measured_steps(replace(RUN, steps=1)) == [0, 1]
    assert measured_steps(Run(steps=1000, records=4)) == [
        0, 1, 2, 5, 10, 20, 50, 100, 200, 250, 500, 750, 1000,
    ]  # fmt: skip
