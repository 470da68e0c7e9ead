"""mlp: the smallest pair that learns, for points and images."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from gan.models.model import Logit, Shape


def stack(
    sizes: list[int],
    activation: Callable[[], nn.Module],
    linear: Callable[[int, int], nn.Module] = nn.Linear,
) -> list[nn.Module]:
    """Linear layers of these sizes with an activation between each two."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [linear(inputs, outputs), activation()]
    return layers[:-1]


def leaky() -> nn.Module:
    """max(x, 0.2x), as in DCGAN."""
    return nn.LeakyReLU(0.2)


def generator(shape: Shape, latent_dim: int) -> nn.Module:
    """Fully connected ReLU/leaky-ReLU pair: 128-128 for points, 256-512 for images (tanh output).

    Args:
        shape: of one sample.
        latent_dim: size of z ~ N(0, I).

    Returns:
        (N, latent_dim) -> (N, *shape).
    """
    hidden = [128, 128] if len(shape) == 1 else [256, 512]
    layers = stack([latent_dim, *hidden, math.prod(shape)], nn.ReLU)
    if len(shape) > 1:
        layers += [nn.Tanh(), nn.Unflatten(1, shape)]
    return nn.Sequential(*layers)


def discriminator(shape: Shape, linear: Callable[[int, int], nn.Module] = nn.Linear) -> nn.Module:
    """The mirror image of ``generator``.

    Args:
        shape: of one sample.
        linear: ``(inputs, outputs) -> module``, the kind of its layers.

    Returns:
        (N, *shape) -> (N,).
    """
    hidden = [128, 128] if len(shape) == 1 else [512, 256]
    return nn.Sequential(
        nn.Flatten(), *stack([math.prod(shape), *hidden, 1], leaky, linear), Logit()
    )


def initialise(module: nn.Module, rng: torch.Generator) -> None:
    """U(±1/√fan_in) for weights and biases: PyTorch's default, drawn from an explicit rng."""
    if isinstance(module, nn.Linear):
        bound = 1 / math.sqrt(module.in_features)
        nn.init.uniform_(module.weight, -bound, bound, generator=rng)
        nn.init.uniform_(module.bias, -bound, bound, generator=rng)
