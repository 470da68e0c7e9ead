"""pacgan: the networks of PacGAN's experiments in the plane, as its authors' code has them."""

import torch
from torch import nn

from gan.errors import UsageError
from gan.models.maxout import Maxout
from gan.models.model import Logit, Shape

HIDDEN, UNITS, PIECES = 400, 200, 5
INITIAL_STD = 0.02


class BatchNorm(nn.BatchNorm1d):
    """(x − mean) / √(variance + 1e-4) over the minibatch, then a learned gain and shift.

    By the minibatch's own statistics in evaluation too, like dcgan's; the authors evaluate with
    running averages. Unlike dcgan's it normalises vectors, and ε is that of the authors' library.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, eps=1e-4, track_running_stats=False)


def need_points(shape: Shape) -> None:
    """Raise UsageError unless the shape is that of points."""
    if len(shape) != 1:
        raise UsageError(f"pacgan makes points (dimensions,), not images of shape {shape}")


def generator(shape: Shape, latent_dim: int) -> nn.Module:
    """PacGAN's pair for points: batch-normalised ReLU 4×400 against maxout 3×200 with 5 pieces.

    Args:
        shape: of one point.
        latent_dim: size of z ~ N(0, I); the paper's 2.

    Returns:
        (N, latent_dim) -> (N, *shape), linear; N at least 2.

    Raises:
        UsageError: the samples are not points.

    Reference:
        Lin et al. 2018, "PacGAN", section 4.1; github.com/fjxmlzn/PacGAN,
        synthetic_data_experiments.
    """
    need_points(shape)
    layers: list[nn.Module] = []
    for inputs in (latent_dim, HIDDEN, HIDDEN, HIDDEN):
        # No bias: the normalisation would take it away again.
        layers += [nn.Linear(inputs, HIDDEN, bias=False), BatchNorm(HIDDEN), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(HIDDEN, shape[0]))


def discriminator(shape: Shape) -> nn.Module:
    """The maxout side of ``generator``, without dropout.

    Args:
        shape: of one point, or of a pack of points side by side.

    Returns:
        (N, *shape) -> (N,).

    Raises:
        UsageError: the samples are not points.
    """
    need_points(shape)
    layers = [Maxout(inputs, UNITS, PIECES) for inputs in (shape[0], UNITS, UNITS)]
    return nn.Sequential(*layers, nn.Linear(UNITS, 1), Logit())


def initialise(module: nn.Module, rng: torch.Generator) -> None:
    """N(0, .02) for weights, 0 for biases and shifts, 1 for gains."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, INITIAL_STD, generator=rng)
    elif isinstance(module, BatchNorm):
        nn.init.ones_(module.weight)
    if isinstance(module, (nn.Linear, BatchNorm)) and module.bias is not None:
        nn.init.zeros_(module.bias)
