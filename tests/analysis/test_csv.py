"""A figure's rows as CSV: what pandas reads back."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.render import csv, significant


@given(st.lists(st.floats(allow_nan=False)))
def test_numbers_are_those_of_six_significant_digits(values: list[float]) -> None:
    """The very float that such a text means, whatever its size."""
    rounded = significant(np.array(values, dtype=float))
    assert rounded.tolist() == [float(f"{value:.6g}") for value in values]


def test_every_kind_of_value_comes_back() -> None:
    """Numbers, whole ones, texts that need quotes, truths, arrays, and what is missing."""
    rows = pd.DataFrame(
        {
            "x": [0.1 + 0.2, np.nan, np.inf],
            "n": [1, 2, 3],
            "text": ['a,"b"\n', "", "é"],
            "is": [True, False, True],
            "mixed": [1, None, "two"],
            "array": [np.array([0.5, 1 / 3]), None, np.array([])],
        }
    )
    back = pd.read_csv(io.BytesIO(csv(rows)), keep_default_na=False, na_values={"x": [""]})
    assert back["x"].tolist()[::2] == [0.3, np.inf]
    assert np.isnan(back["x"][1])
    assert back["n"].tolist() == [1, 2, 3]
    assert back["text"].tolist() == ['a,"b"\n', "", "é"]
    assert back["is"].tolist() == [True, False, True]
    assert back["mixed"].tolist() == ["1", "", "two"]
    assert back["array"].tolist() == ["[0.5, 0.33333]", "", "[]"]


def test_rows_that_are_not_there_are_a_line_of_names() -> None:
    """An empty table has its columns."""
    assert csv(pd.DataFrame({"a": pd.Series(dtype=float)})) == b'"a"\n'


@pytest.mark.parametrize("value", [5e-324, 1.7976931348623157e308, -0.0])
def test_the_ends_of_the_range(value: float) -> None:
    """Neither overflows nor vanishes."""
    (rounded,) = significant(np.array([value]))
    assert repr(float(rounded)) == repr(float(f"{value:.6g}"))
