"""Training seed by seed: looks, ensembles, time; verdicts are tested in test_outcome.py."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from analysis.gate.process import RefusalError
from analysis.gate.quality import FIRST_SECONDS, LOOKS, Quality, quality

ends = Callable[[int], float]
Judge = Callable[..., Quality]


@dataclass
class Trains:
    """A worker whose runs end where a function of the seed says.

    Args:
        end: of a seed; NaN diverges.
        together: runs of an ensemble.
        refuses: why it can't.
        side: that it is.
    """

    end: ends
    together: int = 1
    refuses: str = ""
    side: str = "head"
    seeds: list[int] = field(default_factory=list)

    def send(self, name: str, fields: dict[str, Any]) -> None:
        """Take note of the seed."""
        assert name == "train"
        self.seeds.append(fields["seed"])

    def answer(self, _timeout: float) -> dict[str, Any]:
        """The ends of its ensemble."""
        if self.refuses:
            raise RefusalError(self.refuses, self.side)
        return {"ends": [self._of(self.seeds[-1] + place) for place in range(self.together)]}

    def _of(self, seed: int) -> dict[str, Any]:
        value = self.end(seed)
        status = "finished" if math.isfinite(value) else "diverged"
        return {"status": status, "last": {"fid": value}}


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """A verdict, on a clock that trainings take so long on: the first may take longer."""

    def judge(
        base: Trains, head: Trains, seconds: float = 1e6, each: float = 1.0, first: float = 1.0
    ) -> Quality:
        def now() -> float:
            return each * len(head.seeds) + (first - each) * bool(head.seeds)

        monkeypatch.setattr("time.monotonic", now)
        fits = lambda needed: seconds - now() > needed  # noqa: E731  # of the clock above
        return quality(base, head, "ring", {"data": "ring"}, fits)  # type: ignore[arg-type]  # what it uses of them

    return judge


def near(seed: int) -> float:
    """Ends that differ from seed to seed."""
    return 1.0 + 0.1 * (seed % 3)


def test_what_is_settled_is_not_trained_on(of: Judge) -> None:
    """Ends that are nearly the same, or twice as high, are told after the first look."""
    for factor, verdict in ((1.01, "kept"), (2.0, "worse")):
        head = Trains(lambda seed, factor=factor: factor * near(seed))  # type: ignore[misc]  # bound now
        found = of(Trains(near), head)
        assert (found.verdict, found.seeds) == (verdict, LOOKS[0])
        assert head.seeds == [*range(LOOKS[0])]
        assert found.change == pytest.approx(factor - 1)
        assert found.metric == "fid"


def test_what_is_not_settled_is_trained_to_the_last_look(of: Judge) -> None:
    """And told as it is."""
    head = Trains(lambda seed: near(seed) * (0.5, 1.9)[seed % 2])
    found = of(Trains(near), head)
    assert (found.verdict, found.seeds) == ("inconclusive", LOOKS[-1])


def test_an_ensembles_seeds_come_together(of: Judge) -> None:
    """Eight at a time: the looks have 8, 16 and 24."""
    head = Trains(lambda seed: near(seed) * (0.5, 1.9)[seed % 2], together=8)
    found = of(Trains(near, together=8), head)
    assert (head.seeds, found.seeds) == ([0, 8, 16], 24)


def test_time_ends_it(of: Judge) -> None:
    """No training is begun that would not end in time; four are too few for an interval."""
    head = Trains(near)
    found = of(Trains(near), head, seconds=41.0, each=10.0, first=10.0)
    assert (head.seeds, found.seeds, found.verdict) == ([*range(4)], 4, "inconclusive")


def test_a_first_training_that_compiles_says_nothing_of_the_next(of: Judge) -> None:
    """The second is begun though there is less time than the first took; then they are known."""
    head = Trains(near)
    found = of(Trains(near), head, seconds=43.0, each=2.0, first=20.0)
    assert (head.seeds, found.verdict) == ([*range(7)], "kept")


def test_without_time_nothing_is_trained(of: Judge) -> None:
    """What nobody trained is open; a first training may take half a minute."""
    head = Trains(near)
    found = of(Trains(near), head, seconds=FIRST_SECONDS)
    assert (head.seeds, found.verdict) == ([], "inconclusive")
    assert found.why == "there was no time for it"


def test_who_refuses_is_told(of: Judge) -> None:
    """Base's refusal says nothing against head."""
    base = Trains(near, refuses="TypeError: no", side="base")
    assert of(base, Trains(near)).verdict == "incomparable"
    found = of(Trains(near), Trains(near, refuses="TypeError: no"))
    assert (found.verdict, found.why) == ("broken", "head says TypeError: no")


def test_runs_that_head_alone_loses_are_worse(of: Judge) -> None:
    """Seven of seven are no chance."""
    found = of(Trains(near), Trains(lambda _seed: math.nan))
    assert (found.verdict, found.lost, found.seeds) == ("worse", 7, 0)
