"""Maxout layers, of which the discriminators of goodfellow2014 and pacgan are made."""

from torch import Tensor, nn


class Maxout(nn.Module):
    """max over linear maps: each unit is the largest of `pieces`, of all inputs.

    Args:
        inputs: features in.
        units: features out.
        pieces: linear maps per unit.

    Reference:
        Goodfellow et al. 2013, "Maxout networks", Eq. 1.
    """

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, units * pieces)
        self.units, self.pieces = units, pieces

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, units)."""
        maps: Tensor = self.linear(x)
        return maps.view(-1, self.units, self.pieces).amax(2)
