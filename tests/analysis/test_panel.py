"""Small multiples: which settings get a panel, where panels go, how axes read."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from matplotlib.figure import Figure as Canvas

from analysis.figures.panel import (
    DecadeLocator,
    differs,
    label,
    legend,
    line_lengths,
    log_axis,
    loss_handles,
    plain,
    run_settings,
    settings,
    small_multiples,
    wrapped,
)
from analysis.figures.style import LOSSES, OTHERS, style_of
from analysis.records import Records


def runs(**columns: Any) -> pd.DataFrame:
    """One run per row."""
    return pd.DataFrame(columns)


def test_what_is_the_same_everywhere_is_not_told() -> None:
    """A panel's title says only what tells it apart."""
    rows = runs(loss=["a", "b"], data=["ring", "ring"], model=["mlp", "mlp"])
    assert settings(rows, ["data", "loss"]).tolist() == ["", ""]


def test_what_differs_within_a_loss_is_told_in_words() -> None:
    """Penalty and batch size, in a fixed order."""
    rows = runs(loss=["a"] * 3, penalty=["none", "r1", "r1"], batch_size=[64, 64, 16])
    assert settings(rows, ["loss"]).tolist() == [
        "batch 64, no penalty",
        "batch 64, r1",
        "batch 16, r1",
    ]


def test_what_follows_from_the_loss_is_not_told() -> None:
    """A loss with a learning rate of its own stays in the panel of the others."""
    rows = runs(loss=["a", "b"], **{"run.learning_rate": [1e-3, 1e-4]})
    assert settings(rows, ["loss"]).tolist() == ["", ""]


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("model", ["mlp", "dcgan"], ["mlp", "dcgan"]),
        ("batch_size", [16, 64], ["batch 16", "batch 64"]),
        ("precision", ["float32", "bfloat16"], ["float32", "bfloat16"]),
        ("machine", ["A", "B"], ["A", "B"]),
        ("run.steps", [100, 1000], ["steps 100", "steps 1000"]),
    ],
)
def test_losses_under_different_conditions_are_never_in_one_panel(
    field: str, values: list[Any], words: list[str]
) -> None:
    """What no loss brings with it is told even where it follows from the loss."""
    rows = runs(loss=["a", "b"], data=["ring", "ring"], **{field: values})
    assert settings(rows, ["data", "loss"]).tolist() == words
    # Between data sets that is nothing that anybody compares.
    apart = runs(loss=["a", "b"], data=["ring", "grid"], **{field: values})
    assert settings(apart, ["data", "loss"]).tolist() == ["", ""]


def test_what_follows_from_a_field_already_told_is_not_told_again() -> None:
    """A penalty's weight comes with the penalty."""
    rows = runs(loss=["a", "a"], penalty=["none", "r1"], **{"run.penalty_weight": [0.0, 5.0]})
    assert settings(rows, ["loss"]).tolist() == ["no penalty", "r1"]


def test_other_fields_of_a_run_are_told_by_name() -> None:
    """A session with other steps in the same folder gets panels of its own."""
    rows = runs(loss=["a", "a"], seed=[0, 1], **{"run.adam_epsilon": [1e-8, None]})
    assert settings(rows, ["loss"]).tolist() == ["adam epsilon 1e-08", "adam epsilon nan"]


def test_a_missing_value_is_a_value() -> None:
    """A field that only some runs have tells them apart."""
    assert differs(runs(loss=["a", "a"], x=[1.0, float("nan")]), ["loss"], "x")
    assert not differs(runs(loss=["a", "a"], x=[float("nan")] * 2), ["loss"], "x")


def test_settings_are_told_apart_by_their_whole_names(records: Records) -> None:
    """Cut for a title, two long names are one; as panels they are two."""
    long = "model_" * 20
    first = records.runs["seed"] == 0
    runs = records.runs.assign(model=long + first.map(str))
    panels = run_settings(Records(**{**vars(records), "runs": runs}), "training", ["data", "loss"])
    assert panels["panel"].nunique() == 6


@given(st.text(), st.integers(1, 6))
def test_a_title_is_cut_to_two_lines_for_each_part(text: str, columns: int) -> None:
    """No line is longer than its panel is wide."""
    lines = wrapped(plain(text) + "\nloss", columns).split("\n")
    assert len(lines) <= 3
    assert all(len(line) <= 128 // columns for line in lines)


@given(st.text())
def test_a_label_is_one_printable_line(text: str) -> None:
    """Whatever a name holds."""
    shown = label(text, longest=20)
    assert len(shown) <= 20
    assert shown.isprintable()


@limits(deadline=None, max_examples=8)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 5), st.integers(1, 2))
def test_every_panel_gets_its_axes_and_none_is_left_over(
    blocks: list[int], columns: int, stacked: int
) -> None:
    """Each block begins a row; places without a panel are removed."""
    canvas = Canvas()
    panels = small_multiples(canvas, blocks, columns=columns, stacked=stacked)
    assert len(panels) == sum(blocks)
    assert all(len(stack) == stacked for stack in panels)
    assert len(canvas.axes) == stacked * sum(blocks)


@given(st.integers(1, 50), st.integers(1, 9))
def test_lines_are_full_but_for_the_last(panels: int, columns: int) -> None:
    """And hold all panels."""
    *full, last = line_lengths(panels, columns)
    assert all(length == columns for length in full)
    assert 1 <= last <= columns
    assert sum(full) + last == panels


@given(st.floats(1e-30, 1e30), st.floats(1.0001, 1e40))
def test_a_logarithmic_axis_has_a_few_positive_ticks(low: float, ratio: float) -> None:
    """However short or long it is: at least two in sight, and not a crowd."""
    high = low * ratio
    ticks = [x for x in DecadeLocator(numticks=6).tick_values(low, high) if low <= x <= high]
    assert 2 <= len(ticks) <= 9 or ratio < 1.01


@pytest.mark.parametrize(
    ("view", "texts"),
    [
        ((1e-9, 1.0), {"10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1"}),
        ((900.0, 60_000.0), {"1,000", "2,000", "5,000", "10,000", "20,000", "50,000"}),
    ],
)
def test_a_logarithmic_axis_reads_in_powers_or_plainly(
    view: tuple[float, float], texts: set[str]
) -> None:
    """Powers of ten over many decades, plain numbers over few; no TeX."""
    canvas = Canvas()
    axes = canvas.subplots()
    axes.set_ylim(view)
    log_axis(axes, "y")
    axes.set_ylim(view)
    canvas.draw_without_rendering()
    shown = {text.get_text() for text in axes.get_yticklabels() if text.get_text()}
    assert texts <= shown
    assert "$" not in "".join(shown)


def test_a_legend_lies_below_its_axes() -> None:
    """Outside the data, its rows of even length."""
    canvas = Canvas(layout="constrained")
    axes = canvas.subplots()
    legend(canvas, loss_handles([*LOSSES]))
    canvas.draw_without_rendering()
    (box,) = [one.get_window_extent() for one in canvas.legends]
    assert box.y1 <= axes.get_xticklabels()[0].get_window_extent().y0


def test_known_losses_differ_in_colour_and_in_marker() -> None:
    """Either alone tells them apart."""
    assert len({style.colour for style in LOSSES.values()}) == len(LOSSES)
    assert len({style.marker for style in LOSSES.values()}) == len(LOSSES)


def test_an_unknown_loss_has_a_style_that_depends_on_its_name_alone() -> None:
    """The same in every session, and not that of a known one."""
    assert style_of("my_loss") == style_of("my_loss")
    assert style_of("my_loss") in OTHERS
    assert not {style.colour for style in OTHERS} & {style.colour for style in LOSSES.values()}
    assert len({style_of(f"loss {n}") for n in range(200)}) == len(OTHERS)
