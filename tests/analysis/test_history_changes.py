"""Changes in a history: closed forms, other implementations, and how often the search errs.

`pytest tests/analysis/test_history_changes.py -s` prints the rates.
"""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import ruptures
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import history, history_calibration
from analysis.estimates import Array, share_interval
from analysis.history_calibration import (
    BLOCKS,
    LAWS,
    LENGTHS,
    Law,
    calibrate,
    resampled,
    unchanged,
)
from analysis.history_changes import LONGEST, PENALTIES, bounded, fit, penalties, search
from analysis.history_statistics import (
    FEWEST_RUNS,
    LEVEL,
    leak_penalties,
    leaks,
    noise,
    standardised,
    step_penalties,
)

GATE = Path(__file__).parents[2] / "results" / "reference" / "intel-xeon-2-cores-gate"

CALIBRATED = 304
"""Rows, of 38 runs of eight cells, that the penalties are calibrated on."""

finite_series = st.lists(st.floats(-700, 700), min_size=1, max_size=40)


def stepped(n: int, after: int, size: float) -> Array:
    """A level that changes so many runs before the end."""
    return np.asarray(np.where(np.arange(n) >= n - after, size, 0.0))


def test_noise_is_what_neighbours_differ_by() -> None:
    """Differences 1, −2, 1, 3: their median 1, the distances' median 1 (0, 3, 0, 2 → 1)."""
    assert float(noise([0.0, 1.0, -1.0, 0.0, 3.0])) == pytest.approx(1.4826 / math.sqrt(2))


@pytest.mark.parametrize("shape", [stepped(400, 200, 50.0), np.linspace(0, 50, 400)])
def test_noise_sees_neither_steps_nor_leaks(shape: Array) -> None:
    """Both leave the middle of the differences' distances where it was."""
    series = np.random.default_rng(1).normal(size=400)
    assert float(noise(series + shape)) == pytest.approx(float(noise(series)), rel=0.05)
    assert float(noise(series)) == pytest.approx(1, rel=0.15)


@given(finite_series.filter(lambda values: len(values) >= 2), st.floats(-9, 9), st.floats(0.1, 9))
def test_noise_scales_and_does_not_shift(values: list[float], shift: float, scale: float) -> None:
    """It is a deviation."""
    expected = scale * float(noise(values))
    found = float(noise(scale * np.array(values) + shift))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def exhaustive(values: Array) -> float:
    """The largest gain per change of all segmentations, one after the other."""
    best = 0.0
    total = np.square(values - values.mean()).sum()
    stack: list[tuple[int, float, int]] = [(0, 0.0, 0)]
    while stack:
        start, cost, changes = stack.pop()
        rest = values[start:]
        if changes:
            last = np.square(rest - rest.mean()).sum()
            best = max(best, (total - cost - last) / changes)
        for end in range(start + 3, values.size - 2):
            part = values[start:end]
            stack.append((end, cost + np.square(part - part.mean()).sum(), changes + 1))
    return best


@pytest.mark.parametrize("n", [6, 7, 9, 12, 15])
def test_the_penalty_without_a_change_is_that_of_all_segmentations(n: int) -> None:
    """The iteration finds the same as trying every one of them."""
    series = np.random.default_rng(n).normal(size=(20, n))
    assert step_penalties(series) == pytest.approx([exhaustive(values) for values in series])


def test_a_leak_is_what_a_regression_explains() -> None:
    """NumPy's least squares on the same broken line leave the rest."""
    series = np.random.default_rng(2).normal(size=(1, 12))
    squares = np.square(series - series.mean()).sum()
    rests = []
    for begin in range(5):
        shape = np.stack([np.ones(12), np.maximum(np.arange(12) - begin, 0)], axis=1)
        rests.append(np.linalg.lstsq(shape, series[0], rcond=None)[1][0])
    assert leak_penalties(series) == pytest.approx([squares - min(rests)])
    assert leaks(12).shape == (5, 12)


def test_levels_are_those_of_the_plain_pelt() -> None:
    """The search in C finds what ruptures' Pelt does, or what costs no more."""
    rng = np.random.default_rng(3)
    for _ in range(100):
        n = int(rng.integers(10, 60))
        values = standardised(rng.normal(size=n) + stepped(n, n // 3, 6) - stepped(n, n // 2, 5))
        kind, starts = search(values)
        plain = ruptures.Pelt(model="l2", min_size=3, jump=1).fit(values[:, None])
        expected = plain.predict(pen=penalties(n)[0])
        if kind == "step" and len(expected) > 1:
            cost = plain.cost.sum_of_costs([*starts, n]) + penalties(n)[0] * len(starts)
            other = plain.cost.sum_of_costs(expected) + penalties(n)[0] * (len(expected) - 1)
            assert cost <= other * (1 + 1e-9) or not starts


@pytest.mark.parametrize("n", [9, 30, 70])
def test_a_change_is_found_where_a_penalty_is_exceeded(n: int) -> None:
    """What is calibrated is what is searched with: in all but a few near ties."""
    values = standardised(np.random.default_rng(n).normal(size=(300, n)) + stepped(n, n // 3, 1.5))
    step, leak = penalties(n)
    expected = (step_penalties(values) > step) | (leak_penalties(values) > leak)
    found = np.array([bool(search(series)[1]) for series in values])
    assert 20 < expected.sum() < 280
    assert (found != expected).sum() <= 3


def all_laws() -> dict[str, Law]:
    """Simulated noise, and that of the validation's unchanged runs."""
    measured = unchanged(history.read(GATE / "history.jsonl").rows.head(CALIBRATED))
    return {**LAWS, **{f"measured, {n} at a time": resampled(measured, n) for n in BLOCKS}}


@pytest.mark.parametrize("n", [8, 13, 22, 40, 90, 230])
def test_without_a_change_few_series_are_said_to_have_one(n: int) -> None:
    """5 % at most, whatever the noise, and nearly so many under the worst of them.

    Clopper and Pearson's lower bound must not be above it, nor the largest upper one far below.
    """
    size = 4000 if n <= 40 else 100_000 // n
    step, leak = penalties(n)
    most = 0.0
    for name, law in all_laws().items():
        values = standardised(law(np.random.default_rng([20260101, n]), (size, n)))
        fired = int(((step_penalties(values) > step) | (leak_penalties(values) > leak)).sum())
        found = share_interval(fired, size, 0.99)
        bounds = f"[{found.low:.3f}, {found.high:.3f}]"
        sys.stdout.write(f"{name}, {n} runs: {fired / size:.3f} {bounds}\n")
        assert found.low <= LEVEL
        most = max(most, found.high)
    assert most >= LEVEL / 2


POWER = {
    # runs before, runs after, deviations: at least so often
    (17, 3, 3.0): 0.3,
    (17, 3, 4.0): 0.65,
    (37, 3, 3.0): 0.35,
    (37, 3, 4.0): 0.75,
    (37, 3, 5.0): 0.93,
    (35, 5, 2.0): 0.3,
    (35, 5, 3.0): 0.75,
    (35, 5, 4.0): 0.97,
    (30, 10, 2.0): 0.55,
    (30, 10, 3.0): 0.95,
}


@pytest.mark.parametrize(("before", "after", "size"), POWER)
def test_a_step_is_found(before: int, after: int, size: float) -> None:
    """The share of 300 series that have it, and the share of these whose bounds hold its size."""
    rng = np.random.default_rng([5, before, after, int(size)])
    n = before + after
    found = [fit(rng.normal(size=n) + stepped(n, after, size)).change for _ in range(300)]
    changes = [change for change in found if change is not None]
    covered = sum(change.low <= size <= change.high for change in changes)
    power = share_interval(len(changes), 300)
    sys.stdout.write(
        f"{before}+{after} of {size} σ: {power}, covered {covered / len(changes):.2f}\n"
    )
    assert power.high >= POWER[before, after, size]
    assert covered >= 0.8 * len(changes)


@pytest.mark.parametrize(
    ("n", "total", "least"),
    [
        (20, 4.0, 0.65),
        (20, 5.0, 0.85),
        (40, 3.0, 0.75),
        (40, 4.0, 0.95),
        (80, 2.0, 0.62),
        (100, 2.0, 0.8),
    ],
)
def test_a_slow_leak_is_found(n: int, total: float, least: float) -> None:
    """A line over the whole series that comes to so many deviations of one run."""
    rng = np.random.default_rng([6, n])
    drift = np.linspace(0, total, n)
    found = [fit(rng.normal(size=n) + drift).change for _ in range(200)]
    changes = [change for change in found if change is not None]
    leaking = sum(change.kind == "leak" for change in changes) / len(changes)
    power = share_interval(len(changes), 200)
    sys.stdout.write(f"{n} runs, {total} σ: {power}, {leaking:.2f} called leaks\n")
    assert power.high >= least


def test_a_step_without_noise_is_exact() -> None:
    """Its place, its size, its levels."""
    found = fit(stepped(20, 5, 0.1))
    assert found.change is not None
    assert (found.change.kind, found.change.at, found.starts) == ("step", 15, (15,))
    assert found.change.size == pytest.approx(0.1)
    assert found.levels == pytest.approx(stepped(20, 5, 0.1))


def test_a_leak_without_noise_is_exact() -> None:
    """It begins where the line leaves the level."""
    drift = 0.01 * np.maximum(np.arange(30) - 9, 0)
    found = fit(drift)
    assert found.change is not None
    assert (found.change.kind, found.change.at) == ("leak", 10)
    assert found.change.size == pytest.approx(0.2)
    assert found.levels == pytest.approx(drift)


def test_one_wild_run_or_two_are_no_change() -> None:
    """However far they are."""
    series = 0.01 * np.random.default_rng(7).normal(size=30)
    for wild in ([12], [12, 13], [29], [0, 29]):
        changed = series.copy()
        changed[wild] += 3.0
        assert fit(changed).change is None


def test_a_constant_series_has_no_change() -> None:
    """Nor has one that moves by less than a clock can tell."""
    assert fit(np.zeros(50)).change is None
    assert fit(stepped(50, 20, 1e-5)).change is None


def test_a_steps_bounds_are_students_of_the_levels_beside_it() -> None:
    """SciPy-free: levels of 4, 5 and 3 runs, s² over 12 − 3 degrees, t = 2.262157."""
    levels = np.repeat([0.0, 1.0, 3.0], [4, 5, 3])
    residuals = np.tile([1.0, -1.0], 6)
    first, last = bounded(residuals, levels, "step", (4, 9), 0.95)
    deviation = 2.262157163 * math.sqrt(12 / 9)
    half = deviation * math.sqrt(1 / 4 + 1 / 5)
    assert (first.at, first.size, first.low, first.high) == pytest.approx(
        (4, 1, 1 - half, 1 + half)
    )
    half = deviation * math.sqrt(1 / 5 + 1 / 3)
    assert (last.at, last.size) == (9, 2)
    assert (last.low, last.high) == pytest.approx((2 - half, 2 + half))


def test_every_change_is_kept() -> None:
    """In the order of runs; the last is the last."""
    levels = np.repeat([0.0, 0.1, 0.07], [20, 5, 5])
    found = fit(levels + 0.001 * np.random.default_rng(10).normal(size=30))
    assert [change.at for change in found.changes] == [20, 25]
    assert [change.size for change in found.changes] == pytest.approx([0.1, -0.03], abs=2e-3)
    assert found.change == found.changes[-1]


def test_a_change_is_found_in_any_units() -> None:
    """Only what is smaller than the clock's own noise is not told apart."""
    series = np.random.default_rng(8).normal(size=40) + stepped(40, 10, 4)
    places = {fit(scale * series).starts for scale in (1e-2, 1.0, 50.0)}
    assert places == {(30,)}


@given(finite_series)
@settings(deadline=None)
def test_any_series_has_levels(values: list[float]) -> None:
    """As many as runs, finite, and a change lies inside."""
    found = fit(values)
    assert found.levels.size == len(values)
    assert np.isfinite(found.levels).all()
    if found.change is not None:
        assert 1 <= found.change.at < len(values)
        assert found.change.low <= found.change.size <= found.change.high
    if len(values) < FEWEST_RUNS:
        assert found.change is None


def test_of_a_long_series_the_last_runs_are_searched() -> None:
    """As many as the penalties are calibrated for; places count from the first run."""
    series = 0.01 * np.random.default_rng(9).normal(size=LONGEST + 100)
    series[:50] += 1
    series[-20:] += 1
    found = fit(series)
    assert found.starts == (LONGEST + 80,)
    assert [change.at for change in found.changes] == [LONGEST + 80]
    assert np.isnan(found.levels[:100]).all()
    assert np.isfinite(found.levels[100:]).all()


@pytest.mark.parametrize("bad", [[], [0.0, math.nan], [math.inf]])
def test_what_is_not_finite_is_refused(bad: list[float]) -> None:
    """A ratio of 0 has no logarithm."""
    with pytest.raises(ValueError, match="log ratios: "):
        fit(bad)


def test_the_table_is_what_the_simulation_gives() -> None:
    """A smaller one, of another seed, comes within its own error; all lengths are there."""
    assert list(PENALTIES) == list(LENGTHS)
    assert max(PENALTIES) == LONGEST
    step, leak = calibrate(16, [*all_laws().values()], 20_000, np.random.default_rng(99))
    assert (step, leak) == pytest.approx(PENALTIES[16], rel=0.06)
    assert penalties(16) == PENALTIES[16]
    assert penalties(22)[0] == pytest.approx((PENALTIES[20][0] + PENALTIES[24][0]) / 2, rel=0.02)


def test_the_table_is_printed_as_it_is_held(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line per length, ready to be copied."""
    asked: list[int] = []

    def instead(_n: int, laws: list[object], *_: object) -> tuple[float, float]:
        asked.append(len(laws))
        return 16.44, 12.36

    monkeypatch.setattr(history_calibration, "LENGTHS", (9,))
    monkeypatch.setattr(history_calibration, "calibrate", instead)
    history_calibration.main([])
    history_calibration.main([str(GATE / "history.jsonl")])
    assert capsys.readouterr().out == 2 * "    9: (16.4, 12.4),\n"
    assert asked == [len(LAWS), len(LAWS) + len(BLOCKS)]
