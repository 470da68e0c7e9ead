"""python -m analysis: one line for a mistake, and never torch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis import __main__ as command
from analysis.errors import UsageError
from analysis.figures import FIGURES

ROOT = Path(__file__).parents[2]

WITHOUT_TORCH = """
import runpy, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "gan", "bench", "pytest"}:
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Blocker())
sys.argv = ["analysis", *sys.argv[1:]]
runpy.run_module("analysis", run_name="__main__")
"""


def run(
    *words: str | Path, code: str | None = None, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, on a terminal of some encoding."""
    start = ["-m", "analysis"] if code is None else ["-c", code]
    line = [sys.executable, "-W", "error", *start, *map(str, words)]
    return subprocess.run(
        line,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
        check=False,
        timeout=300,
    )


def test_a_report_needs_neither_torch_nor_the_suite_that_measures(synthetic: Any) -> None:
    """Results are read on machines that cannot make them."""
    folder = synthetic.session(seeds=1, records=2, batch_sizes=(16,), experiments=True)
    done = run("report", folder, code=WITHOUT_TORCH)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{folder / 'report.html'}: {len(FIGURES)} figures\n"


def test_what_is_missing_is_told_beside_the_result(synthetic: Any) -> None:
    """On stderr, a line each; the exit code is that of success."""
    folder = synthetic.session(
        data=("digits",), seeds=1, records=2, batch_sizes=(), experiments=True
    )
    (folder / "runs" / "half.parquet").write_bytes(b"PAR1")
    done = run("report", folder, "--output", folder / "out")
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert lines[0].startswith("runs/half.parquet is left out: damaged or cut off:")
    assert [line.partition(": it needs ")[0] for line in lines[1:]] == [
        "densities_1d: not drawn",
        "ring_scatter: not drawn",
        "throughput: not drawn",
        "choices: not drawn",
        "roofline: not drawn",
        "peers: not drawn",
    ]
    assert done.stdout == f"{folder / 'out' / 'report.html'}: {len(FIGURES) - 6} figures\n"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gone", "gone: no such file or folder"),
        ("empty.json", "empty.json: empty; the session ended before it wrote its results"),
        ("half.json", "half.json: not whole JSON: Expecting value at line 1, column 2"),
        ("list.json", "list.json: not a benchmark file: expected an object at the top"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    """On stderr, without a traceback."""
    for file, text in (("empty.json", ""), ("half.json", "["), ("list.json", "[]")):
        (tmp_path / file).write_text(text, encoding="utf-8")
    sys_argv = ["analysis", "report", str(tmp_path / name)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", sys_argv)
        with pytest.raises(SystemExit) as error:
            command.main()
    assert error.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"error: {tmp_path}/{line}\n"


def test_a_mistake_in_a_process_of_its_own_exits_with_2(tmp_path: Path) -> None:
    """The shell sees what CI needs to see."""
    done = run("report", tmp_path)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"error: {tmp_path}: no benchmark.json and no runs/*.parquet in this folder, and no "
        "gate.json\n"
    )


def test_a_bug_exits_with_2_after_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own 1 is a verdict: a regression of `gate`, a change of `history`."""

    def breaks(**_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(command, "app", breaks)
    with pytest.raises(SystemExit) as error:
        command.main()
    assert error.value.code == 2
    assert capsys.readouterr().err.splitlines()[0] == "Traceback (most recent call last):"


def test_a_mistake_says_nothing_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of files and benchmarks are anybody's."""

    def mistaken(**_options: object) -> None:
        raise UsageError("x\x1b]0;title\x07\x1b[31m\u202e: no\nsuch")

    monkeypatch.setattr(command, "app", mistaken)
    with pytest.raises(SystemExit):
        command.main()
    assert capsys.readouterr().err == ("error: x\\x1b]0;title\\x07\\x1b[31m\\u202e: no such\n")


@pytest.mark.parametrize(("encoding", "minus"), [("ascii", "\\u2212"), ("utf-8", "−")])
def test_claims_are_printed_in_any_encoding(synthetic: Any, encoding: str, minus: str) -> None:
    """What it does not have is escaped."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    done = run("claims", folder, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert minus in done.stdout


def test_a_reader_that_goes_away_changes_no_status(synthetic: Any) -> None:
    """As `| head` does."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    line = [sys.executable, "-m", "analysis", "claims", str(folder)]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as closed:
        done = subprocess.run(
            line, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_report_stays_a_command_of_its_own() -> None:
    """`python -m analysis PATH` is not another way to say it: more commands are to come."""
    done = run("--help")
    assert done.returncode == 0
    assert "report" in done.stdout
    assert run("results").returncode == 2


def test_help_imports_none_of_what_takes_long() -> None:
    """The heavy libraries wait for the command that needs them."""
    code = (
        "import sys, analysis.__main__; "
        "print({'pandas', 'matplotlib', 'scipy', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    assert run(code=code).stdout == "set()\n"


def test_no_module_of_analysis_names_what_it_must_not_import() -> None:
    """Not torch, not gan, not bench, in any import statement."""
    lines = [
        line.split()
        for file in (ROOT / "analysis").rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith(("import ", "from "))
    ]
    assert lines
    assert not {words[1].partition(".")[0] for words in lines} & {"torch", "gan", "bench"}


def test_claims_need_neither_torch_nor_the_suite_that_measures(synthetic: Any) -> None:
    """Results are judged on machines that cannot make them."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    done = run("claims", folder, code=WITHOUT_TORCH)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nstalls: not measured\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Of ")


def claims_in_process(*words: str | Path) -> int | str | None:
    """The exit code of the command `claims` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["analysis", "claims", *map(str, words)])
        with pytest.raises(SystemExit) as error:
            command.main()
    return error.value.code


def test_a_difference_is_exit_code_1_and_none_is_0(
    synthetic: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same results have the same verdicts; each other one is a line on stderr."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    file = folder / "verdicts.json"
    assert claims_in_process(folder, "--record", file) == 0
    capsys.readouterr()
    assert claims_in_process(folder, "--check", file) == 0
    assert capsys.readouterr().err == ""
    document = json.loads(file.read_text(encoding="utf-8"))
    document["verdicts"]["stalls"] = "holds"
    del document["verdicts"]["heavy_tails"]
    document["verdicts"]["old"] = "holds"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert claims_in_process(folder, "--check", file) == 1
    assert capsys.readouterr().err.splitlines() == [
        'stalls: recorded "holds", found "not measured"',
        'old: recorded "holds", found no such claim',
        'heavy_tails: recorded no such claim, found "not measured"',
    ]


def test_recording_and_comparing_in_one_go_compares_with_what_was_recorded(
    synthetic: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old verdicts are read before the new ones are written."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    file = folder / "verdicts.json"
    file.write_text('{"schema": 1, "verdicts": {}}', encoding="utf-8")
    assert claims_in_process(folder, "--check", file, "--record", file) == 1
    assert "stalls: recorded no such claim" in capsys.readouterr().err
    assert claims_in_process(folder, "--check", file) == 0


def test_a_mistake_in_the_recorded_verdicts_is_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even before the results are looked for; exit code 2."""
    file = tmp_path / "verdicts.json"
    file.write_text("[]", encoding="utf-8")
    assert claims_in_process(tmp_path / "gone", "--check", file) == 2
    message = f"error: {file}: not recorded verdicts: expected an object at the top\n"
    assert capsys.readouterr().err == message


def test_claims_are_those_of_the_local_results_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """results/local, where sessions write."""
    monkeypatch.chdir(tmp_path)
    assert claims_in_process() == 2
    assert capsys.readouterr().err == "error: results/local: no such file or folder\n"


def test_a_damaged_run_is_told_beside_the_claims(
    synthetic: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr; it is no difference."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=())
    (folder / "runs" / "half.parquet").write_bytes(b"PAR1")
    assert claims_in_process(folder) == 0
    assert capsys.readouterr().err.startswith("runs/half.parquet is left out: damaged or cut off:")


def test_a_seed_below_0_is_a_mistake() -> None:
    """Told by the command line, not by NumPy."""
    done = run("gate", "--base", "HEAD", "--seed", "-1")
    assert done.returncode == 2
    assert "'--seed'" in done.stderr
    assert "Traceback" not in done.stderr
