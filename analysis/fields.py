"""What a decoded JSON object must hold, as tables: field -> the kind of value.

Whatever a table names has to be there and of that kind, or the reader refuses it in one line; what
no table names is let through.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import UsageError


@dataclass(frozen=True)
class Kind:
    """What a value has to be.

    Args:
        words: the kind in words, as in "a finite number".
        holds: tells whether a decoded JSON value is one.
    """

    words: str
    holds: Callable[[object], bool]


def is_integer(value: object) -> bool:
    """An int64; JSON's true and false are not numbers.

    >>> is_integer(3), is_integer(True), is_integer(3.0), is_integer(2**63)
    (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def is_finite(value: object) -> bool:
    """A number that a float64 holds: neither NaN, nor infinite, nor 10⁴⁰⁰.

    >>> is_finite(1), is_finite(float("nan")), is_finite(10**400), is_finite("1")
    (True, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def is_numbers(value: object) -> bool:
    """A list of finite numbers, of any length, or an array: that was checked when it was made.

    >>> is_numbers([1, 2.5]), is_numbers([]), is_numbers([None]), is_numbers("12")
    (True, True, False, False)
    """
    if not isinstance(value, list):
        return isinstance(value, np.ndarray)
    # Of floats alone, as samples are, math.isfinite tells the same in a tenth of the time.
    return all(map(math.isfinite if set(map(type, value)) <= {float} else is_finite, value))


def is_shape(value: object) -> bool:
    """A sample's shape: a non-empty list of positive integers.

    >>> is_shape([1, 8, 8]), is_shape([0]), is_shape([])
    (True, False, False)
    """
    return isinstance(value, list) and bool(value) and all(is_integer(v) and v > 0 for v in value)


def is_points(value: object) -> bool:
    """A list of points, all of one dimension.

    >>> is_points([[0, 1.5], [1, 1]]), is_points([[0, 1], [0]]), is_points([0])
    (True, False, False)
    """
    if not isinstance(value, list) or not all(map(is_numbers, value)):
        return False
    return len({len(point) for point in value}) == 1


def nullable(kind: Kind) -> Kind:
    """The same kind, or null."""
    return Kind(f"{kind.words} or null", lambda value: value is None or kind.holds(value))


def one_of(*names: str) -> Kind:
    """One of these words."""
    return Kind(f"one of {', '.join(names)}", lambda value: value in names)


TEXT = Kind("text", lambda value: isinstance(value, str))
INTEGER = Kind("an integer", is_integer)
COUNT = Kind("a positive integer", lambda value: is_integer(value) and value > 0)  # type: ignore[operator]  # is_integer says int
NUMBER = Kind("a finite number", is_finite)
POSITIVE = Kind("a positive number", lambda value: is_finite(value) and value > 0)  # type: ignore[operator]  # is_finite says number
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
OBJECT = Kind("an object", lambda value: isinstance(value, dict))
OBJECTS = Kind("a list", lambda value: isinstance(value, list))
TEXTS = Kind(
    "a list of text",
    lambda value: isinstance(value, list) and all(isinstance(word, str) for word in value),
)
NUMBERS = Kind("a list of finite numbers", is_numbers)
POSITIVES = Kind(
    "a list of positive numbers",
    lambda value: isinstance(value, list) and bool(value) and all(map(POSITIVE.holds, value)),
)
SHAPE = Kind("a list of positive integers", is_shape)
POINTS = Kind("a list of points", is_points)

Fields = Mapping[str, Kind]


def check(record: Mapping[str, Any], fields: Fields, where: str) -> None:
    """Hold a decoded JSON object against a table of fields.

    Args:
        record: the object.
        fields: what it must hold.
        where: how to call the object in the error, as in "benchmark.json: benchmarks[3]".

    Raises:
        UsageError: a field is missing or of another kind; the line names both.

    >>> check({"seed": 0.5}, {"seed": INTEGER}, "run")
    Traceback (most recent call last):
        ...
    analysis.errors.UsageError: run.seed: expected an integer, found 0.5
    """
    for name, kind in fields.items():
        if name not in record:
            raise UsageError(f"{where}.{name}: missing; expected {kind.words}")
        if not kind.holds(record[name]):
            raise UsageError(f"{where}.{name}: expected {kind.words}, found {short(record[name])}")


def check_present(record: Mapping[str, Any], fields: Fields, where: str) -> None:
    """Hold an object against a table of fields that only some results have.

    Args:
        record: the object.
        fields: what it holds, where it holds it.
        where: how to call the object in the error.

    Raises:
        UsageError: a field is there, but of another kind.
    """
    check(record, {name: kind for name, kind in fields.items() if name in record}, where)


def short(value: object) -> str:
    """A value in at most 40 characters, for an error's line.

    >>> short([0] * 100)
    'a list of 100'
    """
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
