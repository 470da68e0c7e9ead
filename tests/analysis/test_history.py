"""History files: what is appended is read, whatever else happens to the file meanwhile."""

import errno
import gzip
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import UsageError
from analysis.history import append, read

ROOT = Path(__file__).parents[2]


def row(**changed: Any) -> dict[str, Any]:
    """One line's fields."""
    plain: dict[str, Any] = {
        "time": "2026-01-02T03:04:05+00:00",
        "commit": "abc",
        "machine": "m",
        "cell": "c",
        "reference": "r",
        "ratio": 2.0,
        "low": 1.9,
        "high": 2.1,
        "pairs": 8,
    }
    return {**plain, **changed}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a history goes."""
    return tmp_path / "history.jsonl"


def test_what_is_appended_is_read(path: Path) -> None:
    """Sorted by time, times in UTC, bounds that are not there NaN."""
    append(path, [row(time="2026-01-02T03:00:00+02:00", low=None, high=None, torch="2.13")])
    append(path, [row(time="2026-01-01T00:00:00Z", cell="é\n")])
    history = read(path)
    assert history.problems == ()
    assert history.rows["time"].tolist() == [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 2, 1, tzinfo=UTC),
    ]
    assert history.rows["cell"].tolist() == ["é\n", "c"]
    assert history.rows["torch"].tolist()[1] == "2.13"
    assert math.isnan(history.rows["low"].iloc[1])


def test_lines_are_json_objects_in_ascii(path: Path) -> None:
    """One a line, with the schema's number."""
    append(path, [row(cell="é\n\u2028"), row()])
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["schema"] for line in lines] == [1, 1]
    assert lines[0].isascii()


def test_no_rows_make_no_file(path: Path) -> None:
    """An empty run leaves nothing to be skipped later."""
    append(path, [])
    assert not path.exists()


def test_a_torn_last_line_is_told_and_left_out(path: Path) -> None:
    """A killed process leaves the beginning of a line."""
    append(path, [row()])
    with path.open("ab") as file:
        file.write(b'{"schema": 1, "time": "2026')
    history = read(path)
    assert len(history.rows) == 1
    (problem,) = history.problems
    assert problem.startswith(f"{path}:2: left out, not a whole line: not whole JSON: Unterminated")


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_line_torn_anywhere_costs_only_itself(path: Path, data: st.DataObject) -> None:
    """What is appended after it begins a line of its own."""
    path.unlink(missing_ok=True)
    append(path, [row(commit="first"), row(commit="tórn")])
    whole = path.read_bytes()
    begin = whole.index(b"\n") + 1
    cut = data.draw(st.integers(begin, len(whole)))
    path.write_bytes(whole[:cut])
    append(path, [row(commit="last")])
    history = read(path)
    kept = cut >= len(whole) - 1
    expected = ["first", "tórn", "last"] if kept else ["first", "last"]
    assert history.rows["commit"].tolist() == expected
    assert len(history.problems) == (0 if kept or cut == begin else 1)


def test_a_line_that_is_no_text_is_told(path: Path) -> None:
    """A disk may have lost a block."""
    append(path, [row()])
    with path.open("ab") as file:
        file.write(b"\x00\xff\n\n" + b"[" * 100_000)
    first, second = read(path).problems
    assert (
        first
        == f"{path}:2: left out, not a whole line: not UTF-8 text: invalid start byte at byte 1"
    )
    assert second.startswith(f"{path}:4: left out, not a whole line: not JSON that can be read: ")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"ratio": math.nan}, ".ratio: expected a ratio from 10⁻²⁰ to 10²⁰, found nan"),
        ({"ratio": math.inf}, ".ratio: expected a ratio from 10⁻²⁰ to 10²⁰, found inf"),
        ({"ratio": 0}, ".ratio: expected a ratio from 10⁻²⁰ to 10²⁰, found 0"),
        ({"ratio": "2"}, ".ratio: expected a ratio from 10⁻²⁰ to 10²⁰, found '2'"),
        ({"ratio": 1e-308}, ".ratio: expected a ratio from 10⁻²⁰ to 10²⁰, found 1e-308"),
        ({"low": 5e-324}, ".low: expected a ratio from 10⁻²⁰ to 10²⁰ or null, found 5e-324"),
        ({"high": 1.7e308}, ".high: expected a ratio from 10⁻²⁰ to 10²⁰ or null, found 1.7e+308"),
        ({"pairs": 0}, ".pairs: expected a positive integer, found 0"),
        ({"commit": None}, ".commit: expected text, found None"),
        ({"low": 2.5}, ": expected low ≤ ratio ≤ high, or neither bound"),
        ({"high": None}, ": expected low ≤ ratio ≤ high, or neither bound"),
        (
            {"time": "2026-01-02T03:04:05"},
            ".time: expected a time as \"2026-01-02T03:04:05+00:00\", found '2026-01-02T03:04:05'",
        ),
        (
            {"time": "0001-01-01T00:00:00+05:00"},
            (
                '.time: expected a time as "2026-01-02T03:04:05+00:00", found '
                "'0001-01-01T00:00:00+05:00'"
            ),
        ),
        ({"time": 5}, '.time: expected a time as "2026-01-02T03:04:05+00:00", found 5'),
        ({"torch": 2}, ".torch: expected text or null, found 2"),
        (
            {"schema": 2},
            ".schema: this version reads 1, found 2; use the version of saddle-bench that wrote it",
        ),
    ],
)
def test_what_is_not_of_the_format_is_neither_written_nor_read(
    path: Path, changed: dict[str, Any], line: str
) -> None:
    """A whole line that says something else is a mistake, not an accident: all is refused."""
    with pytest.raises(UsageError) as error:
        append(path, [row(), row(**changed)])
    assert str(error.value) == f"rows[1]{line}"
    assert not path.exists()
    path.write_text(json.dumps({"schema": 1, **row(**changed)}), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value) == f"{path}:1{line}"


def test_half_a_character_is_not_written(path: Path) -> None:
    """It could not be read again."""
    with pytest.raises(UsageError, match=r"rows\[0\]: not JSON that can be read"):
        append(path, [row(cell="\ud800")])
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no line of a history"),
        ("\n \n", "no line of a history"),
        ("hello", "no line of a history: 1: left out, not a whole line: not whole JSON: "),
    ],
)
def test_a_file_without_any_row_is_a_mistake(path: Path, text: str, line: str) -> None:
    """Most likely it is another file."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {line}")


def test_a_compressed_file_is_told_as_such(path: Path) -> None:
    """As far as its first line says so."""
    path.write_bytes(gzip.compress(json.dumps({"schema": 1, **row()}).encode()))
    with pytest.raises(UsageError, match=r"no line of a history: 1: .*it is compressed, by gzip$"):
        read(path)


def test_json_that_is_no_object_is_a_mistake(path: Path) -> None:
    """A file of numbers is no history."""
    path.write_text("[1]\n", encoding="utf-8")
    with pytest.raises(UsageError, match=":1: not a history: expected an object, found a list"):
        read(path)


def test_folders_are_one_line(tmp_path: Path) -> None:
    """Read or written."""
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        append(tmp_path, [row()])
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        append(tmp_path / "gone" / "history.jsonl", [row()])


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went out of the line is taken back, and the error tells how much of it there was."""
    append(path, [row()])
    before, write = path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
    with pytest.raises(UsageError, match="cannot be written"):
        append(path, [row()])
    assert path.read_bytes() == before


def test_a_disk_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the line was written, but is not on the disk."""
    append(path, [row()])
    before = path.read_bytes()

    def fail(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UsageError, match="cannot be written: Input/output error"):
        append(path, [row()])
    assert path.read_bytes() == before


WRITER = """
import sys
from pathlib import Path
from analysis.history import append
row = {row!r}
for number in range(25):
    append(Path(sys.argv[1]), [{{**row, "commit": sys.argv[2], "pairs": number + 1}}] * 20)
"""


def test_processes_that_append_at_once_lose_nothing(path: Path) -> None:
    """Each writes 25 runs of 20 lines; every run's lines stay together."""
    code = WRITER.format(row=row())
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(
                lambda name: subprocess.run(
                    [sys.executable, "-c", code, str(path), name], cwd=ROOT, check=True
                ),
                ("a", "b"),
            )
        )
    assert len(done) == 2
    history = read(path)
    assert history.problems == ()
    runs = history.rows["commit"] + history.rows["pairs"].astype(str)
    assert len(runs) == 1000
    assert runs.value_counts().eq(20).all()
    assert (runs != runs.shift()).sum() == 50
