"""Several peers timed in turns: what slows the machine down meets all of them alike."""

import statistics
import time
from collections.abc import Mapping

import numpy as np

from bench.peers.peer import Peer
from bench.timing import BLOCK_SECONDS

BLOCKS = 12


def seconds_of(peer: Peer, steps: int) -> float:
    """Wall time of a block from the first weights on, so that every block computes the same.

    Args:
        peer: is reset.
        steps: in the block.

    Returns:
        Seconds.
    """
    peer.reset()
    start = time.perf_counter()
    peer.block(steps)
    return time.perf_counter() - start


def steps_of(peer: Peer) -> int:
    """How many steps last BLOCK_SECONDS.

    Args:
        peer: warm.

    Returns:
        At least 1.
    """
    steps = 1
    # The faster of two: one slow moment must not make every block too short.
    while (seconds := min(seconds_of(peer, steps) for _ in range(2))) < BLOCK_SECONDS:
        steps = max(steps + 1, min(10 * steps, round(1.1 * steps * BLOCK_SECONDS / seconds)))
    return steps


def in_turns(
    peers: Mapping[str, Peer], rng: np.random.Generator, blocks: int = BLOCKS
) -> dict[str, float]:
    """Seconds per step of each peer, the median of blocks taken in a random order every time.

    Args:
        peers: warm.
        rng: draws the orders.
        blocks: of each peer.

    Returns:
        Name -> seconds.
    """
    steps = {name: steps_of(peer) for name, peer in peers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(blocks):
        for name in rng.permutation(list(peers)):
            seconds[name].append(seconds_of(peers[name], steps[name]) / steps[name])
    return {name: statistics.median(of_peer) for name, of_peer in seconds.items()}
