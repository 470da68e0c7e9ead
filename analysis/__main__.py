"""python -m analysis: what to make of results. Imports wait for the command that needs them."""

import io
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from analysis.compare_command import SeveralFiles
from analysis.errors import UsageError
from analysis.wording import visible

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Paths and addresses are texts here, since a pathlib.Path makes one slash of two: place() tells
# them apart.
Results = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="benchmark.json files or results folders, or URLs."),
]
Output = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help="Where to write; beside the results if not given."),
]

SomeResults = Annotated[
    list[str],
    typer.Argument(metavar="[PATH...]", help="benchmark.json files or results folders, or URLs."),
]
Recorded = Annotated[
    Path | None,
    typer.Option("--check", metavar="FILE", help="Recorded verdicts to compare with."),
]
Recording = Annotated[
    Path | None,
    typer.Option("--record", metavar="FILE", help="Where to record the verdicts."),
]
Rows = Annotated[
    Path | None,
    typer.Option("--record", metavar="FILE", help="Where to write the rows, as JSON."),
]
LOCAL = ["results/local"]


@app.callback()
def analysis() -> None:
    """Read what benchmark sessions left and draw it."""


@app.command()
def report(paths: Results, output: Output = None) -> None:
    """Draw every figure and write report.html, one self-contained page, beside figures/."""
    from analysis.place import place
    from analysis.report import report as write_report

    done = write_report([place(path) for path in paths], None if output is None else place(output))
    for line in (*done.problems, *done.not_drawn):
        typer.echo(line, err=True)
    typer.echo(f"{done.page}: {len(done.drawn)} figures")


@app.command()
def claims(paths: SomeResults = LOCAL, check: Recorded = None, record: Recording = None) -> None:
    """Print what the theory says, what was measured, and the verdicts that follow.

    With --check the exit status is 1 if any verdict is not the recorded one.
    """
    from analysis.claims import ledger
    from analysis.claims.wording import printed
    from analysis.console import Output
    from analysis.place import place
    from analysis.records import load
    from analysis.report import replace

    before = None if check is None else ledger.recorded(check)
    records = load([place(path) for path in paths])
    entries = ledger.ledger(records)
    printed(entries, Output(highlight=False))
    if record is not None:
        replace(record, ledger.record(entries))
    changed = [] if before is None else ledger.differences(before, ledger.verdicts(entries))
    for line in (*records.problems, *changed):
        typer.echo(line, err=True)
    if changed:
        raise typer.Exit(1)


@app.command()
def reproduction(paths: SomeResults = LOCAL, record: Rows = None) -> None:
    """Print published rows beside our runs: reproduced, not reproduced, undecided or not run."""
    from analysis.console import Output
    from analysis.place import place
    from analysis.records import load
    from analysis.report import replace
    from analysis.reproduction import ledger
    from analysis.reproduction.wording import printed

    records = load([place(path) for path in paths])
    entries = ledger.ledger(records)
    printed(entries, Output(highlight=False))
    if record is not None:
        replace(record, ledger.as_json(entries))
    for line in records.problems:
        typer.echo(line, err=True)


@app.command()
def gate(
    *,
    base: Annotated[str, typer.Option(metavar="REV", help="The revision to compare with.")],
    head: Annotated[
        str | None, typer.Option(metavar="REV", help="The last commit if not given.")
    ] = None,
    cells: Annotated[str, typer.Option(metavar="NAME,...", help="All if not given.")] = "",
    minutes: Annotated[
        float, typer.Option(metavar="N", help="The budget, starts and training included.")
    ] = 10.0,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write everything.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write a pull request's table.")
    ] = None,
    inconclusive_ok: Annotated[
        bool, typer.Option("--inconclusive-ok", help="Exit with 0 where only doubt is left.")
    ] = False,
    counters_ok: Annotated[
        bool, typer.Option("--counters-ok", help="Exit with 0 where only counters rose.")
    ] = False,
    history: Annotated[
        Path | None, typer.Option(metavar="FILE", help="To append this run to; see `history`.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the orders of blocks.")] = 0,
) -> None:
    """Compare the speed, the exact cost and the quality of two git revisions.

    Exit status: 0 clean, 1 regression, 2 a mistake or nothing comparable, 3 inconclusive.
    """
    from analysis.console import Output
    from analysis.gate.command import Request
    from analysis.gate.command import gate as compare_revisions

    names = tuple(name.strip() for name in cells.split(",") if name.strip())
    if cells and not names:
        raise UsageError(f"--cells {cells!r} names none")
    request = Request(
        base, head, names, minutes, seed, inconclusive_ok, counters_ok, json, markdown, history
    )
    errors = Output(stderr=True, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(compare_revisions(request, Output(highlight=False), errors))


@app.command()
def gate_validation(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines are added to it.")],
    slowdown: Annotated[float, typer.Option(metavar="SHARE", help="Of head: 0, 0.05, 0.1.")] = 0.0,
    runs: Annotated[
        int, typer.Option(metavar="N", help="As many of this slow-down in the end.")
    ] = 0,
    minutes: Annotated[float, typer.Option(metavar="N", help="The budget of a run.")] = 10.0,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw power against minutes there.")
    ] = None,
) -> None:
    """Run the gate on this commit against itself, slowed or not, and print how often it errs."""
    from analysis.console import Output
    from analysis.gate.lines import lines
    from analysis.gate.process import unkilled
    from analysis.gate.rates import sentences
    from analysis.gate.validation import drawn, validate

    progress = Output(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with unkilled():
        validate(file, slowdown, runs, minutes, progress.print)
    for line in sentences(lines(file)):
        typer.echo(line)
    if output is not None:
        drawn(lines(file), output)


@app.command(cls=SeveralFiles)
def compare(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[A.json B.json]")] = None,
    base: Annotated[
        list[str] | None, typer.Option(metavar="FILE...", help="Several files, or a pattern.")
    ] = None,
    head: Annotated[
        list[str] | None, typer.Option(metavar="FILE...", help="Several files, or a pattern.")
    ] = None,
    between_runs: Annotated[
        float, typer.Option(metavar="SHARE", help="What two runs of one program differ by.")
    ] = 0.2,
    json: Annotated[str | None, typer.Option(metavar="FILE", help="Where to write it all.")] = None,
    markdown: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where to write a pull request's table.")
    ] = None,
) -> None:
    """Compare files of pytest-benchmark's: how much longer B takes than A, between bounds."""
    from analysis.compare import compare as compare_files
    from analysis.compare import two_sides
    from analysis.compare_words import printed, written
    from analysis.console import Output

    found = compare_files(*two_sides(paths or [], base or [], head or []), between_runs)
    written(found, json, markdown)
    printed(found, Output(highlight=False))


@app.command()
def history(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What gate runs append to.")],
    *,
    since: Annotated[
        int, typer.Option(metavar="RUNS", help="Exit with 1 on a change in the last so many.")
    ] = 10,
    figure: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where to draw the series.")
    ] = None,
    csv: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where to write CSV for Apache Otava.")
    ] = None,
    unchanged: Annotated[
        bool,
        typer.Option("--unchanged", help="All runs are of the same code: how often would it err?"),
    ] = False,
) -> None:
    """Find steps and slow leaks in the series of a history file, machine by machine, cell by cell.

    Exit status: 0 no change in the last runs, 1 there is one, 2 a mistake. With --unchanged every
    change is a false one: what this machine's noise is taken for, in series drawn from it, is told.
    """
    from analysis import history_series, history_unchanged, history_words
    from analysis.console import Output
    from analysis.history import read

    found = read(path)
    checked = history_series.series(found.rows, since)
    history_words.written(checked, figure, csv)
    history_words.printed(checked, since, Output(highlight=False))
    for line in found.problems:
        typer.echo(line, err=True)
    if unchanged:
        for line in history_unchanged.sentences(found.rows, history_unchanged.DRAWN):
            typer.echo(line)
    elif history_series.changed(checked):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2.

    So is a bug, after its traceback: 1, which Python would say, is a verdict of some commands. What
    a terminal's encoding does not have is escaped, and a reader that goes away changes no status.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="python -m analysis")
    except UsageError as error:
        typer.echo(f"error: {visible(str(error))}", err=True)
        raise SystemExit(2) from None
    except Exception:  # noqa: BLE001  # whatever it is
        traceback.print_exc()
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
