"""Precision, recall, density and coverage: whose nearest neighbours are near whom.

Around each sample of one side lies an open ball that reaches to its 5th nearest neighbour of the
same side; the metrics count the samples of the other side within. Of the first 1,000 samples of
each: the balls shrink with their number, so that values compare at one number only.
"""

import math

import torch
from torch import Tensor

from gan.data import Dataset
from gan.metrics.clouds import clouds, distances

NEIGHBOURS = 5  # k of Naeem et al. 2020; Kynkäänniemi et al. 2019 use 3


def knn_precision(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """Share of generated samples nearer to a real one than that one's 5th nearest real neighbour.

    Near 1 for samples of the data, and for copies of a single real one. nan below 6 real samples.

    Reference:
        Kynkäänniemi et al. 2019, section 2, with k = 5 and the open balls of Naeem et al. 2020.
    """
    return _share(_in_real_balls(dataset, fake, real), dim=0)


def knn_recall(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """Share of real samples nearer to a generated one than that one's 5th nearest generated one.

    A generator of one point has balls of radius 0 and a recall of 0; a far outlier has a large
    ball, which coverage does not have. nan below 6 generated samples.

    Reference:
        Kynkäänniemi et al. 2019, section 2, with k = 5 and the open balls of Naeem et al. 2020.
    """
    return _share(_in_fake_balls(dataset, fake, real), dim=1)


def density(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """Real samples nearer to a generated one than to their 5th nearest real one, mean number / 5.

    1 on average for samples of the data and exactly for the same samples; 0 far from them, above
    1 for samples that crowd where the data are densest. nan below 6 real samples.

    Reference:
        Naeem et al. 2020, section 3.
    """
    inside = _in_real_balls(dataset, fake, real)
    return math.nan if inside is None else inside.sum().item() / (NEIGHBOURS * inside.shape[1])


def coverage(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """Share of real samples nearer to a generated one than to their 5th nearest real one.

    N samples of the data as many as the real ones give 1 − (N − 1)…(N − k)/((2N − 1)…(2N − k)),
    0.97 for many, exactly 1 for the same samples. nan below 6 real samples.

    Reference:
        Naeem et al. 2020, section 3, the expectation too.
    """
    return _share(_in_real_balls(dataset, fake, real), dim=1)


def _in_real_balls(dataset: Dataset, fake: Tensor, real: Tensor) -> Tensor | None:
    """(M, N) bool: fake j lies in real i's ball. None without such balls."""
    points = clouds(dataset, fake, real)
    if points is None or len(real) <= NEIGHBOURS:
        return None
    return distances(points[1], points[0]) < _radii(points[1])[:, None]


def _in_fake_balls(dataset: Dataset, fake: Tensor, real: Tensor) -> Tensor | None:
    """(M, N) bool: real i lies in fake j's ball. None without such balls."""
    points = clouds(dataset, fake, real)
    if points is None or len(fake) <= NEIGHBOURS:
        return None
    return distances(points[1], points[0]) < _radii(points[0])[None, :]


def _radii(points: Tensor) -> Tensor:
    """(N,), each point's distance to its 5th nearest other point: the 6th least, its own is 0."""
    return distances(points, points).topk(NEIGHBOURS + 1, largest=False).values[:, -1]


def _share(inside: Tensor | None, dim: int) -> float:
    """How many have at least one along dim; nan if there are no balls."""
    return math.nan if inside is None else inside.any(dim).double().mean().item()
