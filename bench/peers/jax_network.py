"""A sequential module of torch as a pure function in JAX.

Weights are laid out as JAX's users lay them out: (inputs, outputs) of a linear layer, and images
and kernels of convolutions channels last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray
from torch import nn

from gan.errors import UsageError
from gan.models.model import Logit

Weights = tuple[Array, ...]
Apply = Callable[[Weights, Array], Array]
IMAGES = ("NHWC", "HWIO", "NHWC")


@dataclass(frozen=True)
class Layer:
    """How one kind of module is written in JAX.

    Args:
        apply: module -> ``(weights, x) -> y``.
        axes: those of the kernel in JAX's order, as places in torch's.
        turned: the kernel is turned by 180°: a transposed convolution is written as a convolution.
    """

    apply: Callable[[Any], Apply]
    axes: tuple[int, ...] = ()
    turned: bool = False

    def arranged(self, weight: NDArray[Any]) -> NDArray[Any]:
        """A weight of torch's in JAX's layout; a vector has only one."""
        if weight.ndim == 1:
            return weight
        kernel = weight.transpose(self.axes)
        return kernel[::-1, ::-1] if self.turned else kernel

    def restored(self, weight: NDArray[Any]) -> NDArray[Any]:
        """The inverse of ``arranged``."""
        if weight.ndim == 1:
            return weight
        kernel = weight[::-1, ::-1] if self.turned else weight
        return kernel.transpose(np.argsort(self.axes))


class JaxNetwork:
    """A network as a pure function of its weights.

    Args:
        module: a sequential module of the kinds in LAYERS.

    Raises:
        UsageError: it has a layer of another kind.
    """

    def __init__(self, module: nn.Module) -> None:
        self._modules = list(module.children())
        self._layers = [_layer(child) for child in self._modules]
        self._applies = [
            layer.apply(child) for layer, child in zip(self._layers, self._modules, strict=True)
        ]

    @property
    def convolves(self) -> bool:
        """Whether its images are channels last."""
        return any(isinstance(child, nn.Conv2d | nn.ConvTranspose2d) for child in self._modules)

    def __call__(self, weights: Sequence[Weights], x: Array) -> Array:
        """Run the network.

        Args:
            weights: of each layer.
            x: (N, …).

        Returns:
            (N, …).
        """
        for apply, own in zip(self._applies, weights, strict=True):
            x = apply(own, x)
        return x

    def weights(self, theta: NDArray[Any]) -> list[Weights]:
        """The suite's vector as weights of the layers.

        Args:
            theta: (n,).

        Returns:
            Of each layer its own, in JAX's layout; arrays that share no memory with θ.
        """
        pieces = self._pieces(theta)
        return [
            tuple(jnp.array(layer.arranged(next(pieces))) for _ in child.parameters())
            for layer, child in zip(self._layers, self._modules, strict=True)
        ]

    def _pieces(self, theta: NDArray[Any]) -> Iterator[NDArray[Any]]:
        place = 0
        for child in self._modules:
            for parameter in child.parameters():
                piece = theta[place : place + parameter.numel()]
                place += parameter.numel()
                yield piece.reshape(tuple(parameter.shape))

    def theta(self, weights: Sequence[Weights]) -> NDArray[Any]:
        """The inverse of ``weights``.

        Args:
            weights: of each layer.

        Returns:
            (n,).
        """
        pieces = [
            layer.restored(np.asarray(weight)).ravel()
            for layer, own in zip(self._layers, weights, strict=True)
            for weight in own
        ]
        return np.concatenate(pieces)


def _layer(module: nn.Module) -> Layer:
    """How a module is written in JAX; of a subclass as of its class."""
    for kind, layer in LAYERS.items():
        if isinstance(module, kind):
            return layer
    raise UsageError(f"JAX's step has no layer {type(module).__name__}")


def _plus_bias(y: Array, weights: Weights) -> Array:
    return y + weights[1] if len(weights) == 2 else y


def _linear(_module: nn.Linear) -> Apply:
    return lambda weights, x: _plus_bias(x @ weights[0], weights)


def _conv(module: nn.Conv2d) -> Apply:
    stride, padding = module.stride, [(int(p), int(p)) for p in module.padding]

    def apply(weights: Weights, x: Array) -> Array:
        y = lax.conv_general_dilated(x, weights[0], stride, padding, dimension_numbers=IMAGES)
        return _plus_bias(y, weights)

    return apply


def _conv_transpose(module: nn.ConvTranspose2d) -> Apply:
    stride, taken = module.stride, [int(p) for p in module.padding]
    widths = [size - 1 - p for size, p in zip(module.kernel_size, taken, strict=True)]
    padding = [(width, width) for width in widths]

    def apply(weights: Weights, x: Array) -> Array:
        y = lax.conv_transpose(x, weights[0], stride, padding, dimension_numbers=IMAGES)
        return _plus_bias(y, weights)

    return apply


def _normalised(axes: tuple[int, ...], epsilon: float) -> Apply:
    """Normalisation over these axes of (N, H, W, C), with a gain and a shift for each channel."""

    def apply(weights: Weights, x: Array) -> Array:
        mean = x.mean(axes, keepdims=True)
        variance = x.var(axes, keepdims=True)
        return (x - mean) * (lax.rsqrt(variance + epsilon) * weights[0]) + weights[1]

    return apply


def _unflatten(module: nn.Unflatten) -> Apply:
    shape = tuple(int(size) for size in module.unflattened_size)
    if shape[1:] == (1, 1):  # what a transposed convolution begins from: channels last
        return lambda _weights, x: x.reshape(x.shape[0], *shape[1:], shape[0])
    return lambda _weights, x: x.reshape(x.shape[0], *shape)


def _plain(function: Callable[[Array], Array]) -> Layer:
    """A layer without weights."""
    return Layer(lambda _module: lambda _weights, x: function(x))


LAYERS: Mapping[type[nn.Module], Layer] = {
    nn.Linear: Layer(_linear, axes=(1, 0)),
    nn.Conv2d: Layer(_conv, axes=(2, 3, 1, 0)),
    nn.ConvTranspose2d: Layer(_conv_transpose, axes=(2, 3, 0, 1), turned=True),
    nn.BatchNorm2d: Layer(lambda module: _normalised((0, 1, 2), module.eps)),
    nn.GroupNorm: Layer(lambda module: _normalised((1, 2, 3), module.eps)),
    nn.LeakyReLU: Layer(
        lambda module: lambda _weights, x: jax.nn.leaky_relu(x, module.negative_slope)
    ),
    nn.ReLU: _plain(jax.nn.relu),
    nn.Tanh: _plain(jnp.tanh),
    nn.Flatten: _plain(lambda x: x.reshape(x.shape[0], -1)),
    nn.Unflatten: Layer(_unflatten),
    Logit: _plain(jnp.ravel),
}
