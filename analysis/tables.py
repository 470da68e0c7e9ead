"""The tables that run files hold, kind by kind: results/README.md as code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis import schema
from analysis.fields import COUNT, INTEGER, NUMBER, NUMBERS, Fields, nullable, one_of
from analysis.schema import Columns


@dataclass(frozen=True)
class Table:
    """What one kind of run file holds.

    Args:
        columns: name -> "integer", "number", "numbers" or "text"; the file has them all.
        some_columns: the same, of columns that are null where they are not there.
        facts: what the metadata's `facts` hold.
        some_facts: what they hold for some data only.
        words: text column -> the only values it takes.
    """

    columns: Columns
    facts: Fields
    some_columns: Columns = field(default_factory=dict)
    some_facts: Fields = field(default_factory=dict)
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


def numbers(*names: str) -> Columns:
    """Columns of numbers.

    >>> numbers("shift", "cosine")
    {'shift': 'number', 'cosine': 'number'}
    """
    return dict.fromkeys(names, "number")


TRAINING = Table(
    schema.TRAINING_COLUMNS,
    schema.TRAINING_FACTS,
    schema.SOME_TRAINING_COLUMNS,
    schema.SOME_TRAINING_FACTS,
)

GRADIENTS = Table(
    schema.GRADIENTS_COLUMNS, schema.GRADIENTS_FACTS, words={"network": schema.NETWORKS}
)

NUMERICS = Table(
    {"formulation": "text", "gradient_of": "text", **numbers("logit", "gradient", "exact")}, {}
)

PER_SAMPLE = Table(
    {
        "network": "text",
        "dtype": "text",
        "gradient_of": "text",
        **numbers("logit", "d_fake", "one_minus_d_fake"),
        **numbers("to_probability", "to_logit", "to_sample", "to_parameters", "lost"),
    },
    {"trained_steps": INTEGER, "samples": COUNT, "generator_parameters": COUNT},
    numbers("ratio_error", "parameter_error"),
    words={"network": schema.NETWORKS},
)

OPTIMUM = Table(
    {
        "gradient_of": "text",
        **numbers("displacement", "value", "value_error", "exact_value", "jsd"),
        **numbers("d_error", "d_mean", "gradient", "gradient_error"),
    },
    {"discriminator_steps": INTEGER, "samples": COUNT},
    numbers("exact_gradient"),
)

OVERTRAINED = Table(
    {
        "discriminator_step": "integer",
        "gradient_of": "text",
        **numbers(*schema.QUANTILES, "accuracy"),
        **numbers("gradient_norm", "gradient_norm_q05", "gradient_norm_q95", "snr"),
    },
    {"minibatches": COUNT, "tail_count": COUNT},
    numbers("tail_index", "tail_index_low", "tail_index_high"),
)

COUNTERFACTUAL = Table(
    {
        "step": "integer",
        "gradient_of": "text",
        "scope": "text",
        **numbers("count", "d_fake", "gradient_norm"),
    },
    {"batch_size": COUNT},
    numbers("d_low", "d_high", "cosine"),
    words={"scope": ("batch", "bin")},
)

UPDATES = ("simultaneous", "alternating")

VERDICT: Fields = {
    "predicted": one_of("converges", "orbits", "diverges", "stalls", "undefined"),
    "predicted_rate": nullable(NUMBER),
    "measured": one_of("converges", "orbits", "diverges", "stalls", "undecided"),
    "measured_rate": nullable(NUMBER),
    "low": nullable(NUMBER),
    "high": nullable(NUMBER),
    "period_steps": nullable(NUMBER),
    "nearest": nullable(NUMBER),
    "farthest": nullable(NUMBER),
    "theta": nullable(NUMBER),
    "psi": nullable(NUMBER),
}
"""What a Dirac-GAN's facts say of each update rule: `<field>_<rule>`."""

DIRAC = Table(
    {"updates": "text", "step": "integer", **numbers("theta", "psi")},
    {
        "eigenvalues_real": NUMBERS,
        "eigenvalues_imaginary": NUMBERS,
        **{f"radius_{updates}": nullable(NUMBER) for updates in UPDATES},
        **{f"{name}_{updates}": kind for updates in UPDATES for name, kind in VERDICT.items()},
        "grid": NUMBERS,
        "field_theta": NUMBERS,
        "field_psi": NUMBERS,
    },
    words={"updates": UPDATES},
)

SPECTRUM = Table(
    {
        "step": "integer",
        **numbers("real", "imaginary", "field_norm"),
    },
    {"samples": COUNT, "generator_parameters": COUNT, "discriminator_parameters": COUNT},
    numbers("stable_learning_rate", "radius_simultaneous", "radius_alternating"),
)

TABLES: Mapping[str, Table] = {
    "training": TRAINING,
    "numerics": NUMERICS,
    "gradients": GRADIENTS,
    "per_sample": PER_SAMPLE,
    "optimum": OPTIMUM,
    "overtrained": OVERTRAINED,
    "counterfactual": COUNTERFACTUAL,
    "head_start": TRAINING,
    "batches": TRAINING,
    "dirac": DIRAC,
    "spectrum": SPECTRUM,
    "reproduction": TRAINING,
}

# Kinds whose rows are records of training.
CURVES = tuple(kind for kind, table in TABLES.items() if table is TRAINING)
