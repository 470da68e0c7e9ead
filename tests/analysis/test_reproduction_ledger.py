"""The reproduction ledger: what each row says, as a sentence, as JSON, as text and on the page."""

import io
import json
import re
import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.expression import Expression, ExpressionMatcher
from rich.console import Console

from analysis import __main__ as command
from analysis.estimates import Interval
from analysis.records import Records
from analysis.report import report
from analysis.reproduction.ledger import Entry, as_json, groups, ledger, tally
from analysis.reproduction.published import ROWS
from analysis.reproduction.row import ABSENT, Comparison, Outcome, Row, nothing, verdict
from analysis.reproduction.section import section
from analysis.reproduction.wording import ending, line, printed
from bench.matrix import Cell, matrix

Made = Callable[..., Records]

REPRODUCED, NOT, UNDECIDED = "reproduced", "not reproduced", "undecided"


@pytest.mark.parametrize("name", ROWS)
def test_every_row_says_what_where_and_how_it_is_known(name: str) -> None:
    """What was checked and what is only quoted; a rule and a command, or neither."""
    row = ROWS[name]
    assert re.search(r"20\d\d, (Table|section|appendix)", row.paper)
    assert "quoted" in row.source or "checked against" in row.source
    assert row.published
    assert row.criterion.endswith(".") == bool(row.command)
    assert name.isidentifier()


def test_no_row_stands_twice() -> None:
    """A method of a paper has one row."""
    assert len({(row.paper, row.what) for row in ROWS.values()}) == len(ROWS)


def test_without_results_nothing_is_run(made: Made) -> None:
    """And nothing is reproduced for lack of a counterexample."""
    entries = ledger(made("reproduction", []))
    assert {entry.verdict for entry in entries} == {"not run"}
    absent = [entry for entry in entries if entry.outcome.note == ABSENT]
    assert [entry.name for entry in absent] == [n for n, row in ROWS.items() if not row.command]
    assert tally(entries) == (
        f"Of {len(ROWS)} published rows {len(ROWS)} are not run "
        f"({len(absent)} of them: the suite does not have the method)."
    )


def occurs_in(identity: str) -> ExpressionMatcher:
    """Which words pytest's -k finds in a test's name."""

    def occurs(word: str, /, **_: str | int | bool | None) -> bool:
        return word in identity

    return occurs


@cache
def chosen(words_of: str) -> list[Cell]:
    """The cells that a command runs."""
    words = shlex.split(words_of)
    options = dict(zip(words[4::2], words[5::2], strict=True))
    expression = Expression.compile(options.pop("-k", "test_"))
    profile, kinds = options.pop("--profile"), options.pop("--kinds").split(",")
    names = {"--models": "model", "--losses": "loss", "--penalties": "penalty", "--pack": "pack"}
    axes = {
        {**names, "--data": "data"}[option]: tuple(
            int(word) if word.isdigit() else word for word in value.split(",")
        )
        for option, value in options.items()
    }
    found = []
    for cell in matrix(profile, axes, kinds).cells:
        identity = f"test_{','.join(map(str, cell.parameters))}"
        if expression.evaluate(occurs_in(identity)):
            found.append(cell)
    return found


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.command])
def test_a_rows_command_runs_what_the_row_looks_for(name: str, made: Made) -> None:
    """The rule finds its runs among the cells that the command selects."""
    path = [
        {"updates": rule, "step": step, "theta": 0.9**step, "psi": 0.9**step, "modes": 1.0}
        for rule in ("simultaneous", "alternating")
        for step in range(20)
    ]
    cells = chosen(ROWS[name].command)
    kind = cells[0].kind
    records = made(kind, [(cell.run.as_dict(), "finished", path) for cell in cells])
    assert verdict(ROWS[name].measure(records).comparisons) != "not run"


def found(outcome: str, **changes: Any) -> Comparison:
    """A comparison of this verdict."""
    fields = {"quantity": "modes of 8", "published": "8", "word": "", "observations": "seed"}
    return Comparison(
        **{"measured": nothing(), "difference": nothing(), **fields, "verdict": outcome, **changes}
    )


def entry(name: str, *words: str, **changes: Any) -> Entry:
    """A row whose comparisons have these verdicts."""
    outcome = Outcome(tuple(found(word) for word in words), **changes)
    row = Row("Group", name, "Somebody 2020, Table 1", "8", "as quoted", "It is.", "run it", _none)
    return Entry(name, row, outcome)


def _none(_records: Records) -> Outcome:
    return Outcome()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "not run"),
        ((REPRODUCED,), REPRODUCED),
        ((REPRODUCED, REPRODUCED), REPRODUCED),
        ((REPRODUCED, UNDECIDED), UNDECIDED),
        ((UNDECIDED, NOT), NOT),
        ((NOT, REPRODUCED), NOT),
        (("nothing published",), "nothing published"),
        (("nothing published", REPRODUCED), REPRODUCED),
    ],
)
def test_a_rows_verdict_is_its_weakest(words: tuple[str, ...], expected: str) -> None:
    """A row is reproduced only as a whole."""
    assert verdict([found(word) for word in words]) == expected
    assert verdict([found(word) for word in reversed(words)]) == expected


ENTRIES = [
    entry("a", REPRODUCED, protocol=("8 of 10 trials", "other data")),
    entry(
        *("b", NOT, REPRODUCED),
        protocol=("8 of 10 trials",),
        note="1 of 8 runs diverged",
        shortfall="2 of 9 steps",
    ),
    entry("c"),
    entry("d", note=ABSENT),
]


def test_the_tally_counts_verdicts() -> None:
    """In the order of what is best known."""
    assert tally(ENTRIES) == (
        "Of 4 published rows 1 is reproduced, 1 is not reproduced and 2 are not run "
        "(1 of them: the suite does not have the method)."
    )
    assert tally([ENTRIES[0], ENTRIES[-1]]) == (
        "Of 2 published rows 1 is reproduced and 1 is not run (the suite does not have the method)."
    )
    assert tally(ENTRIES[:1]) == "Of 1 published row 1 is reproduced."
    assert tally([]) == "There are no published rows."


def test_a_verdict_says_why_a_row_cannot_be_run() -> None:
    """The method is missing, not the run; and a short run is no refutation."""
    assert [ending(one) for one in ENTRIES] == [
        REPRODUCED,
        "not reproduced: 2 of 9 steps",
        "not run",
        "not run: not in the suite",
    ]


def test_a_comparison_is_a_line() -> None:
    """Ours, of how many, how far apart, what follows, and the note; a class is a word."""
    number = found(
        UNDECIDED,
        measured=Interval(6.0, 5.5, 6.5, 0.95, 8),
        difference=Interval(-0.3, -1.5, 0.9, 0.95, 8),
        note="undefined in 1 of 9",
    )
    assert line(number) == (
        "modes of 8: 6 [5.5, 6.5], 8 seeds, apart by −0.3 [−1.5, 0.9]: undecided "
        "(undefined in 1 of 9)"
    )
    quality = found(
        REPRODUCED, quantity="high quality", measured=Interval(0.982, 0.97, 0.99, 0.95, 8)
    )
    assert line(quality).replace("\N{NO-BREAK SPACE}", " ") == (
        "high quality: 98.2 % [97 %, 99 %], 8 seeds: reproduced"
    )
    assert line(found(NOT, word="orbits", observations="setting", quantity="rule")) == (
        "rule: orbits, 0 settings: not reproduced"
    )


def text(width: int, *, terminal: bool) -> str:
    """What is printed of the entries."""
    stream = io.StringIO()
    printed(ENTRIES, Console(file=stream, width=width, force_terminal=terminal, highlight=False))
    return stream.getvalue()


def test_text_in_a_file_is_one_line_a_statement() -> None:
    """However narrow: nothing is cut, folded or coloured."""
    lines = text(20, terminal=False).splitlines()
    assert lines[:9] == [
        "a: reproduced",
        "  a (Somebody 2020, Table 1)",
        "  published: 8",
        "  ours: modes of 8: –, 0 seeds: reproduced",
        "  differs: 8 of 10 trials",
        "  differs: other data",
        "  source: as quoted",
        "  criterion: It is.",
        "  command: run it",
    ]
    assert "  note: 1 of 8 runs diverged" in lines
    assert lines[-1] == tally(ENTRIES)


def test_a_terminal_folds_lines_and_colours_verdicts() -> None:
    """Every word is still there."""
    shown = text(30, terminal=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain != shown
    assert max(map(len, plain.splitlines())) <= 30


def test_the_json_holds_everything_and_no_nan() -> None:
    """results/README.md has the format; a missing number is null."""
    document = json.loads(as_json(ENTRIES), parse_constant=pytest.fail)
    assert document["schema"] == 1
    assert document["verdicts"] == {"a": REPRODUCED, "b": NOT, "c": "not run", "d": "not run"}
    row = document["rows"][1]
    assert list(row) == [
        *("name", "group", "what", "paper", "published", "source", "criterion", "command"),
        *("verdict", "comparisons", "protocol", "note", "shortfall"),
    ]
    assert row["comparisons"][0]["measured"] == {
        "estimate": None,
        "low": None,
        "high": None,
        "confidence": 0.95,
        "n": 0,
    }
    assert row["note"] == "1 of 8 runs diverged"
    assert as_json(ENTRIES) == as_json(ENTRIES)


def test_infinite_numbers_are_words_in_the_json() -> None:
    """JSON has none."""
    lost = found(NOT, measured=Interval(float("inf"), -float("inf"), 0.0, 0.95, 8))
    one = Entry("a", ENTRIES[0].row, Outcome((lost,)))
    measured = json.loads(as_json([one]))["rows"][0]["comparisons"][0]["measured"]
    assert (measured["estimate"], measured["low"]) == ("infinity", "-infinity")


def test_rows_stand_under_their_headings(made: Made) -> None:
    """Five of them, in order, each row once."""
    entries = ledger(made("reproduction", []))
    found_groups = groups(entries)
    assert len(found_groups) == 5
    assert [entry for group in found_groups.values() for entry in group] == entries


def test_the_section_says_shared_differences_once() -> None:
    """Above the table; a row keeps its own."""
    (group,) = section(ENTRIES)
    assert group.shared == ("8 of 10 trials",)
    assert [one.protocol for one in group.lines] == [("other data",), (), (), ()]
    assert group.checked == ("Somebody 2020, Table 1: as quoted",)
    assert {one.source for one in group.lines} == {"Somebody 2020, Table 1"}
    assert group.commands == (("run it", "a, b, c and d"),)
    assert (group.ran, group.differ) == (True, True)
    assert [one.note for one in group.lines] == ["", "1 of 8 runs diverged", "", ""]


def test_a_number_has_its_own_verdict_only_where_the_row_has_several() -> None:
    """Else the row's says it."""
    (group,) = section(ENTRIES)
    assert group.lines[0].ours == ("modes of 8: –, 0 seeds",)
    assert group.lines[1].ours == (
        "modes of 8: –, 0 seeds: not reproduced",
        "modes of 8: –, 0 seeds: reproduced",
    )


def test_one_row_that_was_run_keeps_its_differences() -> None:
    """They are not the group's."""
    (group,) = section([ENTRIES[0], ENTRIES[2]])
    assert group.shared == ()
    assert group.lines[0].protocol == ("8 of 10 trials", "other data")


def test_sources_that_differ_within_a_paper_stay_with_their_rows(made: Made) -> None:
    """Some numbers of VEEGAN's second table were checked, one is only quoted."""
    stacked = section(ledger(made("reproduction", [])))[3]
    assert [text.partition(":")[0] for text in stacked.checked] == ["Lin et al. 2018, Table 2"]
    ali = next(one for one in stacked.lines if one.name == "stacked_ali")
    assert ali.source.startswith("Srivastava et al. 2017, Table 2: as quoted; ")


def test_the_report_shows_and_writes_the_ledger(synthetic: Any) -> None:
    """On the page after the claims, folded where nothing was run; as JSON beside it."""
    folder = synthetic.session(data=(), batch_sizes=(16,))
    text = report([folder]).page.read_text(encoding="utf-8")
    assert text.index('id="claims"') < text.index('id="reproduction"') < text.index('id="summary"')
    assert text.count('<details class="unrun">') == 5
    assert "nothing was run of 11 rows" in text
    document = json.loads((folder / "reproduction.json").read_text(encoding="utf-8"))
    assert list(document["verdicts"]) == list(ROWS)


def run_command(*words: str | Path) -> int | str | None:
    """The exit code of the command `reproduction` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["analysis", "reproduction", *map(str, words)])
        with pytest.raises(SystemExit) as error:
            command.main()
    return error.value.code


def test_the_command_prints_and_records_the_ledger(
    synthetic: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged run is told on stderr."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    (folder / "runs" / "half.parquet").write_bytes(b"PAR1")
    assert run_command(folder, "--record", folder / "rows.json") == 0
    output = capsys.readouterr()
    assert "\nring_gan: not run\n" in output.out
    assert output.out.splitlines()[-1].startswith(f"Of {len(ROWS)} published rows ")
    assert output.err.startswith("runs/half.parquet is left out: damaged or cut off:")
    assert json.loads((folder / "rows.json").read_text(encoding="utf-8"))["schema"] == 1


def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results that are not there."""
    assert run_command(tmp_path / "gone") == 2
    assert capsys.readouterr().err == f"error: {tmp_path}/gone: no such file or folder\n"
