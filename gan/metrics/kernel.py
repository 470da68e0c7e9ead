"""Maximum mean discrepancies: KID on the classifier's features, and with a Gaussian kernel."""

import math
import warnings

import numpy as np
import torch
from torch import Tensor

from gan.data import Dataset
from gan.metrics.clouds import clouds, distances, image_features
from gan.metrics.ready import Ready

KID_SUBSET = 1000  # the customary size; bounds the kernel matrices


def kid(dataset: Dataset, fake: Tensor, real: Tensor, rng: torch.Generator) -> float:
    """Unbiased MMD² under the kernel (x·y/d + 1)³ of the suite's own classifier's features.

    The mean over random subsets of at most 1,000, as many as it takes to cover the samples.
    Unbiased means that it may fall below zero, by chance, when the distributions agree.

    Reference:
        Bińkowski et al. 2018, where it is introduced with Inception's features.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    features = image_features("kid", dataset, fake, real)
    if features is None:
        return math.nan
    fewer = min(len(fake), len(real))
    size = min(fewer, KID_SUBSET)
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save")
        torch.default_generator.manual_seed(seed)  # torchmetrics draws from the global generator
        metric = KernelInceptionDistance(
            Ready(features[0].shape[1]), subsets=-(-fewer // size), subset_size=size
        )
        metric.update(features[0], real=False)
        metric.update(features[1], real=True)
        return float(metric.compute()[0])


def mmd(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """Unbiased MMD² under exp(−‖x − y‖²/2s²), s the median distance between real samples.

    Between coordinates of mixtures and the classifier's features of images, of the first 1,000 of
    each. At most 2, for clouds that are points far apart. The authors take s from both sides
    together; here the generator does not move the yardstick. Unbiased means that it may fall below
    zero, by chance, when the distributions agree. nan if most real samples are the same (s = 0).

    Reference:
        Gretton et al. 2012, Lemma 6, Eq. 3, and section 8 for the median heuristic.
    """
    points = clouds(dataset, fake, real)
    if points is None or min(len(fake), len(real)) < 2:
        return math.nan
    of_fake, of_real = distances(points[0], points[0]), distances(points[1], points[1])
    s = _median(of_real)
    if s == 0:
        return math.nan
    between = _gaussian(distances(points[1], points[0]), s).mean()
    return (_off_diagonal(of_fake, s) + _off_diagonal(of_real, s) - 2 * between).item()


def _median(within: Tensor) -> float:
    """Of the distances between different points."""
    from scipy.spatial.distance import squareform

    return float(np.median(squareform(within.numpy(), checks=False)))


def _gaussian(distance: Tensor, s: float) -> Tensor:
    # In place: fresh memory for a million numbers takes longer than the exponentials.
    return (distance / s).square_().mul_(-0.5).exp_()


def _off_diagonal(within: Tensor, s: float) -> Tensor:
    """The kernel's mean over pairs of different points; each point with itself gives 1."""
    n = len(within)
    return (_gaussian(within, s).sum() - n) / (n * (n - 1))
