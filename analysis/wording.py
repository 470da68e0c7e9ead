"""Numbers and directions in words, for captions that say what the data say."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """A number as a reader wants it: three significant digits, powers of ten beyond.

    Args:
        value: any float.
        digits: significant digits.

    Returns:
        Text in Unicode.

    >>> number(0.5), number(12345.6), number(2.1e-9), number(-1e7), number(float("nan"))
    ('0.5', '12,300', '2.1·10⁻⁹', '−10⁷', '–')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    sign, (mantissa, exponent) = "−" if value < 0 else "", _parts(abs(value), digits)
    if not -4 <= exponent < 6:
        return sign + scientific(mantissa, exponent, digits)
    rounded = float(f"{mantissa}e{exponent}")
    text = f"{rounded:,.{max(digits - 1 - exponent, 0)}f}"
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text)


def _parts(value: float, digits: int = 3) -> tuple[float, int]:
    """A positive number as mantissa and power of ten, rounded; the power itself may be no float."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return float(mantissa), int(exponent)


def scientific(mantissa: float, exponent: int, digits: int = 3) -> str:
    """m·10ᵉ, or 10ᵉ where m is 1.

    >>> scientific(1.0, -3), scientific(2.5, 4)
    ('10⁻³', '2.5·10⁴')
    """
    power = f"10{str(exponent).translate(SUPERSCRIPTS)}"
    text = f"{mantissa:.{digits}g}"
    return power if text == "1" else f"{text}·{power}"


def tick(value: float) -> str:
    """A number beside a logarithmic axis: plain near 1, else a power of ten.

    >>> tick(0.01), tick(100), tick(1e-3), tick(20_000)
    ('0.01', '100', '10⁻³', '2·10⁴')
    """
    if not value > 0 or 0.01 <= value * 1.000001 < 1_000:
        return number(value)
    return scientific(*_parts(value))


def interval(estimate: float, low: float, high: float) -> str:
    """An estimate and its bounds, if it has any.

    >>> interval(1.0, 0.99, 1.01), interval(-0.0001, float("nan"), float("nan"))
    ('1.000 [0.990, 1.010]', '0.000')
    """
    # Adding 0 turns the −0.0 that rounding leaves into 0.
    point, below, above = (f"{round(x, 3) + 0:.3f}" for x in (estimate, low, high))
    text = point if math.isnan(low) else f"{point} [{below}, {above}]"
    return text.replace("-", "−")


def percent(share: float) -> str:
    r"""A share of 1 in per cent, on one line with its sign.

    >>> percent(0.956), percent(1.0)
    ('96\xa0%', '100\xa0%')
    """
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def tenths(share: float, *, signed: bool = False) -> str:
    """A share of 1 in per cent with one digit after the point; three in all beyond 1,000.

    >>> tenths(0.05), tenths(-0.0004, signed=True), tenths(0.123, signed=True), tenths(-0.5)
    ('5.0 %', '0.0 %', '+12.3 %', '−50.0 %')
    >>> tenths(12.345, signed=True)
    '+1,230 %'
    """
    return f"{_tenths(share, signed=signed)} %"


def change(estimate: float, low: float, high: float) -> str:
    """A relative change with its interval, if it has one, in per cent.

    >>> change(0.05, -0.01, 0.2), change(-0.5, float("nan"), float("nan"))
    ('+5.0 % [−1.0, +20.0]', '−50.0 %')
    """
    point = tenths(estimate, signed=True)
    if math.isnan(low):
        return point
    return f"{point} [{_tenths(low, signed=True)}, {_tenths(high, signed=True)}]"


def _tenths(share: float, *, signed: bool) -> str:
    percents = 100 * share
    # Adding 0 turns the −0.0 that rounding leaves into 0.
    rounded = round(percents, 1) + 0
    sign = "+" if signed and rounded > 0 else ""
    text = number(percents) if abs(percents) >= 1_000 else f"{rounded:.1f}"
    return f"{sign}{text}".replace("-", "−")


def listing(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def tallied(found: Iterable[str], words: Mapping[str, tuple[str, str]]) -> str:
    """How many there are of each, in a sentence's words.

    Args:
        found: names, keys of `words`.
        words: name -> what one of it does and what several do, in the order of the sentence.

    Returns:
        "" of none.

    >>> tallied(["a", "b", "a"], {"a": ("holds", "hold"), "b": ("does not", "do not")})
    '2 hold and 1 does not'
    """
    counts = Counter(found)
    told = [
        f"{counts[name]} {one if counts[name] == 1 else several}"
        for name, (one, several) in words.items()
        if counts[name]
    ]
    return listing(told) if told else ""


def count(n: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "run"), count(2, "run"), count(0, "run")
    ('1 run', '2 runs', '0 runs')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def direction(before: float, after: float, tolerance: float = 0.02) -> str:
    """Whether a quantity rises, falls or stays, within a share of the larger value.

    >>> direction(1, 2), direction(2, 1), direction(1, 1.01)
    ('rises', 'falls', 'stays level')
    """
    if abs(after - before) <= tolerance * max(abs(before), abs(after)):
        return "stays level"
    return "rises" if after > before else "falls"


def visible(text: str) -> str:
    r"""A text with its control characters spelt out, so that a terminal shows and obeys none.

    >>> visible("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
