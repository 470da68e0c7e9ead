"""The progress bar's estimate and words."""

from unittest.mock import Mock

import pytest

from bench.computing import report
from bench.engine.job import Outcome, RunError
from bench.matrix import Cell
from bench.progress import Clock, ProgressBar, guess, label, minutes
from bench.study import KINDS
from gan.run import Run


def cells() -> dict[str, Cell]:
    """Two throughput cells and two runs, one twice as long."""
    return {
        "t1": Cell("throughput", Run(seed=1)),
        "t2": Cell("throughput", Run(seed=2)),
        "c1": Cell("convergence", Run(steps=1000)),
        "c2": Cell("convergence", Run(steps=2000)),
    }


def test_estimate_uses_the_pace_of_each_group() -> None:
    """After one cell of each kind the rest is its guess at the pace seen in its own group."""
    clock = Clock(cells())
    clock.finish("t1", 3.0)
    clock.finish("c1", 10.0)
    expected = 3.0 + 10.0 * clock.guesses["c2"] / clock.guesses["c1"]
    assert clock.seconds_left() == pytest.approx(expected)


def test_a_group_not_seen_yet_runs_at_the_sessions_pace() -> None:
    """If timings took three times the guess, so will training."""
    clock = Clock(cells())
    clock.finish("t1", 3 * clock.guesses["t1"])
    assert clock.seconds_left() == pytest.approx(
        3 * (clock.guesses["t2"] + clock.guesses["c1"] + clock.guesses["c2"])
    )


def test_estimate_before_any_cell_has_finished_is_the_guess() -> None:
    """Nothing measured: the sum of the guesses; points are guessed faster than images."""
    clock = Clock(cells())
    assert clock.seconds_left() == pytest.approx(sum(clock.guesses.values()))
    image, points = (Cell("convergence", Run(data=data, steps=1000)) for data in ("digits", "ring"))
    assert guess(points) < guess(image)


def test_nothing_is_left_at_the_end() -> None:
    """Zero seconds when every cell is done."""
    clock = Clock(cells())
    for name in cells():
        clock.finish(name, 1.0)
    assert clock.seconds_left() == 0


def test_words() -> None:
    """A cell is named by kind and axes; a duration by minutes and seconds."""
    text = label(Cell("throughput", Run(loss="hinge", batch_size=16)))
    assert text == "throughput float32 16 hinge none mlp digits seed 0"
    assert [minutes(seconds) for seconds in (0, 59.6, 600)] == ["0:00", "1:00", "10:00"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_guess(kind: str) -> None:
    """What trains takes longer for more steps; what maps or times does not."""
    short, long = (guess(Cell(kind, Run(steps=steps))) for steps in (100, 1000))
    assert short > 0
    assert (long > short) == (kind not in ("throughput", "peers", "overhead", "numerics"))


def test_a_variant_is_told_last() -> None:
    """After the seed."""
    text = label(Cell("head_start", Run(data="ring"), "sgd head_start=5"))
    assert text == "head_start float32 64 non_saturating none mlp ring seed 0 sgd head_start=5"


def test_workers_share_what_is_left_but_timings_are_taken_one_by_one() -> None:
    """Four at a time: a quarter of the runs' guesses, all of the timings'."""
    clock = Clock(cells())
    clock.workers = 4
    timings, games = (
        sum(clock.guesses[name] for name in names) for names in (("t1", "t2"), ("c1", "c2"))
    )
    assert clock.seconds_left() == pytest.approx(timings + games / 4)


def test_a_cell_is_counted_once_and_a_failure_says_nothing_of_the_pace() -> None:
    """Its worker tells first, pytest again later; seconds of a failure are not known."""
    clock = Clock(cells())
    clock.finish("c1", 10.0)
    clock.finish("c1", 99.0)
    assert sum(clock.measured.values()) == 10.0
    clock.finish("c2", None)
    assert sum(clock.measured.values()) == 10.0
    assert clock.waiting == {"t1", "t2"}


def test_cells_that_were_stored_or_failed_say_nothing_of_the_pace() -> None:
    """Nothing was computed of the one, and the other may have ended at once: no time is known."""
    bar = ProgressBar(cells())
    before = {name: bar.clock.guesses[name] for name in ("t2", "c2")}
    stored = Outcome("key", "finished", "", 0.003, reused=True)
    report(bar, ["c1"], stored)
    bar.pytest_runtest_logfinish("c1")
    failed = Mock(spec=pytest.TestReport, nodeid="t1", failed=True)
    bar.pytest_runtest_logreport(failed)
    bar.pytest_runtest_logfinish("t1")
    assert bar.clock.waiting == {"t2", "c2"}
    assert bar.clock.seconds_left() == pytest.approx(sum(before.values()))
    bar.pytest_sessionfinish()


def test_a_run_that_cells_share_is_timed_once() -> None:
    """Both are done; the second took nobody any time, and a passed test changes nothing."""
    bar = ProgressBar(cells())
    report(bar, ["c1", "c2"], Outcome("key", "finished", "", 7.0, reused=False))
    assert (bar.clock.waiting, sum(bar.clock.measured.values())) == ({"t1", "t2"}, 7.0)
    report(bar, ["t1"], RunError("lost"))
    bar.pytest_runtest_logreport(Mock(spec=pytest.TestReport, nodeid="t2", failed=False))
    assert (bar.clock.waiting, sum(bar.clock.measured.values())) == ({"t2"}, 7.0)
    bar.pytest_sessionfinish()


def test_a_bar_counts_what_workers_did_and_what_is_recorded(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Cells done elsewhere shorten the estimate; the place in the list is pytest's."""
    bar = ProgressBar(cells())
    bar.begin(0)
    assert bar.clock.workers == 1
    bar.begin(2)
    bar.finish("c2", 4.0)
    bar.finish("c1", None)
    assert (bar.done, len(bar.to_come)) == (2, 4)
    bar.pytest_runtest_logstart("t1")
    bar.pytest_runtest_logfinish("t1")
    bar.pytest_runtest_logfinish("c1")
    assert (bar.done, bar.to_come) == (3, {"t2", "c2"})
    bar.pytest_sessionfinish()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("[1/4] throughput float32 64 non_saturating none mlp digits seed 1 · 2 ")
