"""The rows of published tables: which runs they are, and that each profile has them all."""

from collections import Counter

import pytest

from bench.matrix import Cell, matrix
from bench.reproduction import PAPER_STEPS
from gan.data import load
from gan.run import Run

LONG = ("reproduction_short", "reproduction", "full")
PLANE = {(data, pack) for data in ("ring", "grid") for pack in (1, 2)}
GAMES = {
    (loss, penalty)
    for loss in ("non_saturating", "relativistic_pairing")
    for penalty in ("r1", "r2", "r1_r2")
}


def rows(profile: str, variant: str) -> list[Cell]:
    """The cells of a profile's reproduction studies of one variant."""
    cells = matrix(profile, {}, ["reproduction"]).cells
    return [cell for cell in cells if cell.variant.split()[0] == variant]


@pytest.mark.parametrize(
    ("profile", "trials"), [("reproduction_short", 8), ("reproduction", 10), ("full", 10)]
)
def test_ring_and_grid_with_and_without_packing(profile: str, trials: int) -> None:
    """PacGAN's trials are ten; eight are the fewest that an interval is drawn from."""
    counted = Counter((c.run.data, c.run.pack) for c in rows(profile, "pacgan_2d"))
    assert counted == dict.fromkeys(PLANE, trials)


@pytest.mark.parametrize("profile", [*LONG, "smoke"])
def test_the_plane_has_the_papers_protocol(profile: str) -> None:
    """Networks, loss, optimiser, batch and the generator itself are those of the authors' code."""
    for cell in rows(profile, "pacgan_2d"):
        run = cell.run
        assert (run.model, run.loss, run.penalty) == ("pacgan", "non_saturating", "none")
        assert run.generator_learning_rate == run.discriminator_learning_rate == 1e-4
        assert (run.optimiser, run.beta1, run.beta2) == ("adam", 0.8, 0.999)
        assert (run.batch_size, run.discriminator_steps) == (100, 1)
        assert run.average_decay == 0
        assert run.evaluation_samples == (200 if profile == "smoke" else 2500)
        assert cell.variant == f"pacgan_2d pack={run.pack}"


@pytest.mark.parametrize(
    ("profile", "data"),
    [
        ("reproduction_short", {"stacked_digits": 8}),
        ("reproduction", {"stacked_digits": 10, "stacked_fashion_mnist": 5}),
        ("full", {"stacked_digits": 10, "stacked_fashion_mnist": 10}),
    ],
)
def test_six_games_on_each_set_of_stacks(profile: str, data: dict[str, int]) -> None:
    """Both losses under each penalty, on 26,000 samples."""
    cells = [cell for cell in rows(profile, "stacked") if cell.run.model == "dcgan_layernorm"]
    counted = Counter((c.run.data, c.run.loss, c.run.penalty) for c in cells)
    assert counted == {(name, *game): seeds for name, seeds in data.items() for game in GAMES}
    assert {cell.run.evaluation_samples for cell in cells} == {26_000}
    assert {cell.run.penalty_weight for cell in cells} == {5.0}
    assert {cell.run.pack for cell in cells} == {1}


@pytest.mark.parametrize(
    ("profile", "data"),
    [
        ("reproduction_short", {"stacked_digits": 8}),
        ("reproduction", {"stacked_digits": 10, "stacked_fashion_mnist": 5}),
        ("full", {"stacked_digits": 10, "stacked_fashion_mnist": 10}),
    ],
)
def test_dcgan_with_and_without_packing_on_each_set(profile: str, data: dict[str, int]) -> None:
    """PacDCGAN2 beside DCGAN, the generator itself evaluated on 26,000 samples."""
    cells = [cell for cell in rows(profile, "stacked") if cell.run.model == "dcgan"]
    counted = Counter((c.run.data, c.run.pack) for c in cells)
    assert counted == {(name, pack): seeds for name, seeds in data.items() for pack in (1, 2)}
    for cell in cells:
        run = cell.run
        assert (run.loss, run.penalty, run.average_decay) == ("non_saturating", "none", 0)
        assert (run.generator_learning_rate, run.beta1, run.batch_size) == (2e-4, 0.5, 64)
        assert run.evaluation_samples == 26_000


def test_full_has_the_papers_length() -> None:
    """400 epochs of 1,000 minibatches; the other profiles stop before."""
    steps = {p: {cell.run.steps for cell in rows(p, "pacgan_2d")} for p in LONG}
    assert steps["full"] == {PAPER_STEPS} == {400 * 1000}
    assert max(steps["reproduction_short"]) < max(steps["reproduction"]) < PAPER_STEPS


def test_the_short_profile_is_about_an_hour_and_a_half_of_two_cores() -> None:
    """By the updates that were measured: 36 ms in the plane, 18 ms on 8×8 stacks."""
    cells = matrix("reproduction_short", {}, ["reproduction"]).cells
    seconds = sum(
        cell.run.steps * (0.036 if cell.run.model == "pacgan" else 0.018) for cell in cells
    )
    assert 2 * 4500 < seconds < 2 * 6300


@pytest.mark.parametrize("profile", ["reproduction_short", "reproduction"])
def test_a_profile_of_published_rows_has_nothing_else(profile: str) -> None:
    """No timing and no experiment but the Dirac-GAN, whose rows these are, too."""
    cells = matrix(profile, {}).cells
    assert {cell.kind for cell in cells} == {"reproduction", "dirac"}
    games = {(c.run.loss, c.run.penalty, c.run.weight_clip) for c in cells if c.kind == "dirac"}
    losses = ("saturating", "non_saturating", "wasserstein", "relativistic_pairing")
    expected = {(loss, p, 0.0) for loss in losses for p in ("none", "r1", "r2", "wgan_gp")}
    assert games == expected | {("wasserstein", "none", 0.01)}


def test_every_run_can_be_made() -> None:
    """Each short run passes the check that precedes its work."""
    cells = matrix("reproduction_short", {}, ["reproduction"]).cells
    for run in {row_of(cell.run) for cell in cells}:
        run.check(load(run.data))


def row_of(run: Run) -> Run:
    """The run of a row's first seed."""
    fields = run.as_dict() | {"seed": 0}
    return Run(**fields)  # type: ignore[arg-type]  # the fields of another run
