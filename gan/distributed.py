"""One run over several processes: each differentiates its share of every minibatch.

Every process draws the whole minibatch from the run's own streams and keeps its part of it, so a
run split in four sees the same data and noise as in one piece. Gradients go through torch's
DistributedDataParallel: a player's objective, penalty included, is one module with one parameter
θ, called once and backpropagated once. What such a module calls by another way than its wrapper
(``.module``, say) is left out of the average, silently; here there is no other way.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.weak import WeakTensorKeyDictionary

from gan.errors import UsageError
from gan.step import Batch, Game, Objective, State

UNREACHABLE_SECONDS = 600
"""How long processes wait for one that has stopped answering: longer than any evaluation."""


def world() -> int:
    """How many processes train this run together: 1 unless ``processes`` started them."""
    started = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if started else 1


def rank() -> int:
    """This process's number among them, from 0."""
    return distributed.get_rank() if world() > 1 else 0


@contextmanager
def processes(device: str) -> Iterator[None]:
    """The group that torchrun started this process in, if it did.

    Args:
        device: of the run: gloo connects processors, NCCL GPUs, one per process.

    Yields:
        None, with ``world`` and ``rank`` as torchrun says.

    Raises:
        UsageError: fewer GPUs than processes on this machine, or one GPU named for all.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    cuda = device.startswith("cuda")
    if cuda:
        _take_own_gpu(device)
    distributed.init_process_group(
        "nccl" if cuda else "gloo", timeout=timedelta(seconds=UNREACHABLE_SECONDS)
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _take_own_gpu(device: str) -> None:
    own, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if device != "cuda":
        raise UsageError(f"device {device} is one GPU: several processes take --device cuda")
    if own >= found:
        raise UsageError(
            f"{own + 1} processes on this machine need as many GPUs: torch sees {found}"
        )
    torch.cuda.set_device(own)


def share(batch: Batch) -> Batch:
    """This process's part of a minibatch: every world()-th sample, counted from its rank.

    Args:
        batch: the whole minibatch, the same in every process.

    Returns:
        Views of it with N / world() samples.
    """
    if world() == 1:
        return batch
    part = slice(rank(), None, world())
    return Batch(batch.real[:, part], batch.z[:, part], batch.mix[:, part], batch.drop[:, part])


def check(game: Game, state: State, real: Tensor, z: Tensor, rng: torch.Generator) -> None:
    """Refuse a game whose minibatch cannot be split: a sample's part in it depends on the others.

    Then the mean over the processes is another number than the whole minibatch's: batch
    normalisation, a relativistic average, a penalty scaled by the minibatch's deviation. Found by
    computing, in float64, every part of the objective on the whole and on its halves.

    Args:
        game: the rules.
        state: the players.
        real: (2M, *shape), data; M at least 2, so that a half has a deviation.
        z: (2M, latent_dim), noise.
        rng: draws logits and the penalty's numbers, on real's device.

    Raises:
        UsageError: what looks at the whole minibatch, in words.
    """
    theta_g, theta_d = state.generator.double(), state.discriminator.double()
    real, z = real.double(), z.double()
    logits = 3 * torch.randn(2, len(real), generator=rng, device=real.device).double()
    shape = real.shape if game.penalty.per_element else real.shape[:1]
    mix = torch.rand(shape, generator=rng, device=real.device).double()
    fake = game.generator(theta_g, z)
    parts: dict[str, Callable[[slice], Tensor]] = {
        "its generator (batch-normalised)": lambda part: game.generator(theta_g, z[part]),
        "its discriminator (batch-normalised)": lambda part: game.discriminator(
            theta_d, real[part]
        ),
        "its loss": lambda part: game.loss.discriminator(*logits[:, part]),
        "its generator's loss": lambda part: game.loss.generator(*logits[:, part]),
        "its penalty": lambda part: game.penalty.value(
            lambda x: game.discriminator(theta_d, x), real[part], fake[part], mix[part]
        ),
    }
    half = len(real) // 2
    for what, values in parts.items():
        halves = torch.cat([values(slice(None, half)), values(slice(half, None))])
        if not torch.allclose(values(slice(None)), halves, rtol=1e-9, atol=1e-12):
            raise UsageError(
                f"a run over several processes is not the same run: {what} looks at the whole "
                "minibatch; train it in one process, or choose another"
            )


class Averaged:
    """A differentiate of ``gan.step``: the gradient of the mean objective over all processes."""

    def __init__(self) -> None:
        self._players = WeakTensorKeyDictionary()

    def __call__(self, objective: Objective, theta: Tensor) -> tuple[Tensor, Tensor]:
        """The objective's mean and its gradient, the same in every process.

        Args:
            objective: θ (n,) -> (), the mean over this process's share.
            theta: (n,), equal in all processes.

        Returns:
            The value () and the gradient (n,), means over the processes.
        """
        if theta not in self._players:
            self._players[theta] = DistributedDataParallel(_Player(theta))
        player: DistributedDataParallel = self._players[theta]
        player.zero_grad(set_to_none=True)
        value = player(objective)
        value.backward()
        mean = value.detach().clone()
        distributed.all_reduce(mean)
        gradient: Tensor = player.module.theta.grad
        return mean / world(), gradient


class _Player(nn.Module):
    """A player's θ as the one parameter of a module that evaluates whatever objective it is given.

    The parameter shares its memory with θ, which the optimiser changes in place.
    """

    def __init__(self, theta: Tensor) -> None:
        super().__init__()
        self.theta = nn.Parameter(theta.detach())

    def forward(self, objective: Objective) -> Tensor:
        """objective(θ)."""
        return objective(self.theta)
