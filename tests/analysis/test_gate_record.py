"""gate.json as a table: what the gate wrote comes back, what nobody wrote is one line."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.effects import shift
from analysis.errors import UsageError
from analysis.figures import FIGURES
from analysis.gate.exact import Exact
from analysis.gate.found import Found
from analysis.gate.outcome import record, rows
from analysis.gate_record import COLUMNS, gates
from analysis.records import load
from analysis.render import drawing
from analysis.report import report
from tests.analysis.synthetic.gates import FACTS, found_of, gate_document

Document = dict[str, Any]
Change = Callable[[Document], object]


def folder_of(tmp_path: Path, content: bytes | Document, name: str = "gate") -> Path:
    """A results folder with nothing but a gate.json."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "gate.json").write_bytes(data)
    return folder


def test_every_row_of_the_document_comes_back_in_its_order(tmp_path: Path) -> None:
    """Cells, canary, counters, training; numbers as they were written."""
    document = json.loads(gate_document())
    table, problems = gates([folder_of(tmp_path, gate_document())])
    assert problems == []
    assert tuple(table) == COLUMNS
    assert table["kind"].tolist() == ["cell", "cell", "canary", "counter", "quality"]
    assert table["cell"].tolist() == ["ring", "digits", "canary", "ring", "ring"]
    for number, cell in enumerate(document["cells"]):
        row = table.iloc[number]
        for name in ("verdict", "text", "change", "low", "high", "pairs", "detectable"):
            assert row[name] == cell[name]
        assert row["log_ratios"].tolist() == cell["log_ratios"]
    assert set(table["source"]) == {"gate"}
    assert set(table["seconds"]) == {540.0}
    assert table["text"].iloc[3] == "operators_per_step 7 → 8"
    assert table["verdict"].iloc[4] == "kept"
    assert table["pairs"].iloc[4] == 8
    assert table["confidence"].iloc[[0, 2, 4]].tolist() == [0.95, 0.95, pytest.approx(1 - 0.05 / 3)]


def test_an_outcome_may_be_absent_but_not_a_number(tmp_path: Path) -> None:
    """Runs wrote none before."""
    document = json.loads(gate_document())
    del document["outcome"]
    table, _ = gates([folder_of(tmp_path, json.dumps(document).encode())])
    assert set(table["outcome"]) == {""}
    document["outcome"] = 1
    _, [problem] = gates([folder_of(tmp_path, json.dumps(document).encode())])
    assert problem.endswith("document.outcome: expected text, found 1")


def test_an_interval_of_training_that_does_not_say_is_of_95_per_cent(tmp_path: Path) -> None:
    """As runs wrote it that looked once."""
    document = json.loads(gate_document())
    del document["quality"][0]["confidence"]
    table, _ = gates([folder_of(tmp_path, json.dumps(document).encode())])
    assert table["confidence"].iloc[-1] == 0.95


def test_the_canary_is_a_row_as_a_cell_is(tmp_path: Path) -> None:
    """Estimated from all pairs."""
    document = json.loads(gate_document())
    table, _ = gates([folder_of(tmp_path, document)])
    row, expected = table.iloc[2], shift(document["canary"]["log_ratios"])
    assert row["change"] == math.expm1(expected.estimate)
    assert row["low"] == math.expm1(expected.low)
    assert row["high"] == math.expm1(expected.high)
    assert row["pairs"] == len(document["canary"]["log_ratios"]) == 15


def test_what_is_missing_or_infinite_is_so_in_the_table(tmp_path: Path) -> None:
    """A cell without time, one that base refused, few pairs that can call nothing."""
    found = found_of({"ring": ("inconclusive", 0.03)}, pairs=-3)
    found.exact.refused["new"] = ("base", "no such cell")
    content = record(found, rows(found, ["ring", "new", "late"]), FACTS, 3)
    table, problems = gates([folder_of(tmp_path, content)])
    assert problems == []
    ring, new, late, _ = (row for _, row in table.iterrows())
    assert ring["pairs"] == 3
    assert np.isnan(ring["low"])
    assert np.isnan(new["change"])
    assert (new["verdict"], new["text"]) == ("incomparable", "incomparable: base says no such cell")
    assert late["text"] == "inconclusive: there was no time for it"
    found = found_of({"ring": ("inconclusive", 0.03)}, pairs=-3)
    document = json.loads(record(found, rows(found, ["ring"]), FACTS, 3))
    document["cells"][0]["detectable"] = "infinity"
    table, _ = gates([folder_of(tmp_path, document)])
    assert table["detectable"].iloc[0] == math.inf


def test_a_run_without_a_pair_has_no_canary(tmp_path: Path) -> None:
    """Where nothing could be compared nothing was timed."""
    found = Found(Exact(refused={"ring": ("base", "no such cell")}), seconds=1.0)
    document = json.loads(record(found, rows(found, ["ring"]), FACTS, 2))
    table, _ = gates([folder_of(tmp_path, document)])
    assert "canary" not in set(table["kind"])


def test_several_folders_each_bring_their_run(tmp_path: Path) -> None:
    """Numbered in their order; a folder without one brings none, nor does a file."""
    one = folder_of(tmp_path, gate_document(), "one")
    two = folder_of(tmp_path, gate_document(reverse=True), "two")
    (tmp_path / "none").mkdir()
    table, problems = gates([one, tmp_path / "none", two, one / "gate.json"])
    assert problems == []
    assert table.groupby("run")["source"].first().tolist() == ["one", "two"]


def test_a_counter_that_one_revision_lacks_is_absent_there(tmp_path: Path) -> None:
    """Not 0."""
    document = json.loads(gate_document())
    document["changes"] = [{"cell": "ring", "counter": "graphs", "base": None, "head": 12345}]
    table, _ = gates([folder_of(tmp_path, document)])
    assert "graphs absent → 12,345" in set(table["text"])


def test_a_cell_that_could_not_be_trained_says_why(tmp_path: Path) -> None:
    """In place of a metric."""
    document = json.loads(gate_document())
    document["quality"][0] |= {"verdict": "broken", "why": "head says no", "change": None}
    document["quality"][0] |= {"low": None, "high": None}
    table, _ = gates([folder_of(tmp_path, document)])
    row = table.iloc[-1]
    assert (row["verdict"], row["text"]) == ("broken", "head says no")
    assert np.isnan(row["change"])


def cell(**fields: object) -> Change:
    """A change of the first cell."""
    return lambda document: document["cells"][0].update(fields)


def top(**fields: object) -> Change:
    """A change of the document itself."""
    return lambda document: document.update(fields)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (top(schema=2), "document.schema: this version reads 1, found 2; use the version of "),
        (lambda d: d.pop("schema"), "document.schema: missing; expected an integer"),
        (lambda d: d.pop("head"), "document.head: missing; expected text"),
        (top(head=["a"]), "document.head: expected text, found a list of 1"),
        (top(minutes=0), "document.minutes: expected a positive number, found 0"),
        (top(seconds=math.nan), "document.seconds: expected a positive number, found nan"),
        (top(cells=[]), "document.cells: expected a list of 1 to 100 cells, found a list of 0"),
        (top(cells={"ring": {}}), "document.cells: expected a list of 1 to 100 cells, found an o"),
        (top(cells=[{}] * 101), "document.cells: expected a list of 1 to 100 cells, found a list"),
        (top(cells=[7]), "cells[0]: expected an object, found 7"),
        (lambda d: d.pop("canary"), "document.canary: missing; expected an object"),
        (top(canary=[0.0]), "document.canary: expected an object, found a list of 1"),
        (top(canary={}), "canary.cell: missing; expected text"),
        (
            lambda d: d["canary"].update(log_ratios=[0.0] * 1001),
            "canary.log_ratios: expected at most 1,000 log ratios between −50 and 50",
        ),
        (
            lambda d: d["canary"].update(change=None, low=None, high=None),
            "canary: 'no change' without a change",
        ),
        (top(changes={}), "document.changes: expected a list, found an object of 0"),
        (top(changes=[[]]), "changes[0]: expected an object, found a list of 0"),
        (top(quality=[{}]), "quality[0].cell: missing; expected text"),
        (lambda d: d["quality"][0].update(why=7), "quality[0].why: expected text, found 7"),
        (lambda d: d["cells"][0].pop("text"), "cells[0].text: missing; expected text"),
        (cell(verdict="splendid"), "cells[0].verdict: expected one of slower, faster, no change, "),
        (cell(change=math.nan), "cells[0].change: expected a change from −1 on or null, found nan"),
        (cell(low=-1.5), "cells[0].low: expected a change from −1 on or null, found -1.5"),
        (cell(high=True), "cells[0].high: expected a change from −1 on or null, found True"),
        (cell(high=10**400), "cells[0].high: expected a change from −1 on or null, found 1000"),
        (cell(high="infinity"), "cells[0].high: expected a change from −1 on or null, found 'inf"),
        (cell(pairs=-1), "cells[0].pairs: expected 0 or a positive integer, found -1"),
        (cell(pairs=9.5), "cells[0].pairs: expected 0 or a positive integer, found 9.5"),
        (cell(detectable="-infinity"), "cells[0].detectable: expected a positive number, "),
        (cell(log_ratios=[1e9]), "cells[0].log_ratios: expected at most 1,000 log ratios "),
        (cell(log_ratios=[None]), "cells[0].log_ratios: expected at most 1,000 log ratios "),
        (cell(low=None), "cells[0]: expected both low and high, or neither"),
        (cell(low=0.5, high=0.6), "cells[0]: expected low ≤ change ≤ high"),
        (cell(change=None), "cells[0]: expected low ≤ change ≤ high"),
        (cell(change=None, low=None, high=None), "cells[0]: 'slower' without a change"),
    ],
)
def test_what_is_not_of_the_format_is_one_line(tmp_path: Path, change: Change, why: str) -> None:
    """That names the folder, the field and what is wrong with it."""
    document = json.loads(gate_document())
    change(document)
    table, problems = gates([folder_of(tmp_path, document)])
    assert table.empty
    assert tuple(table) == COLUMNS
    (line,) = problems
    assert line.startswith(f"gate/gate.json is left out: {why}")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty; the session ended before it wrote its results"),
        (b"{", "the file: not whole JSON: Expecting property name"),
        (b"\xff", "not UTF-8 text: invalid start byte at byte 0"),
        (b"[]", "expected an object, found a list of 0"),
        (b"[" * 100_000, "the file: not JSON that can be read"),
        (b'{"schema": 1, "cells": {"ring": {}}}', "document.base: missing; expected text"),
    ],
)
def test_another_file_of_the_name_is_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    """Cut off, of another kind, or the recorded counters that have the same name."""
    _, problems = gates([folder_of(tmp_path, content)])
    (line,) = problems
    assert line.startswith(f"gate/gate.json is left out: {why}")


def test_a_folder_of_the_name_is_one_line(tmp_path: Path) -> None:
    """It cannot be read."""
    (tmp_path / "gate.json").mkdir()
    _, (line,) = gates([tmp_path])
    assert line == f"{tmp_path.name}/gate.json is left out: cannot be read: Is a directory"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_value_anywhere_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Never a traceback of another kind; what is read can be drawn."""
    document = json.loads(gate_document())
    places: list[tuple[Any, Any]] = [(document, name) for name in document]
    places += [(document["canary"], key) for key in document["canary"]]
    for name in ("cells", "changes", "quality"):
        places += [(document[name], 0), *((document[name][0], key) for key in document[name][0])]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)
    folder = folder_of(tmp_path, document)
    table, problems = gates([folder])
    assert len(problems) == table.empty
    assert "\n" not in "".join(problems)
    if not problems:
        assert (table["kind"] == "cell").sum() == len(document["cells"])
        assert drawing("gate", FIGURES["gate"], load([folder])) is not None


def test_a_gate_that_cannot_be_read_beside_results_is_a_problem(synthetic: Any) -> None:
    """The results are reported all the same."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    (folder / "gate.json").write_text("{}", encoding="utf-8")
    records = load([folder])
    assert records.gate.empty
    assert records.problems == (
        "results/gate.json is left out: document.schema: missing; expected an integer",
    )
    assert len(records.cells) == 3


def test_a_gate_alone_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """There is nothing left to report; the line says why."""
    folder = folder_of(tmp_path, b"{}")
    with pytest.raises(
        UsageError, match=r"^nothing to report in .*: gate/gate\.json is left out: "
    ):
        load([folder])


def test_a_gate_alone_makes_a_page(tmp_path: Path) -> None:
    """With its figure, its verdicts in the first paragraph, its machine and its command."""
    folder = folder_of(tmp_path, gate_document())
    done = report([folder])
    assert done.drawn == ("generator_cost", "gate")
    assert done.problems == ()
    assert (folder / "figures" / "gate.csv").exists()
    text = done.page.read_text(encoding="utf-8")
    assert (
        "What Saddle&#39;s regression gate found on 2026-01-02 on Example CPU, 2 cores: whether a "
        "training step became slower or faster from one revision to another. Of 2 cells 1 is slower"
    ) in text
    assert "the session was killed" not in text
    assert 'id="claims"' not in text
    assert 'id="reproduction"' not in text
    assert f"<dt>Head</dt><dd>{FACTS['head']}</dd>" in text
    assert "<dt>Budget</dt><dd>10 minutes, 9 used</dd>" in text
    assert "<dt>Outcome</dt><dd>regression: 1 cell slower</dd>" in text
    assert (
        f"python -m analysis gate --base {FACTS['base']} --head {FACTS['head']} --minutes 10 "
        "--json results/gate/gate.json\npython -m analysis report results/gate\n"
    ) in text


def test_names_from_a_gate_are_text_and_never_mark_up(tmp_path: Path) -> None:
    """Cells, revisions, machine and reasons come from a revision that nobody trusts."""
    attack = "<img src=x onerror=alert(1)>\n$\\frac{"
    document = json.loads(gate_document())
    document |= dict.fromkeys(("base", "head", "machine", "time"), attack)
    for one in (*document["cells"], *document["changes"], *document["quality"]):
        one |= {"cell": attack, "text": attack}
    document["changes"][0]["counter"] = document["quality"][0]["metric"] = attack
    done = report([folder_of(tmp_path, document)])
    assert "gate" in done.drawn
    assert "<img src=x" not in done.page.read_text(encoding="utf-8")
