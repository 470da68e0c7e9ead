"""The figures of the Dirac-GAN: what is drawn and said of data whose answer is known."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.quiver import Quiver

from analysis.figures import dirac, dirac_rates
from analysis.figures.dirac import FIRST, LAST, LEAST_MOVE, drawn, told_apart
from analysis.figures.figure import Figure
from analysis.figures.style import RC
from analysis.records import Records
from analysis.render import drawing

Row = dict[str, Any]
FIGURES = {"dirac": dirac.FIGURE, "dirac_rates": dirac_rates.FIGURE}
BOTH = pytest.mark.parametrize("name", FIGURES)

GRID = [-2.0, -1.0, 1.0, 2.0]


def rows(simultaneous: float = 0.0, alternating: float = -0.02, steps: int = 200) -> list[Row]:
    """Spirals of 25 steps a turn from (1, 0), each rule with its rate of growth."""
    t = np.arange(steps + 1)
    return [
        {"updates": updates, "step": int(n), "theta": float(theta), "psi": float(psi)}
        for updates, rate in (("simultaneous", simultaneous), ("alternating", alternating))
        for n, theta, psi in zip(
            t,
            np.exp(rate * t) * np.cos(math.tau * t / 25),
            -np.exp(rate * t) * np.sin(math.tau * t / 25),
            strict=True,
        )
    ]


def records_of(made: Callable[..., Records], *runs: tuple[Row, list[Row]]) -> Records:
    """Records of these runs: predicted rates of 0 and −0.02, a field that turns clockwise."""
    plain = {"penalty_weight": 0.0, "weight_clip": 0.0, "steps": 200}
    rates = {"generator_learning_rate": 0.2, "discriminator_learning_rate": 0.2}
    records = made("dirac", [({**plain, **rates, **run}, "finished", table) for run, table in runs])
    psi, theta = np.meshgrid(GRID, GRID, indexing="ij")
    facts = {
        "grid": GRID,
        "field_theta": psi.ravel().tolist(),
        "field_psi": (-theta).ravel().tolist(),
        "predicted_simultaneous": "orbits",
        "predicted_rate_simultaneous": 0.0,
        "predicted_alternating": "converges",
        "predicted_rate_alternating": -0.02,
    }
    columns = {name: pd.Series([value] * len(runs), dtype=object) for name, value in facts.items()}
    return replace(records, runs=records.runs.assign(**columns))


Made = Callable[..., Records]

UNDEFINED = {
    **dict.fromkeys(("predicted_simultaneous", "predicted_alternating"), "undefined"),
    **dict.fromkeys(("predicted_rate_simultaneous", "predicted_rate_alternating")),
}

R1: Row = {"penalty": "r1", "penalty_weight": 0.3}


@pytest.fixture
def four(made: Made) -> Records:
    """Two losses without a penalty and with R1, one of them with a clip."""
    return records_of(
        made,
        ({"loss": "wasserstein", **R1}, rows()),
        ({"loss": "wasserstein", "weight_clip": 0.01, "steps": 2000}, rows(0.0, 0.0)),
        ({"loss": "non_saturating"}, rows(0.02, 0.0)),
        ({"loss": "non_saturating", **R1}, rows()),
    )


def canvas_of(figure: Figure, records: Records) -> Canvas:
    """The figure's canvas, laid out."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        figure.draw(figure.prepare(records), canvas)
        ConstrainedLayoutEngine().execute(canvas)
        canvas.draw_without_rendering()
    return canvas


def words(canvas: Canvas) -> list[list[str]]:
    """The texts within each pair of axes that are in sight."""
    return [[text.get_text() for text in axes.texts] for axes in canvas.axes if axes.lines]


def test_settings_and_losses_are_in_reading_order(four: Records) -> None:
    """No penalty first, then penalties, then clips; non-saturating before the others."""
    rows = dirac.FIGURE.prepare(four)
    assert list(rows["panel"].unique()) == [
        "non_saturating · no penalty",
        "non_saturating · r1, weight 0.3",
        "wasserstein · r1, weight 0.3",
        "wasserstein · ψ clipped at 0.01",
    ]


def test_what_else_differs_is_told(made: Made) -> None:
    """Two learning rates of one game are two settings."""
    slow = {"generator_learning_rate": 0.1, "discriminator_learning_rate": 0.1}
    records = records_of(made, ({}, rows()), (slow, rows()))
    names = set(dirac.FIGURE.prepare(records)["setting"])
    assert names == {
        "no penalty, discriminator learning rate 0.1",
        "no penalty, discriminator learning rate 0.2",
    }


def test_one_game_on_two_machines_is_two_settings(made: Made) -> None:
    """The same key on either: both are drawn, counted and told, in both figures."""
    here = records_of(made, ({}, rows()), (R1, rows()))
    frames = {
        name: pd.concat([table, table.assign(machine="Other CPU")], ignore_index=True)
        for name, table in (("dirac", here.dirac), ("runs", here.runs))
    }
    both = replace(here, dirac=frames["dirac"], runs=frames["runs"])
    drawn_rows = dirac.FIGURE.prepare(both)
    assert drawn_rows["setting"].nunique() == 4
    assert len(words(canvas_of(dirac.FIGURE, both))) == 4
    assert dirac.FIGURE.caption(drawn_rows).startswith("Of 8 paths")
    assert "Other CPU" in dirac.FIGURE.caption(drawn_rows)
    rates = dirac_rates.FIGURE.prepare(both)
    assert len(rates) == 2 * len(dirac_rates.FIGURE.prepare(here))


def test_a_panel_says_what_either_rule_does(four: Records) -> None:
    """In the order of the grid; a star where the eigenvalues say another thing."""
    found = words(canvas_of(dirac.FIGURE, four))
    assert [texts[:2] for texts in found] == [
        ["diverges*", "orbits*"],
        ["orbits", "converges"],
        ["orbits", "converges"],
        ["orbits", "orbits*"],
    ]
    assert [texts[2:] for texts in found[:2]] == [
        ["no penalty", "non saturating"],
        ["r1, weight 0.3"],
    ]


def test_paths_and_arrows_are_where_the_rows_say(made: Made) -> None:
    """Two lines, two ends and a start; arrows of one length on the grid, clockwise."""
    canvas = canvas_of(dirac.FIGURE, records_of(made, ({}, rows(0.0, -0.02, 40))))
    (axes,) = [axes for axes in canvas.axes if axes.lines]
    lines = [line for line in axes.lines if len(np.atleast_1d(line.get_xdata())) > 5]
    assert len(lines) == 2
    for line in lines:
        assert [line.get_xdata()[0], line.get_ydata()[0]] == [1, 0]  # type: ignore[index]  # arrays
    (arrows,) = [one for one in axes.collections if isinstance(one, Quiver)]
    across, upwards = np.asarray(arrows.U), np.asarray(arrows.V)
    np.testing.assert_allclose(np.hypot(across, upwards), np.ones(len(GRID) ** 2))
    assert (np.asarray(arrows.get_offsets())[:, 1] * across > 0).all()
    starts = [line for line in axes.lines if line.get_marker() == "o"]
    assert [np.ravel(line.get_xydata()).tolist() for line in starts] == [[1, 0, 1, 0]]


def test_the_caption_counts(four: Records) -> None:
    """By setting, then what the others do, then how often the eigenvalues were right."""
    assert dirac.FIGURE.caption(dirac.FIGURE.prepare(four)) == (
        "Of 8 paths from (θ, ψ) = (1, 0) these converge to the data: 0 of 2 with no penalty, 2 of "
        "4 with r1, weight 0.3 and 0 of 2 with ψ clipped at 0.01; 5 orbit at a distance and 1 "
        "diverge. The eigenvalues at (0, 0) predict what 5 of 8 do (a star marks the others); 0 "
        "have none, since the field jumps there."
    )


def test_games_without_eigenvalues_are_counted(four: Records) -> None:
    """Their panels have no star."""
    runs = four.runs.assign(**UNDEFINED)
    bare = replace(four, runs=runs)
    caption = dirac.FIGURE.caption(dirac.FIGURE.prepare(bare))
    assert caption.endswith(
        "predict what 0 of 0 do (a star marks the others); 8 have none, since "
        "the field jumps there."
    )
    assert not any("*" in text for texts in words(canvas_of(dirac.FIGURE, bare)) for text in texts)


def test_points_too_close_to_see_are_left_out() -> None:
    """The rest is within LEAST_MOVE of a point that stays; first and last stay."""
    t = np.linspace(0, 1, 1001)
    path = pd.DataFrame({"theta": t, "psi": 0 * t})
    kept = drawn(path)
    assert len(kept) <= 1 / LEAST_MOVE + 2
    assert kept["step"].iloc[[0, -1]].tolist() == [0, 1000]
    assert np.diff(kept["theta"])[:-1].min() >= LEAST_MOVE
    assert told_apart(np.empty((0, 2))) == []


def test_a_long_path_is_drawn_at_its_ends_with_a_gap() -> None:
    """FIRST and LAST points and NaN between, so that no line bridges them."""
    t = np.arange(1000.0)
    kept = drawn(pd.DataFrame({"theta": np.cos(t), "psi": np.sin(t)}))
    assert len(kept) == FIRST + LAST + 1
    assert kept["theta"].isna().tolist().index(True) == FIRST
    assert kept["step"].iloc[-1] == 999


def test_lost_states_end_a_path(made: Made) -> None:
    """The line stops where they were finite last; a run that is lost at once has no end."""
    lost = rows(0.05)
    for row in lost[50:201]:
        row["theta"] = row["psi"] = None
    for row in lost[202:]:
        row["theta"] = row["psi"] = math.nan
    found = dirac.FIGURE.prepare(records_of(made, ({}, lost)))
    path = found[(found["part"] == "path") & (found["updates"] == "simultaneous")]
    assert path["step"].max() == 49
    assert set(path["measured"]) == {"diverges"}
    assert "nan" not in dirac.FIGURE.caption(found)


def test_a_field_that_is_zero_or_lost_leaves_gaps(made: Made) -> None:
    """No arrow, no warning."""
    records = records_of(made, ({}, rows()))
    nothing = [[0.0] * 8 + [math.nan] * 8]
    runs = records.runs.assign(
        field_theta=pd.Series(nothing, dtype=object), field_psi=pd.Series(nothing, dtype=object)
    )
    assert drawing("dirac", dirac.FIGURE, replace(records, runs=runs)) is not None


@BOTH
def test_without_runs_there_is_no_figure(four: Records, name: str) -> None:
    """An empty table has nothing to draw, and says what it needs."""
    empty = replace(four, dirac=four.dirac.iloc[:0], runs=four.runs.iloc[:0])
    assert FIGURES[name].prepare(empty).empty
    assert drawing(name, FIGURES[name], empty) is None


@BOTH
def test_preparing_leaves_the_records_as_they_are(four: Records, name: str) -> None:
    """Figures share them."""
    tables, runs = four.dirac.copy(), four.runs.copy()
    FIGURES[name].prepare(four)
    pd.testing.assert_frame_equal(four.dirac, tables)
    pd.testing.assert_frame_equal(four.runs, runs)


@BOTH
def test_missing_and_infinite_values_are_drawn_around(four: Records, name: str) -> None:
    """Gaps, not warnings, and no nan in words."""
    rng, table, runs = np.random.default_rng(0), four.dirac.copy(), four.runs.copy()
    for column in ("theta", "psi"):
        hit = rng.random(len(table)) < 0.1
        table.loc[hit, column] = rng.choice([0.0, np.nan, np.inf, -np.inf], hit.sum())
    for column in ("measured_rate_simultaneous", "low_alternating", "predicted_rate_alternating"):
        runs.loc[rng.random(len(runs)) < 0.5, column] = None
    one = drawing(name, FIGURES[name], replace(four, dirac=table, runs=runs))
    assert one is not None
    assert "nan" not in one.caption


@BOTH
def test_nothing_lies_on_the_legend(four: Records, name: str) -> None:
    """It is below all axes and within the page."""
    canvas = canvas_of(FIGURES[name], four)
    (legend,) = canvas.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= canvas.bbox.x1
    assert all(axes.get_window_extent().y0 > box.y1 for axes in canvas.axes)


def test_a_rate_is_drawn_where_it_was_predicted_and_measured(four: Records) -> None:
    """Filled where the class is the predicted one, hollow where not, one scale on both axes."""
    canvas = canvas_of(dirac_rates.FIGURE, four)
    assert [axes.get_title() for axes in canvas.axes] == [
        "simultaneous updates",
        "alternating updates",
    ]
    simultaneous, alternating = canvas.axes
    for axes in canvas.axes:
        assert axes.get_xlim() == axes.get_ylim()
    points = [line for line in simultaneous.lines if line.get_marker() not in {"None", ""}]
    places = {
        (line.get_fillstyle(), round(float(x), 4), round(float(y), 4))
        for line in points
        for x, y in np.asarray(line.get_xydata())
    }
    assert places == {("full", 0, 0), ("none", 0, 0.02)}
    low = [line for line in alternating.lines if line.get_marker() not in {"None", ""}]
    assert any(np.allclose(np.asarray(line.get_xydata())[0], [-0.02, -0.02]) for line in low)


def test_the_rates_caption_names_who_disagrees(four: Records) -> None:
    """Groups of setting, rule and classes, the largest first."""
    caption = dirac_rates.FIGURE.caption(dirac_rates.FIGURE.prepare(four))
    assert caption == (
        "Of 8 paths with eigenvalues 5 have the predicted rate, within 5\N{NO-BREAK SPACE}% or "
        "0.0001 per step, among them 2 of the 4 that should converge. Another class than predicted "
        "have 3: diverges instead of orbits (simultaneous, no penalty: non saturating); orbits "
        "instead of converges (alternating, no penalty: non saturating); orbits instead of "
        "converges (alternating, ψ clipped at 0.01: wasserstein); eigenvalues speak of the "
        "neighbourhood of (0, 0) alone."
    )
    assert len(re.findall(r"\. (?=[A-Z])", caption)) == 1


def test_more_disagreements_than_are_named_are_counted(made: Made) -> None:
    """Five settings in which both rules do another thing: four groups are told."""
    runs = [({**R1, "penalty_weight": 0.1 * n}, rows(0.02, 0.02)) for n in range(1, 6)]
    caption = dirac_rates.FIGURE.caption(dirac_rates.FIGURE.prepare(records_of(made, *runs)))
    assert "have 10: diverges instead of" in caption
    assert "; and 6 more; eigenvalues speak" in caption


def test_where_all_agree_nobody_is_named(made: Made) -> None:
    """One run that does what its radii say."""
    caption = dirac_rates.FIGURE.caption(dirac_rates.FIGURE.prepare(records_of(made, ({}, rows()))))
    assert "Another class than predicted have 0; eigenvalues" in caption


def test_rates_of_games_without_eigenvalues_are_in_the_rows_alone(four: Records) -> None:
    """Nothing to draw them against; the panels stay."""
    runs = four.runs.assign(**UNDEFINED)
    bare = replace(four, runs=runs)
    assert len(dirac_rates.FIGURE.prepare(bare)) == 8
    canvas = canvas_of(dirac_rates.FIGURE, bare)
    points = [line for axes in canvas.axes for line in axes.lines if line.get_marker() != "None"]
    assert points == []
    caption = dirac_rates.FIGURE.caption(dirac_rates.FIGURE.prepare(bare))
    assert caption.startswith("Of 0 paths with eigenvalues 0 have the predicted rate")
