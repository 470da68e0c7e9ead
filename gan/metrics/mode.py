"""What a generator makes of the data's modes: how many it hits, how closely and how evenly."""

import torch
from torch import Tensor

from gan.classifier import classifier
from gan.data import Dataset
from gan.errors import UsageError
from gan.images import CLASSES, Stacked
from gan.mixtures import Mixture

HIGH_QUALITY_SIGMAS = 3.0


def modes(dataset: Dataset, fake: Tensor, _real: Tensor, _rng: torch.Generator) -> float:
    """Modes with at least one high-quality sample; of stacks, classes with at least one sample.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1 (2,500 samples) and 4.2 (26,000 stacks).
    """
    return float((_mode_counts("modes", dataset, fake) > 0).sum())


def high_quality(dataset: Dataset, fake: Tensor, _real: Tensor, _rng: torch.Generator) -> float:
    """Fraction of samples within 3σ of the nearest mode, in [0, 1].

    Samples of the mixture itself score 1 − e^(−9/2) ≈ 0.989 in the plane and 0.997 on the line.

    Raises:
        UsageError: the data are not a mixture: no other data have a σ.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1.
    """
    if not isinstance(dataset, Mixture):
        raise UsageError(f"{dataset.name} is not a mixture: high_quality needs modes of a known σ")
    return float(_near_counts(dataset, fake).sum()) / len(fake)


def kl(dataset: Dataset, fake: Tensor, _real: Tensor, _rng: torch.Generator) -> float:
    """KL(q ‖ uniform) = log M − H(q) in nats, q the share of samples per mode: PacGAN's reverse KL.

    The generated distribution comes first, hence "reverse". As in the authors' code, q counts
    high-quality samples only; of stacks, it counts all samples by class. One mode of M gives
    log M; without a single high-quality sample there is no q and the value is nan. N samples of
    perfectly even modes still give (M − 1)/(2N) on average.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1.
    """
    counts = _mode_counts("kl", dataset, fake).to(torch.float64)
    q = counts / counts.sum()
    return float(torch.xlogy(q, q * len(q)).sum())


def _mode_counts(metric: str, dataset: Dataset, fake: Tensor) -> Tensor:
    """(M,) int64: high-quality samples per nearest mode, or stacks per class."""
    if isinstance(dataset, Stacked):
        labels = classifier(dataset).labels(fake)
        return torch.bincount(labels[labels >= 0], minlength=CLASSES**3)
    if not isinstance(dataset, Mixture):
        raise UsageError(f"{dataset.name} has no known modes: {metric} needs a mixture or stacks")
    return _near_counts(dataset, fake)


def _near_counts(mixture: Mixture, fake: Tensor) -> Tensor:
    """(M,) int64: high-quality samples per nearest mode."""
    centres = mixture.centres.cpu()
    difference = fake.detach().to("cpu", torch.float64)[:, None, :] - centres[None, :, :]
    distance, nearest = difference.norm(dim=2).min(dim=1)
    near = distance <= HIGH_QUALITY_SIGMAS * mixture.sigma
    return torch.bincount(nearest[near], minlength=len(centres))
