"""A function of one tensor, recorded once and repeated without what torch.func does around it.

Differentiating under vmap takes ten times as long as the arithmetic that it leads to, and an
iteration repeats the same arithmetic. make_fx records it too, but along with every operation's meta
data, which takes as long as hundreds of iterations.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

Function = Callable[[Tensor], Tensor]

_OF_SHAPE = {getattr(torch.ops.aten, f"{name}_like").default for name in ("zeros", "ones", "full")}
"""Operations that see their argument's shape alone."""


def record(function: Function, example: Tensor) -> Function:
    """The function as a list of torch's operations; what does not depend on its argument is done.

    The operations and their order are the function's own, so its values are the same to the bit.

    Args:
        function: of a tensor; what it does may depend on the tensor's shape, not on its values.
        example: any argument of that shape, dtype and device.

    Returns:
        The function for such arguments, without derivatives.

    Raises:
        NotImplementedError: it draws random numbers, reads a number out of a tensor, leaves torch
            for numpy, or changes in place what does not depend on its argument.

    >>> slope = record(torch.func.grad(lambda x: (x**3).sum()), torch.ones(2))
    >>> slope(torch.tensor([1.0, 2.0])).tolist()
    [3.0, 12.0]
    """
    recorder = _Recorder(example)
    with recorder:
        result = function(example)
    recorder.graph.output(recorder.node_of(result))
    # Backpropagation keeps what it does not need, and nobody wants the objective's own value.
    recorder.graph.eliminate_dead_code()
    forward: Function = GraphModule(recorder.constants, recorder.graph).forward
    return forward


class _Recorder(TorchDispatchMode):
    """Builds the graph of all operations on what depends on one tensor.

    Args:
        argument: the tensor.
    """

    def __init__(self, argument: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.graph = Graph()
        self.constants: dict[str, Tensor] = {}
        self.nodes = {id(argument): self.graph.placeholder("argument")}
        # As long as these live, no other tensor has their id, nor their memory.
        self.alive = [argument]
        self.memory = {argument.untyped_storage().data_ptr()}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do an operation, and note it if it has to be done again."""
        given = (tuple(args), dict(kwargs or {}))
        tensors = [value for value in tree_leaves(given) if isinstance(value, Tensor)]
        self._check(func, tensors)
        result = func(*given[0], **given[1])
        depends = any(id(tensor) in self.nodes for tensor in tensors)
        if depends and func not in _OF_SHAPE:
            self._note(result, self.graph.call_function(func, *tree_map(self.node_of, given)))
        return result

    def node_of(self, value: Any) -> Any:
        """What stands in the graph for a value: what computes it, a constant, or itself."""
        if not isinstance(value, Tensor) or id(value) in self.nodes:
            return self.nodes.get(id(value), value)
        name = f"constant{len(self.constants)}"
        self.constants[name] = value.detach()
        return self.graph.get_attr(name)

    def _note(self, result: Tensor | Sequence[Tensor], node: Node) -> None:
        """Let a node stand for a result, or others for its parts."""
        if isinstance(result, Tensor):
            self.nodes[id(result)] = node
            self.alive.append(result)
            self.memory.add(result.untyped_storage().data_ptr())
            return
        for place, part in enumerate(result):
            self._note(part, self.graph.call_function(operator.getitem, (node, place)))

    def _check(self, func: Any, tensors: Sequence[Tensor]) -> None:
        """Raise NotImplementedError at what a graph would repeat wrongly."""
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise NotImplementedError(f"{func} draws random numbers: that can't be recorded")
        if torch.Tag.data_dependent_output in func.tags:
            raise NotImplementedError(f"{func} reads a number: that can't be recorded")
        known = [id(tensor) in self.nodes for tensor in tensors]
        if func._schema.is_mutable and not known[0]:
            raise NotImplementedError(f"{func} changes a constant: that can't be recorded")
        memory = [tensor.untyped_storage().data_ptr() for tensor in tensors]
        if any(m in self.memory and not k for m, k in zip(memory, known, strict=True)):
            raise NotImplementedError(f"{func} takes what left torch: that can't be recorded")
