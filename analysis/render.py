"""A figure's files: the same records give the same bytes."""

import io
import json
import warnings
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.figures import Figure
from analysis.figures.style import RC
from analysis.records import Records

PNG_DPI = 144


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
    rows = figure.prepare(records)
    if rows.empty:
        return None
    panels = list(rows["panel"].unique())
    shown = rows[rows["panel"].isin(panels[: figure.most_panels])]
    caption = figure.caption(rows)
    if len(shown) < len(rows):
        caption += (
            f" The first {figure.most_panels} of {len(panels)} panels are drawn; the CSV has all."
        )
    svg, png = pictures(figure, shown)
    return Drawing(name, figure.title, caption, svg, png, csv(rows))


def pictures(figure: Figure, rows: pd.DataFrame) -> tuple[bytes, bytes]:
    """The figure as SVG and as PNG, laid out once.

    Args:
        figure: how to draw.
        rows: what to draw.

    Returns:
        Both files' bytes, without dates or versions in them.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(RC), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the page and the CSV spell it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas = Canvas()
        figure.draw(rows, canvas)
        # Once here; a canvas that has a layout engine is drawn twice for every file it is saved to.
        ConstrainedLayoutEngine().execute(canvas)
        canvas.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        canvas.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


def csv(rows: pd.DataFrame) -> bytes:
    r"""The rows as CSV, six significant digits, arrays as JSON.

    Args:
        rows: a figure's data.

    Returns:
        UTF-8 text.

    >>> csv(pd.DataFrame({"x": [0.1 + 0.2], "name": ["a,b"]}))
    b'x,name\n0.3,"a,b"\n'
    """
    plain = rows.copy()
    for column in plain:
        if pd.api.types.is_object_dtype(plain[column]):
            plain[column] = plain[column].map(_as_json)
    return plain.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def _as_json(value: object) -> object:
    if isinstance(value, np.ndarray):
        return json.dumps([float(f"{x:.5g}") for x in value.ravel()])
    return value
