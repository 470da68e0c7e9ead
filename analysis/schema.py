"""The data format of results/README.md as tables. A field that may be null says so."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.errors import UsageError
from analysis.fields import (
    BOOLEAN,
    COUNT,
    INTEGER,
    NUMBER,
    NUMBERS,
    OBJECT,
    OBJECTS,
    POINTS,
    POSITIVE,
    SHAPE,
    TEXT,
    TEXTS,
    Fields,
    check,
    nullable,
    one_of,
)

SCHEMA = 1
RUN_SCHEMAS = (1, 2)
"""Of run files: those of 1 have a checksum of what they say, or none; of 2 a seal of the file."""

Columns = Mapping[str, str]


def check_schema(record: Mapping[str, Any], where: str, known: Sequence[int] = (SCHEMA,)) -> None:
    """Refuse every schema number that this version does not know.

    Args:
        record: the object that states its `schema`.
        where: how to call the object in the error.
        known: the numbers.

    Raises:
        UsageError: the number is missing or unknown.
    """
    check(record, {"schema": INTEGER}, where)
    if record["schema"] not in known:
        raise UsageError(
            f"{where}.schema: this version reads {' and '.join(map(str, known))}, found"
            f" {record['schema']};"
            " use the version of saddle-bench that wrote it"
        )


STATUSES = ("finished", "diverged", "out_of_memory", "unsupported")
STATUS = one_of(*STATUSES)

DOCUMENT: Fields = {"machine_info": OBJECT, "benchmarks": OBJECTS}

MACHINE: Fields = {
    "cpu": TEXT,
    "cores": COUNT,
    "threads": COUNT,
    "affinity": COUNT,
    "memory_bytes": COUNT,
    "gpu": nullable(TEXT),
    "torch": TEXT,
    "cuda": nullable(TEXT),
    "cudnn": nullable(INTEGER),
    "python": TEXT,
    "os": TEXT,
    "profile": TEXT,
    "load_average_before": nullable(NUMBER),
    "load_average_after": nullable(NUMBER),
    "steal_seconds": nullable(NUMBER),
    "status": one_of("finished", "interrupted"),
}

SOME_MACHINE: Fields = {"arguments": TEXTS}

CELL: Fields = {"group": TEXT, "params": nullable(OBJECT), "extra_info": OBJECT}

EXTRA_INFO: Fields = {
    "kind": TEXT,
    "status": STATUS,
    "message": TEXT,
    "run": OBJECT,
    "key": TEXT,
}

THROUGHPUT: Fields = {
    "steps_per_block": COUNT,
    "first_call_seconds": nullable(NUMBER),
    "flops_per_step": nullable(NUMBER),
    "peak_memory_bytes": nullable(NUMBER),
    "generator_parameters": nullable(INTEGER),
    "discriminator_parameters": nullable(INTEGER),
}

SOME_THROUGHPUT: Fields = {
    "least_bytes_per_step": nullable(POSITIVE),
    "working_set_bytes": nullable(POSITIVE),
    "operators_per_step": nullable(POSITIVE),
}
"""What a step must do besides arithmetic; results from before it was counted have none."""

PRODUCTS: Fields = {"product_dtypes": TEXT}

OVERHEAD: Fields = {
    "quantity": TEXT,
    "unit": one_of("ratio", "share", "seconds", "bytes"),
}

SOME_OVERHEAD: Fields = {"goal": POSITIVE}

PEERS: Fields = {
    "peers": OBJECT,
    "first_call_seconds": OBJECT,
    "left_out": OBJECT,
}

CONVERGENCE: Fields = {"reused": BOOLEAN}

FIRST_AXES: Fields = {
    "device": TEXT,
    "precision": TEXT,
    "batch_size": COUNT,
    "loss": TEXT,
    "penalty": nullable(TEXT),
    "model": TEXT,
    "data": TEXT,
    "seed": INTEGER,
}

LATER_AXES: Fields = {"layout": TEXT, "mode": TEXT, "ensemble": COUNT}

USUAL: Mapping[str, str | int] = {"layout": "contiguous", "mode": "eager", "ensemble": 1}
"""What every run was before there was a choice."""

AXES: Fields = {**FIRST_AXES, **LATER_AXES}

RUN_FILE: Fields = {
    "kind": TEXT,
    "key": TEXT,
    "run": OBJECT,
    "status": STATUS,
    "message": TEXT,
    "stopped_step": nullable(INTEGER),
    "torch": TEXT,
    "machine": TEXT,
    "facts": OBJECT,
}

SEAL: Fields = {"seal": TEXT}

TRAINING_FACTS: Fields = {
    "sample_shape": SHAPE,
    "generator_parameters": COUNT,
    "discriminator_parameters": COUNT,
    "real_samples": NUMBERS,
}

SOME_TRAINING_FACTS: Fields = {
    "mode_centres": nullable(POINTS),
    "mode_sigma": nullable(NUMBER),
    "grid": nullable(NUMBERS),
    "density_on_grid": nullable(NUMBERS),
    "classifier_accuracy": nullable(NUMBER),
}

GRADIENTS_FACTS: Fields = {"trained_steps": INTEGER, "batch_size": COUNT, "dtype": TEXT}

QUANTILES = ("d_fake_q05", "d_fake_q25", "d_fake_q50", "d_fake_q75", "d_fake_q95")

NETWORKS = ("untrained", "trained")

TRAINING_COLUMNS: Columns = {
    "step": "integer",
    "seconds": "number",
    "generator_loss": "number",
    "discriminator_loss": "number",
    "generator_gradient_norm": "number",
    "discriminator_gradient_norm": "number",
    "saturating_gradient_norm": "number",
    "non_saturating_gradient_norm": "number",
    "d_real": "number",
    **dict.fromkeys(QUANTILES, "number"),
    "accuracy": "number",
}

SOME_TRAINING_COLUMNS: Columns = {
    "modes": "number",
    "high_quality": "number",
    "kl": "number",
    "w1": "number",
    "fid": "number",
    "kid": "number",
    "game_value": "number",
    "knn_precision": "number",
    "knn_recall": "number",
    "density": "number",
    "coverage": "number",
    "sliced_w": "number",
    "mmd": "number",
    "samples": "numbers",
    "logits_on_grid": "numbers",
}
"""What only some data have; a column that is not there is null."""

GRADIENTS_COLUMNS: Columns = {
    "network": "text",
    "shift": "number",
    "d_fake": "number",
    "one_minus_d_fake": "number",
    "saturating_gradient_norm": "number",
    "non_saturating_gradient_norm": "number",
    "cosine": "number",
}
