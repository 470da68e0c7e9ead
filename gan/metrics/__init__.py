"""METRICS: how far a generator's samples are from the data; and what its discriminator says.

All are computed on the CPU, from the samples alone, wherever the run trained.
"""

import math

import torch
from torch import Tensor

from gan.data import Dataset
from gan.errors import UsageError
from gan.images import Images, Stacked
from gan.metrics.discriminator import discriminator_statistics
from gan.metrics.frechet import fid
from gan.metrics.kernel import kid, mmd
from gan.metrics.metric import Metric
from gan.metrics.mode import high_quality, kl, modes
from gan.metrics.neighbours import coverage, density, knn_precision, knn_recall
from gan.metrics.transport import sliced_w, w1
from gan.mixtures import Mixture


def evaluate(
    dataset: Dataset, fake: Tensor, real: Tensor, rng: torch.Generator
) -> dict[str, float]:
    """Every metric of METRICS that applies to the data set.

    Args:
        dataset: the data.
        fake: (N, *shape), generated samples, on any device, N at least 2.
        real: (M, *shape), samples of the data, M at least 2.
        rng: for metrics that draw subsets or directions, each from where it stands: none changes
            another, nor rng itself.

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
    return {
        name: metric.value(dataset, fake, real, rng.clone_state())
        for name, metric in applicable.items()
    }


def _has_modes(dataset: Dataset) -> bool:
    return isinstance(dataset, Mixture | Stacked)


def _is_mixture(dataset: Dataset) -> bool:
    return isinstance(dataset, Mixture)


def _has_images(dataset: Dataset) -> bool:
    return isinstance(dataset, Images | Stacked)


def _always(_dataset: Dataset) -> bool:
    return True


METRICS: dict[str, Metric] = {
    "modes": Metric(modes, applies=_has_modes, best="higher"),
    "high_quality": Metric(high_quality, applies=_is_mixture, best="higher"),
    "kl": Metric(kl, applies=_has_modes, best="lower"),
    "w1": Metric(w1, applies=_is_mixture, best="lower"),
    "fid": Metric(fid, applies=_has_images, best="lower"),
    "kid": Metric(kid, applies=_has_images, best="lower"),
    "knn_precision": Metric(knn_precision, applies=_always, best="higher"),
    "knn_recall": Metric(knn_recall, applies=_always, best="higher"),
    "density": Metric(density, applies=_always, best="higher"),
    "coverage": Metric(coverage, applies=_always, best="higher"),
    "sliced_w": Metric(sliced_w, applies=_always, best="lower"),
    "mmd": Metric(mmd, applies=_always, best="lower"),
}

__all__ = ["METRICS", "Metric", "discriminator_statistics", "evaluate"]
