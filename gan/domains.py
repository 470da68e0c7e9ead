"""Which numbers a run takes."""

import math
from collections.abc import Mapping

from gan.errors import UsageError

# What float32 holds; a larger rate would be an error of the optimiser's at its first update.
_LARGEST_RATE = 3.4e38

# A JSON number holds every whole number below; more steps or samples than that nobody waits for.
_LARGEST_WHOLE = 2**53

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
    "batch_size": (1, _LARGEST_WHOLE),
    "pack": (1, _LARGEST_WHOLE),
    "discriminator_steps": (1, _LARGEST_WHOLE),
    "head_start": (0, _LARGEST_WHOLE),
    "latent_dim": (1, _LARGEST_WHOLE),
    "average_decay": (0, 1),
    "loss_scale": (2**-126, _LARGEST_RATE),
    "ensemble": (1, _LARGEST_WHOLE),
    "seed": (0, 2**63),
    "steps": (0, _LARGEST_WHOLE),
    "records": (1, _LARGEST_WHOLE),
    "evaluation_samples": (2, _LARGEST_WHOLE),
}
WHOLE = (
    "batch_size",
    "pack",
    "discriminator_steps",
    "head_start",
    "latent_dim",
    "ensemble",
    "seed",
    "steps",
    "records",
    "evaluation_samples",
)
# Fields in which None stands for the usual number.
OPTIONAL = ("penalty_weight", "weight_clip", "latent_dim", "loss_scale")


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
        _check_whole(name, fields[name])


def check_seed(seed: object) -> None:
    """The same of a seed alone.

    Args:
        seed: of a run.

    Raises:
        UsageError: it is none.
    """
    _check("seed", seed, *DOMAINS["seed"])
    _check_whole("seed", seed)


def _check_whole(name: str, value: object) -> None:
    if value is not None and not isinstance(value, int):
        raise UsageError(f"{name} must be a whole number, not {value!r}")


def _check(field: str, value: object, low: float, high: float) -> None:
    """Raise UsageError unless low ≤ value < high; None is allowed where it has a meaning."""
    if value is None and field in OPTIONAL:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value < high):  # type: ignore[operator]  # checked on the left
        raise UsageError(f"{field} must be {_words(low, high, value)}, not {value!r}")


def _words(low: float, high: float, value: object) -> str:
    """What a number must be; a bound that nobody comes near is told to who is beyond it."""
    if high == _LARGEST_WHOLE and isinstance(value, (int, float)) and value >= high:
        return "below 2**53"
    unbounded = high in (math.inf, _LARGEST_WHOLE)
    return f"at least {low:g}" if unbounded else f"in [{low:g}, {high:g})"
