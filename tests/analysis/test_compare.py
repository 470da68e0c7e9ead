"""Benchmark files compared: what pairs, what is left out and why, hostile files and names."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import __main__ as command
from analysis.compare import compare, two_sides
from analysis.compare_command import repeated
from analysis.compare_file import read_file
from analysis.compare_words import as_json, as_markdown, blocks, code
from analysis.errors import UsageError
from analysis.wording import visible

Write = Callable[..., str]

HOSTILE = "t::<script>alert(1)</script>|*_`@team #1 [x](y)\x1b[31m\x9b31m\u202e\n\x00é"


def entry(name: object = "t::a", **changed: Any) -> dict[str, Any]:
    """One benchmark of ten rounds of 2 ms."""
    plain = {"fullname": name, "params": None, "extra_info": {}, "stats": {"data": [0.002] * 10}}
    return {**plain, **changed}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A writer of benchmark files, which tells where it wrote."""

    def written(name: str, *entries: object, **more: object) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"benchmarks": list(entries), **more}), encoding="utf-8")
        return str(path)

    return written


def call(*words: str) -> int:
    """The exit code of `compare` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["analysis", "compare", *words])
        with pytest.raises(SystemExit) as error:
            command.main()
    return int(error.value.code or 0)


def test_a_benchmark_is_paired_by_its_full_name(write: Write) -> None:
    """What only one side has is listed, not dropped."""
    base = write("a.json", entry("t::a"), entry("t::old"))
    head = write("b.json", entry("t::a", stats={"data": [0.003] * 10}), entry("t::new"))
    found = compare([base], [head], 0.2)
    (row,) = found.rows
    assert (row.name, row.verdict, row.files, row.rounds) == ("t::a", "slower", (1, 1), (10, 10))
    assert row.ratio.estimate == pytest.approx(1.5)
    assert (row.ratio.low, row.ratio.high) == pytest.approx((1.25, 1.8))
    assert row.seconds == pytest.approx((0.002, 0.003))
    assert found.only == (("t::old",), ("t::new",))


def test_the_largest_ratio_comes_first(write: Write) -> None:
    """What is slower is what a reader looks for."""
    base = write("a.json", entry("t::a"), entry("t::b"))
    head = write("b.json", entry("t::a"), entry("t::b", stats={"data": [0.1] * 10}))
    assert [row.name for row in compare([base], [head], 0.2).rows] == ["t::b", "t::a"]


def test_blocks_of_steps_are_compared_by_the_step(write: Write) -> None:
    """Another machine may put more steps in a block of 50 ms."""
    base = write("a.json", entry(extra_info={"steps_per_block": 10}))
    head = write("b.json", entry(extra_info={"steps_per_block": 20}))
    (row,) = compare([base], [head], 0.2).rows
    assert row.ratio.estimate == pytest.approx(0.5)
    assert row.seconds == pytest.approx((0.0002, 0.0001))


def test_files_without_rounds_are_compared_by_their_medians(write: Write) -> None:
    """As --benchmark-autosave leaves them; several a side show their spread."""
    files = [write(f"{n}.json", entry(stats={"median": 0.001 * n})) for n in (1, 2, 3)]
    (row,) = compare(files[:1], files[1:2], 0.2).rows
    assert (row.verdict, row.rounds) == ("no interval", (0, 0))
    (row,) = compare(files[:1], files[1:], 0.2).rows
    assert row.ratio.estimate == pytest.approx(math.sqrt(6))
    assert not math.isnan(row.ratio.low)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (7, "benchmarks[1]: expected an object, found 7"),
        ({}, "benchmarks[1].fullname: missing; expected text"),
        (entry(3), "benchmarks[1].fullname: expected text, found 3"),
        (entry("t::x", stats=None), "t::x.stats: expected an object, found None"),
        (entry("t::x", stats={}), "t::x.stats.median: missing; expected a positive number"),
        (
            entry("t::x", stats={"data": [1, math.nan]}),
            "t::x.stats.data: expected a list of positive numbers, found a list of 2",
        ),
        (
            entry("t::x", stats={"data": [0.0]}),
            "t::x.stats.data: expected a list of positive numbers, found a list of 1",
        ),
        (
            entry("t::x", stats={"data": ["1"]}),
            "t::x.stats.data: expected a list of positive numbers, found a list of 1",
        ),
        (
            entry("t::x", stats={"data": [], "median": -1}),
            "t::x.stats.median: expected a positive number, found -1",
        ),
        (
            entry("t::x", stats={"median": math.inf}),
            "t::x.stats.median: expected a positive number, found inf",
        ),
        (
            entry("t::x", extra_info={"steps_per_block": 0}),
            "t::x.extra_info.steps_per_block: expected a positive integer, found 0",
        ),
        (entry("t::x", extra_info={"status": "diverged"}), "t::x: not timed: 'diverged'"),
        (
            entry("t::x", extra_info={"reused": True}),
            "t::x: not timed: an earlier session's result was used again",
        ),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_told(write: Write, broken: object, why: str) -> None:
    """The others are compared."""
    base, head = write("a.json", entry(), broken), write("b.json", entry())
    found = compare([base], [head], 0.2)
    assert found.problems == (f"{base}: {why}",)
    assert len(found.rows) == 1


def test_a_name_that_appears_twice_is_told_once(write: Write) -> None:
    """Nobody knows which of them is meant."""
    base = write("a.json", entry(), entry("t::x"), entry("t::x"))
    found = compare([base], [write("b.json", entry(), entry("t::x"))], 0.2)
    assert found.problems == (f"{base}: t::x: 2 benchmarks of one name",)
    assert [row.name for row in found.rows] == ["t::a"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"params": {"n": 2}}, "params"),
        ({"extra_info": {"run": {"batch_size": 32}}}, "run.batch_size"),
        ({"extra_info": {"kind": "overhead", "run": {"batch_size": 64}}}, "kind"),
    ],
)
def test_another_cell_under_the_same_name_is_told(
    write: Write, changed: dict[str, Any], field: str
) -> None:
    """A ratio of two different things is none."""
    same = entry("t::x", extra_info={"run": {"batch_size": 64}})
    base = write("a.json", entry(), same)
    head = write("b.json", entry(), {**same, **changed})
    found = compare([base], [head], 0.2)
    assert found.problems == (f"t::x: another cell in {base} than in {head}: {field}",)


def test_fields_that_a_later_version_added_are_no_difference(write: Write) -> None:
    """Else no two versions could be compared; and other extra_info is the benchmark's own."""
    old = entry(extra_info={"run": {"seed": 0}, "note": 1})
    new = entry(extra_info={"run": {"seed": 0, "mode": "eager"}, "note": 2})
    assert compare([write("a.json", old)], [write("b.json", new)], 0.2).problems == ()


def test_facts_that_differ_are_listed(write: Write) -> None:
    """Machine and code; what is the same is not told."""
    cpu = {"brand_raw": "A", "count": 2}
    base = write("a.json", entry(), machine_info={"cpu": cpu, "python_version": "3.11"})
    machine = {"cpu": cpu, "python_version": "3.12", "saddle": {"torch": "2.13"}}
    head = write("b.json", entry(), machine_info=machine, commit_info={"id": [1]})
    assert compare([base], [head], 0.2).facts == (
        ("Python", "3.11", "3.12"),
        ("torch", "–", "2.13"),
        ("commit", "–", "a list of 1"),
    )


def test_one_file_a_side_says_what_it_assumes(write: Write) -> None:
    """And the last warning names what can tell."""
    first, last = compare([write("a.json", entry())], [write("b.json", entry())], 0.1).warnings
    assert "differ by up to 0.1 of" in first
    assert last.endswith("python -m analysis gate times both sides at once")


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (["2026-01-01T00:00:00", "2026-01-02T00:00:00+00:00"], True),
        (["2026-01-01T00:00:00", "2025-01-02T00:00:00"], True),
        (["2026-01-01T00:00:00", "2026-01-01T00:00:00"], False),
        (["2026-01-01T00:00:00", "soon"], False),
        ([3, None], False),
    ],
)
def test_sides_that_follow_each_other_are_told(
    write: Write, times: list[object], *, told: bool
) -> None:
    """As far as the files say when they were written."""
    paths = [write(f"{n}.json", entry(), datetime=time) for n, time in enumerate(times)]
    warnings = compare(paths[:1], paths[1:], 0.2).warnings
    assert any("older than the other's" in line for line in warnings) == told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty; the session ended before it wrote its results"),
        ("{", "not whole JSON: Expecting property name enclosed in double quotes at line 1"),
        ("[]", "not a benchmark file: expected an object at the top"),
        ("{}", "not pytest-benchmark's.benchmarks: missing; expected a list"),
        ('{"benchmarks": {}}', "not pytest-benchmark's.benchmarks: expected a list, found"),
        ('{"benchmarks": []}', "no benchmark to compare: it has none"),
        (
            '{"context": {}, "benchmarks": [{"name": "BM_x", "real_time": 1.0}]}',
            "no benchmark to compare: benchmarks[0].fullname: missing; expected text",
        ),
        ("[" * 100_000, "not JSON that can be read: "),
        ('{"benchmarks": [{"fullname": "\\ud800"}]}', "not JSON that can be read: "),
    ],
)
def test_a_file_of_another_kind_is_one_line_and_exit_2(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    """Never a traceback."""
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    assert call(str(path), write("b.json", entry())) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"error: {path}: {why}")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize("depth", [200, 600, 900, 990])
def test_params_nested_deeply_are_no_traceback(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], depth: int
) -> None:
    """Read as any other, or refused in a line."""
    nested = "[" * depth + "]" * depth
    path = tmp_path / "a.json"
    stats = '"stats": {"data": [1]}'
    text = f'{{"benchmarks": [{{"fullname": "t::a", "params": {nested}, {stats}}}]}}'
    path.write_text(text, encoding="utf-8")
    assert call(str(path), write("b.json", entry())) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_million_rounds_are_read(write: Write) -> None:
    """And none of them is kept as an object."""
    base = write("a.json", entry(stats={"data": [0.001, 0.002] * 500_000}))
    assert read_file(Path(base)).timings["t::a"].log_rounds.size == 1_000_000


def test_times_at_the_ends_of_float64_have_a_ratio(write: Write) -> None:
    """Infinite where it is beyond them, and the JSON says so in a word."""
    base = write("a.json", entry(stats={"data": [5e-324] * 10}))
    head = write("b.json", entry(stats={"data": [1.7e308] * 10}))
    found = compare([base], [head], 0.2)
    assert found.rows[0].ratio.estimate == math.inf
    assert json.loads(as_json(found))["benchmarks"][0]["ratio"]["estimate"] == "infinity"
    assert "| ∞ |" in as_markdown(found).decode()


def test_hostile_names_are_spelt_out_everywhere(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No escape reaches the terminal, no markup the page; JSON gives the name back."""
    base = write("a.json", entry(HOSTILE), entry(), entry(HOSTILE + "1"))
    head = write("b.json", entry(HOSTILE), entry(), commit_info={"id": HOSTILE})
    files = [tmp_path / "out.json", tmp_path / "out.md"]
    assert call(base, head, "--json", str(files[0]), "--markdown", str(files[1])) == 0
    shown = capsys.readouterr().out
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    text, markdown = (file.read_text(encoding="utf-8") for file in files)
    assert text.isascii()
    assert HOSTILE in {row["name"] for row in json.loads(text)["benchmarks"]}
    assert not {"<script", "@team", "](", "`"} & {
        word for word in ("<script", "@team", "](", "`") if word in markdown
    }
    row = next(line for line in markdown.splitlines() if "alert" in line)
    assert row.count("|") == 9


@given(st.text())
def test_no_text_survives_as_markup_or_control(text: str) -> None:
    """Whatever it is, HTML's parser reads back what a terminal shows."""
    import html

    assert visible(text).isprintable()
    inner = code(text).removeprefix("<code>").removesuffix("</code>")
    assert not set("<>|`*_[]@#\n\\") & set(inner.replace("&#", ""))
    assert html.unescape(inner) == visible(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["fullname", "stats", "data", "median", "params", "extra_info", "run"]
                ),
                inner,
            )
        ),
    )
)
def test_any_entry_is_a_row_or_a_line(write: Write, value: object) -> None:
    """Nothing that JSON can hold is a traceback."""
    base = write("a.json", entry(), value, machine_info=value, commit_info=value, version=value)
    found = compare([base], [write("b.json", entry(), value)], 0.2)
    assert found.rows
    assert list(blocks(found, ()))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a"], "expected A.json and B.json, or --base A1 A2 --head B1 B2"),
        (["--base", "a"], "expected A.json and B.json, or --base A1 A2 --head B1 B2"),
        (["--base", "--head", "b"], "--base: expected at least one file after it"),
        (
            ["a", "--base", "b", "--head", "c"],
            "a: on which side? Name files by --base and --head alone",
        ),
        (["gone*.json", "b"], "gone*.json: no file fits this pattern"),
        (["a", "b", "--between-runs", "nan"], "--between-runs nan: expected a share from 0 on"),
        (["a", "b", "--between-runs", "-1"], "--between-runs -1.0: expected a share from 0 on"),
        (["gone.json", "b"], "gone.json: cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    """It says what to do."""
    assert call(*words) == 2
    assert capsys.readouterr().err.startswith(f"error: {line}")


def test_a_file_on_both_sides_is_refused(write: Write, tmp_path: Path) -> None:
    """It would be compared with itself, and the ratio be exactly 1."""
    base = write("a.json", entry())
    (tmp_path / "link.json").symlink_to(base)
    link = str(tmp_path / "link.json")
    with pytest.raises(UsageError, match=r"the same file as .*; name it once"):
        compare([base], [link], 0.2)


def test_nothing_in_common_is_a_mistake(write: Write) -> None:
    """CI must not take two unrelated files for no change."""
    base, head = write("a.json", entry("t::a")), write("b.json", entry("t::b"))
    with pytest.raises(UsageError, match=r"nothing to compare in .*: they have no name in common"):
        compare([base], [head], 0.2)


def test_a_pattern_is_all_files_that_fit(write: Write, tmp_path: Path) -> None:
    """A file whose own name holds brackets is that file."""
    for name in ("b1.json", "b2.json", "b[1].json"):
        write(name, entry())
    base = write("a.json", entry())
    assert len(compare([base], [str(tmp_path / "b?.json")], 0.2).files[1]) == 2
    assert compare([base], [str(tmp_path / "b[1].json")], 0.2).files[1] == (
        str(tmp_path / "b[1].json"),
    )


def test_more_files_than_can_be_counted_are_refused(write: Write) -> None:
    """In a line that says how many may be."""
    path = write("a.json", entry())
    with pytest.raises(UsageError, match="head: expected 1 to 100 files, found 101"):
        compare([path], [path] * 101, 0.2)


def test_the_command_prints_one_table_and_exits_with_0(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change is no mistake; what stands beside the table is told, too."""
    slow = entry(stats={"data": [0.004] * 10})
    base = write("a.json", entry(), entry("t::old"), {})
    heads = [write(f"b{n}.json", slow, entry("t::new"), version=n) for n in range(2)]
    assert call("--base", base, "--head", *heads) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "compared: 1 benchmark: 1 slower; were none changed, chance would call up to 0.05\n"
        "  head / base  95 % interval  base, ms  head, ms  rounds     files    verdict  benchmark\n"
        "  2            2 to 2         2         4         10 and 20  1 and 2  slower   t::a\n"
    )
    assert "\nonly in base: 1 benchmark\n  t::old\n" in out
    assert "\nonly in head: 1 benchmark\n  t::new\n" in out
    assert f"\nleft out: 1 benchmark\n  {base}: benchmarks[0]" not in out
    assert f"\nleft out: 1 benchmark\n  {base}: benchmarks[2].fullname: missing" in out
    assert "  pytest-benchmark  –     0, 1\n" in out
    assert out.splitlines()[-1].startswith("warning: runs made one after the other")


def test_words_after_base_and_head_are_their_files() -> None:
    """Up to the next option, as a shell's pattern leaves them."""
    words = ["--base", "a", "b", "--between-runs", "0.1", "--head=c", "--head", "d"]
    expected = ["--base", "a", "--base", "b", "--between-runs", "0.1", "--head=c", "--head", "d"]
    assert repeated(words) == expected
    assert two_sides([], ["a", "b"], ["c"]) == (["a", "b"], ["c"])
    assert two_sides(["a", "b"], [], []) == (["a"], ["b"])
