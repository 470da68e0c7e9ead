"""ON_CPU: the matrix products of a recorded step in the forms that a CPU computes fastest.

The layers of a game on the plane are thin: two inputs, one logit. docs/performance.md says what
each form is worth.
"""

from collections.abc import Callable, Mapping
from types import NotImplementedType

import torch
from torch import Tensor
from torch._ops import OpOverload

THIN = 16
"""A result of up to so many columns, and of more rows, is computed as its transpose."""


def product(a: Tensor, b: Tensor) -> Tensor | NotImplementedType:
    """Multiply two matrices.

    Args:
        a: (m, k).
        b: (k, n).

    Returns:
        (m, n), or NotImplemented where the library's own form is the best.
    """
    if a.shape[1] == 1:
        # Nothing is summed: what follows is computed in the same pass over memory.
        return a * b
    if b.shape[1] <= THIN and b.shape[1] < a.shape[0]:
        # A wide result costs what a tall one does or down to a sixth of it.
        return torch.mm(b.t(), a.t()).t()
    return NotImplemented  # type: ignore[no-any-return]  # mypy takes it for Any


def affine(
    bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor | NotImplementedType:
    """Multiply two matrices, then add in the pass over memory of what follows.

    Args:
        bias: broadcasts to (m, n).
        a: (m, k).
        b: (k, n).
        beta: factor of the bias.
        alpha: factor of the product.

    Returns:
        (m, n), or NotImplemented where a factor is not 1, as no layer has it.
    """
    return bias + torch.mm(a, b) if beta == alpha == 1 else NotImplemented


ON_CPU: Mapping[OpOverload, Callable[..., Tensor | NotImplementedType]] = {
    torch.ops.aten.mm.default: product,
    torch.ops.aten.addmm.default: affine,
}
"""By the operation that is recorded otherwise."""
