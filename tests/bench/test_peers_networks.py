"""The suite's networks written in JAX are the same functions of the same vectors."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.peers.agreement import TOLERANCE
from gan.data import load
from gan.errors import UsageError
from gan.models import MODELS
from gan.network import Network
from gan.run import Run

jax_network: Any = pytest.importorskip("bench.peers.jax_network", reason="needs JAX")
ROOT = Path(__file__).parents[2]
PAIRS = [("mlp", (2,)), ("mlp", (1, 8, 8)), ("dcgan", (1, 8, 8)), ("dcgan_layernorm", (3, 12, 12))]


def networks(model: str, shape: tuple[int, ...]) -> list[tuple[nn.Module, Network]]:
    """Both players as module and as the suite's network, G first."""
    made = MODELS[model]
    modules = made.generator(shape, 5), made.discriminator(shape)
    return list(zip(modules, made.networks(shape, 5), strict=True))


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_a_network_in_jax_is_the_suites(model: str, shape: tuple[int, ...]) -> None:
    """G(z) and D(x) to float32's rounding; images have their channels last."""
    rng = torch.Generator().manual_seed(0)
    (module_g, generator), (module_d, discriminator) = networks(model, shape)
    theta_g, theta_d = generator.initial(rng), discriminator.initial(rng)
    z = torch.randn(6, 5, generator=rng)
    fake = generator(theta_g, z)
    g, d = jax_network.JaxNetwork(module_g), jax_network.JaxNetwork(module_d)
    found = g(g.weights(theta_g.numpy()), z.numpy())
    channels_last = fake.movedim(1, -1) if d.convolves else fake
    np.testing.assert_allclose(found, channels_last, atol=2e-6)
    logits = d(d.weights(theta_d.numpy()), found)
    np.testing.assert_allclose(logits, discriminator(theta_d, fake), atol=1e-5)


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_a_vector_survives_the_way_there_and_back(model: str, shape: tuple[int, ...]) -> None:
    """Bit by bit, so that the parameters that are compared are the parameters."""
    for module, network in networks(model, shape):
        theta = np.arange(network.parameters, dtype=np.float32)
        jax = jax_network.JaxNetwork(module)
        np.testing.assert_array_equal(jax.theta(jax.weights(theta)), theta)


def test_a_layer_that_jax_has_not_is_named() -> None:
    """In one line."""
    with pytest.raises(UsageError, match=r"^JAX's step has no layer Dropout$"):
        jax_network.JaxNetwork(nn.Sequential(nn.Linear(2, 2), nn.Dropout()))


UPDATES = """
import json, sys, torch
from bench.peers.agreement import difference
from bench.peers.jax_step import Jax
from bench.peers.suite import Suite, start_of
from gan.data import load
from gan.run import Run
torch.set_num_threads(1)
found = []
for fields in json.loads(sys.argv[1]):
    run = Run(**fields)
    start = start_of(run, load(run.data), 4)
    found.append(difference(Jax(start), Suite(start, "eager"), start))
json.dump(found, sys.stdout)
"""
GAMES: list[dict[str, Any]] = [
    {"data": "ring", "model": "mlp_tiny", "penalty": "r1"},
    {"data": "digits", "model": "dcgan"},
    {"data": "ring", "model": "mlp_tiny", "ensemble": 3, "generator_learning_rate": 1e-3},
]


def test_jax_computes_the_suites_update() -> None:
    """In float64 to rounding, with and without R1, batch-normalised, and vmapped over seeds."""
    games = [{"batch_size": 4, "precision": "float64", **game} for game in GAMES]
    for game in games:
        assert Run(**game).dtype == torch.float64
    done = subprocess.run(
        [sys.executable, "-c", UPDATES, json.dumps(games)],
        cwd=ROOT,
        env={"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == pytest.approx([0] * len(games), abs=TOLERANCE["float64"])


def test_in_float32_only_rounding_parts_them() -> None:
    """A tenth of what is tolerated; the same peer goes back and takes the same steps again."""
    from bench.peers.agreement import difference
    from bench.peers.jax_step import Jax
    from bench.peers.suite import Suite, start_of

    start = start_of(Run(model="mlp_tiny", data="ring", batch_size=8), load("ring"), 4)
    peer = Jax(start)
    assert difference(peer, Suite(start, "eager"), start) < TOLERANCE["float32"] / 10
    ends = [peer.parameters()[0].clone()]
    peer.reset()
    peer.block(3)
    ends.append(peer.parameters()[0])
    assert torch.equal(*ends)


def test_a_gpu_that_jax_does_not_see_is_told() -> None:
    """Before anything is moved there."""
    from dataclasses import replace

    from bench.peers.jax_step import Jax
    from bench.peers.suite import start_of

    if jax_network.jax.default_backend() == "gpu":
        pytest.skip("this JAX sees one")
    start = start_of(Run(data="ring"), load("ring"), 1)
    elsewhere = replace(start, run=replace(start.run, device="cuda"))
    with pytest.raises(UsageError, match=r"^this JAX sees no GPU$"):
        Jax(elsewhere)
