"""A run in progress: its game, its state, and streams of random numbers by purpose."""

from typing import Any

import torch
from torch import Tensor

from gan import distributed
from gan.data import Dataset, Minibatches, load
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.models import MODELS
from gan.optimisers import OPTIMISERS
from gan.penalties import PENALTIES
from gan.run import Run
from gan.step import (
    PRECISIONS,
    TRACE,
    Batch,
    Differentiate,
    Game,
    State,
    autograd,
    divergence,
    step,
    update_discriminator,
)


class Trainer:
    """A run in progress: the game, its state and its streams of random numbers.

    Args:
        run: what to train.
        dataset: the run's data, on any device; loaded if None.

    Raises:
        UsageError: what ``Run.check`` refuses.
    """

    def __init__(self, run: Run, dataset: Dataset | None = None) -> None:
        dataset = load(run.data) if dataset is None else dataset
        run.check(dataset)
        self.run = run
        self.dataset = dataset.to(run.device)
        model = MODELS[run.model]
        self.latent_dim = run.latent_dim or model.latent_dim(dataset.shape)
        self.generator, self.discriminator = model.networks(
            dataset.shape, self.latent_dim, run.pack
        )
        self.game = self._game()
        self._differentiate: Differentiate = autograd
        self.reset()
        if distributed.world() > 1:
            self._split()

    def _split(self) -> None:
        """Take this process's share of every minibatch, if the game allows it."""
        run, processes = self.run, distributed.world()
        run.need_single_samples("a run over several processes")
        if run.batch_size % processes:
            raise UsageError(
                f"batch size {run.batch_size} is not a multiple of {processes} processes",
                field="batch_size",
            )
        rng = run.rng("splitting", run.device)
        real = self.dataset.sample(4, rng)
        distributed.check(self.game, self.state, real, self.latent(4, rng), rng)
        self._differentiate = distributed.Averaged()

    def _game(self) -> Game:
        run = self.run
        return Game(
            generator=self.generator,
            discriminator=self.discriminator,
            loss=LOSSES[run.loss],
            penalty=PENALTIES[run.penalty],
            penalty_weight=run.penalty_weight or 0.0,
            weight_clip=run.weight_clip or 0.0,
            optimiser=OPTIMISERS[run.optimiser],
            generator_rates=run.rates(run.generator_learning_rate),
            discriminator_rates=run.rates(run.discriminator_learning_rate),
            average_decay=run.average_decay,
            precision=PRECISIONS[run.precision],
            pack=run.pack,
        )

    def reset(self) -> None:
        """Go back to the first step: the same weights, data order and noise again."""
        run = self.run
        weights = run.rng("weights")
        theta_g, theta_d = (
            network.initial(weights).to(run.device, run.dtype)
            for network in (self.generator, self.discriminator)
        )
        self.state: State = self.game.start(theta_g, theta_d)
        self._draws = _Draws(self, "")
        self._lead_draws = _Draws(self, "head start ")

    def draw(self) -> Batch:
        """The random numbers of the next step, each kind from its own stream.

        Returns:
            k minibatches of data and k + 1 of noise, in the run's dtype, on its device.
        """
        return self._draws.next(self.run.discriminator_steps)

    def latent(self, count: int, rng: torch.Generator, *stacked: int) -> Tensor:
        """z ~ N(0, I).

        Args:
            count: N.
            rng: on the run's device.
            stacked: leading dimensions.

        Returns:
            (*stacked, N, latent_dim), in the run's dtype.
        """
        shape = (*stacked, count, self.latent_dim)
        return torch.randn(shape, generator=rng, device=self.run.device).to(self.run.dtype)

    def lead(self, updates: int) -> Tensor:
        """Discriminator updates alone, G frozen, on random numbers of their own.

        The streams of ``step`` are not touched, so runs with one seed see the same data and noise
        after head starts of different lengths; a lead in several parts is the same lead.

        Args:
            updates: how many.

        Returns:
            (updates, 2), the discriminator's loss and gradient norm.
        """
        traces = []
        for _ in range(updates):
            batch = distributed.share(self._lead_draws.next(1))
            loss, gradient = update_discriminator(
                self.game,
                self.state,
                batch.real[0],
                batch.z[0],
                batch.mix[0],
                batch.drop[:2],
                self._differentiate,
            )
            traces.append(torch.stack([loss, gradient.norm()]))
        return torch.stack(traces) if traces else torch.empty(0, 2)

    def step(self) -> Tensor:
        """One step of Algorithm 1 on fresh random numbers.

        Returns:
            (4,), the quantities named in ``gan.step.TRACE``.
        """
        batch = distributed.share(self.draw())
        return step(self.game, self.state, batch, self._differentiate)

    def state_dict(self) -> dict[str, Any]:
        """All that the updates so far have changed: what it takes to go on bit-identically.

        Returns:
            Players, moments, average, and every stream of random numbers; tensors that training
            goes on changing, so to be saved before the next update.
        """
        return {
            "tensors": _tensors(self.state),
            "draws": self._draws.state_dict(),
            "lead_draws": self._lead_draws.state_dict(),
        }

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go on from where a trainer of the same run was.

        Args:
            kept: its ``state_dict``, on any device.

        Raises:
            UsageError: the data have another size than those that it was trained on.
        """
        for mine, other in zip(_tensors(self.state), kept["tensors"], strict=True):
            mine.copy_(other)
        self._draws.load_state_dict(kept["draws"])
        self._lead_draws.load_state_dict(kept["lead_draws"])

    def synchronise(self) -> None:
        """Wait until the device has done all that it was asked to."""
        if self.run.device.startswith("cuda"):
            torch.cuda.synchronize(self.run.device)


def _tensors(state: State) -> list[Tensor]:
    """Everything in a state, in order."""
    return [
        state.generator,
        state.discriminator,
        *state.generator_moments,
        *state.discriminator_moments,
        state.average,
    ]


class _Draws:
    """A run's streams of data, noise, penalties' mixing and dropout, each from its own rng."""

    def __init__(self, trainer: Trainer, purpose: str) -> None:
        run, self._trainer = trainer.run, trainer
        self._noise, self._mix, self._drop = (
            run.rng(purpose + of, run.device) for of in ("noise", "penalty", "dropout")
        )
        data = run.rng(f"{purpose}data", run.device)
        self._data = Minibatches(trainer.dataset, run.minibatch_samples, data)

    def state_dict(self) -> dict[str, Any]:
        """Where every stream stands."""
        streams = [rng.get_state() for rng in (self._noise, self._mix, self._drop)]
        return {"streams": streams, "data": self._data.state()}

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go on from where other streams of the same run stood."""
        streams = (self._noise, self._mix, self._drop)
        for rng, stream in zip(streams, kept["streams"], strict=True):
            rng.set_state(stream.cpu())
        self._data.restore(kept["data"])

    def next(self, k: int) -> Batch:
        """k minibatches of data and k + 1 of noise, with what penalties and dropout draw."""
        trainer, run = self._trainer, self._trainer.run
        features = trainer.discriminator.uniform_features
        minibatches = [self._data.next() for _ in range(k)]
        channels, *sides = trainer.dataset.shape
        packed = (run.pack * channels, *sides)
        numbers = packed if trainer.game.penalty.per_element else ()
        shape = (k, run.batch_size, *numbers)
        real = minibatches[0].unsqueeze(0) if k == 1 else torch.stack(minibatches)
        return Batch(
            real=real.to(run.dtype),
            z=trainer.latent(run.minibatch_samples, self._noise, k + 1),
            mix=torch.rand(shape, generator=self._mix, device=run.device).to(run.dtype),
            drop=torch.rand(
                2 * k + 2, run.batch_size, features, generator=self._drop, device=run.device
            ),
        )


def lead_divergence(trace: Tensor, phase: str = "the head start") -> str:
    """What went wrong while D was trained alone, or "".

    Args:
        trace: (updates, 2), as ``Trainer.lead`` returns it.
        phase: what that was, in words.

    Returns:
        The first quantity that is not finite, and at which update.

    >>> lead_divergence(torch.tensor([[0.5, 1.0], [float("inf"), 1.0]]))
    'discriminator_loss is inf at update 2 of the head start'
    """
    bad = (~trace.isfinite()).nonzero()
    if not len(bad):
        return ""
    update, column = bad[0].tolist()
    value = trace[update, column].item()
    return f"{TRACE[column]} is {value} at update {update + 1} of {phase}"


def trained(trainer: Trainer) -> tuple[int, str]:
    """Make all of a run's updates: D's head start, then every step.

    Args:
        trainer: at its first step; trained here.

    Returns:
        The last step made, and what diverged at it or "".
    """
    if message := lead_divergence(trainer.lead(trainer.run.head_start)):
        return 0, message
    traces = [trainer.step() for _ in range(trainer.run.steps)]
    diverged = divergence(torch.stack(traces)) if traces else None
    return diverged or (trainer.run.steps, "")
