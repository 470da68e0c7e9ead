"""METRICS: how far a generator's samples are from the data; and what its discriminator says.

All are computed on the CPU, from the samples alone, wherever the run trained.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gan.classifier import classifier
from gan.data import Dataset
from gan.errors import UsageError
from gan.images import CLASSES, Images, Stacked
from gan.mixtures import Mixture

HIGH_QUALITY_SIGMAS = 3.0
W1_SAMPLES = 1000  # exact transport in the plane: 0.2 s for 1,000 samples, 1.5 s for 2,000
KID_SUBSET = 1000  # the customary size; bounds the kernel matrices
QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)


@dataclass(frozen=True)
class Metric:
    """A number computed from samples.

    Args:
        value: (dataset, fake, real, rng) -> float; fake is (N, *shape), real is (M, *shape),
            fresh samples of the data.
        applies: tells whether the metric is defined for a data set.
        best: which of two values is the better one.
    """

    value: Callable[[Dataset, Tensor, Tensor, torch.Generator], float]
    applies: Callable[[Dataset], bool]
    best: Literal["higher", "lower"]

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.value.__doc__ or "").strip().partition("\n")[0]


def evaluate(
    dataset: Dataset, fake: Tensor, real: Tensor, rng: torch.Generator
) -> dict[str, float]:
    """Every metric of METRICS that applies to the data set.

    Args:
        dataset: the data.
        fake: (N, *shape), generated samples, on any device, N at least 2.
        real: (M, *shape), samples of the data, M at least 2.
        rng: for metrics that draw subsets.

    Returns:
        Metric name to value; all nan if a generated sample is not finite.

    Raises:
        UsageError: the samples are too few or not of the data's shape, or real is not finite.
    """
    for samples, side in ((fake, "generated"), (real, "real")):
        if tuple(samples.shape[1:]) != tuple(dataset.shape) or len(samples) < 2:
            raise UsageError(
                f"{side} samples of shape {tuple(samples.shape)}: {dataset.name} needs (N, "
                f"{', '.join(map(str, dataset.shape))}) with N at least 2"
            )
    if not bool(real.isfinite().all()):
        raise UsageError(f"real samples of {dataset.name} must be finite")
    applicable = {name: metric for name, metric in METRICS.items() if metric.applies(dataset)}
    if not bool(fake.isfinite().all()):
        return dict.fromkeys(applicable, math.nan)
    return {name: metric.value(dataset, fake, real, rng) for name, metric in applicable.items()}


def modes(dataset: Dataset, fake: Tensor, _real: Tensor, _rng: torch.Generator) -> float:
    """Modes with at least one high-quality sample; of stacks, classes with at least one sample.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1 (2,500 samples) and 4.2 (26,000 stacks).
    """
    return float((_mode_counts(dataset, fake) > 0).sum())


def high_quality(dataset: Dataset, fake: Tensor, _real: Tensor, _rng: torch.Generator) -> float:
    """Fraction of samples within 3σ of the nearest mode, in [0, 1].

    Samples of the mixture itself score 1 − e^(−9/2) ≈ 0.989 in the plane and 0.997 on the line.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1.
    """
    return float(_mode_counts(dataset, fake).sum()) / len(fake)


def kl(dataset: Dataset, fake: Tensor, _real: Tensor, _rng: torch.Generator) -> float:
    """KL(q ‖ uniform) = log M − H(q) in nats, q the share of samples per mode: PacGAN's reverse KL.

    The generated distribution comes first, hence "reverse". As in the authors' code, q counts
    high-quality samples only; of stacks, it counts all samples by class. One mode of M gives
    log M; without a single high-quality sample there is no q and the value is nan. N samples of
    perfectly even modes still give (M − 1)/(2N) on average.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1.
    """
    counts = _mode_counts(dataset, fake).to(torch.float64)
    q = counts / counts.sum()
    return float(torch.xlogy(q, q * len(q)).sum())


def w1(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """W₁ = min over couplings of E‖x − y‖₂, exact between the two sets of samples.

    In the plane between the first 1,000 of each. Two sets of samples of one distribution have a
    positive distance too, of the order of N^(−1/2) times the data's extent.
    """
    x, y = _float64(fake), _float64(real)
    if dataset.shape == (1,):
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(x[:, 0], y[:, 0]))
    import ot
    from scipy.spatial.distance import cdist

    costs = cdist(x[:W1_SAMPLES], y[:W1_SAMPLES])
    return float(ot.emd2([], [], costs, numItermax=10_000_000))


def fid(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """‖μ_r − μ_f‖² + tr(Σ_r + Σ_f − 2(Σ_r Σ_f)^½) of the suite's own classifier's features.

    Comparable only with itself: these are not Inception features.

    Reference:
        Heusel et al. 2017, Eq. 6.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    features = _finite_features(dataset, fake, real)
    if features is None:
        return math.nan
    metric = FrechetInceptionDistance(_Ready(features[0].shape[1]))
    metric.update(features[0], real=False)
    metric.update(features[1], real=True)
    return max(float(metric.compute()), 0.0)  # rounding can leave −1e-13 for equal samples


def kid(dataset: Dataset, fake: Tensor, real: Tensor, rng: torch.Generator) -> float:
    """Unbiased MMD² under the kernel (x·y/d + 1)³ of the suite's own classifier's features.

    The mean over random subsets of at most 1,000, as many as it takes to cover the samples.
    Unbiased means that it may fall below zero, by chance, when the distributions agree.

    Reference:
        Bińkowski et al. 2018, where it is introduced with Inception's features.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    features = _finite_features(dataset, fake, real)
    if features is None:
        return math.nan
    fewer = min(len(fake), len(real))
    size = min(fewer, KID_SUBSET)
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save")
        torch.default_generator.manual_seed(seed)  # torchmetrics draws from the global generator
        metric = KernelInceptionDistance(
            _Ready(features[0].shape[1]), subsets=-(-fewer // size), subset_size=size
        )
        metric.update(features[0], real=False)
        metric.update(features[1], real=True)
        return float(metric.compute()[0])


class _Ready(nn.Identity):
    """What torchmetrics calls the feature extractor, for features that are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def _finite_features(dataset: Dataset, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor] | None:
    """Float64 features of both sides, or None if they overflow, which LAPACK does not take."""
    if not isinstance(dataset, Images | Stacked):
        raise UsageError(f"{dataset.name} is not a set of images: FID and KID need images")
    network = classifier(dataset)
    of_fake, of_real = network.features(fake).double(), network.features(real).double()
    return (of_fake, of_real) if bool(of_fake.isfinite().all()) else None


def _mode_counts(dataset: Dataset, fake: Tensor) -> Tensor:
    """(M,) int64: high-quality samples per nearest mode, or stacks per class."""
    if isinstance(dataset, Stacked):
        labels = classifier(dataset).labels(fake)
        return torch.bincount(labels[labels >= 0], minlength=CLASSES**3)
    if not isinstance(dataset, Mixture):
        raise UsageError(f"{dataset.name} has no known modes")
    centres = dataset.centres.cpu()
    difference = fake.detach().to("cpu", torch.float64)[:, None, :] - centres[None, :, :]
    distance, nearest = difference.norm(dim=2).min(dim=1)
    near = distance <= HIGH_QUALITY_SIGMAS * dataset.sigma
    return torch.bincount(nearest[near], minlength=len(centres))


def _float64(samples: Tensor) -> NDArray[np.float64]:
    converted: NDArray[np.float64] = samples.detach().to("cpu", torch.float64).numpy()
    return converted


def discriminator_statistics(real_logits: Tensor, fake_logits: Tensor) -> dict[str, float]:
    """D's accuracy, mean D(x), quantiles of D(G(z)): where D = σ(logit) puts either side.

    Args:
        real_logits: (N,), logits of real samples.
        fake_logits: (N,), logits of as many generated samples.

    Returns:
        d_real: mean D(x). d_fake_q05 … q95: quantiles of D(G(z)). accuracy: share of samples on
        the right side of D = ½, a logit of exactly 0 counting as half right. nan if a logit is.

    Raises:
        UsageError: the two sides are not vectors of the same length, or empty.

    >>> statistics = discriminator_statistics(torch.tensor([0.0, 3.0]), torch.tensor([-1.0, 1.0]))
    >>> statistics["accuracy"]  # ½, 1, 1, 0
    0.625
    """
    if real_logits.ndim != 1 or real_logits.shape != fake_logits.shape or len(real_logits) == 0:
        raise UsageError(
            f"logits of shapes {tuple(real_logits.shape)} and {tuple(fake_logits.shape)}, "
            "expected (N,) twice with N at least 1"
        )
    real, fake = _float64(real_logits), _float64(fake_logits)
    d_fake = torch.from_numpy(fake).sigmoid().numpy()
    quantiles = zip(QUANTILES, np.quantile(d_fake, QUANTILES), strict=True)
    right = 0.5 + np.sign(np.concatenate([real, -fake])) / 2
    return {
        "d_real": float(torch.from_numpy(real).sigmoid().mean()),
        **{f"d_fake_q{round(100 * share):02d}": float(value) for share, value in quantiles},
        "accuracy": float(right.mean()),
    }


def _has_modes(dataset: Dataset) -> bool:
    return isinstance(dataset, Mixture | Stacked)


def _is_mixture(dataset: Dataset) -> bool:
    return isinstance(dataset, Mixture)


def _has_images(dataset: Dataset) -> bool:
    return isinstance(dataset, Images | Stacked)


METRICS: dict[str, Metric] = {
    "modes": Metric(modes, applies=_has_modes, best="higher"),
    "high_quality": Metric(high_quality, applies=_is_mixture, best="higher"),
    "kl": Metric(kl, applies=_has_modes, best="lower"),
    "w1": Metric(w1, applies=_is_mixture, best="lower"),
    "fid": Metric(fid, applies=_has_images, best="lower"),
    "kid": Metric(kid, applies=_has_images, best="lower"),
}
