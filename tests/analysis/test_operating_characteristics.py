"""Simulations: how often intervals cover, how often equal losses are called, with what power.

`pytest tests/analysis/test_operating_characteristics.py -s -rA` shows each rate that
docs/decisions/0017-statistics.md quotes.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import combinations, permutations, product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from analysis.comparison import LEVEL, differences, holm, paired_p_value
from analysis.estimates import interquartile_mean, mean_intervals, share_interval
from analysis.estimates.mean import MANY, bca_bounds
from analysis.sample_size import POWER, paired_seeds
from analysis.survival import arrivals, beta_product_bounds, median_time

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

SEED = 20140610

TRIALS = 1500

CONTINUOUS = ("normal", "heavy tails")
"""Kinds of values without ties, under which the test's size is known exactly."""

LAWS: Mapping[str, tuple[Draw, Callable[[Array], Array]]] = {
    "normal": (lambda rng, shape: rng.normal(size=shape), stats.norm.ppf),
    "lognormal": (lambda rng, shape: rng.lognormal(size=shape), stats.lognorm(1).ppf),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), stats.expon.ppf),
    "student_2": (lambda rng, shape: rng.standard_t(2, size=shape), stats.t(2).ppf),
}


def three_errors(rate: float, trials: int) -> float:
    """Monte-Carlo error: three standard errors of a rate."""
    return 3 * math.sqrt(rate * (1 - rate) / trials)


def true_interquartile_mean(quantile: Callable[[Array], Array]) -> float:
    """The mean of the law between its quartiles."""
    return float(quantile(0.25 + (np.arange(20_000) + 0.5) / 40_000).mean())


def covered(law: str, n: int, bounds: Callable[[Array, np.random.Generator], Array]) -> float:
    """The share of TRIALS samples whose bounds hold the true interquartile mean."""
    rng, (draw, quantile) = np.random.default_rng(SEED), LAWS[law]
    true, hits = true_interquartile_mean(quantile), 0
    for _ in range(TRIALS // 100):
        low, high = bounds(draw(rng, (100, n)), rng)
        hits += int(((low <= true) & (true <= high)).sum())
    return hits / TRIALS


def seeds_intervals(table: Array, rng: np.random.Generator) -> Array:
    """The suite's."""
    means = mean_intervals(table, rng, interquartile_mean, resamples=1000)
    return np.array([[mean.low for mean in means], [mean.high for mean in means]])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [8, 16, 32, MANY + 1, 500])
def test_intervals_of_an_interquartile_mean_cover(law: str, n: int) -> None:
    """95 %, less Monte-Carlo error, and at most 2 % more than that."""
    rate = covered(law, n, seeds_intervals)
    print(f"interquartile mean of {n}, {law}: {rate:.4f}")  # noqa: T201 (the decision's numbers)
    assert 0.95 - three_errors(0.95, TRIALS) <= rate <= 0.97 + three_errors(0.97, TRIALS)


def test_without_students_level_intervals_of_eight_would_not_cover() -> None:
    """BCa as it is: what the wider tails are for."""

    def plain(table: Array, rng: np.random.Generator) -> Array:
        return bca_bounds(table, rng, interquartile_mean, 0.95, 1000)

    rates = {law: covered(law, 8, plain) for law in LAWS}
    print(f"plain BCa of 8: {rates}")  # noqa: T201 (the decision's numbers)
    assert max(rates.values()) < 0.95
    assert np.mean(list(rates.values())) < 0.95 - three_errors(0.95, 4 * TRIALS)


def exposed(rng: np.random.Generator, n: int, censoring: str) -> tuple[Array, NDArray[np.bool_]]:
    """Exponential times, censored at a common budget or at one of each run's own."""
    times = rng.exponential(size=n)
    budget = rng.uniform(0.2, 3, n) if censoring == "own" else np.full(n, 1.5)
    return np.minimum(times, budget), times <= budget


@pytest.mark.parametrize("censoring", ["common", "own"])
@pytest.mark.parametrize("n", [8, 16, 32])
def test_pointwise_bounds_of_a_kaplan_meier_curve_cover(n: int, censoring: str) -> None:
    """At 26, 50 and 75 % arrived, at least 95 % less Monte-Carlo error."""
    rng, trials = np.random.default_rng(SEED), 400
    points = np.array([0.3, 0.7, 1.4])
    hits = np.zeros(3)
    for _ in range(trials):
        times, arrived = exposed(rng, n, censoring)
        for place, t in enumerate(points):
            low, high = beta_product_bounds(times, arrived, float(t), 0.95)
            hits[place] += low <= 1 - math.exp(-t) <= high
    rates = (hits / trials).round(4).tolist()
    print(f"Kaplan-Meier of {n}, {censoring} budget: {rates}")  # noqa: T201 (the same)
    assert min(rates) >= 0.95 - three_errors(0.95, trials)


def test_intervals_of_a_median_time_cover() -> None:
    """Log 2, of ten runs with budgets of their own."""
    rng, hits = np.random.default_rng(SEED), 0
    for _ in range(300):
        told = median_time(arrivals(*exposed(rng, 10, "own")))
        hits += told.low <= math.log(2) <= told.high
    assert hits / 300 >= 0.95 - three_errors(0.95, 300)


@pytest.mark.parametrize("n", [3, 8, 20])
def test_shares_intervals_cover_whatever_the_share(n: int) -> None:
    """Exactly, by summing the binomial: the least over 199 shares is at least 95 %."""
    bounds = [share_interval(k, n) for k in range(n + 1)]
    for share in np.linspace(0.005, 0.995, 199):
        inside = [one.low <= share <= one.high for one in bounds]
        assert stats.binom.pmf(np.arange(n + 1), n, share)[inside].sum() >= 0.95


def alike(rng: np.random.Generator, kind: str, n: int) -> Array:
    """Final values of 4 losses that do not differ, (4, n seeds), a seed's effect shared."""
    shared = rng.normal(size=n)
    if kind == "heavy tails":
        return np.asarray(shared + rng.standard_cauchy((4, n)))
    if kind == "ties":
        return np.asarray(np.clip(rng.poisson(6, (4, n)), 0, 8).astype(float))
    values = shared + rng.normal(size=(4, n))
    return np.where(rng.random((4, n)) < 0.2, np.nan, values) if kind == "diverged" else values


def exact_size(n: int) -> float:
    """P(p ≤ 5 %) of n differences without ties, by enumeration of all 2ⁿ signs of their ranks."""
    sums = np.zeros(1, dtype=int)
    for rank in range(1, n + 1):
        sums = np.concatenate([sums, sums + rank])
    lower = np.cumsum(np.bincount(sums)) / 2**n
    return float(2 * lower[2 * lower <= LEVEL].max())


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "ties", "diverged"])
@pytest.mark.parametrize("n", [8, 20])
def test_two_losses_that_do_not_differ_are_called_as_often_as_the_test_says(
    kind: str, n: int
) -> None:
    """10 of 256 times with 8 seeds without ties, no less and no more; with ties at most 5 %."""
    rng, trials = np.random.default_rng(SEED), 3000
    draws = (alike(rng, kind, n) for _ in range(trials))
    gaps = [differences(values[0], values[1], "lower") for values in draws]
    rate = float(np.mean([paired_p_value(gap) <= LEVEL for gap in gaps]))
    print(f"pairs of {n} seeds called under the null, {kind}: {rate:.4f}")  # noqa: T201 (the same)
    if kind in CONTINUOUS:
        size = exact_size(n)
        assert rate == pytest.approx(size, abs=three_errors(size, trials))
    assert rate <= LEVEL + three_errors(LEVEL, trials)


def exact_family_rate(losses: int, seeds: int) -> float:
    """P(all seeds agree on some pair of losses), their orders being random and without ties.

    The pairs on which the seeds seen so far agree are the intersection of their orders.
    """
    orders = [frozenset(combinations(order, 2)) for order in permutations(range(losses))]
    chances: dict[frozenset[tuple[int, ...]], float] = {
        frozenset(permutations(range(losses), 2)): 1.0
    }
    for _ in range(seeds):
        after: dict[frozenset[tuple[int, ...]], float] = defaultdict(float)
        for (agreed, chance), order in product(chances.items(), orders):
            after[agreed & order] += chance / len(orders)
        chances = after
    return 1 - chances[frozenset()]


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "ties", "diverged"])
def test_families_that_do_not_differ_are_called_in_at_most_5_percent(kind: str) -> None:
    """Six pairs over 8 seeds: without ties in 4.32 %, where some pair is unanimous."""
    rng, trials, families = np.random.default_rng(SEED), 500, 0
    for _ in range(trials):
        values = alike(rng, kind, 8)
        gaps = [differences(values[a], values[b], "lower") for a, b in combinations(range(4), 2)]
        families += bool(holm([paired_p_value(gap) for gap in gaps])["called"].any())
    rate = families / trials
    print(f"families called under the null, {kind}: {rate:.4f}")  # noqa: T201 (the same)
    if kind in CONTINUOUS:
        exact = exact_family_rate(4, 8)
        assert rate == pytest.approx(exact, abs=three_errors(exact, trials))
    assert rate <= LEVEL + three_errors(LEVEL, trials)


@pytest.mark.parametrize(
    ("effect", "pairs"), [(0.3, 1), (0.5, 3), (0.5, 15), (0.8, 1), (0.8, 15), (1.2, 1), (1.2, 15)]
)
def test_so_many_seeds_as_are_needed_have_the_power_that_they_are_said_to(
    effect: float, pairs: int
) -> None:
    """80 %, by the suite's test; of fewer than 20 seeds one more or less is several percent."""
    rng, trials, level = np.random.default_rng(SEED), 1500, LEVEL / pairs
    n = paired_seeds(effect, level, POWER)
    samples = rng.normal(effect, 1, (trials, n))
    power = float(np.mean([paired_p_value(sample) <= level for sample in samples]))
    print(f"power of {n} seeds at {effect} deviations, level {level:.4f}: {power:.4f}")  # noqa: T201 (the same)
    assert power >= POWER - three_errors(POWER, trials)
    assert power <= POWER + three_errors(POWER, trials) + (0.06 if n < 20 else 0.01)
