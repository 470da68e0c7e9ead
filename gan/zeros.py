"""Zeros that autograd computes with, taken out of a recorded step.

The slope of a leaky ReLU does not change with its input. PyTorch's derivative of that slope is not
"none" but a tensor of zeros, which the double backward of a gradient penalty multiplies through
the whole discriminator.
"""

import operator
from collections.abc import Mapping

import torch
from torch._ops import OpOverload
from torch.fx import GraphModule, Node

aten = torch.ops.aten

LINEAR: Mapping[object, tuple[int, ...]] = {
    aten.mm.default: (0, 1),
    aten.bmm.default: (0, 1),
    aten.mul.Tensor: (0, 1),
    aten.leaky_relu_backward.default: (0,),
    aten.threshold_backward.default: (0,),
    aten.tanh_backward.default: (0,),
    aten.convolution_backward.default: (0,),
    operator.getitem: (0,),
    **dict.fromkeys(
        (
            aten.neg.default,
            aten.div.Tensor,
            aten.sum.dim_IntList,
            aten.t.default,
            aten.transpose.int,
            aten.permute.default,
            aten.view.default,
            aten._unsafe_view.default,
            aten.expand.default,
            aten.unsqueeze.default,
            aten.squeeze.dim,
            aten.detach.default,
        ),
        (0,),
    ),
}
"""Operations by the arguments of which one that is 0 makes the result 0."""

ZEROS = {aten.zeros_like.default, aten.zeros.default, aten.new_zeros.default}


def without_zeros(graph: GraphModule) -> GraphModule:
    """Leave out what is 0 whatever it is computed from.

    Where a factor of such a product is not finite, the result is as if it were: 0, not nan.

    Args:
        graph: of aten's operations.

    Returns:
        The same graph, changed.
    """
    zeros: set[Node] = set()
    for node in graph.graph.nodes:
        if _is_zero(node, zeros):
            zeros.add(node)
    for node in graph.graph.nodes:
        if node.target is aten.add.Tensor and node not in zeros:
            _leave_out(node, zeros)
    for node in zeros:
        if node.target not in ZEROS and not node.users.keys() <= zeros:
            _write_out(node)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _is_zero(node: Node, zeros: set[Node]) -> bool:
    """Whether a node's value is 0 throughout, and stays it."""
    if node.op != "call_function" or _is_changed(node):
        return False
    if node.target is aten.add.Tensor:
        return all(term in zeros for term in node.args)
    return node.target in ZEROS or any(
        node.args[index] in zeros for index in LINEAR.get(node.target, ())
    )


def _leave_out(node: Node, zeros: set[Node]) -> None:
    """Put one term of a sum in its place, if the other is 0."""
    for term, other in (node.args[:2], node.args[1::-1]):
        if (
            other in zeros
            and isinstance(term, Node)
            and not _is_changed(term)
            and not _is_changed(node)
            and term.meta["val"].shape == node.meta["val"].shape
            and term.meta["val"].dtype == node.meta["val"].dtype
        ):
            node.replace_all_uses_with(term)
            return


def _write_out(node: Node) -> None:
    """Put plain zeros in the place of those that are computed."""
    value = node.meta["val"]
    with node.graph.inserting_after(node):
        plain = node.graph.call_function(
            aten.zeros.default, (list(value.shape),), {"dtype": value.dtype, "device": value.device}
        )
    plain.meta["val"] = value
    node.replace_all_uses_with(plain)


def _is_changed(node: Node) -> bool:
    """Whether something later writes to a node's memory."""
    return any(
        isinstance(user.target, OpOverload)
        and user.target._schema.is_mutable
        and user.args[0] is node
        for user in node.users
    )
