"""A kernel that no revision changes: if it is slower, the machine is."""

import time

import torch

SIZE = 128
PASSES = 24


def seconds(blocks: int) -> float:
    """Wall time of matrix products and passes over memory like those of a step.

    Frozen: it is a unit of time, and every history is in it. Another size makes another unit.

    Args:
        blocks: how often.

    Returns:
        Seconds.
    """
    a = torch.full((SIZE, SIZE), 0.01)
    long = torch.full((1 << 18,), 0.5)
    start = time.perf_counter()
    for _ in range(blocks * PASSES):
        b = a
        for _ in range(8):
            b = torch.mm(a, b).clamp_(-1, 1)
        long.mul_(0.999).add_(0.0005)
    return time.perf_counter() - start
