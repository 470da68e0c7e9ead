"""Network: a module run with the parameters of one flat vector."""

import torch
from torch import nn

from gan.network import Network


def draw(module: nn.Module, rng: torch.Generator) -> None:
    """Fill linear layers with standard normals."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, generator=rng)
        nn.init.normal_(module.bias, generator=rng)


def build() -> nn.Module:
    """3 -> 4 -> 2."""
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def test_equals_the_module_with_those_parameters() -> None:
    """network(θ, x) is what the plain module gives when θ is poured into it."""
    network, rng = Network(build, draw), torch.Generator().manual_seed(0)
    theta, x = network.initial(rng), torch.randn(5, 3, generator=rng)
    module = build()
    nn.utils.vector_to_parameters(theta, module.parameters())
    torch.testing.assert_close(network(theta, x), module(x))


def test_parameters_is_the_length_of_theta() -> None:
    """16 + 10 weights and biases."""
    network = Network(build, draw)
    assert network.parameters == 26 == len(network.initial(torch.Generator()))


def test_gradient_flows_to_the_vector() -> None:
    """The gradient with respect to θ equals the module's, parameter by parameter."""
    network, rng = Network(build, draw), torch.Generator().manual_seed(0)
    theta, x = network.initial(rng).requires_grad_(), torch.randn(5, 3, generator=rng)
    (gradient,) = torch.autograd.grad(network(theta, x).square().sum(), theta)
    module = build()
    nn.utils.vector_to_parameters(theta.detach(), module.parameters())
    expected = torch.autograd.grad(module(x).square().sum(), list(module.parameters()))
    torch.testing.assert_close(gradient, torch.cat([piece.flatten() for piece in expected]))


def test_runs_many_parameter_vectors_at_once() -> None:
    """vmap over a stack of θ gives each vector's own output: how an ensemble will run."""
    network, rng = Network(build, draw), torch.Generator().manual_seed(0)
    stack = torch.stack([network.initial(rng) for _ in range(3)])
    x = torch.randn(5, 3, generator=rng)
    together = torch.func.vmap(lambda theta: network(theta, x))(stack)
    torch.testing.assert_close(together, torch.stack([network(theta, x) for theta in stack]))
