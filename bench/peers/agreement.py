"""Whether two peers compute the same update: nothing else is timed."""

import math
from collections.abc import Mapping

from torch import Tensor

from bench.peers.peer import Peer, Start

STEPS = 3
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}
"""Of ``difference``."""


def difference(one: Peer, other: Peer, start: Start, steps: int = STEPS) -> float:
    """How far apart two peers are after some steps, in units of how far the other has moved.

    max over both players of ‖θ₁ − θ₂‖ / ‖θ₂ − θ₀‖. Relative to θ itself it would be small whatever
    they computed: some steps hardly move a network.

    Args:
        one: is reset, and left after its steps.
        other: likewise.
        start: where both begin.
        steps: of each.

    Returns:
        0 if they are one; nan if either is lost or the other has not moved.
    """
    for peer in (one, other):
        peer.reset()
        peer.block(steps)
    firsts = (start.theta_g, start.theta_d)
    players = zip(one.parameters(), other.parameters(), firsts, strict=True)
    distances = [_relative(mine, theirs, first) for mine, theirs, first in players]
    return math.nan if any(map(math.isnan, distances)) else max(distances)


def _relative(mine: Tensor, theirs: Tensor, first: Tensor) -> float:
    return float((mine.to(theirs.device) - theirs).norm() / (theirs - first).norm())


def complaints(differences: Mapping[str, float], reference: str, tolerance: float) -> list[str]:
    """A line on each peer that computes something else.

    Args:
        differences: of each peer from the reference.
        reference: the peer they were held against.
        tolerance: the largest difference that is rounding.

    Returns:
        None of those that agree.

    >>> complaints({"textbook": 0.001, "jax": 0.5}, "eager", 0.01)
    ['after 3 steps jax is 0.5 of the way from where eager is, more than 0.01: another update']
    """
    return [
        f"after {STEPS} steps {name} is {value:.2g} of the way from where {reference} is, more "
        f"than {tolerance:g}: another update"
        for name, value in differences.items()
        if not value <= tolerance
    ]
