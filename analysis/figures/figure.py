"""What a figure is: data prepared from records, a drawing that computes nothing, and a caption."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.records import Records


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    Args:
        title: what is drawn, as a heading.
        needs: which results it takes, to say when there are none.
        prepare: the rows to draw, each naming its `panel`; none if the records hold nothing to
            draw. They are the CSV.
        draw: puts the rows on an empty canvas.
        caption: one or two sentences, every number and direction in them taken from the rows.
        most_panels: of these the first are drawn; the CSV has all.
    """

    title: str
    needs: str
    prepare: Callable[[Records], pd.DataFrame]
    draw: Callable[[pd.DataFrame, Canvas], None]
    caption: Callable[[pd.DataFrame], str]
    most_panels: int = 24
