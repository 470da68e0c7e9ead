"""Rows of numbers, of order and of failure: which runs count, and what follows from them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from analysis.records import Records
from analysis.reproduction.huang2024 import ROWS as HUANG
from analysis.reproduction.lin2018 import ROWS as LIN
from analysis.reproduction.means import Number, modes_of, published
from analysis.reproduction.row import Outcome, Row, verdict
from analysis.reproduction.runs import Method, selected
from analysis.reproduction.srivastava2017 import ROWS as SRIVASTAVA

Made = Callable[..., Records]
NAN = float("nan")

PLANE: dict[str, Any] = {
    "model": "pacgan",
    "data": "ring",
    "batch_size": 100,
    "steps": 400_000,
    "average_decay": 0.0,
    "pack": 1,
}
STACK: dict[str, Any] = {
    "model": "dcgan_layernorm",
    "data": "stacked_mnist",
    "penalty": "r1_r2",
    "pack": 1,
}
AS_PUBLISHED = {"modes": 6.3, "high_quality": 0.982, "kl": 0.45}


def runs(
    values: Sequence[float | None],
    status: str = "finished",
    metrics: dict[str, Any] | None = None,
    first: int = 0,
    **fields: object,
) -> list[Any]:
    """A run per value of modes at its last record; its first record says nothing."""
    rows = []
    for seed, modes in enumerate(values, first):
        end = {"step": 100, **AS_PUBLISHED, **(metrics or {}), "modes": modes}
        start = {"step": 0, "modes": 1.0, "high_quality": 0.0, "kl": None}
        records = [] if modes is None else [end, start]
        rows.append(({**PLANE, **fields, "seed": seed}, status, records))
    return rows


def measured(made: Made, row: Row, *parts: list[Any]) -> Outcome:
    """A row's outcome of some runs."""
    return row.measure(made("reproduction", [one for part in parts for one in part]))


AROUND = [6.0, 6.0, 6.0, 6.5, 6.5, 6.5, 6.5, 6.0, 6.3, 6.7]


def test_a_row_is_reproduced_if_every_number_is(made: Made) -> None:
    """Ten trials about the published means."""
    found = measured(made, LIN["ring_gan"], runs(AROUND))
    assert verdict(found.comparisons) == "reproduced"
    modes, quality, kl = found.comparisons
    assert (modes.quantity, modes.published) == ("modes of 8", "6.3 ± 0.5")
    assert modes.measured.estimate == pytest.approx(6.3)
    assert modes.difference.estimate == pytest.approx(0.0)
    assert (quality.quantity, quality.published) == ("high quality", "98.2\N{NO-BREAK SPACE}%")
    assert (kl.measured.low, kl.measured.high) == (0.45, 0.45)
    assert found.note == ""


def test_one_number_that_differs_is_enough_to_fail_a_row(made: Made) -> None:
    """A KL of 1 nat beside 0.45."""
    found = measured(made, LIN["ring_gan"], runs(AROUND, metrics={"kl": 1.0}))
    assert [each.verdict for each in found.comparisons] == [
        "reproduced",
        "reproduced",
        "not reproduced",
    ]
    assert verdict(found.comparisons) == "not reproduced"
    assert found.shortfall == ""


def test_shorter_runs_than_the_published_say_so(made: Made) -> None:
    """Beside their verdict, whatever it is."""
    found = measured(made, LIN["ring_gan"], runs(AROUND, steps=2000))
    assert found.shortfall == "2,000 of 400,000 steps"


def test_trials_that_scatter_decide_nothing(made: Made) -> None:
    """1 mode or 8, half of the time each: the interval holds 6.3 and much else."""
    found = measured(made, LIN["ring_gan"], runs([1.0, 8.0, 8.0, 8.0] * 3))
    assert found.comparisons[0].verdict == "undecided"


def test_fewer_than_eight_seeds_decide_nothing(made: Made) -> None:
    """However close: seven seeds say so, in a note; the mean is shown without bounds."""
    found = measured(made, LIN["ring_gan"], runs(AROUND[:7]))
    modes = found.comparisons[0]
    assert (modes.verdict, modes.note) == ("undecided", "fewer than 8 seeds decide nothing")
    assert math.isnan(modes.measured.low)
    assert math.isnan(modes.difference.low)
    assert modes.difference.n == 7


def test_without_runs_nothing_is_compared(made: Made) -> None:
    """Of no runs, of another model's and of runs whose memory ran out."""
    row = LIN["ring_gan"]
    assert measured(made, row) == Outcome()
    assert measured(made, row, runs(AROUND, model="mlp")) == Outcome()
    assert measured(made, row, runs(AROUND, data="grid")) == Outcome()
    assert measured(made, row, runs(AROUND, loss="hinge")) == Outcome()
    assert measured(made, row, runs(AROUND, penalty="r1")) == Outcome()
    assert measured(made, row, runs(AROUND, "out_of_memory")) == Outcome()
    assert verdict(()) == "not run"


def test_other_kinds_of_runs_are_not_looked_at(made: Made) -> None:
    """A convergence run with the same fields."""
    assert LIN["ring_gan"].measure(made("training", runs(AROUND))) == Outcome()


def test_packs_tell_gan_from_pacgan(made: Made) -> None:
    """A run stored before packs were there has one of 1."""
    both = (runs(AROUND), runs([8.0] * 10, pack=2))
    gan, packed = (measured(made, LIN[name], *both) for name in ("ring_gan", "ring_pacgan2"))
    assert gan.comparisons[0].measured.estimate == pytest.approx(6.3)
    assert packed.comparisons[0].measured.estimate == 8.0
    old = [({k: v for k, v in run.items() if k != "pack"}, *rest) for run, *rest in both[0]]
    assert measured(made, LIN["ring_gan"], old) == gan
    assert measured(made, LIN["ring_pacgan2"], old) == Outcome()


def test_runs_that_diverged_are_left_out_of_means_and_counted(made: Made) -> None:
    """Two of twelve."""
    found = measured(made, LIN["ring_gan"], runs(AROUND), runs([0.0, None], "diverged", first=10))
    assert found.comparisons[0].measured.n == 10
    assert found.note == "2 of 12 runs diverged"
    assert verdict(found.comparisons) == "reproduced"


def test_if_most_runs_diverged_the_number_is_not_reproduced(made: Made) -> None:
    """It has no mean of ours; below eight runs it is undecided."""
    for n, expected in ((8, "not reproduced"), (7, "undecided")):
        found = measured(made, LIN["ring_gan"], runs([None] * n, "diverged"))
        assert [each.verdict for each in found.comparisons] == [expected] * 3
        assert math.isnan(found.comparisons[0].measured.estimate)
    lost = runs([None] * 20, "diverged", first=20)
    found = measured(made, LIN["ring_gan"], runs(AROUND), lost)
    assert found.comparisons[0].verdict == "not reproduced"


def test_an_undefined_number_is_left_out_and_counted(made: Made) -> None:
    """The KL of runs without one high-quality sample."""
    parts = (runs(AROUND), runs([0.0], metrics={"kl": NAN}, first=10))
    kl = measured(made, LIN["ring_gan"], *parts).comparisons[2]
    assert (kl.measured.n, kl.note) == (10, "undefined in 1 of 11")


def test_a_number_that_most_finished_runs_lack_is_not_reproduced(made: Made) -> None:
    """KL without a good sample: the verdict's reason stands beside it, and no other."""
    without = runs([6.3] * 6, metrics={"kl": None}, first=4)
    kl = measured(made, LIN["ring_gan"], runs([6.3] * 4), without).comparisons[2]
    assert (kl.verdict, kl.note) == ("not reproduced", "undefined in 6 of 10")


@pytest.mark.parametrize(
    ("name", "data", "modes"),
    [("veegan_ring_gan", "ring", 1.0), ("veegan_grid_gan", "grid", 3.3)],
)
def test_no_mode_at_all_reproduces_no_number_of_modes(
    made: Made, name: str, data: str, modes: float
) -> None:
    """The margin is half of a published number that is small, so that failure is not within it."""
    row = SRIVASTAVA[name]
    few = modes + 0.01 * np.arange(-5, 5)
    for values, expected in ((few, "reproduced"), (np.zeros(10), "not reproduced")):
        found = measured(made, row, runs(values.tolist(), data=data))
        assert [each.verdict for each in found.comparisons] == [expected]


def test_a_seed_counts_once(made: Made) -> None:
    """Two files of one seed, of two versions of the code."""
    found = measured(made, LIN["ring_gan"], runs(AROUND), runs([8.0] * 10))
    assert found.comparisons[0].measured.estimate == pytest.approx(6.3)


def test_the_longest_runs_stand_beside_the_row(made: Made) -> None:
    """Others are named, and not mixed in, even where no seed has both."""
    short = runs([1.0] * 20, steps=2000, first=100)
    found = measured(made, LIN["ring_gan"], short, runs(AROUND))
    assert found.comparisons[0].measured.n == 10
    assert found.note == "other settings left out: ring · steps 2000"


def test_machines_are_no_settings(made: Made) -> None:
    """Seeds may have run here and there."""
    records = made("reproduction", runs(AROUND))
    half = records.runs.index < 5
    records.runs.loc[half, "machine"] = "other"
    keys = set(records.runs.loc[half, "key"])
    records.reproduction.loc[records.reproduction["key"].isin(keys), "machine"] = "other"
    assert LIN["ring_gan"].measure(records).comparisons[0].measured.n == 10


def test_the_published_data_come_first(made: Made) -> None:
    """MNIST's stacks before digits, digits before Fashion-MNIST, however many steps they took."""
    row = HUANG["r3gan_rpgan_r1_r2"]
    how = {**STACK, "loss": "relativistic_pairing"}
    mnist = runs([1000.0] * 8, metrics={"kl": 0.08}, **{**how, "steps": 10})
    digits = runs([900.0] * 8, **{**how, "data": "stacked_digits"})
    fashion = runs([800.0] * 8, **{**how, "data": "stacked_fashion_mnist"})
    for parts, modes in (
        ((fashion, digits, mnist), 1000.0),
        ((fashion, digits), 900.0),
        ((fashion,), 800.0),
    ):
        assert measured(made, row, *parts).comparisons[0].measured.estimate == modes
    assert verdict(measured(made, row, mnist).comparisons) == "reproduced"


def test_veegans_gan_is_another_number_of_the_same_runs(made: Made) -> None:
    """1 mode there, 6.3 in PacGAN's paper: both cannot be reproduced."""
    found = measured(made, SRIVASTAVA["veegan_ring_gan"], runs(AROUND))
    (modes,) = found.comparisons
    assert (modes.published, modes.verdict) == ("1", "not reproduced")
    assert modes.difference.estimate == pytest.approx(5.3)


def test_where_nothing_was_published_ours_is_shown_alone(made: Made) -> None:
    """R2 alone is not in R3GAN's table: numbers, no verdict about them."""
    how = {**STACK, "penalty": "r2"}
    row = HUANG["r3gan_gan_r2"]
    found = measured(made, row, runs([500.0] * 8, metrics={"high_quality": None}, **how))
    assert row.published == "nothing"
    assert [each.quantity for each in found.comparisons] == ["modes of 1,000", "KL"]
    assert {each.verdict for each in found.comparisons} == {"nothing published"}
    assert verdict(found.comparisons) == "nothing published"


def test_the_order_of_packing_is_reproduced_by_a_difference_above_nothing(made: Made) -> None:
    """7.9 against 6.3, then the other way round, then none."""
    packed = runs([8.0, 7.8] * 5, pack=2)
    row = LIN["ring_packing"]
    (ahead,) = measured(made, row, runs(AROUND), packed).comparisons
    assert (ahead.verdict, ahead.note) == ("reproduced", "7.9 against 6.3 of 8")
    assert ahead.measured.estimate == pytest.approx(1.6)
    (behind,) = measured(made, row, runs([8.0] * 10), runs(AROUND, pack=2)).comparisons
    assert behind.verdict == "not reproduced"
    (equal,) = measured(made, row, runs([8.0] * 10), runs([8.0] * 10, pack=2)).comparisons
    assert equal.verdict == "not reproduced"


def test_an_order_takes_both_methods_at_one_setting(made: Made) -> None:
    """Long runs of one and short runs of the other say nothing."""
    row = LIN["ring_packing"]
    assert measured(made, row, runs(AROUND)) == Outcome()
    assert measured(made, row, runs(AROUND), runs([8.0] * 10, pack=2, steps=9)) == Outcome()
    shared = (runs(AROUND, steps=9), runs(AROUND), runs([8.0] * 10, pack=2, steps=9))
    found = measured(made, row, *shared)
    assert found.comparisons[0].verdict == "reproduced"
    assert "9 of 400,000 steps" in found.protocol
    assert found.shortfall == "9 of 400,000 steps"
    assert found.note == "other settings left out: ring · steps 400000"


def test_too_few_seeds_of_either_method_leave_the_order_undecided(made: Made) -> None:
    """Seven of the one are not mended by ten of the other."""
    for sizes in ((7, 10), (10, 7)):
        parts = (runs(AROUND[: sizes[0]]), runs([8.0, 7.8] * 5, pack=2)[: sizes[1]])
        (order,) = measured(made, LIN["ring_packing"], *parts).comparisons
        assert order.verdict == "undecided"
        assert order.measured.n == 7
        assert math.isnan(order.measured.low)


def test_a_run_that_diverged_has_found_no_mode(made: Made) -> None:
    """R1 alone fails; both together find more modes, also than its last words."""
    both = runs([693.0, 690.0] * 5, **STACK)
    lost = runs([999.0] * 10, "diverged", **{**STACK, "penalty": "r1"})
    found = measured(made, HUANG["r3gan_gan_both"], both, lost)
    (order,) = found.comparisons
    assert (order.verdict, order.note) == ("reproduced", "692 against 0 of 1,000")
    assert found.note == "10 of 10 runs diverged"


def test_an_order_of_runs_without_a_number_is_undecided(made: Made) -> None:
    """Finished runs whose file has no modes."""
    parts = (runs([None] * 8), runs([8.0] * 8, pack=2))
    (order,) = measured(made, LIN["ring_packing"], *parts).comparisons
    assert (order.verdict, order.note) == ("undecided", "fewer than 8 seeds decide nothing")


@pytest.mark.parametrize(
    ("lost", "finished", "expected"),
    [
        (10, 0, "reproduced"),
        (0, 10, "not reproduced"),
        (5, 5, "undecided"),
        (7, 0, "undecided"),
        (0, 7, "undecided"),
    ],
)
def test_a_failure_is_reproduced_if_most_runs_diverge(
    made: Made, lost: int, finished: int, expected: str
) -> None:
    """By the exact interval of their share, from eight seeds on."""
    how = {**STACK, "penalty": "r1"}
    parts = (
        runs([None] * lost, "diverged", **how),
        runs([870.0] * finished, first=lost, **how),
    )
    (share,) = measured(made, HUANG["r3gan_gan_r1"], *parts).comparisons
    assert share.verdict == expected
    assert share.measured.estimate == pytest.approx(lost / (lost + finished))
    assert ("the others find 870 of 1,000 modes" in share.note) == (finished > 0)


def test_a_failure_without_runs_is_not_run(made: Made) -> None:
    """R1 of another loss is another row."""
    how = {**STACK, "penalty": "r1", "loss": "relativistic_pairing"}
    assert measured(made, HUANG["r3gan_gan_r1"], runs([1.0] * 8, **how)) == Outcome()


def test_methods_that_the_suite_lacks_are_never_measured(made: Made) -> None:
    """Whatever was run."""
    found = measured(made, LIN["ring_ali"], runs(AROUND))
    assert found == Outcome(note="not in the suite")
    assert verdict(found.comparisons) == "not run"


def test_published_numbers_say_what_their_spread_is() -> None:
    """Standard errors, means without them, and a number of one run."""
    assert published([Number("modes", 7.9, 0.1)], 10) == (
        "modes 7.9 ± 0.1 (mean ± standard error of 10 trials)"
    )
    assert published([Number("modes", 1), Number("high_quality", 0.993)], 5) == (
        "modes 1, high quality 99.3\N{NO-BREAK SPACE}% (mean of 5 trials)"
    )
    assert published([Number("modes", 693), Number("kl", 0.927)], 0) == "modes 693, KL 0.927"


def test_unknown_data_have_no_known_modes() -> None:
    """A set of a user's own."""
    assert modes_of("mine") == 0


def test_selecting_from_empty_results_finds_nothing(made: Made) -> None:
    """Tables without a single run."""
    assert selected(made("reproduction", []), [Method(("pacgan",), "hinge")], ["ring"]) is None
