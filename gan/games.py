"""GAMES: the combinations that papers gave a name, so that one word stands for a method.

A game is what the two players minimise and what constrains the discriminator. How they are
optimised (rule, rates, discriminator steps, batch) is the run's to say, so that games can be
compared with everything else equal; their papers chose those too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gan.errors import UsageError, unknown


@dataclass(frozen=True)
class Recipe:
    """What a named game fixes.

    Args:
        loss: a name of LOSSES.
        penalty: a name of PENALTIES, at its usual weight: that of its paper.
        weight_clip: bound c of the critic's weights; None is the run's own rule.
        pack: m, samples that the discriminator judges at once.
        models: names of MODELS whose discriminator is constrained as the game needs it, the usual
            one first; any model if empty.
        reference: the paper that named it.
    """

    loss: str
    penalty: str = "none"
    weight_clip: float | None = None
    pack: int = 1
    models: Sequence[str] = ()
    reference: str = ""

    def summary(self) -> str:
        """One line: loss, penalty, constraint and source.

        >>> GAMES["wgan"].summary()
        'wasserstein, weights within ±0.01: Arjovsky et al. 2017'
        """
        parts = [self.loss]
        parts += [f"penalty {self.penalty}"] if self.penalty != "none" else []
        parts += [f"weights within ±{self.weight_clip:g}"] if self.weight_clip else []
        parts += [f"packs of {self.pack}"] if self.pack > 1 else []
        parts += [f"model {' or '.join(self.models)}"] if self.models else []
        return ", ".join(parts) + (f": {self.reference}" if self.reference else "")

    def model(self, wanted: str | None, usual: str = "mlp") -> str:
        """The model to play with.

        Args:
            wanted: what the user asked for, or None.
            usual: what is used if neither the user nor the game says.

        Returns:
            A name of MODELS, if the user's is one.

        Raises:
            UsageError: the game needs another discriminator.

        >>> GAMES["sngan"].model(None)
        'mlp_spectral'
        """
        if wanted is not None and self.models and wanted not in self.models:
            raise UsageError(
                f"model {wanted} does not constrain its discriminator as this game needs: "
                f"choose from {', '.join(self.models)}"
            )
        return wanted or (self.models[0] if self.models else usual)


def recipe(game: str | None, loss: str | None = None, penalty: str | None = None) -> Recipe:
    """A game by its name, or by its loss and penalty.

    Args:
        game: a name of GAMES, or None.
        loss: a name of LOSSES; None is non_saturating.
        penalty: a name of PENALTIES; None is none.

    Returns:
        What the game fixes.

    Raises:
        UsageError: an unknown game, or a game and one of its parts.

    >>> recipe("r3gan").penalty
    'r1_r2'
    >>> recipe(None, loss="hinge").loss
    'hinge'
    """
    if game is None:
        return Recipe(loss or "non_saturating", penalty or "none")
    if game not in GAMES:
        raise unknown("game", game, GAMES)
    for part, given in (("loss", loss), ("penalty", penalty)):
        if given is not None:
            raise UsageError(f"game {game} has a {part} of its own: leave out --{part} or --game")
    return GAMES[game]


_SPECTRAL = ("mlp_spectral", "dcgan_spectral")
_RELATIVISTIC = "Jolicoeur-Martineau 2018"

GAMES: dict[str, Recipe] = {
    "mm_gan": Recipe("saturating", reference="Goodfellow et al. 2014, Eq. 1"),
    "ns_gan": Recipe("non_saturating", reference="Goodfellow et al. 2014, section 3"),
    "lsgan": Recipe("least_squares", reference="Mao et al. 2016"),
    "wgan": Recipe("wasserstein", weight_clip=0.01, reference="Arjovsky et al. 2017"),
    "wgan_gp": Recipe("wasserstein", "wgan_gp", reference="Gulrajani et al. 2017"),
    "wgan_lp": Recipe("wasserstein", "wgan_lp", reference="Petzka et al. 2017"),
    "dragan": Recipe("non_saturating", "dragan", reference="Kodali et al. 2017"),
    "pacgan2": Recipe("non_saturating", pack=2, reference="Lin et al. 2018"),
    "geometric_gan": Recipe("hinge", reference="Lim & Ye 2017"),
    "sngan": Recipe("hinge", models=_SPECTRAL, reference="Miyato et al. 2018"),
    "gan_r1": Recipe("non_saturating", "r1", reference="Mescheder et al. 2018, γ = 10"),
    "rsgan": Recipe("relativistic_pairing", reference=_RELATIVISTIC),
    "rasgan": Recipe("relativistic_average", reference=_RELATIVISTIC),
    "ralsgan": Recipe("relativistic_average_least_squares", reference=_RELATIVISTIC),
    "rahingegan": Recipe("relativistic_average_hinge", reference=_RELATIVISTIC),
    # Its paper tunes γ to the data; the penalty's usual weight is Mescheder's.
    "r3gan": Recipe("relativistic_pairing", "r1_r2", reference="Huang et al. 2024"),
}
