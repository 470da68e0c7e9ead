"""The Dirac-GAN against the closed-form fields of Mescheder et al. 2018, in float64."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.special import expit

from gan import store
from gan.dirac import GRID, dirac_experiment, simulate
from gan.dirac_game import DiracGame, dirac_game, trajectories
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.penalties import PENALTIES
from gan.run import Run

Array = NDArray[np.float64]
Slopes = Callable[[Array], tuple[Array, Array]]

# Loss -> (a, b) of the field (ψ·a(t), −θ·b(t)) at the logit t = ψθ. With f(t) = −log(1 + exp(−t)),
# f′(t) = σ(−t), the first two are Mescheder's with ψ → −ψ; the others are derived by hand.
FIELDS: dict[str, Slopes] = {
    "saturating": lambda t: (expit(t), expit(t)),
    "non_saturating": lambda t: (expit(-t), expit(t)),
    "maximum_likelihood": lambda t: (np.exp(t), expit(t)),
    "least_squares": lambda t: (1 - t, t),
    "wasserstein": lambda t: (np.ones_like(t), np.ones_like(t)),
    "hinge": lambda t: (np.ones_like(t), np.where(t > -1, 1.0, 0.0)),
    "relativistic_pairing": lambda t: (expit(-t), expit(t)),
    "relativistic_average": lambda t: (expit(-t), expit(t)),
    "relativistic_average_least_squares": lambda t: (2 * (1 - t), 2 * (1 + t)),
    "relativistic_average_hinge": lambda t: (
        np.where(t < 1, 1.0, 0.0),
        np.where(t > -1, 1.0, 0.0),
    ),
    "kl": lambda t: (np.exp(t - 1), np.exp(t - 1)),
    "reverse_kl": lambda t: (np.ones_like(t), np.ones_like(t)),
    "pearson": lambda t: (1 + t / 2, 1 + t / 2),
    "squared_hellinger": lambda t: (np.exp(t), np.exp(t)),
    "jensen_shannon": lambda t: (expit(t), expit(t)),
}

# Penalty -> its derivative in ψ: D(x) = ψx has slope ψ everywhere.
SLOPES: dict[str, Callable[[Array], Array]] = {
    "none": np.zeros_like,
    "r1": lambda psi: 2 * psi,
    "r2": lambda psi: 2 * psi,
    "r1_r2": lambda psi: 4 * psi,
    "wgan_gp": lambda psi: 2 * (np.abs(psi) - 1) * np.sign(psi),
    "wgan_lp": lambda psi: 2 * np.maximum(np.abs(psi) - 1, 0) * np.sign(psi),
    "dragan": lambda psi: 2 * (np.abs(psi) - 1) * np.sign(psi),
}


def closed_form(
    state: Array, loss: str, penalty: str = "none", weight: float = 0.0
) -> tuple[Array, Array]:
    """The field at states (…, 2), by FIELDS and SLOPES."""
    theta, psi = state[..., 0], state[..., 1]
    a, b = FIELDS[loss](psi * theta)
    return psi * a, -theta * b - weight * SLOPES[penalty](psi)


def random_states(n: int = 50) -> torch.Tensor:
    """States in (−2, 2)², none of them on a margin."""
    return torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 4 - 2


def test_every_loss_and_penalty_has_its_closed_form_here() -> None:
    """A new one needs its line."""
    assert set(FIELDS) == set(LOSSES)
    assert set(SLOPES) == set(PENALTIES)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_field_is_the_closed_form(loss: str, penalty: str) -> None:
    """At fifty states to 1e-12: losses and penalties are differentiated as they are."""
    states = random_states()
    found = torch.func.vmap(dirac_game(loss, penalty, 0.7).field)(states).numpy()
    expected = np.stack(closed_form(states.numpy(), loss, penalty, 0.7), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def descend(loss: str, penalty: str, updates: str, steps: int, clip: float = 0.0) -> Array:
    """Gradient descent from (1, 1) on the closed form, rate 0.2, weight 0.3."""
    path = [np.array([1.0, 1.0])]
    for _ in range(steps):
        theta, psi = path[-1]
        moved = theta + 0.2 * closed_form(path[-1], loss, penalty, 0.3)[0]
        seen = np.array([moved if updates == "alternating" else theta, psi])
        updated = psi + 0.2 * closed_form(seen, loss, penalty, 0.3)[1]
        path.append(np.array([moved, np.clip(updated, -clip, clip) if clip else updated]))
    return np.array(path)


CHOSEN = [("saturating", "none"), ("relativistic_average", "r1_r2"), ("hinge", "wgan_gp")]


@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
@pytest.mark.parametrize(("loss", "penalty"), [*CHOSEN, ("maximum_likelihood", "r1")])
def test_a_trajectory_is_descent_on_the_closed_form(loss: str, penalty: str, updates: str) -> None:
    """Sixty steps of either rule; alternating means that D sees the θ that G has moved to."""
    found = simulate(loss, penalty, 0.3, 0.2, 60, updates=updates)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, descend(loss, penalty, updates, 60), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
def test_a_clip_bounds_psi_after_its_update(updates: str) -> None:
    """And so θ moves by at most 0.2 · 0.1 a step from the second on."""
    found = simulate("wasserstein", steps=40, weight_clip=0.1, updates=updates)
    expected = descend("wasserstein", "none", updates, 40, clip=0.1)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert np.abs(found[1:, 1]).max() == 0.1


def test_the_first_steps_by_hand() -> None:
    """WGAN at rate ½ from (2, 1): θ = 2 + ½·1, ψ = 1 − ½·2, or 1 − ½·2.5 if G moves first."""
    assert simulate("wasserstein", None, 0.0, 0.5, 1, (2, 1)).tolist() == [[2, 1], [2.5, 0]]
    alternating = simulate("wasserstein", "none", 0.0, 0.5, 1, (2, 1), "alternating")
    assert alternating.tolist() == [[2, 1], [2.5, -0.25]]


def test_a_penalty_of_no_weight_changes_nothing() -> None:
    """Not even where its gradient does not exist."""
    with_name = simulate("saturating", "wgan_gp", 0.0, steps=20, start=(1.0, 0.0))
    assert np.array_equal(with_name, simulate("saturating", steps=20, start=(1.0, 0.0)))


@pytest.mark.parametrize("loss", ["saturating", "wasserstein", "squared_hellinger", "pearson"])
def test_zero_sum_games_conserve_the_distance_in_continuous_time(loss: str) -> None:
    """θ² + ψ² stays where it is along the flow, though no update rule keeps it."""
    game = dirac_game(loss)

    def flow(_: float, state: Array) -> Array:
        field: Array = game.field(torch.from_numpy(state)).numpy()
        return field

    solved = solve_ivp(flow, (0, 8), [0.8, 0.3], method="DOP853", rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose((solved.y**2).sum(0), 0.73, rtol=1e-6)
    # It moves: half a turn and more.
    assert solved.y[0].min() < -0.7


def test_small_steps_follow_the_flow() -> None:
    """Time 2 in steps of 1/200: Euler's error is of the order of a step."""
    found = simulate("non_saturating", "r1", 0.4, 0.005, 400)[-1]
    solved = solve_ivp(
        lambda _, state: np.array(closed_form(state, "non_saturating", "r1", 0.4)),
        (0, 2),
        [1.0, 1.0],
        rtol=1e-10,
    )
    np.testing.assert_allclose(found, solved.y[:, -1], atol=5e-3)


def test_what_is_lost_is_lost_for_good() -> None:
    """exp overflows: NaN in both columns from that step to the last, and finite before."""
    path = simulate("maximum_likelihood", steps=200)
    lost = np.isnan(path)
    assert (lost[:, 0] == lost[:, 1]).all()
    assert lost[-1, 0]
    first = int(lost[:, 0].argmax())
    assert 0 < first < 200
    assert lost[first:].all()
    assert np.isfinite(path[:first]).all()


def test_several_starts_are_several_trajectories() -> None:
    """Run at once they are what each is alone, bit for bit, relativistic means among them."""
    game = dirac_game("relativistic_average", "dragan", 0.3)
    starts = torch.tensor([[1.0, 1.0], [-0.5, 0.25]], dtype=torch.float64)
    both = trajectories(game, starts, torch.tensor([False, True]), 10)
    for place, updates in enumerate(("simultaneous", "alternating")):
        start = starts[place].tolist()
        alone = simulate("relativistic_average", "dragan", 0.3, 0.2, 10, start, updates)
        assert np.array_equal(both[:, place].numpy(), alone)


@settings(max_examples=25)
@given(
    theta=st.floats(-3, 3),
    psi=st.floats(-3, 3),
    weight=st.floats(0, 5),
    loss=st.sampled_from(sorted(set(LOSSES) - {"hinge", "relativistic_average_hinge"})),
    penalty=st.sampled_from(sorted(PENALTIES)),
)
def test_the_field_is_odd(theta: float, psi: float, weight: float, loss: str, penalty: str) -> None:
    """Mirroring θ and ψ leaves every logit as it is, so the field is mirrored too."""
    game = dirac_game(loss, penalty, weight)
    state = torch.tensor([theta, psi], dtype=torch.float64)
    assert torch.allclose(game.field(state), -game.field(-state), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", ["none", "r1", "r2", "r1_r2", "wgan_lp"])
def test_the_data_are_an_equilibrium(loss: str, penalty: str) -> None:
    """At θ = ψ = 0 nobody moves, whatever the weight."""
    field = dirac_game(loss, penalty, 10.0).field(torch.zeros(2, dtype=torch.float64))
    assert field.abs().max() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "gan"}, "unknown loss 'gan': choose from saturating, non_saturating, "),
        ({"loss": ["hinge"]}, "unknown loss ['hinge']: choose from saturating, "),
        ({"penalty": "r3"}, "unknown penalty 'r3': choose from none, r1, r2, "),
        ({"updates": "both"}, "unknown update rule 'both': choose from simultaneous, alternating"),
        ({"updates": None}, "unknown update rule None: choose from simultaneous, alternating"),
        (
            {"penalty_weight": -1},
            "penalty_weight must be a finite number of at least 0, not -1",
        ),
        (
            {"penalty_weight": math.nan},
            "penalty_weight must be a finite number of at least 0, not nan",
        ),
        ({"penalty_weight": "1"}, "penalty_weight must be a finite number of at least 0, not '1'"),
        (
            {"learning_rate": math.inf},
            "learning_rate must be a finite number of at least 0, not inf",
        ),
        ({"learning_rate": True}, "learning_rate must be a finite number of at least 0, not True"),
        ({"weight_clip": -0.1}, "weight_clip must be a finite number of at least 0, not -0.1"),
        ({"steps": 0}, "steps must be a whole number of at least 1, not 0"),
        ({"steps": 2.0}, "steps must be a whole number of at least 1, not 2.0"),
        ({"steps": True}, "steps must be a whole number of at least 1, not True"),
        ({"start": (1.0,)}, "start must be two finite numbers, θ and ψ, not (1.0,)"),
        ({"start": (1, 2, 3)}, "start must be two finite numbers, θ and ψ, not (1, 2, 3)"),
        ({"start": (1.0, math.nan)}, "start must be two finite numbers, θ and ψ, not (1.0, nan)"),
        ({"start": "no"}, "start must be two finite numbers, θ and ψ, not 'no'"),
        ({"start": 1.0}, "start must be two finite numbers, θ and ψ, not 1.0"),
    ],
)
def test_mistakes_are_one_line(arguments: dict[str, object], message: str) -> None:
    """What was wrong and what would be right."""
    with pytest.raises(UsageError) as caught:
        simulate(**{"loss": "hinge", **arguments})  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


PLAIN = Run(
    loss="saturating",
    penalty="r1",
    penalty_weight=0.3,
    optimiser="sgd",
    momentum=0.0,
    precision="float64",
    generator_learning_rate=0.2,
    discriminator_learning_rate=0.2,
    steps=12,
)


def test_the_experiment_has_both_rules_step_by_step() -> None:
    """The rows are those of simulate, from step 0 to the last."""
    stored = dirac_experiment(PLAIN)
    assert (stored.kind, stored.status, stored.message) == ("dirac", "finished", "")
    assert stored.stopped_step == 12
    for updates in ("simultaneous", "alternating"):
        rows = [row for row in stored.rows if row["updates"] == updates]
        assert [row["step"] for row in rows] == list(range(13))
        found = np.array([[row["theta"], row["psi"]] for row in rows], dtype=float)
        assert np.array_equal(found, simulate("saturating", "r1", 0.3, steps=12, updates=updates))


def test_the_experiment_tells_eigenvalues_radii_and_the_field() -> None:
    """γ = 0.6: −0.3 ± 0.4i; the field is the closed form on the grid, θ varying fastest."""
    facts = dirac_experiment(PLAIN).facts
    assert facts["eigenvalues_real"] == pytest.approx([-0.3, -0.3], abs=1e-12)
    assert sorted(facts["eigenvalues_imaginary"]) == pytest.approx([-0.4, 0.4], abs=1e-12)  # type: ignore[call-overload]  # a list
    assert facts["radius_simultaneous"] == pytest.approx(abs(1 + 0.2 * (-0.3 + 0.4j)), abs=1e-12)
    assert facts["radius_alternating"] == pytest.approx(math.sqrt(1 - 0.2 * 0.6), abs=1e-12)
    assert facts["grid"] == list(GRID)
    assert GRID[0] == -GRID[-1] == -2.2
    psi, theta = np.meshgrid(GRID, GRID, indexing="ij")
    expected = closed_form(np.stack([theta.ravel(), psi.ravel()], 1), "saturating", "r1", 0.3)
    for name, values in zip(("field_theta", "field_psi"), expected, strict=True):
        np.testing.assert_allclose(np.asarray(facts[name]), values, rtol=1e-12, atol=1e-14)


def test_the_experiment_has_a_rate_for_each_player() -> None:
    """G at 0.5 and D at 0.1, by hand from (1, 1) on WGAN."""
    run = replace(
        PLAIN,
        loss="wasserstein",
        penalty="none",
        penalty_weight=0.0,
        weight_clip=0.0,
        generator_learning_rate=0.5,
        discriminator_learning_rate=0.1,
    )
    stored = dirac_experiment(run)
    second, last = stored.rows[1], stored.rows[14]
    assert (second["theta"], second["psi"]) == (1.5, 0.9)
    assert (last["theta"], last["psi"]) == (1.5, pytest.approx(0.85))
    assert stored.facts["radius_simultaneous"] == pytest.approx(math.sqrt(1.05))


def test_wgan_is_clipped_as_its_paper_has_it() -> None:
    """The run's usual clip of 0.01 is honoured."""
    stored = dirac_experiment(replace(PLAIN, loss="wasserstein", penalty="none", weight_clip=None))
    assert max(abs(float(str(row["psi"]))) for row in stored.rows if row["step"] != 0) == 0.01


def test_divergence_is_a_result(tmp_path: Path) -> None:
    """Null once not finite, status finished, and the file gives every number back."""
    run = replace(
        PLAIN,
        loss="maximum_likelihood",
        penalty="wgan_gp",
        penalty_weight=10.0,
        steps=200,
    )
    stored = dirac_experiment(run)
    assert stored.status == "finished"
    assert stored.rows[200]["theta"] is None
    assert stored.facts["eigenvalues_real"] == []
    assert stored.facts["radius_alternating"] is None
    read = store.read(store.write(tmp_path, stored))
    assert read is not None
    assert read.rows == list(stored.rows)
    assert read.facts == stored.facts


def test_float32_is_float32() -> None:
    """A run's precision is that of its trajectory; the facts are always float64's."""
    single, double = (
        dirac_experiment(replace(PLAIN, precision=name)) for name in ("float32", "float64")
    )
    theta = float(str(single.rows[5]["theta"]))
    assert theta == float(np.float32(theta))
    assert theta == pytest.approx(float(str(double.rows[5]["theta"])), rel=1e-5)
    assert theta != double.rows[5]["theta"]
    assert single.facts == double.facts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser": "adam"}, "optimiser must be sgd, not adam"),
        ({"momentum": 0.5}, "momentum must be 0, not 0.5"),
        ({"discriminator_steps": 2}, "discriminator_steps must be 1, not 2"),
        ({"head_start": 3}, "head_start must be 0, not 3"),
    ],
)
def test_another_rule_is_refused(change: dict[str, object], message: str) -> None:
    """Rather than ignored: the file would claim what was not done."""
    with pytest.raises(UsageError) as caught:
        dirac_experiment(replace(PLAIN, **change))  # type: ignore[arg-type]  # fields by name
    assert str(caught.value) == f"the Dirac-GAN is plain gradient descent: {message}"
    assert caught.value.field == next(iter(change))


def test_no_steps_and_no_device_are_refused() -> None:
    """Before any work."""
    with pytest.raises(UsageError, match="the Dirac-GAN needs steps of at least 1, not 0"):
        dirac_experiment(replace(PLAIN, steps=0))
    with pytest.raises(UsageError, match="unknown device 'tpu'"):
        dirac_experiment(replace(PLAIN, device="tpu"))


def test_games_are_told_apart_by_what_they_are() -> None:
    """A frozen record: two of one kind are equal."""
    assert dirac_game("hinge") == DiracGame(LOSSES["hinge"], PENALTIES["none"])
