"""Ratios of the suite's step and its peers': from benchmark.json to table, caption and figure."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.errors import UsageError
from analysis.figures import FIGURES
from analysis.peers import geometric_mean, ratios, table
from analysis.records import Records, load
from analysis.render import drawing
from tests.analysis.synthetic.peers import peers_cell
from tests.analysis.synthetic.runs import Row, make_run
from tests.analysis.synthetic.session import Synthetic

Change = Callable[[Row], None]


def with_cells(synthetic: Synthetic, *cells: Row, name: str = "peers") -> Records:
    """The records of a session that has these cells alone."""

    def change(document: Row) -> None:
        document["benchmarks"] = list(cells)

    return load([synthetic.edit(change, name)])


def exact(run: Row, **seconds: list[float]) -> Row:
    """A cell of known seconds per step."""
    entry = peers_cell(run, {}, processes=len(seconds["compile"]))
    entry["extra_info"]["peers"] = seconds
    entry["extra_info"]["first_call_seconds"] = {
        name: [1.0] * len(s) for name, s in seconds.items()
    }
    entry["stats"]["data"] = seconds["compile"]
    return entry


def compiled(**fields: object) -> Row:
    """A run of the suite's compiled step."""
    return make_run(mode="compile", **fields)


EIGHT = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


def test_a_ratio_is_taken_within_each_process(synthetic: Synthetic) -> None:
    """Processes that differ eightfold give one ratio, if both peers differ so."""
    run = compiled()
    cell = exact(run, compile=EIGHT, jax=[1.5 * s for s in EIGHT], textbook=EIGHT[::-1])
    rows = ratios(with_cells(synthetic, cell)).set_index("peer")
    jax, textbook = rows.loc["jax"], rows.loc["textbook"]
    assert (jax["ratio"], jax["low"], jax["high"], jax["processes"]) == (1.5, 1.5, 1.5, 8)
    assert jax["verdict"] == "faster"
    # 8/1, 7/2, 6/3, 5/4 and their inverses: the exact interval of 8 leaves out the extremes.
    assert textbook["ratio"] == pytest.approx((5 / 4 + 4 / 5) / 2)
    assert (textbook["low"], textbook["high"]) == pytest.approx((1 / 8, 8.0))
    assert textbook["confidence"] == pytest.approx(1 - 2 / 2**8)
    assert textbook["verdict"] == "undecided"


def test_the_textbook_is_also_held_against_eager(synthetic: Synthetic) -> None:
    """Two rows of it, and a peer that is faster than the suite is said to be."""
    seconds = {"eager": 4.0, "textbook": 2.0, "jax": 0.5}
    cell = exact(compiled(), compile=[1.0] * 8, **{n: [s] * 8 for n, s in seconds.items()})
    rows = ratios(with_cells(synthetic, cell)).set_index(["peer", "over"])
    assert rows["ratio"].to_dict() == {
        ("eager", "compile"): 4.0,
        ("textbook", "compile"): 2.0,
        ("jax", "compile"): 0.5,
        ("textbook", "eager"): 0.5,
    }
    assert rows.loc[("textbook", "eager"), "verdict"] == "slower"
    assert rows.loc[("jax", "compile"), "verdict"] == "slower"


def test_one_process_is_no_interval(synthetic: Synthetic) -> None:
    """And no verdict."""
    rows = ratios(with_cells(synthetic, exact(compiled(), compile=[1.0], jax=[3.0])))
    assert rows["ratio"].tolist() == [3.0]
    assert rows[["low", "high"]].isna().all(axis=None)
    assert rows["verdict"].tolist() == ["undecided"]


def test_the_geometric_mean_is_over_cells_of_one_model(synthetic: Synthetic) -> None:
    """√(2 · 8) = 4 in each process; the dcgan's cell does not count."""
    twice, eight = ([factor * s for s in EIGHT] for factor in (2, 8))
    cells = [
        exact(compiled(batch_size=16), compile=EIGHT, jax=twice),
        exact(compiled(batch_size=64), compile=EIGHT, jax=eight),
        exact(compiled(batch_size=64, model="dcgan"), compile=EIGHT, jax=EIGHT),
    ]
    found = geometric_mean(with_cells(synthetic, *cells), "jax")
    assert found is not None
    mean, count = found
    assert (mean.estimate, mean.low, mean.high) == pytest.approx((4, 4, 4))
    assert (mean.n, count) == (8, 2)


def test_of_a_peer_without_cells_there_is_no_mean(synthetic: Synthetic) -> None:
    """Nor of records without any peers."""
    records = with_cells(synthetic, exact(compiled(), compile=EIGHT, jax=EIGHT))
    assert geometric_mean(records, "textbook") is None
    assert geometric_mean(load([synthetic.session("none")]), "jax") is None


def test_a_peer_that_was_left_out_keeps_its_reason(synthetic: Synthetic) -> None:
    """In the table and, counted, in the caption."""
    cell = peers_cell(compiled(), {"eager": 2.0}, left_out={"jax": "ImportError: no\njax"})
    records = with_cells(synthetic, cell)
    rows = table(records).set_index("peer")
    assert rows.loc["JAX", "left out"] == "ImportError: no jax"
    assert rows.loc["JAX", "suite is"] == "–"
    assert rows.loc["suite, eager", "left out"] == ""
    figure = FIGURES["peers"]
    assert "not timed: JAX in 1 cell." in figure.caption(figure.prepare(records))
    assert drawing("peers", figure, records) is not None


def test_the_table_is_text_with_what_differs(synthetic: Synthetic) -> None:
    """Ratios between their bounds; one device is not told."""
    cell = exact(compiled(), compile=[0.002] * 8, jax=[0.003] * 8)
    rows = table(with_cells(synthetic, cell))
    assert rows.to_dict("records") == [
        {
            "batch size": "64",
            "penalty": "none",
            "model": "mlp",
            "data": "ring",
            "peer": "JAX",
            "over": "suite, compile",
            "ratio": "1.5 [1.5, 1.5]",
            "processes": "8",
            "peer's ms per step": "3",
            "its first call, s": "1",
            "suite is": "faster",
            "left out": "",
        }
    ]


def test_without_peers_there_is_no_table(synthetic: Synthetic) -> None:
    """The page then has none."""
    assert table(load([synthetic.session()])).empty


def caption(records: Records) -> str:
    """The figure's."""
    return FIGURES["peers"].caption(FIGURES["peers"].prepare(records))


def test_the_caption_counts_verdicts_and_tells_the_ends(synthetic: Synthetic) -> None:
    """Faster in one of three cells, slower in one; the least and the most with their cells."""
    drift = [s * (0.5 if place % 2 else 2) for place, s in enumerate(EIGHT)]
    cells = [
        exact(compiled(batch_size=16), compile=EIGHT, jax=[2 * s for s in EIGHT]),
        exact(compiled(batch_size=64), compile=EIGHT, jax=[s / 2 for s in EIGHT]),
        exact(compiled(batch_size=256), compile=EIGHT, jax=drift, textbook=[4 * s for s in EIGHT]),
    ]
    text = caption(with_cells(synthetic, *cells))
    assert text.startswith(
        "The suite's step is faster than that of JAX in 1 of 3 cells by an interval that excludes "
        "1 (1 slower and 1 undecided): JAX takes 0.5 (mlp, ring, no penalty, batch 64) to 2 (mlp, "
        "ring, no penalty, batch 16) times as long, "
    )
    assert "in the geometric mean of 3 cells of mlp. The textbook loop takes 4 times" in text


def test_the_caption_tells_of_cells_that_did_not_finish(synthetic: Synthetic) -> None:
    """And that nothing was timed, where nothing was."""
    cell = peers_cell(compiled())
    cell["extra_info"] |= {"status": "out_of_memory", "message": "no room"}
    records = with_cells(synthetic, cell)
    assert caption(records) == "No peer was timed; not timed: 1 cell out of memory."
    assert drawing("peers", FIGURES["peers"], records) is not None


def test_other_peers_than_ours_are_told_too(synthetic: Synthetic) -> None:
    """Named as they are."""
    text = caption(with_cells(synthetic, exact(compiled(), compile=EIGHT, mine=EIGHT)))
    assert text == "Other peers take 1 times as long (mlp, ring, no penalty, batch 64)."


def test_ratios_are_drawn_around_one(synthetic: Synthetic) -> None:
    """A line at 1, a point for every ratio, hollow where the textbook is held against eager."""
    rows = FIGURES["peers"].prepare(with_cells(synthetic, peers_cell(compiled())))
    assert len(rows) == 5
    assert rows["drawn_at"].is_unique
    assert np.exp(np.log(rows["drawn_at"]).mean()) == pytest.approx(64)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda extra: extra.pop("peers"), "extra_info.peers: missing; expected an object"),
        (
            lambda extra: extra["peers"].pop("compile"),
            "extra_info.peers.compile: missing; expected the suite's own step",
        ),
        (
            lambda extra: extra["peers"].update(jax=[0.0] * 8),
            "extra_info.peers.jax: expected a list of positive numbers, found a list of 8",
        ),
        (
            lambda extra: extra["peers"].update(jax=[]),
            "extra_info.peers.jax: expected a list of positive numbers, found a list of 0",
        ),
        (
            lambda extra: extra["peers"].update(jax=[1.0] * 7),
            "extra_info.peers.jax: expected 8 processes, found 7",
        ),
        (
            lambda extra: extra["first_call_seconds"].pop("jax"),
            "extra_info.first_call_seconds.jax: missing; expected a list of positive numbers",
        ),
        (
            lambda extra: extra["left_out"].update(mine=3),
            "extra_info.left_out.mine: expected text, found 3",
        ),
    ],
)
def test_peers_that_are_not_of_the_format_are_refused(
    synthetic: Synthetic, change: Change, line: str
) -> None:
    """In one line that says where."""
    cell = peers_cell(compiled())
    change(cell["extra_info"])
    with pytest.raises(UsageError) as refused:
        with_cells(synthetic, cell)
    assert str(refused.value).endswith(line)


def test_peers_are_read_process_by_process(synthetic: Synthetic) -> None:
    """A row for each, and one for a peer that has none."""
    cell = peers_cell(compiled(), {"jax": 2.0}, processes=3, left_out={"textbook": "why"})
    peers = with_cells(synthetic, cell).peers
    assert len(peers) == 3 + 3 + 1
    assert pd.isna(peers.loc[peers["left_out"] == "why", "seconds_per_step"]).all()
    assert sorted(peers.loc[peers["peer"] == "jax", "process"]) == [0, 1, 2]
