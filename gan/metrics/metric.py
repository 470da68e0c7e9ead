"""A metric: a number that tells how far generated samples are from the data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gan.data import Dataset


@dataclass(frozen=True)
class Metric:
    """A number computed from samples.

    Args:
        value: (dataset, fake, real, rng) -> float; fake is (N, *shape), real is (M, *shape),
            fresh samples of the data.
        applies: tells whether the metric is defined for a data set.
        best: which of two values is the better one.
    """

    value: Callable[[Dataset, Tensor, Tensor, torch.Generator], float]
    applies: Callable[[Dataset], bool]
    best: Literal["higher", "lower"]

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.value.__doc__ or "").strip().partition("\n")[0]
