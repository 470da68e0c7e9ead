"""The rows of published tables as studies: Dirac-GANs, PacGAN's, R3GAN's ablation on stacks.

Which protocol each follows, and in what ours differs: docs/decisions/0018-published-rows.md.
"""

from collections.abc import Iterable

from bench import dirac
from bench.study import Settings, Study

PAPER_STEPS = 400_000
"""Updates of PacGAN's experiments in the plane: 400 epochs of 1,000 minibatches."""

# PacGAN's networks, optimiser and metric. It evaluates G itself, not its moving average.
_PLANE: Settings = {
    "generator_learning_rate": 1e-4,
    "discriminator_learning_rate": 1e-4,
    "beta1": 0.8,
    "average_decay": 0.0,
    "evaluation_samples": 2500,
}

# 26 samples for each of the 1,000 modes of stacks. DCGAN's rate and β₁ are Run's own.
_STACKS: Settings = {"evaluation_samples": 26_000}


def plane(seeds: int, settings: Settings) -> Study:
    """PacGAN's ring and grid, GAN against PacGAN2.

    Args:
        seeds: trials; the paper's 10.
        settings: `steps` and `records`, and what differs from the paper's.

    Returns:
        A study of four rows.

    Reference:
        Lin et al. 2018, "PacGAN", Table 1.
    """
    axes = {
        "model": ("pacgan",),
        "data": ("ring", "grid"),
        "pack": (1, 2),
        "batch_size": (100,),
        "seed": tuple(range(seeds)),
    }
    return Study("reproduction", axes, {**_PLANE, **settings}, variant="pacgan_2d")


def packed_stacks(data: Iterable[str], seeds: int, settings: Settings) -> Study:
    """PacGAN's stacked images: DCGAN against PacDCGAN2.

    Args:
        data: stacked sets, by name.
        seeds: trials; the paper's 10.
        settings: `steps` and `records`, and what differs from the usual.

    Returns:
        A study of two rows for each set.

    Reference:
        Lin et al. 2018, "PacGAN", section 4.2, the experiment after VEEGAN.
    """
    axes = {
        "model": ("dcgan",),
        "data": tuple(data),
        "pack": (1, 2),
        "seed": tuple(range(seeds)),
    }
    itself: Settings = {"average_decay": 0.0}
    return Study("reproduction", axes, {**_STACKS, **itself, **settings}, variant="stacked")


def stacks(data: Iterable[str], seeds: int, settings: Settings) -> Study:
    """R3GAN's ablation on stacked images: either loss under R1, R2 or both.

    Args:
        data: stacked sets, by name.
        seeds: trials.
        settings: `steps` and `records`, and what differs from the usual.

    Returns:
        A study of six rows for each set.

    Reference:
        Huang et al. 2024, "The GAN is dead; long live the GAN!", Table 1.
    """
    axes = {
        "model": ("dcgan_layernorm",),
        "data": tuple(data),
        "loss": ("non_saturating", "relativistic_pairing"),
        "penalty": ("r1", "r2", "r1_r2"),
        "seed": tuple(range(seeds)),
    }
    return Study("reproduction", axes, {**_STACKS, **settings}, variant="stacked")


# Mescheder's and R3GAN's Dirac-GANs: seconds.
_DIRAC = dirac.studies(
    ("saturating", "non_saturating", "wasserstein", "relativistic_pairing"), ("r1", "r2", "wgan_gp")
)

_DIGITS, _FASHION = ("stacked_digits",), ("stacked_fashion_mnist",)

# About an hour and a half of two cores: the plane's 192,000 updates take 36 ms each on one, the
# stacks' 128,000 18 ms. Eight seeds are the fewest that an interval is drawn from.
SHORT: tuple[Study, ...] = (
    *_DIRAC,
    plane(8, {"steps": 6000, "records": 6}),
    packed_stacks(_DIGITS, 8, {"steps": 2000, "records": 2}),
    stacks(_DIGITS, 8, {"steps": 2000, "records": 2}),
)

# About a day of two cores; an update on 28×28 pixels takes 0.3 s.
DAY: tuple[Study, ...] = (
    *_DIRAC,
    plane(10, {"steps": 60_000, "records": 20}),
    packed_stacks(_DIGITS, 10, {"steps": 20_000, "records": 4}),
    stacks(_DIGITS, 10, {"steps": 20_000, "records": 4}),
    packed_stacks(_FASHION, 5, {"steps": 5000, "records": 2}),
    stacks(_FASHION, 5, {"steps": 5000, "records": 2}),
)

# The lengths of the papers, PacGAN's 50 epochs of 2,000 minibatches of stacks among them.
PAPERS: tuple[Study, ...] = (
    plane(10, {"steps": PAPER_STEPS, "records": 40}),
    packed_stacks(_DIGITS + _FASHION, 10, {"steps": 100_000, "records": 10}),
    stacks(_DIGITS + _FASHION, 10, {"steps": 100_000, "records": 10}),
)
