"""python -m bench.gate.slowed TREE: a worker whose steps do more work, to validate the gate with.

SADDLE_GATE_SLOWDOWN=0.05 finds, for each cell that is prepared, the work that takes 5 % of a step,
tells how much that is, and adds it to every step. SADDLE_GATE_SLOWDOWN='{"ring": 40}' adds what was
so found. No other worker reads it.
"""

import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from bench.gate.worker import Answer, Worker, main

COLUMNS = 64
ROWS = 64
"""Of the products added: 16 kB, so that they take time and leave a step its cache."""

TIMINGS = 100
QUADS = 60
CORRECTIONS = 3
BLOCK_SECONDS = 0.008
"""As analysis.gate.pairs has them: the work is found as the gate will time it."""


class Slowed(Worker):
    """Adds matrix products to each step.

    Args:
        asked: the share of a step's time that they should take, or cell -> their rows.
    """

    def __init__(self, asked: float | Mapping[str, int]) -> None:
        super().__init__()
        self._asked = asked
        self._right = torch.full((COLUMNS, COLUMNS), 0.01)
        self._left = torch.full((ROWS, COLUMNS), 0.01)

    def prepare(self, cell: str, fields: dict[str, Any]) -> Answer:
        """As the usual worker's, then add the work.

        Args:
            cell: its name.
            fields: of its run.

        Returns:
            ``rows`` of the products.
        """
        super().prepare(cell, fields)
        trainer = self._trainers[cell]
        step = trainer.step
        asked = self._asked
        rows = asked[cell] if isinstance(asked, Mapping) else self._found(asked, step)
        trainer.step = self._with(step, rows)
        return {"rows": rows}

    def _with(self, step: Callable[[], torch.Tensor], rows: int) -> Callable[[], torch.Tensor]:
        def slowed() -> torch.Tensor:
            result = step()
            self._work(rows)
            return result

        return slowed

    def _found(self, share: float, step: Callable[[], torch.Tensor]) -> int:
        """How many rows take a share of a step, beside it."""
        seconds = median_seconds(step)
        steps = max(1, round(BLOCK_SECONDS / seconds))
        rows = self._rows(share * seconds)
        # There the same products take another time than by themselves.
        for _ in range(CORRECTIONS):
            rows *= correction(share, excess(step, self._with(step, round(rows)), steps))
        return round(rows)

    def _rows(self, seconds: float) -> float:
        """How many rows of products take so long: a line through two counts."""
        few, many = (median_seconds(partial(self._work, n)) for n in (ROWS, 16 * ROWS))
        per_row = (many - few) / (15 * ROWS)
        return max(0.0, (seconds - few) / per_row + ROWS)

    def _work(self, rows: int) -> None:
        whole, rest = divmod(rows, ROWS)
        for count in (*[ROWS] * whole, rest):
            if count:
                torch.mm(self._left[:count], self._right)


def excess(plain: Callable[[], object], slowed: Callable[[], object], calls: int) -> float:
    """How much longer one work takes than another, timed as the gate does.

    In blocks: single calls in turns say 4 to 8 % where blocks say 5, since each follows the other
    kind, with its memory. A B B A or B A A B, as is drawn: steps have their own periods (a
    collection of garbage, another piece of the data), and of a work against itself A B B A alone
    says 1 %.

    Args:
        plain: called without arguments.
        slowed: the same.
        calls: in a block.

    Returns:
        exp(the median of the logarithms of the ratios) - 1.
    """
    draw = random.Random(0)  # noqa: S311  # of an order
    ratios = []
    for _ in range(QUADS):
        sign = draw.choice([1, -1])
        order = [plain, slowed, slowed, plain] if sign > 0 else [slowed, plain, plain, slowed]
        a1, b1, b2, a2 = (_seconds_of(work, calls) for work in order)
        ratios.append(sign * math.log(b1 * b2 / (a1 * a2)) / 2)
    return math.expm1(statistics.median(ratios))


def correction(wanted: float, found: float) -> float:
    """By what the work is multiplied so that it takes the share wanted.

    Args:
        wanted: share of a step.
        found: share that it takes.

    Returns:
        Between a half and two: a busy moment says anything.

    >>> correction(0.05, 0.08), correction(0.05, -0.01), correction(0.05, 0.01)
    (0.625, 2.0, 2.0)
    """
    return min(max(wanted / found, 0.5), 2.0) if found > 0 else 2.0


def median_seconds(work: Callable[[], object]) -> float:
    """The median of some timings of some calls.

    Args:
        work: called without arguments.

    Returns:
        Seconds of one call.
    """
    return statistics.median(_seconds_of(work, 1) for _ in range(TIMINGS))


def _seconds_of(work: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1], Slowed(json.loads(os.environ["SADDLE_GATE_SLOWDOWN"])))
