"""The figure of the roofline: where points lie, and what the caption makes of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.figures import roofline
from analysis.figures.style import RC
from analysis.records import Records, load
from analysis.render import drawing

Change = Callable[[dict[str, Any]], None]


def changed(synthetic: Any, change: Change, **profile: Any) -> Records:
    """The tables of a session whose throughput cells are changed one by one."""
    folder: Path = synthetic.session(**{"seeds": 1, "data": ("ring",), **profile})
    file = folder / "benchmark.json"
    document = json.loads(file.read_text())
    for cell in document["benchmarks"]:
        if cell["group"] == "throughput":
            change(cell)
    file.write_text(json.dumps(document))
    return load([folder])


def nothing(cell: dict[str, Any]) -> None:
    """Leave the cell as it is."""


def test_a_point_is_the_median_over_losses(synthetic: Any) -> None:
    """And says over how many."""
    rows = roofline.prepare(changed(synthetic, nothing, losses=("a", "b", "c")))
    assert list(rows["losses"]) == [3, 3]
    assert list(rows["batch_size"]) == [16, 64]


def test_points_lie_at_their_rate_below_their_ceiling(synthetic: Any) -> None:
    """x is FLOP per least byte, y FLOP/s; the roof is flat at the best product."""
    records = changed(synthetic, nothing, losses=("a",))
    rows = roofline.prepare(records)
    with mpl.rc_context(RC):
        canvas = Canvas()
        roofline.draw(rows, canvas)
    (axes,) = canvas.axes
    drawn = [np.asarray(line.get_xydata()) for line in axes.lines]
    points = rows[["intensity", "flops_per_second"]].to_numpy()
    assert any(line.shape == points.shape and np.allclose(line, points) for line in drawn)
    roofs = [line for line in drawn if len(line) == 200]
    assert len(roofs) == 2
    for roof, bandwidth in zip(roofs, (1e11, 2e10), strict=True):
        x, y = roof.T
        assert np.allclose(y, np.minimum(1e11, bandwidth * x))
    low, high = axes.get_ylim()
    assert low < points[:, 1].min()
    assert high > 1e11


def test_what_differs_has_a_colour_of_its_own(synthetic: Any) -> None:
    """Models, penalties and modes; a panel for each device and precision."""

    def change(cell: dict[str, Any]) -> None:
        if cell["extra_info"]["run"]["penalty"] == "r1":
            cell["extra_info"]["run"]["mode"] = "compile"

    rows = roofline.prepare(
        changed(
            synthetic,
            change,
            penalties=("none", "r1"),
            models=("mlp", "dcgan"),
            precisions=("float32", "bfloat16"),
        )
    )
    assert set(rows["panel"]) == {"cpu, float32", "cpu, bfloat16"}
    assert rows["series"].nunique() == 4
    assert len(set(roofline.colours_of(rows).values())) == 4
    assert roofline.marker_of("eager") != roofline.marker_of("compile")
    assert roofline.marker_of("another") not in roofline.MARKERS.values()


def test_two_machines_are_two_panels(synthetic: Any) -> None:
    """Each has its own roof."""
    folders = [
        synthetic.session(name, machine={"cpu": name}, losses=("a",), seeds=1, data=("ring",))
        for name in ("One", "Two")
    ]
    rows = roofline.prepare(load(folders))
    assert set(rows["panel"]) == {"cpu, float32, One", "cpu, float32, Two"}


def test_data_are_panels_and_a_line_says_what_is_unusual(synthetic: Any) -> None:
    """Runs side by side are another line than one alone."""

    def change(cell: dict[str, Any]) -> None:
        if cell["extra_info"]["run"]["batch_size"] == 64:
            cell["extra_info"]["run"] |= {"data": "ring", "ensemble": 4, "layout": "channels_last"}

    rows = roofline.prepare(changed(synthetic, change))
    assert list(rows["panel"]) == ["cpu, float32, digits", "cpu, float32, ring"]
    assert list(rows["series"]) == ["mlp", "mlp, channels_last, 4 runs at once"]


def slowly(seconds: float) -> Change:
    """Every round of every cell takes so long a step."""

    def change(cell: dict[str, Any]) -> None:
        cell["stats"]["data"] = [50 * seconds] * 8

    return change


def test_a_caption_counts(synthetic: Any) -> None:
    """64·10⁶ FLOP take 0.64 ms at the least, 16·10⁶ a quarter: 80 % and 20 % of 0.8 ms."""
    records = changed(synthetic, slowly(8e-4), losses=("a",))
    told = roofline.caption(roofline.prepare(records)).replace("\N{NO-BREAK SPACE}", " ")
    assert "the median of 2 cells attains 50 %, from 20 % (mlp, eager, batch 16" in told
    assert "to 80 % (mlp, eager, batch 64, cpu, float32); 1 of 2 reaches 70 %." in told
    assert told.endswith("the largest bound is dispatch in 1 and arithmetic in 1.")


def test_one_cell_is_told_alone(synthetic: Any) -> None:
    """It is neither best nor worst."""
    records = changed(synthetic, slowly(8e-4), losses=("a",), batch_sizes=(64,))
    told = roofline.caption(roofline.prepare(records)).replace("\N{NO-BREAK SPACE}", " ")
    assert "the median of 1 cell attains 80 %, 80 % (mlp, eager, batch 64" in told
    assert drawing("roofline", roofline.FIGURE, records) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: cell["extra_info"].update(status="out_of_memory"),
        lambda cell: cell["extra_info"].update(flops_per_step=None),
        lambda cell: cell["extra_info"].pop("working_set_bytes"),
        lambda cell: cell["extra_info"]["run"].update(device="cuda"),
    ],
)
def test_without_a_roof_nothing_is_drawn(synthetic: Any, change: Change) -> None:
    """Unfinished, not counted, or on a device whose ceilings nobody measured."""
    assert drawing("roofline", roofline.FIGURE, changed(synthetic, change)) is None


def test_some_unfinished_cells_leave_the_others(synthetic: Any) -> None:
    """And one round has no interval, which is drawn without bars."""

    def change(cell: dict[str, Any]) -> None:
        cell["stats"]["data"] = cell["stats"]["data"][:1]
        if cell["extra_info"]["run"]["batch_size"] == 16:
            cell["extra_info"]["status"] = "out_of_memory"

    records = changed(synthetic, change)
    rows = roofline.prepare(records)
    assert list(rows["batch_size"]) == [64]
    assert rows["low"].isna().all()
    drawn = drawing("roofline", roofline.FIGURE, records)
    assert drawn is not None
    assert "nan" not in drawn.caption
