"""PROFILES: which studies a session of minutes, or of hours, consists of."""

from collections.abc import Iterable, Mapping

from bench import choices, dirac, overhead, reproduction
from bench.peers import studies as peers
from bench.study import Axes, Settings, Study, Value
from gan.losses import LOSSES
from gan.penalties import PENALTIES

# One of each family: what a session of minutes can show. The others are a `--losses` away.
CORE_LOSSES = (
    "saturating",
    "non_saturating",
    "maximum_likelihood",
    "least_squares",
    "wasserstein",
    "hinge",
)


def _rates(learning_rate: float) -> Settings:
    """One learning rate for both players."""
    return {
        "generator_learning_rate": learning_rate,
        "discriminator_learning_rate": learning_rate,
    }


# Five times DCGAN's rate: a session of minutes sees games settle, not start.
_FAST = _rates(1e-3)
# Exact W1 takes time cubic in the samples; 500 cost a tenth of a second.
_POINTS: Settings = _FAST | {"evaluation_samples": 500}

# The fewest updates after which D is within a percent of D* on the line.
_OPTIMUM: Settings = _FAST | {"steps": 250, "evaluation_samples": 4000}

# Both players' rule and rates. The paper's own algorithm is SGD with momentum; Adam came later.
_OPTIMISERS: dict[str, Settings] = {
    "sgd": _rates(0.05) | {"optimiser": "sgd", "momentum": 0.0},
    "momentum": _rates(0.01) | {"optimiser": "sgd", "momentum": 0.9},
    "adam": _FAST,
    # Large beside a vanishing gradient, small beside a healthy one.
    "adam_large_epsilon": _FAST | {"adam_epsilon": 1e-3},
}


def _head_starts(axes: Axes, settings: Settings, optimisers: Iterable[str]) -> tuple[Study, ...]:
    """The consequence of a head start, a study for each optimiser."""
    return tuple(
        Study("head_start", axes, {**settings, **_OPTIMISERS[name]}, variant=name)
        for name in optimisers
    )


def _spectra(axes: Axes, settings: Settings) -> Study:
    """The game's Jacobian under plain gradient descent, whose steps its eigenvalues judge."""
    plain: Settings = {**_OPTIMISERS["sgd"], **_rates(0.1), "weight_clip": 0.0}
    return Study("spectrum", {"data": ("ring",), **axes}, {**plain, **settings})


def _batches(axes: Axes, steps: Mapping[int, int], settings: Settings) -> tuple[Study, ...]:
    """The same game at several batch sizes, each for steps that take about the same time.

    G is judged as it is: an average over steps would keep much of the start in the few steps of a
    large batch, and count against it.
    """
    return tuple(
        Study(
            "batches",
            {**axes, "batch_size": (size,)},
            {"average_decay": 0.0, **settings, "steps": n},
        )
        for size, n in steps.items()
    )


GOODFELLOW: tuple[Value, ...] = ("saturating", "non_saturating")
FORMATS: tuple[Value, ...] = ("float64", "float32", "bfloat16", "float16")
EIGHT: tuple[Value, ...] = tuple(range(8))
ALL_DIGITS = 1497
"""Training images of digits: one minibatch of this size is the full data set."""

# Every claim of the ledger, in under 4 minutes on two cores; a verdict over seeds takes 8 of them.
LEDGER: tuple[Study, ...] = (
    Study("numerics", {"precision": FORMATS}),
    *dirac.studies(tuple(LOSSES), ("r1", "r2", "wgan_gp")),
    Study("gradients", {}, {"steps": 300} | _FAST),
    Study("gradients", {"data": ("ring",)}, {"steps": 1000} | _POINTS),
    Study("per_sample", {"data": ("ring", "digits"), "batch_size": (32,)}, {"steps": 300} | _FAST),
    Study(
        "optimum",
        {"data": ("gaussian1d",), "batch_size": (128,), "seed": EIGHT},
        _OPTIMUM,
    ),
    Study(
        "overtrained",
        {"data": ("ring",), "batch_size": (32,), "seed": EIGHT},
        # Five times the rate of the others: D is overtrained within seconds.
        {"steps": 1000, "discriminator_learning_rate": 5e-3},
    ),
    Study(
        "counterfactual",
        {"data": ("ring", "digits"), "seed": EIGHT},
        {"steps": 100, "records": 4} | _FAST,
    ),
    _spectra(
        {
            "loss": ("non_saturating", "wasserstein"),
            "penalty": ("none", "r1"),
            "model": ("mlp_tiny",),
        },
        {"steps": 900, "records": 3, "evaluation_samples": 128},
    ),
    *_head_starts(
        {"loss": GOODFELLOW, "head_start": (1000,), "batch_size": (16,), "seed": EIGHT},
        {"steps": 400, "records": 10, "evaluation_samples": 300},
        ("sgd",),
    ),
    *_batches({}, {4: 1000, 16: 900, 64: 500, 256: 150, ALL_DIGITS: 30}, {"records": 10} | _FAST),
)

# The same with every loss, optimiser and data set: about three hours of one core.
FULL_LEDGER: tuple[Study, ...] = (
    Study("numerics", {"device": ("cpu", "cuda"), "precision": FORMATS}),
    *dirac.studies(tuple(LOSSES), tuple(name for name in PENALTIES if name != "none")),
    Study(
        "gradients",
        {"model": ("mlp", "goodfellow2014", "dcgan"), "data": ("digits", "fashion_mnist")},
        {"steps": 1000},
    ),
    Study("gradients", {"data": ("ring", "grid"), "seed": (0, 1, 2)}, {"steps": 2000} | _POINTS),
    Study(
        "per_sample",
        {"data": ("ring", "digits", "fashion_mnist"), "batch_size": (32,), "seed": (0, 1)},
        {"steps": 1000} | _FAST,
    ),
    Study("per_sample", {"model": ("goodfellow2014",), "batch_size": (32,)}, {"steps": 300}),
    Study(
        "optimum",
        {"data": ("gaussian1d",), "batch_size": (256,), "seed": EIGHT},
        {"steps": 1000, "evaluation_samples": 10_000} | _FAST,
    ),
    Study(
        "overtrained",
        {"data": ("ring", "digits"), "batch_size": (32,), "seed": EIGHT},
        {"steps": 20_000} | _FAST,
    ),
    Study(
        "overtrained",
        {"data": ("fashion_mnist",), "batch_size": (32,)},
        {"steps": 20_000} | _FAST,
    ),
    Study(
        "counterfactual",
        {"data": ("ring", "digits"), "loss": GOODFELLOW, "seed": EIGHT},
        {"steps": 1000, "records": 20} | _FAST,
    ),
    Study(
        "counterfactual",
        {"data": ("fashion_mnist",), "loss": GOODFELLOW, "seed": EIGHT},
        {"steps": 300, "records": 10} | _FAST,
    ),
    Study(
        "counterfactual",
        {"data": ("ring", "digits"), "loss": tuple(sorted(set(LOSSES) - set(GOODFELLOW)))},
        {"steps": 1000, "records": 20} | _FAST,
    ),
    _spectra(
        {
            "loss": CORE_LOSSES,
            "penalty": ("none", "r1", "wgan_gp"),
            "model": ("mlp_small",),
            "seed": (0, 1, 2),
        },
        {"steps": 5000, "records": 4, "evaluation_samples": 256},
    ),
    *_head_starts(
        {"loss": GOODFELLOW, "head_start": (0, 2000), "batch_size": (16,), "seed": EIGHT},
        {"steps": 1000, "records": 20, "evaluation_samples": 300},
        _OPTIMISERS,
    ),
    *_head_starts(
        {"data": ("ring",), "loss": GOODFELLOW, "head_start": (0, 500, 2000), "seed": EIGHT},
        {"steps": 1000, "records": 10, "evaluation_samples": 500},
        _OPTIMISERS,
    ),
    *_batches(
        {"seed": EIGHT},
        {4: 4000, 16: 3000, 64: 1500, 256: 500, 1024: 150, ALL_DIGITS: 100},
        {"records": 20} | _FAST,
    ),
    *_batches(
        {"data": ("ring",), "seed": EIGHT},
        {4: 3000, 16: 3000, 64: 2500, 256: 1500, 1024: 500},
        {"records": 20} | _POINTS,
    ),
)

PROFILES: dict[str, tuple[Study, ...]] = {
    # The whole path in about a minute: does it run from end to end?
    "smoke": (
        Study("throughput", {"loss": ("saturating", "non_saturating"), "batch_size": (16, 64)}),
        Study("numerics", {"precision": FORMATS}),
        *dirac.studies(GOODFELLOW, ("r1",)),
        # D trained alone first, for a verdict that does not hang on the last bits: over seeds the
        # lowest cosine is 0.35 to 0.95 where 0.99 decides; after 2,000 steps of both 0.43 to 0.997.
        Study("gradients", {"data": ("ring",)}, {"steps": 20, "head_start": 500} | _POINTS),
        Study("per_sample", {"data": ("ring",), "batch_size": (8,)}, {"steps": 50} | _FAST),
        Study("optimum", {"data": ("gaussian1d",), "batch_size": (128,)}, _OPTIMUM),
        Study("overtrained", {"data": ("ring",), "batch_size": (16,)}, {"steps": 20} | _FAST),
        Study("counterfactual", {"data": ("ring",)}, {"steps": 20, "records": 3} | _FAST),
        _spectra({"model": ("mlp_tiny",)}, {"steps": 20, "records": 1, "evaluation_samples": 64}),
        *_head_starts(
            {"loss": GOODFELLOW, "head_start": (100,)},
            {"steps": 20, "records": 2, "evaluation_samples": 200},
            ("sgd",),
        ),
        *_batches({}, {4: 30, 64: 30}, {"records": 2, "evaluation_samples": 200} | _FAST),
        Study(
            "convergence",
            {"loss": ("saturating", "non_saturating")},
            {"steps": 60, "records": 4, "evaluation_samples": 200} | _FAST,
        ),
        Study(
            "convergence", {"data": ("ring", "gaussian1d")}, {"steps": 60, "records": 4} | _POINTS
        ),
        reproduction.plane(1, {"steps": 5, "records": 1, "evaluation_samples": 200}),
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
        *choices.QUICK,
        Study("gradients", {"model": ("goodfellow2014", "dcgan")}, {"steps": 300} | _FAST),
        *LEDGER,
        Study(
            "convergence",
            {"loss": CORE_LOSSES, "seed": (0, 1, 2)},
            {"steps": 600, "records": 12} | _FAST,
        ),
        Study(
            "convergence",
            {"data": ("ring",), "loss": GOODFELLOW, "seed": EIGHT},
            {"steps": 1000, "records": 10} | _POINTS,
        ),
        Study(
            "convergence",
            {"data": ("gaussian1d",), "loss": ("saturating", "non_saturating")},
            # k = 10 keeps D near its optimum, as the paper's Figure 1 assumes.
            {"steps": 500, "records": 10, "discriminator_steps": 10} | _POINTS,
        ),
    ),
    # What `python -m analysis claims` asks for.
    "ledger": LEDGER,
    "ledger_full": FULL_LEDGER,
    # Every axis: days on a processor, made for a GPU and for sessions that are continued.
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
        *choices.FULL,
        *FULL_LEDGER,
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
        *reproduction.PAPERS,
    ),
    # What measuring itself costs: ten minutes.
    "overhead": overhead.STUDIES,
    # The suite's step beside JAX's and the textbook's: an hour and a half.
    "peers": peers.STUDIES,
    # Rows of published tables: an hour and a half of two cores, and a day of two.
    "reproduction_short": reproduction.SHORT,
    "reproduction": reproduction.DAY,
}
