"""What a gate run comes to: verdicts, exit status, and the same in every form."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.gate.exact import Change, Exact
from analysis.gate.found import Found
from analysis.gate.outcome import history_rows, record, rows, status
from analysis.gate.pairs import CANARY, Timed
from analysis.gate.quality import Quality, judged
from analysis.gate.verdicts import Speed
from analysis.gate.wording import markdown, printed, remarks, summary
from analysis.history import append, read


def told(verdict: str, change: float = 0.001, **more: Any) -> Speed:
    """A verdict on speed."""
    return Speed(verdict, change, change - 0.01, change + 0.01, 9, 0.03, **more)


def found(verdict: str = "no change", **more: Any) -> Found:
    """A run of one cell."""
    speed = {
        "ring": told(verdict, 0.05 if verdict == "slower" else 0.001),
        CANARY: told("no change"),
    }
    timings = [
        Timed({"ring": 0.05, CANARY: 0.0}, {"ring": (0.002, 0.0021), CANARY: (0.01, 0.01)})
        for _ in range(3)
    ]
    exact = Exact(counters={"ring": {"operators_per_step": 7}}, numerics={"ring": None})
    made = Found(exact, speed, pairs=timings, screen_pairs=2, seconds=60.0)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def outcome(one: Found, *, inconclusive_ok: bool = False, counters_ok: bool = False) -> int:
    """The exit status."""
    return status(
        one, rows(one, ["ring"]), inconclusive_ok=inconclusive_ok, counters_ok=counters_ok
    )


WORSE = Quality("ring", "worse", "w1", 0.5, 0.3, 0.7, 12, 0)
UNSURE = Quality("ring", "inconclusive", "w1", 0.1, -0.3, 0.7, 12, 0)
MORE = Change("ring", "operators_per_step", 7, 8)
FEWER = Change("ring", "operators_per_step", 8, 7)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (found(), 0),
        (found("faster"), 0),
        (found("slower"), 1),
        (found("inconclusive"), 3),
        (found("faster", quality=[WORSE]), 1),  # faster, and worse
        (found(quality=[UNSURE]), 3),
        (found(exact=Exact(changes=[MORE])), 1),
        (found(exact=Exact(changes=[FEWER])), 0),
        (found(exact=Exact(refused={"ring": ("base", "no such cell")})), 2),
        (found(exact=Exact(refused={"ring": ("head", "it is broken")})), 1),
        (found(speed={}), 3),
    ],
)
def test_the_exit_status_follows_from_what_was_found(one: Found, expected: int) -> None:
    """0 clean, 1 regression, 2 nothing comparable, 3 inconclusive."""
    assert outcome(one) == expected


def test_options_forgive() -> None:
    """What is not settled, and counters that rose; never a cell that got slower."""
    assert outcome(found("inconclusive"), inconclusive_ok=True) == 0
    assert outcome(found(exact=Exact(changes=[MORE])), counters_ok=True) == 0
    assert outcome(found("slower"), inconclusive_ok=True, counters_ok=True) == 1


@pytest.mark.parametrize("verdict", ["slower", "faster", "no change"])
def test_a_machine_that_changed_settles_nothing(verdict: str) -> None:
    """Nor is it forgiven: head may have changed it, by a setting of its whole process."""
    one = found(verdict)
    one.speed[CANARY] = told("slower", 0.05)
    assert [row.verdict for row in rows(one, ["ring"])] == ["machine changed"]
    assert outcome(one) == outcome(one, inconclusive_ok=True) == 3
    assert summary(one, rows(one, ["ring"]), 3) == "inconclusive: 1 cell machine changed"
    assert "took +5.0 % [+4.0, +6.0] in head's processes" in "\n".join(remarks(one))


def test_counters_are_gated_where_the_machine_changed() -> None:
    """They are of no machine."""
    one = found(exact=Exact(changes=[MORE]))
    one.speed[CANARY] = told("slower", 0.05)
    assert outcome(one) == 1


def test_a_row_says_what_it_goes_by() -> None:
    """In words and numbers."""
    [row] = rows(found("slower"), ["ring"])
    assert row.text == "slower by 5.0 %"
    assert (row.base_seconds, row.head_seconds, row.pairs) == (0.002, 0.0021, 9)
    [row] = rows(found(), ["ring"])
    assert row.text == "no change larger than 1.1 %"
    [row] = rows(found(exact=Exact(refused={"ring": ("base", "no cell")})), ["ring"])
    assert row.text == "incomparable: base says no cell"
    one = found("inconclusive")
    one.speed["ring"] = told("inconclusive", needed=40.0)
    assert rows(one, ["ring"])[0].text == "inconclusive: about 40 pairs would settle it"
    one.speed["ring"] = told("inconclusive", needed=40.0, most=33)
    assert rows(one, ["ring"])[0].text.endswith("would settle it, more than the 33 of a run")


def test_a_record_is_json_whatever_is_missing() -> None:
    """NaN is null and infinity a word; every pair is in it."""
    one = found()
    one.speed["ring"] = Speed("inconclusive", 0.1, math.nan, math.nan, 3, math.inf)
    text = record(one, rows(one, ["ring"]), {"base": "a"}, 3)
    content = json.loads(text, parse_constant=pytest.fail)
    [cell] = content["cells"]
    assert cell["log_ratios"] == [0.05] * 3
    assert cell["detectable"] == "infinity"
    assert cell["low"] is None
    assert (content["schema"], content["exit_status"], content["base"]) == (1, 3, "a")
    assert cell["seconds"] == [[0.002, 0.0021]] * 3
    assert content["canary"]["log_ratios"] == [0.0] * 3
    assert content["canary"]["seconds"] == [[0.01, 0.01]] * 3
    assert content["canary"]["verdict"] == "no change"


def test_the_terminal_has_a_table_and_remarks() -> None:
    """Verdict, counters, numerics, quality."""
    one = found("slower", quality=[UNSURE])
    one.exact.changes.append(MORE)
    one.exact.numerics["ring"] = 3
    console = Console(width=160, record=True, file=io.StringIO())
    printed(one, rows(one, ["ring"]), 1, console)
    text = console.export_text()
    assert "ring  2 ms  2.1 ms  +5.0 % [+4.0, +6.0]  9      3.0 %       slower by 5.0 %" in text
    assert "ring: operators_per_step 7 → 8" in text
    assert "ring: other numbers from step 3 on" in text
    assert "ring: w1 inconclusive, +10.0 % [−30.0, +70.0] over 12 seeds (98.3 % interval)" in text
    assert "regression: 1 cell slower, 1 exact counter higher (1.0 minutes)" in text


@pytest.mark.parametrize(
    ("one", "exit_status", "expected"),
    [
        (found("faster", quality=[WORSE, UNSURE]), 1, "regression: 1 trained cell worse"),
        (found(quality=[UNSURE]), 3, "inconclusive: 1 trained cell inconclusive"),
        (found("inconclusive"), 3, "inconclusive: 1 cell inconclusive"),
        (found(exact=Exact(changes=[MORE, FEWER])), 1, "regression: 1 exact counter higher"),
        (found(exact=Exact(refused={"ring": ("head", "no")})), 1, "regression: 1 cell broken"),
        (found(exact=Exact(refused={"ring": ("base", "no")})), 2, "nothing could be compared"),
    ],
)
def test_a_run_says_why(one: Found, exit_status: int, expected: str) -> None:
    """In the line that a reader of a pull request sees first."""
    assert outcome(one) == exit_status
    assert summary(one, rows(one, ["ring"]), exit_status) == expected
    assert f"**{expected}**" in markdown(one, rows(one, ["ring"]), exit_status, "a against b")


def test_counters_of_nothing_are_not_said_to_be_the_same() -> None:
    """Where base can't run any cell nothing was counted."""
    assert "exact counters: none changed in 1 cell" in remarks(found())
    one = found(exact=Exact(refused={"ring": ("base", "no")}), speed={})
    assert remarks(one) == []


def test_nothing_is_cut_on_a_narrow_terminal() -> None:
    """A reason without spaces is folded, a cell's name stays whole."""
    why = f"ImportError: {'x' * 60} end"
    one = found(exact=Exact(refused={"ring-r1-compile": ("head", why)}))
    console = Console(width=70, record=True, file=io.StringIO())
    printed(one, rows(one, ["ring-r1-compile", "ring"]), 1, console)
    text = console.export_text()
    assert "ring-r1-compile" in text
    assert "…" not in text
    assert text.count("x") >= 60


@pytest.mark.parametrize(
    ("detectable", "expected"),
    [
        ([0.03], "95 times in 100 it would have called slow-downs of 3.0 %"),
        (
            [0.03, 0.02],
            "95 times in 100 it would have called slow-downs of 2.0 % to 3.0 %, by cell",
        ),
        (
            [0.03, math.inf],
            "95 times in 100 it would have called slow-downs of 3.0 %; 1 cell had too few pairs",
        ),
        ([math.inf], "too few pairs to call anything slower"),
    ],
)
def test_what_power_the_budget_bought_is_told(detectable: list[float], expected: str) -> None:
    """Of the cells, not of the canary; nothing of a run that timed none."""
    speed = {CANARY: told("no change")}
    for place, smallest in enumerate(detectable):
        speed[f"cell {place}"] = replace(told("no change"), detectable=smallest)
    assert remarks(found(speed=speed))[-1] == f"power: {expected}"
    assert not any("power" in line for line in remarks(found(speed={})))


def test_what_others_wrote_is_shown_and_not_obeyed() -> None:
    """Names of cells and reasons come from a revision that nobody trusts."""
    name = "<b>|x\x1b[31m"
    one = found(exact=Exact(refused={name: ("base", "`rm` <script>\n# head")}))
    text = markdown(one, rows(one, [name]), 2, "a against b")
    assert "<b>" not in text
    assert "<script>" not in text
    assert "\n# head" not in text
    assert "\x1b" not in text
    assert "### a against b" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {8}
    console = Console(width=160, record=True, file=io.StringIO())
    printed(one, rows(one, [name]), 2, console)
    assert "\x1b" not in console.export_text()


@pytest.mark.parametrize(
    ("base", "head", "verdict"),
    [
        ([1.0] * 12, [1.0 + 0.01 * i for i in range(12)], "kept"),
        ([1.0] * 12, [2.0 + 0.01 * i for i in range(12)], "worse"),
        ([1.0] * 12, [0.5 + 0.01 * i for i in range(12)], "kept"),
        ([1.0] * 12, [0.4, 3.0] * 6, "inconclusive"),
        ([1.0] * 4, [1.0] * 4, "inconclusive"),  # no interval of four
        ([1.0] * 12, [1.0] * 11 + [math.nan], "inconclusive"),
        (
            [1.0] * 12,
            [1.0] * 7 + [math.nan] * 5,
            "inconclusive",
        ),  # 1 of 32: too often for two looks
        ([1.0] * 12, [1.0] * 6 + [math.nan] * 6, "worse"),
        ([math.nan] + [1.0] * 11, [1.0] * 6 + [math.nan] * 6, "inconclusive"),  # 8 of 128
        ([math.nan] + [1.0] * 13, [1.0] * 5 + [math.nan] * 9, "worse"),  # 11 of 1024
        ([math.nan] * 8 + [1.0] * 5, [1.0] * 12 + [math.nan], "inconclusive"),
        ([math.nan] * 12, [1.0] * 12, "inconclusive"),
    ],
)
def test_quality_is_judged_seed_by_seed(base: list[float], head: list[float], verdict: str) -> None:
    """Lower is better; a seed that head alone loses is no quality kept."""
    assert judged("ring", "w1", base, head).verdict == verdict


def test_a_history_is_in_units_of_the_kernel(tmp_path: Path) -> None:
    """The median of the pairs; seconds stand beside it and hang on the machine."""
    one = found()
    for factor, pair in zip((1.0, 2.0, 4.0), one.pairs, strict=True):
        pair.seconds = {"ring": (9.0, 0.002 * factor), CANARY: (9.0, 0.01 * factor)}
        pair.in_canaries = {"ring": 0.2 + 0.001 * factor}
    facts = {"time": "2026-01-02T03:04:05+00:00", "head": "abc", "machine": "one, 2 cores"}
    file = tmp_path / "history.jsonl"
    append(file, history_rows(one, facts))
    [row] = read(file).rows.to_dict("records")
    assert row["ratio"] == pytest.approx(0.202)
    assert (row["cell"], row["commit"], row["pairs"]) == ("ring", "abc", 3)
    assert row["seconds_per_step"] == pytest.approx(0.004)
