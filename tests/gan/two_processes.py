"""What each of two processes sees: run by torch.distributed.run from test_distributed.py."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from gan import checkpoint, distributed
from gan.errors import UsageError
from gan.evaluation import Row
from gan.losses import LOSSES
from gan.penalties import PENALTIES
from gan.run import Run
from gan.step import Batch, Objective, autograd, lead, step
from gan.train import train
from gan.trainer import Trainer


def run_of(loss: str, penalty: str, model: str = "mlp") -> Run:
    """A game in float64 whose minibatch splits in two."""
    data = "ring" if model == "mlp" else "digits"
    return Run(
        loss=loss, penalty=penalty, model=model, data=data, batch_size=8, precision="float64"
    )


def objectives(trainer: Trainer, batch: Batch) -> tuple[Objective, Objective]:
    """Both players' objectives on a minibatch, as what ``differentiate`` takes."""
    game, state = trainer.game, trainer.state
    fake = game.generate(state.generator, batch.z[0])
    of_d = partial(
        game.discriminator_objective,
        real=batch.real[0],
        fake=fake,
        mix=batch.mix[0],
        drop=batch.drop[:2],
    )
    of_g = partial(
        game.generator_objective,
        theta_d=state.discriminator,
        real=batch.real[-1],
        z=batch.z[-1],
        drop=batch.drop[-2:],
    )
    return of_d, of_g


def error(found: Tensor, exact: Tensor) -> float:
    """The largest difference, relative to the largest component."""
    return float((found - exact).abs().max() / exact.abs().max())


def gradient_errors(run: Run) -> list[float]:
    """Of both players' averaged gradients against those of the whole minibatch in one process."""
    trainer = Trainer(run)
    batch = trainer.draw()
    state, average = trainer.state, distributed.Averaged()
    errors = []
    for theta, whole, part in zip(
        (state.discriminator, state.generator),
        objectives(trainer, batch),
        objectives(trainer, distributed.share(batch)),
        strict=True,
    ):
        value, gradient = average(part, theta)
        exact_value, exact = autograd(whole, theta)
        errors += [error(gradient, exact), error(value, exact_value)]
    return errors


class Counted(DistributedDataParallel):
    """The wrapper, and how many objectives were evaluated through it."""

    evaluated = 0

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """As torch's, counted."""
        Counted.evaluated += 1
        return super().forward(*inputs, **named)  # type: ignore[no-untyped-call]  # torch's own


class PassedBy(DistributedDataParallel):
    """The mistake: a wrapper whose module is called instead of itself."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """As ``self.module`` would."""
        return self.module(*inputs, **named)


def evaluated_through_the_wrapper(run: Run) -> int:
    """How many objectives of both players' one gradient each."""
    with mock.patch.object(distributed, "DistributedDataParallel", Counted):
        gradient_errors(run)
    return Counted.evaluated


def bypassed_error(run: Run) -> float:
    """What ``gradient_errors`` finds of D's gradient where the wrapper is passed by."""
    with mock.patch.object(distributed, "DistributedDataParallel", PassedBy):
        return gradient_errors(run)[0]


def trained_error(run: Run, steps: int) -> float:
    """Of both players after some steps, D's head start among them, against one process's."""
    split, whole = Trainer(run), Trainer(run)
    split.lead(3)
    for _ in range(3):
        lead(whole.game, whole.state, whole._lead_draws.next())
    for _ in range(steps):
        trace = split.step()
        exact = step(whole.game, whole.state, whole.draw())
        assert torch.allclose(trace, exact, rtol=1e-10), (trace, exact)
    return max(error(a, b) for a, b in zip(split.state[:2], whole.state[:2], strict=True))


def refusal(run: Run) -> str:
    """What a trainer says of a run that cannot be split."""
    try:
        Trainer(run)
    except UsageError as refused:
        return str(refused)
    return ""


RESUMED = Run(data="ring", batch_size=8, steps=12, records=3, evaluation_samples=40)


def interrupted(run: Run, step: int, file: Path) -> None:
    """Train up to a record; the first process leaves its checkpoint."""

    def stop(row: Row) -> None:
        if row["step"] == step:
            raise KeyboardInterrupt

    with mock.patch.object(checkpoint, "SECONDS", 0.0), suppress(KeyboardInterrupt):
        train(run, None, stop, file)


def told(run: Run, file: Path | None) -> str:
    """All that a run says in this process but its clock, as text: nan differs from itself."""
    steps: list[int] = []
    try:
        result = train(run, checkpoint=file, on_resume=steps.append)
    except UsageError as refused:
        return str(refused)
    rows = [{**row, "seconds": 0} for row in result.rows]
    ends = (result.status, result.message, result.stopped_step, result.trace.tolist())
    return f"from {steps}: {ends} {rows}"


def resumed(folder: Path) -> dict[str, str]:
    """What this process says of a run that goes on, by what it and the first one hold."""
    interrupted(RESUMED, 4, folder / "early.pt")
    interrupted(RESUMED, 8, folder / "late.pt")
    interrupted(replace(RESUMED, seed=1), 8, folder / "strange.pt")
    first = distributed.rank() == 0
    return {
        "undisturbed": told(RESUMED, None),
        "first alone": told(RESUMED, folder / ("late.pt" if first else "none.pt")),
        "another": told(RESUMED, folder / ("late.pt" if first else "early.pt")),
        "second alone": told(RESUMED, folder / ("none.pt" if first else "late.pt")),
        "strange": told(RESUMED, folder / ("strange.pt" if first else "late.pt")),
    }


def main(folder: Path) -> None:
    """Write what this process saw to a file named by its rank."""
    separate = [name for name in LOSSES if "average" not in name]
    with distributed.processes("cpu"):
        found = {
            "world": distributed.world(),
            "gradients": {
                f"{loss} {penalty}": gradient_errors(run_of(loss, penalty))
                for loss in separate
                for penalty in PENALTIES
                if penalty != "dragan"
            },
            "dropout": gradient_errors(run_of("non_saturating", "none", "goodfellow2014")),
            "resumed": resumed(folder),
            "wrapped": evaluated_through_the_wrapper(run_of("non_saturating", "r1")),
            "bypassed": bypassed_error(run_of("non_saturating", "r1")),
            "trained": trained_error(run_of("non_saturating", "r1"), steps=20),
            "refused": {
                "relativistic_average_hinge": refusal(run_of("relativistic_average_hinge", "none")),
                "dragan": refusal(run_of("non_saturating", "dragan")),
                "dcgan": refusal(run_of("non_saturating", "none", "dcgan")),
                "odd": refusal(Run(batch_size=7)),
            },
        }
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
