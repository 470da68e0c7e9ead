"""A figure's files: the same records give the same bytes."""

import io
import json
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from pyarrow.csv import write_csv

from analysis.estimates import Array
from analysis.figures import Figure
from analysis.figures.style import RC
from analysis.records import Records

PNG_DPI = 144

Draw = Callable[[pd.DataFrame, Canvas], object]


@dataclass(frozen=True)
class Drawing:
    """One drawn figure.

    Args:
        name: of its files.
        title: its heading.
        caption: what it shows.
        svg: the drawing.
        png: the same in pixels.
        csv: the rows behind it.
    """

    name: str
    title: str
    caption: str
    svg: bytes
    png: bytes
    csv: bytes


def drawing(name: str, figure: Figure, records: Records) -> Drawing | None:
    """A figure of the records, or None if they hold nothing to draw.

    Args:
        name: of its files.
        figure: how to make it.
        records: the results.

    Returns:
        Its files and caption.
    """
    return drawings({name: figure}, records)[name]


def together(figures: Mapping[str, Figure]) -> list[dict[str, Figure]]:
    """The figures in groups that show the same rows, the largest group first.

    Args:
        figures: name -> how to make it.

    Returns:
        Parts of it.
    """
    groups: dict[Callable[[Records], pd.DataFrame], dict[str, Figure]] = {}
    for name, figure in figures.items():
        groups.setdefault(figure.prepare, {})[name] = figure
    return sorted(groups.values(), key=len, reverse=True)


def drawings(figures: Mapping[str, Figure], records: Records) -> dict[str, Drawing | None]:
    """Figures that show the same rows: what is made of these alone is made once.

    Args:
        figures: name -> how to make it, all of one `prepare`.
        records: the results.

    Returns:
        Name -> its files and caption, or None if the results hold nothing to draw.
    """
    rows = next(iter(figures.values())).prepare(records)
    if rows.empty:
        return dict.fromkeys(figures)
    table = csv(rows)
    return {name: _drawn(name, figure, rows, table) for name, figure in figures.items()}


def _drawn(name: str, figure: Figure, rows: pd.DataFrame, table: bytes) -> Drawing:
    panels = list(rows["panel"].unique())
    shown = rows[rows["panel"].isin(panels[: figure.most_panels])]
    caption = figure.caption(rows)
    if len(shown) < len(rows):
        caption += (
            f" The first {figure.most_panels} of {len(panels)} panels are drawn; the CSV has all."
        )
    svg, png = pictures(figure.draw, shown)
    return Drawing(name, figure.title, caption, svg, png, table)


def files(
    name: str, draw: Draw, rows: pd.DataFrame, caption: str, shown: pd.DataFrame | None = None
) -> dict[str, bytes]:
    """A figure beside its rows and its caption, for a command that draws one of its own.

    Args:
        name: of the files, without their endings.
        draw: onto an empty canvas.
        rows: behind the figure.
        caption: what it shows.
        shown: those of them that are drawn; None for all.

    Returns:
        Names and contents.
    """
    svg, png = pictures(draw, rows if shown is None else shown)
    return {
        f"{name}.svg": svg,
        f"{name}.png": png,
        f"{name}.csv": csv(rows),
        f"{name}.txt": f"{caption}\n".encode(),
    }


def pictures(draw: Draw, rows: pd.DataFrame) -> tuple[bytes, bytes]:
    """The figure as SVG and as PNG, laid out once.

    Args:
        draw: onto an empty canvas.
        rows: what to draw.

    Returns:
        Both files' bytes, without dates or versions in them.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(RC), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the page and the CSV spell it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas = Canvas()
        draw(rows, canvas)
        # Once here; a canvas that has a layout engine is drawn twice for every file it is saved to.
        ConstrainedLayoutEngine().execute(canvas)
        canvas.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        canvas.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


def csv(rows: pd.DataFrame) -> bytes:
    r"""The rows as CSV, floats with six significant digits, arrays as JSON, texts in quotes.

    Args:
        rows: a figure's data.

    Returns:
        UTF-8 text; what is missing is empty.

    >>> csv(pd.DataFrame({"x": [0.1 + 0.2, None], "name": ["a,b", ""]}))
    b'"x","name"\n0.3,"a,b"\n,""\n'
    """
    # Arrow's writer takes a tenth of the time of pandas', which formats number by number.
    columns = {str(name): _plain(rows[name]) for name in rows}
    sink = io.BytesIO()
    write_csv(pa.table(columns), sink)
    return sink.getvalue()


def _plain(values: "pd.Series[Any]") -> pa.Array:
    """A column as Arrow writes it."""
    if pd.api.types.is_float_dtype(values):
        return pa.array(significant(values.to_numpy(dtype=float)), from_pandas=True)
    if pd.api.types.is_object_dtype(values):
        try:
            return pa.array(values, pa.string(), from_pandas=True)
        except pa.ArrowException:  # not texts alone
            texts = [None if _is_missing(value) else _text(value) for value in values]
            return pa.array(texts, pa.string())
    return pa.array(values, from_pandas=True)


def significant(values: Array) -> Array:
    """The numbers nearest to those of six significant digits, whose shortest text has no more.

    Args:
        values: (n,), any.

    Returns:
        (n,).

    >>> significant(np.array([0.1 + 0.2, 1234567.0, -1e-300, np.inf]))
    array([ 3.00000e-001,  1.23457e+006, -1.00000e-300,           inf])
    """
    sizes = np.abs(values, where=np.isfinite(values) & (values != 0), out=np.ones(len(values)))
    places = 5 - np.floor(np.log10(sizes)).astype(int)
    # Powers up to 10²² are exact, so one division or product is rounded once.
    exact = np.abs(places) <= 22
    powers = 10.0 ** np.abs(np.where(exact, places, 0))
    up = places >= 0
    whole = np.rint(np.where(up, values * powers, values / powers))
    rounded: Array = np.where(up, whole / powers, whole * powers)
    rounded[~exact] = [float(f"{value:.6g}") for value in values[~exact]]
    return rounded


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _text(value: object) -> str:
    if isinstance(value, np.ndarray):
        return json.dumps([float(f"{x:.5g}") for x in value.ravel()])
    return f"{value:.6g}" if isinstance(value, float) else str(value)
