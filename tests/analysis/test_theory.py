"""The closed forms against numerical derivatives and arithmetic of many digits."""

import mpmath
import numpy as np
import pytest
from scipy.special import expit

from analysis.theory import COSTS, gradient_ratio

LOGITS = np.linspace(-12, 12, 25)
EXACT = {
    "saturating": lambda d: mpmath.log(1 - d),
    "non_saturating": lambda d: -mpmath.log(d),
    "maximum_likelihood": lambda d: -d / (1 - d),
}


def sigmoid(a: mpmath.mpf) -> mpmath.mpf:
    """σ(a) to 50 digits."""
    return 1 / (1 + mpmath.exp(-a))


@pytest.mark.parametrize("loss", COSTS)
def test_a_cost_is_its_formula(loss: str) -> None:
    """Against 50 digits, at the float64 D itself."""
    with mpmath.workdps(50):
        d = expit(LOGITS)
        expected = [float(EXACT[loss](mpmath.mpf(float(x)))) for x in d]
    np.testing.assert_allclose(COSTS[loss].cost(d), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", COSTS)
def test_a_gradient_per_probability_is_the_costs_derivative(loss: str) -> None:
    """Differentiated numerically with 50 digits."""
    with mpmath.workdps(50):
        d = expit(LOGITS)
        expected = [float(mpmath.diff(EXACT[loss], mpmath.mpf(float(x)))) for x in d]
    np.testing.assert_allclose(COSTS[loss].per_probability(d), expected, rtol=1e-10)


@pytest.mark.parametrize("loss", COSTS)
def test_a_gradient_per_logit_is_the_derivative_through_the_sigmoid(loss: str) -> None:
    """d J(σ(a)) / da, numerically; near D = 1 float64's own D is 1 part in 10¹¹ off."""
    with mpmath.workdps(50):
        expected = [float(mpmath.diff(lambda a: EXACT[loss](sigmoid(a)), float(a))) for a in LOGITS]
    np.testing.assert_allclose(COSTS[loss].per_logit(expit(LOGITS)), expected, rtol=1e-10)


@pytest.mark.parametrize("loss", COSTS)
def test_a_slope_is_the_exponent_of_the_gradient_where_d_is_small(loss: str) -> None:
    """log|dJ/da| over log D between 10⁻⁹ and 10⁻⁸."""
    d = np.array([1e-9, 1e-8])
    gradient = np.abs(COSTS[loss].per_logit(d))
    assert np.diff(np.log10(gradient))[0] == pytest.approx(COSTS[loss].slope, abs=1e-7)


def test_the_ratio_of_the_two_gradients_is_the_odds_against_the_sample() -> None:
    """(1 − D) / D, per logit as per parameter; equal at ½."""
    d = expit(LOGITS)
    ratio = COSTS["non_saturating"].per_logit(d) / COSTS["saturating"].per_logit(d)
    np.testing.assert_allclose(gradient_ratio(d), ratio)
    assert gradient_ratio(np.array([0.5])) == 1


def test_no_cost_rises_with_the_discriminators_belief() -> None:
    """Every generator is paid for D(G(z)): all derivatives are negative."""
    for cost in COSTS.values():
        assert (cost.per_logit(expit(LOGITS)) < 0).all()
        assert (np.diff(cost.cost(expit(LOGITS))) < 0).all()
