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
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.weak import WeakTensorKeyDictionary

from gan.errors import UsageError
from gan.penalties import Discriminator
from gan.step import Batch, Game, Objective, State

Found = TypeVar("Found")

UNREACHABLE_SECONDS = 600
"""How long processes wait for one that has stopped answering: longer than any evaluation."""


# What torchrun tells each process that it starts.
TOLD = ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT")


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
        UsageError: fewer GPUs than processes on this machine, one GPU named for all, or an
            environment that torchrun did not make.
    """
    if not _started_together():
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


def _started_together() -> bool:
    """Whether torchrun started several processes, this one among them."""
    told = {name: os.environ.get(name) for name in TOLD}
    count, number = told["WORLD_SIZE"], told["RANK"]
    if count in (None, "1"):
        return False
    whole = all((value or "").isdecimal() for value in (count, number))
    if not whole or None in told.values() or int(number or 0) >= int(count or 0):
        said = ", ".join(f"{name} {value!r}" for name, value in told.items() if value is not None)
        raise UsageError(
            f"{said} in the environment is not what torchrun says: start several processes by "
            "torchrun --nproc-per-node 2 -m gan train …, or unset WORLD_SIZE to train in one"
        )
    return True


def _take_own_gpu(device: str) -> None:
    own, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if device != "cuda":
        raise UsageError(f"device {device} is one GPU: several processes take --device cuda")
    if own >= found:
        raise UsageError(
            f"{own + 1} processes on this machine need as many GPUs: torch sees {found}"
        )
    torch.cuda.set_device(own)


def of_first(read: Callable[[], Found]) -> Found:
    """What the first process reads, in all of them: the others' machines may hold something else.

    Args:
        read: called in the first process only.

    Returns:
        What it returned there.

    Raises:
        UsageError: what it raised there, in every process: none waits for one that has ended.
    """
    if world() == 1:
        return read()
    told: list[Any] = [None, None]
    if rank() == 0:
        try:
            told[0] = read()
        except UsageError as error:
            told[1] = error
    distributed.broadcast_object_list(told)
    found, refused = told
    if refused is not None:
        raise refused
    return cast(Found, found)


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
    computing, in float64, every part of the objective on the whole and on its halves. A penalty
    is computed of curves instead of D, whose gradient may be the same at two points.

    Args:
        game: the rules.
        state: the players.
        real: (2M, *shape), data; M at least 2, so that a half has a deviation.
        z: (2M, latent_dim), noise.
        rng: draws logits and what the penalty is computed on, on real's device.

    Raises:
        UsageError: what looks at the whole minibatch, in words.
    """
    theta_g, theta_d = state.generator.double(), state.discriminator.double()
    real, z = real.double(), z.double()
    logits = 3 * torch.randn(2, len(real), generator=rng, device=real.device).double()
    points = torch.randn(2, *real.shape, generator=rng, device=real.device).double()
    shape = real.shape if game.penalty.per_element else real.shape[:1]
    mix = torch.rand(shape, generator=rng, device=real.device).double()
    parts: dict[str, Callable[[slice], Tensor]] = {
        "its generator (batch-normalised)": lambda part: game.generator(theta_g, z[part]),
        "its discriminator (batch-normalised)": lambda part: game.discriminator(
            theta_d, real[part]
        ),
        "its loss": lambda part: game.loss.discriminator(*logits[:, part]),
        "its generator's loss": lambda part: game.loss.generator(*logits[:, part]),
        "its penalty": lambda part: torch.stack(
            [game.penalty.value(d, points[0, part], points[1, part], mix[part]) for d in CURVES],
            dim=1,
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


def _cubic(scale: float) -> Discriminator:
    """x -> scale · Σx³: its slope differs from point to point."""
    return lambda x: scale * x.flatten(1).pow(3).sum(1)


# Discriminators on which a penalty shows what it depends on. A penalty of one side only, such as
# WGAN-LP's, is 0 below a slope or above it: so a flat curve, and a steep one.
CURVES = (_cubic(1e-6), _cubic(1.0), _cubic(1e6))


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
