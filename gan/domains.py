"""Which numbers a run takes."""

import math
from collections.abc import Mapping

from gan.errors import UsageError

# What float32 holds; a larger rate would be an error of the optimiser's at its first update.
_LARGEST_RATE = 3.4e38

# field of Run -> low and high of low ≤ value < high.
DOMAINS: dict[str, tuple[float, float]] = {
    "penalty_weight": (0, math.inf),
    "weight_clip": (0, math.inf),
    "generator_learning_rate": (0, _LARGEST_RATE),
    "discriminator_learning_rate": (0, _LARGEST_RATE),
    "momentum": (0, 1),
    "beta1": (0, 1),
    "beta2": (0, 1),
    "adam_epsilon": (0, math.inf),
    "batch_size": (1, math.inf),
    "pack": (1, math.inf),
    "discriminator_steps": (1, math.inf),
    "head_start": (0, math.inf),
    "latent_dim": (1, math.inf),
    "average_decay": (0, 1),
    "seed": (0, 2**63),
    "steps": (0, math.inf),
    "records": (1, math.inf),
    "evaluation_samples": (2, math.inf),
}
WHOLE = (
    "batch_size",
    "pack",
    "discriminator_steps",
    "head_start",
    "latent_dim",
    "seed",
    "steps",
    "records",
    "evaluation_samples",
)
# Fields in which None stands for the usual number.
OPTIONAL = ("penalty_weight", "weight_clip", "latent_dim")


def check_numbers(fields: Mapping[str, object]) -> None:
    """Check that every number of a run lies in its domain.

    Args:
        fields: of a run, by name.

    Raises:
        UsageError: the first that does not.
    """
    for name, (low, high) in DOMAINS.items():
        _check(name, fields[name], low, high)
    for name in WHOLE:
        if fields[name] is not None and not isinstance(fields[name], int):
            raise UsageError(f"{name} must be a whole number, not {fields[name]!r}")


def _check(field: str, value: object, low: float, high: float) -> None:
    """Raise UsageError unless low ≤ value < high; None is allowed where it has a meaning."""
    if value is None and field in OPTIONAL:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value < high):  # type: ignore[operator]  # checked on the left
        words = f"at least {low:g}" if math.isinf(high) else f"in [{low:g}, {high:g})"
        raise UsageError(f"{field} must be {words}, not {value!r}")
