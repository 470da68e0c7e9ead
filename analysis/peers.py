"""How fast the suite's step is beside its peers': ratios within a process, over processes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import schema
from analysis.estimates import Interval, median_interval
from analysis.records import Records
from analysis.wording import number

CELL = ["key", "machine"]

GAME = ["machine", *(name for name in schema.AXES if name not in ("mode", "seed"))]
"""What tells two cells apart; the mode is that of the suite's step, which is a peer."""

EAGER = "eager"

MODEL = "mlp"
"""Of whose cells the geometric mean is taken."""


def ratios(records: Records) -> pd.DataFrame:
    """Every peer's seconds per step over those of the suite's step, and the textbook's over eager.

    A ratio is taken within a process, where both were timed in turns; its interval is over
    processes: order statistics about the median.

    Args:
        records: the results.

    Returns:
        One row per cell, peer and step it is held against: `key`, GAME, `peer`, `over`, `ratio`,
        `low`, `high`, `confidence`, `processes`, `seconds_per_step` and `first_call_seconds`
        (medians), and `verdict` on the suite's step: "faster", "slower" or "undecided". A peer that
        was left out has `left_out`, the reason, and no numbers.
    """
    rows: list[dict[str, object]] = []
    if records.peers.empty:
        return pd.DataFrame(rows, columns=COLUMNS)
    for _, of_cell in records.peers.groupby([*CELL, "mode"], sort=False):
        rows += [_left_out(row) for _, row in of_cell[of_cell["left_out"] != ""].iterrows()]
        timed = of_cell[of_cell["left_out"] == ""]
        table = timed.pivot_table("seconds_per_step", index="process", columns="peer")
        mode = str(of_cell["mode"].iloc[0])
        pairs = [(peer, mode) for peer in table if peer != mode]
        pairs += [("textbook", EAGER)] * (mode != EAGER and {"textbook", EAGER} <= {*table})
        rows += [_row(timed, table, str(peer), over) for peer, over in pairs]
    return pd.DataFrame(rows, columns=COLUMNS)


def _left_out(row: "pd.Series[Any]") -> dict[str, object]:
    """A peer without numbers."""
    known = {name: row[name] for name in ["key", *GAME, "peer", "left_out"]}
    return {**known, "over": row["mode"], "verdict": ""}


def _row(timed: pd.DataFrame, table: pd.DataFrame, peer: str, over: str) -> dict[str, object]:
    """One peer against one step of the suite, in one cell."""
    found = median_interval(table[peer] / table[over])
    own = timed[timed["peer"] == peer]
    return {
        **own.iloc[0][["key", *GAME]],
        "peer": peer,
        "over": over,
        "ratio": found.estimate,
        "low": found.low,
        "high": found.high,
        "confidence": found.confidence,
        "processes": found.n,
        "seconds_per_step": own["seconds_per_step"].median(),
        "first_call_seconds": own["first_call_seconds"].median(),
        "verdict": verdict(found),
        "left_out": "",
    }


def verdict(ratio: Interval) -> str:
    """Whether the suite's step is faster, judged by whether the interval excludes 1.

    >>> verdict(Interval(1.2, 1.1, 1.3, 0.95, 8)), verdict(Interval(1.2, 0.9, 1.3, 0.95, 8))
    ('faster', 'undecided')
    >>> verdict(Interval(0.5, float("nan"), float("nan"), 0.0, 1))
    'undecided'
    """
    if ratio.low > 1:
        return "faster"
    return "slower" if ratio.high < 1 else "undecided"


def geometric_mean(records: Records, peer: str, model: str = MODEL) -> tuple[Interval, int] | None:
    """The geometric mean of a peer's ratio over cells of one model, between its bounds.

    Processes of different cells know nothing of each other: the first of every cell together give
    one geometric mean, the second another, and so on; the interval is that of their median.

    Args:
        records: the results.
        peer: its name.
        model: of the cells.

    Returns:
        The interval and the number of cells; None if no cell has the peer. A process that not every
        cell has does not count.
    """
    peers = records.peers
    if peers.empty:
        return None
    of_model = peers[(peers["model"] == model) & (peers["left_out"] == "")]
    seconds = of_model.pivot_table(
        index="process", columns=[*CELL, "mode", "peer"], values="seconds_per_step"
    )
    logs = [
        np.log(seconds[(*cell, peer)] / seconds[(*cell, cell[-1])])
        for cell in {column[:3]: None for column in seconds.columns}
        if {(*cell, peer), (*cell, cell[-1])} <= {*seconds.columns}
    ]
    means = pd.concat(logs, axis=1).dropna().mean(axis=1) if logs else pd.Series(dtype=float)
    if means.empty:
        return None
    return median_interval(np.exp(means)), len(logs)


def table(records: Records) -> pd.DataFrame:
    """The ratios as the report's page shows them.

    Args:
        records: the results.

    Returns:
        Text; one row per cell and peer. No rows where none was timed.
    """
    rows = ratios(records)
    if rows.empty:
        return pd.DataFrame()
    told = [name for name in GAME if name in TOLD or len(rows[name].unique()) > 1]
    rows = rows.sort_values([*GAME, "over", "peer"])
    shown = {name.replace("_", " "): rows[name].astype(str) for name in told}
    words = zip(rows["ratio"], rows["low"], rows["high"], strict=True)
    return pd.DataFrame(
        {
            **shown,
            "peer": rows["peer"].map(named),
            "over": rows["over"].map(named),
            "ratio": [bounded(*each) for each in words],
            "processes": rows["processes"].fillna(0).map("{:.0f}".format),
            "peer's ms per step": (1e3 * rows["seconds_per_step"]).map(number),
            "its first call, s": rows["first_call_seconds"].map(number),
            "suite is": rows["verdict"].where(rows["left_out"] == "", "–"),
            "left out": rows["left_out"].map(lambda why: " ".join(why.split())),
        }
    )


def bounded(ratio: float, low: float, high: float) -> str:
    """A ratio between its bounds.

    >>> bounded(1.25, 1.2, 1.3), bounded(1.25, float("nan"), float("nan"))
    ('1.25 [1.2, 1.3]', '1.25')
    """
    return number(ratio) if np.isnan(low) else f"{number(ratio)} [{number(low)}, {number(high)}]"


def named(peer: object) -> str:
    """A peer in words; one that the table does not know by its name.

    >>> named("textbook_compiled"), named("mine")
    ('textbook, modules compiled', 'mine')
    """
    return NAMES.get(str(peer), str(peer))


TOLD = ("model", "data", "penalty", "batch_size")
"""Told of every cell; other axes where there is more than one value."""

COLUMNS = [
    *("key", *GAME, "peer", "over", "ratio", "low", "high", "confidence", "processes"),
    *("seconds_per_step", "first_call_seconds", "verdict", "left_out"),
]

NAMES: Mapping[str, str] = {
    "eager": "suite, eager",
    "compile": "suite, compile",
    "cudagraph": "suite, cudagraph",
    "textbook": "textbook loop",
    "textbook_compiled": "textbook, modules compiled",
    "jax": "JAX",
    "jax_vmap": "JAX, vmapped",
}
