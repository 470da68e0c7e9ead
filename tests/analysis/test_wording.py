"""Numbers in words: close to the number, on one line."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.wording import count, direction, interval, listing, number, percent, tick

PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def value_of(text: str) -> float:
    """The number that a text says."""
    mantissa, _, power = text.replace(",", "").partition("·10")
    if not power and mantissa.lstrip("−").startswith("10") and mantissa[-1] in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
        sign, _, power = mantissa.partition("10")
        mantissa = f"{sign}1"
    return float(f"{mantissa.translate(PLAIN)}e{power.translate(PLAIN) or 0}")


@given(st.floats(1e-300, 1e300) | st.floats(-1e300, -1e-300))
def test_a_number_is_told_to_three_digits(x: float) -> None:
    """Half a unit in the third."""
    assert value_of(number(x)) == pytest.approx(x, rel=5.1e-3)


@given(st.floats(1e-300, 1e300))
def test_a_tick_is_told_to_three_digits(x: float) -> None:
    """Half a unit in the third."""
    assert value_of(tick(x)) == pytest.approx(x, rel=5.1e-3)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (999.6, "1,000"),
        (0.00012345, "0.000123"),
        (0.0000999999, "0.0001"),
        (123456, "123,000"),
        (999_999, "10⁶"),
        (2.5e-12, "2.5·10⁻¹²"),
        (5e-324, "4.94·10⁻³²⁴"),
        (-sys.float_info.max, "−1.8·10³⁰⁸"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_at_the_edges(x: float, text: str) -> None:
    """Zero, powers of ten, what rounds up to one, and the ends of float64."""
    assert number(x) == text


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1e-9, "10⁻⁹"),
        (2e5, "2·10⁵"),
        (0.1, "0.1"),
        (500.0, "500"),
        (0.0, "0"),
        (9.999e8, "10⁹"),
        (5e-324, "4.94·10⁻³²⁴"),
        (sys.float_info.max, "1.8·10³⁰⁸"),
    ],
)
def test_ticks_far_from_one_are_powers_of_ten(x: float, text: str) -> None:
    """So that labels of many decades have one width."""
    assert tick(x) == text


def test_small_words() -> None:
    """Plurals, lists, shares, bounds."""
    assert [count(n, "seed") for n in (0, 1, 1000)] == ["0 seeds", "1 seed", "1,000 seeds"]
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert percent(0.5) == "50\N{NO-BREAK SPACE}%"
    assert interval(-1, -1.5, -0.5) == "−1.000 [−1.500, −0.500]"


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_direction_turns_around_with_its_ends(a: float, b: float) -> None:
    """What rises one way falls the other."""
    around = {"rises": "falls", "falls": "rises", "stays level": "stays level"}
    assert direction(b, a) == around[direction(a, b)]
