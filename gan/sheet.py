"""A picture of a few samples: a sheet of images, a scatter, or a histogram."""

import io
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gan import atomic
from gan.folder import Place, mkdir, telling


def tile(images: np.ndarray, gap: int = 1) -> np.ndarray:
    """Images side by side in a near-square sheet, one white pixel between them.

    Args:
        images: (N, C, H, W) with C of 1 or 3, in [−1, 1].
        gap: pixels between images.

    Returns:
        (rows · (H + gap) + gap, columns · (W + gap) + gap, C), in [0, 1].

    >>> tile(np.full((4, 1, 8, 8), -1.0)).shape
    (19, 19, 1)
    """
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.ones((rows * (height + gap) + gap, columns * (width + gap) + gap, channels))
    for index, image in enumerate((images + 1) / 2):
        top = gap + (index // columns) * (height + gap)
        left = gap + (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return sheet.clip(0, 1)


def save(samples: np.ndarray, real: np.ndarray, title: str, file: Place) -> None:
    """Write a picture of generated samples beside real ones; points that are not finite have none.

    Args:
        samples: (N, 1), (N, 2) or (N, C, H, W).
        real: the same shape, other N.
        title: above the picture.
        file: a PNG.

    Raises:
        UsageError: the file can't be written.
    """
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for axes, points, name in zip(
        figure.subplots(1, 2), (real, samples), ("real", "generated"), strict=True
    ):
        axes.set_title(name)
        _draw(axes, points)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    with telling("can't write", file):
        mkdir(file.parent)
        atomic.write(file, picture.getvalue())


def _draw(axes: Axes, points: np.ndarray) -> None:
    """Images as a sheet, points of the plane as a scatter, numbers as a histogram."""
    if points.ndim == 4:
        axes.imshow(tile(points), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        return
    finite = points[np.isfinite(points).all(1)]
    if points.shape[1] == 2:
        axes.scatter(finite[:, 0], finite[:, 1], s=4)
        axes.set(aspect="equal", xlabel="x", ylabel="y")
    else:
        axes.hist(finite[:, 0], bins=60, range=_span(finite[:, 0]), density=len(finite) > 0)
        axes.set(xlabel="x", ylabel="density")


def _span(values: np.ndarray) -> tuple[float, float] | None:
    """From the least to the greatest, or around them where floats are too coarse for bins between.

    >>> _span(np.array([1.0, 3.0])), _span(np.array([1e15, 1e15]))
    ((1.0, 3.0), (999999000000000.0, 1000001000000000.0))
    >>> _span(np.array([]))
    """
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    coarse = 1e-6 * max(abs(low), abs(high))
    margin = max(0.5, coarse) if high - low <= coarse else 0.0
    return low - margin, high + margin
