"""What one training step costs: seconds, floating-point operations, bytes."""

import statistics
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from bench.allocations import allocations
from gan.step import Batch, step
from gan.trainer import Trainer

BLOCK_SECONDS = 0.05


def seconds_of_steps(trainer: Trainer, steps: int) -> float:
    """Wall time of some whole steps, the device's work included.

    Args:
        trainer: takes the steps.
        steps: how many.

    Returns:
        Seconds.
    """
    trainer.synchronise()
    start = time.perf_counter()
    block(trainer, steps)
    return time.perf_counter() - start


def block(trainer: Trainer, steps: int) -> None:
    """The timed unit: whole training steps, until the device has done them.

    Args:
        trainer: takes the steps.
        steps: how many.
    """
    for _ in range(steps):
        trainer.step()
    trainer.synchronise()


def steps_per_block(trainer: Trainer, seconds: float = BLOCK_SECONDS) -> int:
    """How many steps last long enough that the clock's resolution and a call's cost don't matter.

    Args:
        trainer: warm; it takes some steps here.
        seconds: that a block should last.

    Returns:
        At least 1; as many as fill so many seconds.
    """
    steps = 1
    # The faster of two: one slow moment must not make every block too short.
    while (took := min(seconds_of_steps(trainer, steps) for _ in range(2))) < seconds:
        steps = max(steps + 1, min(10 * steps, round(1.1 * steps * seconds / took)))
    return steps


def rates(
    blocks: Sequence[float], steps: int, batch_size: int, flops: float
) -> dict[str, float | int | str | bool]:
    """What the median block says of one step.

    Args:
        blocks: seconds of each block.
        steps: in a block.
        batch_size: images in a minibatch of real data.
        flops: floating-point operations of one step.

    Returns:
        seconds_per_step, images_per_second and achieved_flops_per_second.

    >>> rates([2.0, 1.0, 3.0], steps=10, batch_size=64, flops=1e9)["images_per_second"]
    320.0
    """
    seconds = statistics.median(blocks) / steps
    return {
        "seconds_per_step": seconds,
        "images_per_second": batch_size / seconds,
        "achieved_flops_per_second": flops / seconds,
    }


def flops_per_step(trainer: Trainer) -> int:
    """Floating-point operations of one step's matrix products and convolutions, as it is written.

    What a compiler or an algorithm saves counts as done.

    Args:
        trainer: takes one step if it is eager; otherwise it draws a batch.

    Returns:
        Operations; a multiply and an add count as two, elementwise work is not counted.
    """
    with FlopCounterMode(display=False) as counter:
        # The counter's own hooks on modules, which it needs only to name them, fail on the double
        # backward of a penalty.
        counter.mod_tracker.__exit__(None, None, None)
        if trainer.run.mode == "eager":
            trainer.step()
        else:
            _step_without_data(trainer)
    return int(counter.get_total_flops())


def _step_without_data(trainer: Trainer) -> None:
    """A step, operator by operator, on stand-ins: inside a compiled one nothing can be counted."""
    real, numbers = trainer.state, trainer.draw()
    with FakeTensorMode(allow_non_fake_inputs=True) as fake:
        state = real.of([fake.from_tensor(tensor) for tensor in real.tensors()])
        step(trainer.game, state, Batch(*map(fake.from_tensor, numbers)))


def peak_memory_bytes(trainer: Trainer) -> int:
    """Parameters and optimiser state, and the most that one step holds on top of them.

    Measured by the CUDA allocator, or from the profiler's record of every allocation on the CPU.
    The data set does not count.

    Args:
        trainer: takes one step.

    Returns:
        Bytes.
    """
    resident = sum(tensor.nbytes for tensor in trainer.state.tensors())
    if trainer.run.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(trainer.run.device)
        before = torch.cuda.memory_allocated(trainer.run.device)
        trainer.step()
        trainer.synchronise()
        return resident + torch.cuda.max_memory_allocated(trainer.run.device) - before
    live = np.cumsum([0, *(size for _, size in allocations(trainer))])
    return resident + int(live.max())
