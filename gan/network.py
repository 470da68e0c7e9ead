"""A network as a pure function of one parameter vector θ.

The paper writes θ_g and θ_d; so does this suite. One flat vector per player makes an optimiser
three lines, a gradient norm one call, many seeds a stacked matrix and a checkpoint one tensor
(docs/decisions/0003).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

Initialiser = Callable[[nn.Module, torch.Generator], None]


class Network:
    """A module without parameters of its own: ``network(theta, x)`` runs it with those of θ.

    Args:
        build: makes the module; called on the meta device, so it draws no random numbers.
        initialise: sets one leaf module's parameters in place, drawing from the rng it is given.
    """

    def __init__(self, build: Callable[[], nn.Module], initialise: Initialiser) -> None:
        with torch.device("meta"):
            self._module = build()
        self._build, self._initialise = build, initialise
        self._names = [name for name, _ in self._module.named_parameters()]
        self._shapes = [parameter.shape for parameter in self._module.parameters()]
        self._sizes = [math.prod(shape) for shape in self._shapes]

    @property
    def parameters(self) -> int:
        """Length of θ."""
        return sum(self._sizes)

    @property
    def uniform_features(self) -> int:
        """How many U[0, 1) numbers a sample needs for dropout; 0 without dropout."""
        return sum(getattr(module, "uniform_features", 0) for module in self._module.children())

    def initial(self, rng: torch.Generator) -> Tensor:
        """A fresh θ, drawn on the CPU so that every device starts from the same weights.

        Args:
            rng: a CPU generator.

        Returns:
            (parameters,), float32.
        """
        with torch.device("meta"):
            module = self._build()
        module = module.to_empty(device="cpu")
        with torch.no_grad():
            for leaf in module.modules():
                self._initialise(leaf, rng)
        return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])

    def __call__(self, theta: Tensor, x: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Run the network.

        Args:
            theta: (parameters,), this network's weights.
            x: (N, …), the input.
            uniform: (N, uniform_features) in [0, 1) to drop units in training, or None to keep all.

        Returns:
            (N, …), the output.
        """
        pieces = theta.split(self._sizes)
        views = {
            name: piece.view(shape)
            for name, piece, shape in zip(self._names, pieces, self._shapes, strict=True)
        }
        arguments = (x,) if uniform is None else (x, uniform)
        output: Tensor = torch.func.functional_call(self._module, views, arguments)
        return output
