"""The options that say where runs are computed, and with what."""

import os

import pytest

from bench.engine.engines import ENGINES
from bench.engine.job import Resources
from gan.errors import UsageError, unknown

OF_RAY = ("ray_address", "num_gpus")

MOST = 4096
"""Threads, or workers: more than any machine has cores."""


def add(group: pytest.OptionGroup) -> None:
    """Add the options.

    Args:
        group: pytest's.
    """
    group.addoption("--threads", type=int, default=1, help="torch's threads in each process [1]")
    group.addoption(
        "--workers",
        type=int,
        metavar="N",
        help="processes that compute runs side by side; they share the GPU [1: the session's own]",
    )
    group.addoption(
        "--engine", default="local", metavar="NAME", help=f"one of {', '.join(ENGINES)} [local]"
    )
    group.addoption(
        "--ray-address",
        metavar="HOST:PORT",
        help="a Ray cluster's, or auto [RAY_ADDRESS, or else Ray is started on this machine]",
    )
    group.addoption(
        "--num-gpus",
        type=float,
        metavar="X",
        help="GPUs for each run on cuda, or a fraction of one; Ray only [1]",
    )


def resources(config: pytest.Config) -> Resources:
    """Read and check the options.

    Args:
        config: pytest's.

    Returns:
        What the session may use.

    Raises:
        UsageError: whatever is wrong, in one line.
    """
    engine, workers, gpus = map(config.getoption, ("engine", "workers", "num_gpus"))
    if engine not in ENGINES:
        raise unknown("value of --engine", engine, ENGINES)
    for option in ("threads", "workers"):
        number = config.getoption(option)
        if number is not None and not 1 <= number <= MOST:
            raise UsageError(f"--{option} must be from 1 to {MOST:,}, not {number}")
    for option in OF_RAY if engine != "ray" else ():
        if config.getoption(option) is not None:
            raise UsageError(f"--{option.replace('_', '-')} goes with --engine ray")
    if gpus is not None and not (0 < gpus <= 1 or (gpus > 1 and gpus.is_integer())):
        raise UsageError(f"--num-gpus takes a fraction of 1 or a whole number, not {gpus:g}")
    address = _address(config) if engine == "ray" else None
    if address and workers:
        raise UsageError(
            f"--workers is for this machine: the cluster at {address} has as many as it has cores"
        )
    return Resources(workers, config.getoption("threads"), address, 1.0 if gpus is None else gpus)


def _address(config: pytest.Config) -> str | None:
    return config.getoption("ray_address") or os.environ.get("RAY_ADDRESS") or None


def words(engine: str, resources: Resources) -> str:
    """Where runs are computed, for the session's first lines.

    Args:
        engine: a name of ENGINES.
        resources: what it may use.

    Returns:
        "" where there is nothing to say.

    >>> words("local", Resources(workers=2))
    ', 2 workers'
    >>> words("ray", Resources(address="10.0.0.1:6379"))
    ', on Ray at 10.0.0.1:6379'
    """
    if engine == "ray":
        return f", on Ray at {resources.address or 'this machine'}"
    return f", {resources.workers} workers" if (resources.workers or 1) > 1 else ""
