"""python -m bench.gate.slowed TREE: a worker whose steps do more work, to validate the gate with.

SADDLE_GATE_SLOWDOWN='{"ring": 40}' adds so much work to every step of a cell; with 0.05 the worker
guesses, for each cell that is prepared, the work that takes 5 % of a step, adds it and tells how
much it is. No other worker reads the variable.
"""

import json
import os
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
        step: Callable[[], torch.Tensor] = trainer.step
        asked = self._asked
        if isinstance(asked, Mapping):
            rows = asked[cell]
        else:
            rows = round(self._rows(asked * median_seconds(step)))

        def slowed() -> torch.Tensor:
            result = step()
            self._work(rows)
            return result

        trainer.step = slowed
        return {"rows": rows}

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


def median_seconds(work: Callable[[], object]) -> float:
    """The median of some timings of some calls.

    Args:
        work: called without arguments.

    Returns:
        Seconds of one call.
    """

    def seconds() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return statistics.median(seconds() for _ in range(TIMINGS))


if __name__ == "__main__":
    main(sys.argv[1], Slowed(json.loads(os.environ["SADDLE_GATE_SLOWDOWN"])))
