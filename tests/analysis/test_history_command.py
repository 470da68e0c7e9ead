"""`python -m analysis history`: series, table, figure, Otava's CSV and exit codes."""

import csv
import io
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis import __main__ as command
from analysis import history_csv, history_figure, history_unchanged
from analysis.errors import UsageError
from analysis.figures.style import RC
from analysis.history import append, read
from analysis.history_series import Series, changed, series
from analysis.history_words import share, told

HOSTILE = "$\\frac|<b>\x1b[31m\u202e\n,\"'"


def write(path: Path, cell: str, logs: list[float], machine: str = "m", **more: Any) -> None:
    """One gate run a day, each a line."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    append(
        path,
        [
            {
                "time": (start + timedelta(days=day)).isoformat(),
                "commit": f"{day:04d}abcdef",
                "machine": machine,
                "cell": cell,
                "reference": "gemm 1",
                "ratio": math.exp(log),
                "low": math.exp(log - 0.01),
                "high": math.exp(log + 0.01),
                "pairs": 8,
                **more,
            }
            for day, log in enumerate(logs)
        ],
    )


def noisy(n: int = 30, after: int = 0, size: float = 0.0, seed: int = 1) -> list[float]:
    """Noise of 1 %, and a step before the last runs."""
    noise = 0.01 * np.random.default_rng(seed).normal(size=n)
    return list(noise + size * (np.arange(n) >= n - after))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history in which one of three cells became slower five runs ago."""
    file = tmp_path / "history.jsonl"
    write(file, "steady", noisy())
    write(file, "slower", noisy(after=5, size=0.1, seed=2))
    write(file, "faster long ago", noisy(after=20, size=-0.2, seed=3))
    return file


@pytest.fixture
def partly_back(tmp_path: Path) -> Path:
    """A history of one cell that became slower by 10 % and, five runs later, faster by 2.7 %."""
    file = tmp_path / "history.jsonl"
    levels = np.repeat([0.0, math.log(1.1), math.log(1.07)], [20, 5, 5])
    write(file, "c", list(levels + 0.1 * np.array(noisy())))
    return file


def found_in(path: Path, since: int = 10) -> list[Series]:
    """The series of a file."""
    return series(read(path).rows, since)


def call(*words: str | Path) -> int:
    """The exit code of `history` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["analysis", "history", *map(str, words)])
        with pytest.raises(SystemExit) as error:
            command.main()
    return int(error.value.code or 0)


def test_a_series_is_one_cell_on_one_machine_over_one_kernel(path: Path) -> None:
    """Another machine, or another unit of time, would be a step."""
    write(path, "steady", noisy(), machine="n")
    write(path, "steady", noisy(), reference="gemm 2")
    names = [(one.machine, one.cell, one.reference) for one in found_in(path)]
    assert names == [
        ("m", "faster long ago", "gemm 1"),
        ("m", "slower", "gemm 1"),
        ("m", "steady", "gemm 1"),
        ("m", "steady", "gemm 2"),
        ("n", "steady", "gemm 1"),
    ]


@pytest.mark.parametrize(
    ("since", "recent"), [(3, []), (4, []), (5, ["slower"]), (20, ["slower", "faster long ago"])]
)
def test_a_change_is_recent_as_long_as_it_is_asked_for(
    path: Path, since: int, recent: list[str]
) -> None:
    """Counted in runs of the series."""
    found = found_in(path, since)
    assert {one.cell for one in found if one.recent} == set(recent)
    assert changed(found) == bool(recent)


def test_a_leak_is_always_recent(tmp_path: Path) -> None:
    """It goes on to the last run."""
    file = tmp_path / "history.jsonl"
    write(file, "c", [0.01 * day for day in range(40)])
    (one,) = found_in(file, since=3)
    assert one.fit.change is not None
    assert (one.fit.change.kind, one.recent) == ("leak", True)


def test_changes_of_unchanged_code_are_the_noises(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are no reason to fail; what the noise does is told after the table."""
    assert call(path) == 1
    usual = capsys.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_unchanged, "DRAWN", 20)
        assert call(path, "--unchanged") == 0
    told_more = capsys.readouterr().out
    assert told_more.startswith(usual)
    assert "3 unchanged series of 30 runs: 2 said to have a change" in told_more


def test_fewer_runs_than_a_change_needs_are_a_mistake(path: Path) -> None:
    """Nothing could ever be told."""
    with pytest.raises(UsageError, match="--since 2: a change shows after 3 runs at the earliest"):
        found_in(path, since=2)


def test_a_row_tells_the_change(path: Path) -> None:
    """When, which commit, by how much."""
    rows = {one.cell: told(one)[0] for one in found_in(path)}
    runs, _, kind, since, commit, by, recent = rows["slower"]
    assert (runs, kind, since, commit, recent) == (
        "30",
        "step",
        "2026-01-26 00:00",
        "0025abcdef",
        "recent",
    )
    estimate = float(by.split("\N{NO-BREAK SPACE}")[0])
    assert estimate == pytest.approx(100 * math.expm1(0.1), abs=1.5)
    assert rows["steady"][2:] == ["none", "–", "–", "–", ""]
    assert rows["faster long ago"][-1] == ""


def test_a_step_back_does_not_hide_the_one_before_it(
    partly_back: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each recent change is a row, by time; of older ones only the last is told."""
    (one,) = found_in(partly_back)
    rows = told(one)
    assert [(row[3], row[4], row[-1]) for row in rows] == [
        ("2026-01-21 00:00", "0020abcdef", "recent"),
        ("2026-01-26 00:00", "0025abcdef", "recent"),
    ]
    by = [float(row[5].split("\N{NO-BREAK SPACE}")[0].replace("−", "-")) for row in rows]
    assert by == pytest.approx([10, 100 * (1.07 / 1.1 - 1)], abs=0.3)
    assert call(partly_back) == 1
    assert capsys.readouterr().out.startswith("m: 2 recent changes in 1 series\n")
    for since, recent in ((9, "recent"), (4, "")):
        (one,) = found_in(partly_back, since)
        assert [(row[4], row[-1]) for row in told(one)] == [("0025abcdef", recent)]


def test_a_short_series_is_told_as_such(tmp_path: Path) -> None:
    """Seven runs are not searched, and not counted among those that were."""
    file = tmp_path / "history.jsonl"
    write(file, "c", [0.0, 1.0] * 3 + [5.0])
    (one,) = found_in(file)
    assert told(one) == [["7", "–", "fewer than 8 runs", "–", "–", "–", ""]]


def test_a_factor_beyond_float64_is_infinite() -> None:
    """Not an OverflowError."""
    assert share(800.0) == "+∞\N{NO-BREAK SPACE}%"
    assert share(-800.0) == "−100\N{NO-BREAK SPACE}%"


def test_the_command_prints_the_table_and_exits_with_1_on_a_recent_change(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What changed recently stands first; a torn line is told on stderr."""
    with path.open("a", encoding="utf-8") as file:
        file.write('{"sch')
    assert call(path, "--since", "5") == 1
    output = capsys.readouterr()
    head, columns, first, *_ = output.out.splitlines()
    assert head == "m: 1 recent change in 3 series"
    assert " ".join(columns.split()) == "runs noise change since commit ratio by cell"
    assert first.endswith("recent  slower")
    assert output.out.splitlines()[-1] == (
        "Of 3 series 1 changed within 5 runs; of 3 searched ones without any change, up to 0.15 "
        "would be said to have one"
    )
    assert output.err.startswith(f"{path}:91: left out, not a whole line")
    assert call(path, "--since", "4") == 0


def test_mistakes_exit_with_2(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each."""
    for words in ([tmp_path / "gone"], [tmp_path], [path, "--since", "1"], [path, "--csv", path]):
        assert call(*words) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1


def test_names_are_taken_for_hostile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No escape reaches the terminal, and every file is written."""
    file = tmp_path / "history.jsonl"
    write(file, HOSTILE, noisy(after=4, size=0.2), machine=HOSTILE, commit=HOSTILE)
    assert call(file, "--figure", tmp_path / "f", "--csv", tmp_path / "c") == 1
    shown = capsys.readouterr().out
    assert all(letter.isprintable() or letter in "\n\xa0" for letter in shown)
    assert {one.name for one in (tmp_path / "c").iterdir()} == {
        "frac-b-31m.csv",
        "otava.yaml",
    }
    suffixes = {one.suffix for one in (tmp_path / "f").iterdir()}
    assert suffixes == {".svg", ".png", ".csv", ".txt"}


def otava(path: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    """The configuration, and each file's rows."""
    made = history_csv.files(found_in(path))
    config = json.loads(made.pop("otava.yaml"))
    tables = {
        name: list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        for name, data in made.items()
    }
    return config["tests"], tables


def test_otava_reads_one_file_a_machine(path: Path) -> None:
    """A time that says its zone, the commit, and a column per cell where less is better."""
    write(path, "steady", noisy(8), machine="n")
    tests, tables = otava(path)
    assert set(tables) == {"m.csv", "n.csv"}
    assert tests["m"] == {
        "type": "csv",
        "file": "m.csv",
        "time_column": "time",
        "attributes": ["commit"],
        "metrics": {cell: {"direction": -1} for cell in ("faster long ago", "slower", "steady")},
    }
    rows = tables["m.csv"]
    assert len(rows) == 30
    assert (rows[1]["time"], rows[1]["commit"]) == ("2026-01-02 00:00:00 +0000", "0001abcdef")
    expected = [math.exp(log) for log in noisy()]
    assert [float(row["steady"]) for row in rows] == pytest.approx(expected)


def test_no_field_of_otavas_is_empty(path: Path) -> None:
    """A cell that other runs measured has a file of its own: no value is made up or left out."""
    write(path, "later", noisy(9))
    _, tables = otava(path)
    assert {name: len(rows) for name, rows in tables.items()} == {"m.csv": 30, "m-2.csv": 9}
    assert all(value for rows in tables.values() for row in rows for value in row.values())


def test_columns_of_otavas_keep_their_names_apart(tmp_path: Path) -> None:
    """A cell may be called as the time column is, or be measured over two kernels."""
    file = tmp_path / "history.jsonl"
    for cell, reference in (("time", "a"), ("c", "a"), ("c", "b"), ("branch", "a")):
        write(file, cell, noisy(8), reference=reference)
    _, tables = otava(file)
    assert set(tables["m.csv"][0]) == {
        "time",
        "commit",
        "time over a",
        "branch over a",
        "c",
        "c over b",
    }


def drawn(rows: pd.DataFrame) -> Canvas:
    """The figure's canvas."""
    with mpl.rc_context(RC):
        canvas = Canvas()
        history_figure.draw(rows, canvas)
    return canvas


def test_the_figure_draws_every_run_and_the_levels(path: Path) -> None:
    """Points are the ratios; the line has both levels of the step."""
    rows = history_figure.prepare(found_in(path))
    canvas = drawn(rows)
    assert [axes.get_title().split("\n")[0] for axes in canvas.axes] == [
        "slower",
        "faster long ago",
        "steady",
    ]
    points, level = canvas.axes[0].lines[0], canvas.axes[0].lines[1]
    of_panel = rows[rows["cell"] == "slower"]
    assert np.asarray(points.get_ydata()) == pytest.approx(of_panel["ratio"].to_numpy())
    assert len(set(np.asarray(level.get_ydata()))) == 2
    assert canvas.axes[0].get_title().endswith("since 2026-01-26 (0025abc)")
    assert "step, +" in canvas.axes[0].get_title()


def test_the_figure_marks_every_recent_change(partly_back: Path) -> None:
    """Titles, marks, rows and the caption have the larger one, too."""
    rows = history_figure.prepare(found_in(partly_back))
    changes = rows[rows["by"].notna()]
    assert changes["run"].tolist() == [21, 26]
    assert changes["by"].tolist() == pytest.approx([0.095, -0.028], abs=3e-3)
    (axes,) = drawn(rows).axes
    marks = [np.asarray(line.get_xdata())[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert marks == [20.5, 25.5]
    title = axes.get_title()
    assert title.index("since 2026-01-21 (0020abc)") < title.index("since 2026-01-26 (0025abc)")
    assert "Recent are 2 steps; the largest is of +" in history_figure.caption(rows)


def test_a_single_run_without_bounds_is_drawn(tmp_path: Path) -> None:
    """In sight, with no bar in the legend."""
    file = tmp_path / "history.jsonl"
    write(file, "c", [0.0], low=None, high=None)
    canvas = drawn(history_figure.prepare(found_in(file)))
    (axes,) = canvas.axes
    assert axes.get_xlim()[0] < 1 < axes.get_xlim()[1]
    assert axes.get_ylim()[0] < 1 < axes.get_ylim()[1]
    words = [text.get_text() for text in canvas.legends[0].get_texts()]
    assert words == ["one gate run", "level or leak"]


def test_the_furthest_ratios_are_drawn(tmp_path: Path) -> None:
    """From the least that is read to the largest, as noise, as a step, with bounds and without."""
    file = tmp_path / "history.jsonl"
    # exp(log(1e-20)) is a little less.
    for cell, ratios in (("a", [2e-20, 9e19] * 10), ("b", [2e-20] * 8 + [9e19] * 8)):
        logs = [math.log(ratio) for ratio in ratios]
        write(file, cell, logs, low=None, high=None)
    write(file, "c", [0.0], low=1e-20, high=1e20)
    made = history_figure.files(found_in(file))
    assert made["history.png"]


def test_captions_follow_the_rows(path: Path) -> None:
    """How many changed, and which most."""
    caption = history_figure.caption(history_figure.prepare(found_in(path)))
    assert caption.startswith("Of 3 series of up to 30 runs, 1 changed recently and 1 before.")
    assert "Recent are 1 step; the largest is of +" in caption
    assert caption.endswith("(slower).")
    caption = history_figure.caption(history_figure.prepare(found_in(path, since=3)))
    assert caption == "Of 3 series of up to 30 runs, 0 changed recently and 2 before."


def test_many_panels_are_not_all_drawn(tmp_path: Path) -> None:
    """The caption says so, and the CSV has all."""
    file = tmp_path / "history.jsonl"
    for number in range(25):
        write(file, f"cell {number:02d}", [0.0])
    made = history_figure.files(found_in(file))
    assert b"The first 24 of 25 panels are drawn; the CSV has all." in made["history.txt"]
    assert b"cell 24" in made["history.csv"]
