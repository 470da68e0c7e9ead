"""CELLS: the games that the gate compares, each by what it has that a plain run has not."""

from collections.abc import Mapping

Fields = Mapping[str, str | int | float]

# Small ones are bound by dispatch, the others by arithmetic and memory; a penalty differentiates
# twice, the compiled ones are one program, an ensemble is a vmapped one. The 28x28 images are not
# among them: not every machine has them.
CELLS: Mapping[str, Fields] = {
    "ring": {"data": "ring"},
    "ring-r1": {"data": "ring", "penalty": "r1"},
    "ring-compile": {"data": "ring", "mode": "compile"},
    "ring-r1-compile": {"data": "ring", "penalty": "r1", "mode": "compile"},
    "ring-ensemble": {"data": "ring", "ensemble": 8},
    "digits": {"data": "digits"},
    "digits-compile": {"data": "digits", "mode": "compile"},
    "digits-dcgan": {"data": "digits", "model": "dcgan"},
}
"""Name -> the fields of ``gan.run.Run`` that are not its defaults."""

FAST = {"generator_learning_rate": 2e-3, "discriminator_learning_rate": 2e-3}
"""At Adam's 2e-4 the ring's generator has found no mode when the gate has no more time."""

STEPS = {"ring": 1000, "digits": 800}
"""Of a training, by data."""

QUALITY: Mapping[str, Fields] = {
    name: {**fields, "steps": STEPS[str(fields["data"])], "records": 2, **FAST}
    for name, fields in CELLS.items()
}
"""What is trained seed by seed where a cell's numbers changed: the cell itself, since a game next
to it might not have been touched."""
