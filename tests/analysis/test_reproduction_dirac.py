"""The Dirac-GAN's rows: trajectories of Mescheder's vector fields, judged as published or not."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.records import Records
from analysis.reproduction.dirac import of_class, of_rate, settings_of, told_rates
from analysis.reproduction.mescheder2018 import ROWS
from analysis.reproduction.rate import published_rate
from analysis.reproduction.row import Outcome, verdict

Made = Callable[..., Records]
H = 0.2


def sigmoid(x: float) -> float:
    """1/(1 + e⁻ˣ)."""
    return 1 / (1 + math.exp(-max(min(x, 700), -700)))


def field(loss: str, penalty: str, weight: float, theta: float, psi: float) -> tuple[float, float]:
    """(−∂L_G/∂θ, −∂L_D/∂ψ) in closed form, as in the authors' notebook with ψ → −ψ."""
    fake = sigmoid(psi * theta)
    players = {
        "saturating": (psi * fake, -theta * fake),
        "non_saturating": (psi * (1 - fake), -theta * fake),
        "relativistic_pairing": (psi * (1 - fake), -theta * fake),
        "wasserstein": (psi, -theta),
    }[loss]
    slope = {"r1": psi, "r2": psi, "wgan_gp": (abs(psi) - 1) * math.copysign(1, psi)}
    return players[0], players[1] - 2 * weight * slope.get(penalty, 0.0)


def path(loss: str, penalty: str, weight: float, clip: float, rule: str, steps: int) -> list[Any]:
    """θ and ψ of every step from (1, 1)."""
    theta, psi, rows = 1.0, clip or 1.0, []
    for step in range(steps + 1):
        rows.append({"updates": rule, "step": step, "theta": theta, "psi": psi})
        moved = theta + H * field(loss, penalty, weight, theta, psi)[0]
        seen = moved if rule == "alternating" else theta
        psi += H * field(loss, penalty, weight, seen, psi)[1]
        theta, psi = moved, float(np.clip(psi, -clip, clip)) if clip else psi
    return rows


def run(loss: str, penalty: str = "none", weight: float = 0.0, clip: float = 0.0) -> Any:
    """One run of both rules."""
    steps = 2000 if clip else 500
    rules = ("simultaneous", "alternating")
    rows = [row for rule in rules for row in path(loss, penalty, weight, clip, rule, steps)]
    rates = {"generator_learning_rate": H, "discriminator_learning_rate": H}
    game = {"loss": loss, "penalty": penalty, "penalty_weight": weight, "weight_clip": clip}
    return {**game, **rates, "data": "digits"}, "finished", rows


@pytest.fixture(scope="module")
def records(made: Made) -> Records:
    """Every method of the rows, as the suite's profiles run them."""
    penalised = [
        run(loss, penalty, 0.3)
        for loss in ("saturating", "non_saturating", "relativistic_pairing")
        for penalty in ("r1", "r2")
    ]
    losses = ("saturating", "non_saturating", "relativistic_pairing", "wasserstein")
    plain = [run(loss) for loss in losses]
    wgan = [run("wasserstein", clip=0.01), run("wasserstein", "wgan_gp", 0.3)]
    return made("dirac", [*plain, *wgan, *penalised])


@pytest.mark.parametrize("name", ROWS)
def test_the_published_behaviour_is_that_of_the_published_fields(
    name: str, records: Records
) -> None:
    """Every row of the two papers is reproduced by its own equations."""
    outcome = ROWS[name].measure(records)
    assert verdict(outcome.comparisons) == "reproduced", outcome


def test_the_classes_are_told_rule_by_rule(records: Records) -> None:
    """Spirals out, orbits."""
    simultaneous, alternating = ROWS["dirac_gan"].measure(records).comparisons
    assert (simultaneous.quantity, simultaneous.word) == ("simultaneous updates", "diverges")
    assert (alternating.quantity, alternating.word) == ("alternating updates", "orbits")
    assert (simultaneous.measured.n, simultaneous.observations) == (1, "setting")


def test_convergence_like_a_power_of_time_is_no_linear_convergence(records: Records) -> None:
    """The non-saturating game under alternating updates nears 0 like t^−½."""
    found = ROWS["dirac_ns_gan"].measure(records).comparisons[1]
    assert found.word == "converges sublinearly"
    assert (found.published, found.verdict) == ("does not converge linearly", "reproduced")


def test_wgan_without_clipping_is_not_the_published_wgan(records: Records, made: Made) -> None:
    """The bound of the row is said, and an unbounded critic is another game."""
    clipped = ROWS["dirac_wgan"].measure(records)
    assert clipped.protocol == ("weight clip 0.01 instead of 0.3",)
    assert ROWS["dirac_wgan"].measure(made("dirac", [run("wasserstein")])) == Outcome()


def test_a_method_that_was_not_run_is_told_as_such(made: Made) -> None:
    """No trajectories at all, or of other games."""
    assert ROWS["dirac_gan"].measure(made("dirac", [])) == Outcome()
    assert ROWS["dirac_gan"].measure(made("dirac", [run("non_saturating")])) == Outcome()


def test_one_update_rule_alone_is_judged_alone(made: Made) -> None:
    """Results that lack the other."""
    settings, status, rows = run("saturating")
    some = [row for row in rows if row["updates"] == "alternating"]
    outcome = ROWS["dirac_gan"].measure(made("dirac", [(settings, status, some)]))
    assert [each.quantity for each in outcome.comparisons] == ["alternating updates"]


def test_another_class_is_not_reproduced(made: Made) -> None:
    """Trajectories of a penalised game in the file of an unregularised one."""
    settings, status, _ = run("saturating")
    damped = run("saturating", "r1", 0.3)[2]
    outcome = ROWS["dirac_gan"].measure(made("dirac", [(settings, status, damped)]))
    assert [each.word for each in outcome.comparisons] == ["converges", "converges"]
    assert verdict(outcome.comparisons) == "not reproduced"


def test_another_rate_is_not_reproduced(made: Made) -> None:
    """Trajectories of γ = 0.6 in the file of γ = 0.3: it converges, but twice as fast."""
    settings, status, rows = run("saturating", "r1", 0.3)
    wrong = {**settings, "penalty_weight": 0.15}
    outcome = ROWS["dirac_gan_r1"].measure(made("dirac", [(wrong, status, rows)]))
    verdicts = [each.verdict for each in outcome.comparisons]
    assert verdicts == ["reproduced", "not reproduced"] * 2


def test_trajectories_that_are_too_short_decide_nothing(made: Made) -> None:
    """Ten steps."""
    settings, status, rows = run("saturating", "r1", 0.3)
    short = [row for row in rows if row["step"] < 10]
    outcome = ROWS["dirac_gan_r1"].measure(made("dirac", [(settings, status, short)]))
    assert verdict(outcome.comparisons) == "undecided"


def test_the_theorem_says_nothing_of_too_large_a_learning_rate(records: Records) -> None:
    """Settings whose published rate is not below 0 are left out, and counted."""
    row = ROWS["dirac_gan_r1"]
    stiff = replace(records, runs=records.runs.assign(**{"run.penalty_weight": 50.0}))
    outcome = row.measure(stiff)
    assert verdict(outcome.comparisons) == "undecided"
    assert outcome.comparisons[0].note == "1 setting left out: no published rate below 0"
    assert outcome.comparisons[0].word == "–"


def rows_of(**columns: Any) -> pd.DataFrame:
    """Rows of `analysis.stability.classes`."""
    return pd.DataFrame(columns)


def test_unequal_rates_of_the_players_have_no_published_rate() -> None:
    """NaN, as classes() says it."""
    table = rows_of(penalty_weight=[0.3, 0.3, math.nan], learning_rate=[0.2, math.nan, 0.2])
    told = told_rates(table, "simultaneous")
    assert told["published_rate"].tolist() == pytest.approx([published_rate(0.6, 0.2, "")])


@pytest.mark.parametrize(
    ("words", "expected", "shown"),
    [
        (["orbits"], "reproduced", "orbits"),
        (["orbits", "diverges"], "reproduced", "orbits (1) and diverges (1)"),
        (["orbits", "converges"], "not reproduced", "orbits (1) and converges (1)"),
        (["orbits", "undecided"], "undecided", "orbits (1) and undecided (1)"),
        (["undecided", "converges"], "not reproduced", "undecided (1) and converges (1)"),
        ([], "undecided", "–"),
    ],
)
def test_all_settings_must_agree(words: list[str], expected: str, shown: str) -> None:
    """One that does not is enough; one that is undecided leaves the row so."""
    found = of_class("alternating", ("orbits", "diverges"), rows_of(measured=words), "")
    assert (found.verdict, found.word) == (expected, shown)


def test_the_worst_rate_of_several_settings_decides() -> None:
    """Within a tenth, or not; without a rate undecided."""
    theirs = [-0.1, -0.2]

    def judged(*rates: float | None, measured: str = "converges") -> Any:
        columns = {"measured": [measured] * 2, "published_rate": theirs}
        return of_rate("alternating", rows_of(measured_rate=rates, **columns), "")

    near = judged(-0.1, -0.185)
    assert near.verdict == "reproduced"
    assert near.word == "−0.185 against −0.2 where they differ most"
    assert judged(-0.1, -0.1).verdict == "not reproduced"
    assert judged(-0.1, None).verdict == "undecided"
    assert judged(-0.1, -0.2, measured="undecided").verdict == "undecided"


@given(st.floats(0, 5), st.floats(1e-3, 0.5))
def test_small_steps_follow_the_published_eigenvalues(gamma: float, scale: float) -> None:
    """For h → 0 the rate per step is h · max Re(−γ/2 ± √(γ²/4 − ¼)), under both rules."""
    h = 1e-4 * scale
    largest = float((-gamma / 2 + np.emath.sqrt(gamma**2 / 4 - 0.25)).real)
    for updates in ("simultaneous", "alternating"):
        assert published_rate(gamma, h, updates) / h == pytest.approx(largest, abs=1e-2)


def test_alternating_updates_without_a_penalty_keep_their_distance() -> None:
    """det = 1 and |trace| < 2: the eigenvalues lie on the circle for every h below 4."""
    assert {published_rate(0.0, h, "alternating") for h in (0.01, 0.2, 1.0, 3.9)} == {0.0}
    assert published_rate(0.0, 4.5, "alternating") > 0


def test_a_rule_that_arrives_at_once_has_an_infinite_rate() -> None:
    """h = 2, γ = 1: the simultaneous rule is nilpotent."""
    assert published_rate(1.0, 2.0, "simultaneous") < -8


def test_players_with_rates_of_their_own_have_no_common_rate() -> None:
    """It is said instead of a dash."""
    rows = pd.DataFrame({"learning_rate": [0.2, math.nan], "penalty_weight": 0.0})
    assert settings_of(rows) == "learning rate 0.2 and different learning rates of G and D"
    assert settings_of(rows.tail(1)) == "different learning rates of G and D"
