"""A stored run for tests of the store: what it holds, and its file."""

from pathlib import Path

from gan import store
from gan.run import Run

STORED = store.Stored(
    kind="training",
    run=Run(data="ring", steps=2),
    rows=[
        {"step": 0, "seconds": 0.0, "w1": 1.5, "fid": None, "samples": [0.25, -0.5]},
        {"step": 2, "seconds": 0.1, "w1": float("nan"), "fid": None},
    ],
    status="finished",
    message="",
    stopped_step=2,
    facts={"sample_shape": [2]},
)


def written(folder: Path) -> Path:
    """The file of the stored run."""
    file = store.write(folder, STORED)
    assert isinstance(file, Path)
    return file
