"""The first steps of a run, as numbers: whether a change touched the numerics at all."""

import hashlib
from typing import Any

import torch

from gan.trainer import Trainer

STEPS = 20


def golden(trainer: Trainer) -> dict[str, Any]:
    """Losses and gradient norms of the first steps, and every bit of the state after them.

    Args:
        trainer: of a run or of an ensemble; it begins again, and is left after STEPS.

    Returns:
        ``trace``: STEPS rows of TRACE, of an ensemble its first run's; ``sha256`` of the trace and
        of the state after it.
    """
    trainer.reset()
    steps = torch.stack([trainer.step() for _ in range(STEPS)])
    digest = hashlib.sha256(steps.contiguous().numpy().tobytes())
    for tensor in trainer.state.tensors():
        digest.update(tensor.detach().contiguous().cpu().numpy().tobytes())
    first = steps if steps.dim() == 2 else steps[:, 0]
    return {"trace": first.double().tolist(), "sha256": digest.hexdigest()}
