"""The picture of a few samples, whatever they are."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread

from gan import sheet

RNG = np.random.default_rng(0)
REAL = {1: RNG.normal(size=(40, 1)), 2: RNG.normal(size=(40, 2))}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38, -3e38, 1e15, 0.0])
@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("dimensions", REAL)
def test_any_points_have_a_picture(
    dimensions: int, count: int, value: float, tmp_path: Path
) -> None:
    """One or all of them without a place on the axes, huge, or in one spot: a whole PNG."""
    samples = REAL[dimensions].copy()
    samples[:count] = value
    sheet.save(samples, REAL[dimensions], "title", tmp_path / "picture.png")
    height, width, _ = imread(io.BytesIO((tmp_path / "picture.png").read_bytes())).shape
    assert (width, height) == (960, 528)


def test_points_that_are_not_finite_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A point with one such coordinate is not drawn, nor is a number; all others are."""
    drawn: list[list[float]] = []
    monkeypatch.setattr(Axes, "scatter", lambda _axes, x, y, **_: drawn.append([*x, *y]))
    broken = np.array([[1.0, 2.0], [3.0, math.nan], [math.inf, 4.0], [5.0, 6.0]])
    sheet.save(broken, broken[:1], "title", tmp_path / "picture.png")
    assert drawn == [[1.0, 2.0], [1.0, 5.0, 2.0, 6.0]]


def test_images_with_pixels_that_are_not_finite_have_a_picture(tmp_path: Path) -> None:
    """Shown as they are: nothing is filled in."""
    images = np.full((4, 1, 8, 8), math.nan)
    images[0] = math.inf
    sheet.save(images, np.zeros((4, 1, 8, 8)), "title", tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
