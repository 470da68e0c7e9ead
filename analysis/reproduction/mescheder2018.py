"""The Dirac-GAN's rows: which methods converge, and at which rate."""

from collections.abc import Mapping

from analysis.reproduction.dirac import (
    CONVERGES,
    DIVERGES,
    DOES_NOT_CONVERGE,
    NOT_LINEARLY,
    ORBITS,
    Behaviour,
    class_row,
)
from analysis.reproduction.protocol import Paper, Protocol
from analysis.reproduction.row import Row

GROUP = "The Dirac-GAN: data at 0, G a point θ, D(x) = ψx"

COMMAND = "python -m pytest bench/ --profile reproduction --kinds dirac"

EIGENVALUES = "eigenvalues −γ/2 ± √(γ²/4 − ¼)"

MESCHEDER = Paper(
    GROUP,
    "Mescheder et al. 2018, sections 2 and 3",
    "classes as quoted; the abstract (unregularised GAN, WGAN and WGAN-GP do not always converge, "
    "zero-centred penalties do) and the authors' vector fields (github.com/LMescheder/"
    "GAN_stability, notebooks/diracgan) were checked, and the eigenvalues follow from these",
    Protocol({}, 0),
)
WGAN = Paper(GROUP, MESCHEDER.table, MESCHEDER.source, Protocol({"weight_clip": 0.3}, 0))
WGAN_GP = Paper(
    GROUP,
    MESCHEDER.table,
    MESCHEDER.source,
    Protocol({}, 0, ("the slope asked for is 1, in the authors' code 0.3",)),
)
HUANG = Paper(
    GROUP,
    "Huang et al. 2024, appendix B",
    "checked against the paper (its Eq. 12 prints f′(0) under the root, where the Jacobian above "
    "it gives f′(0)²)",
    Protocol(
        {},
        0,
        ("G minimises −log σ of the difference, there log(1 − σ): the eigenvalues are the same",),
    ),
)


def everywhere(classes: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """The same under both update rules."""
    return {"simultaneous": classes, "alternating": classes}


def regularised(what: str, paper: Paper, loss: str, penalty: str) -> Row:
    """A method that converges under both update rules, at the rate of its eigenvalues."""
    behaviour = Behaviour(loss, penalty, everywhere(CONVERGES), has_rate=True)
    return class_row(paper, what, behaviour, f"converges: {EIGENVALUES}", COMMAND)


ROWS: Mapping[str, Row] = {
    "dirac_gan": class_row(
        MESCHEDER,
        "GAN, unregularised",
        Behaviour("saturating", "none", {"simultaneous": DIVERGES, "alternating": ORBITS}),
        "eigenvalues ±i/2: simultaneous updates spiral out, alternating ones orbit",
        COMMAND,
    ),
    "dirac_ns_gan": class_row(
        MESCHEDER,
        "non-saturating GAN, unregularised",
        Behaviour("non_saturating", "none", everywhere(NOT_LINEARLY)),
        "eigenvalues ±i/2: does not converge linearly",
        COMMAND,
    ),
    "dirac_wgan": class_row(
        WGAN,
        "WGAN with weight clipping",
        Behaviour("wasserstein", "none", everywhere(DOES_NOT_CONVERGE), clips=True),
        "does not converge",
        COMMAND,
    ),
    "dirac_wgan_gp": class_row(
        WGAN_GP,
        "WGAN-GP",
        Behaviour("wasserstein", "wgan_gp", everywhere(DOES_NOT_CONVERGE)),
        "does not converge",
        COMMAND,
    ),
    "dirac_gan_r1": regularised("GAN + R1", MESCHEDER, "saturating", "r1"),
    "dirac_gan_r2": regularised("GAN + R2", MESCHEDER, "saturating", "r2"),
    "dirac_ns_gan_r1": regularised("non-saturating GAN + R1", MESCHEDER, "non_saturating", "r1"),
    "dirac_ns_gan_r2": regularised("non-saturating GAN + R2", MESCHEDER, "non_saturating", "r2"),
    "dirac_rpgan": class_row(
        HUANG,
        "RpGAN, unregularised",
        Behaviour("relativistic_pairing", "none", everywhere(NOT_LINEARLY)),
        "eigenvalues ±i/2: does not converge linearly",
        COMMAND,
    ),
    "dirac_rpgan_r1": regularised("RpGAN + R1", HUANG, "relativistic_pairing", "r1"),
    "dirac_rpgan_r2": regularised("RpGAN + R2", HUANG, "relativistic_pairing", "r2"),
}
