"""One of several parts of a profile, for machines that know of nothing but a common folder."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bench.matrix import Cell, Matrix
from bench.work import WORK, stored_as
from gan.errors import UsageError


@dataclass(frozen=True)
class Part:
    """Every so-manieth run of a profile.

    Args:
        number: of this part, from 1.
        parts: how many there are.
    """

    number: int
    parts: int

    def __str__(self) -> str:
        """As the user writes it."""
        return f"{self.number}/{self.parts}"


def parse_part(text: str) -> Part:
    """A part as a user writes it.

    Args:
        text: I/N, 1 ≤ I ≤ N.

    Returns:
        It.

    Raises:
        UsageError: it is no such thing.

    >>> parse_part("1/4")
    Part(number=1, parts=4)
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    number, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= parts:
        raise UsageError(f"--part takes I/N with 1 ≤ I ≤ N, as in 1/4, not {text!r}")
    return Part(number, parts)


def part_of(every: Matrix, part: Part) -> Matrix:
    """The cells of a part: of the computed runs the I-th and every N-th from there on.

    The order is the profile's, whatever the machine has, so that machines that differ take
    different parts. Cells that share a run stay together. Timings are all in part 1: a throughput
    is that of one machine.

    Args:
        every: the matrix of the same options without a part.
        part: which.

    Returns:
        The matrix of the part.

    Raises:
        UsageError: no cell is in it.
    """
    turns = _turns(every.cells)
    cells = tuple(
        cell
        for cell in every.cells
        if (turns[_run_of(cell)] % part.parts if cell.kind in WORK else 0) == part.number - 1
    )
    if not cells:
        raise UsageError(
            f"no cell is in part {part}: it is {len(turns)} computed runs that are shared out, and "
            f"timings are all in part 1"
        )
    return Matrix(cells, every.left_out)


def _turns(cells: Iterable[Cell]) -> dict[object, int]:
    """The place of each computed run."""
    runs = dict.fromkeys(_run_of(cell) for cell in cells if cell.kind in WORK)
    return {run: place for place, run in enumerate(runs)}


def _run_of(cell: Cell) -> object:
    """What is computed for a cell, and once for all that share it."""
    return stored_as(cell.kind), cell.run.members()[0]
