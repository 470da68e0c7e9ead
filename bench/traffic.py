"""What a step must do besides arithmetic: move its state and its batch, dispatch its operators."""

import torch

from bench.ceilings import TFLOAT32
from bench.operators import operators_per_step
from gan.trainer import Trainer

Traffic = dict[str, float | int | str | bool]


def traffic(trainer: Trainer) -> Traffic:
    """What results/README.md lists of a step's traffic.

    Args:
        trainer: warm; of a run or of an ensemble. It draws a batch, and takes steps if it is eager.

    Returns:
        ``least_bytes_per_step``, ``working_set_bytes``, ``product_dtypes`` and, where operators
        are dispatched one by one, ``operators_per_step``.
    """
    told: Traffic = {
        "least_bytes_per_step": least_bytes_per_step(trainer),
        "working_set_bytes": working_set_bytes(trainer),
        "product_dtypes": " ".join(product_dtypes(trainer)),
    }
    operators = operators_per_step(trainer)
    return told if operators is None else told | {"operators_per_step": operators}


def least_bytes_per_step(trainer: Trainer) -> int:
    """Compulsory traffic: the state read and written once, every number of the batch read once.

    All of the state changes in a step: both players, their optimisers' moments, G's average. Not
    counted are activations, gradients and what is read again within the step, such as θ_D by G's
    update: a cache that is large enough keeps them. Nor is making the batch.

    Args:
        trainer: of a run or of an ensemble; it draws a batch.

    Returns:
        Bytes.

    Reference:
        Hill & Smith 1989, "Evaluating Associativity in CPU Caches": compulsory misses.
    """
    return 2 * _state_bytes(trainer) + _batch_bytes(trainer)


def working_set_bytes(trainer: Trainer) -> int:
    """How large the memory is that compulsory traffic touches: the state and the batch.

    Args:
        trainer: of a run or of an ensemble; it draws a batch.

    Returns:
        Bytes.
    """
    return _state_bytes(trainer) + _batch_bytes(trainer)


def _state_bytes(trainer: Trainer) -> int:
    return sum(tensor.nbytes for tensor in trainer.state.tensors())


def _batch_bytes(trainer: Trainer) -> int:
    return sum(numbers.nbytes for numbers in trainer.draw())


def product_dtypes(trainer: Trainer) -> list[str]:
    """The formats in which a step's matrix products and convolutions run.

    Autocast's products run in the run's precision, a penalty's in θ's own; cuDNN convolves float32
    in TF32 unless it is told not to.

    Args:
        trainer: of a run or of an ensemble.

    Returns:
        Names of bench.ceilings' rows, the run's precision first.
    """
    run, names = trainer.run, [trainer.run.precision]
    if trainer.game.penalty_weight and run.precision in ("bfloat16", "float16"):
        names.append("float32")
    convolves = trainer.generator.convolves or trainer.discriminator.convolves
    narrowed = run.device.startswith("cuda") and torch.backends.cudnn.allow_tf32
    return [*names, TFLOAT32] if convolves and narrowed and "float32" in names else names
