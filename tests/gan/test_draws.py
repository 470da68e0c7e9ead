"""Random numbers drawn for several steps at once: fresh, in order, and where they were left."""

from dataclasses import replace

import pytest
import torch

from gan.draws import BLOCK_BYTES, MOST_STEPS
from gan.run import Run
from gan.trainer import Trainer

RUN = Run(data="ring", batch_size=8)


def numbers(trainer: Trainer, steps: int) -> list[torch.Tensor]:
    """All numbers of some steps."""
    return [numbers.clone() for _ in range(steps) for numbers in trainer.draw()]


@pytest.mark.parametrize("left", [0, 1, MOST_STEPS - 1, MOST_STEPS, MOST_STEPS + 1])
def test_going_on_draws_the_same_numbers(left: int) -> None:
    """From before, within, at the end of and after a block."""
    whole, kept, other = Trainer(RUN), Trainer(RUN), Trainer(RUN)
    numbers(whole, left)
    numbers(kept, left)
    other.load_state_dict(kept.state_dict())
    for mine, theirs in zip(numbers(other, 3), numbers(whole, 3), strict=True):
        assert torch.equal(mine, theirs)


def test_no_number_is_drawn_twice() -> None:
    """Over the border of a block."""
    trainer = Trainer(replace(RUN, penalty="wgan_gp"))
    drawn = [trainer.draw() for _ in range(MOST_STEPS + 2)]
    for name in ("real", "z", "mix"):
        values = torch.cat([getattr(batch, name).flatten() for batch in drawn])
        assert len(values.unique()) > 0.999 * len(values)


@pytest.mark.parametrize("changes", [{}, {"batch_size": 5000}, {"data": "digits"}], ids=str)
def test_blocks_stay_small(changes: dict[str, str | int]) -> None:
    """A block takes no more than its bytes, or is one step."""
    trainer = Trainer(replace(RUN, **changes))  # type: ignore[arg-type]  # fields of Run
    one = sum(numbers.nbytes for numbers in trainer.draw())
    block = trainer._draws._block
    assert block is not None
    steps = len(block.real)
    assert 1 <= steps <= MOST_STEPS
    assert steps == 1 or steps * one <= BLOCK_BYTES


def test_images_come_in_epochs_across_blocks() -> None:
    """1,497 digits in minibatches of 100: 14 of an epoch have no image twice."""
    trainer = Trainer(Run(batch_size=100))
    for _ in range(2):
        seen = torch.cat([trainer.draw().real[0].flatten(1) for _ in range(14)])
        assert len(seen.unique(dim=0)) > 0.98 * len(seen)  # a few digits are drawn alike
