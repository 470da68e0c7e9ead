"""The machine's facts: what a reader has to know to compare two sessions."""

import os
import platform
from pathlib import Path

import torch

from gan.store import processor


def facts(threads: int, profile: str) -> dict[str, str | int | float | None]:
    """What holds for the whole session; results/README.md lists the names.

    Never the clock frequency: it changes from minute to minute and makes every comparison warn.

    Args:
        threads: torch's intra-op threads.
        profile: the session's profile.

    Returns:
        JSON-ready facts.
    """
    cuda = torch.cuda.is_available()
    return {
        "schema": 1,
        "cpu": processor("cpu"),
        "cores": os.cpu_count(),
        "threads": threads,
        "affinity": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if cuda else None,
        "python": platform.python_version(),
        "os": platform.platform(),
        "profile": profile,
    }


def load_average() -> float:
    """Processes that wanted to run, averaged over the last minute."""
    return os.getloadavg()[0]


def stolen_seconds() -> float | None:
    """CPU time that the hypervisor has given to others since boot, or None where it doesn't say.

    Returns:
        Seconds, summed over the cores.
    """
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None
