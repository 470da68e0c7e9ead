"""dcgan: strided convolutions for images of 8 to 64 pixels, batch- or layer-normalised."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan.errors import UsageError
from gan.models.mlp import leaky
from gan.models.model import Logit, Shape, need_images


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the batch's own statistics, in training and in evaluation.

    It keeps no running averages, so a network stays a pure function of θ and its input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, track_running_stats=False)


def _layer_norm(channels: int) -> nn.Module:
    """Layer normalisation over channels and pixels: one group."""
    return nn.GroupNorm(1, channels)


def side_and_doublings(shape: Shape) -> tuple[int, int]:
    """The side (4…7) at which an image starts and how often it doubles from there."""
    need_images("dcgan", shape)
    _, height, width = shape
    doublings = max(0, (height // 4).bit_length() - 1)
    if height != width or not 8 <= height <= 64 or height % 2**doublings:
        raise _misfit(shape)
    return height >> doublings, doublings


def _misfit(shape: Shape) -> UsageError:
    """What dcgan makes, and what was asked of it."""
    return UsageError(
        "dcgan makes square images of 8 to 64 pixels, 4 to 7 doubled, with 1 or 3 channels, not "
        + "×".join(map(str, shape))
    )


def generator(shape: Shape, latent_dim: int) -> nn.Module:
    """Strided-convolution pair with batch normalisation, 64 channels at half the image's size.

    Args:
        shape: (1 or 3, side, side) with side 8…64.
        latent_dim: size of z ~ N(0, I); 100 in the paper (there uniform).

    Returns:
        (N, latent_dim) -> (N, *shape), tanh.

    Raises:
        UsageError: the side or the number of channels does not fit.

    Reference:
        Radford et al. 2015, "Unsupervised representation learning with DCGANs", section 3; kernels
        of 4 as in a co-author's code.
    """
    side, doublings = side_and_doublings(shape)
    if shape[0] not in (1, 3):
        raise _misfit(shape)
    channels = 64 * 2 ** (doublings - 1)
    layers: list[nn.Module] = [
        nn.Unflatten(1, (latent_dim, 1, 1)),
        nn.ConvTranspose2d(latent_dim, channels, side, bias=False),
    ]
    for _ in range(doublings - 1):
        layers += [BatchNorm(channels), nn.ReLU()]
        layers += [nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False)]
        channels //= 2
    layers += [BatchNorm(channels), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, shape[0], 4, 2, 1), nn.Tanh())


def _discriminator(shape: Shape, normalise: Callable[[int], nn.Module]) -> nn.Module:
    side, doublings = side_and_doublings(shape)
    layers: list[nn.Module] = [nn.Conv2d(shape[0], 64, 4, 2, 1), leaky()]
    channels = 64
    for _ in range(doublings - 1):
        layers += [nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False)]
        layers += [normalise(2 * channels), leaky()]
        channels *= 2
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, side), Logit())


def discriminator(shape: Shape) -> nn.Module:
    """The batch-normalised side of ``generator``; first and last layer are not normalised.

    Args:
        shape: (channels, side, side), those of an image or of a pack of them.

    Returns:
        (N, *shape) -> (N,).
    """
    return _discriminator(shape, BatchNorm)


def layernorm_generator(shape: Shape, latent_dim: int) -> nn.Module:
    """DCGAN with layer normalisation in the discriminator, for use with gradient penalties.

    Args:
        shape: (1 or 3, side, side).
        latent_dim: size of z.

    Returns:
        (N, latent_dim) -> (N, *shape).

    Reference:
        Gulrajani et al. 2017, section 4: no batch normalisation in a penalised critic.
    """
    return generator(shape, latent_dim)


def layernorm_discriminator(shape: Shape) -> nn.Module:
    """The layer-normalised side of ``layernorm_generator``.

    Args:
        shape: (channels, side, side), those of an image or of a pack of them.

    Returns:
        (N, *shape) -> (N,).
    """
    return _discriminator(shape, _layer_norm)


def initialise(module: nn.Module, rng: torch.Generator) -> None:
    """N(0, .02) for convolutions, N(1, .02) for normalisation gains, biases 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02, generator=rng)
    elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
        nn.init.normal_(module.weight, 1.0, 0.02, generator=rng)
    bias = getattr(module, "bias", None)
    if isinstance(bias, Tensor):
        nn.init.zeros_(bias)
