"""What a step must move and dispatch, against hand counts."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from bench.operators import operators_per_step
from bench.timing import flops_per_step, peak_memory_bytes
from bench.traffic import (
    least_bytes_per_step,
    product_dtypes,
    traffic,
    working_set_bytes,
)
from gan.ensemble import trainer_of
from gan.game import Batch, State
from gan.modes import MODES
from gan.run import Run
from gan.trainer import Trainer

N = 32
G = 2 * 128 + 128 + 128 * 128 + 128 + 128 * 2 + 2
D = 2 * 128 + 128 + 128 * 128 + 128 + 128 * 1 + 1
ADAM = 4 * (3 * G + 3 * D + G) + 2 * 2 * 8
"""Bytes of both players, two moments each and G's average, and of 1 − βᵗ in float64."""


def batch_bytes(samples: int, updates: int = 1) -> int:
    """Points, noise in the plane for every update of either player, and a number to mix."""
    return 4 * (updates * 2 * samples + (updates + 1) * 2 * samples + updates * samples)


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """The small pair: 2-128-128-2 against 2-128-128-1."""
    return Trainer(Run(data="ring", batch_size=N))


def test_the_state_is_read_and_written_and_the_batch_read(trainer: Trainer) -> None:
    """Twice the bytes of θ, moments and average, and once those of the batch."""
    assert least_bytes_per_step(trainer) == 2 * ADAM + batch_bytes(N)
    assert working_set_bytes(trainer) == ADAM + batch_bytes(N)


def test_sgd_has_one_moment() -> None:
    """v alone beside θ, of both players."""
    sgd = Trainer(Run(data="ring", batch_size=N, optimiser="sgd"))
    assert least_bytes_per_step(sgd) == 2 * 4 * (2 * G + 2 * D + G) + batch_bytes(N)


def test_float64_moves_twice_as_much() -> None:
    """All but 1 − βᵗ, which is float64 anyway."""
    wide = Trainer(Run(data="ring", batch_size=N, precision="float64"))
    assert working_set_bytes(wide) == 2 * (ADAM - 32 + batch_bytes(N)) + 32


def test_half_precision_keeps_its_state_in_float32(trainer: Trainer) -> None:
    """Autocast narrows products, not what a step must move."""
    narrow = Trainer(Run(data="ring", batch_size=N, precision="bfloat16"))
    assert least_bytes_per_step(narrow) == least_bytes_per_step(trainer)


@limits(deadline=None, max_examples=6)
@given(st.integers(1, 100), st.integers(1, 3), st.integers(1, 3))
def test_an_ensemble_moves_that_of_its_members(samples: int, updates: int, runs: int) -> None:
    """But for the counts of steps, of which one serves all."""
    run = Run(data="ring", batch_size=samples, discriminator_steps=updates, ensemble=runs)
    batch = runs * batch_bytes(samples, updates)
    assert working_set_bytes(trainer_of(run)) == runs * (ADAM - 32) + 32 + batch


def test_operators_of_a_program_are_counted_by_hand(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product, an addition and its sum forward; in a step that draws numbers, two more."""
    draws = iter([True, False])

    def step() -> None:
        if next(draws):
            torch.ones(3).neg_()
        (torch.zeros(3) * 2 + 1).sum()

    monkeypatch.setattr(trainer, "step", step)
    assert operators_per_step(trainer) == 4


def test_a_backward_pass_counts(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """σ(x) and its gradient, the ones it starts from, and the leaf it arrives at."""

    def forward() -> torch.Tensor:
        return torch.zeros(()).requires_grad_().sigmoid()

    monkeypatch.setattr(trainer, "step", forward)
    alone = operators_per_step(trainer)
    monkeypatch.setattr(trainer, "step", lambda: forward().backward())
    together = operators_per_step(trainer)
    assert alone is not None
    assert together is not None
    assert together > alone >= 2


def test_more_layers_dispatch_more_operators() -> None:
    """And the data do not matter: the same networks on images twice the batch."""
    small, large, deep = (
        operators_per_step(Trainer(run))
        for run in (
            Run(batch_size=16),
            Run(batch_size=64),
            Run(batch_size=16, penalty="r1"),
        )
    )
    assert small is not None
    assert deep is not None
    assert small == large
    assert deep > small


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (Run(), ["float32"]),
        (Run(precision="float64", penalty="r1"), ["float64"]),
        (Run(precision="bfloat16"), ["bfloat16"]),
        (Run(precision="bfloat16", penalty="r1"), ["bfloat16", "float32"]),
        (Run(model="dcgan"), ["float32"]),
    ],
)
def test_products_run_in_these_formats(run: Run, names: list[str]) -> None:
    """A penalty's are never narrowed; a processor's float32 is no TF32."""
    assert product_dtypes(Trainer(run)) == names


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (Run(model="dcgan"), ["float32", "tfloat32"]),
        (Run(model="mlp"), ["float32"]),
        (Run(model="dcgan", precision="bfloat16"), ["bfloat16"]),
    ],
)
def test_cudnn_convolves_float32_in_tf32(
    run: Run, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks without convolutions, and those that are narrower already, have none of it."""
    trainer = Trainer(run)
    monkeypatch.setattr(trainer, "run", _on_cuda(run))
    assert product_dtypes(trainer) == names


def _on_cuda(run: Run) -> Run:
    """The same run as one of a machine with a GPU would be."""
    return replace(run, device="cuda")


def test_facts_are_those_that_are_documented(trainer: Trainer) -> None:
    """Numbers, and formats as words."""
    told = traffic(trainer)
    assert told["product_dtypes"] == "float32"
    assert set(told) == {
        "least_bytes_per_step",
        "working_set_bytes",
        "product_dtypes",
        "operators_per_step",
    }


def as_in_mode(mode: str, run: Run) -> Trainer:
    """A trainer of the run in another mode, never stepped: nothing has to be compiled."""
    return trainer_of(replace(run, mode=mode))


def test_a_program_dispatches_nothing_one_by_one() -> None:
    """So there is no number, not 0."""
    compiled = as_in_mode("compile", Run(data="ring", batch_size=N))
    assert operators_per_step(compiled) is None
    assert "operators_per_step" not in traffic(compiled)


@pytest.mark.parametrize(
    "fields",
    [
        {"data": "ring"},
        {"data": "ring", "penalty": "r1"},
        {"data": "ring", "ensemble": 3, "penalty": "wgan_gp"},
        {"model": "dcgan", "discriminator_steps": 2},
        {"loss": "relativistic_pairing", "precision": "bfloat16"},
        {"model": "mlp_spectral", "data": "ring"},
    ],
)
def test_a_compiled_step_counts_the_operations_of_the_eager_one(fields: dict[str, Any]) -> None:
    """A real step is counted in one mode, one on stand-ins in the other."""
    run = Run(**{"batch_size": 8, **fields})
    eager, compiled = trainer_of(run), as_in_mode("compile", run)
    counted = flops_per_step(eager)
    assert counted > 0
    assert flops_per_step(compiled) == counted


def test_counting_changes_no_state() -> None:
    """Stand-ins have no numbers: players that are compiled are where they were."""
    compiled = as_in_mode("compile", Run(data="ring", batch_size=N))
    before = [tensor.clone() for tensor in compiled.state.tensors()]
    flops_per_step(compiled)
    assert all(map(torch.equal, before, compiled.state.tensors()))


def mlp(sizes: list[int]) -> tuple[int, int]:
    """Products of a forward pass for one sample, and its first layer's, which needs no ∇x."""
    layers = [a * b for a, b in pairwise(sizes)]
    return sum(layers), layers[0]


@pytest.mark.parametrize("updates", [1, 2])
def test_operations_of_images_are_the_sum_over_layers(updates: int) -> None:
    """k updates of D, one of G; a product forward, and one each for ∇W and ∇x."""
    run = Run(batch_size=N, discriminator_steps=updates)
    trainer = Trainer(run)
    g, first_g = mlp([trainer.latent_dim, 256, 512, 64])
    d, first_d = mlp([64, 512, 256, 1])
    update_d = g + 2 * (3 * d - first_d)
    update_g = g + d + d + 2 * g - first_g
    assert flops_per_step(trainer) == 2 * N * (updates * update_d + update_g)


# torch.compile's own modules use it.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.slow
def test_memory_that_a_compiled_program_holds_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two matrices of N × N at once, which its code allocates without telling torch's operators."""
    trainer = Trainer(Run(data="ring", batch_size=512))

    def products(state: State, batch: Batch) -> torch.Tensor:
        square = batch.z[0] @ batch.z[0].T
        state.average.add_((square @ square).sum())
        return state.average[0]

    program = MODES["compile"].prepare(products)
    batch = trainer.draw()
    program(trainer.state, batch)
    monkeypatch.setattr(trainer, "step", lambda: program(trainer.state, batch))
    resident, matrix = sum(tensor.nbytes for tensor in trainer.state.tensors()), 4 * 512 * 512
    assert 2 * matrix <= peak_memory_bytes(trainer) - resident < 2.1 * matrix
