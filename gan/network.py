"""A network as a pure function of one parameter vector θ.

The paper writes θ_g and θ_d; so does this suite. One flat vector per player makes an optimiser
three lines, a gradient norm one call, many seeds a stacked matrix and a checkpoint one tensor
(docs/decisions/0003).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

# How images and convolutions' weights lie in memory.
LAYOUTS: dict[str, torch.memory_format] = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}

Initialiser = Callable[[nn.Module, torch.Generator], None]


class Network:
    """A module without parameters of its own: ``network(theta, x)`` runs it with those of θ.

    Args:
        build: makes the module; called on the meta device, so it draws no random numbers.
        initialise: sets one leaf module's parameters in place, drawing from the rng it is given.
        channels_last: keep images and convolutions' weights in memory pixel by pixel, as (N, H, W,
            C), instead of channel by channel; every number is the same.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        initialise: Initialiser,
        *,
        channels_last: bool = False,
    ) -> None:
        with torch.device("meta"):
            self._module = build()
        self._build, self._initialise = build, initialise
        self._names = [name for name, _ in self._module.named_parameters()]
        self._shapes = [parameter.shape for parameter in self._module.parameters()]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        self._channels_last = channels_last

    @property
    def parameters(self) -> int:
        """Length of θ."""
        return sum(self._sizes)

    @property
    def convolves(self) -> bool:
        """Whether it has weights of convolutions, which a memory layout is about."""
        return any(len(shape) == 4 for shape in self._shapes)

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
        # As module.to_empty, whose empty_like of meta tensors imports SymPy: 0.7 s of every start.
        module = module._apply(lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype))
        with torch.no_grad():
            for leaf in module.modules():
                self._initialise(leaf, rng)
        weights = [parameter.detach() for parameter in module.parameters()]
        if self._channels_last:
            weights = [w.permute(0, 2, 3, 1) if w.dim() == 4 else w for w in weights]
        return torch.cat([weight.flatten() for weight in weights])

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
            name: self._view(piece, shape)
            for name, piece, shape in zip(self._names, pieces, self._shapes, strict=True)
        }
        if self._channels_last and x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        arguments = (x,) if uniform is None else (x, uniform)
        output: Tensor = torch.func.functional_call(self._module, views, arguments)
        return output

    def _view(self, piece: Tensor, shape: torch.Size) -> Tensor:
        """A parameter, as it lies in θ."""
        if self._channels_last and len(shape) == 4:
            outputs, inputs, height, width = shape
            return piece.view(outputs, height, width, inputs).permute(0, 3, 1, 2)
        return piece.view(shape)
