"""The Dirac-GAN against the closed-form fields of Mescheder et al. 2018, in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.special import expit

from gan.dirac import simulate
from gan.dirac_game import DiracGame, dirac_game, trajectories
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.penalties import PENALTIES

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


def test_games_are_told_apart_by_what_they_are() -> None:
    """A frozen record: two of one kind are equal."""
    assert dirac_game("hinge") == DiracGame(LOSSES["hinge"], PENALTIES["none"])
