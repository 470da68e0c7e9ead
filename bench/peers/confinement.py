"""One process kept to as many cores as it may use threads, before anything is imported."""

import os


def confine(threads: int, place: int) -> bool:
    """Keep this process to some of the cores that it may use.

    XLA takes as many threads as a process has cores; torch's count alone would compare one thread
    with many.

    Args:
        threads: cores.
        place: turns through the cores, so that several processes in a row do not share a slow one.

    Returns:
        Whether this system can do so.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    cores = sorted(os.sched_getaffinity(0))
    first = place * threads % len(cores)
    os.sched_setaffinity(0, set((cores[first:] + cores[:first])[:threads]))
    return True
