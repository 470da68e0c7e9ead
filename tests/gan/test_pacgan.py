"""The networks of PacGAN's experiments in the plane, against numpy and the authors' numbers."""

import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.errors import UsageError
from gan.models import MODELS
from gan.models.maxout import Maxout
from gan.models.pacgan import BatchNorm
from gan.network import Network
from gan.run import Run
from gan.trainer import Trainer

Array = NDArray[np.float64]
HIDDEN = 400


def networks(pack: int = 1) -> tuple[Network, Network]:
    """The pair for points in the plane."""
    return MODELS["pacgan"].networks((2,), 2, pack)


def pieces(theta: Tensor, *shapes: tuple[int, ...]) -> list[Array]:
    """θ cut into float64 arrays of these shapes."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    assert sum(sizes) == len(theta)
    return [
        part.double().numpy().reshape(shape)
        for part, shape in zip(theta.split(sizes), shapes, strict=True)
    ]


def perturbed(network: Network) -> Tensor:
    """Parameters with no structure: initial ones of which even biases and gains are moved."""
    theta = network.initial(torch.Generator().manual_seed(1)).double()
    return theta + 0.05 * torch.randn(
        len(theta), generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )


def test_parameter_counts() -> None:
    """G 2-400-400-400-400-2 without hidden biases, with gains and shifts; D 3 × 200 × 5 pieces."""
    generator, discriminator = networks()
    assert generator.parameters == 2 * 400 + 3 * 400 * 400 + 4 * 2 * 400 + 401 * 2
    assert discriminator.parameters == 3 * 1000 + 2 * 201 * 1000 + 201
    assert networks(pack=2)[1].parameters == discriminator.parameters + 2 * 1000


def test_generator_equals_numpy() -> None:
    """Four times: linear, normalised by the minibatch with ε = 1e-4, gain and shift, ReLU."""
    generator, _ = networks()
    theta = perturbed(generator)
    block = [(HIDDEN,), (HIDDEN,)]
    shapes = [(HIDDEN, 2), *block, *[(HIDDEN, HIDDEN), *block] * 3, (2, HIDDEN), (2,)]
    *hidden, weight, bias = pieces(theta, *shapes)
    z = torch.randn(7, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = z.numpy()
    for linear, gain, shift in zip(hidden[0::3], hidden[1::3], hidden[2::3], strict=True):
        x = x @ linear.T
        x = gain * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-4) + shift
        x = np.maximum(x, 0)
    np.testing.assert_allclose(generator(theta, z).numpy(), x @ weight.T + bias, rtol=1e-9)


@pytest.mark.parametrize("pack", [1, 2])
def test_discriminator_equals_numpy(pack: int) -> None:
    """Three times the largest of five linear maps, unit by unit; then one linear map."""
    _, discriminator = networks(pack)
    theta = perturbed(discriminator)
    shapes = [(1000, 2 * pack), (1000,), *[(1000, 200), (1000,)] * 2, (1, 200), (1,)]
    *hidden, weight, bias = pieces(theta, *shapes)
    points = torch.randn(
        7, 2 * pack, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    x = points.numpy()
    for linear, shift in zip(hidden[0::2], hidden[1::2], strict=True):
        maps = x @ linear.T + shift
        x = np.stack([maps[:, 5 * unit : 5 * unit + 5].max(1) for unit in range(200)], axis=1)
    np.testing.assert_allclose(
        discriminator(theta, points).numpy(), (x @ weight.T + bias)[:, 0], rtol=1e-9
    )


def test_a_maxout_unit_is_the_largest_of_its_maps() -> None:
    """max(x, −x) = |x| and max(2x, 1) by hand."""
    maxout = Maxout(1, 2, 2)
    with torch.no_grad():
        maxout.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [2.0], [0.0]]))
        maxout.linear.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0]))
    assert maxout(torch.tensor([[3.0], [-3.0]])).tolist() == [[3.0, 6.0], [3.0, 1.0]]


def test_initial_parameters_are_those_of_the_authors() -> None:
    """Weights N(0, .02), a standard deviation; biases and shifts 0; gains 1."""
    generator, discriminator = networks()
    rng = torch.Generator().manual_seed(0)
    of_g, of_d = generator.initial(rng), discriminator.initial(rng)
    gains = 4 * HIDDEN
    assert int((of_g == 1).sum()) == gains
    assert int((of_g == 0).sum()) == gains + 2
    assert int((of_d == 0).sum()) == 3 * 1000 + 1
    for weights in (of_g[(of_g != 0) & (of_g != 1)], of_d[of_d != 0]):
        assert weights.std().item() == pytest.approx(0.02, rel=0.01)
        assert weights.mean().item() == pytest.approx(0, abs=2e-4)


def test_generator_is_normalised_by_its_own_minibatch_in_evaluation_too() -> None:
    """A sample depends on the others it is made with: there are no running averages."""
    generator, _ = networks()
    theta = generator.initial(torch.Generator().manual_seed(0))
    z = torch.randn(4, 2, generator=torch.Generator().manual_seed(1))
    together, apart = generator(theta, z)[:2], generator(theta, z[:2])
    assert (together - apart).abs().max() > 1e-3
    assert not list(BatchNorm(3).buffers())


def test_points_alone_are_made() -> None:
    """Images are refused before any work, by name."""
    message = "pacgan makes points (dimensions,), not images of shape (1, 8, 8)"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        Trainer(Run(model="pacgan", data="digits"))


def test_one_sample_cannot_be_normalised() -> None:
    """A minibatch of one is refused before any work; one pack of two samples is enough."""
    message = (
        "batch size 1 is too small: the generator of pacgan is batch-normalised and takes at "
        "least 2 samples"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$") as caught:
        Trainer(Run(model="pacgan", data="ring", batch_size=1))
    assert caught.value.field == "batch_size"
    pair = Trainer(Run(model="pacgan", data="ring", batch_size=1, pack=2))
    assert pair.step().isfinite().all()


@pytest.mark.parametrize("model", MODELS)
def test_the_fewest_samples_of_every_model_are_enough_and_no_more_than_needed(model: str) -> None:
    """Each takes a step on the smallest minibatch that it says it takes."""
    fewest = MODELS[model].fewest_samples
    data = "ring" if model == "pacgan" else "digits"
    trainer = Trainer(Run(model=model, data=data, batch_size=fewest))
    assert trainer.step().isfinite().all()
    assert (fewest == 1) is (model != "pacgan")


@pytest.mark.parametrize("penalty", ["none", "r1"])
def test_discriminator_treats_each_pack_alone(penalty: str) -> None:
    """Only the generator is batch-normalised, so a penalty of D is defined."""
    trainer = Trainer(Run(model="pacgan", data="ring", pack=2, batch_size=4, penalty=penalty))
    assert trainer.step().isfinite().all()
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    changed = torch.cat([x[:2], 5 * x[2:]])
    one, other = (trainer.game.logits(trainer.state.discriminator, y)[0] for y in (x, changed))
    assert one.item() == pytest.approx(other.item(), abs=1e-6)


def test_on_the_line_too() -> None:
    """gaussian1d's points have one coordinate."""
    trainer = Trainer(Run(model="pacgan", data="gaussian1d", batch_size=4))
    assert trainer.discriminator.parameters == 2 * 1000 + 2 * 201 * 1000 + 201
    assert trainer.step().isfinite().all()
