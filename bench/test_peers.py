"""How fast the suite's step is beside the steps that others write, in one process at a time."""

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import measured
from bench.matrix import Cell
from bench.options import Session
from bench.peers import process
from bench.peers.summary import Failed, summary
from bench.peers.worker import Found


@pytest.mark.benchmark(group="peers")
def test_peers(benchmark: BenchmarkFixture, cell: Cell, session: Session) -> None:
    """Fresh processes, one after the other; in each every peer, in alternating blocks."""
    found: list[Found] = []

    def one_more() -> None:
        threads = session.resources.threads
        found.append(process.measured(cell.run, session.data_dir, threads, len(found)))

    try:
        benchmark.pedantic(one_more, rounds=session.rounds, iterations=1, warmup_rounds=0)
        facts: dict[str, Any] = summary(found, cell.run.mode)
    except process.PeerError as error:
        pytest.fail(str(error), pytrace=False)
    except Failed as failed:
        measured.complete(benchmark, cell, {}, failed.status, failed.message)
        return
    if benchmark.stats is not None:  # None where timing is disabled
        # The timer timed whole processes; the samples are what they found.
        benchmark.stats.stats.data[:] = facts["peers"][cell.run.mode]
    benchmark.extra_info |= facts
    measured.complete(benchmark, cell, {})
