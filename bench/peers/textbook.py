"""The loop that PyTorch tutorials teach: modules, a criterion, an optimiser for each player.

Written as the DCGAN tutorial writes it, with what the game of the run asks for instead of what the
tutorial chose: logits and BCEWithLogitsLoss in place of a sigmoid and BCELoss, and fresh noise for
the generator's update, as in Algorithm 1. Two things are left out to the loop's advantage: labels
are made once, and no loss is printed. R1 is added as its authors' code adds it.

Reference:
    PyTorch tutorials, "DCGAN Tutorial", part "Training"; Mescheder et al. 2018 and their code,
    ``gan_training/train.py``.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from bench.peers.peer import Start

Prepare = Callable[[nn.Module], nn.Module]


def as_it_is(module: nn.Module) -> nn.Module:
    """The same module: no compiler.

    Args:
        module: either player.

    Returns:
        It.
    """
    return module


def compiled(module: nn.Module) -> nn.Module:
    """The module under plain torch.compile.

    Args:
        module: either player.

    Returns:
        A module with the same parameters.
    """
    optimised: nn.Module = torch.compile(module)  # type: ignore[assignment]  # typed as any callable
    return optimised


class Textbook:
    """Both players, their optimisers and the loop's body.

    Args:
        start: weights and batches of one run.
        prepare: what is done to each module.
    """

    def __init__(self, start: Start, prepare: Prepare = as_it_is) -> None:
        run = start.run
        self._start, self._weight = start, run.penalty_weight or 0.0
        self._modules = [module.to(run.device, run.dtype) for module in start.modules()]
        self.netG, self.netD = map(prepare, self._modules)
        betas, epsilon = (run.beta1, run.beta2), run.adam_epsilon
        self._optimisers = [
            torch.optim.Adam(module.parameters(), lr=rate, betas=betas, eps=epsilon)
            for module, rate in zip(
                self._modules,
                (run.generator_learning_rate, run.discriminator_learning_rate),
                strict=True,
            )
        ]
        self.optimizerG, self.optimizerD = self._optimisers
        self.criterion = nn.BCEWithLogitsLoss()
        self._ones = torch.ones(run.batch_size, device=run.device, dtype=run.dtype)
        self._zeros = torch.zeros_like(self._ones)
        self.reset()

    def reset(self) -> None:
        """Copy the first weights into both modules; empty what the optimisers remember."""
        thetas = (self._start.theta_g, self._start.theta_d)
        for module, theta in zip(self._modules, thetas, strict=True):
            _copy(theta, module)
        for optimiser in self._optimisers:
            for memory in optimiser.state.values():
                for tensor in memory.values():
                    tensor.zero_()

    def block(self, steps: int) -> None:
        """Take steps.

        Args:
            steps: how many.
        """
        batches = self._start.batches
        for index in range(steps):
            batch = batches[index % len(batches)]
            self._step(batch.real[0], batch.z[0], batch.z[1])
        if self._start.run.device.startswith("cuda"):
            torch.cuda.synchronize(self._start.run.device)

    def _step(self, real: Tensor, noise: Tensor, fresh_noise: Tensor) -> None:
        """The body of the tutorial's loop."""
        self.netD.zero_grad()
        self._judge_real(real)
        fake = self.netG(noise)
        error_fake = self.criterion(self.netD(fake.detach()), self._zeros)
        error_fake.backward()
        self.optimizerD.step()

        self.netG.zero_grad()
        error_g = self.criterion(self.netD(self.netG(fresh_noise)), self._ones)
        error_g.backward()
        self.optimizerG.step()

    def _judge_real(self, real: Tensor) -> None:
        """Backpropagate D's loss on real samples, and its penalty if it has one."""
        if not self._weight:
            self.criterion(self.netD(real), self._ones).backward()
            return
        real = real.detach().requires_grad_()
        logits = self.netD(real)
        self.criterion(logits, self._ones).backward(retain_graph=True)
        (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        (self._weight * slope.square().flatten(1).sum(1).mean()).backward()

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Both players' vectors."""
        generator, discriminator = (
            parameters_to_vector(module.parameters()).detach() for module in self._modules
        )
        return generator, discriminator


@torch.no_grad()
def _copy(theta: Tensor, module: nn.Module) -> None:
    """Give a module the weights of a vector, in place: a compiled one knows its tensors."""
    place = 0
    for parameter in module.parameters():
        piece = theta[place : place + parameter.numel()]
        parameter.copy_(piece.view_as(parameter))
        place += parameter.numel()
