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

Results = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", help="benchmark.json files or results folders."),
]
Output = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where to write; beside the results if not given."),
]


@app.callback()
def analysis() -> None:
    """Read what benchmark sessions left and draw it."""


@app.command()
def report(paths: Results, output: Output = None) -> None:
    """Draw every figure and write report.html, one self-contained page, beside figures/."""
    from analysis.report import report as write_report

    done = write_report(paths, output)
    for line in (*done.problems, *done.not_drawn):
        typer.echo(line, err=True)
    typer.echo(f"{done.page}: {len(done.drawn)} figures")


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        app(prog_name="python -m analysis")
    except UsageError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
