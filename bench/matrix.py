"""Which cells exist: profiles of studies, each a cross product of the eight axes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from gan.errors import UsageError, unknown
from gan.run import Run

AXES = ("device", "precision", "batch_size", "loss", "penalty", "model", "data", "seed")
KINDS = ("throughput", "gradients", "convergence")

Axes = Mapping[str, tuple[str | int, ...]]


@dataclass(frozen=True)
class Study:
    """A cross product of axes, run with common settings.

    Args:
        kind: one of KINDS: which module of bench/ runs it.
        axes: values of each axis; an axis left out has the one value of DEFAULTS.
        settings: other fields of Run that differ from its defaults.
    """

    kind: str
    axes: Axes
    settings: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix.

    Args:
        kind: one of KINDS.
        run: every setting.
    """

    kind: str
    run: Run

    @property
    def axes(self) -> tuple[str | int, ...]:
        """The values of AXES, by which pytest names the cell."""
        return tuple(getattr(self.run, axis) for axis in AXES)


@dataclass(frozen=True)
class Matrix:
    """The cells of a session, and what a profile names that cannot be.

    Args:
        cells: in the order in which they run.
        left_out: reasons, one line each, for combinations that were dropped.
    """

    cells: tuple[Cell, ...]
    left_out: tuple[str, ...]


DEFAULTS: dict[str, tuple[str | int, ...]] = {
    "device": ("cpu",),
    "precision": ("float32",),
    "batch_size": (64,),
    "loss": ("non_saturating",),
    "penalty": ("none",),
    "model": ("mlp",),
    "data": ("digits",),
    "seed": (0,),
}


def matrix(profile: str, chosen: Axes) -> Matrix:
    """Every cell of a profile, with the axes that the user chose in place of the profile's.

    Args:
        profile: a name of PROFILES.
        chosen: axis -> values, for the axes that the user named.

    Returns:
        Cells without repeats, kind by kind; a combination that can't be (a penalty on a
        batch-normalised discriminator, say) is left out with its reason.

    Raises:
        UsageError: an unknown profile, or no cell is left.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    cells: dict[tuple[str, tuple[str | int, ...]], Cell] = {}
    left_out: dict[str, None] = {}
    for study in PROFILES[profile]:
        for values in product(*(({**DEFAULTS, **study.axes, **chosen})[axis] for axis in AXES)):
            try:
                run = Run(**dict(zip(AXES, values, strict=True)), **study.settings)  # type: ignore[arg-type]  # names and values are checked by Run
            except UsageError as reason:
                left_out[str(reason)] = None
            else:
                cells.setdefault((study.kind, values), Cell(study.kind, run))
    if not cells:
        raise UsageError(f"no cell is left: {'; '.join(left_out)}")
    ordered = sorted(cells.values(), key=lambda cell: KINDS.index(cell.kind))
    return Matrix(tuple(ordered), tuple(left_out))


def parse_axis(option: str, text: str, valid: Iterable[str] | None) -> tuple[str | int, ...]:
    """The values of one axis as a user writes them.

    Args:
        option: its name on the command line, for the error.
        text: values separated by commas.
        valid: known names, or None for whole numbers.

    Returns:
        Values in the order given, without repeats.

    Raises:
        UsageError: an unknown name, or not a whole number.

    >>> parse_axis("--batch-sizes", "16,256", None)
    (16, 256)
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError(f"{option} names no value")
    if valid is not None:
        known = list(valid)
        for word in words:
            if word not in known:
                raise unknown(f"value of {option}", word, known)
        return tuple(dict.fromkeys(words))
    try:
        return tuple(dict.fromkeys(int(word) for word in words))
    except ValueError:
        raise UsageError(f"{option} takes whole numbers, not {text!r}") from None


# One of each family: what a session of minutes can show. The others are a `--losses` away.
CORE_LOSSES = (
    "saturating",
    "non_saturating",
    "maximum_likelihood",
    "least_squares",
    "wasserstein",
    "hinge",
)

Settings = dict[str, float | int | str]

# Five times DCGAN's rate: a session of minutes sees games settle, not start.
_FAST: Settings = {"generator_learning_rate": 1e-3, "discriminator_learning_rate": 1e-3}
# Exact W1 takes time cubic in the samples; 500 cost a tenth of a second.
_POINTS: Settings = _FAST | {"evaluation_samples": 500}

PROFILES: dict[str, tuple[Study, ...]] = {
    # The whole path in about a minute: does it run from end to end?
    "smoke": (
        Study("throughput", {"loss": ("saturating", "non_saturating"), "batch_size": (16, 64)}),
        Study("gradients", {}, {"steps": 50} | _FAST),
        Study(
            "convergence",
            {"loss": ("saturating", "non_saturating")},
            {"steps": 60, "records": 4, "evaluation_samples": 200} | _FAST,
        ),
        Study(
            "convergence", {"data": ("ring", "gaussian1d")}, {"steps": 60, "records": 4} | _POINTS
        ),
    ),
    # What `tox -e report` runs: under 10 minutes on two cores.
    "quick": (
        Study("throughput", {"loss": CORE_LOSSES, "batch_size": (16, 64, 256, 1024)}),
        Study(
            "throughput",
            {
                "device": ("cuda",),
                "precision": ("float32", "bfloat16", "float16"),
                "loss": ("non_saturating", "wasserstein"),
                "batch_size": (16, 64, 256, 1024),
            },
        ),
        Study("throughput", {"precision": ("bfloat16",), "batch_size": (16, 64, 256, 1024)}),
        Study("throughput", {"penalty": ("r1", "wgan_gp"), "batch_size": (16, 64, 256, 1024)}),
        Study(
            "throughput",
            {"model": ("goodfellow2014", "dcgan"), "batch_size": (16, 64, 256)},
        ),
        Study("gradients", {"model": ("mlp", "goodfellow2014", "dcgan")}, {"steps": 300} | _FAST),
        Study("gradients", {"data": ("ring",)}, {"steps": 1000} | _POINTS),
        Study(
            "convergence",
            {"loss": CORE_LOSSES, "seed": (0, 1, 2)},
            {"steps": 1200, "records": 20} | _FAST,
        ),
        Study(
            "convergence",
            {"data": ("ring",), "loss": ("saturating", "non_saturating"), "seed": tuple(range(8))},
            {"steps": 1500, "records": 15} | _POINTS,
        ),
        Study(
            "convergence",
            {"data": ("gaussian1d",), "loss": ("saturating", "non_saturating")},
            # k = 10 keeps D near its optimum, as the paper's Figure 1 assumes.
            {"steps": 1000, "records": 10, "discriminator_steps": 10} | _POINTS,
        ),
    ),
    # Every axis: hours on a processor, made for a GPU and for sessions that are continued.
    "full": (
        Study(
            "throughput",
            {
                "device": ("cpu", "cuda"),
                "precision": ("float32", "bfloat16", "float16"),
                "loss": CORE_LOSSES,
                "penalty": ("none", "r1", "wgan_gp"),
                "model": ("mlp", "goodfellow2014", "dcgan", "dcgan_layernorm"),
                "batch_size": (16, 64, 256, 1024),
            },
        ),
        Study(
            "gradients",
            {
                "model": ("mlp", "goodfellow2014", "dcgan"),
                "data": ("digits", "fashion_mnist", "ring", "grid"),
                "seed": tuple(range(8)),
            },
            {"steps": 2000},
        ),
        Study(
            "convergence",
            {
                "loss": CORE_LOSSES,
                "penalty": ("none", "r1", "wgan_gp"),
                "data": ("digits", "fashion_mnist"),
                "model": ("mlp", "goodfellow2014", "dcgan_layernorm"),
                "seed": tuple(range(8)),
            },
            {"steps": 20_000, "records": 40, "evaluation_samples": 2000},
        ),
        Study(
            "convergence",
            {
                "loss": CORE_LOSSES,
                "penalty": ("none", "r1", "wgan_gp"),
                "data": ("gaussian1d", "ring", "grid"),
                "seed": tuple(range(8)),
            },
            {"steps": 20_000, "records": 40} | _POINTS,
        ),
    ),
}
