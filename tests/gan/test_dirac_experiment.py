"""What a cell of the Dirac-GAN stores: paths, eigenvalues, verdicts and the field."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from gan import store
from gan.dirac import dirac_experiment, simulate, update_eigenvalues, verdict
from gan.dirac_facts import GRID
from gan.errors import UsageError
from gan.run import Run
from gan.step import PRECISIONS

PLAIN = Run(
    loss="saturating",
    penalty="r1",
    penalty_weight=0.3,
    optimiser="sgd",
    momentum=0.0,
    precision="float64",
    generator_learning_rate=0.2,
    discriminator_learning_rate=0.2,
    steps=12,
)


def test_the_experiment_has_both_rules_step_by_step() -> None:
    """The rows are those of simulate, from step 0 to the last."""
    stored = dirac_experiment(PLAIN)
    assert (stored.kind, stored.status, stored.message) == ("dirac", "finished", "")
    assert stored.stopped_step == 12
    for updates in ("simultaneous", "alternating"):
        rows = [row for row in stored.rows if row["updates"] == updates]
        assert [row["step"] for row in rows] == list(range(13))
        found = np.array([[row["theta"], row["psi"]] for row in rows], dtype=float)
        assert np.array_equal(found, simulate("saturating", "r1", 0.3, steps=12, updates=updates))


def test_the_experiment_tells_eigenvalues_radii_and_the_field() -> None:
    """γ = 0.6: −0.3 ± 0.4i; the field is the closed form on the grid, θ varying fastest."""
    facts = dirac_experiment(PLAIN).facts
    assert facts["eigenvalues_real"] == pytest.approx([-0.3, -0.3], abs=1e-12)
    assert sorted(facts["eigenvalues_imaginary"]) == pytest.approx([-0.4, 0.4], abs=1e-12)  # type: ignore[call-overload]  # a list
    assert facts["radius_simultaneous"] == pytest.approx(abs(1 + 0.2 * (-0.3 + 0.4j)), abs=1e-12)
    assert facts["radius_alternating"] == pytest.approx(math.sqrt(1 - 0.2 * 0.6), abs=1e-12)
    assert facts["grid"] == list(GRID)
    assert GRID[0] == -GRID[-1] == -2.2
    psi, theta = (side.ravel() for side in np.meshgrid(GRID, GRID, indexing="ij"))
    felt = expit(psi * theta)
    expected = (psi * felt, -theta * felt - 0.6 * psi)
    for name, values in zip(("field_theta", "field_psi"), expected, strict=True):
        np.testing.assert_allclose(np.asarray(facts[name]), values, rtol=1e-12, atol=1e-14)


def test_the_experiment_tells_the_verdict_on_either_path() -> None:
    """That of the path and its radius, field by field; no revolution in twelve steps: null."""
    stored = dirac_experiment(PLAIN)
    for rule in ("simultaneous", "alternating"):
        path = simulate("saturating", "r1", 0.3, steps=12, updates=rule)
        expected = asdict(verdict(path, update_eigenvalues("saturating", "r1", 0.3, updates=rule)))
        assert math.isnan(expected["period_steps"])
        found = {name: stored.facts[f"{name}_{rule}"] for name in expected}
        assert found == {**expected, "period_steps": None}


def test_a_game_that_arrives_at_once_has_no_measured_rate() -> None:
    """WGAN with R1 at rate 1 and weight 1 is nilpotent, at the data in two steps: null."""
    rates = dict.fromkeys(("generator_learning_rate", "discriminator_learning_rate"), 1.0)
    stored = dirac_experiment(replace(PLAIN, loss="wasserstein", penalty_weight=1.0, **rates))  # type: ignore[arg-type]  # fields by name
    told = [stored.facts[f"{name}_simultaneous"] for name in ("predicted", "measured", "theta")]
    assert told == ["converges", "converges", 0]
    assert stored.facts["measured_rate_simultaneous"] is None
    assert [stored.rows[2][name] for name in ("theta", "psi")] == [0, 0]


def test_the_experiment_has_a_rate_for_each_player() -> None:
    """G at 0.5 and D at 0.1, by hand from (1, 1) on WGAN."""
    run = replace(
        PLAIN,
        loss="wasserstein",
        penalty="none",
        penalty_weight=0.0,
        weight_clip=0.0,
        generator_learning_rate=0.5,
        discriminator_learning_rate=0.1,
    )
    stored = dirac_experiment(run)
    second, last = stored.rows[1], stored.rows[14]
    assert (second["theta"], second["psi"]) == (1.5, 0.9)
    assert (last["theta"], last["psi"]) == (1.5, pytest.approx(0.85))
    assert stored.facts["radius_simultaneous"] == pytest.approx(math.sqrt(1.05))


def test_wgan_is_clipped_as_its_paper_has_it() -> None:
    """The run's usual clip of 0.01 is honoured."""
    stored = dirac_experiment(replace(PLAIN, loss="wasserstein", penalty="none", weight_clip=None))
    assert max(abs(float(str(row["psi"]))) for row in stored.rows if row["step"] != 0) == 0.01


def test_divergence_is_a_result(tmp_path: Path) -> None:
    """Null once not finite, status finished, and the file gives every number back."""
    run = replace(
        PLAIN,
        loss="maximum_likelihood",
        penalty="wgan_gp",
        penalty_weight=10.0,
        steps=200,
    )
    stored = dirac_experiment(run)
    assert stored.status == "finished"
    assert stored.rows[200]["theta"] is None
    assert stored.facts["eigenvalues_real"] == []
    for rule in ("simultaneous", "alternating"):
        told = [stored.facts[f"{name}_{rule}"] for name in ("predicted", "measured")]
        assert told == ["undefined", "diverges"]
        lost = [stored.facts[f"{name}_{rule}"] for name in ("radius", "predicted_rate", "theta")]
        assert lost == [None] * 3
    read = store.read(store.write(tmp_path, stored))
    assert read is not None
    assert read.rows == list(stored.rows)
    assert read.facts == stored.facts


@pytest.mark.parametrize("precision", sorted(set(PRECISIONS) - {"float64"}))
def test_another_format_is_refused(precision: str) -> None:
    """A path that converges would stop at its least number, which is no verdict on the game.

    The error blames no field: a profile's other cells may have the format that the user chose.
    """
    with pytest.raises(UsageError) as caught:
        dirac_experiment(replace(PLAIN, precision=precision))
    assert str(caught.value) == (
        "the Dirac-GAN is judged in float64, where distances can fall to 1e-150: precision must "
        f"be float64, not {precision}"
    )
    assert caught.value.field == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser": "adam"}, "optimiser must be sgd, not adam"),
        ({"momentum": 0.5}, "momentum must be 0, not 0.5"),
        ({"discriminator_steps": 2}, "discriminator_steps must be 1, not 2"),
        ({"head_start": 3}, "head_start must be 0, not 3"),
    ],
)
def test_another_rule_is_refused(change: dict[str, object], message: str) -> None:
    """Rather than ignored: the file would claim what was not done."""
    with pytest.raises(UsageError) as caught:
        dirac_experiment(replace(PLAIN, **change))  # type: ignore[arg-type]  # fields by name
    assert str(caught.value) == f"the Dirac-GAN is plain gradient descent: {message}"
    assert caught.value.field == next(iter(change))


def test_no_steps_and_no_device_are_refused() -> None:
    """Before any work."""
    with pytest.raises(UsageError, match="the Dirac-GAN needs steps of at least 1, not 0"):
        dirac_experiment(replace(PLAIN, steps=0))
    with pytest.raises(UsageError, match="unknown device 'tpu'"):
        dirac_experiment(replace(PLAIN, device="tpu"))
