"""What a step costs in numbers that no machine's noise touches."""

from typing import Any

import torch

from bench.allocations import allocations
from bench.operators import operators_per_step
from bench.timing import flops_per_step
from gan.trainer import Trainer

Counters = dict[str, int]


def counters(trainer: Trainer) -> Counters:
    """Everything that is counted exactly.

    Args:
        trainer: of a run or of an ensemble, on a CPU; it takes some steps.

    Returns:
        ``parameters`` of both players, ``state_bytes`` of all that training changes,
        ``flops_per_step`` of matrix products and convolutions, ``allocated_bytes_per_step`` and,
        of an eager step, ``operators_per_step``; of a compiled one ``graphs``, ``graph_breaks``,
        ``recorded_operations`` and ``kernels`` of its program.
    """
    trainer.step()
    state = trainer.state
    found = {
        "parameters": state.generator.numel() + state.discriminator.numel(),
        "state_bytes": sum(tensor.nbytes for tensor in state.tensors()),
        "flops_per_step": flops_per_step(trainer),
        "allocated_bytes_per_step": allocated_bytes_per_step(trainer),
    }
    operators = operators_per_step(trainer)
    return found | (program(trainer) if operators is None else {"operators_per_step": operators})


def allocated_bytes_per_step(trainer: Trainer) -> int:
    """What a step asks of torch's allocator, all of it together.

    Of three consecutive steps the least: random numbers are drawn for several steps at once.

    Args:
        trainer: warm; it takes three steps.

    Returns:
        Bytes.
    """
    return min(_allocated(trainer) for _ in range(3))


def _allocated(trainer: Trainer) -> int:
    return sum(max(size, 0) for _, size in allocations(trainer))


def program(trainer: Trainer) -> Counters:
    """What a compiled step consists of: compiled again, from nothing, and counted.

    Args:
        trainer: of a compiled run.

    Returns:
        ``graphs`` that torch.compile made of the step, ``graph_breaks`` between them,
        ``recorded_operations`` in its trace, and ``kernels`` that were generated for it; products
        and convolutions are the library's and not among the kernels.
    """
    from torch._dynamo.utils import counters as of_dynamo
    from torch._inductor import metrics

    from gan.modes import Compiled, traced

    torch._dynamo.reset()
    of_dynamo.clear()
    metrics.reset()
    written: Any = trainer._step
    batch = trainer.draw()
    Compiled(written._program)(trainer.state, batch)
    recorded = traced(written._program, trainer.state, batch)
    return {
        "graphs": int(of_dynamo["stats"]["unique_graphs"]),
        "graph_breaks": sum(of_dynamo["graph_break"].values()),
        "recorded_operations": sum(n.op == "call_function" for n in recorded.graph.nodes),
        "kernels": int(metrics.generated_kernel_count),
    }
