"""Named games: what each fixes, and every mistake in one line."""

import re

import pytest

from gan.errors import UsageError
from gan.games import GAMES, Recipe, recipe
from gan.losses import LOSSES
from gan.models import MODELS
from gan.penalties import PENALTIES
from gan.run import Run

# What the papers say: loss, penalty, coefficient of its mean, bound of the weights.
PUBLISHED: dict[str, tuple[str, str, float, float]] = {
    "mm_gan": ("saturating", "none", 0, 0),
    "ns_gan": ("non_saturating", "none", 0, 0),
    "lsgan": ("least_squares", "none", 0, 0),
    "wgan": ("wasserstein", "none", 0, 0.01),
    "wgan_gp": ("wasserstein", "wgan_gp", 10, 0),
    "wgan_lp": ("wasserstein", "wgan_lp", 10, 0),
    "dragan": ("non_saturating", "dragan", 10, 0),
    "pacgan2": ("non_saturating", "none", 0, 0),
    "geometric_gan": ("hinge", "none", 0, 0),
    "sngan": ("hinge", "none", 0, 0),
    "gan_r1": ("non_saturating", "r1", 10 / 2, 0),
    "rsgan": ("relativistic_pairing", "none", 0, 0),
    "rasgan": ("relativistic_average", "none", 0, 0),
    "ralsgan": ("relativistic_average_least_squares", "none", 0, 0),
    "rahingegan": ("relativistic_average_hinge", "none", 0, 0),
    "r3gan": ("relativistic_pairing", "r1_r2", 10 / 2, 0),
}


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_as_published(name: str) -> None:
    """The run that a game makes has the loss, penalty, weight and clipping of its paper."""
    game = GAMES[name]
    run = Run(
        loss=game.loss,
        penalty=game.penalty,
        weight_clip=game.weight_clip,
        model=game.model(None),
    )
    assert (run.loss, run.penalty, run.penalty_weight, run.weight_clip) == PUBLISHED[name]


def test_games_name_what_exists() -> None:
    """Every loss, penalty and model of a game is in the catalogue."""
    for game in GAMES.values():
        assert game.loss in LOSSES
        assert game.penalty in PENALTIES
        assert set(game.models) <= set(MODELS)


def test_no_two_games_are_the_same() -> None:
    """Each name adds something."""
    fixed = [
        (game.loss, game.penalty, game.weight_clip, game.pack, *game.models)
        for game in GAMES.values()
    ]
    assert len(set(fixed)) == len(fixed)


def test_pacgan_alone_packs() -> None:
    """PacGAN2 judges pairs, on any model; every other game judges samples, and says no more."""
    assert {name: game.pack for name, game in GAMES.items() if game.pack > 1} == {"pacgan2": 2}
    assert GAMES["pacgan2"].summary() == "non_saturating, packs of 2: Lin et al. 2018"
    assert GAMES["pacgan2"].model("pacgan") == "pacgan"


def test_models_of_sngan_are_all_that_normalise_their_weights() -> None:
    """A spectrally normalised model that joins the catalogue joins this game."""
    normalised = {name for name, model in MODELS.items() if model.normalises_weights}
    assert set(GAMES["sngan"].models) == normalised


def test_without_a_game_a_loss_and_a_penalty_stand_for_themselves() -> None:
    """None is the run's own default."""
    assert recipe(None) == Recipe(Run().loss, Run().penalty)
    assert recipe(None, "hinge", "r1") == Recipe("hinge", "r1")
    assert recipe(None).model(None) == Run().model


def test_an_unknown_game_lists_those_that_are() -> None:
    """One line, with every name."""
    message = f"unknown game 'r4gan': choose from {', '.join(GAMES)}"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        recipe("r4gan")


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("part", ["loss", "penalty"])
def test_a_part_beside_a_game_is_refused(name: str, part: str) -> None:
    """Even the part that the game has: which one is meant should not need a guess."""
    given = {"loss": (GAMES[name].loss, None), "penalty": (None, GAMES[name].penalty)}[part]
    message = f"game {name} has a {part} of its own: leave out --{part} or --game"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        recipe(name, *given)


def test_sngan_takes_spectral_models_alone() -> None:
    """The usual one is for points and images alike; a plain discriminator is refused."""
    sngan = GAMES["sngan"]
    assert sngan.model(None) == "mlp_spectral"
    assert sngan.model("dcgan_spectral") == "dcgan_spectral"
    message = (
        "model dcgan does not constrain its discriminator as this game needs: "
        "choose from mlp_spectral, dcgan_spectral"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        sngan.model("dcgan")


def test_a_game_without_a_model_takes_any() -> None:
    """The user's model, or mlp."""
    assert GAMES["r3gan"].model("dcgan_layernorm") == "dcgan_layernorm"
    assert GAMES["r3gan"].model(None) == "mlp"
