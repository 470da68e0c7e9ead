"""Gaussian mixtures: synthetic data whose density and modes are known exactly."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gan.errors import UsageError


@dataclass(frozen=True, eq=False)
class Mixture:
    """p(x) = 1/M · Σₘ N(x; μₘ, σ²I): equal weights, one isotropic spread.

    Args:
        name: the data set's name.
        shape: one sample's shape, (1,) or (2,).
        centres: (M, d) float64, the means μₘ.
        sigma: σ, a standard deviation (not a variance), in the units of the data.

    Raises:
        UsageError: centres or sigma cannot describe a mixture of that shape.
    """

    name: str
    shape: tuple[int, ...]
    centres: Tensor
    sigma: float

    def __post_init__(self) -> None:
        if self.centres.ndim != 2 or tuple(self.centres.shape[1:]) != self.shape:
            raise UsageError(
                f"{self.name}: centres of shape {tuple(self.centres.shape)} do not fit samples "
                f"of shape {self.shape}: expected (modes, {', '.join(map(str, self.shape))})"
            )
        if len(self.centres) == 0:
            raise UsageError(f"{self.name}: a mixture needs at least one centre")
        if not (0.0 < self.sigma < math.inf):
            raise UsageError(f"{self.name}: sigma {self.sigma} must be positive and finite")

    @property
    def size(self) -> None:
        """None: a density has no end of samples."""
        return

    def sample(self, count: int, rng: torch.Generator) -> Tensor:
        """x = μₘ + σε with m uniform over the modes and ε ~ N(0, I).

        Args:
            count: N, how many samples.
            rng: where the draws come from; its device is the samples' device.

        Returns:
            (N, d) float32.

        Raises:
            UsageError: count is below 1.
        """
        if count < 1:
            raise UsageError(f"cannot draw {count} samples of {self.name}: ask for at least 1")
        device = rng.device
        centres = self.centres.to(device)
        modes = torch.randint(len(centres), (count,), generator=rng, device=device)
        noise = torch.randn(count, *self.shape, generator=rng, device=device, dtype=torch.float64)
        return (centres[modes] + self.sigma * noise).to(torch.float32)

    def log_density(self, x: Tensor) -> Tensor:
        """log p(x), exact, by log-sum-exp over the modes.

        Args:
            x: (N, d), any floating type; computed in float64 on its device.

        Returns:
            (N,) float64, nats.

        Raises:
            UsageError: x is not (N, d).

        >>> standard = Mixture("standard", (1,), torch.zeros(1, 1, dtype=torch.float64), 1.0)
        >>> standard.log_density(torch.zeros(1, 1)).exp()  # 1/√(2π)
        tensor([0.3989], dtype=torch.float64)
        """
        if x.ndim != 2 or tuple(x.shape[1:]) != self.shape:
            raise UsageError(
                f"{self.name}: points of shape {tuple(x.shape)}, expected (N, {self.shape[0]})"
            )
        difference = x.to(torch.float64)[:, None, :] - self.centres.to(x.device)[None, :, :]
        exponents = -0.5 * (difference / self.sigma).square().sum(dim=-1)
        normaliser = self.shape[0] / 2 * math.log(2 * math.pi * self.sigma**2)
        return torch.logsumexp(exponents, dim=1) - normaliser - math.log(len(self.centres))

    def to(self, device: torch.device | str) -> "Mixture":
        """The same mixture with its centres on a device."""
        return replace(self, centres=self.centres.to(device))


def gaussian1d(_data_dir: Path | None = None) -> Mixture:
    """N(4, 0.5²) on the line: D* and the Jensen-Shannon divergence are computable exactly.

    4 and 0.5 are common in one-dimensional demonstrations of GANs. The mean is 8σ from zero,
    where an untrained generator puts its samples: the discriminator can tell the two apart
    perfectly at first, which is the case that Eq. 2 was made for.
    """
    return Mixture("gaussian1d", (1,), torch.tensor([[4.0]], dtype=torch.float64), 0.5)


def ring(_data_dir: Path | None = None) -> Mixture:
    """8 Gaussians, σ = 0.01, evenly on the unit circle.

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1; after Srivastava et al. 2017 (VEEGAN).
    """
    # linspace(0, 2π, 8) would put the last mode on the first: seven modes.
    angles = torch.arange(8, dtype=torch.float64) * (2 * math.pi / 8)
    return Mixture("ring", (2,), torch.stack([angles.cos(), angles.sin()], dim=1), 0.01)


def grid(_data_dir: Path | None = None) -> Mixture:
    """25 Gaussians, σ = 0.05, on the lattice {−4, −2, 0, 2, 4}².

    Reference:
        Lin et al. 2018 (PacGAN), section 4.1; after Srivastava et al. 2017 (VEEGAN).
    """
    axis = torch.arange(-4, 5, 2, dtype=torch.float64)
    return Mixture("grid", (2,), torch.cartesian_prod(axis, axis), 0.05)
