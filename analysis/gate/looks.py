"""Fresh pairs of the cells in doubt: when a run looks at them, and what it then says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.gate.joint import MOST_PAIRS
from analysis.gate.verdicts import called_alone, called_together, cleared, looks_of

Ratios = Mapping[str, Sequence[float]]


@dataclass
class Looks:
    """The state of a confirmation; it knows no clock.

    Args:
        doubtful: cells that the screen left in doubt, at least one.
    """

    doubtful: Sequence[str]
    open: list[str] = field(init=False)
    pairs: int = field(default=0, init=False)
    looked: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Nothing is called yet."""
        self.open = list(self.doubtful)
        self.first, self.second, self.third = looks_of(len(self.doubtful))

    @property
    def goes_on(self) -> bool:
        """Whether another pair could settle something."""
        return bool(self.open) and self.pairs < self.third

    def after(self, fresh: Ratios, *, last: bool, time_for_second: bool) -> dict[str, str]:
        """What is said after another pair.

        Args:
            fresh: cell -> log ratios of the pairs so far, this one included.
            last: there is no time for another.
            time_for_second: there is time for the second look.

        Returns:
            Verdicts of the cells that were open; those that are settled are no longer.
        """
        self.pairs += 1
        last = last or self.pairs == self.third
        alive = {name: fresh[name] for name in self.open if len(fresh.get(name, ())) >= 2}
        calls = self._calls(alive, last=last, time_for_second=time_for_second)
        clear = {name for name, ratios in alive.items() if cleared(ratios)}
        # Cells that are looked at together have to be timed together until then.
        if not self.looked and clear != set(self.open):
            clear = set()
        verdicts = {
            name: calls.get(name) or ("no change" if name in clear else "inconclusive")
            for name in alive
        }
        self.open = [name for name in self.open if verdicts.get(name, "") in ("", "inconclusive")]
        return verdicts

    def _calls(self, alive: Ratios, *, last: bool, time_for_second: bool) -> dict[str, str]:
        """Cells called slower or faster, others as ""."""
        calls: dict[str, str] = {}
        # Without time for the second look the first one waits for all pairs that there will be.
        now = last or time_for_second or self.pairs == MOST_PAIRS
        if not self.looked and self.pairs >= self.first and now:
            self.looked = True
            whole = {n: ratios for n, ratios in alive.items() if len(ratios) == self.pairs}
            calls = called_together(whole) if whole else {}
        if self.looked and (last or self.pairs in (self.second, self.third)):
            family = len(self.doubtful)
            calls = {n: calls.get(n) or called_alone(some, family) for n, some in alive.items()}
        return calls
