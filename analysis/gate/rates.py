"""How often the gate was wrong in a validation, and how often it noticed."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.compare_words import table
from analysis.estimates import Interval, share_interval
from analysis.gate.dependence import dependence
from analysis.gate.lines import Line, named
from analysis.gate.pairs import CANARY
from analysis.gate.strung import noticed, wrongly
from analysis.wording import count, listing, number, tenths

VERDICTS = ("slower", "faster", "inconclusive", "machine changed", "no change")

GOALS: Mapping[tuple[float, str], tuple[float, float]] = {
    (0.0, "runs with a cell slower"): (0.0, 0.01),
    (0.05, "cells slower"): (0.95, 1.0),
    (0.1, "cells slower"): (0.99, 1.0),
}
"""Slow-down and what is counted -> the share's least and its most, within a run's budget."""

FEWEST_OF_COMMIT = 5
"""Unchanged runs of a commit below which an average says little."""


@dataclass(frozen=True)
class Rate:
    """How often something happened, with Clopper and Pearson's interval.

    Args:
        slowdown: of head, as a share of base's time.
        what: in words.
        share: with its 95 % interval.
        count: how often.
        of: how many times it could have.
    """

    slowdown: float
    what: str
    share: Interval
    count: int
    of: int


def rates(found: Sequence[Line]) -> list[Rate]:
    """How often the gate was wrong, and how often it noticed.

    Args:
        found: lines.

    Returns:
        For each slow-down: cells by verdict, runs with a cell called slower; of unchanged runs
        those whose exact part erred, as far as their lines tell.
    """
    told: list[Rate] = []
    for slowdown, some in _by_slowdown(found):
        verdicts = [verdict for line in some for verdict in _verdicts(line)]
        told += [
            rate(slowdown, f"cells {word}", verdicts.count(word), len(verdicts))
            for word in VERDICTS
        ]
        wrong = sum("slower" in _verdicts(line) for line in some)
        told.append(rate(slowdown, "runs with a cell slower", wrong, len(some)))
        counted = [line["differing"] for line in some if "differing" in line]
        if counted and not slowdown:  # what makes head slower is counted, rightly
            what = "runs with other counters or numbers"
            told.append(rate(slowdown, what, sum(map(bool, counted)), len(counted)))
        changed = sum(bool(line["machine_changed"]) for line in some)
        told.append(rate(slowdown, "runs with the machine changed", changed, len(some)))
    return told


def rate(slowdown: float, what: str, times: int, of: int) -> Rate:
    """A share with its interval."""
    return Rate(slowdown, what, share_interval(times, of), times, of)


def _by_slowdown(found: Sequence[Line]) -> Iterator[tuple[float, list[Line]]]:
    for slowdown in sorted({line["slowdown"] for line in found}):
        yield slowdown, [line for line in found if line["slowdown"] == slowdown]


def _verdicts(line: Line) -> list[str]:
    """Of the cells, not of the canary."""
    return [cell["verdict"] for name, cell in line["cells"].items() if name != CANARY]


def spreads(found: Sequence[Line]) -> Iterator[tuple[str, float, int]]:
    """How much unchanged pairs differ.

    Args:
        found: lines.

    Yields:
        Cell, the standard deviation of its log ratios, and of how many pairs.
    """
    ratios = _ratios([line for line in found if line["slowdown"] == 0])
    for name, values in ratios.items():
        yield name, float(np.std(values, ddof=1)) if len(values) > 1 else math.nan, len(values)


def by_commit(found: Sequence[Line]) -> Iterator[str]:
    """What unchanged runs of each commit say: its gate may be another.

    Their pairs are 0 on average within its error, or there is a bias.

    Args:
        found: lines.

    Yields:
        A sentence for each commit of at least FEWEST_OF_COMMIT unchanged runs.
    """
    unchanged = [line for line in found if line["slowdown"] == 0]
    for head in dict.fromkeys(line["head"] for line in unchanged):
        some = [line for line in unchanged if line["head"] == head]
        if len(some) >= FEWEST_OF_COMMIT:
            means = [f"{name} {_mean(values)}" for name, values in sorted(_ratios(some).items())]
            told = next(told for told in rates(some) if told.what == "cells slower")
            yield (
                f"{count(len(some), 'unchanged run')} of {head[:10]}: {told.count} of {told.of} "
                f"cells called slower, {_share(told)}; head over base on average of all pairs: "
                f"{listing(means)}; of all cells, run by run {_mean(_of_runs(some))}."
            )


def _of_runs(some: Sequence[Line]) -> list[float]:
    """The mean log ratio of all pairs and cells of each run: a bias that all cells share shows."""
    return [
        float(
            np.mean([value for pair in line["pairs"] for n, value in pair.items() if n != CANARY])
        )
        for line in some
    ]


def _mean(values: Sequence[float]) -> str:
    """A mean of log ratios with its standard error, in per cent.

    >>> _mean([0.0, 0.02])
    '+1.00 ± 1.00 %'
    """
    mean, error = np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))
    return f"{100 * mean:+.2f} ± {100 * error:.2f} %".replace("-", "−")


def _ratios(unchanged: Sequence[Line]) -> dict[str, list[float]]:
    """Cell -> the log ratios of all pairs."""
    ratios: dict[str, list[float]] = {}
    for line in unchanged:
        for pair in line["pairs"]:
            for name, value in pair.items():
                ratios.setdefault(name, []).append(value)
    return ratios


def goals(found: Sequence[Line]) -> Iterator[str]:
    """What a validation says of GOALS.

    Args:
        found: lines.

    Yields:
        A sentence for each of which there are runs.
    """
    for told in rates(found):
        if bounds := GOALS.get((told.slowdown, told.what)):
            least, most = bounds
            goal = f"at most {tenths(most)}" if most < 1 else f"at least {tenths(least)}"
            yield (
                f"{named(told.slowdown).capitalize()}, {told.what}: the goal is {goal}; "
                f"{told.count} of {told.of}, {_share(told)}, {standing(told.share, least, most)}"
                f"{_reached(found, told.slowdown)}."
            )


def _reached(found: Sequence[Line], slowdown: float) -> str:
    """By how much cells were slower where they were slowed: the work is corrected, not exact."""
    if not slowdown:
        return ""
    some = [line for line in found if line["slowdown"] == slowdown]
    medians = [statistics.median(_estimates(name, some)) for name in _cells(some)]
    least, most = tenths(min(medians)), tenths(max(medians))
    return f"; by the runs' estimates cells took {least} to {most} more"


def standing(share: Interval, least: float, most: float) -> str:
    """How a share stands to its goal.

    >>> standing(Interval(0.0, 0.0, 0.09, 0.95, 38), 0.0, 0.01)
    'reached, which its interval does not show'
    """
    if least <= share.low and share.high <= most:
        return "reached, as its whole interval is"
    if least <= share.estimate <= most:
        return "reached, which its interval does not show"
    if share.high < least or share.low > most:
        return "missed, by its whole interval"
    return "missed, which its interval does not show"


def words(told: Rate) -> str:
    """A rate in a line."""
    low, high = told.share.low, told.share.high
    return (
        f"slow-down {told.slowdown:.0%}: {told.what} {told.count} of {told.of}, "
        f"{told.share.estimate:.1%} [{low:.1%}, {high:.1%}]"
    )


def sentences(found: Sequence[Line]) -> Iterator[str]:
    """What a validation has so far.

    Args:
        found: lines.

    Yields:
        Rates, how they stand to the goals, what unchanged runs of each commit say, what their pairs
        have in common, then how much these differ, a line each.
    """
    yield from map(words, rates(found))
    yield from goals(found)
    yield from by_commit(found)
    yield from _of_pairs(found)
    for name, deviation, pairs in spreads(found):
        yield f"{name}: unchanged pairs differ by {deviation:.2%} (sd, {pairs} pairs)"


def markdown(found: Sequence[Line]) -> str:
    """What a validation found as two tables: of all cells, and cell by cell.

    Args:
        found: lines.

    Returns:
        Markdown.
    """
    groups = list(_by_slowdown(found))
    heads = ["head", "runs", "cells", *VERDICTS, "runs with a cell slower", "minutes, most"]
    rows = [[named(slowdown), *_counts(some)] for slowdown, some in groups]
    told_of_all = [*goals(found), *by_commit(found)]
    text = [_of(found), "", *table(heads, rows), "", *(f"- {told}" for told in told_of_all), ""]
    for told in _of_pairs(found):
        text += [told, ""]
    heads = ["cell", "sd of a pair", *(f"{named(slowdown)}: called" for slowdown, _ in groups)]
    heads += [f"{named(slowdown)}: change" for slowdown, _ in groups]
    deviations = {name: (deviation, pairs) for name, deviation, pairs in spreads(found)}
    rows = [
        [
            name,
            f"{tenths(deviations[name][0])} ({deviations[name][1]})" if name in deviations else "",
            *(_called(name, some) for _, some in groups),
            *(_changes(name, some) for _, some in groups),
        ]
        for name in [*_cells(found), CANARY]
    ]
    return "\n".join([*text, *table(heads, rows), ""])


def _of(found: Sequence[Line]) -> str:
    """Which machines, and which commits of how many runs."""
    machines = listing(sorted({line["machine"] for line in found}))
    heads = Counter(line["head"][:10] for line in found)
    runs = [f"{count(times, 'run')} of {head}" for head, times in heads.items()]
    return f"{machines}; {listing(runs)}"


def _of_pairs(found: Sequence[Line]) -> Iterator[str]:
    """What the pairs of unchanged runs say, of as many runs as each sentence takes."""
    return filter(None, (dependence(found), wrongly(found), noticed(found)))


def _cells(found: Sequence[Line]) -> list[str]:
    """All cells but the canary."""
    return list(dict.fromkeys(n for line in found for n in line["cells"] if n != CANARY))


def _estimates(name: str, some: Sequence[Line]) -> list[float]:
    """What the runs estimated a cell's change to be."""
    return [line["cells"][name]["change"] for line in some if name in line["cells"]]


def _counts(some: Sequence[Line]) -> list[str]:
    told = {rate.what: rate for rate in rates(some)}
    wrong = told["runs with a cell slower"]
    counted = [told[f"cells {word}"] for word in VERDICTS] + [wrong]
    shares = [f"{one.count}: {_share(one)}" for one in counted]
    minutes = [line["seconds"] / 60 for line in some]
    took = f"{statistics.median(minutes):.1f}, {max(minutes):.1f}"
    return [str(wrong.of), str(told["cells slower"].of), *shares, took]


def _share(told: Rate) -> str:
    """A share with its interval, in per cent."""
    low, high = (number(100 * bound, 2) for bound in (told.share.low, told.share.high))
    return f"{tenths(told.share.estimate)} [{low}, {high}]"


def _called(name: str, some: Sequence[Line]) -> str:
    verdicts = [line["cells"][name]["verdict"] for line in some if name in line["cells"]]
    return f"{verdicts.count('slower')} of {len(verdicts)}"


def _changes(name: str, some: Sequence[Line]) -> str:
    """The median of the runs' estimates, with the least and the most."""
    found = _estimates(name, some)
    if not found:
        return ""
    low, high = (tenths(bound, signed=True) for bound in (min(found), max(found)))
    return f"{tenths(statistics.median(found), signed=True)} ({low} to {high})"
