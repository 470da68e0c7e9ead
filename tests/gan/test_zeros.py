"""Terms that are 0 by construction: gone from a recorded step, and nothing else is."""

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.functional import leaky_relu

from gan import modes
from gan.run import Run
from gan.trainer import Trainer
from gan.zeros import without_zeros

WEIGHTS = torch.arange(6.0, dtype=torch.float64).reshape(2, 3) - 2


def recorded(function: Callable[..., Tensor], *arguments: Tensor) -> GraphModule:
    """A call as a graph."""
    return make_fx(function, tracing_mode="fake")(*arguments)


def operations(graph: GraphModule) -> Counter[str]:
    """What it computes with."""
    return Counter(
        getattr(node.target, "__name__", "").partition(".")[0]
        for node in graph.graph.nodes
        if node.op == "call_function"
    )


def slope_of(x: Tensor, weights: Tensor) -> Tensor:
    """The gradient by the weights of a squared input gradient: a penalty's double backward."""
    weights = weights.detach().requires_grad_()
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(
        leaky_relu(x @ weights, 0.2).square().sum(), x, create_graph=True
    )
    (found,) = torch.autograd.grad(slope.square().sum(), weights)
    return found


def test_the_same_gradient_with_less() -> None:
    """Of a penalty, whose double backward meets the slope's own derivative."""
    x = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    plain = recorded(slope_of, x, WEIGHTS)
    before = operations(plain)
    after = operations(without_zeros(plain))
    torch.testing.assert_close(plain(x, WEIGHTS), slope_of(x, WEIGHTS))
    assert before["zeros_like"] >= 1
    assert "zeros_like" not in after
    assert after["add"] < before["add"]


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (lambda x: x + torch.zeros_like(x) @ x, 0),
        (lambda x: torch.zeros_like(x) * 2 + x, 0),
        # A sum that broadcasts, one in another dtype and one of no zeros stay.
        (lambda x: x[0] + torch.zeros_like(x), 1),
        (lambda x: x.float() + torch.zeros_like(x), 1),
        (lambda x: x + torch.zeros_like(x).exp(), 1),
        (lambda x: torch.zeros_like(x) + torch.zeros_like(x), 0),
        # Zeros that are written to are none.
        (lambda x: x + torch.zeros_like(x).add_(1), 2),
        # Nor may a sum be its term where either is written to later.
        (lambda x: (x + torch.zeros_like(x)).mul_(2), 1),
        (lambda x: (x.exp() + torch.zeros_like(x)).mul_(2), 1),
    ],
)
def test_what_is_added_is_told_from_zeros(function: Callable[[Tensor], Tensor], left: int) -> None:
    """The numbers stay, whatever is left out; only true zeros are."""
    x = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    graph = without_zeros(recorded(function, x))
    torch.testing.assert_close(graph(x), function(x))
    found = operations(graph)
    assert found["add"] + found["add_"] == left


def test_a_penalty_costs_no_products_of_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """R1 on two hidden layers: zeros go back through one and to two layers' weights."""

    def products() -> int:
        trainer = Trainer(Run(data="ring", batch_size=4, penalty="r1"))
        return operations(modes.traced(trainer._step, trainer.state, trainer.draw()))["mm"]

    without = products()
    monkeypatch.setattr(modes, "without_zeros", lambda graph: graph)
    assert products() - without == 3
