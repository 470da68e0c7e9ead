"""What several processes found of one cell, as results/README.md lists it."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from bench.peers.worker import Found

Seconds = dict[str, list[float]]


class Failed(Exception):  # noqa: N818  # an outcome that is recorded, not an error of ours
    """The suite's own step could not be timed.

    Args:
        status: as in ``gan.failures.status_of``.
        message: why.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def summary(found: Sequence[Found], reference: str) -> dict[str, object]:
    """The facts of a cell; lists have one number for each process, in one order.

    Args:
        found: of each process.
        reference: the suite's step in ``stats.data``, the first of the peers.

    Returns:
        ``peers``, ``first_call_seconds``, ``difference``, ``left_out``, ``jax`` and ``optax``.

    Raises:
        Failed: a process could not take the suite's own step.
    """
    for one in found:
        if one.status != "finished":
            raise Failed(one.status, one.message)
    left_out = {name: why for one in found for name, why in one.left_out.items()}
    names = dict.fromkeys([reference, *(name for one in found for name in one.seconds_per_step)])
    kept = [name for name in names if name not in left_out]
    return {
        "peers": _each(kept, (one.seconds_per_step for one in found)),
        "first_call_seconds": _each(kept, (one.first_call_seconds for one in found)),
        "difference": {
            name: max(one.difference[name] for one in found if name in one.difference)
            for name in kept
            if any(name in one.difference for one in found)
        },
        "left_out": left_out,
        **{package: _version(package) for package in ("jax", "optax")},
    }


def _each(names: Iterable[str], found: Iterable[Mapping[str, float]]) -> Seconds:
    rows = list(found)
    return {name: [row[name] for row in rows] for name in names}


def _version(package: str) -> str | None:
    """The version of a package, or None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
