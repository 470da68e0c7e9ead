"""A validation goes on from what is there, and its shares are exact."""

import json
import math
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import pytest

from analysis import history
from analysis.errors import UsageError
from analysis.gate import validation
from analysis.gate.exact import Exact
from analysis.gate.found import Found
from analysis.gate.lines import append, line_of, lines
from analysis.gate.pairs import CANARY, Timed
from analysis.gate.process import WorkerError
from analysis.gate.validation import validate
from analysis.gate.verdicts import Speed

SLOW = Speed("slower", 0.05, 0.04, 0.06, 9, 0.03)
SAME = Speed("no change", 0.001, float("nan"), 0.01, 6, float("inf"))


class Pretend:
    """A gate that calls every cell slower if head is slowed."""

    made: list[tuple[Any, ...]] = []  # noqa: RUF012  # emptied by each test
    per_row = 0.001

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def cells(self, _wanted: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """One."""
        return {"ring": {}}, {}

    def pair(self, found: Found, _cells: object) -> None:
        """Slower by a share for each row of the work that is added."""
        rows = json.loads(self.arguments[6]["SADDLE_GATE_SLOWDOWN"])["ring"]
        found.pairs.append(Timed({"ring": math.log1p(self.per_row * rows), CANARY: 0.0}))

    def run(self, _cells: object, trained: object) -> Found:
        """At once."""
        assert trained == {}
        self.made.append(self.arguments)
        slowed = self.arguments[5][1] == validation.SLOWED
        found = Found(Exact())
        found.speed = {"ring": SLOW if slowed else SAME, CANARY: SAME}
        seconds = {"ring": (1e-3, 2e-3), CANARY: (1e-3, 1e-3)}
        found.pairs = [
            Timed({"ring": 0.01 * i, CANARY: 0.0}, seconds, {"ring": 2.0}, took=20.0)
            for i in range(3)
        ]
        return found


class Guessing:
    """A worker that guesses how much work a slow-down is."""

    rows: Iterator[int]

    def __init__(self, *arguments: Any) -> None:
        assert arguments[2] == validation.SLOWED
        assert set(arguments[3]) == {"SADDLE_GATE_SLOWDOWN"}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to end."""

    def ready(self) -> Self:
        """At once."""
        return self

    def ask(self, name: str, _seconds: float, **_arguments: object) -> dict[str, int]:
        """How many rows; a worker that has none left dies."""
        assert name == "prepare"
        for rows in self.rows:
            return {"rows": rows}
        raise WorkerError("it died")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a validation of pretended gates writes."""
    Pretend.made.clear()
    monkeypatch.setattr(validation, "Gate", Pretend)
    monkeypatch.setattr(validation, "Worker", Guessing)
    Guessing.rows = iter([40])
    return tmp_path / "new" / "validation.jsonl"


def quiet(_line: str) -> None:
    """Say nothing."""


def test_a_validation_goes_on_from_what_is_there(file: Path) -> None:
    """Each run has orders of its own; no run is made twice."""
    validate(file, 0.0, 2, 10.0, quiet)
    validate(file, 0.0, 3, 10.0, quiet)
    validate(file, 0.05, 1, 10.0, quiet)
    assert [arguments[3] for arguments in Pretend.made] == [0, 1, 2, 0]
    assert [line["slowdown"] for line in lines(file)] == [0.0, 0.0, 0.0, 0.05]
    assert [arguments[6] for arguments in Pretend.made[2:]] == [
        {"SADDLE_GATE_SLOWDOWN": "{}"},
        {"SADDLE_GATE_SLOWDOWN": '{"ring": 50}'},
    ]
    assert lines(file)[-1]["added_rows"] == {"ring": 50}
    assert Pretend.made[0][5] == ("bench.gate.worker", "bench.gate.worker")


def test_unchanged_runs_make_a_history(file: Path) -> None:
    """In steps of head over the kernel's, a row a cell and run; slowed runs are no noise."""
    validate(file, 0.0, 2, 10.0, quiet)
    validate(file, 0.05, 1, 10.0, quiet)
    rows = history.read(file.with_name("history.jsonl")).rows
    assert list(rows["cell"]) == ["ring", "ring"]
    assert list(rows["ratio"]) == [2.0, 2.0]


def test_work_is_found_once_for_a_commit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later pieces add the same; another commit's step takes another time."""
    validate(file, 0.05, 1, 10.0, quiet)
    validate(file, 0.05, 2, 10.0, quiet)
    Guessing.rows = iter([0])
    monkeypatch.setattr(Pretend, "per_row", 0.0125)
    monkeypatch.setattr(validation, "commit_of", lambda *_: "0" * 40)
    monkeypatch.setattr(validation, "checked_out", lambda *_: nullcontext((Path(), Path())))
    validate(file, 0.05, 3, 10.0, quiet)
    assert [line["added_rows"]["ring"] for line in lines(file)] == [50, 50, 4]


def test_work_that_cannot_be_found_is_told(file: Path) -> None:
    """In a line, before any run."""
    Guessing.rows = iter([])
    with pytest.raises(UsageError, match="a worker failed: it died"):
        validate(file, 0.05, 1, 10.0, quiet)
    assert lines(file) == []


def test_a_torn_line_is_a_run_to_be_made_again(file: Path) -> None:
    """What a killed process left; the line after it is whole."""
    validate(file, 0.0, 1, 10.0, quiet)
    with file.open("a") as torn:
        torn.write('{"slowdown": 0.0, "cel')
    validate(file, 0.0, 2, 10.0, quiet)
    assert len(lines(file)) == 2


@pytest.mark.parametrize("text", ["[]", "{}", "1", '{"slowdown": 0}'])
def test_another_file_is_told(tmp_path: Path, text: str) -> None:
    """With its line."""
    other = tmp_path / "other.jsonl"
    other.write_text(f"{text}\n")
    with pytest.raises(UsageError, match="line 1: no run of a gate's validation"):
        lines(other)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff", "not UTF-8 text: invalid start byte at byte 0"),
        (b"[" * 100_000, "not JSON that can be read: maximum recursion depth exceeded"),
        (b"hello", "not whole JSON: Expecting value at line 1, column 1"),
    ],
)
def test_what_no_killed_process_left_is_told(tmp_path: Path, content: bytes, line: str) -> None:
    """A line of a validation begins as an object does."""
    other = tmp_path / "other.jsonl"
    other.write_bytes(b"\n" + content)
    with pytest.raises(UsageError) as error:
        lines(other)
    assert str(error.value).startswith(f"{other}, line 2: {line}")


@pytest.mark.parametrize("content", [b'{"slowdown": "\xff', b'{"a":' * 100_000])
def test_a_damaged_line_is_a_run_to_be_made_again(file: Path, content: bytes) -> None:
    """As a torn one is."""
    validate(file, 0.0, 1, 10.0, quiet)
    with file.open("ab") as damaged:
        damaged.write(content)
    assert len(lines(file)) == 1


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"machine": None}, ".machine: expected text, found None"),
        ({"slowdown": "0"}, ".slowdown: expected a finite number, found '0'"),
        (
            {"minutes": 1e300},
            ".minutes: expected a positive number of at most 10,000, found 1e+300",
        ),
        ({"seconds": math.nan}, ".seconds: expected a finite number, found nan"),
        ({"machine_changed": 0}, ".machine_changed: expected true or false, found 0"),
        ({"screen_pairs": -1}, ".screen_pairs: expected 0 or a positive integer, found -1"),
        ({"differing": [1]}, ".differing: expected a list of text, found a list of 1"),
        ({"added_rows": {"ring": None}}, ".added_rows: expected an object of integers"),
        ({"cells": {"ring": {}}}, ".cells: expected an object of cells, each with a verdict"),
        ({"cells": None}, ".cells: expected an object of cells, each with a verdict"),
        ({"pairs": [{"ring": None}]}, ".pairs: expected a list of pairs, each an object of log"),
        ({"pairs": [{"ring": 1e9}]}, ".pairs: expected a list of pairs, each an object of log"),
        ({"took": [None]}, ".took: expected a list of finite numbers, found a list of 1"),
        ({"took": [20.0]}, ": expected as many of took as of pairs"),
    ],
)
def test_what_is_not_of_the_format_is_told(file: Path, changed: dict[str, Any], line: str) -> None:
    """With its line and its field."""
    validate(file, 0.0, 1, 10.0, quiet)
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    with pytest.raises(UsageError) as error:
        lines(file)
    assert str(error.value).startswith(f"{file}, line 1: no run of a gate's validation{line}")


def test_another_slowdown_is_refused(file: Path) -> None:
    """Before any work."""
    with pytest.raises(UsageError, match="a slow-down is one of"):
        validate(file, 0.2, 1, 10.0, quiet)
    assert lines(file) == []


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.nan, math.inf])
def test_a_budget_that_is_none_is_refused(file: Path, minutes: float) -> None:
    """Before any work."""
    with pytest.raises(UsageError, match="--minutes is above 0 and at most 10,000"):
        validate(file, 0.0, 1, minutes, quiet)
    assert lines(file) == []


def test_a_folder_is_no_file_of_lines(tmp_path: Path) -> None:
    """Told in a line, before any work."""
    with pytest.raises(UsageError, match="it is a folder"):
        validate(tmp_path, 0.0, 1, 10.0, quiet)


def test_a_file_is_of_one_machine(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one goes on with a file of its own; what is there can still be read."""
    validate(file, 0.0, 1, 10.0, quiet)
    monkeypatch.setattr(validation, "machine", lambda: "another")
    validate(file, 0.0, 1, 10.0, quiet)
    with pytest.raises(UsageError, match="is of another machine: "):
        validate(file, 0.05, 1, 10.0, quiet)
    assert len(lines(file)) == 1


def test_every_line_is_json_without_nan(tmp_path: Path) -> None:
    """What does not exist is null."""
    found = Found(Exact(), {"ring": SAME, CANARY: SAME}, pairs=[Timed({"ring": 0.1})])
    file = tmp_path / "x.jsonl"
    append(file, line_of(found, 0.0, {"head": "a"}))
    line = json.loads(file.read_text(), parse_constant=pytest.fail)
    assert line["cells"]["ring"]["low"] is None
    assert line["differing"] == []
    assert line["pairs"] == [{"ring": 0.1}]
