"""A comparison as text for a terminal, as Markdown and as JSON; names are taken for hostile."""

import html
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.cells import cell_len
from rich.console import Console

from analysis.compare import SIDES, Compared, Comparison
from analysis.console import Block, print_blocks
from analysis.json_text import plain
from analysis.place import place
from analysis.wording import count, number, tallied, visible

HEADINGS = ("head / base", "95 % interval", "base, ms", "head, ms", "rounds", "files", "verdict")


def printed(found: Comparison, console: Console) -> None:
    """Print the table, what is left out, how the machines differ, and the warnings.

    Args:
        found: of `compare`.
        console: where to.
    """
    *others, last = found.warnings
    print_blocks(blocks(found, others), f"warning: {last}", console)


def written(found: Comparison, json_path: str | None, markdown_path: str | None) -> None:
    """Write the files that were asked for.

    Args:
        found: of `compare`.
        json_path: where to write JSON.
        markdown_path: where to write Markdown.

    Raises:
        UsageError: a file cannot be written.
    """
    from analysis.report import replace

    for path, text in ((json_path, as_json), (markdown_path, as_markdown)):
        if path is not None:
            replace(place(path), text(found))


def blocks(found: Comparison, warnings: Sequence[str]) -> Iterator[Block]:
    """What is printed, block by block."""
    cells = [[*HEADINGS, "benchmark"], *([*told(row), visible(row.name)] for row in found.rows)]
    yield "compared", summary(found), "bold", aligned(cells)
    for side, names in zip(SIDES, found.only, strict=True):
        if names:
            yield f"only in {side}", count(len(names), "benchmark"), "yellow", map(visible, names)
    if found.problems:
        lines = map(visible, found.problems)
        yield "left out", count(len(found.problems), "benchmark"), "yellow", lines
    if found.facts:
        told_facts = [["", *SIDES], *([visible(word) for word in fact] for fact in found.facts)]
        yield "the files differ in", count(len(found.facts), "fact"), "yellow", aligned(told_facts)
    if warnings:
        yield "mind", count(len(warnings), "warning"), "yellow", warnings


def summary(found: Comparison) -> str:
    """How many of each verdict, and how many of them chance alone would make.

    >>> summary(Comparison(((), ()), (), ((), ()), (), (), ()))
    '0 benchmarks'
    """
    n = len(found.rows)
    verdicts = tallied([row.verdict for row in found.rows], WORDS)
    bounded = sum(not math.isnan(row.ratio.low) for row in found.rows)
    chance = (
        f"; were none changed, chance would call up to {number(0.05 * bounded)}" if bounded else ""
    )
    return f"{count(n, 'benchmark')}: {verdicts}{chance}" if n else "0 benchmarks"


def told(row: Compared) -> list[str]:
    """One benchmark under the headings."""
    found = row.ratio
    bounds = "–" if math.isnan(found.low) else f"{number(found.low)} to {number(found.high)}"
    times = [number(1e3 * seconds) for seconds in row.seconds]
    counts = [f"{one} and {other}" for one, other in (row.rounds, row.files)]
    return [number(found.estimate), bounds, *times, *counts, row.verdict]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with columns below each other; the last column as long as it is.

    >>> aligned([["a", "b"], ["ccc", "d"]])
    ['a    b', 'ccc  d']
    """
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    return [
        "".join(
            cell + " " * (width + 2 - cell_len(cell))
            for cell, width in zip(row[:-1], widths, strict=True)
        )
        + row[-1]
        for row in rows
    ]


def as_json(found: Comparison) -> bytes:
    """The comparison as a JSON document in ASCII, whatever the names hold."""
    document = {
        "schema": 1,
        "base": found.files[0],
        "head": found.files[1],
        "benchmarks": [asdict(row) for row in found.rows],
        "only_in_base": found.only[0],
        "only_in_head": found.only[1],
        "left_out": found.problems,
        "differing_facts": [dict(zip(("fact", *SIDES), f, strict=True)) for f in found.facts],
        "warnings": found.warnings,
    }
    return (json.dumps(plain(document), indent=2) + "\n").encode()


def as_markdown(found: Comparison) -> bytes:
    """The comparison for a pull request; nothing in a name is markup, a mention or a link."""
    lines = [f"### Benchmarks: {summary(found)}", ""]
    lines += table([*HEADINGS, "benchmark"], [[*told(r), code(r.name)] for r in found.rows])
    for side, names in zip(SIDES, found.only, strict=True):
        lines += listed(f"Only in {side}", names)
    lines += listed("Left out", found.problems)
    if found.facts:
        facts = [[fact, code(base), code(head)] for fact, base, head in found.facts]
        lines += ["", *table(["", *SIDES], facts)]
    lines += ["", *(f"> Warning: {line}.  " for line in found.warnings)]
    return ("\n".join(lines) + "\n").encode()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table's lines."""
    ruled = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(row)} |" for row in ruled]


def listed(heading: str, texts: Sequence[str]) -> list[str]:
    """A Markdown list's lines under a heading; none of no texts."""
    return ["", f"{heading}:", "", *(f"- {code(text)}" for text in texts)] if texts else []


def code(text: str) -> str:
    r"""A text as HTML's code, every character of it that means something spelt as an entity.

    >>> code("a|b")
    '<code>a&#124;b</code>'
    """
    safe = "".join(
        letter if letter.isalnum() or letter in " .,:/=-" else html_entity(letter)
        for letter in visible(text)
    )
    return f"<code>{safe}</code>"


def html_entity(letter: str) -> str:
    """A character as HTML's number; in ASCII only, others are no markup.

    >>> html_entity("<"), html_entity("é")
    ('&#60;', 'é')
    """
    return f"&#{ord(letter)};" if letter.isascii() else html.escape(letter)


WORDS = {name: (name, name) for name in ("slower", "faster", "not told apart", "no interval")}
