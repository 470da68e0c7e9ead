"""Run: everything that determines a result, in one frozen record."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from gan import distributed
from gan.data import DATASETS, Dataset
from gan.domains import check_numbers, check_seed
from gan.errors import UsageError, unknown
from gan.losses import LOSSES
from gan.models import MODELS
from gan.models.model import convolves
from gan.modes import MODES, check_mode
from gan.network import LAYOUTS
from gan.optimisers import OPTIMISERS, Rates
from gan.penalties import PENALTIES
from gan.step import PRECISIONS

NAMES: Mapping[str, Mapping[str, object]] = {
    "loss": LOSSES,
    "penalty": PENALTIES,
    "model": MODELS,
    "data": DATASETS,
    "optimiser": OPTIMISERS,
    "precision": PRECISIONS,
    "layout": LAYOUTS,
    "mode": MODES,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that determines a training run; validated when it is made.

    Args:
        loss: a name of LOSSES.
        penalty: a name of PENALTIES.
        penalty_weight: coefficient of the penalty's mean (R1: γ/2; WGAN-GP: λ); None is the
            usual one.
        weight_clip: bound c of the critic's weights, 0 for none; None is 0.01 for wasserstein
            without a penalty, as in its paper, unless the model normalises its weights, and 0
            for every other game.
        model: a name of MODELS.
        data: a name of DATASETS.
        optimiser: a name of OPTIMISERS, for both players.
        generator_learning_rate: η of G.
        discriminator_learning_rate: η of D.
        momentum: μ of sgd; the 2014 paper starts at .5.
        beta1: of adam; .5 as in DCGAN.
        beta2: of adam.
        adam_epsilon: ε of adam.
        batch_size: N, logits in a minibatch of either side: of samples, or of packs.
        pack: m, samples that the discriminator judges at once, side by side (PacGAN); a minibatch
            then holds N·m samples of data, and of noise, as in its authors' code.
        discriminator_steps: k, discriminator updates per step.
        head_start: discriminator updates before the first step.
        latent_dim: size of z; None is the model's usual.
        average_decay: of the generator's moving average; .995 has a half-life of 138 steps, 9,000
            samples at batch 64, close to the 10,000 of Karras et al. 2018.
        precision: a name of PRECISIONS.
        loss_scale: what losses are multiplied by before backpropagation, and gradients divided by
            after it; None is 1024 for float16, whose range ends at 6e-8, and 1 for every other.
        layout: a name of LAYOUTS, how images and convolutions' weights lie in memory.
        device: "cpu", "cuda" or "cuda:1".
        mode: a name of MODES, how a step is executed.
        ensemble: E, how many runs are trained side by side as one program: this one and those of
            the other seeds from ⌊seed / E⌋ E on; 1 is this one alone.
        seed: of weights, data order, noise, dropout and evaluation, each a stream of its own.
        steps: generator updates.
        records: evaluations along the way, besides the one before training.
        evaluation_samples: samples in each evaluation.

    Raises:
        UsageError: an unknown name, or a number outside its domain.

    >>> Run(loss="hinge", data="ring").penalty_weight
    0.0
    >>> Run(loss="hinges")
    Traceback (most recent call last):
        ...
    gan.errors.UsageError: unknown loss 'hinges': choose from saturating, non_saturating, ...
    """

    loss: str = "non_saturating"
    penalty: str = "none"
    penalty_weight: float | None = None
    weight_clip: float | None = None
    model: str = "mlp"
    data: str = "digits"
    optimiser: str = "adam"
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    momentum: float = 0.5
    beta1: float = 0.5
    beta2: float = 0.999
    adam_epsilon: float = 1e-8
    batch_size: int = 64
    pack: int = 1
    discriminator_steps: int = 1
    head_start: int = 0
    latent_dim: int | None = None
    average_decay: float = 0.995
    precision: str = "float32"
    loss_scale: float | None = None
    layout: str = "contiguous"
    device: str = "cpu"
    mode: str = "eager"
    ensemble: int = 1
    seed: int = 0
    steps: int = 1000
    records: int = 20
    evaluation_samples: int = 1000

    def __post_init__(self) -> None:
        """Check every field, then replace each None by the number it stands for."""
        for field, table in NAMES.items():
            if getattr(self, field) not in table:
                raise unknown("data set" if field == "data" else field, getattr(self, field), table)
        check_numbers(self.as_dict())
        if self.penalty_weight is None:
            object.__setattr__(self, "penalty_weight", PENALTIES[self.penalty].usual_weight)
        if self.loss_scale is None:
            object.__setattr__(self, "loss_scale", 1024.0 if self.precision == "float16" else 1.0)
        if self.weight_clip is None:
            unbounded = self.loss == "wasserstein" and self.penalty == "none"
            constrained = MODELS[self.model].normalises_weights
            object.__setattr__(self, "weight_clip", 0.01 if unbounded and not constrained else 0.0)
        if MODELS[self.model].couples_samples and self.penalty_weight:
            raise UsageError(
                f"penalty {self.penalty} needs a logit that depends on one sample alone, but the "
                f"discriminator of {self.model} is batch-normalised: use {self.model}_layernorm"
            )

    @property
    def minibatch_samples(self) -> int:
        """N·m: how many samples of data, and of noise, an update draws.

        >>> Run(batch_size=100, pack=2).minibatch_samples
        200
        """
        return self.batch_size * self.pack

    def members(self) -> list["Run"]:
        """The runs that are trained together, in the order of their seeds.

        >>> [run.seed for run in Run(seed=9, ensemble=8).members()]
        [8, 9, 10, 11, 12, 13, 14, 15]
        """
        first = self.seed - self.seed % self.ensemble
        seeds = range(first, first + self.ensemble)
        return [dataclasses.replace(self, seed=seed) for seed in seeds]

    def with_seed(self, seed: object) -> "Run":
        """The same run of another seed, of which alone it depends whether it is valid.

        Args:
            seed: a whole number.

        Returns:
            What ``dataclasses.replace`` gives, in a tenth of the time.

        Raises:
            UsageError: no run has such a seed.

        >>> Run(loss="hinge").with_seed(3) == Run(loss="hinge", seed=3)
        True
        """
        check_seed(seed)
        other = object.__new__(Run)
        other.__dict__.update(vars(self), seed=seed)
        return other

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of parameters and losses: float32 unless the precision is wider."""
        return torch.float64 if self.precision == "float64" else torch.float32

    def rates(self, learning_rate: float) -> Rates:
        """The optimiser's settings at a learning rate.

        Args:
            learning_rate: of one of the two players.

        Returns:
            What OPTIMISERS[...].update reads.
        """
        return Rates(learning_rate, self.momentum, self.beta1, self.beta2, self.adam_epsilon)

    def rng(self, purpose: str, device: str = "cpu") -> torch.Generator:
        """A stream of random numbers of its own for each purpose.

        Two runs with one seed that differ in their loss see the same weights, data and noise; and
        evaluating more often changes nothing but the evaluations.

        Args:
            purpose: "weights", "data", "noise", …
            device: where the numbers are drawn.

        Returns:
            A generator seeded by (seed, purpose).
        """
        digest = hashlib.sha256(f"{self.seed}:{purpose}".encode()).digest()
        return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little") >> 1)

    def as_dict(self) -> dict[str, str | int | float | None]:
        """Every field by name, ready for JSON."""
        return dict(vars(self))  # every value is a scalar: there is nothing to copy

    def check(self, dataset: Dataset) -> None:
        """Check what only the machine and the data can tell, before any work.

        Args:
            dataset: the loaded data set.

        Raises:
            UsageError: an absent device or a mode that it lacks, a minibatch larger than the data
                or too small for the model, an evaluation that does not come out in packs, a layout
                without convolutions or of an ensemble, or a model that can't make samples of this
                shape or judge packs of them.
        """
        check_device(self.device)
        check_mode(self.mode, self.device, distributed.world())
        if dataset.size is not None and self.minibatch_samples > dataset.size:
            packs = f" of packs of {self.pack}" if self.pack > 1 else ""
            raise UsageError(
                f"batch size {self.batch_size}{packs} is larger than the {dataset.size:,} training "
                f"images of {self.data}",
                field="batch_size",
            )
        evaluated = min(self.evaluation_samples, dataset.size or self.evaluation_samples)
        if evaluated % self.pack:
            raise UsageError(
                f"{evaluated:,} evaluation samples of {self.data} do not come out in packs of "
                f"{self.pack}: choose evaluation_samples that do",
                field="pack",
            )
        model = MODELS[self.model]
        if self.minibatch_samples < model.fewest_samples:
            raise UsageError(
                f"batch size {self.batch_size} is too small: the generator of {self.model} is "
                f"batch-normalised and takes at least {model.fewest_samples} samples",
                field="batch_size",
            )
        latent_dim = self.latent_dim or model.latent_dim(dataset.shape)
        images = convolves(model, dataset.shape, latent_dim, self.pack)
        if self.layout != "contiguous" and not images:
            raise UsageError(
                f"layout {self.layout} is of convolutions: {self.model} has none", field="layout"
            )
        if self.layout != "contiguous" and self.ensemble > 1:
            raise UsageError(
                f"layout {self.layout} is of one run: the images of an ensemble are contiguous"
            )
        if self.ensemble > 1 and distributed.world() > 1:
            raise UsageError("an ensemble is trained in one process", field="ensemble")

    def need_single_samples(self, experiment: str) -> None:
        """Refuse packs where something asks what D makes of one sample.

        Args:
            experiment: what it is called in the error.

        Raises:
            UsageError: pack is above 1.
        """
        if self.pack > 1:
            raise UsageError(
                f"{experiment} takes single samples, but this discriminator judges packs of "
                f"{self.pack}: set pack to 1",
                field="pack",
            )


def check_device(name: str) -> None:
    """Raise UsageError unless torch can compute on this device.

    Args:
        name: as in ``torch.device``.

    Raises:
        UsageError: not a device, or one that this machine lacks.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}: choose from cpu, cuda, cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"unknown device {name!r}: choose from cpu, cuda, cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise UsageError(
            f"device {name} is absent: torch sees {found} CUDA devices", field="device"
        )
