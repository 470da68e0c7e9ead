"""python -m gan: train one run, or list what there is."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gan.errors import UsageError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)


@app.callback()
def main() -> None:
    """The core GAN of the Saddle suite."""


@app.command()
def train(
    game: Annotated[
        str | None, typer.Option(help="loss, penalty and constraint by one name, see `list`")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="what both minimise", show_default="non_saturating")
    ] = None,
    penalty: Annotated[
        str | None, typer.Option(help="of the discriminator", show_default="none")
    ] = None,
    penalty_weight: Annotated[
        float | None, typer.Option(help="of its mean", show_default="usual for the penalty")
    ] = None,
    weight_clip: Annotated[
        float | None,
        typer.Option(
            help="bound of D's weights", show_default="0.01 for wasserstein without penalty"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="the pair of networks", show_default="mlp, or as the game needs"),
    ] = None,
    data: Annotated[str, typer.Option(help="the data set")] = "digits",
    optimiser: Annotated[str, typer.Option(help="adam or sgd")] = "adam",
    learning_rate: Annotated[float, typer.Option(help="of both players")] = 2e-4,
    discriminator_learning_rate: Annotated[
        float | None, typer.Option(help="of the discriminator alone", show_default="the same")
    ] = None,
    momentum: Annotated[float, typer.Option(help="of sgd")] = 0.5,
    beta1: Annotated[float, typer.Option(help="of adam")] = 0.5,
    beta2: Annotated[float, typer.Option(help="of adam")] = 0.999,
    adam_epsilon: Annotated[float, typer.Option(help="of adam")] = 1e-8,
    batch_size: Annotated[int, typer.Option(help="samples, or packs, per minibatch")] = 64,
    pack: Annotated[
        int | None,
        typer.Option(help="samples judged at once", show_default="1, or as the game needs"),
    ] = None,
    discriminator_steps: Annotated[int, typer.Option(help="k of Algorithm 1")] = 1,
    head_start: Annotated[int, typer.Option(help="updates of D before the first step")] = 0,
    latent_dim: Annotated[
        int | None, typer.Option(help="size of z", show_default="usual for the model")
    ] = None,
    average_decay: Annotated[float, typer.Option(help="of G's moving average")] = 0.995,
    precision: Annotated[str, typer.Option(help="float32, float64, bfloat16, float16")] = "float32",
    loss_scale: Annotated[
        float | None,
        typer.Option(
            help="of losses while they are differentiated", show_default="1024 for float16, else 1"
        ),
    ] = None,
    layout: Annotated[
        str, typer.Option(help="of convolutions: contiguous or channels_last")
    ] = "contiguous",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N")] = "cpu",
    mode: Annotated[str, typer.Option(help="eager, compile or cudagraph")] = "eager",
    ensemble: Annotated[int, typer.Option(help="seeds trained side by side")] = 1,
    seed: Annotated[int, typer.Option(help="of weights, data order and noise")] = 0,
    steps: Annotated[int, typer.Option(help="generator updates")] = 2000,
    records: Annotated[int, typer.Option(help="evaluations along the way")] = 20,
    evaluation_samples: Annotated[int, typer.Option(help="samples in each of them")] = 1000,
    data_dir: Annotated[Path | None, typer.Option(help="folder of IDX files [GAN_DATA]")] = None,
    results: Annotated[
        str, typer.Option(help="folder or address for the records and the picture")
    ] = "results/train",
) -> None:
    """Train one run; write its records (runs/KEY.parquet) and a picture of its samples.

    A run that was interrupted goes on from its checkpoint, at most a minute back. One large run
    over several processes: torchrun --nproc-per-node 2 -m gan train …

    That a run diverges is a result, told in its records; the exit status is 0.
    """
    from gan.folder import place
    from gan.games import recipe
    from gan.run import Run

    folder = place(results)
    played = recipe(game, loss, penalty)
    run = Run(
        loss=played.loss,
        penalty=played.penalty,
        penalty_weight=penalty_weight,
        weight_clip=played.weight_clip if weight_clip is None else weight_clip,
        model=played.model(model),
        data=data,
        optimiser=optimiser,
        generator_learning_rate=learning_rate,
        discriminator_learning_rate=(
            learning_rate if discriminator_learning_rate is None else discriminator_learning_rate
        ),
        momentum=momentum,
        beta1=beta1,
        beta2=beta2,
        adam_epsilon=adam_epsilon,
        batch_size=batch_size,
        pack=played.pack if pack is None else pack,
        discriminator_steps=discriminator_steps,
        head_start=head_start,
        latent_dim=latent_dim,
        average_decay=average_decay,
        precision=precision,
        loss_scale=loss_scale,
        layout=layout,
        device=device,
        mode=mode,
        ensemble=ensemble,
        seed=seed,
        steps=steps,
        records=records,
        evaluation_samples=evaluation_samples,
    )
    from gan.session import train_and_store

    train_and_store(run, folder, data_dir)


@app.command("list")
def list_() -> None:
    """List every loss, penalty, game, model, data set and metric, one line each."""
    from gan.data import DATASETS
    from gan.games import GAMES
    from gan.losses import LOSSES
    from gan.metrics import METRICS, discriminator_statistics
    from gan.models import MODELS
    from gan.penalties import PENALTIES

    tables: dict[str, dict[str, str]] = {
        "losses": {name: first_line(loss.generator) for name, loss in LOSSES.items()},
        "penalties": {name: first_line(penalty.value) for name, penalty in PENALTIES.items()},
        "games": {name: game.summary() for name, game in GAMES.items()},
        "models": {name: first_line(model.generator) for name, model in MODELS.items()},
        "data sets": {name: first_line(dataset) for name, dataset in DATASETS.items()},
        "metrics": {name: first_line(metric.value) for name, metric in METRICS.items()}
        | {"discriminator": first_line(discriminator_statistics)},
    }
    for title, table in tables.items():
        typer.echo(title)
        for name, line in table.items():
            typer.echo(f"  {name:<20} {line}")


def first_line(function: Callable[..., object]) -> str:
    """The first line of a function's docstring.

    >>> first_line(first_line)
    "The first line of a function's docstring."
    """
    return (inspect.getdoc(function) or "").split("\n", 1)[0]


def run_app() -> None:
    """Run the command line: a user's mistake is one line and exit status 2."""
    try:
        app()
    except UsageError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        typer.echo("error: torch is not installed: pip install 'saddle-bench[bench]'", err=True)
        sys.exit(2)


if __name__ == "__main__":
    run_app()
