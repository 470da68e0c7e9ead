"""What a run's rows and facts must agree on."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from analysis import fields
from analysis.errors import UsageError
from analysis.stacking import Columns
from analysis.tables import TABLES


def check_facts(meta: Mapping[str, Any], rows: int) -> bool:
    """Hold a run's facts against its kind.

    Args:
        meta: of the run.
        rows: how many it has; one that ended before its first record has none, and no facts.

    Returns:
        Whether it has rows.

    Raises:
        UsageError: rows or facts are missing or of another kind.
    """
    if not rows:
        if meta["status"] == "finished":
            raise UsageError("finished, but without rows")
        return False
    promised = TABLES[meta["kind"]]
    fields.check(meta["facts"], promised.facts, "facts")
    fields.check_present(meta["facts"], promised.some_facts, "facts")
    return True


def check_training(
    columns: Columns, metas: Sequence[Mapping[str, Any]], bounds: Sequence[tuple[int, int]]
) -> None:
    """Hold the curves of training runs against each other and against their facts.

    Args:
        columns: of all of them.
        metas: of each.
        bounds: its first row, and the one after its last.

    Raises:
        UsageError: steps or seconds run backwards, or lists do not have the stated lengths.
    """
    for meta, (start, end) in zip(metas, bounds, strict=True):
        if (np.diff(columns["step"][start:end]) <= 0).any():
            raise UsageError("column step: not in increasing order")
        seconds = columns["seconds"][start:end]
        if not np.isfinite(seconds).all() or (np.diff(seconds) < 0).any():
            raise UsageError("column seconds: not a clock that runs forward")
        samples, logits = (_present(columns[name][start:end]) for name in LISTS)
        check_lengths(meta["facts"], samples, logits)


def check_lengths(facts: Mapping[str, Any], samples: Sequence[Any], logits: Sequence[Any]) -> None:
    """Hold the lists of a training run against their stated lengths.

    Args:
        facts: of the run.
        samples: flattened, of each record that has some.
        logits: on the grid, likewise.

    Raises:
        UsageError: one is shorter or longer, or the grid is in no order.
    """
    size = prod(facts["sample_shape"])
    if any(len(values) % size for values in (facts["real_samples"], *samples)):
        raise UsageError(f"samples are not of the stated shape {facts['sample_shape']}")
    if any(len(centre) != size for centre in facts.get("mode_centres") or []):
        raise UsageError(f"facts.mode_centres are not of the stated shape {facts['sample_shape']}")
    grid, density = (
        () if facts.get(name) is None else facts[name] for name in ("grid", "density_on_grid")
    )
    if len(density) != len(grid):
        raise UsageError("facts.grid and facts.density_on_grid differ in length")
    if any(len(values) != len(grid) for values in logits):
        raise UsageError("column logits_on_grid: not as long as facts.grid")
    if (np.diff(grid) <= 0).any():
        raise UsageError("facts.grid: not in increasing order")


def _present(lists: Any) -> list[Any]:
    return [values for values in lists if values is not None]


LISTS = ("samples", "logits_on_grid")
"""Columns of hundreds of numbers a record."""
