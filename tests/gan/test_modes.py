"""Every mode is the eager step: the same parameters after 20 steps, for whatever a game is of."""

import shutil
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from gan import distributed, modes
from gan.data import load
from gan.errors import UsageError
from gan.game import Batch, State
from gan.losses import LOSSES
from gan.models import MODELS
from gan.modes import MODES, Captured, Compiled, Program, traced
from gan.penalties import PENALTIES
from gan.run import Run
from gan.trainer import Trainer

STEPS = 20


def run_of(loss: str, penalty: str, model: str, **settings: Any) -> Run | None:
    """A small game in float64, or None where its parts do not go together."""
    for data in ("ring", "digits"):
        try:
            run = Run(
                loss=loss,
                penalty=penalty,
                model=model,
                data=data,
                batch_size=4,
                precision="float64",
                **settings,
            )
            run.check(load(data))
        except UsageError:
            continue
        return run
    return None


def covering() -> list[Run]:
    """Every loss, and among them every penalty and every model, at least once."""
    losses, penalties, models = list(LOSSES), list(PENALTIES), list(MODELS)
    runs = []
    for index, loss in enumerate(losses):
        model = models[index % len(models)]
        # A discriminator that takes no penalty gets none.
        wanted = (
            run_of(loss, name, model, discriminator_steps=2)
            for name in (penalties[index % len(penalties)], "none")
        )
        runs.append(next(run for run in wanted if run))
    return runs


def pairs() -> list[Run]:
    """Every loss with every penalty, and every model with every penalty that it takes."""
    games = [*product(LOSSES, PENALTIES, ["mlp_tiny"]), *product(["hinge"], PENALTIES, MODELS)]
    return [run for game in dict.fromkeys(games) if (run := run_of(*game))]


def name(run: Run) -> str:
    """What tells a game from another."""
    return f"{run.loss}-{run.penalty}-{run.model}"


def trained(trainer: Trainer, program: Program) -> list[Tensor]:
    """The state after 20 steps of a program."""
    for _ in range(STEPS):
        program(trainer.state, trainer.draw())
    return trainer.state.tensors()


def assert_same(mine: list[Tensor], theirs: list[Tensor]) -> None:
    """In float64, where the order of additions does not show."""
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def test_the_games_cover_what_there_is() -> None:
    """No loss, penalty or model is left out of what is compiled below."""
    runs = covering()
    assert {run.loss for run in runs} == set(LOSSES)
    assert {run.penalty for run in runs} == set(PENALTIES)
    assert {run.model for run in runs} == set(MODELS)


@pytest.mark.slow
@pytest.mark.parametrize("run", covering(), ids=name)
def test_compiled_is_eager(run: Run) -> None:
    """Players, moments and average after 20 steps, each with two updates of D."""
    mine, theirs = Trainer(replace(run, mode="compile")), Trainer(run)
    assert_same(trained(mine, mine._step), trained(theirs, theirs._step))


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("run", pairs(), ids=name)
def test_compiled_is_eager_for_every_pair(run: Run) -> None:
    """The same of all that are only traced below: `tox -e modes`."""
    test_compiled_is_eager(run)


@pytest.mark.parametrize("loss", LOSSES)
def test_traced_is_eager(loss: str) -> None:
    """The graph that is compiled, run operation by operation: of every loss with every penalty."""
    for penalty in PENALTIES:
        run = run_of(loss, penalty, "mlp_tiny")
        assert run
        mine, theirs = Trainer(run), Trainer(run)
        graph = traced(mine._step, mine.state, mine.draw())
        mine.reset()
        program = lambda state, batch, graph=graph: graph(*state.tensors(), *batch)  # noqa: E731
        assert_same(trained(mine, program), trained(theirs, theirs._step))


@pytest.mark.parametrize("model", MODELS)
def test_traced_is_eager_for_every_model(model: str) -> None:
    """The same of each model with each penalty that it takes."""
    for penalty in PENALTIES:
        if (run := run_of("non_saturating", penalty, model)) is None:
            continue
        mine, theirs = Trainer(run), Trainer(run)
        graph = traced(mine._step, mine.state, mine.draw())
        mine.reset()
        for _ in range(2):
            graph(*mine.state.tensors(), *mine.draw())
            theirs.step()
        assert_same(mine.state.tensors(), theirs.state.tensors())


def test_tracing_changes_nothing() -> None:
    """Neither the state nor the batch: no number of theirs is computed with."""
    trainer = Trainer(Run(data="ring", batch_size=4))
    batch = trainer.draw()
    before = [tensor.clone() for tensor in (*trainer.state.tensors(), *batch)]
    traced(trainer._step, trainer.state, batch)
    for tensor, value in zip((*trainer.state.tensors(), *batch), before, strict=True):
        assert torch.equal(tensor, value)


@pytest.mark.slow
def test_a_compiled_run_is_an_eager_run() -> None:
    """Head start, trace, a reset in between, and the state in place throughout."""
    run = Run(data="ring", batch_size=8, precision="float64", head_start=3)
    mine, theirs = Trainer(replace(run, mode="compile")), Trainer(run)
    where = [tensor.data_ptr() for tensor in mine.state.tensors()]
    for _ in range(2):
        for trainer in (mine, theirs):
            trainer.reset()
        torch.testing.assert_close(mine.lead(3), theirs.lead(3))
        for _ in range(5):
            torch.testing.assert_close(mine.step(), theirs.step())
        assert_same(mine.state.tensors(), theirs.state.tensors())
    assert [tensor.data_ptr() for tensor in mine.state.tensors()] == where


def test_a_step_is_compiled_once() -> None:
    """At its first call, on what it is called with."""
    calls: list[str] = []

    class Counted(Compiled):
        def _compile(self, state: State, batch: Batch) -> Any:
            calls.append("compiled")
            return lambda *_: batch.real.new_zeros(len(state[:2]))

    trainer = Trainer(Run(data="ring", batch_size=4))
    program = Counted(trainer._step)
    assert calls == []
    for _ in range(3):
        program(trainer.state, trainer.draw())
    assert calls == ["compiled"]


class Graph:
    """Stands in for a CUDA graph: what is recorded is run again by ``replay``."""

    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        """Count."""
        self.replays += 1


def test_a_captured_step_copies_its_batch_in_and_its_result_out() -> None:
    """The graph's own memory takes each batch; what it leaves is the caller's to keep."""
    trainer = Trainer(Run(data="ring", batch_size=4))
    first, second = trainer.draw(), trainer.draw()
    captured = Captured(trainer._step)
    captured._graph, captured._state = Graph(), trainer.state  # type: ignore[assignment]  # stand-in
    captured._batch = Batch(*(torch.zeros_like(numbers) for numbers in first))
    captured._result = torch.arange(4.0)
    results = [captured(trainer.state, batch) for batch in (first, second)]
    captured._result += 1
    for mine, numbers in zip(captured._batch, second, strict=True):
        assert torch.equal(mine, numbers)
    assert [result.tolist() for result in results] == [[0, 1, 2, 3]] * 2
    assert captured._graph.replays == 2  # type: ignore[attr-defined]  # the stand-in's


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("cudagraph", "mode cudagraph needs a cuda device, not cpu"),
        ("graph", "unknown mode 'graph': choose from eager, compile, cudagraph"),
    ],
)
def test_what_a_device_lacks_is_said(mode: str, message: str) -> None:
    """Before any work."""
    with pytest.raises(UsageError, match=message):
        Trainer(Run(data="ring", mode=mode))


def test_compiling_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a processor: its absence is told in a line, not by torch's traceback."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(UsageError, match=r"needs a C\+\+ compiler: none of g\+\+, c\+\+, clang"):
        Trainer(Run(data="ring", mode="compile"))
    Trainer(Run(data="ring"))


def test_a_run_over_several_processes_is_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients are averaged between the operations of a step."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    with pytest.raises(UsageError, match="a run over several processes is eager"):
        Run(data="ring", mode="compile").check(load("ring"))
    with pytest.raises(UsageError, match="an ensemble is trained in one process"):
        Run(data="ring", ensemble=2).check(load("ring"))


def test_every_mode_is_tried_here_or_needs_another_device() -> None:
    """What these tests leave out on a processor is what only a GPU has."""
    assert [name for name, mode in MODES.items() if not mode.device] == ["eager", "compile"]
    assert modes.eager(len) is len  # type: ignore[arg-type,comparison-overlap]  # any function
