"""Gate runs that were not made, of the pairs of those that were: how often they err, and notice."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.gate.lines import Line
from analysis.gate.pairs import CANARY
from analysis.gate.power import replayed
from analysis.wording import count, listing, number, tenths

RUNS = 2000
"""Strung together of unchanged screens: near 1 % their share has an error of 0.2 %."""

SLOWER = (0.02, 0.025, 0.03, 0.04)
"""Shares of a step of which it is told how often they are noticed."""

RUNS_OF_EACH = 50
"""Strung together of slower screens, which take longer to judge; of eight cells each."""

FEWEST = 20
"""Unchanged runs without which there is no variety to string."""


def strung(
    lines: Sequence[Line], number: int, seed: int = 0, slower: float = 0.0
) -> list[dict[str, str]]:
    """Gate runs that were not made: screens of unchanged runs strung together at random.

    A few dozen runs can't show that one in a hundred errs. Their pairs are real, and any of them
    might have come after any other; those of one screen, which one minute's luck has in common,
    stay together. Every cell that a screen leaves in doubt goes on with the other screens' pairs.

    Args:
        lines: of a validation; slowed ones are left out.
        number: of runs to string together.
        seed: of the orders.
        slower: a share by which every step of head would have taken longer.

    Returns:
        Verdicts by cell of each.
    """
    rng = np.random.default_rng(seed)
    screens = [
        (
            line,
            shifted(line["pairs"][: line["screen_pairs"]], slower),
            line["took"][: line["screen_pairs"]],
        )
        for line in lines
        if line["slowdown"] == 0
    ]
    found = []
    for _ in range(number):
        drawn = [screens[place] for place in rng.permutation(len(screens))]
        pairs = [pair for _, some, _ in drawn for pair in some]
        took = [seconds for _, _, some in drawn for seconds in some]
        first = drawn[0][0]
        before = float(first["seconds"]) - sum(first["took"])
        line = {"pairs": pairs, "took": took, "seconds": before + sum(took)}
        found.append(replayed(line, float(first["minutes"])))
    return found


def shifted(pairs: Sequence[Mapping[str, float]], slower: float) -> list[dict[str, float]]:
    """Pairs as if every step of head had taken longer by a share; not so the canary.

    >>> shifted([{"ring": 0.0, CANARY: 0.5}], math.expm1(0.25))
    [{'ring': 0.25, 'canary': 0.5}]
    """
    more = math.log1p(slower)
    return [
        {name: value + (name != CANARY) * more for name, value in pair.items()} for pair in pairs
    ]


def wrongly(found: Sequence[Line]) -> str:
    """How often runs that are strung together of unchanged ones call a cell slower.

    Args:
        found: lines.

    Returns:
        A sentence, without an interval: they are not independent; "" of too few runs.
    """
    if (unchanged := _unchanged(found)) < FEWEST:
        return ""
    wrong = sum("slower" in verdicts.values() for verdicts in strung(found, RUNS))
    return (
        f"Of {count(RUNS, 'run')} strung together of the screens of {unchanged} unchanged ones "
        f"{wrong:,} call a cell slower: {tenths(wrong / RUNS)}."
    )


def noticed(found: Sequence[Line]) -> str:
    """How often such runs would have called cells of a head that is slower.

    Args:
        found: lines.

    Returns:
        A sentence, as ``wrongly`` has it.
    """
    if _unchanged(found) < FEWEST:
        return ""
    told = []
    for slower in SLOWER:
        runs = strung(found, RUNS_OF_EACH, slower=slower)
        every = [verdict for verdicts in runs for verdict in verdicts.values()]
        share = every.count("slower") / len(every)
        told.append(f"by {number(100 * slower)} % {tenths(share)}")
    return (
        f"If every step of head had taken longer (of {count(RUNS_OF_EACH, 'run')} each, strung "
        f"together of the same screens, cells called slower): {listing(told)}."
    )


def _unchanged(found: Sequence[Line]) -> int:
    return sum(line["slowdown"] == 0 for line in found)
