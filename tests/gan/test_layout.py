"""channels_last: other places in memory, the same numbers."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from gan.data import load
from gan.errors import UsageError
from gan.game import State
from gan.models import MODELS
from gan.run import Run
from gan.step import PRECISIONS
from gan.train import train
from gan.trainer import Trainer

CONVOLVING = ("dcgan", "dcgan_layernorm", "dcgan_spectral")
EXACT = Run(data="digits", batch_size=4, precision="float64", steps=20, records=1)


def both(model: str) -> tuple[Trainer, Trainer]:
    """The same run in either layout, at its start."""
    run = replace(EXACT, model=model)
    return Trainer(run), Trainer(replace(run, layout="channels_last"))


def outputs(trainer: Trainer, state: State) -> list[Tensor]:
    """What both players, and the generator's average, make of the same noise."""
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(5, trainer.latent_dim, generator=rng, dtype=torch.float64)
    images = trainer.game.generate(state.generator, z)
    logits = trainer.game.logits(state.discriminator, images)
    return [images, logits, trainer.game.generate(state.average, z)]


def test_these_are_the_models_with_convolutions() -> None:
    """No model that the layout is of is left out below."""
    convolving = []
    for name, model in MODELS.items():
        try:
            networks = model.networks((1, 8, 8), 4)
        except UsageError:
            continue
        if any(network.convolves for network in networks):
            convolving.append(name)
    assert tuple(convolving) == CONVOLVING


@pytest.mark.parametrize("model", CONVOLVING)
def test_the_initial_networks_are_the_same_functions(model: str) -> None:
    """The same weights, drawn in the same order, at other places of θ."""
    contiguous, last = both(model)
    for mine, theirs in zip(
        outputs(contiguous, contiguous.state), outputs(last, last.state), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    for mine, theirs in zip(contiguous.state.tensors()[:2], last.state.tensors()[:2], strict=True):
        assert not torch.equal(mine, theirs)
        assert torch.equal(mine.sort().values, theirs.sort().values)


@pytest.mark.parametrize("model", CONVOLVING)
def test_twenty_steps_are_the_same(model: str) -> None:
    """Losses and gradient norms of every step, and the networks that come of them."""
    contiguous, last = both(model)
    traces = [torch.stack([one.step() for _ in range(20)]) for one in (contiguous, last)]
    torch.testing.assert_close(*traces, rtol=1e-7, atol=1e-9)
    for mine, theirs in zip(
        outputs(contiguous, contiguous.state), outputs(last, last.state), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("model", CONVOLVING)
def test_weights_and_images_lie_pixel_by_pixel(model: str) -> None:
    """Convolutions see channels_last on both sides, and copy nothing to have it."""
    _, last = both(model)
    network, theta = last.discriminator, last.state.discriminator
    seen: list[tuple[Tensor, Tensor]] = []

    def look(module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(module, torch.nn.Conv2d) and module.in_channels > 1:
            seen.append((inputs[0], module.weight))

    hook = torch.nn.modules.module.register_module_forward_pre_hook(look)
    try:
        network(theta, last.draw().real[0])
    finally:
        hook.remove()
    assert seen
    for images, weight in seen:
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_metrics_of_a_run_are_the_same() -> None:
    """Evaluation reads networks of either layout."""
    run = replace(EXACT, model="dcgan_layernorm", steps=3, evaluation_samples=50)
    mine, theirs = (train(replace(run, layout=name)) for name in ("contiguous", "channels_last"))
    assert len(mine.rows) == len(theirs.rows) == 2
    for row, other in zip(mine.rows, theirs.rows, strict=True):
        for name in ("fid", "d_real", "coverage", "sliced_w", "game_value"):
            assert row[name] == pytest.approx(other[name], rel=1e-5)
    assert mine.rows[1]["generator_loss"] == pytest.approx(theirs.rows[1]["generator_loss"])


def test_a_run_goes_on_from_its_checkpoint() -> None:
    """With the bits of one that was never stopped."""
    run = replace(EXACT, model="dcgan", layout="channels_last")
    whole, other = Trainer(run), Trainer(run)
    for _ in range(3):
        whole.step()
    kept = {
        **whole.state_dict(),
        "tensors": [tensor.clone() for tensor in whole.state.tensors()],
    }
    other.load_state_dict(kept)
    for trainer in (whole, other):
        trainer.step()
    for mine, theirs in zip(whole.state.tensors(), other.state.tensors(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("model", [name for name in MODELS if name not in CONVOLVING])
def test_a_model_without_convolutions_refuses_it(model: str) -> None:
    """In one line, before work."""
    data = "ring" if model == "pacgan" else "digits"
    with pytest.raises(UsageError) as refused:
        Trainer(Run(model=model, data=data, layout="channels_last"))
    assert str(refused.value) == f"layout channels_last is of convolutions: {model} has none"


@pytest.mark.parametrize("model", CONVOLVING)
def test_an_ensemble_refuses_it(model: str) -> None:
    """torch's vmap merges the runs' channels, and can't ask for this layout."""
    run = Run(model=model, data="digits", layout="channels_last", ensemble=2)
    with pytest.raises(UsageError) as refused:
        run.check(load("digits"))
    assert str(refused.value) == (
        "layout channels_last is of one run: the images of an ensemble are contiguous"
    )


@pytest.mark.parametrize(("model", "precision"), [*product(CONVOLVING, PRECISIONS)])
def test_every_precision_takes_it(model: str, precision: str) -> None:
    """A step in it is near that of contiguous images, as near as the format is fine."""
    run = replace(EXACT, model=model, precision=precision)
    contiguous, last = (
        Trainer(replace(run, layout=name)).step() for name in ("contiguous", "channels_last")
    )
    fine = {"float64": 1e-9, "float32": 1e-4, "float16": 0.02, "bfloat16": 0.1}[precision]
    torch.testing.assert_close(contiguous, last, rtol=fine, atol=fine * 1e-2)
