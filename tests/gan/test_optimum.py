"""The optimum experiment: D* in D's place, a trained D, and every way it can end."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gan import optimum
from gan.displaced import optimal_logit
from gan.errors import UsageError
from gan.mixtures import Mixture, gaussian1d, ring
from gan.optimum import (
    DISPLACEMENTS,
    PLAYED,
    average_discriminator,
    check,
    estimate,
    frozen,
    measured,
    optimum_experiment,
)
from gan.run import Run
from gan.trainer import Trainer

LINE = gaussian1d()
PAIR = Mixture("pair", (1,), torch.tensor([[-3.0], [1.0]], dtype=torch.float64), 0.5)
RUN = Run(
    data="gaussian1d",
    batch_size=32,
    steps=8,
    discriminator_learning_rate=1e-3,
    evaluation_samples=50,
)


def samples(displacement: float, count: int = 40_000) -> tuple[Tensor, Tensor]:
    """Independent samples of N(4, .5²) and of it displaced, in float64."""
    rng = torch.Generator().manual_seed(7)
    noise = torch.randn(2, count, 1, generator=rng, dtype=torch.float64)
    return 4 + 0.5 * noise[0], 4 + 0.5 * (noise[1] + displacement)


def number(row: dict[str, object], name: str) -> float:
    """One number of a row."""
    value = row[name]
    assert isinstance(value, float)
    return value


def test_the_losses_of_the_game_are_those_that_share_its_discriminator() -> None:
    """Three generators play against the cross entropy of Eq. 1."""
    assert PLAYED == ("saturating", "non_saturating", "maximum_likelihood")


def test_an_estimate_has_the_standard_error_of_a_mean() -> None:
    """1, 2, 3, 6: mean 3, s² = 14/3, so √(14/3/4)."""
    mean, error = estimate(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    assert mean == 3
    assert error == pytest.approx(math.sqrt(14 / 12))


@pytest.mark.parametrize("displacement", DISPLACEMENTS)
def test_with_the_exact_discriminator_every_number_is_the_theorys(displacement: float) -> None:
    """a = −d·(x − 4)/σ + d²/2 written by hand: V, D and the gradients within 4 standard errors."""
    rows = measured(
        lambda x: -displacement * (x[:, 0] - 4) / 0.5 + displacement**2 / 2,
        LINE,
        displacement,
        *samples(displacement),
    )
    assert [row["gradient_of"] for row in rows] == list(PLAYED)
    for row in rows:
        off = number(row, "value") - number(row, "exact_value")
        assert abs(off) <= 4 * number(row, "value_error") + 1e-12
        assert number(row, "d_error") < 1e-12
        assert number(row, "d_mean") == pytest.approx(0.5, abs=0.01)
        off = number(row, "gradient") - number(row, "exact_gradient")
        assert abs(off) <= 4 * number(row, "gradient_error") + 1e-12
        assert number(row, "exact_value") == pytest.approx(
            -math.log(4) + 2 * number(row, "jsd"), abs=1e-15
        )


def test_at_the_data_the_exact_discriminator_leaves_no_gradient() -> None:
    """D = ½ everywhere: V = −log 4 without error, and every gradient is 0."""
    for row in measured(lambda x: 0 * x[:, 0], LINE, 0.0, *samples(0.0)):
        assert row["value"] == pytest.approx(-math.log(4), abs=1e-15)
        assert row["value_error"] == pytest.approx(0, abs=1e-15)
        assert (row["d_mean"], row["d_error"], row["gradient"]) == (0.5, 0.0, 0.0)


def test_a_worse_discriminator_has_a_lower_value() -> None:
    """On the same samples: D* beats D = ½ and a D* twice too sure, each by many errors."""
    real, fake = samples(1.0)

    def row(confidence: float) -> dict[str, object]:
        return measured(lambda x: confidence * optimal_logit(LINE, 1.0, x), LINE, 1.0, real, fake)[
            0
        ]

    best = row(1.0)
    for worse in (row(0.0), row(2.0)):
        assert number(worse, "value") < number(best, "value") - 10 * number(best, "value_error")
        assert number(worse, "d_error") > 0.05


def test_d_error_is_a_mean_over_both_densities() -> None:
    """D = ½ against D* = σ(∓d²/2…): |½ − D*| by hand on one sample of each."""
    real, fake = torch.full((2, 1), 4.0).double(), torch.full((2, 1), 4.5).double()
    (row, *_) = measured(lambda x: 0 * x[:, 0], LINE, 1.0, real, fake)
    assert row["d_error"] == pytest.approx(torch.tensor(0.5).sigmoid().item() - 0.5)


def test_rows_are_of_every_displacement_and_loss() -> None:
    """In order, with the facts of results/README.md."""
    stored = optimum_experiment(Trainer(RUN))
    assert (stored.kind, stored.status, stored.message) == ("optimum", "finished", "")
    assert stored.stopped_step == 8
    assert stored.facts == {"discriminator_steps": 8, "samples": 50}
    assert [(row["displacement"], row["gradient_of"]) for row in stored.rows] == [
        (displacement, loss) for displacement in DISPLACEMENTS for loss in PLAYED
    ]


@pytest.mark.parametrize("mixture", [LINE, PAIR], ids=lambda mixture: mixture.name)
def test_a_trained_discriminator_is_close_to_the_optimum(
    mixture: Mixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D is close to D*, V to its exact value, and G is drawn back from both sides."""
    monkeypatch.setattr(optimum, "DISPLACEMENTS", (-1.0, 0.0, 1.0))
    run = replace(RUN, batch_size=128, steps=150, evaluation_samples=2000)
    for row in map(dict, optimum_experiment(Trainer(run, mixture)).rows):
        displacement, gradient = number(row, "displacement"), number(row, "gradient")
        assert number(row, "d_error") < 0.05
        assert abs(number(row, "value") - number(row, "exact_value")) < 0.05
        assert abs(gradient) < 0.05 if displacement == 0 else gradient * displacement > 0.2


def test_the_generator_stays_where_it_is_held_and_the_trainer_as_it_was() -> None:
    """Bit for bit: the displaced generator's parameter, the run's own networks and its streams."""
    trainer = Trainer(RUN)
    before = [theta.clone() for theta in (trainer.state.generator, trainer.state.discriminator)]
    player = frozen(trainer, LINE, -0.25)
    average_discriminator(player, 8)
    optimum_experiment(trainer)
    assert player.state.generator.tolist() == [-0.25]
    assert torch.equal(trainer.state.generator, before[0])
    assert torch.equal(trainer.state.discriminator, before[1])
    assert not torch.equal(player.state.discriminator, before[1])
    assert torch.equal(trainer.draw().real, Trainer(RUN).draw().real)


def test_every_displacement_starts_from_the_runs_own_discriminator() -> None:
    """On the same data and noise, whatever was trained before."""
    trainer = Trainer(RUN)
    trainer.step()
    player = frozen(trainer, LINE, 1.0)
    assert torch.equal(player.state.discriminator, Trainer(RUN).state.discriminator)
    assert torch.equal(player.lead(1), frozen(Trainer(RUN), LINE, 1.0).lead(1))


@pytest.mark.parametrize(("updates", "averaged"), [(0, 1), (3, 1), (4, 2), (8, 3)])
def test_the_average_is_of_the_last_quarter(updates: int, averaged: int) -> None:
    """The iterates after updates 6, 7 and 8 of 8; without updates it is the start."""
    trainer, player = frozen(Trainer(RUN), LINE, 1.0), frozen(Trainer(RUN), LINE, 1.0)
    iterates = [player.state.discriminator.clone()]
    losses = []
    for _ in range(updates):
        losses.append(player.lead(1))
        iterates.append(player.state.discriminator.clone())
    average, trace = average_discriminator(trainer, updates)
    torch.testing.assert_close(average, torch.stack(iterates[-averaged:]).mean(0))
    assert torch.equal(trace, torch.cat(losses) if losses else torch.empty(0, 2))


def test_the_same_run_gives_the_same_rows_and_another_seed_others() -> None:
    """Every random number follows from the run."""
    rows = optimum_experiment(Trainer(RUN)).rows
    assert optimum_experiment(Trainer(RUN)).rows == rows
    other = optimum_experiment(Trainer(replace(RUN, seed=1))).rows
    assert other[0]["value"] != rows[0]["value"]


def test_a_discriminator_that_diverges_ends_the_experiment() -> None:
    """sgd at 10³⁰ leaves no row, the first displacement's name and the update."""
    run = replace(RUN, optimiser="sgd", discriminator_learning_rate=1e30)
    stored = optimum_experiment(Trainer(run))
    assert (stored.status, stored.rows) == ("diverged", [])
    assert 0 < stored.stopped_step <= run.steps
    assert stored.message.startswith("discriminator_")
    assert stored.message.endswith(f" at step {stored.stopped_step}, displacement -2")


def test_rows_made_before_the_divergence_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that is nan at the third update of the second displacement leaves the first's rows."""
    lead, calls = Trainer.lead, iter(range(100))

    def failing(trainer: Trainer, updates: int) -> Tensor:
        trace = lead(trainer, updates)
        if trainer.state.generator.item() == DISPLACEMENTS[1] and next(calls) == 0:
            trace[2, 0] = math.nan
        return trace

    monkeypatch.setattr(Trainer, "lead", failing)
    stored = optimum_experiment(Trainer(RUN))
    assert stored.message == "discriminator_loss is nan at step 3, displacement -1"
    assert (stored.status, stored.stopped_step) == ("diverged", 3)
    assert [row["displacement"] for row in stored.rows] == [DISPLACEMENTS[0]] * 3


def test_an_overflow_on_fresh_samples_is_a_divergence() -> None:
    """One update at a huge rate: its loss was finite, but exp(a) of the result is not."""
    run = replace(RUN, optimiser="sgd", discriminator_learning_rate=1e4, steps=1)
    stored = optimum_experiment(Trainer(run))
    assert stored.status == "diverged"
    assert stored.message == ("gradient of maximum_likelihood is -inf at step 1, displacement -2")
    assert stored.rows == []


@pytest.mark.parametrize("name", ["digits", "stacked_digits"])
def test_data_without_a_density_are_refused(name: str) -> None:
    """Images have no known one."""
    with pytest.raises(ValueError, match=r"^no optimum is known on ") as error:
        optimum_experiment(Trainer(Run(data=name)))
    assert str(error.value) == (
        f"no optimum is known on {name}: it takes a mixture, as of gaussian1d or ring"
    )


def test_a_head_start_is_refused() -> None:
    """D is all that the experiment trains."""
    with pytest.raises(UsageError) as error:
        check(Trainer(replace(RUN, head_start=5)))
    assert str(error.value) == "the optimum takes no head start, not 5: D is all it trains"


def test_a_loss_of_another_game_is_refused() -> None:
    """Its discriminator estimates something else than D*."""
    with pytest.raises(ValueError, match="unknown loss") as error:
        check(Trainer(replace(RUN, loss="hinge")))
    assert str(error.value) == (
        "unknown loss of Eq. 1's game 'hinge': choose from "
        "saturating, non_saturating, maximum_likelihood"
    )


@pytest.mark.parametrize(
    ("run", "mixture", "needed"),
    [(replace(RUN, latent_dim=1), PAIR, 2), (replace(RUN, data="ring", latent_dim=2), ring(), 3)],
    ids=["pair", "ring"],
)
def test_several_modes_need_a_latent_number_more(run: Run, mixture: Mixture, needed: int) -> None:
    """One for each coordinate and one for the mode, if the run says how many."""
    with pytest.raises(UsageError, match="latent_dim") as error:
        check(Trainer(run, mixture))
    assert str(error.value) == (
        f"latent_dim {run.latent_dim} is too small: {mixture.name} has {len(mixture.centres)} "
        f"modes, and a point with its mode takes {needed} numbers"
    )
    assert error.value.field == "latent_dim"
    assert check(Trainer(replace(run, latent_dim=needed), mixture)).name == mixture.name


def test_the_optimum_takes_the_latent_numbers_it_needs() -> None:
    """The model's usual two are too few in the plane; a run that does not say gets three."""
    trainer = Trainer(replace(RUN, data="ring"))
    assert check(trainer).name == "ring"
    assert trainer.latent_dim == 2
    assert frozen(trainer, ring(), 0.5).latent_dim == 3
    assert frozen(Trainer(replace(RUN, latent_dim=7)), LINE, 0.5).latent_dim == 7
    assert check(Trainer(replace(RUN, latent_dim=1))).name == "gaussian1d"
