"""What the profiler records of a step, and what it says meanwhile."""

import subprocess
import sys

from bench.allocations import allocations
from gan.run import Run
from gan.trainer import Trainer


def test_what_a_step_takes_it_gives_back() -> None:
    """A warm step leaves as much memory as it found; each allocation has a time."""
    trainer = Trainer(Run(data="ring", model="mlp_tiny"))
    for _ in range(3):
        trainer.step()
    found = allocations(trainer)
    times = [time for time, _ in found]
    assert times == sorted(times)
    assert sum(size for _, size in found if size > 0) > 0
    held = trainer.run.batch_size * 4
    assert abs(sum(size for _, size in found)) <= 8 * held


def test_the_profiler_does_not_tell_of_itself() -> None:
    """When it starts and stops is of no use to a user."""
    lines = (
        "from bench.allocations import allocations\n"
        "from gan.run import Run\n"
        "from gan.trainer import Trainer\n"
        "print(len(allocations(Trainer(Run(data='ring', model='mlp_tiny')))) > 10)\n"
    )
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert "profiler_st" not in done.stderr
