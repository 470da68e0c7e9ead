"""Verdicts on trajectories whose behaviour is known by construction."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from gan.verdict import predicted_class, verdict

Array = NDArray[np.float64]


def spiral(rate: float, period: float, steps: int = 500, stretch: float = 1.0) -> Array:
    """exp(rate · t) on an ellipse with one turn in a period."""
    t = np.arange(steps + 1)
    angle = 2 * np.pi * t / period
    size = np.exp(rate * t)[:, None]
    return np.asarray(size * np.stack([stretch * np.cos(angle), np.sin(angle)], 1))


def straight(distances: Array) -> Array:
    """A path on the line ψ = θ at these distances."""
    return np.asarray(np.stack([distances, distances], 1) / math.sqrt(2))


@given(
    rate=st.floats(1e-3, 0.1) | st.floats(-0.5, -1e-3),
    period=st.floats(12, 100),
    stretch=st.floats(0.3, 3),
)
def test_a_spirals_rate_and_period_are_found(rate: float, period: float, stretch: float) -> None:
    """On ellipses of any axes: rate to 5·10⁻⁴ a step, period to 2 %, direction of growth."""
    found = verdict(spiral(rate, period, 500, stretch))
    assert found.measured == ("diverges" if rate > 0 else "converges")
    assert found.measured_rate == pytest.approx(rate, abs=5e-4)
    assert found.period_steps == pytest.approx(period, rel=0.02)


@given(period=st.floats(12, 100), stretch=st.floats(0.3, 3), size=st.floats(1e-3, 1e3))
def test_a_closed_ellipse_is_an_orbit(period: float, stretch: float, size: float) -> None:
    """However long it is, and wherever in its turn the record ends."""
    found = verdict(size * spiral(0, period, 500, stretch))
    assert found.measured == "orbits"
    assert abs(found.measured_rate) < 5e-4
    small, large = sorted([size, size * stretch])
    assert found.nearest >= small * (1 - 1e-9)
    assert found.farthest <= large * (1 + 1e-9)


@pytest.mark.parametrize(
    ("rate", "steps", "measured"),
    [(1e-4, 500, "orbits"), (1e-3, 500, "diverges"), (1e-4, 5000, "diverges")],
)
def test_a_slow_drift_takes_more_steps_to_be_seen(rate: float, steps: int, measured: str) -> None:
    """Within 5 % over the tail it is an orbit; ten times the steps tell."""
    assert verdict(spiral(rate, 20, steps)).measured == measured


def test_a_slow_spiral_is_judged_by_more_of_its_path() -> None:
    """Two turns do not fit into the last half of 500 steps at a period of 180, but into 3/4."""
    found = verdict(spiral(-0.002, 180))
    assert found.measured == "converges"
    assert found.measured_rate == pytest.approx(-0.002, rel=1e-2)


@pytest.mark.parametrize("radius", [0.5, 0.99, 1.01])
def test_a_straight_path_has_its_rate(radius: float) -> None:
    """Geometric in distance, no revolution: slope log radius with an interval of no width."""
    found = verdict(straight(radius ** np.arange(301.0)), [radius, radius / 2])
    assert found.predicted == found.measured
    assert found.measured_rate == pytest.approx(found.predicted_rate, rel=1e-9)
    assert found.high - found.low < 1e-7
    assert math.isnan(found.period_steps)


def test_a_path_that_jumps_from_side_to_side() -> None:
    """ψ ← −ψ is an orbit of period two, ψ ← −0.9ψ converges, though no angle can be followed."""
    t = np.arange(301.0)
    flips = (-1.0) ** t
    path = np.stack([np.full(301, 0.01), flips], 1)
    assert verdict(path).measured == "orbits"
    falling = np.stack([0 * t, flips * 0.9**t], 1)
    assert verdict(falling).measured == "converges"
    assert verdict(falling).measured_rate == pytest.approx(math.log(0.9))


def test_a_path_that_rests_elsewhere_stalls() -> None:
    """θ → 1.3 while ψ → 0: not at the data, and not moving."""
    t = np.arange(401.0)
    path = np.stack([1.3 - 0.3 * 0.9**t, 0.9**t], 1)
    found = verdict(path)
    assert found.measured == "stalls"
    assert found.theta == pytest.approx(1.3)
    assert found.psi == pytest.approx(0, abs=1e-15)


def test_what_is_no_longer_finite_diverges() -> None:
    """Rate and distances are those of the steps before."""
    path = straight(1.5 ** np.arange(101.0))
    path[60:] = np.nan
    found = verdict(path)
    assert found.measured == "diverges"
    assert found.measured_rate == pytest.approx(math.log(1.5))
    assert found.farthest == pytest.approx(1.5**59)
    assert math.isnan(found.theta)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_distances_that_would_overflow_are_lost(value: float) -> None:
    """An infinity in one coordinate is enough."""
    path = spiral(0, 20, 100)
    path[80:, 1] = value
    assert verdict(path).measured == "diverges"


def test_what_comes_to_the_equilibrium_for_good_converges() -> None:
    """Down to float64's last number and then 0: the rate is that of the steps before."""
    found = verdict(straight(0.1 ** np.arange(401.0)))
    assert found.measured == "converges"
    assert found.measured_rate == pytest.approx(math.log(0.1))
    assert found.nearest > 0


def test_what_arrives_within_a_few_steps_converges() -> None:
    """Too few steps for a rate, but it is there; passing by (0, 0) is no arrival."""
    path = np.zeros((50, 2))
    path[:2] = [[1, 1], [2, -2]]
    found = verdict(path)
    assert found.measured == "converges"
    assert found.nearest == pytest.approx(math.sqrt(8))
    path[10:] = 1
    assert verdict(path).measured == "undecided"


@pytest.mark.parametrize(
    "path",
    [
        np.empty((0, 2)),
        np.ones((1, 2)),
        np.ones((10, 2)),
        np.zeros((50, 2)),
        np.full((50, 2), np.nan),
    ],
    ids=["empty", "start", "short", "at equilibrium", "lost at once"],
)
def test_too_little_is_not_judged(path: Array) -> None:
    """No verdict is made up, and nothing is raised; nothing but NaN has diverged."""
    found = verdict(path)
    assert found.measured == ("diverges" if np.isnan(path).any() else "undecided")
    assert math.isnan(found.measured_rate) or found.measured_rate == 0


def test_what_may_yet_do_anything_is_undecided() -> None:
    """A straight fall at constant speed, a turn too slow, a start too slow to be at rest."""
    t = np.arange(401.0)
    falling = verdict(straight(1 - t / 500))
    assert falling.measured == "undecided"
    assert verdict(spiral(0, 2000)).measured == "undecided"
    assert verdict(straight(1 + 1e-6 * t)).measured == "undecided"


def test_a_burst_that_freezes_comes_to_rest() -> None:
    """Growth that ends is no divergence: undecided until all of the tail is at rest."""
    told = {}
    for steps in (400, 800):
        t = np.arange(steps + 1.0)
        told[steps] = verdict(straight(np.minimum(1 + (t / 100) ** 3, 20))).measured
    assert told == {400: "undecided", 800: "stalls"}


@given(rate=st.floats(0.01, 0.05), most=st.floats(0.1, 100))
def test_growth_that_levels_off_has_not_diverged(rate: float, most: float) -> None:
    """From 1 to 1 + most, ever slower; a path that is longer only rests the more."""
    path = straight(1 + most * -np.expm1(-rate * np.arange(2001)))
    told = [verdict(path[:steps]).measured for steps in (500, 1000, 2001)]
    assert set(told) <= {"undecided", "stalls"}
    assert told == sorted(told, reverse=True)


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_growth_like_a_power_of_time_is_undecided(power: float) -> None:
    """Its rate falls as 1/t, as that of a ramp does that a game ends on: no rate to go on at."""
    assert verdict(straight((1 + np.arange(401.0)) ** power)).measured == "undecided"


@pytest.mark.parametrize("power", [1, 2])
def test_growth_at_one_rate_or_faster_diverges(power: float) -> None:
    """exp(t / 100) and exp((t / 100)²)."""
    path = straight(np.exp((np.arange(401.0) / 100) ** power))
    assert verdict(path).measured == "diverges"


@pytest.mark.parametrize(
    ("radius", "predicted", "rate"),
    [
        (0.0, "converges", -math.inf),
        (1 - 2e-9, "converges", -2e-9),
        (1 - 5e-10, "orbits", -5e-10),
        (1.0, "orbits", 0.0),
        (1 + 5e-10, "orbits", 5e-10),
        (1 + 2e-9, "diverges", 2e-9),
    ],
)
def test_the_prediction_is_by_the_radius(radius: float, predicted: str, rate: float) -> None:
    """Within 10⁻⁹ of 1 it is 1."""
    pair = radius * np.exp([0.1j, -0.1j])
    found = verdict(np.ones((50, 2)), pair)
    assert predicted_class(pair) == found.predicted == predicted
    assert found.predicted_rate == pytest.approx(rate, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("eigenvalues", "predicted"),
    [
        ([], "undefined"),
        ([1.0, 1.0], "stalls"),
        ([1.0, 0.9], "stalls"),
        ([1 + 5e-10, -0.9], "stalls"),
        ([1.0, -1.0], "orbits"),
        ([-1.0, 0.5], "orbits"),
        (np.exp([1e-5j, -1e-5j]), "orbits"),
        (1 + np.array([3e-9j, -3e-9j]), "stalls"),
        ([1.0, 1 + 2e-9], "diverges"),
        ([1 - 2e-9, 0.0], "converges"),
    ],
)
def test_eigenvalues_of_one_predict_rest(eigenvalues: ArrayLike, predicted: str) -> None:
    """Those on the circle that are not 1 keep turning, or flipping; without any nothing is told."""
    found = verdict(np.ones((50, 2)), eigenvalues)
    assert predicted_class(eigenvalues) == found.predicted == predicted
    assert math.isnan(found.predicted_rate) == (predicted == "undefined")


@given(rate=st.floats(-0.3, 0.05), period=st.floats(5, 300), scale=st.floats(1e-6, 1e6))
def test_the_unit_of_distance_does_not_matter(rate: float, period: float, scale: float) -> None:
    """Nor does a mirror."""
    path = spiral(rate, period, 300)
    one, other = verdict(path), verdict(scale * path[:, ::-1])
    assert one.measured == other.measured
    assert one.measured_rate == pytest.approx(other.measured_rate, abs=1e-6)
