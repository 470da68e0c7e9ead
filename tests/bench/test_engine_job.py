"""One job: whose results it takes, what it leaves when memory runs out, and under which key."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.engine import cluster, job, shared
from bench.engine.job import Job, Outcome, Resources, perform
from bench.engine.local import Local
from gan import store
from gan.run import Run
from gan.store import Stored
from gan.trainer import Trainer

RUN = Run(data="ring", batch_size=8, steps=6, records=2, evaluation_samples=40)
NO_MEMORY = Stored("training", RUN, [], "out_of_memory", "somebody else has it", 0, {})


@pytest.fixture
def one(tmp_path: Path) -> Job:
    """A short training."""
    return Job("convergence", RUN, None, tmp_path)


@pytest.fixture
def memory_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Lets memory run out after so many updates, counted in a list; each leaves a checkpoint."""
    update = Trainer.step
    monkeypatch.setattr("gan.checkpoint.SECONDS", 0.0)

    def lasting(most: int) -> list[int]:
        made: list[int] = []

        def step(trainer: Trainer) -> Tensor:
            if len(made) == most:
                raise MemoryError("somebody else has it")
            made.append(1)
            return update(trainer)

        monkeypatch.setattr(Trainer, "step", step)
        return made

    return lasting


def test_a_run_whose_memory_ran_out_goes_on_from_its_checkpoint(
    one: Job, memory_for: Callable[[int], list[int]]
) -> None:
    """Time and again, and though sessions begin in its folder: no step is made twice."""
    for made_before, status in ((0, "out_of_memory"), (4, "out_of_memory"), (5, "finished")):
        made = memory_for({0: 4, 4: 1, 5: 6}[made_before])
        outcome = perform(one)
        assert (outcome.status, outcome.reused) == (status, False)
        assert len(made) == {0: 4, 4: 1, 5: 1}[made_before]
        store.probe(one.results)
    assert not list(Path(str(one.results / "checkpoints")).iterdir())
    assert perform(one).reused


@pytest.mark.parametrize("status", ["finished", "diverged"])
def test_memory_that_ran_out_gives_way_to_another_sessions_result(
    one: Job, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It brought the run to its end meanwhile: that is the outcome, and its file stays."""
    end = replace(NO_MEMORY, status=status, message="theirs")

    def late(*_: object) -> list[Stored]:
        store.write(one.results, end)
        return [NO_MEMORY]

    monkeypatch.setattr(job, "compute", late)
    outcome = perform(one)
    assert (outcome.status, outcome.message, outcome.reused) == (status, "theirs", True)
    file = store.path(one.results, RUN, "training")
    assert store.read(file) == end
    assert outcome.warnings == (
        f"{file} has the run's end: that memory ran out here is not stored",
    )


def test_a_damaged_file_is_told_once(one: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it is looked at again when memory ran out."""
    perform(one)
    file = store.path(one.results, RUN, "training")
    file.write_bytes(b"half")
    monkeypatch.setattr(job, "compute", lambda *_: [NO_MEMORY])
    outcome = perform(one)
    assert (outcome.status, len(outcome.warnings)) == ("out_of_memory", 1)


@pytest.fixture
def threads_kept() -> Iterator[None]:
    """torch's, as they were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads_kept")
def test_all_processes_of_a_session_give_a_run_the_same_key(tmp_path: Path) -> None:
    """Its own, a worker's and one of Ray's, at the session's threads; other threads, another."""
    keys = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        here = perform(Job("numerics", Run(), None, tmp_path / "here")).key
        engine = Local(
            [Job("numerics", Run(), None, tmp_path / "worker")], Resources(threads=threads)
        )
        try:
            ((_, worker),) = engine.poll(None)
        finally:
            engine.stop()
        torch.set_num_threads(3)
        there = Job("numerics", Run(), None, tmp_path / "ray")
        rays = cluster.answer(perform, there, shared.mark(tmp_path / "ray"), threads, None)
        assert isinstance(worker, Outcome)
        assert isinstance(rays, Outcome)
        assert here == worker.key == rays.key
        keys.append(here)
    assert len(set(keys)) == 2
