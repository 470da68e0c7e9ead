"""The ledger: every claim stated once, as text, as JSON, and against recorded verdicts."""

import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from analysis.claims import CLAIMS
from analysis.claims.claim import Claim, Finding
from analysis.claims.ledger import (
    Entry,
    as_json,
    differences,
    ledger,
    record,
    recorded,
    tally,
    verdicts,
)
from analysis.claims.wording import line, measured, printed
from analysis.errors import UsageError
from analysis.estimates import Interval
from analysis.page import shown
from analysis.records import Records, load

NAN = float("nan")
CLAIM = Claim("G learns.", "Somebody 2014", "It does.", lambda _: [])


def finding(condition: str = "ring", *, holds: Any = True, **changes: Any) -> Finding:
    """A slope near 1."""
    usual = Finding(condition, "slope", Interval(1.0, 0.9, 1.1, 0.95, 8), "seed", holds)
    return replace(usual, **changes)


ENTRIES = [
    Entry("a", CLAIM, (finding(),)),
    Entry("b", CLAIM, (finding(), finding("digits", holds=False, note="1 seed left out"))),
    Entry("c", CLAIM, (finding(holds=False),)),
    Entry("d", CLAIM, (finding(holds=None),)),
    Entry("e", CLAIM, ()),
]


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_says_what_where_and_by_which_rule(name: str) -> None:
    """Sentences, and a source with a year or an equation."""
    claim = CLAIMS[name]
    assert claim.statement.endswith(".")
    assert claim.criterion.endswith(".")
    assert any(word in claim.source for word in ("20", "Eq."))
    assert name.isidentifier()


def test_no_two_claims_are_the_same() -> None:
    """Neither by statement nor by rule."""
    assert len({claim.statement for claim in CLAIMS.values()}) == len(CLAIMS)
    assert len({claim.measure for claim in CLAIMS.values()}) == len(CLAIMS)


def test_without_results_no_claim_is_measured(made: Callable[..., Records]) -> None:
    """All of them say so; none holds for lack of a counterexample."""
    found = verdicts(ledger(made("training", [])))
    assert found == dict.fromkeys(CLAIMS, "not measured")


@pytest.fixture(scope="module")
def entries(experimental: Records) -> list[Entry]:
    """The ledger of a session with every experiment of the synthetic results."""
    return ledger(experimental)


def test_conditions_of_a_claim_are_told_apart(entries: list[Entry]) -> None:
    """A verdict that lists them would be ambiguous."""
    assert sum(bool(entry.findings) for entry in entries) > len(CLAIMS) / 2
    for entry in entries:
        conditions = [each.condition for each in entry.findings]
        assert len(set(conditions)) == len(conditions), entry.name


def test_the_ledger_follows_the_data(synthetic: Any) -> None:
    """Of closed forms the exact claims hold; with both losses exchanged they fail."""
    few: dict[str, Any] = {"experiments": True, "seeds": 1, "records": 4, "batch_sizes": ()}
    exact = ("saturating_exponent", "ratio_exponent", "per_sample_ratio", "crossing_at_half")
    for name, reverse, expected in (("as", False, "holds"), ("against", True, "does not hold")):
        found = verdicts(ledger(load([synthetic.session(name, reverse=reverse, **few)])))
        assert {found[claim] for claim in exact} == {expected}


def test_the_tally_counts_verdicts() -> None:
    """In the order of what is best known."""
    assert tally(ENTRIES) == (
        "Of 5 claims 1 holds, 1 holds only under conditions, 1 does not hold and "
        "2 are not measured."
    )
    assert tally([]) == "There are no claims."


def test_a_finding_is_a_line() -> None:
    """Condition, number with its interval, observations, outcome, note."""
    assert line(finding(note="1 seed left out")) == (
        "ring: slope: 1 [0.9, 1.1], 8 seeds; holds (1 seed left out)"
    )
    alone = finding("", holds=None, measured=Interval(-1.38629, NAN, NAN, 0.95, 1))
    assert line(alone) == "slope: −1.386, 1 seed; not decided"


def test_an_interval_of_less_confidence_says_so() -> None:
    """Two runs' extremes enclose the median half of the time."""
    both = finding(measured=Interval(1.0, 0.9, 1.1, 0.5, 2))
    assert measured(both) == "slope: 1 [0.9, 1.1] (50\N{NO-BREAK SPACE}%), 2 seeds"


def text(width: int, *, terminal: bool) -> str:
    """What is printed of the entries."""
    stream = io.StringIO()
    printed(ENTRIES, Console(file=stream, width=width, force_terminal=terminal, highlight=False))
    return stream.getvalue()


def test_text_in_a_file_is_one_line_a_statement() -> None:
    """However narrow: nothing is cut, folded or coloured."""
    lines = text(20, terminal=False).splitlines()
    assert lines[6:12] == [
        "b: holds only when ring",
        "  G learns.",
        "  measured: ring: slope: 1 [0.9, 1.1], 8 seeds; holds",
        "  measured: digits: slope: 1 [0.9, 1.1], 8 seeds; does not hold (1 seed left out)",
        "  criterion: It does.",
        "  source: Somebody 2014",
    ]
    assert lines[-1] == tally(ENTRIES)
    assert "\x1b" not in "".join(lines)


def test_a_terminal_folds_lines_and_colours_verdicts() -> None:
    """Every word is still there."""
    shown = text(24, terminal=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain != shown
    assert max(map(len, plain.splitlines())) <= 24
    assert plain.split() == text(200, terminal=False).split()


def test_names_from_results_are_not_mark_up(capsys: pytest.CaptureFixture[str]) -> None:
    """A data set called [red] is printed as that."""
    printed([Entry("a", CLAIM, (finding("[red]x[/red] :smile:"),))], Console(highlight=False))
    assert "[red]x[/red] :smile:: slope" in capsys.readouterr().out


def test_the_whole_ledger_is_json() -> None:
    """Strict: NaN is null, infinity a word."""
    odd = finding(holds=None, measured=Interval(math.inf, -math.inf, NAN, 0.95, 2))
    written = as_json([Entry("a", CLAIM, (odd,)), Entry("e", CLAIM, ())])

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    document = json.loads(written, parse_constant=refuse)
    assert document == {
        "schema": 1,
        "verdicts": {"a": "not measured", "e": "not measured"},
        "claims": [
            {
                "name": "a",
                "statement": "G learns.",
                "source": "Somebody 2014",
                "criterion": "It does.",
                "verdict": "not measured",
                "findings": [
                    {
                        "condition": "ring",
                        "quantity": "slope",
                        "measured": {
                            "estimate": "infinity",
                            "low": "-infinity",
                            "high": None,
                            "confidence": 0.95,
                            "n": 2,
                        },
                        "observations": "seed",
                        "holds": None,
                        "note": "",
                    }
                ],
            },
            {
                "name": "e",
                "statement": "G learns.",
                "source": "Somebody 2014",
                "criterion": "It does.",
                "verdict": "not measured",
                "findings": [],
            },
        ],
    }


def test_numbers_of_the_ledger_are_plain_json(entries: list[Entry]) -> None:
    """No numpy type hides among the findings of real tables."""
    for entry in entries:
        for each in entry.findings:
            assert each.holds in (None, True, False)
            assert isinstance(each.holds, bool | None)
            assert {type(v) for v in vars(each.measured).values()} == {float, int}


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    """Name and verdict, and no difference."""
    (tmp_path / "verdicts.json").write_bytes(record(ENTRIES))
    before = recorded(tmp_path / "verdicts.json")
    assert before == {
        "a": "holds",
        "b": "holds only when ring",
        "c": "does not hold",
        "d": "not measured",
        "e": "not measured",
    }
    assert differences(before, verdicts(ENTRIES)) == []


def test_differences_are_told_by_name() -> None:
    """Changed, gone and new ones."""
    assert differences(
        {"a": "holds", "b": "holds", "old": "holds"},
        {"a": "does not hold", "b": "holds", "new": "holds only when x"},
    ) == [
        'a: recorded "holds", found "does not hold"',
        'old: recorded "holds", found no such claim',
        'new: recorded no such claim, found "holds only when x"',
    ]


VERDICTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["holds", "does not hold"]))


@given(VERDICTS, VERDICTS)
def test_there_is_a_line_for_each_name_that_differs(
    before: dict[str, str], now: dict[str, str]
) -> None:
    """No more and no fewer, whichever side is older."""
    names = {text.partition(":")[0] for text in differences(before, now)}
    assert names == {n for n in "abcd" if before.get(n) != now.get(n)}
    assert len(differences(before, now)) == len(names) == len(differences(now, before))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; the session ended before it wrote its results"),
        (b'{"schema": 1, "verd', "not whole JSON: "),
        (b"\xff\xfe", "not UTF-8 text: "),
        (b"[]", "not recorded verdicts: expected an object at the top"),
        (b"{}", "document.schema: missing; expected an integer"),
        (b'{"schema": 2, "verdicts": {}}', "document.schema: this version reads 1, found 2; "),
        (b'{"schema": 1}', "document.verdicts: missing; expected an object"),
        (b'{"schema": 1, "verdicts": []}', "document.verdicts: expected an object, found a list"),
        (b'{"schema": 1, "verdicts": {"a": 1}}', "verdicts.a: expected text, found 1"),
    ],
)
def test_a_file_of_no_verdicts_is_a_mistake(tmp_path: Path, content: bytes, message: str) -> None:
    """In one line that names the file and what is wrong with it."""
    file = tmp_path / "verdicts.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as error:
        recorded(file)
    assert str(error.value).startswith(f"{file}: {message}")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    """So is a folder."""
    with pytest.raises(UsageError, match=r"gone: cannot be read: No such file or directory"):
        recorded(tmp_path / "gone")
    with pytest.raises(UsageError, match=r": cannot be read: Is a directory"):
        recorded(tmp_path)


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        ([True] * 9, "holds"),
        ([False] * 9, "does not hold"),
        ([None] * 9, "not measured"),
        ([True] * 3 + [False], "holds only when 0; 1; 2"),
        ([True] * 4 + [False] * 2 + [None], "holds only under 4 of 6 conditions"),
    ],
)
def test_the_page_counts_many_conditions(holds: list[bool | None], words: str) -> None:
    """A cell of nine names can't be read; the list is beside it, folded."""
    findings = tuple(finding(str(i), holds=each) for i, each in enumerate(holds))
    assert shown(Entry("a", CLAIM, findings)) == words
