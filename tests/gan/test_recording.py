"""Recorded functions against the functions themselves, bit for bit."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.utils._python_dispatch import TorchDispatchMode

from gan.dirac_game import dirac_game
from gan.losses import LOSSES
from gan.penalties import PENALTIES
from gan.recording import record

EXAMPLE = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)


class Counting(TorchDispatchMode):
    """Counts the operations that are done."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.done: Counter[str] = Counter()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """By the name of the operation."""
        self.done[func._schema.name.removeprefix("aten::")] += 1
        return func(*args, **(kwargs or {}))


def identical(one: Tensor, other: Tensor) -> bool:
    """Equal bits, any NaN like any other."""
    return one.dtype == other.dtype and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_game_is_played_as_it_is(loss: str, penalty: str) -> None:
    """At states the recorder has not seen, kinks and what is no number among them."""
    game = dirac_game(loss, penalty, 0.3, weight_clip=1.0)
    rules = torch.tensor([False, True] * 4)

    def update(states: Tensor) -> Tensor:
        updated: Tensor = torch.func.vmap(game.update)(states, rules)
        return updated

    states = torch.tensor(
        [[1, 1], [1, 1], [-0.5, 2], [3, 0], [0, 0], [-800, 1], [torch.nan, 1], [torch.inf, -1]],
        dtype=torch.float64,
    )
    recorded = record(update, torch.ones_like(states))
    assert identical(recorded(states), update(states))


@settings(max_examples=50)
@given(
    values=st.lists(st.floats(), min_size=3, max_size=3),
    example=st.lists(st.floats(-10, 10), min_size=3, max_size=3),
)
def test_the_example_does_not_matter(values: list[float], example: list[float]) -> None:
    """Second derivatives, several results and a change in place, for any numbers."""

    def function(x: Tensor) -> Tensor:
        first, *others = (x * 2).unbind()
        slope = torch.func.grad(torch.func.grad(lambda t: logsigmoid(t).sum()))(first)
        changed = (x.exp() * slope).masked_fill_(x > 1, 0.5)
        return torch.add(changed, torch.stack(others).sum())

    argument = torch.tensor(values, dtype=torch.float64)
    recorded = record(function, torch.tensor(example, dtype=torch.float64))
    assert identical(recorded(argument), function(argument))


def test_what_is_constant_is_done_once() -> None:
    """exp and sum of what never changes, and the value that only its derivative's shape needs."""

    def function(x: Tensor) -> Tensor:
        constant = torch.arange(3.0, dtype=torch.float64).exp().sum()
        slope: Tensor = torch.func.grad(lambda t: (t**2).cos().sum())(x)
        return slope * constant + torch.zeros_like(x.tan())

    recorded = record(function, EXAMPLE)
    with Counting() as counting:
        found = recorded(2 * EXAMPLE)
    assert identical(found, function(2 * EXAMPLE))
    assert not counting.done.keys() & {"arange", "exp", "sum", "cos", "tan", "zeros_like"}
    assert counting.done["sin"] == 1


@pytest.mark.parametrize(
    ("function", "expected"),
    [(lambda x: x, [7.0, 8.0]), (lambda x: torch.full_like(x, 3.0), [3.0, 3.0])],
    ids=["itself", "a constant"],
)
def test_a_function_that_does_nothing(
    function: Callable[[Tensor], Tensor], expected: list[float]
) -> None:
    """The argument itself, or what does not depend on it."""
    assert record(function, torch.ones(2))(torch.tensor([7.0, 8.0])).tolist() == expected


def test_the_argument_is_left_as_it_is() -> None:
    """Neither the example nor what is given later changes."""
    given, example = EXAMPLE.clone(), EXAMPLE.clone()
    record(lambda x: (x + 1).mul_(2), example)(given)
    assert torch.equal(given, EXAMPLE)
    assert torch.equal(example, EXAMPLE)


def test_repeating_a_change_in_place_does_not_add_up() -> None:
    """It is done to a new tensor each time."""
    recorded = record(lambda x: (x * 1).add_(x), EXAMPLE)
    assert torch.equal(recorded(EXAMPLE), recorded(EXAMPLE))


def test_autograd_outside_torch_func_is_recorded_too() -> None:
    """What it saves for backpropagation is known."""

    def function(x: Tensor) -> Tensor:
        leaf = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(leaf.exp().sigmoid().sum(), leaf, create_graph=True)
        return torch.autograd.grad(slope.sum(), leaf)[0]

    assert identical(record(function, EXAMPLE)(2 * EXAMPLE), function(2 * EXAMPLE))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (torch.rand_like, "aten.rand_like.default draws random numbers: that can't be recorded"),
        (
            lambda x: torch.zeros(3, dtype=x.dtype).add_(x),
            "aten.add_.Tensor changes a constant: that can't be recorded",
        ),
        (
            lambda x: x * float(x[0]),
            "aten._local_scalar_dense.default reads a number: that can't be recorded",
        ),
        (
            lambda x: torch.from_numpy(x.numpy()) * 2,
            "aten.lift_fresh.default takes what left torch: that can't be recorded",
        ),
    ],
)
def test_what_would_be_repeated_wrongly_is_refused(
    function: Callable[[Tensor], Tensor], message: str
) -> None:
    """Rather than frozen as it was for the example."""
    with pytest.raises(NotImplementedError) as caught:
        record(function, EXAMPLE)
    assert str(caught.value) == message
