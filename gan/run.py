"""Run: everything that determines a result, in one frozen record."""

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from gan.data import DATASETS, Dataset
from gan.errors import UsageError, unknown
from gan.losses import LOSSES
from gan.models import MODELS
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
        batch_size: N, samples in a minibatch of data, and of noise.
        discriminator_steps: k, discriminator updates per step.
        head_start: discriminator updates before the first step.
        latent_dim: size of z; None is the model's usual.
        average_decay: of the generator's moving average; .995 has a half-life of 138 steps, 9,000
            samples at batch 64, close to the 10,000 of Karras et al. 2018.
        precision: a name of PRECISIONS.
        device: "cpu", "cuda" or "cuda:1".
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
    discriminator_steps: int = 1
    head_start: int = 0
    latent_dim: int | None = None
    average_decay: float = 0.995
    precision: str = "float32"
    device: str = "cpu"
    seed: int = 0
    steps: int = 1000
    records: int = 20
    evaluation_samples: int = 1000

    def __post_init__(self) -> None:
        """Check every field, then replace each None by the number it stands for."""
        for field, table in NAMES.items():
            if getattr(self, field) not in table:
                raise unknown("data set" if field == "data" else field, getattr(self, field), table)
        for field, (low, high) in _DOMAINS.items():
            _check_number(field, getattr(self, field), low, high)
        for field in _WHOLE:
            if getattr(self, field) is not None and not isinstance(getattr(self, field), int):
                raise UsageError(f"{field} must be a whole number, not {getattr(self, field)!r}")
        if self.penalty_weight is None:
            object.__setattr__(self, "penalty_weight", PENALTIES[self.penalty].usual_weight)
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
        return dataclasses.asdict(self)

    def check(self, dataset: Dataset) -> None:
        """Check what only the machine and the data can tell, before any work.

        Args:
            dataset: the loaded data set.

        Raises:
            UsageError: an absent device, a minibatch larger than the data, or a model that can't
                make samples of this shape.
        """
        check_device(self.device)
        if dataset.size is not None and self.batch_size > dataset.size:
            raise UsageError(
                f"batch size {self.batch_size} is larger than the {dataset.size:,} training images "
                f"of {self.data}",
                field="batch_size",
            )
        model = MODELS[self.model]
        model.networks(dataset.shape, self.latent_dim or model.latent_dim(dataset.shape))


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


_DOMAINS: dict[str, tuple[float, float]] = {
    "penalty_weight": (0, math.inf),
    "weight_clip": (0, math.inf),
    "generator_learning_rate": (0, math.inf),
    "discriminator_learning_rate": (0, math.inf),
    "momentum": (0, 1),
    "beta1": (0, 1),
    "beta2": (0, 1),
    "adam_epsilon": (0, math.inf),
    "batch_size": (1, math.inf),
    "discriminator_steps": (1, math.inf),
    "head_start": (0, math.inf),
    "latent_dim": (1, math.inf),
    "average_decay": (0, 1),
    "seed": (0, 2**63),
    "steps": (0, math.inf),
    "records": (1, math.inf),
    "evaluation_samples": (2, math.inf),
}
_WHOLE = (
    "batch_size",
    "discriminator_steps",
    "head_start",
    "latent_dim",
    "seed",
    "steps",
    "records",
    "evaluation_samples",
)
_OPTIONAL = ("penalty_weight", "weight_clip", "latent_dim")


def _check_number(field: str, value: object, low: float, high: float) -> None:
    """Raise UsageError unless low ≤ value < high; None is allowed where it has a meaning."""
    if value is None and field in _OPTIONAL:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value < high):  # type: ignore[operator]  # checked on the left
        words = f"at least {low:g}" if math.isinf(high) else f"in [{low:g}, {high:g})"
        raise UsageError(f"{field} must be {words}, not {value!r}")
