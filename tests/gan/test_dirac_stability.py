"""Eigenvalues and spectral radii of the Dirac-GAN against closed forms and against what happens."""

import cmath
import math
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.dirac import (
    Verdict,
    eigenvalues,
    simulate,
    spectral_radius,
    update_eigenvalues,
    verdict,
)
from gan.dirac_game import UPDATES, dirac_game, trajectories
from gan.dirac_stability import derivative
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.penalties import PENALTIES
from gan.verdict import predicted_class

# |slopes| of the field at (0, 0): θ′ = aψ, ψ′ = −bθ, by hand.
SLOPES: dict[str, tuple[float, float]] = {
    "saturating": (0.5, 0.5),
    "non_saturating": (0.5, 0.5),
    "maximum_likelihood": (1.0, 0.5),
    "least_squares": (1.0, 0.0),
    "wasserstein": (1.0, 1.0),
    "hinge": (1.0, 1.0),
    "relativistic_pairing": (0.5, 0.5),
    "relativistic_average": (0.5, 0.5),
    "relativistic_average_least_squares": (2.0, 2.0),
    "relativistic_average_hinge": (1.0, 1.0),
    "kl": (math.exp(-1), math.exp(-1)),
    "reverse_kl": (1.0, 1.0),
    "pearson": (1.0, 1.0),
    "squared_hellinger": (1.0, 1.0),
    "jensen_shannon": (0.5, 0.5),
}
LOGISTIC = ("saturating", "non_saturating", "relativistic_pairing", "relativistic_average")

# Damping c of ψ′ = −bθ − cψ for a weight of 1; wgan_lp is flat while |ψ| < 1.
DAMPING = {"none": 0.0, "r1": 2.0, "r2": 2.0, "r1_r2": 4.0, "wgan_lp": 0.0}
KINKED = ("wgan_gp", "dragan")


def pair(trace: float, determinant: float) -> list[complex]:
    """The eigenvalues of a 2 × 2 matrix by its characteristic polynomial."""
    root = cmath.sqrt(trace**2 / 4 - determinant)
    return [trace / 2 + root, trace / 2 - root]


def same(found: Iterable[complex], expected: Iterable[complex], tolerance: float) -> None:
    """Two pairs in either order."""
    ordered = [sorted(values, key=lambda z: (z.real, z.imag)) for values in (found, expected)]
    for a, b in zip(*ordered, strict=True):
        assert abs(a - b) <= tolerance


def verdicts(
    loss: str, penalty: str, weight: float, steps: int, start: tuple[float, float] = (1.0, 1.0)
) -> list[Verdict]:
    """Those of both update rules, the simultaneous first, at a rate of 0.2."""
    game = dirac_game(loss, penalty, weight)
    starts = torch.tensor([start, start], dtype=torch.float64)
    paths = trajectories(game, starts, torch.tensor([False, True]), steps).numpy()
    return [
        verdict(paths[:, turn], update_eigenvalues(loss, penalty, weight, updates=updates))
        for turn, updates in enumerate(("simultaneous", "alternating"))
    ]


def test_every_loss_has_its_slopes_here() -> None:
    """A new one needs its line."""
    assert set(SLOPES) == set(LOSSES)
    assert set(DAMPING) | set(KINKED) == set(PENALTIES)


@pytest.mark.parametrize("loss", LOSSES)
def test_without_a_penalty_eigenvalues_are_imaginary(loss: str) -> None:
    """±i√(ab): no rate of convergence at all; least squares has 0 twice."""
    a, b = SLOPES[loss]
    same(eigenvalues(loss), pair(0, a * b), 1e-15)


@pytest.mark.parametrize("penalty", ["r1", "r2"])
@pytest.mark.parametrize("gamma", [*np.linspace(0, 0.9, 7), 1.1, 2.0, 5.0, 20.0])
def test_r1_and_r2_have_the_papers_eigenvalues(penalty: str, gamma: float) -> None:
    """−γ/2 ± √(γ²/4 − f′(0)²) with f′(0) = ½ and γ = twice the weight."""
    expected = pair(-gamma, 0.25)
    assert expected[0] == -gamma / 2 + cmath.sqrt(gamma**2 / 4 - 0.5**2)
    for loss in LOGISTIC[:2]:
        same(eigenvalues(loss, penalty, gamma / 2), expected, 1e-12)


def test_critical_damping_is_at_gamma_one() -> None:
    """Below, a spiral; above, two real rates; at γ = 1 both are −½ (a double root: to √ε)."""
    assert np.abs(eigenvalues("saturating", "r1", 0.499).imag).min() > 0
    assert np.abs(eigenvalues("saturating", "r1", 0.501).imag).max() == 0
    same(eigenvalues("saturating", "r1", 0.5), [-0.5, -0.5], 1e-7)


@settings(max_examples=25)
@given(
    loss=st.sampled_from(sorted(LOSSES)),
    penalty=st.sampled_from(sorted(DAMPING)),
    weight=st.floats(0, 10),
    rate=st.floats(1e-3, 1),
)
def test_radii_are_those_of_the_linearised_updates(
    loss: str, penalty: str, weight: float, rate: float
) -> None:
    """Simultaneous: I + hJ. Alternating: trace 2 − hc − h²ab, determinant 1 − hc."""
    a, b = SLOPES[loss]
    c = DAMPING[penalty] * weight
    simultaneous = max(abs(1 + rate * value) for value in pair(-c, a * b))
    alternating = max(map(abs, pair(2 - rate * c - rate**2 * a * b, 1 - rate * c)))
    # A double root is as uncertain as the root of the rounding.
    found = spectral_radius(loss, penalty, weight, rate)
    assert found == pytest.approx(simultaneous, abs=1e-6)
    found = spectral_radius(loss, penalty, weight, rate, "alternating")
    assert found == pytest.approx(alternating, abs=1e-6)


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"least_squares"}))
def test_unregularised_updates_spiral_out_or_orbit(loss: str) -> None:
    """Radius √(1 + h²ab) if simultaneous, 1 within 1e-12 if alternating."""
    a, b = SLOPES[loss]
    assert spectral_radius(loss) == pytest.approx(math.sqrt(1 + 0.04 * a * b), abs=1e-12)
    assert spectral_radius(loss, updates="alternating") == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("penalty", KINKED)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_kink_has_no_eigenvalues(loss: str, penalty: str) -> None:
    """WGAN-GP and DRAGAN push ψ to ±1 from either side of 0: nothing is made up there."""
    assert eigenvalues(loss, penalty, 0.3).shape == (0,)


@pytest.mark.parametrize("updates", UPDATES)
@pytest.mark.parametrize("penalty", KINKED)
def test_an_update_over_a_kink_has_no_radius(penalty: str, updates: str) -> None:
    """Whatever the loss adds there; one that is smooth and one that pulls nowhere."""
    for loss in ("saturating", "least_squares"):
        assert math.isnan(spectral_radius(loss, penalty, 0.3, updates=updates))


@pytest.mark.parametrize("weight", [1e-9, 1e-3, 1e6])
def test_the_kink_is_seen_at_any_weight(weight: float) -> None:
    """Unless it has none: then the game is unregularised."""
    assert eigenvalues("saturating", "wgan_gp", weight).size == 0
    same(eigenvalues("saturating", "wgan_gp", 0.0), [0.5j, -0.5j], 1e-15)


def test_a_derivative_is_given_where_there_is_one() -> None:
    """(xy, x²) at (1, 2): [[2, 1], [2, 0]]; |x| has one at 3, none at 0; 1/x none at 0."""
    point = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = derivative(lambda s: torch.stack([s[0] * s[1], s[0] ** 2]), point)
    assert found is not None
    assert torch.allclose(found, torch.tensor([[2, 1], [2, 0]], dtype=torch.float64), atol=1e-12)
    found = derivative(torch.abs, torch.tensor([3.0, -3.0], dtype=torch.float64))
    assert found is not None
    assert found.tolist() == [[1, 0], [0, -1]]
    origin = torch.zeros(2, dtype=torch.float64)
    assert derivative(torch.abs, origin) is None
    assert derivative(torch.reciprocal, origin) is None
    assert derivative(lambda s: torch.stack([(s[0] * s[1]).abs().sqrt(), s[0]]), origin) is None


@pytest.mark.parametrize(
    ("loss", "penalty", "weight"),
    [
        ("saturating", "r1", 0.3),
        ("non_saturating", "r1_r2", 0.3),
        ("wasserstein", "r2", 0.3),
        ("kl", "r1", 0.5),
        ("wasserstein", "none", 0.0),
        ("relativistic_average_least_squares", "r1_r2", 0.3),
    ],
)
def test_measured_rates_are_the_predicted_ones(loss: str, penalty: str, weight: float) -> None:
    """Near (0, 0) log distance changes by log radius a step, to 1 % of it and 3·10⁻⁵."""
    for found in verdicts(loss, penalty, weight, 300, (1e-3, -2e-3)):
        assert found.predicted == found.measured
        assert found.measured_rate == pytest.approx(found.predicted_rate, rel=1e-2, abs=3e-5)


def test_what_the_literature_says_of_the_unregularised_game() -> None:
    """Simultaneous updates leave, alternating ones orbit, R1 brings both to the data."""
    told = {name: verdicts("saturating", name, 0.3, 500) for name in ("none", "r1", "wgan_gp")}
    assert {
        name: [(one.predicted, one.measured) for one in both] for name, both in told.items()
    } == {
        "none": [("diverges", "diverges"), ("orbits", "orbits")],
        "r1": [("converges", "converges")] * 2,
        "wgan_gp": [("undefined", "orbits")] * 2,
    }
    assert min(one.nearest for one in told["wgan_gp"]) > 1
    assert max(one.farthest for one in told["r1"]) < 1e-4


def test_a_clip_ends_in_a_cycle_as_small_as_itself() -> None:
    """WGAN with |ψ| ≤ 0.01: no convergence, an orbit of about that size."""
    path = simulate("wasserstein", steps=1250, weight_clip=0.01, updates="alternating")
    found = verdict(path, update_eigenvalues("wasserstein", updates="alternating"))
    assert (found.predicted, found.measured) == ("orbits", "orbits")
    assert 0.005 < found.nearest <= found.farthest < 0.02


def test_least_squares_rests_away_from_the_data() -> None:
    """Its D asks for D(fake) = 0 and has it at ψ = 0, wherever θ is: no pull to the data."""
    found = verdict(simulate("least_squares"), update_eigenvalues("least_squares"))
    assert (found.predicted, found.measured) == ("stalls", "stalls")
    assert found.theta == pytest.approx(1.318, abs=1e-3)
    assert abs(found.psi) < 1e-50


@pytest.mark.parametrize(
    ("penalty", "start"),
    [*((name, (1.0, 1.0)) for name in sorted(DAMPING)), ("r1", (1e-3, -2e-3))],
)
def test_least_squares_is_predicted_to_rest(penalty: str, start: tuple[float, float]) -> None:
    """Eigenvalues 1 and 1 − 0.2c: all (θ, 0) are at rest, and where it ends is no orbit."""
    for updates in UPDATES:
        values = update_eigenvalues("least_squares", penalty, 0.3, updates=updates)
        # A double root is as uncertain as the root of the rounding.
        same(values, [1, 1 - 0.2 * DAMPING[penalty] * 0.3], 1e-8)
    for found in verdicts("least_squares", penalty, 0.3, 500, start):
        assert (found.predicted, found.measured) == ("stalls", "stalls")


def test_a_penalty_that_flips_psi_for_good_makes_least_squares_orbit() -> None:
    """1 and −1: θ may rest, but ψ ← −ψ does not."""
    assert predicted_class(update_eigenvalues("least_squares", "r1", 5.0)) == "orbits"


@pytest.mark.parametrize(("steps", "measured"), [(500, "undecided"), (2000, "stalls")])
def test_least_squares_on_its_way_to_rest_has_not_diverged(steps: int, measured: str) -> None:
    """R1 takes ψ to 0 while θ grows to where it stays: the longer path says the same, or more."""
    path = simulate("least_squares", "r1", 0.3, 0.02, steps, (1e-3, -2e-3))
    assert verdict(path).measured == measured


def test_mistakes_are_one_line() -> None:
    """As for simulate."""
    with pytest.raises(UsageError, match="unknown loss 'x': choose from saturating"):
        eigenvalues("x")
    with pytest.raises(UsageError, match="unknown penalty 'x': choose from none"):
        spectral_radius("hinge", "x")
    with pytest.raises(UsageError, match="unknown update rule 'x': choose from simultaneous, alt"):
        spectral_radius("hinge", updates="x")
    with pytest.raises(UsageError, match="learning_rate must be a finite number of at least 0"):
        spectral_radius("hinge", learning_rate=-1.0)
