"""Costs of a step against hand counts."""

import pytest
import torch

from bench.timing import BLOCK_SECONDS, flops_per_step, peak_memory_bytes, steps_per_block
from gan.run import Run
from gan.trainer import Trainer

N = 32


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """The small pair: 2-128-128-2 against 2-128-128-1."""
    return Trainer(Run(data="ring", batch_size=N))


def test_flops_are_the_hand_count(trainer: Trainer) -> None:
    """2·N·(in·out) per product: forward, and backward for weights and inputs where needed."""
    generator = [2 * 128, 128 * 128, 128 * 2]
    discriminator = [2 * 128, 128 * 128, 128 * 1]
    g, d = sum(generator), sum(discriminator)
    # D's update: G forward; D forward on real and fake; weight gradients of all layers, input
    # gradients of all but the first.
    update_d = g + 2 * (d + d + d - discriminator[0])
    # G's update: both forward; D's input gradients; G's weight and input gradients.
    update_g = g + d + d + g + g - generator[0]
    assert flops_per_step(trainer) == 2 * N * (update_d + update_g)


@pytest.mark.parametrize("penalty", ["r1", "wgan_gp"])
def test_penalties_cost_operations(trainer: Trainer, penalty: str) -> None:
    """A penalty adds a forward pass and its double backward: more than one pass through D."""
    discriminator = 2 * N * (2 * 128 + 128 * 128 + 128)
    extra = flops_per_step(Trainer(Run(data="ring", batch_size=N, penalty=penalty)))
    assert extra - flops_per_step(trainer) > 3 * discriminator


def test_memory_is_at_least_state_and_gradients(trainer: Trainer) -> None:
    """θ, Adam's two moments for both players, G's average, and one gradient on top of that."""
    g, d = trainer.generator.parameters, trainer.discriminator.parameters
    least = 4 * (3 * g + 3 * d + g + min(g, d))
    assert least < peak_memory_bytes(trainer) < 10 * least


def test_memory_grows_with_the_batch(trainer: Trainer) -> None:
    """Activations scale with N; the same measurement twice agrees."""
    large = Trainer(Run(data="ring", batch_size=8 * N))
    assert peak_memory_bytes(large) > peak_memory_bytes(trainer)
    assert peak_memory_bytes(trainer) == peak_memory_bytes(trainer)


def test_blocks_are_long_enough(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a step of known length the block is the fewest steps, within a tenth, that fill it."""
    length = 0.0013
    monkeypatch.setattr("bench.timing.seconds_of_steps", lambda _trainer, steps: steps * length)
    steps = steps_per_block(trainer)
    assert BLOCK_SECONDS <= steps * length <= 1.2 * BLOCK_SECONDS


def test_a_long_step_is_a_block_of_its_own(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step longer than a block is timed alone."""
    monkeypatch.setattr("bench.timing.seconds_of_steps", lambda _trainer, steps: steps * 1.0)
    assert steps_per_block(trainer) == 1


def test_reset_gives_every_round_the_same_work(trainer: Trainer) -> None:
    """After reset the next steps have the same traces, bit for bit."""
    trainer.reset()
    first = torch.stack([trainer.step() for _ in range(3)])
    trainer.reset()
    again = torch.stack([trainer.step() for _ in range(3)])
    assert torch.equal(first, again)
