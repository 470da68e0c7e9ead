"""What is counted, not timed: two revisions' counters, and whether their numerics are the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.gate.pairs import COMPILING_SECONDS, prepared
from analysis.gate.process import RefusalError, Worker, both


@dataclass(frozen=True)
class Change:
    """A counter that is not what it was.

    Args:
        cell: its name.
        counter: its name.
        base: its value, or None where base has no such counter.
        head: its value, or None.
    """

    cell: str
    counter: str
    base: int | None
    head: int | None

    @property
    def is_worse(self) -> bool:
        """Whether head does more than base: every counter is a cost."""
        return self.base is not None and self.head is not None and self.head > self.base


@dataclass
class Exact:
    """What is the same in both revisions, to the last bit and unit.

    Args:
        counters: cell -> head's counters.
        changes: of the counters.
        numerics: cell -> the first step whose losses or gradients differ, 0 where only the state
            after the last does, None where nothing does.
        refused: cell -> ("base" or "head", why).
    """

    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    numerics: dict[str, int | None] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)

    def touched(self) -> list[str]:
        """The cells of which a number is not what it was."""
        return [cell for cell, step in self.numerics.items() if step is not None]

    def differing(self) -> set[str]:
        """The cells of which a counter or a number is not what it was."""
        return {*self.touched(), *(change.cell for change in self.changes)}


def exact(base: Worker, head: Worker, cells: Mapping[str, Mapping[str, object]]) -> Exact:
    """Count and trace every cell in both.

    Args:
        base: a fresh worker.
        head: a fresh worker.
        cells: name -> fields of its run.

    Returns:
        What differs.

    Raises:
        WorkerError: a process died or hung.
    """
    found = Exact(refused=prepared(base, head, cells))
    for cell in cells:
        if cell in found.refused:
            continue
        try:
            traces = both(base, head, "golden", COMPILING_SECONDS, cell=cell)
            counters = both(base, head, "count", COMPILING_SECONDS, cell=cell)
        except RefusalError as refusal:
            found.refused[cell] = (refusal.side, str(refusal))
            continue
        found.numerics[cell] = first_difference(*traces)
        before, now = (answer["counters"] for answer in counters)
        found.counters[cell] = now
        found.changes += changes(cell, before, now)
    return found


def changes(cell: str, base: Mapping[str, int], head: Mapping[str, int]) -> list[Change]:
    """The counters that differ.

    Args:
        cell: its name.
        base: counters.
        head: counters.

    Returns:
        In base's order, then head's own.

    >>> [(c.counter, c.base, c.head) for c in changes("ring", {"a": 1, "b": 2}, {"b": 3, "c": 4})]
    [('a', 1, None), ('b', 2, 3), ('c', None, 4)]
    """
    names = dict.fromkeys([*base, *head])
    pairs = [(name, base.get(name), head.get(name)) for name in names]
    return [Change(cell, name, one, other) for name, one, other in pairs if one != other]


def first_difference(base: Mapping[str, Any], head: Mapping[str, Any]) -> int | None:
    """The first step at which two traces differ.

    Args:
        base: ``trace`` and ``sha256`` of ``bench.gate.golden``.
        head: the same.

    Returns:
        Counted from 1; 0 if only the hash differs; None if nothing does.
    """
    if base["sha256"] == head["sha256"]:
        return None
    for step, rows in enumerate(zip(base["trace"], head["trace"], strict=False), start=1):
        # As texts: a nan equals a nan here.
        if repr(rows[0]) != repr(rows[1]):
            return step
    return 0
