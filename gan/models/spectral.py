"""Spectral normalisation: every weight matrix of the discriminator has largest singular value 1.

Networks here are pure functions of θ (docs/decisions/0003), so there is no vector u that power
iteration could carry from one step to the next: σ is found afresh in each pass
(docs/decisions/0011).

Reference:
    Miyato et al. 2018, "Spectral normalization for generative adversarial networks", Eqs. 7 to 12.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from gan.models import dcgan, mlp
from gan.models.model import Logit, Shape

# 4,096 power iterations in twelve products: p = 2¹².
SQUARINGS = 12


def spectral_norm(weight: Tensor) -> Tensor:
    """σ(W) = max ‖Wv‖/‖v‖, the largest singular value, by repeated squaring.

    P = (WWᵀ)ᵖ / tr (WWᵀ)ᵖ tends to uuᵀ, and σ² = tr(P WWᵀ). With p = 4096 the result is σ to
    rounding where the second singular value is 0.3 % smaller, and between m^(−1/(2p + 2)) σ and σ
    for every matrix of rank m: less than 0.08 % too small at m = 512.

    Backpropagation holds P constant, as the paper holds u and v: the gradient is PW/σ → uvᵀ, that
    of the largest singular value. Penalties, whose second derivative is in x and W, are exact. A
    second derivative in W is exact in forward mode (torch.func.jvp of a gradient); backpropagated
    twice it leaves out how u and v turn.

    Args:
        weight: (m, n), in θ's dtype; autocast is off in here.

    Returns:
        (), positive; nan where W is 0, not finite, or so large that its squares are not.

    Reference:
        Miyato et al. 2018, Eqs. 7, 10 and 11.

    >>> spectral_norm(torch.tensor([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]]))
    tensor(4.)
    """
    wide = weight if weight.shape[0] <= weight.shape[1] else weight.T
    with torch.autocast(weight.device.type, enabled=False):
        if len(wide) == 1:  # a vector: its length
            return wide.square().sum().sqrt()
        gram = wide @ wide.T
        with torch.no_grad():
            power = gram / gram.trace()
            for _ in range(SQUARINGS):
                power = power @ power
                power = power / power.trace()
        return (power * gram).sum().sqrt()


class SpectralLinear(nn.Linear):
    """x ↦ Wx/σ(W) + b."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return linear(x, self.weight / spectral_norm(self.weight), self.bias)


class SpectralConv2d(nn.Conv2d):
    """x ↦ (W/σ) ∗ x + b, with σ of W as an (outputs, inputs · kernel²) matrix: the paper's choice.

    It is not the convolution's own norm: an input pixel enters ⌈kernel/stride⌉² outputs, so the map
    can stretch by up to ⌈kernel/stride⌉, here 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, …)."""
        weight = self.weight / spectral_norm(self.weight.flatten(1))
        return conv2d(x, weight, self.bias, self.stride, self.padding)


def mlp_generator(shape: Shape, latent_dim: int) -> nn.Module:
    """mlp with spectral normalisation in the discriminator, which is thereby 1-Lipschitz.

    Args:
        shape: of one sample.
        latent_dim: size of z ~ N(0, I).

    Returns:
        (N, latent_dim) -> (N, *shape).

    Reference:
        Miyato et al. 2018, section 2.1.
    """
    return mlp.generator(shape, latent_dim)


def mlp_discriminator(shape: Shape) -> nn.Module:
    """The spectrally normalised side of ``mlp_generator``.

    Args:
        shape: of one sample.

    Returns:
        (N, *shape) -> (N,), |D(x) − D(y)| ≤ ‖x − y‖.
    """
    return mlp.discriminator(shape, SpectralLinear)


def dcgan_generator(shape: Shape, latent_dim: int) -> nn.Module:
    """DCGAN with spectral normalisation in place of batch normalisation in the discriminator.

    Args:
        shape: (1 or 3, side, side) with side 8…64.
        latent_dim: size of z.

    Returns:
        (N, latent_dim) -> (N, *shape).

    Raises:
        UsageError: the side or the number of channels does not fit.

    Reference:
        Miyato et al. 2018, section 4; strides, widths and slopes are those of dcgan.
    """
    return dcgan.generator(shape, latent_dim)


def dcgan_discriminator(shape: Shape) -> nn.Module:
    """The spectrally normalised side of ``dcgan_generator``.

    Args:
        shape: (channels, side, side), those of an image or of a pack of them.

    Returns:
        (N, *shape) -> (N,).
    """
    side, doublings = dcgan.side_and_doublings(shape)
    channels = [shape[0], *(64 * 2**power for power in range(doublings))]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [SpectralConv2d(inputs, outputs, 4, 2, 1), mlp.leaky()]
    return nn.Sequential(*layers, SpectralConv2d(channels[-1], 1, side), Logit())
