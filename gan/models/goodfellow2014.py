"""goodfellow2014: the pair that the paper trained on MNIST."""

import math

import torch
from torch import Tensor, nn

from gan.models.maxout import Maxout
from gan.models.mlp import stack
from gan.models.model import Shape, need_images


class ThinnedMaxout(nn.Module):
    """A maxout layer of inputs that dropout has thinned.

    Args:
        inputs: features in.
        units: features out.
        pieces: linear maps per unit.
        keep: probability that an input survives; survivors are scaled by 1/keep.
    """

    def __init__(self, inputs: int, units: int, pieces: int, keep: float) -> None:
        super().__init__()
        self.maxout = Maxout(inputs, units, pieces)
        self.keep = keep
        self.uniform_features = inputs

    def forward(self, x: Tensor, uniform: Tensor | None = None) -> Tensor:
        """(N, inputs) -> (N, units)."""
        activations: Tensor = self.maxout(_drop(x, uniform, self.keep))
        return activations


class Dropped(nn.Module):
    """A linear map to one logit, of inputs that dropout has thinned."""

    def __init__(self, inputs: int, keep: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 1)
        self.keep = keep
        self.uniform_features = inputs

    def forward(self, x: Tensor, uniform: Tensor | None = None) -> Tensor:
        """(N, inputs) -> (N,)."""
        logits: Tensor = self.linear(_drop(x, uniform, self.keep))
        return logits.flatten()


def _drop(x: Tensor, uniform: Tensor | None, keep: float) -> Tensor:
    """Inverted dropout with given U[0, 1) numbers: survivors are scaled by 1/keep."""
    return x if uniform is None else x * (uniform < keep) / keep


class MaxoutDiscriminator(nn.Module):
    """Two maxout layers of 240 units with 5 pieces; inputs kept with .8, hidden units with .5."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.h0 = ThinnedMaxout(features, 240, 5, keep=0.8)
        self.h1 = ThinnedMaxout(240, 240, 5, keep=0.5)
        self.y = Dropped(240, keep=0.5)

    def forward(self, x: Tensor, uniform: Tensor | None = None) -> Tensor:
        """(N, …) in [−1, 1] -> (N,), seen in [0, 1] as the paper's network does."""
        x = (x.flatten(1) + 1) / 2
        layers: list[ThinnedMaxout | Dropped] = [self.h0, self.h1, self.y]
        if uniform is None:
            for layer in layers:
                x = layer(x)
            return x
        pieces = uniform.split([layer.uniform_features for layer in layers], dim=1)
        for layer, piece in zip(layers, pieces, strict=True):
            x = layer(x, piece)
        return x


class SigmoidImage(nn.Module):
    """(N, features) -> (N, *shape): a sigmoid image, moved from [0, 1] to [−1, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """2σ(x) − 1."""
        return (2 * torch.sigmoid(x) - 1).view(-1, *self.shape)


def generator(shape: Shape, latent_dim: int) -> nn.Module:
    """The 2014 paper's MNIST pair: ReLU 1200-1200-sigmoid against maxout 240×5 twice with dropout.

    Sizes, dropout and weight ranges are those of the authors' published configuration; its output
    bias from the data's marginals is left out.

    Args:
        shape: of one image.
        latent_dim: size of z ~ N(0, I); the authors' 100.

    Returns:
        (N, latent_dim) -> (N, *shape).

    Raises:
        UsageError: the samples are not images.

    Reference:
        Goodfellow et al. 2014, section 5; github.com/goodfeli/adversarial, mnist.yaml.
    """
    need_images("goodfellow2014", shape)
    layers = stack([latent_dim, 1200, 1200, math.prod(shape)], nn.ReLU)
    return nn.Sequential(*layers, SigmoidImage(shape))


def discriminator(shape: Shape) -> nn.Module:
    """The maxout side of ``generator``.

    Args:
        shape: of one image.

    Returns:
        (N, *shape) -> (N,); a second argument (N, uniform_features) drops units.
    """
    need_images("goodfellow2014", shape)
    return MaxoutDiscriminator(math.prod(shape))


def initialise(module: nn.Module, rng: torch.Generator) -> None:
    """U(±.05) weights in the generator, U(±.005) in the discriminator, biases 0."""
    ranges = {nn.Sequential: 0.05, Maxout: 0.005, Dropped: 0.005}
    for parent, bound in ranges.items():
        if isinstance(module, parent):
            for linear in (child for child in module.children() if isinstance(child, nn.Linear)):
                nn.init.uniform_(linear.weight, -bound, bound, generator=rng)
                nn.init.zeros_(linear.bias)
