"""The operators that a step dispatches one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from gan.trainer import Trainer


def operators_per_step(trainer: Trainer) -> int | None:
    """How many operators a step dispatches one by one, views and backward passes included.

    Of two consecutive steps the one with fewer: random numbers are drawn for several steps at once.

    Args:
        trainer: of a run or of an ensemble; takes two steps if it is eager.

    Returns:
        Operators; None where the step is one program, which dispatches none.
    """
    return min(_dispatched(trainer) for _ in range(2)) if trainer.run.mode == "eager" else None


def _dispatched(trainer: Trainer) -> int:
    counter = _Counter()  # type: ignore[no-untyped-call]  # torch's class is not annotated
    with counter:
        trainer.step()
    return counter.operators


class _Counter(TorchDispatchMode):
    """Counts the operators that reach a device's kernels."""

    operators = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self.operators += 1
        return func(*args, **(kwargs or {}))
