"""The numerics map's figure and table, on strips whose answer is known."""

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from scipy.special import expit

from analysis.figures.numerics import FIGURE, graded, prepare, table, trains_to
from analysis.figures.numerics_drawing import GRADES
from analysis.figures.style import RC
from analysis.records import Records
from analysis.render import drawing

LOGITS = np.arange(-110, 40.5, 0.5)
NOTHING: Any = pd.DataFrame()
EMPTY = Records(**dict.fromkeys((field.name for field in fields(Records)), NOTHING))


def strip(share: float | dict[tuple[float, float], float] = 1.0, **names: str) -> pd.DataFrame:
    """One strip whose gradient is this share of the exact one; by range, elsewhere 1."""
    identity = {
        "key": "k",
        "machine": "Example CPU",
        "status": "finished",
        "device": "cpu",
        "precision": "float32",
        "formulation": "logsigmoid",
        "gradient_of": "non_saturating",
        **names,
    }
    shares = np.full(len(LOGITS), share if isinstance(share, float) else 1.0)
    for (low, high), value in share.items() if isinstance(share, dict) else []:
        shares[(low <= LOGITS) & (high >= LOGITS)] = value
    sign = 1 if identity["gradient_of"] == "saturating" else -1
    exact = -expit(sign * LOGITS)
    return pd.DataFrame({**identity, "logit": LOGITS, "gradient": shares * exact, "exact": exact})


def of(*strips: pd.DataFrame) -> Records:
    """Records that hold these strips alone."""
    return replace(EMPTY, numerics=pd.concat(strips, ignore_index=True))


def spans(rows: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Every range's grade and logits."""
    return list(rows[["grade", "low", "high"]].itertuples(index=False, name=None))


def drawn(records: Records) -> Canvas:
    """The figure's canvas, laid out."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        FIGURE.draw(prepare(records), canvas)
        ConstrainedLayoutEngine().execute(canvas)
    return canvas


@pytest.mark.parametrize(
    ("share", "grade"),
    [
        (1.0, "right"),
        (1.009, "right"),
        (0.991, "right"),
        (1.011, "coarse"),
        (0.5, "coarse"),
        (1.5, "coarse"),
        (0.499, "lost"),
        (0.0, "lost"),
        (-0.001, "wrong"),
        (-1.0, "wrong"),
        (1.501, "wrong"),
        (np.nan, "not_finite"),
        (np.inf, "not_finite"),
        (-np.inf, "not_finite"),
    ],
)
def test_a_gradients_grade_follows_its_error(share: float, grade: str) -> None:
    """Within 1 %, within 50 %, more than half gone, wrong, not a number."""
    exact = [-0.25, -0.25]
    names = {"panel": "p", "precision": "x", "gradient_of": "y", "formulation": "z"}
    rows = pd.DataFrame({**names, "gradient": [-0.25 * share, -0.25], "exact": exact})
    assert graded(rows)["grade"].tolist() == [grade, "right"]


def test_a_strip_becomes_its_ranges() -> None:
    """Nothing, then half, then all of the gradient; edges lie halfway between logits."""
    rows = prepare(of(strip({(-110, -18.5): 0.1, (-18, -14): 0.7, (30, 40): np.nan})))
    assert spans(rows) == [
        ("lost", -110, -18.5),
        ("coarse", -18, -14),
        ("right", -13.5, 29.5),
        ("not_finite", 30, 40),
    ]
    assert rows["left"].tolist() == [-110, -18.25, -13.75, 29.75]
    assert rows["right"].tolist() == [-18.25, -13.75, 29.75, 40]
    assert rows["error"].tolist() == pytest.approx([0.9, 0.3, 0, np.nan], abs=1e-12, nan_ok=True)


def test_a_strip_trains_down_to_the_end_of_what_is_usable() -> None:
    """From ½ down to a = −18, the coarse part counted; D is σ(−18)."""
    rows = prepare(of(strip({(-110, -18.5): 0.1, (-18, -14): 0.7})))
    assert set(rows["trains_to"]) == {-18}
    assert rows["trains_to_d"].iloc[0] == pytest.approx(1.523e-8, rel=1e-3)
    assert not rows["throughout"].any()


def test_what_lies_beyond_a_gap_does_not_count() -> None:
    """Training comes from ½ and would have to cross it."""
    rows = prepare(of(strip({(-50, -40): 2.0})))
    assert spans(rows)[1] == ("wrong", -50, -40)
    assert set(rows["trains_to"]) == {-39.5}


def test_a_loss_of_the_upper_side_does_not_count() -> None:
    """The question is how small D may be."""
    rows = prepare(of(strip({(0.5, 40): np.nan})))
    assert rows["throughout"].all()
    assert set(rows["trains_to"]) == {-110}


def test_a_strip_that_fails_at_a_half_never_trains() -> None:
    """No logit is the end of a run that does not begin."""
    rows = prepare(of(strip({(0, 0): 0.0})))
    assert rows["trains_to"].isna().all()
    assert not rows["throughout"].any()
    assert table(of(strip({(0, 0): 0.0})))["to D(G(z))"].tolist() == ["never"]


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(-40, 10))
def test_the_run_that_trains_holds_zero_and_is_maximal(good: list[bool], start: int) -> None:
    """Against a walk from 0 downwards, one logit at a time."""
    logits = np.arange(start, start + len(good), dtype=float)
    known = dict(zip(logits, good, strict=True))
    walked, place = float("nan"), 0.0
    while known.get(place, False):
        walked, place = place, place - 1
    assert trains_to(logits, np.array(good)) == pytest.approx(walked, nan_ok=True)


def test_the_order_of_rows_does_not_matter() -> None:
    """Files are read in the order of their names."""
    numerics = of(strip({(-110, -30): 0.0}), strip(precision="float64")).numerics
    shuffled = numerics.sample(frac=1, random_state=np.random.default_rng(0))
    pd.testing.assert_frame_equal(
        prepare(replace(EMPTY, numerics=shuffled)), prepare(replace(EMPTY, numerics=numerics))
    )


def test_strips_stand_in_the_order_of_their_tables() -> None:
    """Wide formats first, the stable formulation last, names that nobody knows after them."""
    rows = prepare(
        of(
            strip(precision="float8"),
            strip(precision="float16"),
            strip(precision="float64", formulation="mine"),
            strip(precision="float64"),
            strip(precision="float64", formulation="bce"),
        )
    )
    strips = rows[["precision", "formulation"]].drop_duplicates()
    assert strips.to_numpy().tolist() == [
        ["float64", "bce"],
        ["float64", "logsigmoid"],
        ["float64", "mine"],
        ["float16", "logsigmoid"],
        ["float8", "logsigmoid"],
    ]


def test_every_device_of_a_machine_has_its_panel() -> None:
    """Also a second result of one cell, which other code or another torch gave."""
    rows = prepare(
        of(
            strip(),
            strip(key="later"),
            strip(device="cuda", machine="GPU\nX"),
            strip(0.2, key="k2"),
        )
    )
    assert list(rows["panel"].unique()) == [
        "cpu · Example CPU",
        "cpu · Example CPU, result 2",
        "cpu · Example CPU, result 3",
        "cuda · GPU X",
    ]
    assert rows[rows["grade"] == "lost"]["panel"].tolist() == ["cpu · Example CPU, result 3"]


def test_without_rows_there_is_no_figure() -> None:
    """And no table."""
    assert prepare(EMPTY).empty
    assert table(EMPTY).empty
    assert drawing("numerics", FIGURE, EMPTY) is None


def test_preparing_leaves_the_records_alone() -> None:
    """Figures share them."""
    records = of(strip({(-110, -20): 0.0}))
    before = records.numerics.copy()
    prepare(records)
    pd.testing.assert_frame_equal(records.numerics, before)


def test_the_caption_counts_the_strips_that_reach_the_end() -> None:
    """Of each loss, with those that fail at the largest D(G(z)) by name."""
    rows = prepare(
        of(
            strip(),
            strip({(-110, -18.5): 0.1}, formulation="epsilon_in_log"),
            strip({(-110, -18.5): np.nan}, formulation="bce", precision="float16"),
            strip({(-110, -89): 0.0}, formulation="naive_log_sigmoid"),
            strip(gradient_of="saturating"),
        )
    )
    assert FIGURE.caption(rows) == (
        "The number beside a strip is the smallest D(G(z)) down to which, from ½, its gradient "
        "stays within 50\N{NO-BREAK SPACE}% of the closed form. Down to the smallest mapped, "
        "1.7·10⁻⁴⁸, that holds for 1 of 1 strips of the saturating loss and 1 of 4 strips of the "
        "non-saturating loss (first to fail, below 1.5·10⁻⁸: float32 as log(sigmoid(a) + 1e-8); "
        "float16 as BCELoss); strips with gradients that are not finite: 1."
    )


def test_the_caption_says_when_a_format_fails_whichever_way_it_is_written() -> None:
    """Two formulations, both lost at one logit."""
    lost = [
        strip({(-110, -17.5): 0.0}, formulation=name, precision="float16")
        for name in ("bce", "logsigmoid")
    ]
    assert "(first to fail, below 4.1·10⁻⁸: float16 however written)." in FIGURE.caption(
        prepare(of(*lost))
    )


def test_the_caption_of_a_strip_that_never_trains() -> None:
    """It comes before all that train at all; a strip without any gradient is counted apart."""
    text = FIGURE.caption(
        prepare(of(strip(np.nan, formulation="bce"), strip({(-110, -5): 0.0}, precision="float16")))
    )
    assert "0 of 2 strips of the non-saturating loss (first to fail, already at ½: " in text
    assert "already at ½: float32 as BCELoss)" in text
    assert text.endswith("; strips without any gradient: 1.")


def test_the_table_says_where() -> None:
    """One row per strip, ranges of logits in words."""
    found = table(
        of(
            strip({(-110, -18.5): 0.1, (6, 6): 1.6, (37, 40): 0.0}, precision="bfloat16"),
            strip({(-110, -110): np.nan}, gradient_of="saturating", formulation="bce"),
        )
    )
    assert found.to_dict("records") == [
        {
            "Device": "cpu · Example CPU",
            "Dtype": "float32",
            "Loss": "saturating",
            "Written as": "BCELoss",
            "Trains down to logit": "−109.5",
            "to D(G(z))": "2.8·10⁻⁴⁸",
            "Lost at logits": "–",
            "Too large or of the wrong sign": "–",
            "Not finite": "−110",
        },
        {
            "Device": "cpu · Example CPU",
            "Dtype": "bfloat16",
            "Loss": "non_saturating",
            "Written as": "logsigmoid(a)",
            "Trains down to logit": "−18",
            "to D(G(z))": "1.5·10⁻⁸",
            "Lost at logits": "−110 to −18.5, 37 to 40",
            "Too large or of the wrong sign": "6",
            "Not finite": "–",
        },
    ]


def test_the_table_says_when_the_map_ends_before_the_gradient_does() -> None:
    """The true limit is at most the last logit."""
    row = table(of(strip())).iloc[0]
    assert (row["Trains down to logit"], row["to D(G(z))"]) == ("≤ −110", "≤ 1.7·10⁻⁴⁸")


def test_a_strip_without_any_gradient_is_a_grade_of_its_own() -> None:
    """What a device does not implement is not called a number that is not finite."""
    rows = prepare(of(strip(np.nan), strip({(-110, -50): np.nan}, formulation="bce")))
    assert spans(rows[rows["formulation"] == "logsigmoid"]) == [("nowhere", -110, 40)]
    assert "nowhere" not in set(rows[rows["formulation"] == "bce"]["grade"])
    assert table(of(strip(np.nan)))["Not finite"].tolist() == ["−110 to 40"]


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2)."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_grades_are_told_apart_by_lightness_alone() -> None:
    """From the best to the worst each is darker, by a contrast of 1.4 or more."""
    order = ["right", "coarse", "lost", "wrong", "not_finite"]
    light = [luminance(GRADES[name].colour) + 0.05 for name in order]
    contrasts = [a / b for a, b in pairwise(light)]
    assert min(contrasts) > 1.4


def test_names_on_areas_can_be_read() -> None:
    """White on each colour that carries a word, at a contrast of 4 or more."""
    named = [grade for grade in GRADES.values() if grade.name]
    assert {grade.name for grade in named} == {"lost", "wrong", "not finite"}
    assert all(1.05 / (luminance(grade.colour) + 0.05) > 4 for grade in named)


def visible_words(axes: Axes) -> list[str]:
    """What is written on strips."""
    return [text.get_text() for text in axes.texts]


def areas_of(axes: Axes) -> list[Rectangle]:
    """The strips' parts."""
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_strips_are_areas_from_edge_to_edge() -> None:
    """Of the grade's colour, side by side, the wide ones named."""
    records = of(strip({(-110, -18.5): 0.1, (-18, -14): 0.7}))
    _, axes = drawn(records).axes
    areas = [(patch.get_x(), patch.get_width()) for patch in areas_of(axes)]
    assert areas == [(-110, 91.75), (-18.25, 4.5), (-13.75, 53.75)]
    colours = [patch.get_facecolor()[:3] for patch in axes.patches]
    assert colours == [to_rgb(GRADES[name].colour) for name in ("lost", "coarse", "right")]
    assert "lost" in visible_words(axes)


def test_a_strip_has_the_same_height_in_both_columns() -> None:
    """Its label is on the left, also where only the right column has it."""
    records = of(
        strip(formulation="bce"), strip(gradient_of="saturating"), strip(0.0, formulation="mine")
    )
    left, right = drawn(records).axes
    names = [text.get_text() for text in left.get_yticklabels()]
    assert names == ["BCELoss", "logsigmoid(a)", "mine"]
    assert [round(patch.get_y() + 0.4, 6) for patch in areas_of(left)] == [1]
    assert [round(patch.get_y() + 0.4, 6) for patch in areas_of(right)] == [0, 2]


def test_the_second_scale_is_d_at_its_logit() -> None:
    """10⁻²⁰ stands at a = −46.05, ½ at 0."""
    axes = drawn(of(strip())).axes[0]
    scales: list[Any] = axes.child_axes
    (top,) = [one for one in scales if one.get_xlabel()]
    places = dict(zip([t.get_text() for t in top.get_xticklabels()], top.get_xticks(), strict=True))
    assert places["10⁻²⁰"] == pytest.approx(-46.0517, abs=1e-4)
    assert places["½"] == 0
    assert places["1 − 10⁻¹⁰"] == pytest.approx(23.0259, abs=1e-4)


def test_each_panel_and_format_is_a_line() -> None:
    """Two devices of two formats: four lines of two losses; only a panel's ends carry scales."""
    records = of(
        *(
            strip(precision=precision, device=device)
            for device in ("cpu", "cuda")
            for precision in ("float64", "float16")
        )
    )
    axes = drawn(records).axes
    left = axes[::2]
    assert len(axes) == 8
    assert [one.get_ylabel() for one in left] == ["float64", "float16"] * 2
    assert [bool(one.get_title()) for one in left] == [True, False, True, False]
    assert [bool(one.get_xlabel()) for one in left] == [False, True, False, True]
    assert left[2].get_title().startswith("cuda · Example CPU\n")


def test_the_legend_tells_only_of_what_is_drawn() -> None:
    """In the order from right to worse."""
    (legend,) = drawn(of(strip({(-110, -50): np.nan, (-40, -30): 0.8}))).legends
    words = [text.get_text().split(":")[0] for text in legend.get_texts()]
    assert words == ["right", "coarse", "not finite"]


def test_names_from_results_are_only_text() -> None:
    """Dollar signs, angle brackets and control characters are drawn as they are."""
    odd = strip(machine="<b>$x$\x07", formulation="a\nb" * 40, precision="$\\frac$")
    found = drawing("numerics", FIGURE, of(odd))
    assert found is not None
    assert b"<b>" not in found.svg
