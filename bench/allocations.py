"""What a step allocates on the processor, as torch's profiler records it."""

import os

from torch.profiler import ProfilerActivity, profile

from gan.trainer import Trainer


def allocations(trainer: Trainer) -> list[tuple[int, int]]:
    """Take one step and record every allocation.

    Args:
        trainer: warm; takes one step.

    Returns:
        (nanoseconds, bytes) in the order of time; bytes are negative where memory is given back.
    """
    # Otherwise the profiler tells on stderr when it starts and stops.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        trainer.step()
    events = record.profiler.kineto_results.events()
    return sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
