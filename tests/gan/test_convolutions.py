"""Convolutions in a recorded step: the library's numbers, as products where they are faster."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from gan.convolutions import THIN, Windows, added, patches
from gan.modes import FORMS_ON_CPU

aten = torch.ops.aten
SHAPES = st.fixed_dictionaries(
    {
        "n": st.integers(1, 3),
        "channels": st.tuples(st.integers(1, 6), st.integers(1, 6)),
        "counts": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "blocks": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "padding": st.tuples(st.integers(0, 1), st.integers(0, 1)),
        "transposed": st.booleans(),
        "bias": st.booleans(),
    }
)


def numbers(*shape: int) -> Tensor:
    """Random numbers in float64."""
    return torch.randn(shape, dtype=torch.float64)


def recorded(function: Any, *arguments: Any) -> Any:
    """The graph of a call with the forms of a CPU."""
    return make_fx(function, decomposition_table=FORMS_ON_CPU, tracing_mode="fake")(*arguments)


def operations(graph: Any) -> set[str]:
    """What it computes with."""
    return {node.target.__name__ for node in graph.graph.nodes if node.op == "call_function"}


def arguments_of(
    n: int,
    channels: tuple[int, int],
    counts: tuple[int, int],
    stride: tuple[int, int],
    blocks: tuple[int, int],
    padding: tuple[int, int],
    transposed: bool,  # noqa: FBT001  # drawn
    bias: bool,  # noqa: FBT001  # drawn
) -> tuple[tuple[Tensor, ...], tuple[Any, ...]]:
    """Tensors and settings of a convolution whose windows tile its image."""
    kernel = [s * b for s, b in zip(stride, blocks, strict=True)]
    image = [
        (c - 1) * s + k - 2 * p for c, s, k, p in zip(counts, stride, kernel, padding, strict=True)
    ]
    assume(min(image) > 0)
    sides = counts if transposed else image
    x = numbers(n, channels[0], *sides)
    weight = numbers(*(channels if transposed else channels[::-1]), *kernel)
    tensors = (x, weight, *([numbers(channels[1])] if bias else []))
    return tensors, (list(stride), list(padding), [1, 1], transposed, [0, 0], 1)


@settings(max_examples=60)
@given(SHAPES)
def test_the_same_numbers_and_gradients(shape: dict[str, Any]) -> None:
    """Of every shape, forwards, backwards and backwards again, with a bias or without."""
    tensors, rest = arguments_of(**shape)

    def all_of_it(*leaves: Tensor) -> tuple[Tensor, ...]:
        x, weight, *bias = (leaf.detach().requires_grad_() for leaf in leaves)
        y = aten.convolution(x, weight, bias[0] if bias else None, *rest)
        first = torch.autograd.grad((y**3).sum(), [x, weight, *bias], create_graph=True)
        slope = torch.stack([g.square().sum() for g in first]).sum()
        return (y, *first, *torch.autograd.grad(slope, [x, weight]))

    expected = all_of_it(*tensors)
    torch.testing.assert_close(recorded(all_of_it, *tensors)(*tensors), expected)


@given(SHAPES)
def test_added_is_the_adjoint_of_patches(shape: dict[str, Any]) -> None:
    """⟨patches(x), y⟩ = ⟨x, added(y)⟩."""
    windows = Windows(
        tuple(s * b for s, b in zip(shape["stride"], shape["blocks"], strict=True)),
        shape["stride"],
        (0, 0),
    )
    image = (shape["n"], shape["channels"][0], *windows.image(shape["counts"]))
    assert windows.places(image[2:]) == shape["counts"]
    x = numbers(*image)
    seen = patches(x, windows)
    y = torch.randn_like(seen)
    torch.testing.assert_close((seen * y).sum(), (x * added(y, image, windows)).sum())


@pytest.mark.parametrize(
    ("x", "weight", "stride", "padding", "transposed", "forwards", "backwards"),
    [
        ((2, 1, 8, 8), (64, 1, 4, 4), 2, 1, False, True, True),  # an image of one channel
        ((2, 64, 4, 4), (1, 64, 4, 4), 1, 0, False, True, True),  # a kernel as large as the image
        ((2, 100, 1, 1), (100, 64, 4, 4), 1, 0, True, True, True),  # an image from one pixel
        ((2, 64, 4, 4), (64, 1, 4, 4), 2, 1, True, True, True),  # to one channel
        ((2, 64, 4, 4), (64, THIN, 4, 4), 2, 1, True, True, False),  # to a few
        ((2, 64, 14, 14), (128, 64, 4, 4), 2, 1, False, False, False),  # many channels
        ((2, 128, 7, 7), (128, 64, 4, 4), 2, 1, True, False, False),
        ((2, 1, 8, 8), (64, 1, 3, 3), 2, 1, False, False, False),  # strides that divide no kernel
        ((2, 1, 9, 9), (64, 1, 4, 4), 2, 1, False, False, False),  # windows end before the image
    ],
)
def test_the_form_follows_the_shape(
    x: tuple[int, ...],
    weight: tuple[int, ...],
    stride: int,
    padding: int,
    transposed: bool,  # noqa: FBT001  # as aten has it
    forwards: bool,  # noqa: FBT001  # by products
    backwards: bool,  # noqa: FBT001  # by products
) -> None:
    """Thin convolutions and whole kernels are products; the others are the library's."""
    rest = ([stride] * 2, [padding] * 2, [1, 1], transposed, [0, 0], 1)
    tensors = numbers(*x), numbers(*weight)
    gradient = aten.convolution(*tensors, None, *rest)

    def forward(x: Tensor, weight: Tensor) -> Any:
        return aten.convolution(x, weight, None, *rest)

    def backward(gradient: Tensor, x: Tensor, weight: Tensor) -> Any:
        found = aten.convolution_backward(gradient, x, weight, None, *rest, [True, True, False])
        return found[:2]

    used = operations(recorded(forward, *tensors))
    assert ("mm.default" in used) is forwards
    assert ("convolution.default" in used) is not forwards
    used = operations(recorded(backward, gradient, *tensors))
    assert ("mm.default" in used) is backwards
    assert ("convolution_backward.default" in used) is not backwards


@pytest.mark.parametrize(
    ("x", "weight", "rest"),
    [
        ((2, 4, 9, 9), (4, 1, 3, 3), ([3, 3], [0, 0], [1, 1], False, [0, 0], 4)),  # groups
        ((2, 1, 9, 9), (4, 1, 3, 3), ([3, 3], [0, 0], [2, 2], False, [0, 0], 1)),  # dilated
        ((2, 4, 3, 3), (4, 1, 2, 2), ([2, 2], [0, 0], [1, 1], True, [1, 1], 1)),  # padded after
        ((2, 1, 9), (4, 1, 3), ([3], [0], [1], False, [0], 1)),  # of lines, not images
    ],
)
def test_other_convolutions_are_the_librarys(
    x: tuple[int, ...], weight: tuple[int, ...], rest: tuple[Any, ...]
) -> None:
    """Forwards and backwards."""

    def run(x: Tensor, weight: Tensor) -> Any:
        y = aten.convolution(x, weight, None, *rest)
        return aten.convolution_backward(y, x, weight, None, *rest, [True, True, False])

    used = operations(recorded(run, numbers(*x), numbers(*weight)))
    assert {"convolution.default", "convolution_backward.default"} <= used


def test_what_is_not_asked_for_is_none() -> None:
    """A generator's z has no gradient, a layer without a bias none of it."""
    x, weight, gradient = numbers(2, 3, 1, 1), numbers(3, 5, 4, 4), numbers(2, 5, 4, 4)
    rest = ([1, 1], [0, 0], [1, 1], True, [0, 0], 1)

    def run(*tensors: Tensor) -> Any:
        masks = ([False, True, False], [True, False, True])
        return [aten.convolution_backward(*tensors, [5], *rest, mask) for mask in masks]

    found = recorded(run, gradient, x, weight)(gradient, x, weight)
    assert [[part is None for part in one] for one in found] == [
        [True, False, True],
        [False, True, False],
    ]
