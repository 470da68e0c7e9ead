"""What a table has for a number that may not be finite."""

import math

from torch import Tensor


def finite(value: float | Tensor) -> float | None:
    """A number for a table, or None where it is nan or infinite.

    Args:
        value: or a tensor of one element.

    Returns:
        A Python float that JSON can hold.

    >>> finite(0.5), finite(float("nan")), finite(-math.inf)
    (0.5, None, None)
    """
    number = float(value)
    return number if math.isfinite(number) else None
