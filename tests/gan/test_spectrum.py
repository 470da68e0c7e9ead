"""The spectrum of a game in a training that does not notice it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gan import spectrum, store
from gan.errors import UsageError
from gan.gradients import in_precision
from gan.jacobian import jacobian, joint_field
from gan.models import MODELS
from gan.run import Run
from gan.spectrum import check, fixed_minibatch, spectrum_experiment
from gan.trainer import Trainer

RUN = Run(
    model="mlp_tiny",
    data="ring",
    penalty="r1",
    batch_size=16,
    steps=4,
    records=2,
    evaluation_samples=6,
    optimiser="sgd",
    momentum=0.0,
    generator_learning_rate=0.1,
    discriminator_learning_rate=0.3,
)
PARAMETERS = 549
STORED = spectrum_experiment(Trainer(RUN))
Row = dict[str, Any]


def rows(step: int) -> list[Row]:
    """The stored rows of a step."""
    return [dict(row) for row in STORED.rows if row["step"] == step]


def derivative(run: Run, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The field and the Jacobian at a step of an undisturbed run."""
    trainer = Trainer(run)
    for _ in range(steps):
        trainer.step()
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    at = (game, state.generator, state.discriminator, fixed_minibatch(trainer))
    return joint_field(*at), jacobian(*at)


@pytest.mark.parametrize("head_start", [0, 3])
def test_training_is_that_of_an_undisturbed_run(head_start: int) -> None:
    """Both players and G's average bit for bit after three measurements."""
    run = replace(RUN, head_start=head_start)
    measured, undisturbed = Trainer(run), Trainer(run)
    spectrum_experiment(measured)
    undisturbed.lead(head_start)
    for _ in range(4):
        undisturbed.step()
    assert torch.equal(measured.state.generator, undisturbed.state.generator)
    assert torch.equal(measured.state.discriminator, undisturbed.state.discriminator)
    assert torch.equal(measured.state.average, undisturbed.state.average)


def test_every_eigenvalue_at_every_record() -> None:
    """549 rows at steps 0, 2 and 4, and the sizes among the facts."""
    assert [row["step"] for row in STORED.rows] == [0] * 549 + [2] * 549 + [4] * 549
    assert (STORED.kind, STORED.status, STORED.stopped_step) == ("spectrum", "finished", 4)
    assert STORED.facts == {
        "samples": 6,
        "generator_parameters": 282,
        "discriminator_parameters": 267,
    }


def test_the_power_sums_of_the_eigenvalues_are_traces() -> None:
    """Σλ = tr J and Σλ² = tr J² of the Jacobian of an undisturbed run at the last step."""
    field, matrix = derivative(RUN, 4)
    found = np.array([complex(row["real"], row["imaginary"]) for row in rows(4)])
    scale = matrix.norm().item()
    assert abs(found.sum() - matrix.trace().item()) < 1e-12 * scale
    assert abs((found**2).sum() - (matrix @ matrix).trace().item()) < 1e-12 * scale**2
    assert {row["field_norm"] for row in rows(4)} == {field.norm().item()}


def test_radii_are_those_of_updates_at_the_runs_learning_rates() -> None:
    """By numpy, with G's rate .1 and D's .3; D first."""
    matrix = derivative(RUN, 2)[1].numpy()
    of_g, of_d = (np.arange(549) < 282)[:, None] * 0.1, (np.arange(549) >= 282)[:, None] * 0.3
    one = np.eye(549)
    both = [one + (of_g + of_d) * matrix, (one + of_g * matrix) @ (one + of_d * matrix)]
    expected = [abs(np.linalg.eigvals(update)).max() for update in both]
    (found,) = {(row["radius_simultaneous"], row["radius_alternating"]) for row in rows(2)}
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("rule", [{"optimiser": "adam"}, {"momentum": 0.5}])
def test_a_rule_with_memory_has_no_radius(rule: Row) -> None:
    """The derivative of its step is another; the eigenvalues are there all the same."""
    stored = spectrum_experiment(Trainer(replace(RUN, steps=0, **rule)))
    radii = {(row["radius_simultaneous"], row["radius_alternating"]) for row in stored.rows}
    assert radii == {(None, None)}
    assert [row["real"] for row in stored.rows] == [row["real"] for row in rows(0)]


def test_real_networks_start_where_some_direction_expands() -> None:
    """A positive real part at step 0, so that no step is stable."""
    assert max(row["real"] for row in rows(0)) > 0.1
    assert {row["stable_learning_rate"] for row in rows(0)} == {None}


def test_a_run_that_contracts_states_its_longest_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eigenvalues −2 and −1 ± 3i: 0.2."""
    matrix = torch.tensor([[-2.0, 0, 0], [0, -1, 3], [0, -3, -1]], dtype=torch.float64)
    monkeypatch.setattr(spectrum, "jacobian", lambda *_arguments: matrix)
    stored = spectrum_experiment(Trainer(replace(RUN, steps=0, optimiser="adam")))
    (rate,) = {row["stable_learning_rate"] for row in stored.rows}
    assert rate == pytest.approx(0.2, rel=1e-12)


def test_the_minibatch_is_the_runs_own() -> None:
    """The same whatever is trained and measured; another seed has another."""
    first, again, other = (
        fixed_minibatch(Trainer(run))
        for run in (RUN, replace(RUN, loss="hinge", records=1), replace(RUN, seed=1))
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert first.real.dtype == first.z.dtype == first.mix.dtype == torch.float64


def test_a_penalty_that_draws_per_element_gets_its_numbers() -> None:
    """(6, 2) of dragan, (6,) of the others."""
    assert fixed_minibatch(Trainer(RUN)).mix.shape == (6,)
    assert fixed_minibatch(Trainer(replace(RUN, penalty="dragan"))).mix.shape == (6, 2)


def test_few_data_are_all_taken() -> None:
    """1,497 training digits."""
    run = replace(RUN, data="digits", latent_dim=2, evaluation_samples=5000)
    assert len(fixed_minibatch(Trainer(run)).real) == 1497


def test_the_format_of_training_does_not_enter() -> None:
    """bfloat16 starts from float32's weights, and is measured in float64."""
    stored = spectrum_experiment(Trainer(replace(RUN, precision="bfloat16", steps=0)))
    assert list(stored.rows) == rows(0)


def test_training_that_diverges_leaves_the_rows_before() -> None:
    """Status, step and message; step 0 was measured."""
    stored = spectrum_experiment(Trainer(replace(RUN, discriminator_learning_rate=3e38, steps=9)))
    assert stored.status == "diverged"
    assert stored.message.endswith(f" at step {stored.stopped_step}")
    assert {row["step"] for row in stored.rows} == {0}


def test_a_head_start_that_diverges_leaves_nothing() -> None:
    """No step was made and nothing measured."""
    run = replace(RUN, discriminator_learning_rate=3e38, head_start=9)
    stored = spectrum_experiment(Trainer(run))
    assert (stored.status, stored.stopped_step, list(stored.rows)) == ("diverged", 0, [])
    assert stored.message.endswith(" of the head start")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_jacobian_that_overflows_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    """As diverged, with the rows before it: eigenvalues of nan are none."""
    seen: list[int] = []

    def overflowing(*at: Any) -> torch.Tensor:
        seen.append(len(seen))
        return jacobian(*at) if len(seen) == 1 else torch.full((2, 2), value)

    monkeypatch.setattr(spectrum, "jacobian", overflowing)
    stored = spectrum_experiment(Trainer(RUN))
    assert (stored.status, stored.stopped_step) == ("diverged", 2)
    assert stored.message == "the game's Jacobian is not finite at step 2"
    assert {row["step"] for row in stored.rows} == {0}


def test_what_is_stored_is_read_back(tmp_path: Any) -> None:
    """Every column as it was."""
    read = store.read(store.write(tmp_path, STORED))
    assert read is not None
    assert list(read.rows) == list(STORED.rows)
    assert read.facts == STORED.facts


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"model": "mlp"},
            "spectrum takes at most 5,000 parameters, but mlp has 34,179 on ring: {use}",
        ),
        (
            {"weight_clip": 0.01},
            "spectrum takes no clipped weights, not weight_clip 0.01: set it to 0",
        ),
        (
            {"pack": 2},
            "spectrum takes single samples, but this discriminator judges packs of 2: {pack}",
        ),
    ],
)
def test_what_has_no_spectrum_is_refused_before_any_work(changed: Row, message: str) -> None:
    """In one line that says what to do, by the experiment too."""
    trainer = Trainer(replace(RUN, **changed))
    before = trainer.state.generator.clone()
    for refuse in (check, spectrum_experiment):
        with pytest.raises(UsageError) as raised:
            refuse(trainer)
        assert str(raised.value) == message.format(
            use="use mlp_small or mlp_tiny", pack="set pack to 1"
        )
    assert torch.equal(trainer.state.generator, before)


def test_normalised_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backpropagated twice, spectral normalisation leaves a part out."""
    normalised = replace(MODELS["mlp_tiny"], normalises_weights=True)
    monkeypatch.setitem(MODELS, "mlp_tiny", normalised)
    with pytest.raises(UsageError) as raised:
        check(Trainer(RUN))
    assert str(raised.value) == (
        "spectrum takes no normalised weights, as of mlp_tiny: use mlp_small or mlp_tiny"
    )
