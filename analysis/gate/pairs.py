"""One pair of fresh processes, base and head, timed in alternating blocks."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.gate.process import RefusalError, Worker, both

CANARY = "canary"
"""The name of the kernel that no revision changes, among the cells."""

CANARY_EVERY = 6
"""So many quads of a cell have one of the canary before them, while the machine is the same."""

BLOCK_SECONDS = 0.008
"""So short that a shared machine is much the same from one block of a quad to the next."""

COMPILING_SECONDS = 600.0

Quad = tuple[Sequence[float], Sequence[float]]
"""Seconds per step of base's two blocks, and of head's."""

Start = Callable[[], tuple[Worker, Worker]]
"""Makes a base and a head, both alive."""


@dataclass
class Timed:
    """What one pair found.

    Args:
        log_ratios: cell -> log(head / base), the median of its quads; also of CANARY.
        seconds: of the same, base's and head's per step, medians.
        in_canaries: cell -> head's step over the canary beside it, the median of its quads.
        refused: cell -> ("base" or "head", why) where a revision can't run it.
        took: seconds of all of it, other tries and starts included.
    """

    log_ratios: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    in_canaries: dict[str, float] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    took: float = math.nan

    def tell(self, name: str, quads: Sequence[Quad]) -> None:
        """Keep the medians of a cell's quads.

        Args:
            name: the cell's, or CANARY.
            quads: of it, at least one.
        """
        self.log_ratios[name] = statistics.median(log_ratio(*quad) for quad in quads)
        base, head = (statistics.median(x for quad in quads for x in quad[i]) for i in (0, 1))
        self.seconds[name] = (base, head)


def timed(
    start: Start,
    cells: Mapping[str, Mapping[str, object]],
    quads: int,
    rng: np.random.Generator,
    core: int | None = None,
    *,
    head_first: bool = False,
) -> Timed:
    """Start a pair, prepare the cells in both, and time them.

    They are prepared side by side on all cores; then they take turns on one. Who comes first may be
    faster or slower ever after, by some tenths of a per cent: docs/performance.md.

    Args:
        start: makes the pair.
        cells: name -> fields of its run.
        quads: of blocks, base-head-head-base or the other way round, for each cell.
        rng: draws the order of cells and of each quad.
        core: on which they are timed; None: wherever the system puts them.
        head_first: who is asked first whatever both are asked.

    Returns:
        Medians of the quads.

    Raises:
        WorkerError: a process died or hung.
    """
    base, head = start()
    with base, head:
        found = Timed(refused=prepared(base, head, cells, head_first=head_first))
        if core is not None:
            for worker in (head, base) if head_first else (base, head):
                worker.keep_to(core)
        canaries: list[Quad] = []
        for name in rng.permutation([n for n in cells if n not in found.refused]).tolist():
            try:
                steps = _steps((head, base) if head_first else (base, head), name)
                canaries += _time(base, head, name, steps, quads, rng, found)
            except RefusalError as refusal:
                found.refused[name] = (refusal.side, str(refusal))
        if canaries:
            found.tell(CANARY, canaries)
    return found


def prepared(
    base: Worker,
    head: Worker,
    cells: Mapping[str, Mapping[str, object]],
    *,
    head_first: bool = False,
) -> dict[str, tuple[str, str]]:
    """Have both processes build every cell, side by side.

    Args:
        base: a worker.
        head: a worker.
        cells: name -> fields.
        head_first: who is asked first.

    Returns:
        Cell -> who refused it and why; base's refusal comes first.

    Raises:
        WorkerError: a process died or hung.
    """
    refused: dict[str, tuple[str, str]] = {}
    for name, fields in cells.items():
        request = {"cell": name, "fields": dict(fields)}
        try:
            both(base, head, "prepare", COMPILING_SECONDS, head_first=head_first, **request)
        except RefusalError as refusal:
            refused[name] = (refusal.side, str(refusal))
    return refused


def _time(
    base: Worker,
    head: Worker,
    name: str,
    steps: int,
    quads: int,
    rng: np.random.Generator,
    found: Timed,
) -> list[Quad]:
    """Time one cell in both, block after block; quads of the canary that were among them."""

    def step(worker: Worker) -> float:
        return float(worker.ask("block", cell=name, steps=steps)["seconds"]) / steps

    def quad(seconds: Callable[[Worker], float]) -> Quad:
        return _quad(base, head, seconds, bool(rng.integers(2)))

    blocks, canaries, beside = [], [], []
    for number in range(quads):
        with_canary = number % CANARY_EVERY == 0
        if with_canary:
            canaries.append(quad(_canary))
            # The first block after something else finds cold caches: it would differ twice as much.
            for side in rng.permutation(2).tolist():
                step((base, head)[side])
        blocks.append(quad(step))
        if with_canary:
            beside.append(log_ratio(canaries[-1][1], blocks[-1][1]))
    found.tell(name, blocks)
    found.in_canaries[name] = math.exp(statistics.median(beside))
    return canaries


def _canary(worker: Worker) -> float:
    """Seconds of the kernel that no revision changes."""
    return float(worker.ask("canary", blocks=1)["seconds"])


def _steps(workers: Sequence[Worker], name: str) -> int:
    """Steps of a block of either side, for which the slower one takes BLOCK_SECONDS."""
    answers = [worker.ask("length", cell=name, seconds=BLOCK_SECONDS) for worker in workers]
    return min(int(answer["steps"]) for answer in answers)


def _quad(
    base: Worker,
    head: Worker,
    seconds: Callable[[Worker], float],
    head_first: bool,  # noqa: FBT001  # a drawn order
) -> Quad:
    """ABBA: a drift that is a straight line cancels."""
    order = [head, base, base, head] if head_first else [base, head, head, base]
    times = [(worker, seconds(worker)) for worker in order]
    one, other = ([time for worker, time in times if worker is side] for side in (base, head))
    return one, other


def log_ratio(base: Sequence[float], head: Sequence[float]) -> float:
    """log(head / base) of a quad, by geometric means.

    >>> round(math.exp(log_ratio([1.0, 4.0], [2.0, 4.5])), 3)
    1.5
    """
    return statistics.fmean(map(math.log, head)) - statistics.fmean(map(math.log, base))
