"""The numerics map: what autograd makes of each way of writing the generator's two losses.

On paper log D and log(1 − D) have one gradient in the logit; in a computer it depends on how they
are written and in which format (docs/decisions/0010).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)

from gan.failures import is_unsupported
from gan.finite import finite
from gan.gradients import COMPARED, logit_gradient, own_loss
from gan.run import Run, check_device
from gan.step import PRECISIONS
from gan.store import Stored

OfLogits = Callable[[Tensor], Tensor]

# Multiples of ½ below 128 in absolute value: exact in all four formats.
LOGITS = tuple(half / 2 for half in range(-220, 81))

EPSILON = 1e-8


@dataclass(frozen=True)
class Formulation:
    """One way of writing both of the generator's losses.

    Args:
        saturating: logits (N,) -> log(1 − D(G(z))) (N,), nats, minimised.
        non_saturating: logits (N,) -> −log D(G(z)) (N,), nats, minimised.
        docs: how it is written, one line.
    """

    saturating: OfLogits
    non_saturating: OfLogits
    docs: str


def naive_saturating(logits: Tensor) -> Tensor:
    """log(1 − σ(a)) as written: −∞ where σ(a) rounds to 1."""
    return torch.log(1 - torch.sigmoid(logits))


def naive_non_saturating(logits: Tensor) -> Tensor:
    """−log σ(a) as written: ∞ where σ(a) underflows."""
    return -torch.log(torch.sigmoid(logits))


def bce_saturating(logits: Tensor) -> Tensor:
    """−BCE(σ(a), 0): its backward pass divides by max(D(1 − D), 1e-12)."""
    d_fake = torch.sigmoid(logits)
    return -binary_cross_entropy(d_fake, torch.zeros_like(d_fake), reduction="none")


def bce_non_saturating(logits: Tensor) -> Tensor:
    """BCE(σ(a), 1): its backward pass divides by max(D(1 − D), 1e-12)."""
    d_fake = torch.sigmoid(logits)
    return binary_cross_entropy(d_fake, torch.ones_like(d_fake), reduction="none")


def bce_with_logits_saturating(logits: Tensor) -> Tensor:
    """−BCE of logits against target 0: its gradient is computed as −σ(a)."""
    return -binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction="none")


def bce_with_logits_non_saturating(logits: Tensor) -> Tensor:
    """BCE of logits against target 1: its gradient is computed as σ(a) − 1."""
    return binary_cross_entropy_with_logits(logits, torch.ones_like(logits), reduction="none")


def epsilon_saturating(logits: Tensor) -> Tensor:
    """log(1 − D + ε): finite where D rounds to 1, unless ε itself rounds to 0."""
    return torch.log(1 - torch.sigmoid(logits) + EPSILON)


def epsilon_non_saturating(logits: Tensor) -> Tensor:
    """−log(D + ε): the gradient −D(1 − D) / (D + ε) vanishes with D, as the saturating one does."""
    return -torch.log(torch.sigmoid(logits) + EPSILON)


def exact_gradient(gradient_of: str, logits: Tensor) -> Tensor:
    """dL/da in closed form: −σ(a) (saturating), −σ(−a) (non-saturating).

    Args:
        gradient_of: "saturating" or "non_saturating".
        logits: (N,), float64.

    Returns:
        (N,), within 2e-16 of the true value, relatively.

    Reference:
        Goodfellow et al. 2014, section 3; Eqs. 3 and 4 times dD/da = D(1 − D).

    >>> exact_gradient("saturating", torch.tensor([0.0, -100.0], dtype=torch.float64))
    tensor([-5.0000e-01, -3.7201e-44], dtype=torch.float64)
    """
    return -torch.sigmoid(logits if gradient_of == "saturating" else -logits)


def numerics_experiment(run: Run) -> Stored:
    """The map of one cell: every formulation of both losses over LOGITS.

    Args:
        run: its precision is the dtype that is mapped, its device where.

    Returns:
        The rows of results/README.md's numerics table. A formulation that this device does not
        implement in this dtype has null gradients and is named in ``facts["unsupported"]``, which
        is empty if there is none.

    Raises:
        UsageError: the device is absent.
    """
    check_device(run.device)
    logits = torch.tensor(LOGITS, dtype=PRECISIONS[run.precision], device=run.device)
    rows: list[dict[str, object]] = []
    unsupported: list[str] = []
    for name, formulation in FORMULATIONS.items():
        try:
            gradients = _both_gradients(formulation, logits)
        except RuntimeError as error:
            if not is_unsupported(error):
                raise
            unsupported.append(f"{name}: {str(error).splitlines()[0]}")
            gradients = dict.fromkeys(COMPARED, [math.nan] * len(LOGITS))
        rows += _rows(name, gradients)
    return Stored(
        kind="numerics",
        run=run,
        rows=rows,
        status="finished",
        message="",
        stopped_step=0,
        facts={"unsupported": "; ".join(unsupported)},
    )


def _both_gradients(formulation: Formulation, logits: Tensor) -> dict[str, list[float]]:
    losses = (formulation.saturating, formulation.non_saturating)
    return {
        name: logit_gradient(loss, logits).tolist()
        for name, loss in zip(COMPARED, losses, strict=True)
    }


def _rows(formulation: str, gradients: Mapping[str, Sequence[float]]) -> list[dict[str, object]]:
    logits = torch.tensor(LOGITS, dtype=torch.float64)
    return [
        {
            "formulation": formulation,
            "gradient_of": name,
            "logit": logit,
            "gradient": finite(value),
            "exact": exact,
        }
        for name, values in gradients.items()
        for logit, value, exact in zip(
            LOGITS, values, exact_gradient(name, logits).tolist(), strict=True
        )
    ]


# logsigmoid is how gan.losses writes both: the map holds the suite's own functions, not a copy.
FORMULATIONS: dict[str, Formulation] = {
    "naive_log_sigmoid": Formulation(
        naive_saturating,
        naive_non_saturating,
        "log(1 - sigmoid(a)), -log(sigmoid(a))",
    ),
    "bce": Formulation(
        bce_saturating,
        bce_non_saturating,
        "-BCELoss(sigmoid(a), 0), BCELoss(sigmoid(a), 1)",
    ),
    "bce_with_logits": Formulation(
        bce_with_logits_saturating,
        bce_with_logits_non_saturating,
        "-BCEWithLogitsLoss(a, 0), BCEWithLogitsLoss(a, 1)",
    ),
    "logsigmoid": Formulation(
        own_loss("saturating"),
        own_loss("non_saturating"),
        "logsigmoid(-a), -logsigmoid(a)",
    ),
    "epsilon_in_log": Formulation(
        epsilon_saturating,
        epsilon_non_saturating,
        "log(1 - sigmoid(a) + 1e-8), -log(sigmoid(a) + 1e-8)",
    ),
}
