"""What a model is: a pair of networks for a data shape, and what the step has to know of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from torch import Tensor, nn

from gan.errors import UsageError
from gan.network import Initialiser, Network

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """A pair of networks and what the step has to know of them.

    Args:
        generator: ``(shape, latent_dim) -> module``; its docstring describes the pair.
        discriminator: ``(shape) -> module``.
        initialise: sets the parameters of one leaf module.
        latent_dim: shape -> usual size of z.
        couples_samples: the discriminator is batch-normalised, so that no per-sample penalty of it
            is defined.
        normalises_weights: the discriminator's weights are divided by their norm, so that clipping
            them constrains nothing more.
        fewest_samples: that a minibatch may have: 2 where G normalises each feature over it.
    """

    generator: Callable[[Shape, int], nn.Module]
    discriminator: Callable[[Shape], nn.Module]
    initialise: Initialiser
    latent_dim: Callable[[Shape], int]
    couples_samples: bool = False
    normalises_weights: bool = False
    fewest_samples: int = 1

    def networks(
        self, shape: Shape, latent_dim: int, pack: int = 1, *, channels_last: bool = False
    ) -> tuple[Network, Network]:
        """Build both networks.

        Args:
            shape: of one sample, without the batch.
            latent_dim: size of z.
            pack: m, samples that the discriminator sees at once, side by side along the first
                dimension: channels of images, coordinates of points.
            channels_last: the memory layout of images and of convolutions' weights.

        Returns:
            The generator and the discriminator.

        Raises:
            UsageError: the model cannot make samples of that shape, or not judge packs of them.
        """
        network = partial(Network, initialise=self.initialise, channels_last=channels_last)
        generator = network(lambda: self.generator(shape, latent_dim))
        packed = (pack * shape[0], *shape[1:])
        try:
            return generator, network(lambda: self.discriminator(packed))
        except UsageError as reason:
            if pack == 1:
                raise
            raise UsageError(f"packs of {pack}: {reason}", field="pack") from None


@lru_cache(maxsize=1024)
def convolves(model: Model, shape: Shape, latent_dim: int, pack: int) -> bool:
    """Whether a model has convolutions, once it is clear that its networks can be built.

    A matrix asks the same of thousands of runs that differ in their losses and seeds.

    Args:
        model: one of MODELS.
        shape: of one sample, without the batch.
        latent_dim: size of z.
        pack: m, as in ``Model.networks``.

    Returns:
        Whether either network has a convolution's weights.

    Raises:
        UsageError: as ``Model.networks``.
    """
    return any(network.convolves for network in model.networks(shape, latent_dim, pack))


class Logit(nn.Module):
    """(N, 1, …) -> (N,): one logit per sample."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop the unit dimensions of (N, 1, …)."""
        return x.flatten()


def need_images(model: str, shape: Shape) -> None:
    """Raise UsageError, naming the model, unless the shape is (channels, height, width)."""
    if len(shape) != 3:
        raise UsageError(
            f"{model} makes images (channels, height, width), not points of shape {shape}"
        )


def usual_latent_dim(shape: Shape) -> int:
    """2 for points, as in PacGAN; 100 for images, as in the 2014 paper and DCGAN."""
    return 2 if len(shape) == 1 else 100
