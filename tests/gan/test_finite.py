"""What a table has for a number."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan.finite import finite


@given(value=st.floats())
def test_a_number_is_itself_or_missing(value: float) -> None:
    """Bit for bit where it is finite, of a Python number and of a tensor alike."""
    expected = None if math.isnan(value) or math.isinf(value) else value
    assert finite(value) == expected
    found = finite(torch.tensor(value, dtype=torch.float64))
    assert found == expected
    assert found is None or type(found) is float


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_smaller_formats_infinity_is_missing(dtype: torch.dtype) -> None:
    """1e300 is infinite there, and ½ exact."""
    assert finite(torch.tensor(1e300, dtype=dtype)) is None
    assert finite(torch.tensor([0.5], dtype=dtype)) == 0.5
