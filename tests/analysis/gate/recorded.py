"""Lines of a validation on a pretended clock, with drawn pairs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.gate import gate
from analysis.gate.exact import Exact
from analysis.gate.gate import Gate
from analysis.gate.lines import line_of
from analysis.gate.pairs import CANARY, Timed

CELLS: dict[str, dict[str, object]] = {f"cell{i}": {} for i in range(8)}
FACTS = {"head": "0123456789abcdef", "minutes": 10.0, "machine": "a machine"}


def recorded(
    monkeypatch: pytest.MonkeyPatch, seed: int, change: float, deviation: float
) -> dict[str, Any]:
    """The line of a whole run on a pretended clock: 20 s of counting, half a minute a pair."""
    rng, clock = np.random.default_rng(seed), [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])

    def draws(_start: object, cells: Any, *_rest: object, **_order: object) -> Timed:
        clock[0] += float(rng.uniform(25, 35))
        ratios = {name: float(rng.normal(np.log1p(change), deviation)) for name in cells}
        return Timed(log_ratios={**ratios, CANARY: float(rng.normal(0, 0.002))})

    monkeypatch.setattr(gate, "timed", draws)
    one = Gate(Path(), Path(), 10.0, seed, lambda _line: None)

    def counted(_cells: object) -> Exact:
        clock[0] += 20
        return Exact()

    monkeypatch.setattr(one, "_exact", counted)
    line = line_of(one.run(CELLS, {}), change, FACTS)
    return dict(json.loads(json.dumps(line)))
