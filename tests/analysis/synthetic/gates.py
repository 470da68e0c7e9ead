"""A gate run's document, made as the gate makes it from timings that are known."""

from typing import Any

import numpy as np

from analysis.gate.exact import Change, Exact
from analysis.gate.found import Found
from analysis.gate.outcome import record, rows
from analysis.gate.pairs import CANARY, Timed
from analysis.gate.quality import judged
from analysis.gate.verdicts import speed

FACTS: dict[str, Any] = {
    "base": "0123456789abcdef0123456789abcdef01234567",
    "head": "fedcba9876543210fedcba9876543210fedcba98",
    "time": "2026-01-02T03:04:05+00:00",
    "machine": "Example CPU, 2 cores",
    "minutes": 10,
}
SCREEN = 6


def found_of(changes: dict[str, tuple[str, float]], pairs: int = 9, spread: float = 0.004) -> Found:
    """A run in which every cell has a verdict and a change that all of its pairs are near.

    Cells of "no change" were settled by the screen; each other one has so many pairs after it.
    """
    rng = np.random.default_rng(0)
    exact = Exact(counters={name: {"operators_per_step": 7} for name in changes})
    made = Found(exact, screen_pairs=SCREEN, seconds=540.0)
    for place in range(SCREEN + pairs):
        timed = [n for n, (told, _) in changes.items() if place < SCREEN or told != "no change"]
        ratios = {name: np.log1p(changes[name][1]) + spread * rng.normal() for name in timed}
        seconds = {name: (0.002, 0.002 * float(np.exp(ratios[name]))) for name in timed}
        made.pairs.append(
            Timed(
                {**{n: float(x) for n, x in ratios.items()}, CANARY: 0.001 * rng.normal()},
                {**seconds, CANARY: (0.01, 0.01)},
            )
        )
    for name, (verdict, _) in {**changes, CANARY: ("no change", 0.0)}.items():
        of_cell = [pair.log_ratios[name] for pair in made.pairs if name in pair.log_ratios]
        made.speed[name] = speed(of_cell, verdict, 1 if name == CANARY else len(changes))
    return made


def gate_document(*, reverse: bool = False) -> bytes:
    """A gate.json: a slower cell, one without a change, a counter and a training; or reversed."""
    sign = -1 if reverse else 1
    verdict = "faster" if reverse else "slower"
    found = found_of({"ring": (verdict, sign * 0.08), "digits": ("no change", sign * 0.002)})
    before, after = (8, 7) if reverse else (7, 8)
    found.exact.changes.append(Change("ring", "operators_per_step", before, after))
    found.quality.append(judged("ring", "w1", [1.0] * 8, [1.01, 0.99] * 4))
    facts = FACTS | {"outcome": "clean" if reverse else "regression: 1 cell slower"}
    return record(found, rows(found, ["ring", "digits"]), facts, int(not reverse))
