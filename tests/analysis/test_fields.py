"""Kinds of values, and what is said of a value that is not of its kind."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import fields
from analysis.errors import UsageError


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none())
def test_finite_numbers_are_those_a_float64_can_hold(value: object) -> None:
    """`is_finite` agrees with converting to float and comparing with the largest one."""
    expected = False
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            expected = -sys.float_info.max <= float(value) <= sys.float_info.max
        except OverflowError:
            expected = False
    assert fields.is_finite(value) == expected


def test_every_field_of_a_table_has_to_be_there() -> None:
    """A missing field is named with what it should have been."""
    with pytest.raises(UsageError, match=r"^cell\.seed: missing; expected an integer$"):
        fields.check({}, {"seed": fields.INTEGER}, "cell")


@pytest.mark.parametrize(
    ("kind", "value", "line"),
    [
        (fields.TEXT, 3, "expected text, found 3"),
        (fields.COUNT, 0, "expected a positive integer, found 0"),
        (fields.COUNT, True, "expected a positive integer, found True"),
        (fields.NUMBER, float("nan"), "expected a finite number, found nan"),
        (fields.NUMBERS, [1, None], "expected a list of finite numbers, found a list of 2"),
        (fields.OBJECT, [], "expected an object, found a list of 0"),
        (fields.BOOLEAN, 1, "expected true or false, found 1"),
        (fields.SHAPE, [0], "expected a list of positive integers, found a list of 1"),
        (fields.POINTS, {"x": 1}, "expected a list of points, found an object of 1"),
        (fields.nullable(fields.TEXT), 1, "expected text or null, found 1"),
        (fields.one_of("a", "b"), "c", "expected one of a, b, found 'c'"),
        (fields.TEXT, b"x" * 50, "expected text, found b'" + "x" * 35 + "..."),
    ],
)
def test_a_value_of_another_kind_is_told_in_one_line(
    kind: fields.Kind, value: object, line: str
) -> None:
    """The line says what was expected and what was found."""
    with pytest.raises(UsageError) as error:
        fields.check({"x": value}, {"x": kind}, "here")
    assert str(error.value) == f"here.x: {line}"


@pytest.mark.parametrize("kind", [fields.TEXT, fields.COUNT, fields.NUMBERS, fields.POINTS])
def test_null_is_only_where_a_table_allows_it(kind: fields.Kind) -> None:
    """`nullable` adds null and nothing else."""
    assert not kind.holds(None)
    assert fields.nullable(kind).holds(None)


def test_an_optional_field_may_be_absent_but_not_wrong() -> None:
    """`check_present` looks at fields that are there."""
    fields.check_present({}, {"grid": fields.NUMBERS}, "facts")
    with pytest.raises(UsageError, match=r"^facts\.grid: expected a list"):
        fields.check_present({"grid": 1}, {"grid": fields.NUMBERS}, "facts")


@given(
    st.recursive(st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_a_value_in_an_error_is_short_and_on_one_line(value: object) -> None:
    """Whatever a file holds, the line that quotes it stays a line."""
    text = fields.short(value)
    assert len(text) <= 40
    assert text.isprintable()
    assert json.dumps(text).isascii()
