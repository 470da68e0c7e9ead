"""A gate run: counters, a screen of all cells, more pairs, quality where numerics changed."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from analysis.errors import UsageError
from analysis.gate.exact import Exact, exact
from analysis.gate.found import Found, ratios_of
from analysis.gate.looks import Looks
from analysis.gate.pairs import CANARY, timed
from analysis.gate.process import WORKER, OutOfTimeError, RefusalError, Worker, WorkerError
from analysis.gate.quality import quality, untrained
from analysis.gate.verdicts import speed, suspected, verdict_of_canary
from analysis.processes import usable_cores

SIDES = ("base", "head")
SCREEN_PAIRS = 6
QUADS = 36
TRIES = 3
RECENT = 6
MARGIN = 1.2
"""A pair is begun if there is time for the longest of so many and a fifth more."""

GRACE_SECONDS = 60.0
"""What has begun and takes longer than was thought is given up so long after the budget."""

QUALITY_SHARE = 0.4
"""Of the budget, at least, for training where numerics changed."""

Result = TypeVar("Result")
Say = Callable[[str], None]
Cells = Mapping[str, Mapping[str, object]]


class Gate:
    """Two revisions' folders and how to start workers on them.

    Args:
        base: folder of the older revision.
        head: folder of the newer one, whose bench drives both.
        minutes: that a run may take.
        seed: of the orders.
        say: is told of progress.
        modules: that base's and head's workers run.
        variables: beside their environment.
    """

    def __init__(
        self,
        base: Path,
        head: Path,
        minutes: float,
        seed: int,
        say: Say,
        modules: tuple[str, str] = (WORKER, WORKER),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._trees, self._modules = (base, head), modules
        self._variables = variables
        self._minutes, self._say = minutes, say
        self._rng = np.random.default_rng(seed)
        self._head_first = False
        self._reserved = 0.0
        self._counting = 0.0
        self._began = time.monotonic()

    def left(self) -> float:
        """Seconds of the budget, without those that are reserved for later."""
        return 60 * self._minutes - self._elapsed() - self._reserved

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _fits_training(self, end: float, seconds: float) -> bool:
        """Whether a share of the budget goes on and all of it has so many seconds."""
        return self.left() > max(end, seconds)

    def start(self) -> tuple[Worker, Worker]:
        """A fresh base and head, which start side by side, in the order of this pair.

        Returns:
            Both, ready.

        Raises:
            UsageError: a revision can't be imported.
            WorkerError: a process does not start.
        """
        workers: dict[int, Worker] = {}
        try:
            for side in (1, 0) if self._head_first else (0, 1):
                workers[side] = self._worker(side)
            for worker in workers.values():
                _ready(worker)
        except BaseException:
            for worker in workers.values():
                worker.close()
            raise
        return workers[0], workers[1]

    def _worker(self, side: int, driver: int = 1) -> Worker:
        return Worker(
            self._trees[side],
            self._trees[driver],
            self._modules[side],
            self._variables,
            side=SIDES[side],
            ends=self._began + 60 * self._minutes + GRACE_SECONDS,
        )

    def cells(self, wanted: Sequence[str]) -> tuple[Cells, Cells]:
        """What head compares.

        Args:
            wanted: names, or none for all.

        Returns:
            Cells, and those of quality.

        Raises:
            UsageError: there is no such cell, or head has no gate.
        """
        if not (self._trees[1] / "bench" / "gate").is_dir():  # an installed one would drive it
            raise UsageError("head has no bench/gate, which drives both revisions")
        told = self._in_time(lambda: self._told(1))
        cells = told["cells"]
        for name in wanted:
            if name not in cells:
                raise UsageError(f"unknown cell {name!r}: choose from {', '.join(cells)}")
        return {name: cells[name] for name in wanted or cells}, told["quality"]

    def _told(self, side: int) -> dict[str, Any]:
        """The cells of a revision's own bench."""
        with self._worker(side, driver=side) as worker:
            return worker.ready().ask("cells")

    def removed(self, cells: Cells) -> list[str]:
        """The cells that base has and head has not: of these nothing is said otherwise.

        Args:
            cells: head's.

        Returns:
            Names; none where base's bench does not say.
        """
        if not (self._trees[0] / "bench" / "gate").is_dir():
            return []
        try:
            return [name for name in self._told(0)["cells"] if name not in cells]
        except (WorkerError, OutOfTimeError):
            return []

    def run(self, cells: Cells, trained: Cells) -> Found:
        """Everything in turn; ends early where nothing is suspect, and with the budget.

        Args:
            cells: to compare.
            trained: of quality.

        Returns:
            What was found.

        Raises:
            UsageError: workers failed again and again.
        """
        self._say(f"counting {len(cells)} cells of both revisions")
        began = self._elapsed()
        found = Found(self._in_time(lambda: self._exact(cells)))
        self._counting = self._elapsed() - began
        touched = found.exact.touched()
        # Trained last, with all the time that timing leaves: a quiet machine needs a third of it.
        self._reserved = QUALITY_SHARE * 60 * self._minutes if touched else 0.0
        self.timing(cells, found)
        self._reserved = 0.0
        self._train(found, {name: trained[name] for name in touched})
        found.seconds = self._elapsed()
        return found

    def timing(self, cells: Cells, found: Found) -> Found:
        """The part of a run that reads a clock.

        Args:
            cells: to compare.
            found: so far; what its counting refused is not timed.

        Returns:
            The same, with pairs and verdicts on speed.

        Raises:
            UsageError: workers failed again and again.
        """
        comparable = _of_both(cells, found)
        self._screen(found, comparable)
        self._confirm(found, comparable)
        self._judge_canary(found)
        return found

    def _exact(self, cells: Cells) -> Exact:
        base, head = self.start()
        with base, head:
            return exact(base, head, cells)

    def _train(self, found: Found, trained: Cells) -> None:
        """Train the cells whose numbers changed, one after the other, in one pair of processes."""
        waiting = list(trained)

        def rest() -> None:
            base, head = self.start()
            with base, head:
                while waiting:
                    name = waiting[0]
                    self._say(f"numerics changed: training {name} seed by seed")
                    # What a cell leaves of its share is the others'.
                    end = self.left() * (1 - 1 / len(waiting))
                    fits = partial(self._fits_training, end)
                    found.quality.append(quality(base, head, name, trained[name], fits))
                    waiting.remove(name)

        if waiting:
            try:
                self._again(rest)
            except OutOfTimeError:
                late = "it took longer than there was time for"
                found.quality += [untrained(name, "inconclusive", late) for name in waiting]

    def pair(self, found: Found, cells: Cells) -> None:
        """Time one fresh pair of processes; one that takes much too long is given up.

        Args:
            found: to which it is added.
            cells: that it times.
        """
        before = self.left()
        cores = usable_cores()
        core = cores[len(found.pairs) % len(cores)] if cores else None
        # Drawn, and the other way round in the next pair: what it does cancels over two of them.
        is_second = len(found.pairs) % 2 == 1
        self._head_first = not self._head_first if is_second else bool(self._rng.integers(2))
        try:
            pair = self._again(
                lambda: timed(
                    self.start, cells, QUADS, self._rng, core, head_first=self._head_first
                )
            )
        except OutOfTimeError:
            self._say("a pair took longer than there was time for")
            return
        pair.took = before - self.left()
        found.pairs.append(pair)
        found.exact.refused |= pair.refused

    def _fits(self, found: Found) -> bool:
        """Whether there is time for a pair like the longest of the last few.

        The first is taken to be as long as counting, which prepares the same processes.
        """
        recent = found.pairs[-RECENT:]
        return self.left() > MARGIN * max((pair.took for pair in recent), default=self._counting)

    def _screen(self, found: Found, cells: Cells) -> None:
        """A few pairs of all cells."""
        while len(found.pairs) < SCREEN_PAIRS and self._fits(found):
            if not (open_ := _of_both(cells, found)):
                break
            self._say(f"screen, pair {len(found.pairs) + 1} of {SCREEN_PAIRS}")
            self.pair(found, open_)
        found.screen_pairs = len(found.pairs)
        ratios = ratios_of(found.pairs)
        for name in cells:
            if len(ratios.get(name, ())) >= 2:
                doubt = suspected(ratios[name]) or len(ratios[name]) < SCREEN_PAIRS
                found.speed[name] = speed(
                    ratios[name], "inconclusive" if doubt else "no change", len(cells)
                )

    def _confirm(self, found: Found, cells: Cells) -> None:
        """More pairs of those in doubt, until they are called, cleared or out of time."""
        doubtful = [n for n, told in found.speed.items() if told.verdict == "inconclusive"]
        looks, verdicts = Looks(len(cells), doubtful), dict[str, str]()
        while self._fits(found):
            looks.open = [*_of_both({name: cells[name] for name in looks.open}, found)]
            if not looks.open:
                break
            self._say(f"{', '.join(looks.open)}: pair {len(found.pairs) + 1}")
            self.pair(found, {name: cells[name] for name in looks.open})
            verdicts |= looks.after(ratios_of(found.pairs), last=not self._fits(found))
        ratios = ratios_of(found.pairs)
        for name, verdict in verdicts.items():
            found.speed[name] = speed(ratios[name], verdict, len(cells))

    def _judge_canary(self, found: Found) -> None:
        ratios = ratios_of(found.pairs).get(CANARY, [])
        if len(ratios) < 2:
            return
        found.speed[CANARY] = speed(ratios, verdict_of_canary(ratios), 1)

    def _in_time(self, work: Callable[[], Result]) -> Result:
        """Work without which there is nothing to tell."""
        try:
            return self._again(work)
        except OutOfTimeError:
            raise UsageError(
                f"--minutes {self._minutes:g} ended before all cells were counted: "
                "nothing was compared"
            ) from None

    def _again(self, work: Callable[[], Result]) -> Result:
        """Work with workers; one that dies or hangs costs a try."""
        for left in range(TRIES - 1, -1, -1):
            try:
                return work()
            except RefusalError as refusal:  # it lives and says why: again it would say the same
                raise UsageError(f"{refusal.side} says {refusal}") from refusal
            except WorkerError as error:
                if not left:
                    raise UsageError(f"a worker failed {TRIES} times, last: {error}") from error
                self._say(f"a worker failed ({error}): again")
        raise AssertionError  # unreachable: the last try returns or raises


def _of_both(cells: Cells, found: Found) -> Cells:
    """The cells that neither revision has refused so far."""
    return {name: fields for name, fields in cells.items() if name not in found.exact.refused}


def _ready(worker: Worker) -> None:
    try:
        worker.ready()
    except RefusalError as refusal:
        raise UsageError(f"{refusal.side} can't be started: {refusal}") from None
