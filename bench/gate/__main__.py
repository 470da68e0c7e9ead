"""python -m bench.gate: record what no machine's noise touches, and check it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.gate import recorded
from gan.errors import UsageError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON")]


@app.command()
def record(file: File) -> None:
    """Count every cell exactly, trace its first steps, and write both."""
    file.write_text(json.dumps(recorded.record(), indent=1) + "\n")


@app.command()
def check(file: File) -> None:
    """Do it again and compare; exit status 1 if anything changed, each thing in a line."""
    before = recorded.read(file)
    lines = recorded.differences(before, recorded.record())
    for line in lines:
        typer.echo(line)
    typer.echo(f"{len(before['cells'])} cells, {len(lines)} differences")
    if lines:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        app(prog_name="python -m bench.gate")
    except UsageError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
