"""All that a gate run found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.gate.exact import Exact
from analysis.gate.pairs import CANARY, Timed
from analysis.gate.quality import Quality
from analysis.gate.verdicts import Speed

CALLS = ("slower", "faster")


@dataclass
class Found:
    """All that a gate run found.

    Args:
        exact: counters and traces.
        speed: cell -> verdict; also of the canary.
        quality: of the cells that were trained.
        pairs: every pair's log ratios and seconds, the screen's first.
        screen_pairs: how many of them are the screen's.
        seconds: that the run took.
        removed: cells that base has and head has not.
    """

    exact: Exact
    speed: dict[str, Speed] = field(default_factory=dict)
    quality: list[Quality] = field(default_factory=list)
    pairs: list[Timed] = field(default_factory=list)
    screen_pairs: int = 0
    seconds: float = 0.0
    removed: list[str] = field(default_factory=list)

    @property
    def machine_changed(self) -> bool:
        """Whether the kernel that no revision changes was slower beside one of them."""
        return CANARY in self.speed and self.speed[CANARY].verdict in CALLS

    def verdict(self, cell: str) -> str:
        """What is told of a cell; where the machine changed, nothing is settled by a clock.

        Args:
            cell: its name, or CANARY for what its own timings say.

        Returns:
            "slower", "faster", "no change", "inconclusive", "machine changed", "incomparable" (base
            can't run it) or "broken" (head can't).
        """
        if cell in self.exact.refused:
            return "incomparable" if self.exact.refused[cell][0] == "base" else "broken"
        if cell not in self.speed:
            return "inconclusive"
        told = self.speed[cell].verdict
        moved = self.machine_changed and told != "inconclusive" and cell != CANARY
        return "machine changed" if moved else told


def ratios_of(pairs: Sequence[Timed]) -> dict[str, list[float]]:
    """The log ratios of every cell.

    Args:
        pairs: timed.

    Returns:
        Cell -> one number of each pair that timed it.
    """
    found: dict[str, list[float]] = {}
    for pair in pairs:
        for name, value in pair.log_ratios.items():
            found.setdefault(name, []).append(value)
    return found
