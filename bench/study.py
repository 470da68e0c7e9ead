"""What a profile is made of: kinds of cell, the axes, and cross products of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

AXES = (
    "device",
    "precision",
    "layout",
    "mode",
    "ensemble",
    "batch_size",
    "loss",
    "penalty",
    "model",
    "data",
    "seed",
)

# In the order in which a session runs them: timings first, while the machine is at rest.
KINDS = (
    "throughput",
    "peers",
    "overhead",
    "numerics",
    "dirac",
    "gradients",
    "per_sample",
    "optimum",
    "overtrained",
    "counterfactual",
    "spectrum",
    "convergence",
    "head_start",
    "batches",
    "reproduction",
)

Value = str | int | float
Axes = Mapping[str, tuple[Value, ...]]
Settings = dict[str, Value]


@dataclass(frozen=True)
class Study:
    """A cross product of axes, run with common settings.

    Args:
        kind: one of KINDS: which test of bench/ runs it.
        axes: values of each axis, or of any other field of Run; an axis left out has the one value
            of DEFAULTS.
        settings: other fields of Run that differ from its defaults.
        variant: tells it, in a word, from studies of its kind on the same axes. Of two cells with
            the same kind, axes and variant the first counts.
    """

    kind: str
    axes: Axes
    settings: Settings = field(default_factory=dict)
    variant: str = ""
