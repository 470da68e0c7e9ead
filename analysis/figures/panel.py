"""Small multiples: which panels there are, where they go, and how their axes read."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from analysis import schema
from analysis.figures.style import style_of
from analysis.records import Records
from analysis.wording import number, percent, tick

WIDTH = 11.0
"""Inches; at 96 px an inch a page of 1100 px shows it at 100 %."""

LETTERS = 128
"""Of a title that fit into WIDTH, beside the panels' margins."""

MANY = 200
"""A logarithmic axis this long shows powers of ten only."""


def settings(rows: pd.DataFrame, given: Sequence[str]) -> "pd.Series[str]":
    """What tells runs apart beside the columns given, in words: "r1, bfloat16".

    A field that follows from the others, such as a loss's own learning rate, is not told; but what
    no loss brings with it (CONDITIONS) is, also where it differs between losses alone: a comparison
    of one loss on a small model with another on a large one is none of losses.

    Args:
        rows: one run per row, its axes, `machine` and `run.<field>` columns.
        given: columns that the figure shows in another way.

    Returns:
        One text per row, empty where nothing differs.
    """
    told: list[str] = []
    fields = [name for name in map(str, rows) if name in PLAIN or name.startswith("run.")]
    # Most fields are the same everywhere, which their column alone tells, in a tenth of the time.
    varied = [name for name in fields if len(rows[name].drop_duplicates()) > 1]
    for name in sorted(varied, key=lambda name: (name not in PLAIN, name)):
        beside = [of for of in given if of != "loss"] if name in CONDITIONS else given
        if name not in given and differs(rows, [*beside, *told], name):
            told.append(name)
    labels = pd.Series("", index=rows.index)
    for name in told:
        words = rows[name].map({value: in_words(name, value) for value in rows[name].unique()})
        labels = labels.where(labels == "", labels + ", ") + words
    return labels


def differs(rows: pd.DataFrame, given: Sequence[str], name: str) -> bool:
    """Whether a column has more than one value among rows that are alike in those given."""
    known = rows[[*given]].drop_duplicates().shape[0] if given else 1
    return rows[[*given, name]].drop_duplicates().shape[0] > known


def run_settings(records: Records, kind: str, given: Sequence[str]) -> pd.DataFrame:
    """The panel of every run: its data, and what tells it apart beside the columns given.

    Args:
        records: the results.
        kind: "training" or "gradients".
        given: columns that the figure shows in another way, `data` among them.

    Returns:
        `key`, `machine` and `panel`, one row per run.
    """
    runs = records.runs[records.runs["kind"] == kind]
    others = settings(runs, given)
    panel = runs["data"].where(others == "", runs["data"] + " · " + others).map(plain)
    return runs[["key", "machine"]].assign(panel=panel)


def in_words(field: str, value: object) -> str:
    """One field's value as a panel's title says it.

    >>> in_words("penalty", "none"), in_words("batch_size", 64), in_words("run.beta1", 0.5)
    ('no penalty', 'batch 64', 'beta1 0.5')
    >>> in_words("ensemble", 1), in_words("ensemble", 8)
    ('one run', '8 runs at once')
    """
    if field == "penalty" and value == "none":
        return "no penalty"
    if field == "ensemble" and value == 1:
        return "one run"
    if field in PLAIN:
        return PLAIN[field].format(value)
    return f"{field.removeprefix('run.').replace('_', ' ')} {value}"


def plain(text: object) -> str:
    r"""A name from the results on one line; whole, since panels are told apart by it.

    >>> plain("a\nb")
    'a b'
    """
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def label(text: object, longest: int = 40) -> str:
    """A name from the results as a legend can show it.

    >>> label("x" * 100, longest=5)
    'xxxx…'
    """
    line = plain(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def wrapped(text: str, columns: int, lines: int = 2) -> str:
    r"""A panel's name in lines that fit above or beside so many panels in a row, each part cut.

    >>> wrapped("ring · no penalty, bfloat16\nnon_saturating", 6)
    'ring · no penalty,\nbfloat16\nnon_saturating'
    """
    width = LETTERS // columns
    parts = [
        textwrap.wrap(part, width, max_lines=lines, placeholder="…") for part in text.split("\n")
    ]
    return "\n".join(line for part in parts for line in part)


def small_multiples(
    canvas: Canvas,
    blocks: Sequence[int],
    *,
    stacked: int = 1,
    columns: int = 4,
    height: float = 2.3,
) -> list[list[Axes]]:
    """Axes for blocks of panels, every block beginning a new row.

    Args:
        canvas: an empty figure, which takes the size it needs.
        blocks: how many panels each block has.
        stacked: axes of each panel, one below the other.
        columns: at most so many panels side by side.
        height: of one axes, inches.

    Returns:
        For each panel its axes from top to bottom.
    """
    columns = min(columns, max(blocks))
    lines = [line for panels in blocks for line in line_lengths(panels, columns)]
    canvas.set_size_inches(WIDTH, 0.5 + len(lines) * stacked * height)
    axes = canvas.subplots(len(lines) * stacked, columns, squeeze=False)
    grid = []
    for line, panels in enumerate(lines):
        rows = axes[line * stacked : (line + 1) * stacked]
        grid += [[row[column] for row in rows] for column in range(panels)]
        for unused in rows[:, panels:].flat:
            unused.remove()
    return grid


def line_lengths(panels: int, columns: int) -> list[int]:
    """So many panels in lines of so many columns.

    >>> line_lengths(6, 4), line_lengths(4, 4)
    ([4, 2], [4])
    """
    return [min(columns, panels - start) for start in range(0, panels, columns)]


def axes_by_row(canvas: Canvas, rows: int, columns: int, height: float) -> list[list[Axes]]:
    """A grid of axes, for figures in which a column means something.

    Args:
        canvas: an empty figure, which takes the size it needs.
        rows: of panels.
        columns: axes in each row.
        height: of one row, inches.

    Returns:
        The axes of each row.
    """
    canvas.set_size_inches(WIDTH, 0.5 + rows * height)
    return [list(row) for row in canvas.subplots(rows, columns, squeeze=False)]


def is_leftmost(axes: Axes) -> bool:
    """Whether nothing is to the left of this panel, so that it shows the scale of its row."""
    place = axes.get_subplotspec()
    return place is None or place.is_first_col()


def loss_handles(losses: Iterable[str], *, marked: bool = True) -> list[Line2D]:
    """A legend's entries for losses.

    Args:
        losses: names.
        marked: lines carry the loss's marker.
    """
    handles = []
    for loss in losses:
        style = style_of(loss)
        handle = Line2D([], [], color=style.colour, ls=style.dashes, label=label(loss))
        handle.set_marker(style.marker if marked else "")
        handles.append(handle)
    return handles


def legend(canvas: Canvas, handles: Sequence[Artist], most: int = 5) -> None:
    """A legend below all panels, its rows of even length.

    Args:
        canvas: the figure.
        handles: its entries.
        most: entries beside each other.
    """
    rows = -(-len(handles) // most)
    columns = -(-len(handles) // rows)
    canvas.legend(handles=handles, loc="outside lower center", ncols=columns)


class DecadeLocator(LogLocator):
    """Ticks at powers of ten; on an axis of few decades at 1, 2 and 5, on a short one evenly."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """The ticks between two limits.

        Args:
            vmin: lower limit.
            vmax: upper limit.

        Returns:
            Positive values.
        """
        if 0 < vmin < vmax < 5 * vmin:
            return [value for value in MaxNLocator(4).tick_values(vmin, vmax) if value > 0]
        self.set_params(subs=(1, 2, 5) if vmin > 0 and vmax / vmin < MANY else (1,))
        return super().tick_values(vmin, vmax)


def log_axis(axes: Axes, which: str) -> None:
    """Make an axis logarithmic with ticks in plain words: 0.01, 200, 10⁻⁹.

    Args:
        axes: whose axis.
        which: "x" or "y".
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_major_locator(DecadeLocator(numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(axis, value)))
    axis.set_minor_locator(NullLocator())


def _tick(axis: Axis, value: float) -> str:
    low, high = sorted(axis.get_view_interval())
    return tick(value) if high >= MANY * low else number(value)


def fixed_ticks(axes: Axes, values: Sequence[float]) -> None:
    """Ticks of the x axis at exactly these values.

    Args:
        axes: whose axis.
        values: where.
    """
    axes.xaxis.set_major_locator(FixedLocator(list(values)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def bars_and_crosses(rows: pd.DataFrame, unit: str) -> list[Line2D]:
    """What bars and crosses of timings mean, as far as there are any, for the legend.

    Args:
        rows: `low` and `confidence` of intervals, and `status`.
        unit: what the medians are of.

    Returns:
        A handle for each.
    """
    handles = []
    if rows["low"].notna().any():
        least = rows["confidence"][rows["low"].notna()].min()
        text = f"bar: {percent(least)} interval of the median of {unit}"
        handles.append(
            Line2D([], [], color="#888888", marker="|", markersize=10, ls="", label=text)
        )
    if (rows["status"] != "finished").any():
        handles.append(Line2D([], [], color="#888888", marker="x", ls="", label="no timing"))
    return handles


# The axes whose values speak for themselves; a seed is never a panel.
PLAIN: Mapping[str, str] = {
    **dict.fromkeys((name for name in schema.AXES if name != "seed"), "{}"),
    "batch_size": "batch {}",
    "ensemble": "{} runs at once",
    "machine": "{}",
}

CONDITIONS = {name for name in PLAIN if name not in ("loss", "penalty")} | {"run.steps"}
"""Fields that are the same for every loss, unless somebody ran them so."""
