"""How fast a step is: seconds, images, floating-point operations and bytes."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured, timing
from bench.matrix import Cell
from bench.options import Session
from gan.data import load
from gan.train import Trainer


@pytest.mark.benchmark(group="throughput")
def test_throughput(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Time blocks of whole training steps, each from the same initial state."""
    try:
        trainer = Trainer(cell.run, load(cell.run.data, session.data_dir))
        facts: measured.Facts = {
            "first_call_seconds": timing.seconds_of_steps(trainer, 1),
            "generator_parameters": trainer.generator.parameters,
            "discriminator_parameters": trainer.discriminator.parameters,
            "flops_per_step": timing.flops_per_step(trainer),
            "peak_memory_bytes": timing.peak_memory_bytes(trainer),
            "steps_per_block": timing.steps_per_block(trainer),
        }
    except (RuntimeError, MemoryError) as error:
        status, message = measured.status_of(error)
        measured.once(benchmark, lambda: None)
        measured.complete(benchmark, cell, {}, status, message)
        return
    benchmark.pedantic(
        timing.block,
        args=(trainer, facts["steps_per_block"]),
        setup=trainer.reset,
        rounds=session.rounds,
        warmup_rounds=1,
        iterations=1,
    )
    measured.complete(benchmark, cell, facts)
