"""Sheets of images through training, beside the data."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis.estimates import Array
from analysis.figures.figure import Figure
from analysis.figures.panel import axes_by_row, wrapped
from analysis.figures.snapshot import Shape, samples_of, snapshots
from analysis.records import Records
from analysis.wording import listing, number

SNAPSHOTS = 5

SIDE = 5
"""Images along a sheet's edge."""


def prepare(records: Records) -> pd.DataFrame:
    """The first images of every snapshot and of the data, one row per image."""
    return samples_of(snapshots(records, is_image, SNAPSHOTS), SIDE * SIDE)


def is_image(shape: Shape) -> bool:
    """Whether samples of this shape can be looked at: (height, width), grey or of three colours.

    >>> is_image([8, 8]), is_image([1, 8, 8]), is_image([3, 28, 28]), is_image([2])
    (True, True, True, False)
    """
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in {1, 3})


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A row per loss, a column per snapshot, and the data in the last one."""
    names = list(rows["panel"].unique())
    most = int(rows[rows["kind"] == "generated"].groupby("panel")["step"].nunique().max())
    grid = axes_by_row(canvas, len(names), most + 1, height=1.95)
    for name, axes_of_row in zip(names, grid, strict=True):
        of_panel = rows[rows["panel"] == name]
        real = of_panel[of_panel["kind"] == "real"]
        *left, right = axes_of_row
        steps = list(of_panel[of_panel["kind"] == "generated"].groupby("step"))
        for axes, (step, generated) in zip(left, steps, strict=False):
            _draw_sheet(axes, generated, real, f"step {step:,}")
        for unused in left[len(steps) :]:
            unused.remove()
        _draw_sheet(right, real, real, "real")
        axes_of_row[0].set_ylabel(wrapped(name, 6))


def _draw_sheet(axes: Axes, rows: pd.DataFrame, real: pd.DataFrame, title: str) -> None:
    values = np.stack(real["sample"].to_list())
    axes.imshow(
        sheet(np.stack(rows["sample"].to_list()), values.min(), values.max()),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axes.set(xticks=(), yticks=(), title=title)
    axes.spines[:].set_visible(False)


def sheet(images: Array, low: float, high: float) -> Array:
    """Images beside and below each other, a pixel apart, brightness from 0 to 1.

    Args:
        images: (n, height, width) or (n, 1 or 3, height, width).
        low: drawn as black.
        high: drawn as white.

    Returns:
        (rows, columns) or (rows, columns, 3), NaN where there is no image.

    >>> sheet(np.ones((2, 1, 1)), 0.0, 2.0).shape
    (1, 9)
    """
    channels = images if images.ndim == 4 else images[:, None]
    _, depth, height, width = channels.shape
    rows = -(-len(channels) // SIDE)
    page = np.full((rows * (height + 1) - 1, SIDE * (width + 1) - 1, depth), np.nan)
    for place, image in enumerate(channels):
        y, x = (height + 1) * (place // SIDE), (width + 1) * (place % SIDE)
        page[y : y + height, x : x + width] = np.moveaxis(image, 0, -1)
    scaled = np.clip((page - low) / ((high - low) or 1.0), 0, 1)
    return scaled[..., 0] if depth == 1 else np.nan_to_num(scaled, nan=1.0)


def caption(rows: pd.DataFrame) -> str:
    """Whose samples these are, and how close their pixels come to the data's."""
    told = []
    for name, of_panel in rows.groupby("panel"):
        generated = of_panel[of_panel["kind"] == "generated"]
        last = generated[generated["step"] == generated["step"].max()]
        real = of_panel[of_panel["kind"] == "real"]
        spreads = [np.stack(part["sample"].to_list()).std(axis=0).mean() for part in (last, real)]
        told.append((spreads[0] / spreads[1] if spreads[1] else np.nan, str(name)))
    words = [f"{number(s, 2)} ({name.split(chr(10))[-1]})" for s, name in told[:6]]
    seeds = listing([str(seed) for seed in sorted(rows["seed"].unique())])
    return (
        f"Samples of the averaged generator of seed {seeds}, from step "
        f"{rows['step'].min():,} to {rows['step'].max():,}, beside the data. "
        f"How much the last sheet's images differ from one another, as a share of the data's: "
        f"{listing(words)}."
    )


FIGURE = Figure(
    title="Samples through training: images",
    needs="convergence cells on images, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=12,
)
