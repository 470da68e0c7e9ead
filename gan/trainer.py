"""A run in progress: its game, its state, and streams of random numbers by purpose."""

from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from gan import distributed
from gan.data import Dataset, load
from gan.draws import Draws, Stream
from gan.errors import UsageError
from gan.game import Batch, Game, State
from gan.losses import LOSSES
from gan.models import MODELS
from gan.modes import MODES
from gan.optimisers import OPTIMISERS
from gan.penalties import PENALTIES
from gan.run import Run
from gan.step import PRECISIONS, TRACE, Differentiate, autograd, divergence, lead, step


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
            dataset.shape,
            self.latent_dim,
            run.pack,
            channels_last=run.layout == "channels_last",
        )
        self.game = self._game()
        self._restart_draws()
        if distributed.world() > 1:
            self._check_split()
        self._prepare()

    def _prepare(self) -> None:
        """Make the programs that are run of the ones that are written."""
        averaged = distributed.world() > 1
        differentiate: Differentiate = distributed.Averaged() if averaged else autograd
        prepare = MODES[self.run.mode].prepare
        self._step = prepare(partial(step, self.game, differentiate=differentiate))
        self._lead = prepare(partial(lead, self.game, differentiate=differentiate))

    def play(self, game: Game, state: State) -> None:
        """Begin another game, on the run's random numbers from their start.

        Args:
            game: its rules.
            state: of its players.
        """
        self.game, self.state = game, state
        self._restart_draws()
        self._prepare()

    def _check_split(self) -> None:
        """Refuse a game whose minibatches several processes can't share."""
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
            loss_scale=run.loss_scale or 1.0,
            couples_samples=MODELS[run.model].couples_samples,
        )

    @cached_property
    def state(self) -> State:
        """The players and the optimiser's moments, changed in place by every update."""
        return self._initial()

    def _initial(self) -> State:
        """The state before the first update."""
        weights = self.run.rng("weights")
        theta_g, theta_d = (
            network.initial(weights).to(self.run.device, self.run.dtype)
            for network in (self.generator, self.discriminator)
        )
        return self.game.start(theta_g, theta_d)

    def reset(self) -> None:
        """Go back to the first step: the same weights, data order and noise again."""
        self._load(self._initial().tensors())
        self._restart_draws()

    def _load(self, tensors: list[Tensor]) -> None:
        """Take a state's values, in place: a captured graph knows its memory and no other."""
        for mine, other in zip(self.state.tensors(), tensors, strict=True):
            mine.copy_(other)

    def _restart_draws(self) -> None:
        self._draws = self._draws_of("", self.run.discriminator_steps)
        self._lead_draws = self._draws_of("head start ", 1)

    def _draws_of(self, purpose: str, updates: int) -> Draws:
        return Draws([self.stream(purpose, updates)], self.shapes(updates), side_by_side=False)

    def stream(self, purpose: str, updates: int) -> Stream:
        """The run's random numbers for one purpose, from their start.

        Args:
            purpose: "" for its steps.
            updates: of D in each of them.

        Returns:
            A stream that no other has drawn from.
        """
        return Stream(self.run, self.dataset, purpose, self.shapes(updates)[1:])

    def shapes(self, updates: int) -> list[tuple[int, ...]]:
        """What the random numbers of a step look like.

        Args:
            updates: of D in it.

        Returns:
            The shapes of real, z, mix and drop.
        """
        run, shape = self.run, self.dataset.shape
        packed = (run.pack * shape[0], *shape[1:])
        numbers = packed if self.game.penalty.per_element else ()
        return [
            (updates, run.minibatch_samples, *shape),
            (updates + 1, run.minibatch_samples, self.latent_dim),
            (updates, run.batch_size, *numbers),
            (2 * updates + 2, run.batch_size, self.discriminator.uniform_features),
        ]

    def draw(self) -> Batch:
        """The random numbers of the next step, each kind from its own stream.

        Returns:
            k minibatches of data and k + 1 of noise, in the run's dtype, on its device.
        """
        return self._draws.next()

    def latent(self, count: int, rng: torch.Generator) -> Tensor:
        """z ~ N(0, I).

        Args:
            count: N.
            rng: on the run's device.

        Returns:
            (N, latent_dim), in the run's dtype.
        """
        shape = (count, self.latent_dim)
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
        traces = [
            self._lead(self.state, distributed.share(self._lead_draws.next()))
            for _ in range(updates)
        ]
        return torch.stack(traces) if traces else torch.empty(0, 2)

    def step(self) -> Tensor:
        """One step of Algorithm 1 on fresh random numbers.

        Returns:
            (4,), the quantities named in ``gan.step.TRACE``.
        """
        return self._step(self.state, distributed.share(self.draw()))

    def state_dict(self) -> dict[str, Any]:
        """All that the updates so far have changed: what it takes to go on bit-identically.

        Returns:
            Players, moments, average, and every stream of random numbers; tensors that training
            goes on changing, so to be saved before the next update.
        """
        return {
            "tensors": self.state.tensors(),
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
        self._load(kept["tensors"])
        self._draws.load_state_dict(kept["draws"])
        self._lead_draws.load_state_dict(kept["lead_draws"])

    def synchronise(self) -> None:
        """Wait until the device has done all that it was asked to."""
        if self.run.device.startswith("cuda"):
            torch.cuda.synchronize(self.run.device)


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
