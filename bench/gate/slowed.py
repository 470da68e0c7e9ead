"""python -m bench.gate.slowed TREE: a worker whose steps do more work, to validate the gate with.

SADDLE_GATE_SLOWDOWN=0.05 adds work of 5 % of a step's time to every step that is timed. No other
worker reads it.
"""

import os
import statistics
import sys
import time
from typing import Any

import torch

from bench.gate.worker import Answer, Worker, main

COLUMNS = 64
ROWS = 4096
CALIBRATIONS = 15


class Slowed(Worker):
    """Adds matrix products to each step, as many rows as take the share that is asked for.

    Args:
        share: of a step's time.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share
        self._right = torch.full((COLUMNS, COLUMNS), 0.01)
        self._left = torch.full((ROWS, COLUMNS), 0.01)

    def prepare(self, cell: str, fields: dict[str, Any]) -> Answer:
        """As the usual worker's, then find how much work is the share of a step."""
        answer = super().prepare(cell, fields)
        trainer = self._trainers[cell]
        step = trainer.step
        rows = self._rows(self._share * median_seconds(step))

        def slowed() -> torch.Tensor:
            result: torch.Tensor = step()
            self._work(rows)
            return result

        trainer.step = slowed
        return answer

    def _rows(self, seconds: float) -> float:
        """How many rows of a product take so long: a line through two counts."""
        few, many = (median_seconds(lambda n=n: self._work(n)) for n in (16, ROWS))
        per_row = (many - few) / (ROWS - 16)
        return max(0.0, (seconds - few) / per_row + 16)

    def _work(self, rows: float) -> None:
        whole, rest = divmod(round(rows), ROWS)
        for count in (*[ROWS] * whole, rest):
            if count:
                torch.mm(self._left[:count], self._right)


def median_seconds(work: Any) -> float:
    """The median of some timings of some calls.

    Args:
        work: called without arguments.

    Returns:
        Seconds of one call.
    """
    times = []
    for _ in range(CALIBRATIONS):
        start = time.perf_counter()
        for _ in range(5):
            work()
        times.append((time.perf_counter() - start) / 5)
    return statistics.median(times)


if __name__ == "__main__":
    main(sys.argv[1], Slowed(float(os.environ["SADDLE_GATE_SLOWDOWN"])))
