"""How fast a step is: seconds, images, floating-point operations and bytes."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured, timing, traffic
from bench.matrix import Cell
from bench.options import Session
from gan.data import load
from gan.ensemble import trainer_of
from gan.failures import status_of


@pytest.mark.usefixtures("ceilings")
@pytest.mark.benchmark(group="throughput")
def test_throughput(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Time blocks of whole training steps, each from the same initial state."""
    try:
        trainer = trainer_of(cell.run, load(cell.run.data, session.data_dir))
        facts: measured.Facts = {
            "first_call_seconds": timing.seconds_of_steps(trainer, 1),
            "generator_parameters": trainer.generator.parameters,
            "discriminator_parameters": trainer.discriminator.parameters,
            "peak_memory_bytes": timing.peak_memory_bytes(trainer),
        }
        flops, steps = timing.flops_per_step(trainer), timing.steps_per_block(trainer)
        facts |= {"flops_per_step": flops, "steps_per_block": steps} | traffic.traffic(trainer)
    except (RuntimeError, MemoryError) as error:
        status, message = status_of(error)
        measured.once(benchmark, lambda: None)
        measured.complete(benchmark, cell, {}, status, message)
        return

    def anew() -> None:
        trainer.reset()
        trainer.synchronise()  # a device's copies would still go on when the clock starts

    benchmark.pedantic(
        timing.block,
        args=(trainer, steps),
        setup=anew,
        rounds=session.rounds,
        warmup_rounds=1,
        iterations=1,
    )
    if benchmark.stats is not None:  # None where timing is disabled
        blocks = benchmark.stats.stats.data
        facts |= timing.rates(blocks, steps, cell.run.minibatch_samples * cell.run.ensemble, flops)
    measured.complete(benchmark, cell, facts)
