"""What a run file says of a Dirac-GAN beside its trajectories: eigenvalues, verdicts, the field."""

from collections.abc import Sequence
from dataclasses import asdict

import torch
from torch import Tensor

from gan.dirac_game import UPDATES, DiracGame
from gan.dirac_stability import field_eigenvalues, update_eigenvalues
from gan.finite import finite
from gan.verdict import radius_of, verdict

GRID = tuple((2 * place - 11) / 5 for place in range(12))
"""θ and ψ of the portrait's arrows, −2.2 to 2.2; without 0, where a penalty may have its kink."""


def dirac_facts(game: DiracGame, paths: Tensor) -> dict[str, object]:
    """The facts of results/README.md's dirac table.

    Args:
        game: the rules.
        paths: (steps + 1, 2, 2), θ and ψ under each rule of UPDATES.

    Returns:
        What JSON can hold: null for a number that is not finite.
    """
    values = field_eigenvalues(game)
    facts: dict[str, object] = {
        "eigenvalues_real": values.real.tolist(),
        "eigenvalues_imaginary": values.imag.tolist(),
    }
    for turn, updates in enumerate(UPDATES):
        facts |= _of_rule(game, updates, paths[:, turn])
    return facts | _field(game, GRID)


def _of_rule(game: DiracGame, updates: str, path: Tensor) -> dict[str, object]:
    """The spectral radius of an update rule and the verdict on its path, each with its name."""
    values = update_eigenvalues(game, updates)
    told = {"radius": radius_of(values), **asdict(verdict(path.numpy(), values))}
    return {
        f"{name}_{updates}": value if isinstance(value, str) else finite(value)
        for name, value in told.items()
    }


def _field(game: DiracGame, grid: Sequence[float]) -> dict[str, object]:
    """The field on grid × grid, θ varying fastest."""
    psi, theta = torch.meshgrid(*[torch.tensor(grid, dtype=torch.float64)] * 2, indexing="ij")
    field = torch.func.vmap(game.field)(torch.stack([theta.flatten(), psi.flatten()], 1))
    names = {"field_theta": field[:, 0].tolist(), "field_psi": field[:, 1].tolist()}
    return {"grid": list(grid), **names}
