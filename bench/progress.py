"""A progress bar for a session: which cell runs, how many are left, how long it will take."""

import os
import sys
import time

import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bench.matrix import DEFAULTS, Cell
from bench.study import AXES

# Axes that a line names only where they are not as usual.
UNTOLD = ("layout", "mode", "ensemble")

# Seconds that a cell takes, besides the updates it trains, before any of its group has been seen to
# finish: a guess for one slow core. Only ratios matter, and only until the session has measured.
CELL_SECONDS = {
    "throughput": 1.0,
    "peers": 150.0,
    "overhead": 60.0,
    "numerics": 0.1,
    "dirac": 0.3,
    "gradients": 4.0,
    "per_sample": 12.0,
    "optimum": 1.0,
    "overtrained": 20.0,
    "counterfactual": 3.0,
    "spectrum": 5.0,
    "convergence": 1.0,
    "head_start": 1.0,
    "batches": 1.0,
    "reproduction": 10.0,
}
# Of each update of either player.
STEP_SECONDS = {"numbers": 0.0001, "points": 0.0015, "images": 0.004}


def guess(cell: Cell) -> float:
    """Seconds that a cell will take, before anything has been measured.

    Args:
        cell: of any kind.

    Returns:
        Seconds.
    """
    content = "points" if cell.run.data in ("gaussian1d", "ring", "grid") else "images"
    seconds = STEP_SECONDS["numbers" if cell.kind == "dirac" else content]
    return CELL_SECONDS[cell.kind] + updates(cell) * seconds


def updates(cell: Cell) -> int:
    """How many updates of either player a cell makes; timed steps are not counted."""
    run = cell.run
    if cell.kind in ("throughput", "peers", "overhead", "numerics"):
        return 0
    if cell.kind in ("optimum", "overtrained"):  # the discriminator's alone; at 9 displacements
        return run.steps * (9 if cell.kind == "optimum" else 1)
    return run.head_start + run.steps * (run.discriminator_steps + 1)


class Clock:
    """Estimates the seconds left from the cells that have finished, group by group.

    A group is a kind on a data set: its cells are slower or faster than guessed by one factor.

    Args:
        cells: of the session, by pytest's node id.
    """

    def __init__(self, cells: dict[str, Cell]) -> None:
        # Timings are taken one by one, whoever else could compute.
        timed = ("throughput", "peers", "overhead")
        self.timed = {name for name, cell in cells.items() if cell.kind in timed}
        self.workers = 1
        self.guesses = {name: guess(cell) for name, cell in cells.items()}
        self.groups = {name: f"{cell.kind} {cell.run.data}" for name, cell in cells.items()}
        self.waiting = set(cells)
        self.guessed = dict.fromkeys(self.groups.values(), 0.0)
        self.measured = dict.fromkeys(self.groups.values(), 0.0)

    def finish(self, name: str, seconds: float | None) -> None:
        """Take note that a cell is done, once.

        Args:
            name: the cell's node id.
            seconds: how long it took, beside others; None if it failed or was stored before: that
                says nothing.
        """
        if name not in self.waiting:
            return
        self.waiting.discard(name)
        if seconds is None:
            return
        self.guessed[self.groups[name]] += self.guesses[name]
        self.measured[self.groups[name]] += seconds

    def seconds_left(self) -> float:
        """What the waiting cells will take at the pace of their group, or else of the session."""
        everything = sum(self.guessed.values())
        pace = sum(self.measured.values()) / everything if everything else 1.0
        paces = {
            group: self.measured[group] / guessed if guessed else pace
            for group, guessed in self.guessed.items()
        }
        return sum(
            self.guesses[name]
            * paces[self.groups[name]]
            / (1 if name in self.timed else self.workers)
            for name in self.waiting
        )


def minutes(seconds: float) -> str:
    """A duration as m:ss.

    >>> minutes(92.4)
    '1:32'
    """
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"


def label(cell: Cell) -> str:
    """A cell in a few words: its kind, its axes but the device, and its variant."""
    shown = [
        str(getattr(cell.run, axis))
        for axis in AXES
        if axis not in ("device", "seed")
        and not (axis in UNTOLD and (getattr(cell.run, axis),) == DEFAULTS[axis])
    ]
    return " ".join([cell.kind, *shown, f"seed {cell.run.seed}", cell.variant]).rstrip()


class ProgressBar:
    """The pytest plugin: a live bar on a terminal, one line per cell elsewhere.

    Args:
        cells: of the session, by pytest's node id.
    """

    def __init__(self, cells: dict[str, Cell]) -> None:
        self.cells, self.clock = cells, Clock(cells)
        self.to_come = set(cells)
        self.started = 0.0
        # A copy of the descriptor, because pytest captures the original while a cell runs.
        stream = os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "w")
        self.console = Console(file=stream, force_terminal=stream.isatty())
        self.bar = Progress(
            BarColumn(12),
            TextColumn("{task.fields[left]} · {task.description}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=len(cells), left="")

    @property
    def done(self) -> int:
        """Cells finished so far."""
        return len(self.cells) - len(self.clock.waiting)

    @property
    def left(self) -> str:
        """How many cells wait or run, and how long they will take."""
        cells = len(self.clock.waiting)
        noun = "cell" if cells == 1 else "cells"
        return f"{cells} {noun}, about {minutes(self.clock.seconds_left())} left"

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show the cell that starts."""
        self.started = time.monotonic()
        text = label(self.cells[nodeid])
        self.bar.start()
        self.bar.update(self.task, description=text, left=self.left)
        if not self.console.is_terminal:
            total = str(len(self.cells))
            place = str(len(self.cells) - len(self.to_come) + 1).rjust(len(total))
            line = f"[{place}/{total}] {text} · {self.left}"
            self.console.print(line, markup=False, soft_wrap=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a cell that failed: how long that took says nothing of others."""
        if report.failed:
            self.finish(report.nodeid, None)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count the cell that ended, if nobody has told so before."""
        self.to_come.discard(nodeid)
        self.finish(nodeid, time.monotonic() - self.started)

    def begin(self, workers: int) -> None:
        """Reckon with so many cells at a time from now on."""
        self.clock.workers = max(workers, 1)

    def finish(self, nodeid: str, seconds: float | None) -> None:
        """Count a cell that ended, here or elsewhere.

        Args:
            nodeid: pytest's.
            seconds: what it took; None if it failed, or nothing was computed.
        """
        self.clock.finish(nodeid, seconds)
        self.bar.update(self.task, completed=self.done, left=self.left)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take the bar away before the summary."""
        self.bar.stop()
        self.console.file.close()
