"""Training as an experiment watches it: record by record, until it diverges."""

from collections.abc import Iterable, Iterator

import torch

from gan.step import TRACE, divergence
from gan.trainer import Trainer, lead_divergence


def recorded(trainer: Trainer, ends: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Train through the head start and on to each of some steps, and stop there to be measured.

    Args:
        trainer: at its first step; it is trained here, only as far as the iteration goes.
        ends: increasing.

    Yields:
        Each step and "", with the trainer there; or, last of all, the step at which training
        diverged (0 for the head start) and the message that says how.
    """
    run = trainer.run
    if message := lead_divergence(trainer.lead(run.head_start)):
        yield 0, message
        return
    trace = torch.empty(0, len(TRACE), device=run.device)
    for end in ends:
        steps = [trainer.step() for _ in range(end - len(trace))]
        trace = torch.cat([trace, *(step[None].to(trace) for step in steps)])
        if diverged := divergence(trace):
            yield diverged
            return
        yield end, ""
