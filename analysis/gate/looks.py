"""More pairs of the cells in doubt: when a run looks at them, and what it then says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.gate.verdicts import looks_of, verdict_of


@dataclass
class Looks:
    """Which cells are open, and after how many pairs they may be called; it knows no clock.

    Args:
        cells: that are compared in this run.
        doubtful: those of them that the screen left open.
    """

    cells: int
    doubtful: Sequence[str]
    open: list[str] = field(init=False)
    at: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is called yet."""
        self.open, self.at = list(self.doubtful), looks_of(self.cells)

    def after(self, ratios: Mapping[str, Sequence[float]], *, last: bool) -> dict[str, str]:
        """What is said after another pair.

        Args:
            ratios: cell -> log ratios of all pairs so far, the screen's first.
            last: there is no time for another.

        Returns:
            Verdicts of the cells that were open; those that are settled are no longer.
        """
        verdicts = {name: self._verdict(ratios[name], last=last) for name in self.open}
        self.open = [
            name
            for name, verdict in verdicts.items()
            if verdict == "inconclusive" and len(ratios[name]) < self.at[-1]
        ]
        return verdicts

    def _verdict(self, ratios: Sequence[float], *, last: bool) -> str:
        look = last or len(ratios) in self.at
        return verdict_of(ratios, self.cells, look=look)
