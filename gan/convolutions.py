"""ON_CPU: a recorded step's convolutions that a CPU's library computes slowly, as matrix products.

A convolution is a product of the patches under its windows with its kernels; what is transposed
adds such products up again. Libraries are fast where there are many channels. With the one channel
of an image, or a kernel as large as the image, plain products take half to a ninth of the time:
docs/performance.md.

Reference:
    Chellapilla, Puri & Simard 2006, "High performance convolutional neural networks for document
    processing", section 3.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import product
from operator import add
from types import NotImplementedType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.nn.functional import pad

THIN = 4
"""Up to so many channels, on either side, products are faster."""

THIN_BACKWARD_OF_TRANSPOSED = 1
"""The library's gradient of a transposed convolution is that of a convolution, its best case."""

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


class Settings(NamedTuple):
    """Of a convolution, in aten's order.

    Args:
        stride: of the windows.
        padding: of the image.
        dilation: of the kernel.
        transposed: the operand is what windows hold, the result the image.
        output_padding: of a transposed one.
        groups: of channels.
    """

    stride: Sequence[int]
    padding: Sequence[int]
    dilation: Sequence[int]
    transposed: bool
    output_padding: Sequence[int]
    groups: int


class Windows(NamedTuple):
    """Where a kernel lies on an image.

    Args:
        kernel: height and width.
        stride: from one window to the next.
        padding: zeros around the image.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def places(self, sides: Sequence[int]) -> tuple[int, int]:
        """How many there are, down and across.

        Args:
            sides: of the image.
        """
        down, across = (
            (side + 2 * padding - kernel) // stride + 1
            for side, kernel, stride, padding in zip(sides, *self, strict=True)
        )
        return down, across

    def image(self, counts: Sequence[int]) -> tuple[int, int]:
        """The sides of the image that so many windows tile: what a transposed convolution makes.

        Args:
            counts: down and across.
        """
        height, width = (
            (count - 1) * stride - 2 * padding + kernel
            for count, kernel, stride, padding in zip(counts, *self, strict=True)
        )
        return height, width

    def cover(self, sides: Sequence[int]) -> bool:
        """Whether there is one window alone, the whole image."""
        padded = (side + 2 * padding for side, padding in zip(sides, self.padding, strict=True))
        return self.kernel == tuple(padded)

    def tile(self, sides: Sequence[int]) -> bool:
        """Whether strides divide kernels and the last window ends where the image does."""
        return all(
            kernel % stride == 0 and (side + 2 * padding - kernel) % stride == 0
            for side, kernel, stride, padding in zip(sides, *self, strict=True)
        )


def patches(images: Tensor, windows: Windows) -> Tensor:
    """What lies under each window.

    Args:
        images: (N, C, H, W).
        windows: on them.

    Returns:
        (N · windows, C · kernel), image by image, row by row.
    """
    (height, width), (down, across) = windows.padding, windows.stride
    padded = pad(images, (width, width, height, height))
    seen = padded.unfold(2, windows.kernel[0], down).unfold(3, windows.kernel[1], across)
    return seen.permute(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1] * seen.shape[4:].numel())


def added(products: Tensor, shape: Sequence[int], windows: Windows) -> Tensor:
    """Images as sums of what each window holds: the adjoint of ``patches``.

    Args:
        products: (N · windows, C · kernel).
        shape: (N, C, H, W).
        windows: that tile such images.

    Returns:
        (N, C, H, W).
    """
    n, channels, *sides = shape
    if windows.cover(sides):  # nothing overlaps
        sums = products.reshape(n, channels, *windows.kernel)
    else:
        sums = _overlapping(products, n, channels, windows.places(sides), windows)
    (top, left), (height, width) = windows.padding, sides
    return sums[:, :, top : top + height, left : left + width]


def _overlapping(
    products: Tensor, n: int, channels: int, places: tuple[int, int], windows: Windows
) -> Tensor:
    """(N, C, …): sums of windows at so many places, padding included."""
    down, across = places
    (over_y, every_y), (over_x, every_x) = (
        (kernel // stride, stride)
        for kernel, stride in zip(windows.kernel, windows.stride, strict=True)
    )
    # A kernel is over_y × over_x blocks of one stride; each lies on another window's neighbour.
    blocks = products.reshape(n, down, across, channels, over_y, every_y, over_x, every_x)
    blocks = blocks.permute(4, 6, 0, 3, 1, 5, 2, 7)
    total = reduce(
        add,
        (
            pad(blocks[y, x], (0, 0, x, over_x - 1 - x, 0, 0, y, over_y - 1 - y))
            for y, x in product(range(over_y), range(over_x))
        ),
    )
    return total.reshape(n, channels, (down + over_y - 1) * every_y, -1)


def rows(images: Tensor) -> Tensor:
    """(N, C, H, W) -> (N · H · W, C)."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def images_of(table: Tensor, n: int, sides: tuple[int, int]) -> Tensor:
    """(N · H · W, C) -> (N, C, H, W): the inverse of ``rows``."""
    return table.reshape(n, *sides, -1).permute(0, 3, 1, 2)


def convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any
) -> Tensor | NotImplementedType:
    """aten.convolution.

    Args:
        x: (N, C, H, W).
        weight: (outputs, C, …), or (C, outputs, …) if transposed.
        bias: (outputs,), or None.
        rest: Settings.

    Returns:
        (N, outputs, …), or NotImplemented where the library is better.
    """
    of = Settings(*rest)
    found = _windows(x, weight, of, THIN)
    if found is None:
        return NotImplemented  # type: ignore[no-any-return]  # mypy takes it for Any
    windows, sides = found
    kernels = weight.flatten(1)
    if of.transposed:
        y = added(rows(x) @ kernels, (len(x), weight.shape[1], *sides), windows)
    else:
        y = images_of(patches(x, windows) @ kernels.t(), len(x), windows.places(sides))
    return y if bias is None else y + bias[:, None, None]


def convolution_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, _bias_sizes: Sequence[int] | None, *rest: Any
) -> Gradients | NotImplementedType:
    """aten.convolution_backward.

    Args:
        gradient: of ``convolution``'s result.
        x: (N, C, H, W).
        weight: (outputs, C, …), or (C, outputs, …) if transposed.
        rest: Settings, and whether the gradients of x, weight and bias are asked for.

    Returns:
        These, None for those that are not, or NotImplemented where the library is better.
    """
    *settings, (asks_x, asks_weight, asks_bias) = rest
    of = Settings(*settings)
    found = _windows(x, weight, of, THIN_BACKWARD_OF_TRANSPOSED if of.transposed else THIN)
    if found is None:
        return NotImplemented  # type: ignore[no-any-return]  # as above
    windows, sides = found
    image, held = (gradient, rows(x)) if of.transposed else (x, rows(gradient))
    seen, kernels = patches(image, windows), weight.flatten(1)
    of_x = None
    if asks_x and of.transposed:
        of_x = images_of(seen @ kernels.t(), len(x), windows.places(sides))
    elif asks_x:
        of_x = added(held @ kernels, x.shape, windows)
    of_weight = (held.t() @ seen).view_as(weight) if asks_weight else None
    return of_x, of_weight, gradient.sum((0, 2, 3)) if asks_bias else None


def _windows(
    x: Tensor, weight: Tensor, of: Settings, thin: int
) -> tuple[Windows, Sequence[int]] | None:
    """Those of a convolution and the sides of their image; None where products are not better."""
    if x.dim() != 4 or of.groups != 1 or any(of.output_padding) or set(of.dilation) != {1}:
        return None
    kernel, strides, paddings = (
        (int(pair[0]), int(pair[-1])) for pair in (weight.shape[2:], of.stride, of.padding)
    )
    windows = Windows(kernel, strides, paddings)
    sides = windows.image(x.shape[2:]) if of.transposed else x.shape[2:]
    is_thin = min(weight.shape[:2]) <= thin and windows.tile(sides)
    return (windows, sides) if is_thin or windows.cover(sides) else None


ON_CPU: Mapping[OpOverload, Callable[..., Tensor | Gradients | NotImplementedType]] = {
    torch.ops.aten.convolution.default: convolution,
    torch.ops.aten.convolution_backward.default: convolution_backward,
}
"""By the operation that is recorded otherwise."""
