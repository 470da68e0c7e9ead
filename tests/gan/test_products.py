"""Products in a recorded step: the same numbers, in the form that was asked for."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from gan.products import ON_CPU, THIN

SIDES = st.integers(1, THIN + 4)


def recorded(function: Any, *arguments: Tensor) -> Any:
    """The graph of a call with the forms of a CPU."""
    return make_fx(function, decomposition_table=ON_CPU, tracing_mode="fake")(*arguments)


def operations(graph: Any) -> list[str]:
    """What it computes with."""
    return [node.target.__name__ for node in graph.graph.nodes if node.op == "call_function"]


def numbers(*shape: int) -> Tensor:
    """Random numbers in float64."""
    return torch.randn(shape, dtype=torch.float64)


@given(SIDES, SIDES, SIDES)
def test_the_same_numbers(m: int, k: int, n: int) -> None:
    """Of every shape, with a bias and its factors or without."""
    a, b, bias = numbers(m, k), numbers(k, n), numbers(n)
    torch.testing.assert_close(recorded(torch.mm, a, b)(a, b), a @ b)

    def scaled(bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return torch.addmm(bias, a, b, beta=0.5, alpha=-2)

    expected = 0.5 * bias - 2 * a @ b
    torch.testing.assert_close(recorded(scaled, bias, a, b)(bias, a, b), expected)


@pytest.mark.parametrize(
    ("m", "k", "n", "expected"),
    [
        (64, 128, 2, ["t.default", "t.default", "mm.default", "t.default"]),
        (64, 128, THIN + 1, ["mm.default"]),
        (2, 128, 2, ["mm.default"]),
        (2, 64, 128, ["mm.default"]),
        (64, 1, 128, ["mul.Tensor"]),
    ],
)
def test_the_form_follows_the_shape(m: int, k: int, n: int, expected: list[str]) -> None:
    """Thin results are computed as their transposes, outer products as products of numbers."""
    assert operations(recorded(torch.mm, numbers(m, k), numbers(k, n))) == expected


def test_a_bias_is_added_by_itself() -> None:
    """Apart from the product, where the activation after it can take it up."""
    graph = recorded(torch.addmm, numbers(8), numbers(4, 8), numbers(8, 8))
    assert "addmm.default" not in operations(graph)
    assert operations(graph)[-1] == "add.Tensor"
