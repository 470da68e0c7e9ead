"""The studies of the Dirac-GAN: which cells they make, and that the experiment takes each."""

import signal
from pathlib import Path

import pytest

from bench import dirac
from bench.matrix import Cell, matrix
from bench.profiles import PROFILES
from gan.dirac import dirac_experiment
from gan.losses import LOSSES
from gan.penalties import PENALTIES

ROOT = Path(__file__).parents[2]
COMPUTING = [name for name in PROFILES if name not in ("peers", "overhead")]


def cells(profile: str) -> list[Cell]:
    """The cells of the kind in a profile."""
    return list(matrix(profile, {}, ["dirac"]).cells)


@pytest.mark.parametrize("profile", ["quick", "ledger"])
def test_every_loss_is_played_with_the_common_penalties(profile: str) -> None:
    """Fifteen losses by four, and WGAN clipped."""
    found = [(cell.run.loss, cell.run.penalty) for cell in cells(profile)]
    wanted = [(loss, name) for loss in LOSSES for name in ("none", "r1", "r2", "wgan_gp")]
    assert sorted(found) == sorted([*wanted, ("wasserstein", "none")])


def test_the_full_ledger_has_every_penalty() -> None:
    """And WGAN clipped, once."""
    found = [(cell.run.loss, cell.run.penalty) for cell in cells("ledger_full")]
    wanted = [(loss, penalty) for loss in LOSSES for penalty in PENALTIES]
    assert sorted(found) == sorted([*wanted, ("wasserstein", "none")])


def test_smoke_has_two_losses_and_two_penalties() -> None:
    """Four cells, none of them clipped."""
    assert len(cells("smoke")) == 4
    assert {cell.run.weight_clip for cell in cells("smoke")} == {0.0}


def test_one_game_is_clipped() -> None:
    """WGAN at its paper's 0.01, long enough to come near the data: told apart by its variant."""
    (clipped,) = [cell for cell in cells("ledger") if cell.run.weight_clip]
    assert (clipped.variant, clipped.run.weight_clip, clipped.run.steps) == ("clipped", 0.01, 2000)


def test_without_wgan_nothing_is_clipped() -> None:
    """Its paper alone clips."""
    assert [study.variant for study in dirac.studies(("hinge",), ("r1",))] == ["", ""]


@pytest.mark.parametrize("profile", COMPUTING)
def test_every_profile_has_the_kind(profile: str) -> None:
    """It takes seconds."""
    assert cells(profile)


@pytest.mark.parametrize("profile", COMPUTING)
def test_all_is_plain_gradient_descent_in_float64(profile: str) -> None:
    """One rate of 0.2 for both players; a weight only beside a penalty."""
    for cell in cells(profile):
        run = cell.run
        assert (run.optimiser, run.momentum, run.precision) == ("sgd", 0.0, "float64")
        assert run.generator_learning_rate == run.discriminator_learning_rate == 0.2
        assert run.penalty_weight == (0.0 if run.penalty == "none" else 0.3)


def test_the_experiment_takes_a_cell_as_it_is() -> None:
    """No field of the studies is one that it refuses."""
    cell = cells("smoke")[-1]
    assert dirac_experiment(cell.run).stopped_step == cell.run.steps == 500


def test_formats_that_were_chosen_for_other_kinds_leave_this_one_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the reason, whatever the order: what is played is played in float64."""
    monkeypatch.chdir(ROOT)
    handler = signal.getsignal(signal.SIGTERM)
    chosen = ["--profile", "smoke", "--kinds", "dirac", "--precisions", "float32,float64"]
    try:
        status = pytest.main(["bench/", "--collect-only", "-p", "no:cacheprovider", *chosen])
    finally:
        signal.signal(signal.SIGTERM, handler)
    told = capfd.readouterr().out
    assert status == pytest.ExitCode.OK
    assert "4 cells" in told
    assert "left out: the Dirac-GAN is judged in float64" in told
    assert told.count("test_dirac[device=cpu,precision=float64") == 4
    assert "precision=float32" not in told
