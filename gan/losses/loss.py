"""What a loss is: two functions of logits, one value per sample, minimised."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Elementwise = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """The two sides of a game.

    Args:
        discriminator: ``(real_logits (N,), fake_logits (N,)) -> (N,)``, minimised by D.
        generator: the same signature, minimised by G.
        relativistic: the generator's side reads real logits too; every other loss is spared the
            pass of real samples through D that they cost.
    """

    discriminator: Elementwise
    generator: Elementwise
    relativistic: bool = False
