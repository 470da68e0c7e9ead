"""Thousands of small tables as one, column by column: a frame for each would cost more than it."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Columns = Mapping[str, Any]


def stack(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """The frames, one above the other; without any, a table that still has its columns."""
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    return pd.concat(frames, ignore_index=True)


def stacked_rows(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Dictionaries as the rows of one table, each as if it were a table of its own.

    That is what ``pd.concat`` of a frame per row gives, in a frame per combination of types. So a
    whole number stays whole in a column in which other rows have None.

    Args:
        rows: name -> value; they need not have the same names.

    Returns:
        A row each, in their order; the columns in the order in which they first appear.

    >>> stacked_rows([{"latent_dim": None}, {"latent_dim": 100}])["latent_dim"].tolist()
    [None, 100]
    """
    alike: dict[Hashable, list[tuple[int, Mapping[str, object]]]] = {}
    for place, row in enumerate(rows):
        types = tuple((name, type(value)) for name, value in row.items())
        alike.setdefault(types, []).append((place, row))
    frames = [
        pd.DataFrame([row for _, row in group], index=[place for place, _ in group])
        for group in alike.values()
    ]
    return pd.concat(frames).sort_index() if frames else pd.DataFrame()


def stacked_columns(parts: Sequence[Columns]) -> dict[str, Any]:
    """The columns of several tables, one after the other.

    Args:
        parts: name -> an array or a list, all of the same names.

    Returns:
        name -> their array, or of lists their list.
    """
    return {
        name: [value for part in parts for value in part[name]]
        if isinstance(first, list)
        else np.concatenate([part[name] for part in parts])
        for name, first in (parts[0].items() if parts else ())
    }
