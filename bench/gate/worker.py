"""python -m bench.gate.worker TREE: one revision's cells, driven line by line.

Requests are lines of JSON on stdin, answers lines on stdout; the process ends with its input, so
that it does not outlive whoever drives it. ``bench`` is the driver's revision, ``gan`` is TREE's.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]

PROTOCOL = 2
"""Of requests and answers; a driver that expects another one would read them wrongly."""


class Worker:
    """The cells that were prepared, and what can be asked of them."""

    def __init__(self) -> None:
        self._trainers: dict[str, Any] = {}
        self._blocks: dict[str, Callable[[], None]] = {}

    def cells(self) -> Answer:
        """What there is to compare.

        Returns:
            ``cells`` and ``quality``: name -> fields.
        """
        from bench.gate.cells import CELLS, QUALITY

        return {"cells": CELLS, "quality": QUALITY}

    def prepare(self, cell: str, fields: dict[str, Any]) -> Answer:
        """Build a cell and warm it up.

        Args:
            cell: its name.
            fields: of its run.

        Returns:
            Nothing more.
        """
        from gan.data import load
        from gan.ensemble import trainer_of
        from gan.run import Run

        run = Run(**fields)
        trainer = trainer_of(run, load(run.data))
        for _ in range(3):
            trainer.step()
        self._trainers[cell] = trainer
        return {}

    def length(self, cell: str, seconds: float) -> Answer:
        """How many steps a timed block should have.

        Args:
            cell: its name.
            seconds: that it should last.

        Returns:
            ``steps``.
        """
        from bench.timing import steps_per_block

        return {"steps": steps_per_block(self._trainers[cell], seconds)}

    def block(self, cell: str, steps: int) -> Answer:
        """Take steps.

        Args:
            cell: its name.
            steps: how many.

        Returns:
            ``seconds``.
        """
        from bench.timing import seconds_of_steps

        return {"seconds": seconds_of_steps(self._trainers[cell], steps)}

    def canary(self, blocks: int) -> Answer:
        """Time the kernel that no revision changes.

        Args:
            blocks: how often.

        Returns:
            ``seconds``.
        """
        from bench.gate.canary import seconds

        return {"seconds": seconds(blocks)}

    def count(self, cell: str) -> Answer:
        """Count exactly.

        Args:
            cell: its name.

        Returns:
            ``counters``.
        """
        from bench.gate.counters import counters

        return {"counters": counters(self._trainers[cell])}

    def golden(self, cell: str) -> Answer:
        """The first steps' numbers.

        Args:
            cell: its name.

        Returns:
            ``trace`` and ``sha256``.
        """
        from bench.gate.golden import golden

        return golden(self._trainers[cell])

    def train(self, fields: dict[str, Any]) -> Answer:
        """Train a run, with those of its ensemble, to its end.

        Args:
            fields: of the run.

        Returns:
            ``ends``: of each run, ``status`` and the ``last`` record.
        """
        from gan.run import Run
        from gan.train import train_together

        results = train_together(Run(**fields))
        return {"ends": [{"status": r.status, "last": (r.rows or [{}])[-1]} for r in results]}


REQUESTS = ("cells", "prepare", "length", "block", "canary", "count", "golden", "train")


def answered(worker: Worker, line: str) -> Answer:
    """The answer to one request.

    Args:
        worker: has the cells.
        line: JSON: ``do``, a name of REQUESTS, and its arguments.

    Returns:
        ``ok`` and what was asked for, or ``error`` in one line.
    """
    request = json.loads(line)
    name = request.pop("do")
    if name not in REQUESTS:
        return {"ok": False, "error": f"unknown request {name!r}"}
    try:
        return {"ok": True, **getattr(worker, name)(**request)}
    except Exception as error:  # noqa: BLE001  # whatever a revision can't do is an answer
        return refusal(error)


def refusal(error: Exception) -> Answer:
    """An error as an answer in one line.

    >>> refusal(KeyError("x"))
    {'ok': False, 'error': "KeyError: 'x'"}
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return {"ok": False, "error": f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]}


def greeting(tree: str) -> Answer:
    """Import a revision.

    Args:
        tree: its folder.

    Returns:
        ``ok``, PROTOCOL and the version of ``torch``, or why it can't be had.
    """
    sys.path.insert(0, tree)
    try:
        import torch

        import gan
    except Exception as error:  # noqa: BLE001  # a tree that can't be imported is an answer
        return refusal(error)
    torch.set_num_threads(1)
    where = Path(gan.__file__ or "").resolve()
    if Path(tree).resolve() not in where.parents:
        return {"ok": False, "error": f"gan is imported from {where.parent}, not from {tree}"}
    return {"ok": True, "torch": torch.__version__, "protocol": PROTOCOL}


def main(tree: str, worker: Worker | None = None) -> None:
    """Answer until the input ends.

    Args:
        tree: the revision's folder, whose ``gan`` is imported.
        worker: another one than the usual.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a compiler prints is no answer
    worker = worker or Worker()
    with contextlib.closing(answers):
        print(json.dumps(greeting(tree)), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(answered(worker, line)), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
