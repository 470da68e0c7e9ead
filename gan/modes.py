"""MODES: ways to execute one and the same step of Algorithm 1.

``gan.step`` is the only definition of the mathematics. The mode ``eager`` runs it line by line.
``compile`` records every operation of a step, both players' gradients and updates included, as one
graph, and has torch.compile make one program of it. ``cudagraph`` has the GPU replay that program
from a single launch.
"""

import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import GraphModule

from gan import convolutions, products
from gan.errors import UsageError
from gan.game import Batch, State
from gan.zeros import without_zeros

Program = Callable[[State, Batch], Tensor]

FORMS_ON_CPU = {**products.ON_CPU, **convolutions.ON_CPU}
"""Operations that are recorded otherwise for a CPU."""


@dataclass(frozen=True)
class Mode:
    """A way to execute a program that changes a state in place.

    Args:
        prepare: makes the program that is run of the one that is written; its first call may take
            long.
        device: the only kind of device that has it, or "".
    """

    prepare: Callable[[Program], Program]
    device: str = ""


def eager(program: Program) -> Program:
    """Operation by operation, as it is written: the reference.

    Args:
        program: changes a state in place.

    Returns:
        The same.
    """
    return program


class Compiled:
    """The whole step as one graph, compiled by torch.compile when it is first called.

    What is traced does not look at numbers and is called with tensors of the same shapes for ever:
    there is nothing to guard.

    Args:
        program: changes a state in place.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._run: Callable[..., Tensor] | None = None

    def __call__(self, state: State, batch: Batch) -> Tensor:
        """Run the program.

        Args:
            state: changed in place.
            batch: of the shapes of the first call.

        Returns:
            What the program returns.
        """
        if self._run is not None:
            return self._run(*state.tensors(), *batch)
        run = self._compile(state, batch)
        with warnings.catch_warnings():
            # What torch's compiler deprecates of torch is nothing that a user could change.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            result = run(*state.tensors(), *batch)
        self._run = run
        return result

    def _compile(self, state: State, batch: Batch) -> Callable[..., Tensor]:
        options: dict[str, object] = {"guard_filter_fn": _no_guards}
        if state.generator.device.type == "cpu":
            # The calls of the kernels in C++ too: in Python they are a third of a small step.
            options["cpp_wrapper"] = True
        compiled: Callable[..., Tensor] = torch.compile(
            traced(self._program, state, batch),
            fullgraph=True,
            dynamic=False,
            options=options,  # type: ignore[arg-type]  # a function is a value too
        )
        return compiled


def traced(program: Program, state: State, batch: Batch) -> GraphModule:
    """Every operation of a program, gradients included, as one graph of a list of tensors.

    Args:
        program: changes a state in place.
        state: read for its shapes alone, as is the batch.
        batch: of one step.

    Returns:
        A function of ``(*state.tensors(), *batch)`` that does what the program does.
    """
    from torch.fx.experimental.proxy_tensor import make_fx  # brings SymPy: half a second

    tensors = state.tensors()

    def of_tensors(*arguments: Tensor) -> Tensor:
        states, batches = arguments[: len(tensors)], arguments[len(tensors) :]
        return program(state.of(states), Batch(*batches))

    forms = FORMS_ON_CPU if state.generator.device.type == "cpu" else {}
    # On stand-ins without data: tracing neither computes nor changes anything.
    record = make_fx(of_tensors, decomposition_table=forms, tracing_mode="fake")
    return without_zeros(record(*tensors, *batch))


def _no_guards(guards: Sequence[object]) -> list[bool]:
    """Keep none of torch.compile's guards."""
    return [False] * len(guards)


class Captured:
    """The compiled step as a CUDA graph: one launch, whatever the step consists of.

    A graph works on the memory that it was captured with. The state's is changed in place for ever;
    a batch is copied in, and the result out.

    Args:
        program: changes a state in place.
    """

    WARM_UP = 3

    def __init__(self, program: Program) -> None:
        self._program = Compiled(program)
        self._state: State | None = None

    def __call__(self, state: State, batch: Batch) -> Tensor:
        """Run the program.

        Args:
            state: changed in place; another one than the last call's is captured anew.
            batch: of the shapes of the first call.

        Returns:
            What the program returns.
        """
        if self._state is not state:
            self._capture(state, batch)
        for mine, new in zip(self._batch, batch, strict=True):
            mine.copy_(new)
        self._graph.replay()
        return self._result.clone()

    def _capture(self, state: State, batch: Batch) -> None:
        """Record the program on a state, which is as before afterwards."""
        self._batch = Batch(*(tensor.clone() for tensor in batch))
        before = [tensor.clone() for tensor in state.tensors()]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(self.WARM_UP):
                self._program(state, self._batch)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._result = self._program(state, self._batch)
        for tensor, value in zip(state.tensors(), before, strict=True):
            tensor.copy_(value)
        self._state = state


def check_mode(name: str, device: str, processes: int) -> None:
    """Raise UsageError unless this machine can execute a mode.

    Args:
        name: of MODES.
        device: of the run.
        processes: that train the run together.

    Raises:
        UsageError: another kind of device is needed, or a compiler, or one process.
    """
    needed = MODES[name].device
    if needed and not device.startswith(needed):
        raise UsageError(f"mode {name} needs a {needed} device, not {device}", field="mode")
    if name == "eager":
        return
    if processes > 1:
        raise UsageError(f"a run over several processes is eager: mode is {name}", field="mode")
    if device == "cpu" and not any(map(shutil.which, ("g++", "c++", "clang++"))):
        raise UsageError(
            f"mode {name} needs a C++ compiler: none of g++, c++, clang++ is on the PATH",
            field="mode",
        )


MODES: dict[str, Mode] = {
    "eager": Mode(eager),
    "compile": Mode(Compiled),
    "cudagraph": Mode(Captured, device="cuda"),
}
