"""JAX with optax: the whole step under one jit, its state donated; of many seeds, vmapped.

As its users write it: pure functions, ``value_and_grad`` of each player's loss, ``optax.adam``.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from jax import Array
from jax.nn import softplus
from torch import Tensor

from bench.peers.jax_network import JaxNetwork, Weights
from bench.peers.peer import Start
from gan.errors import UsageError

Players = tuple[list[Weights], list[Weights]]
State = tuple[Players, tuple[Any, Any]]
Numbers = tuple[Array, Array, Array]
Step = Callable[[State, Numbers], tuple[State, tuple[Array, Array]]]


class Jax:
    """The step of one run, or of an ensemble's as one vmapped program.

    Args:
        start: weights and batches.

    Raises:
        UsageError: JAX does not see the run's device, or has no such layer.
    """

    def __init__(self, start: Start) -> None:
        run = start.run
        if run.device.startswith("cuda") and jax.default_backend() != "gpu":
            raise UsageError("this JAX sees no GPU")
        self._start = start
        # On GPUs JAX multiplies float32 as TensorFloat-32 unless it is told not to; torch does not.
        jax.config.update("jax_default_matmul_precision", "highest")  # type: ignore[no-untyped-call]  # JAX's
        with self._numbers_of_its_width():
            self._build(start)
            self.reset()

    def _numbers_of_its_width(self) -> AbstractContextManager[object]:
        """JAX narrows every array to float32 unless it is told not to."""
        if self._start.run.precision != "float64":
            return nullcontext()
        wide: AbstractContextManager[object] = jax.enable_x64(True)  # noqa: FBT003  # JAX's
        return wide

    def _build(self, start: Start) -> None:
        run = start.run
        self._networks = [JaxNetwork(module) for module in start.modules()]
        self._optimisers = [
            optax.adam(rate, b1=run.beta1, b2=run.beta2, eps=run.adam_epsilon)
            for rate in (run.generator_learning_rate, run.discriminator_learning_rate)
        ]
        (net_g, net_d), (adam_g, adam_d) = self._networks, self._optimisers
        step = step_of(net_g, net_d, adam_g, adam_d, run.penalty_weight or 0.0)
        many = run.ensemble > 1
        self._step = jax.jit(jax.vmap(step) if many else step, donate_argnums=0)
        members = [self._numbers(member) for member in start.members()]
        self._batches = [_stacked(numbers) for numbers in zip(*members, strict=True)]

    def _numbers(self, start: Start) -> list[Numbers]:
        """The batches of one run in JAX's arrays."""
        channels_last = self._networks[1].convolves
        batches = []
        for batch in start.batches:
            real = batch.real[0].movedim(1, -1) if channels_last else batch.real[0]
            batches.append((_array(real), _array(batch.z[0]), _array(batch.z[1])))
        return batches

    def reset(self) -> None:
        """Go back to the first weights."""
        with self._numbers_of_its_width():
            states = [self._initial(member) for member in self._start.members()]
            self._state = _stacked(states)

    def _initial(self, start: Start) -> State:
        generator, discriminator = (
            network.weights(theta.cpu().numpy())
            for network, theta in zip(self._networks, (start.theta_g, start.theta_d), strict=True)
        )
        memory_g, memory_d = (
            optimiser.init(weights)
            for optimiser, weights in zip(self._optimisers, (generator, discriminator), strict=True)
        )
        return (generator, discriminator), (memory_g, memory_d)

    def block(self, steps: int) -> None:
        """Take steps.

        Args:
            steps: how many.
        """
        state, batches = self._state, self._batches
        with self._numbers_of_its_width():
            for index in range(steps):
                state, _ = self._step(state, batches[index % len(batches)])
        self._state = state
        for array in jax.tree.leaves(state):
            array.block_until_ready()

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Both players' vectors, in torch's memory."""
        players, _ = self._state
        generator, discriminator = (
            self._theta(network, weights)
            for network, weights in zip(self._networks, players, strict=True)
        )
        return generator, discriminator

    def _theta(self, network: JaxNetwork, weights: list[Weights]) -> Tensor:
        if self._start.run.ensemble == 1:
            return torch.from_numpy(network.theta(weights))
        members = range(self._start.run.ensemble)
        thetas = [
            network.theta(jax.tree.map(lambda x, index=index: x[index], weights))
            for index in members
        ]
        return torch.from_numpy(np.stack(thetas))


def step_of(
    generator: JaxNetwork,
    discriminator: JaxNetwork,
    optimiser_g: optax.GradientTransformation,
    optimiser_d: optax.GradientTransformation,
    penalty_weight: float,
) -> Step:
    """One step of Algorithm 1 with the non-saturating loss and R1.

    Args:
        generator: z -> x.
        discriminator: x -> logit.
        optimiser_g: of G.
        optimiser_d: of D.
        penalty_weight: γ/2 of R1; 0 leaves it out.

    Returns:
        ``(state, (real, noise, fresh noise)) -> (state, (D's loss, G's loss))``.
    """

    def loss_d(weights_d: list[Weights], real: Array, fake: Array) -> Array:
        real_logits = discriminator(weights_d, real)
        loss = softplus(-real_logits).mean() + softplus(discriminator(weights_d, fake)).mean()
        if not penalty_weight:
            return loss
        slope = jax.grad(lambda x: discriminator(weights_d, x).sum())(real)
        return loss + penalty_weight * jnp.square(slope).sum() / real.shape[0]

    def loss_g(weights_g: list[Weights], weights_d: list[Weights], noise: Array) -> Array:
        return softplus(-discriminator(weights_d, generator(weights_g, noise))).mean()

    def step(state: State, numbers: Numbers) -> tuple[State, tuple[Array, Array]]:
        (weights_g, weights_d), (memory_g, memory_d) = state
        real, noise, fresh_noise = numbers
        error_d, slopes = jax.value_and_grad(loss_d)(weights_d, real, generator(weights_g, noise))
        updates, memory_d = optimiser_d.update(slopes, memory_d)
        weights_d = optax.apply_updates(weights_d, updates)
        error_g, slopes = jax.value_and_grad(loss_g)(weights_g, weights_d, fresh_noise)
        updates, memory_g = optimiser_g.update(slopes, memory_g)
        weights_g = optax.apply_updates(weights_g, updates)
        return ((weights_g, weights_d), (memory_g, memory_d)), (error_d, error_g)

    return step


def _array(x: Tensor) -> Array:
    return jnp.array(x.contiguous().cpu().numpy())


def _stacked(trees: Any) -> Any:
    """Trees of the members as one with the member as its first dimension; one as it is."""
    if len(trees) == 1:
        return trees[0]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
