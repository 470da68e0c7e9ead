"""What each of two processes sees: run by torch.distributed.run from test_distributed.py."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from gan import distributed
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.penalties import PENALTIES
from gan.run import Run
from gan.step import Batch, Objective, autograd, step, update_discriminator
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


def bypassed_error(run: Run) -> float:
    """The same of D's gradient where the objective goes around the wrapper."""
    trainer = Trainer(run)
    batch = trainer.draw()
    theta = trainer.state.discriminator
    whole, _ = objectives(trainer, batch)
    part, _ = objectives(trainer, distributed.share(batch))
    player = torch.nn.parallel.DistributedDataParallel(distributed._Player(theta))
    player.module(part).backward()
    return error(player.module.theta.grad, autograd(whole, theta)[1])


def trained_error(run: Run, steps: int) -> float:
    """Of both players after some steps, D's head start among them, against one process's."""
    split, whole = Trainer(run), Trainer(run)
    split.lead(3)
    for _ in range(3):
        batch = whole._lead_draws.next(1)
        update_discriminator(
            whole.game,
            whole.state,
            batch.real[0],
            batch.z[0],
            batch.mix[0],
            batch.drop[:2],
        )
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
