"""The Fréchet distance between Gaussians fitted to the classifier's features."""

import math

import torch
from torch import Tensor

from gan.data import Dataset
from gan.metrics.clouds import image_features
from gan.metrics.ready import Ready


def fid(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """‖μ_r − μ_f‖² + tr(Σ_r + Σ_f − 2(Σ_r Σ_f)^½) of the suite's own classifier's features.

    Comparable only with itself: these are not Inception features.

    Reference:
        Heusel et al. 2017, Eq. 6.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    features = image_features("fid", dataset, fake, real)
    if features is None:
        return math.nan
    metric = FrechetInceptionDistance(Ready(features[0].shape[1]))
    metric.update(features[0], real=False)
    metric.update(features[1], real=True)
    return max(float(metric.compute()), 0.0)  # rounding can leave −1e-13 for equal samples
