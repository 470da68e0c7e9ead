"""python -m bench: what computing elsewhere costs, and how far one driver goes."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gan.errors import UsageError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)

Results = Annotated[str, typer.Option(help="folder or URL; scaling.json is in it")]


@app.callback()
def main() -> None:
    """The harness itself is `pytest bench/`; these commands measure it."""


@app.command()
def scaling(
    results: Results = "results/scaling",
    jobs: Annotated[int, typer.Option(help="empty jobs of each engine, and files", min=10)] = 2000,
    games: Annotated[int, typer.Option(help="games of each session of the speed-up", min=4)] = 40,
    repeats: Annotated[int, typer.Option(help="pairs of sessions", min=1)] = 5,
    cells: Annotated[int, typer.Option(help="cells of the longer session", min=20)] = 200,
    ray: Annotated[bool, typer.Option(help="measure Ray too, started on this machine")] = True,  # noqa: FBT002  # typer's form of --no-ray
) -> None:
    """Measure seconds per run of each engine, of files, and the gain of two workers over one."""
    from bench.costs import measure, rows
    from gan import atomic, store
    from gan.folder import place, telling

    folder = place(results)
    store.probe(folder)
    found = measure(folder, jobs, games, repeats, cells, ray=ray)
    file = folder / "scaling.json"
    with telling("can't write", file):
        atomic.write(file, json.dumps(found, indent=2).encode())
    _table("measured", ("what", "value"), rows(found))
    typer.echo(f"written to {file}")


@app.command()
def simulate(
    results: Results = "results/scaling",
    workers: Annotated[int, typer.Option(help="of the session", min=1)] = 1000,
    runs: Annotated[int, typer.Option(help="of the session", min=1)] = 100_000,
    run_seconds: Annotated[float, typer.Option(help="mean duration of a run", min=0)] = 60.0,
    spread: Annotated[float, typer.Option(help="σ of the logarithm of durations", min=0)] = 0.5,
    engine: Annotated[str, typer.Option(help="whose overhead counts: local or ray")] = "ray",
    object_store_seconds: Annotated[
        float, typer.Option(help="to put a file into an object store: assumed", min=0)
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="of the durations", min=0)] = 0,
) -> None:
    """Simulate many workers and one driver: who should write run files, and when it saturates."""
    from bench.costs import read_measured, scenario_row
    from bench.scenarios import scenarios
    from gan.folder import place

    measured = read_measured(place(results) / "scaling.json", engine)
    found = scenarios(measured, workers, runs, run_seconds, spread, object_store_seconds, seed)
    rows = [scenario_row(scenario) for scenario in found]
    _table(
        f"{workers:,} workers, {runs:,} runs of {run_seconds:g} s",
        tuple(rows[0]),
        [tuple(row.values()) for row in rows],
    )


def _table(title: str, names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*names, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def run_app() -> None:
    """Run the command line: a user's mistake is one line and exit status 2."""
    try:
        app()
    except UsageError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    run_app()
