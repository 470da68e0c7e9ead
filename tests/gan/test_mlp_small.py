"""The smooth pairs of which the game's whole Jacobian is taken."""

import pytest
import torch
from torch import Tensor

from gan.models import MODELS
from gan.network import Network


def pair(model: str) -> tuple[Network, Network]:
    """Both networks on points in the plane, as on the ring."""
    return MODELS[model].networks((2,), MODELS[model].latent_dim((2,)))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("mlp_small", (3 * 29 + 30 * 29 + 30 * 2, 3 * 29 + 30 * 29 + 30)),
        ("mlp_tiny", (3 * 14 + 15 * 14 + 15 * 2, 3 * 14 + 15 * 14 + 15)),
    ],
)
def test_parameters_on_the_ring(model: str, expected: tuple[int, int]) -> None:
    """2-29-29-2 against 2-29-29-1, biases included: 2,004 together; 549 of the tiny pair."""
    generator, discriminator = pair(model)
    assert (generator.parameters, discriminator.parameters) == expected


def test_the_docstrings_state_the_number_of_parameters() -> None:
    """What `python -m gan list` prints."""
    for model in ("mlp_small", "mlp_tiny"):
        total = sum(network.parameters for network in pair(model))
        assert f"{total:,} parameters" in str(MODELS[model].generator.__doc__)


@pytest.mark.parametrize("player", [0, 1])
@pytest.mark.parametrize("model", ["mlp_small", "mlp_tiny"])
def test_networks_are_twice_differentiable(model: str, player: int) -> None:
    """Derivatives and their derivatives in θ and in the input, against differences."""
    network = pair(model)[player]
    rng = torch.Generator().manual_seed(0)
    theta = network.initial(rng).double().requires_grad_()
    x = torch.randn(2, 2, generator=rng, dtype=torch.float64).requires_grad_()

    def output(direction: Tensor, x: Tensor) -> Tensor:
        return network(theta + direction * theta.detach(), x)

    along = torch.zeros((), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(output, (along, x))
    assert torch.autograd.gradgradcheck(output, (along, x))


@pytest.mark.parametrize("model", ["mlp_small", "mlp_tiny"])
def test_the_curvature_is_continuous_where_a_relu_would_have_a_kink(model: str) -> None:
    """Where the first unit's input passes 0, D's gradient changes by as little as its input."""
    _, discriminator = pair(model)
    theta = discriminator.initial(torch.Generator().manual_seed(0)).double()
    units = {"mlp_small": 29, "mlp_tiny": 14}[model]
    weight, bias = theta[:2], theta[2 * units]
    kink = -bias * weight / weight.square().sum()
    gradients = []
    for side in (-1e-7, 1e-7):
        x = (kink + side * weight)[None].requires_grad_()
        gradients.append(torch.autograd.grad(discriminator(theta, x).sum(), x)[0])
    assert (gradients[0] - gradients[1]).norm() < 1e-5 * gradients[0].norm()
