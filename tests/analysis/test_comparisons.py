"""The matrix of comparisons and what its caption says."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.figures import comparisons
from analysis.figures.comparisons import matrix
from analysis.figures.metric import METRICS
from analysis.figures.style import RC
from analysis.records import Records, load
from analysis.render import drawing

HOSTILE = "$\\frac{<script>alert(1)</script>\n&\"' 😀 عربى" + "x" * 200


@pytest.fixture
def paired(synthetic: Any) -> Records:
    """Eight seeds of two losses on ring, of which the non-saturating one learns faster."""
    folder = synthetic.session(data=("ring",), seeds=8, records=2, batch_sizes=(), diverged=False)
    return load([folder])


def caption(records: Records) -> str:
    """With plain spaces."""
    return comparisons.caption(comparisons.prepare(records)).replace("\xa0", " ")


def drawn(rows: pd.DataFrame) -> Canvas:
    """On a canvas."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        comparisons.draw(rows, canvas)
    return canvas


def row(loss: str, other: str, wins: int, ties: int = 0) -> dict[str, Any]:
    """A pair over eight seeds, called where most of them agree."""
    probability = (wins + ties / 2) / 8
    return {
        "panel": "ring\nW₁, lower is better",
        "setting": "ring",
        "metric": "w1",
        "loss": loss,
        "other": other,
        "seeds": 8,
        "wins": wins,
        "ties": ties,
        "probability": probability,
        "effect": probability - 0.5,
        "p": 0.5,
        "adjusted": 0.5,
        "smallest_p": 2**-7,
        "called": wins > 4,
        "needed": 9.0,
    } | dict.fromkeys(("low", "high", "shift", "shift_low", "shift_high"), 0.0)


def told(*rows: dict[str, Any]) -> str:
    """The caption of these pairs, with plain spaces."""
    return comparisons.caption(pd.DataFrame(rows)).replace("\xa0", " ")


def test_a_caption_names_wins_and_ties() -> None:
    """Seven wins and a tie; half a tie is no seed."""
    text = told(row("a", "b", wins=7, ties=1))
    assert "most clearly a over b in W₁ on ring (better in 7 of 8 seeds, 1 tie, corrected" in text
    turned = told(row("a", "b", wins=0, ties=1))
    assert "the nearest b over a in W₁ on ring (better in 7 of 8 seeds, 1 tie, corrected" in turned


def test_a_caption_of_losses_that_do_not_differ_prefers_neither() -> None:
    """Eight ties; and whoever wins fewer seeds by more is told so."""
    text = told(row("a", "b", wins=0, ties=8))
    assert "the nearest a against b in W₁ on ring (better in 0 of 8 seeds each, 8 ties, " in text
    fewer = told(row("a", "b", wins=5) | {"effect": -0.4})
    assert "b over a in W₁ on ring (better in 3 of 8 seeds, but by more, corrected" in fewer


def test_the_axis_says_that_ties_count_half_where_there_are_any() -> None:
    """Numbers are probabilities, not seeds."""
    (axes,) = drawn(pd.DataFrame([row("a", "b", wins=7, ties=1)])).axes
    assert axes.get_xlabel() == "P(better than no. …), % (8 seeds)\nties count half"
    assert sorted(text.get_text() for text in axes.texts) == ["6", "94"]
    (axes,) = drawn(pd.DataFrame([row("a", "b", wins=7)])).axes
    assert axes.get_xlabel() == "P(better than no. …), % (8 seeds)"


def test_a_matrix_has_both_directions_of_a_pair() -> None:
    """75 % one way, 25 % the other, nothing of a loss against itself or of pairs unknown."""
    shares, called = matrix(pd.DataFrame([row("b", "a", wins=6), row("c", "a", wins=4)]))
    assert shares.index.tolist() == ["a", "b", "c"]
    assert (shares.loc["b", "a"], shares.loc["a", "b"]) == (0.75, 0.25)
    assert shares.isna().to_numpy()[1, 2]
    assert np.isnan(np.diag(shares)).all()
    assert called.to_numpy().tolist() == [
        [False, False, False],
        [True, False, False],
        [False, False, False],
    ]


def test_the_frame_is_in_the_row_of_the_loss_that_the_test_found_better() -> None:
    """Though it is better in fewer seeds."""
    pair = row("a", "b", wins=5) | {"effect": -0.4}
    shares, called = matrix(pd.DataFrame([pair]))
    assert shares.loc["a", "b"] == 5 / 8
    assert called.to_numpy().tolist() == [[False, False], [True, False]]


def test_pairs_that_are_called_are_named_and_framed(paired: Records) -> None:
    """All eight seeds agree on every metric: 2⁻⁷."""
    text, n = caption(paired), comparisons.prepare(paired)["panel"].nunique()
    told = f"Of {n} pairs of losses in {n} panels, {n} are called different by the exact"
    assert text.startswith(told)
    assert (
        "most clearly non_saturating over saturating in W₁ on ring (better in 8 of 8 seeds, "
        in text
    )
    assert text.endswith(f"Every one of {n} panels has seeds enough to call a pair.")
    canvas = drawn(comparisons.prepare(paired))
    assert {len(axes.patches) for axes in canvas.axes} == {1}
    texts = sorted(text.get_text() for text in canvas.axes[0].texts)
    assert texts == ["0", "100"]


def test_where_seeds_are_too_few_the_caption_says_that_no_pair_can_be_called(
    records: Records,
) -> None:
    """Two seeds reach ½; the difference seen would take six."""
    text, n = caption(records), comparisons.prepare(records)["panel"].nunique()
    assert ", 0 are called different " in text
    assert "within each panel, the nearest non_saturating over saturating in " in text
    assert f"In {n} of {n} panels no pair can be called with so few seeds: on " in text
    assert " they reach p = 0.5 at best, and the first of 1 pair has to come to 0.05; " in text
    assert "the pairs not called take at least 6 seeds, 6 in the median" in text
    assert not any(axes.patches for axes in drawn(comparisons.prepare(records)).axes)


def test_where_no_difference_is_seen_no_number_of_seeds_is_told(paired: Records) -> None:
    """Every run ends alike."""
    alike = {name: 1.0 for name in METRICS if name in paired.training}
    training = paired.training.assign(**alike)
    text = caption(Records(**{**vars(paired), "training": training}))
    assert ", 0 are called different " in text
    assert "the nearest non_saturating against saturating in W₁ on ring " in text
    assert "nan" not in text.replace("nance", "")
    assert text.endswith(" panels has seeds enough to call a pair.")


def test_many_losses_fit(synthetic: Any) -> None:
    """Eight of them, in two columns of matrices without overlaps of their numbers."""
    losses = [f"loss_{n}" for n in range(8)]
    folder = synthetic.session(
        losses=losses, data=("digits",), seeds=2, records=1, batch_sizes=(), diverged=False
    )
    rows = comparisons.prepare(load([folder]))
    assert len(rows) == 2 * 28
    assert rows["metric"].tolist() == ["fid"] * 28 + ["kid"] * 28
    assert len(drawn(rows).axes) == 2


def test_names_of_any_kind_are_drawn_as_text(paired: Records) -> None:
    """No TeX, no mark-up, no line breaks, no endless titles, no warnings."""
    names = ("loss", "data", "machine", "penalty")
    attacked = {
        table: frame.assign(**{name: frame[name] + HOSTILE for name in names if name in frame})
        for table, frame in vars(paired).items()
        if isinstance(frame, pd.DataFrame)
    }
    one = drawing("comparisons", comparisons.FIGURE, Records(**{**vars(paired), **attacked}))
    assert one is not None
    assert b"<script" not in one.svg
