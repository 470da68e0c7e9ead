"""The rate at which the published eigenvalues of the Dirac-GAN let a method converge."""

import math

import numpy as np

SLOPE = 0.5
"""f′(0) of f(t) = −log(1 + e⁻ᵗ)."""

ROUNDING = 1e-12
"""A spectral radius this close to 1 is 1."""


def published_rate(gamma: float, learning_rate: float, updates: str) -> float:
    """log ρ per update of both players, ρ the spectral radius of the update rule at (0, 0).

    The field's Jacobian is [[0, −½], [½, −γ]], whose eigenvalues are −γ/2 ± √(γ²/4 − ¼).

    Args:
        gamma: γ of the penalty γ/2·ψ².
        learning_rate: h of both players.
        updates: "simultaneous", the rule I + hJ; or "alternating", G's rule and then D's.

    Returns:
        Below 0 where it converges.

    Reference:
        Mescheder et al. 2018, sections 2 and 3; Huang et al. 2024, Lemma B.4.

    >>> round(published_rate(0.0, 0.2, "simultaneous"), 6), published_rate(0.0, 0.2, "alternating")
    (0.004975, 0.0)
    """
    h = learning_rate
    of_generator = np.array([[1.0, -h * SLOPE], [0.0, 1.0]])
    of_discriminator = np.array([[1.0, 0.0], [h * SLOPE, 1.0 - h * gamma]])
    rule = of_generator + of_discriminator - np.eye(2)
    if updates == "alternating":
        rule = of_discriminator @ of_generator
    radius = float(np.abs(np.linalg.eigvals(rule)).max())
    if abs(radius - 1) <= ROUNDING:
        return 0.0
    return math.log(radius) if radius > 0 else -math.inf
