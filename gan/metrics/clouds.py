"""Samples as clouds of points, and the distances in them that several metrics share."""

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from gan.classifier import classifier
from gan.data import Dataset
from gan.errors import UsageError
from gan.images import Images, Stacked

CLOUD_SAMPLES = 1000  # bounds the matrices of distances: 22 ms each for 64 features

Clouds = tuple[Tensor, Tensor]


def clouds(dataset: Dataset, fake: Tensor, real: Tensor) -> Clouds | None:
    """What distances are taken of: a mixture's coordinates, or the classifier's features of images.

    Args:
        dataset: the data.
        fake: (N, *shape), generated samples.
        real: (M, *shape), samples of the data.

    Returns:
        (N, d) and (M, d), the same tensors for the same samples; None if a coordinate is not
        finite or its square overflows in float64.
    """
    if isinstance(dataset, Images | Stacked):
        network = classifier(dataset)
        fake, real = network.features(fake), network.features(real)
    squares = (points.detach().double().square().sum() for points in (fake, real))
    return (fake, real) if all(bool(total.isfinite()) for total in squares) else None


def image_features(metric: str, dataset: Dataset, fake: Tensor, real: Tensor) -> Clouds | None:
    """The classifier's features of both sides, for metrics that have no meaning without them.

    Args:
        metric: whose they are to be, for the error.
        dataset: images or stacks.
        fake: (N, C, H, W), generated samples.
        real: (M, C, H, W), samples of the data.

    Returns:
        (N, d) and (M, d) float64; None if they overflow, which LAPACK does not take.

    Raises:
        UsageError: the data are not images.
    """
    if not isinstance(dataset, Images | Stacked):
        raise UsageError(f"{dataset.name} is not a set of images: {metric} needs images")
    features = clouds(dataset, fake, real)
    return None if features is None else (features[0].double(), features[1].double())


def distances(x: Tensor, y: Tensor) -> Tensor:
    """‖xᵢ − yⱼ‖₂, of the first 1,000 of each.

    Summed term by term and not as ‖x‖² − 2x·y + ‖y‖², whose rounding would part a point from its
    copy. Five metrics ask for the same clouds, and a run for the same real one at each record: the
    answer is kept as long as both tensors live and are not changed in place.

    Args:
        x: (N, d), finite, of any floating type, on any device.
        y: (M, d); x itself for the distances within one cloud.

    Returns:
        (min(N, 1000), min(M, 1000)) float64 on the CPU.
    """
    if x.is_inference() or y.is_inference():  # such tensors do not count their changes
        return _distances(x, y)
    versions = (x._version, y._version)
    known = _KNOWN.setdefault(x, WeakTensorKeyDictionary())
    if y not in known or known[y][0] != versions:
        known[y] = (versions, _distances(x, y))
    kept: Tensor = known[y][1]
    return kept


def _distances(x: Tensor, y: Tensor) -> Tensor:
    from scipy.spatial.distance import cdist, pdist, squareform

    first, second = (
        points[:CLOUD_SAMPLES].detach().to("cpu", torch.float64).numpy() for points in (x, y)
    )
    return torch.from_numpy(squareform(pdist(first)) if x is y else cdist(first, second))


_KNOWN = WeakTensorKeyDictionary()
