"""Every mode is the eager step: the same parameters after 20 steps, for whatever a game is of."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from gan.data import load
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.models import MODELS
from gan.penalties import PENALTIES
from gan.run import Run
from gan.trainer import Trainer

STEPS = 20


def data_of(model: str) -> str:
    """Data that a model takes."""
    for name in ("ring", "digits"):
        try:
            Run(model=model, data=name, batch_size=4).check(load(name))
        except UsageError:
            continue
        return name
    raise AssertionError(model)


def run_of(loss: str, penalty: str, model: str, **settings: Any) -> Run | None:
    """A small game, or None where its parts do not go together."""
    try:
        return Run(
            loss=loss,
            penalty=penalty,
            model=model,
            data=data_of(model),
            batch_size=4,
            steps=STEPS,
            **settings,
        )
    except UsageError:
        return None


def covering() -> list[Run]:
    """Every loss, and among them every penalty and every model, at least once."""
    runs: list[Run] = []
    losses, penalties, models = list(LOSSES), list(PENALTIES), list(MODELS)
    for index, loss in enumerate(losses):
        model = models[index % len(models)]
        # A model that takes no penalty takes none.
        wanted = (penalties[index % len(penalties)], "none")
        runs += [run for run in (run_of(loss, name, model) for name in wanted) if run][:1]
    return runs


def trained(run: Run) -> Trainer:
    """A run after a head start of two updates and 20 steps."""
    trainer = Trainer(run)
    trainer.lead(2)
    for _ in range(STEPS):
        trainer.step()
    return trainer


def same(run: Run, other: Run, rtol: float, atol: float) -> None:
    """Both runs end with the same players, moments and average."""
    mine, theirs = trained(run), trained(other)
    for a, b in zip(mine.state.tensors(), theirs.state.tensors(), strict=True):
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


def test_the_games_cover_what_there_is() -> None:
    """No loss, penalty or model is left out of what is compiled below."""
    runs = covering()
    assert {run.loss for run in runs} == set(LOSSES)
    assert {run.penalty for run in runs} == set(PENALTIES)
    assert {run.model for run in runs} == set(MODELS)


@pytest.mark.parametrize("run", covering(), ids=lambda r: f"{r.loss}-{r.penalty}-{r.model}")
def test_compiled_is_eager(run: Run) -> None:
    """In float64, where the order of additions does not show, after a head start and 20 steps."""
    exact = replace(run, precision="float64")
    same(replace(exact, mode="compile"), exact, rtol=1e-7, atol=1e-9)
