"""Linear stability of the Dirac-GAN at (0, 0): eigenvalues of its field and of its updates."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.dirac_game import UPDATES, DiracGame

NUDGE = 1e-8
"""How far from a point one-sided derivatives look."""

AGREE = 1e-4
"""Largest difference of one-sided derivatives, relative to the largest entry of the Jacobian."""

Map = Callable[[Tensor], Tensor]


def field_eigenvalues(game: DiracGame) -> NDArray[np.complex128]:
    """Eigenvalues of a game's continuous field at (0, 0).

    Args:
        game: the rules.

    Returns:
        (2,), or (0,) where the field has no derivative.
    """
    return _spectrum(derivative(game.field, torch.zeros(2, dtype=torch.float64)))


def update_eigenvalues(game: DiracGame, updates: str) -> NDArray[np.complex128]:
    """Eigenvalues of an update's derivative at (0, 0).

    Args:
        game: the rules.
        updates: a name of UPDATES.

    Returns:
        (2,), or (0,) where the update has no derivative.
    """
    alternates = torch.tensor(UPDATES[updates])
    jacobian = derivative(
        lambda state: game.update(state, alternates), torch.zeros(2, dtype=torch.float64)
    )
    return _spectrum(jacobian)


def _spectrum(jacobian: Tensor | None) -> NDArray[np.complex128]:
    if jacobian is None:
        return np.empty(0, complex)
    return np.linalg.eigvals(jacobian.numpy()).astype(np.complex128)


def derivative(function: Map, point: Tensor) -> Tensor | None:
    """A map's Jacobian at a point, if it has one: autograd alone would not tell.

    At a kink it picks a value of its own, or none: ‖∇D‖ at ∇D = 0 has a slope of 0 and then NaN. So
    one-sided differences along axes and diagonals have to agree with it, and where it has no value,
    which need not mean that there is none, it is asked on either side.

    Args:
        function: (2,) -> (2,).
        point: (2,), float64.

    Returns:
        (2, 2), or None where one-sided derivatives differ or are not finite.

    >>> derivative(torch.abs, torch.zeros(2, dtype=torch.float64)) is None
    True
    """
    jacobian: Tensor = torch.func.jacrev(function)(point)
    if not bool(jacobian.isfinite().all()):
        sides = [torch.func.jacrev(function)(point + side) for side in (NUDGE, -NUDGE)]
        jacobian = torch.stack(sides).mean(0)
    axes = torch.eye(2, dtype=point.dtype)
    diagonals = torch.tensor([[1, 1], [1, -1]], dtype=point.dtype)
    directions = torch.cat([axes, diagonals, -axes, -diagonals])
    nudged = torch.func.vmap(function)(point + NUDGE * directions)
    errors = (nudged - function(point)) / NUDGE - directions @ jacobian.T
    bound = AGREE * jacobian.abs().max().clamp(min=1)
    # A comparison with NaN is false.
    return jacobian if bool((errors.abs() <= bound).all()) else None
