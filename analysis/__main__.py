"""python -m analysis: what to make of results. Imports wait for the command that needs them."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.errors import UsageError

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
    from rich.console import Console

    from analysis.claims import ledger
    from analysis.claims.wording import printed
    from analysis.place import place
    from analysis.records import load
    from analysis.report import replace

    before = None if check is None else ledger.recorded(check)
    records = load([place(path) for path in paths])
    entries = ledger.ledger(records)
    printed(entries, Console(highlight=False))
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
    from rich.console import Console

    from analysis.place import place
    from analysis.records import load
    from analysis.report import replace
    from analysis.reproduction import ledger
    from analysis.reproduction.wording import printed

    records = load([place(path) for path in paths])
    entries = ledger.ledger(records)
    printed(entries, Console(highlight=False))
    if record is not None:
        replace(record, ledger.as_json(entries))
    for line in records.problems:
        typer.echo(line, err=True)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        app(prog_name="python -m analysis")
    except UsageError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
