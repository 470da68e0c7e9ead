"""A progress bar for a session: which cell runs, how many are left, how long it will take."""

import os
import sys
import time

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bench.matrix import KINDS, Cell

# Seconds that a cell of each kind takes before any has been seen to finish, on one slow core; only
# their ratios matter, and only until the session has its own.
PRIOR_SECONDS = {"throughput": 1.5, "gradients": 6.0, "convergence": 0.005}


class Clock:
    """Estimates the seconds left from the cells that have finished.

    Args:
        cells: of the session, by pytest's node id.
    """

    def __init__(self, cells: dict[str, Cell]) -> None:
        self.weights = {
            name: PRIOR_SECONDS[cell.kind] * (cell.run.steps if cell.kind == "convergence" else 1)
            for name, cell in cells.items()
        }
        self.kinds = {name: cell.kind for name, cell in cells.items()}
        self.seconds = dict.fromkeys(KINDS, 0.0)
        self.finished = dict.fromkeys(KINDS, 0.0)

    def finish(self, name: str, seconds: float) -> None:
        """Take note that a cell is done.

        Args:
            name: the cell's node id.
            seconds: how long it took.
        """
        kind = self.kinds.pop(name)
        self.seconds[kind] += seconds
        self.finished[kind] += self.weights[name]

    def seconds_left(self) -> float:
        """What the remaining cells will take, at the pace of the finished ones of their kind."""
        done = sum(self.finished.values())
        pace = sum(self.seconds.values()) / done if done else 1.0
        return sum(
            self.weights[name]
            * (self.seconds[kind] / self.finished[kind] if self.finished[kind] else pace)
            for name, kind in self.kinds.items()
        )


def minutes(seconds: float) -> str:
    """A duration as m:ss.

    >>> minutes(92.4)
    '1:32'
    """
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"


def label(cell: Cell) -> str:
    """A cell in a few words: its kind and its axes."""
    return " ".join(
        [cell.kind, *(str(value) for value in cell.axes[1:-1]), f"seed {cell.axes[-1]}"]
    )


class ProgressBar:
    """The pytest plugin: a live bar on a terminal, one line per cell elsewhere.

    Args:
        cells: of the session, by pytest's node id.
    """

    def __init__(self, cells: dict[str, Cell]) -> None:
        self.cells, self.clock = cells, Clock(cells)
        self.started = 0.0
        # A copy of the descriptor, because pytest captures the original while a cell runs.
        stream = os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "w")
        self.console = Console(file=stream, force_terminal=stream.isatty())
        self.bar = Progress(
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn("about {task.fields[left]} left · {task.description}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=len(cells), left="?")

    @property
    def done(self) -> int:
        """Cells finished so far."""
        return len(self.cells) - len(self.clock.kinds)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show the cell that starts."""
        self.started = time.monotonic()
        left, text = minutes(self.clock.seconds_left()), label(self.cells[nodeid])
        self.bar.start()
        self.bar.update(self.task, description=text, left=left)
        if not self.console.is_terminal:
            place = f"[{self.done + 1:>{len(str(len(self.cells)))}}/{len(self.cells)}]"
            self.console.print(f"{place} {text} · about {left} left", markup=False, soft_wrap=True)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count the cell that ended."""
        self.clock.finish(nodeid, time.monotonic() - self.started)
        self.bar.update(self.task, completed=self.done)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take the bar away before the summary."""
        self.bar.stop()
