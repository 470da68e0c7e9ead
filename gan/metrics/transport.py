"""Wasserstein distances: exact in the plane and on the line, sliced in any dimension."""

import math
import os
import sys
from types import ModuleType

import torch
from torch import Tensor

from gan.data import Dataset
from gan.errors import UsageError
from gan.metrics.clouds import clouds
from gan.mixtures import Mixture

TRANSPORT_SAMPLES = 1000  # exact in the plane: 0.2 s for 1,000 samples, 1.5 s for 2,000
PROJECTIONS = 64  # 32 bases of the plane, one of 64 features: 20 ms for 1,000 samples


def w1(dataset: Dataset, fake: Tensor, real: Tensor, _rng: torch.Generator) -> float:
    """W₁ = min over couplings of E‖x − y‖₂, exact between the two sets of samples.

    In the plane between the first 1,000 of each. Two sets of samples of one distribution have a
    positive distance too, of the order of N^(−1/2) times the data's extent.

    Raises:
        UsageError: the data are not a mixture.
    """
    if not isinstance(dataset, Mixture):
        raise UsageError(f"{dataset.name} is not a mixture: w1 needs one, sliced_w does not")
    x, y = (samples.detach().to("cpu", torch.float64).numpy() for samples in (fake, real))
    if dataset.shape == (1,):
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(x[:, 0], y[:, 0]))
    from scipy.spatial.distance import cdist

    costs = cdist(x[:TRANSPORT_SAMPLES], y[:TRANSPORT_SAMPLES])
    return float(pot().emd2([], [], costs, numItermax=10_000_000))


def sliced_w(dataset: Dataset, fake: Tensor, real: Tensor, rng: torch.Generator) -> float:
    """Sliced W₂ = √(mean over directions θ of W₂²(θ·x, θ·y)), with 64 directions.

    Between coordinates of mixtures and the classifier's features of images, of the first 1,000 of
    each. On the line it is W₂. A shift by s in d dimensions gives ‖s‖/√d where the directions are
    whole bases. Two sets of samples of one distribution have a positive distance too.

    Reference:
        Bonneel et al. 2015, section 3; the directions, orthogonal d at a time, Rowland et al. 2019.
    """
    points = clouds(dataset, fake, real)
    if points is None:
        return math.nan
    x, y = (p[:TRANSPORT_SAMPLES].detach().to("cpu", torch.float64).numpy() for p in points)
    # POT would draw them from the global generator, or from one it seeds for everyone.
    theta = directions(x.shape[1], rng).numpy()
    return float(pot().sliced_wasserstein_distance(x, y, p=2, projections=theta))


def pot() -> ModuleType:
    """Python Optimal Transport with NumPy and what else the process has imported.

    Left to itself it imports whatever could hold its arrays: seconds, and JAX's threads, of which
    every later fork of the process warns.
    """
    # It asks the environment, once; whatever is imported already costs nothing more.
    others = [name for name in ("jax", "cupy", "tensorflow") if name not in sys.modules]
    variables = {f"POT_BACKEND_DISABLE_{name.upper()}" for name in others} - os.environ.keys()
    os.environ.update(dict.fromkeys(variables, "1"))
    try:
        import ot
    finally:
        for variable in variables:
            del os.environ[variable]
    module: ModuleType = ot
    return module


def directions(dimension: int, rng: torch.Generator) -> Tensor:
    """Uniform on the sphere, independent but for being orthogonal d at a time.

    Args:
        dimension: d.
        rng: where they come from.

    Returns:
        (d, 64) float64 of unit columns on the CPU; (1, 1) on the line, where there is one.

    >>> theta = directions(2, torch.Generator().manual_seed(0))
    >>> bool(((theta.T @ torch.tensor([3.0, 4.0]).double()).square().mean() - 12.5).abs() < 1e-12)
    True
    """
    if dimension == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    shape = (-(-PROJECTIONS // dimension), dimension, dimension)
    gaussian = torch.randn(shape, generator=rng, device=rng.device, dtype=torch.float64)
    bases: Tensor = torch.linalg.qr(gaussian.cpu()).Q
    return bases.transpose(1, 2).reshape(-1, dimension)[:PROJECTIONS].T.contiguous()
