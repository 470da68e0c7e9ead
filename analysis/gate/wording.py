"""A gate run in words: a table on the terminal, Markdown for a pull request."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from analysis.compare_words import code
from analysis.compare_words import table as markdown_table
from analysis.gate.found import Found
from analysis.gate.outcome import CLEAN, ENVIRONMENT, INCONCLUSIVE, REGRESSION, Row
from analysis.gate.pairs import CANARY
from analysis.wording import change, count, tenths, visible

HEADS = ("cell", "base", "head", "change [95 %]", "pairs", "detectable", "verdict")
STYLES = {"slower": "red", "broken": "red", "faster": "green", "no change": ""}

OPEN = ("inconclusive", "machine changed")

SUMMARY = {
    CLEAN: "clean: nothing got slower, larger or worse, as far as the last column says",
    REGRESSION: "regression",
    ENVIRONMENT: "nothing could be compared",
    INCONCLUSIVE: "inconclusive",
}


def table(told: Sequence[Row]) -> list[tuple[str, ...]]:
    """The cells of the table, as texts.

    Args:
        told: rows.

    Returns:
        One tuple each, in the order of HEADS.
    """
    return [
        (
            row.cell,
            milliseconds(row.base_seconds),
            milliseconds(row.head_seconds),
            change(row.change, row.low, row.high) if math.isfinite(row.change) else "",
            str(row.pairs) if row.pairs else "",
            tenths(row.detectable) if math.isfinite(row.detectable) else "",
            row.text,
        )
        for row in told
    ]


def milliseconds(seconds: float) -> str:
    """Seconds of a step, to three digits.

    >>> milliseconds(0.00234567), milliseconds(float("nan"))
    ('2.35 ms', '')
    """
    return f"{1e3 * seconds:.3g} ms" if math.isfinite(seconds) else ""


def remarks(found: Found) -> list[str]:
    """What the table does not hold: counters, numerics, quality, the machine, the power.

    Args:
        found: by a gate run.

    Returns:
        Lines.
    """
    lines = [f"{name}: not compared, since head no longer has it" for name in found.removed]
    lines += [
        f"{c.cell}: {c.counter} {_value(c.base)} → {_value(c.head)}" for c in found.exact.changes
    ]
    counted = len(found.exact.counters)
    if counted and not found.exact.changes:
        lines.append(f"exact counters: none changed in {count(counted, 'cell')}")
    steps, touched = found.exact.numerics, found.exact.touched()
    lines += [
        f"{name}: other numbers from step {steps[name]} on"
        if steps[name]
        else f"{name}: another state"
        for name in touched
    ]
    if steps and not touched:
        lines.append(f"numerics: the same to the last bit in all {len(steps)} cells")
    for one in found.quality:
        if one.why:
            lines.append(f"{one.cell}: training is {one.verdict}: {one.why}")
            continue
        lost = f", {one.lost} lost" if one.lost else ""
        sure = f" ({tenths(one.confidence)} interval)" if math.isfinite(one.low) else ""
        lines.append(
            f"{one.cell}: {one.metric} {one.verdict}, {change(one.change, one.low, one.high)} "
            f"over {one.seeds} seeds{sure}{lost}"
        )
    if found.machine_changed:
        moved = found.speed[CANARY]
        lines.append(
            "machine changed: the kernel that no revision changes took "
            f"{change(moved.change, moved.low, moved.high)} in head's processes: the machine "
            "favoured one side, or head changes a setting of its whole process; no clock counts"
        )
    return [*lines, *_power(found)]


def _power(found: Found) -> list[str]:
    """What the budget bought."""
    smallest = [told.detectable for name, told in found.speed.items() if name != CANARY]
    bought = sorted(x for x in smallest if math.isfinite(x))
    if not bought:
        return ["power: too few pairs to call anything slower"] if smallest else []
    least, most = tenths(bought[0]), tenths(bought[-1])
    line = "power: 95 times in 100 it would have called slow-downs of "
    line += least if least == most else f"{least} to {most}, by cell"
    blind = len(smallest) - len(bought)
    return [line + (f"; {count(blind, 'cell')} had too few pairs" if blind else "")]


def summary(found: Found, told: Sequence[Row], exit_status: int) -> str:
    """What it comes to, and why.

    Args:
        found: by a gate run.
        told: its rows.
        exit_status: of it.

    Returns:
        A line.
    """
    words = {REGRESSION: ("slower", "broken", "worse"), INCONCLUSIVE: OPEN}.get(exit_status, ())
    verdicts = [row.verdict for row in told]
    reasons = [f"{count(verdicts.count(w), 'cell')} {w}" for w in words if w in verdicts]
    trained = [one.verdict for one in found.quality if one.verdict in words]
    reasons += [f"{count(trained.count(w), 'trained cell')} {w}" for w in dict.fromkeys(trained)]
    rose = sum(one.is_worse for one in found.exact.changes) if exit_status == REGRESSION else 0
    reasons += [f"{count(rose, 'exact counter')} higher"] if rose else []
    return SUMMARY[exit_status] + (f": {', '.join(reasons)}" if reasons else "")


def _value(value: int | None) -> str:
    return "absent" if value is None else f"{value:,}"


def printed(found: Found, told: Sequence[Row], exit_status: int, console: Console) -> None:
    """Print a run.

    Args:
        found: by it.
        told: its rows.
        exit_status: of it.
        console: where to.
    """
    columns = [
        Column(HEADS[0], no_wrap=True),
        *(Column(head, overflow="fold") for head in HEADS[1:]),
    ]
    shown = Table(*columns, box=None, pad_edge=False)
    for row, texts in zip(told, table(told), strict=True):
        *cells, verdict = map(visible, texts)
        style = STYLES.get(row.verdict, "yellow")
        shown.add_row(*map(Text, cells), Text(verdict, style=style))
    console.print(shown)
    for line in remarks(found):
        console.print(Text(visible(line)), soft_wrap=True)
    console.print(Text(f"{summary(found, told, exit_status)} ({found.seconds / 60:.1f} minutes)"))


def markdown(found: Found, told: Sequence[Row], exit_status: int, title: str) -> str:
    """A run as Markdown.

    Args:
        found: by it.
        told: its rows.
        exit_status: of it.
        title: names the revisions by their hashes.

    Returns:
        A heading, a table and a list.
    """
    lines = [f"### {title}", "", f"**{summary(found, told, exit_status)}**", ""]
    lines += markdown_table(
        HEADS, [[code(text) if text else "" for text in r] for r in table(told)]
    )
    return "\n".join([*lines, "", *(f"- {code(line)}" for line in remarks(found)), ""])
