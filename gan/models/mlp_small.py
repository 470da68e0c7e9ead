"""mlp_small and mlp_tiny: smooth pairs so small that their game's whole Jacobian can be had.

tanh has derivatives of every order: the field of a game between piecewise linear networks has no
Jacobian at their kinks, and loses the curvature between them.
"""

import math

from torch import nn

from gan.models.mlp import stack
from gan.models.model import Logit, Shape

SMALL = 29
TINY = 14


def small_generator(shape: Shape, latent_dim: int) -> nn.Module:
    """Fully connected tanh pair of 2,004 parameters on points in the plane: 29-29 in each player.

    Args:
        shape: of one sample.
        latent_dim: size of z ~ N(0, I).

    Returns:
        (N, latent_dim) -> (N, *shape), in [−1, 1] for images.
    """
    return _generator(shape, latent_dim, SMALL)


def small_discriminator(shape: Shape) -> nn.Module:
    """The mirror image of ``small_generator``.

    Args:
        shape: of one sample.

    Returns:
        (N, *shape) -> (N,).
    """
    return _discriminator(shape, SMALL)


def tiny_generator(shape: Shape, latent_dim: int) -> nn.Module:
    """mlp_small with 14-14 units, 549 parameters on points in the plane: a Jacobian in a second.

    Args:
        shape: of one sample.
        latent_dim: size of z ~ N(0, I).

    Returns:
        (N, latent_dim) -> (N, *shape), in [−1, 1] for images.
    """
    return _generator(shape, latent_dim, TINY)


def tiny_discriminator(shape: Shape) -> nn.Module:
    """The mirror image of ``tiny_generator``.

    Args:
        shape: of one sample.

    Returns:
        (N, *shape) -> (N,).
    """
    return _discriminator(shape, TINY)


def _generator(shape: Shape, latent_dim: int, width: int) -> nn.Module:
    layers = stack([latent_dim, width, width, math.prod(shape)], nn.Tanh)
    if len(shape) > 1:
        layers += [nn.Tanh(), nn.Unflatten(1, shape)]
    return nn.Sequential(*layers)


def _discriminator(shape: Shape, width: int) -> nn.Module:
    layers = stack([math.prod(shape), width, width, 1], nn.Tanh)
    return nn.Sequential(nn.Flatten(), *layers, Logit())
