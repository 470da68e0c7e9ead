"""Per-sample gradients against closed forms, finite differences and the minibatch's gradient."""

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gan.errors import UsageError
from gan.gradients import generator_gradient, in_precision
from gan.losses import LOSSES
from gan.models.mlp import initialise
from gan.models.model import Logit
from gan.network import Network
from gan.run import Run
from gan.sample_gradients import couples_samples, logit_gradient_norms, per_sample
from gan.step import Game, State
from gan.trainer import Trainer

OWN = [name for name, loss in LOSSES.items() if not loss.relativistic]
DL_DA: dict[str, Callable[[Tensor], Tensor]] = {
    "saturating": lambda a: -torch.sigmoid(a),
    "non_saturating": lambda a: -torch.sigmoid(-a),
    "maximum_likelihood": lambda a: -a.exp(),
    "least_squares": lambda a: a - 1,
    "wasserstein": lambda a: -torch.ones_like(a),
    "hinge": lambda a: -torch.ones_like(a),
    "kl": lambda a: -(a - 1).exp(),
    "reverse_kl": lambda a: -torch.ones_like(a),
    "pearson": lambda a: -a / 2 - 1,
    "squared_hellinger": lambda a: -a.exp(),
    "jensen_shannon": lambda a: -torch.sigmoid(a),
}


def played(model: str = "mlp", data: str = "ring") -> tuple[Game, State, Tensor]:
    """A model at its initial weights in float64, and eight z."""
    trainer = Trainer(Run(model=model, data=data, batch_size=8))
    z = trainer.latent(8, torch.Generator().manual_seed(0)).double()
    return *in_precision(trainer.game, trainer.state, torch.float64), z


def linear() -> tuple[Game, State, Tensor]:
    """x = Wz + b and a = v·x + d: every gradient has a closed form."""
    game, _, z = played()
    game = replace(
        game,
        generator=Network(lambda: nn.Linear(2, 2), initialise),
        discriminator=Network(lambda: nn.Sequential(nn.Linear(2, 1), Logit()), initialise),
    )
    theta_g = torch.tensor([1.0, 2.0, -1.0, 0.5, 0.3, -0.2], dtype=torch.float64)  # W, b
    theta_d = torch.tensor([3.0, -4.0, 0.1], dtype=torch.float64)  # v, d
    return game, game.start(theta_g, theta_d), z


@pytest.mark.parametrize("loss", OWN)
def test_closed_forms_of_a_linear_pair(loss: str) -> None:
    """|dL/da|·‖v‖ at x and |dL/da|·‖v‖·√(‖z‖² + 1) at θ, with ‖v‖ = 5, for every loss."""
    game, state, z = linear()
    measured = per_sample(game, state, z, loss, shift=0.7)
    w, b, v = state.generator[:4].view(2, 2), state.generator[4:], state.discriminator[:2]
    a = (z @ w.T + b) @ v + 0.1 + 0.7
    slope = DL_DA[loss](a).abs()
    d = torch.sigmoid(a)
    torch.testing.assert_close(measured.d_fake, d)
    torch.testing.assert_close(measured.to_logit, slope)
    torch.testing.assert_close(measured.to_probability, slope / (d * torch.sigmoid(-a)))
    torch.testing.assert_close(measured.to_sample, 5 * slope)
    torch.testing.assert_close(measured.to_parameters, 5 * slope * (z.square().sum(1) + 1).sqrt())


@settings(deadline=None, max_examples=25)
@given(st.floats(-700, 700))
def test_gradient_at_the_probability_is_that_of_the_papers_equations(logit: float) -> None:
    """Eq. 3 and Eq. 4: dL/dD is 1/D for −log D and 1/(1 − D) for log(1 − D), where D rounds too."""
    game, state, z = linear()
    logits, _ = logit_gradient_norms(game, state, z)
    shift = logit - logits
    for loss, side in (("non_saturating", 1), ("saturating", -1)):
        measured = per_sample(game, state, z, loss, shift)
        expected = torch.sigmoid(side * (logits + shift)).reciprocal()
        torch.testing.assert_close(measured.to_probability, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("model", "data"), [("mlp", "ring"), ("mlp_spectral", "ring"), ("goodfellow2014", "digits")]
)
def test_mean_over_samples_is_the_minibatch_gradient(model: str, data: str) -> None:
    """The gradients whose norms are measured are those of which the minibatch's is the mean."""
    game, state, z = played(model, data)
    measured = per_sample(game, state, z, "saturating", shift=-2.0, chunk_bytes=1)
    alone = torch.stack(
        [generator_gradient(game, state, noise[None], "saturating", -2.0) for noise in z]
    )
    torch.testing.assert_close(measured.to_parameters, alone.norm(dim=1), rtol=1e-12, atol=0)
    minibatch = generator_gradient(game, state, z, "saturating", -2.0)
    assert (alone.mean(0) - minibatch).norm() < 1e-12 * minibatch.norm()


def test_gradient_in_the_parameters_is_that_of_finite_differences() -> None:
    """Central differences of the loss of one sample along its own gradient."""
    game, state, z = played()
    norm = per_sample(game, state, z[:1], "pearson").to_parameters.item()
    gradient = generator_gradient(game, state, z[:1], "pearson")

    def loss(distance: float) -> float:
        theta = state.generator + distance * gradient / gradient.norm()
        logits = game.logits(state.discriminator, game.generate(theta, z[:1]))
        return LOSSES["pearson"].generator(logits, logits).item()

    assert (loss(1e-5) - loss(-1e-5)) / 2e-5 == pytest.approx(norm, rel=1e-6)


def test_chunks_do_not_change_the_numbers() -> None:
    """One sample at a time, three at a time and all at once agree."""
    game, state, z = played()
    one_sample = 5 * 8 * len(state.generator)
    whole = per_sample(game, state, z, "non_saturating")
    for chunk_bytes in (1, 3 * one_sample):
        parts = per_sample(game, state, z, "non_saturating", chunk_bytes=chunk_bytes)
        for part, expected in zip(parts, whole, strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-12, atol=0)


def test_each_sample_has_its_own_shift() -> None:
    """Eight samples moved to eight logits; the Wasserstein gradient is ‖∂a/∂θ‖ wherever D is."""
    game, state, z = played()
    logits, norms = logit_gradient_norms(game, state, z)
    measured = per_sample(game, state, z, "wasserstein", torch.arange(8.0) - logits)
    torch.testing.assert_close(measured.d_fake, torch.sigmoid(torch.arange(8.0).double()))
    torch.testing.assert_close(measured.to_parameters, norms, rtol=1e-12, atol=0)


def test_small_float32_gradients_are_measured_not_lost() -> None:
    """At D = 1e-30 float32 gives the saturating norm to 1e-5, though its square underflows."""
    game, state, z = played()
    logits, norms = logit_gradient_norms(game, state, z)
    narrow = in_precision(game, state, torch.float32)
    measured = per_sample(*narrow, z.float(), "saturating", (-69 - logits).float())
    assert measured.d_fake.dtype == torch.float32
    expected = norms * math.exp(-69)
    torch.testing.assert_close(measured.to_parameters, expected, rtol=3e-5, atol=0)


@pytest.mark.parametrize("model", ["dcgan", "dcgan_layernorm"])
def test_networks_that_couple_samples_are_refused(model: str) -> None:
    """Batch normalisation in either network leaves no per-sample gradient, as the error says."""
    game, state, z = played(model, "digits")
    assert couples_samples(game, state, z)
    with pytest.raises(UsageError, match=r"use mlp, mlp_spectral or goodfellow2014$"):
        per_sample(game, state, z, "saturating")
    with pytest.raises(UsageError, match="depend on its minibatch"):
        logit_gradient_norms(game, state, z)


def test_one_z_is_enough_to_see_coupling() -> None:
    """The other samples are made up, so a single z tells coupled from separate networks."""
    for model, coupled in (("dcgan", True), ("goodfellow2014", False)):
        game, state, z = played(model, "digits")
        assert couples_samples(game, state, z[:1]) is coupled


def test_nan_is_not_coupling() -> None:
    """Parameters that are nan give nan gradients, not a wrong refusal."""
    game, state, z = played()
    state.generator.fill_(math.nan)
    assert per_sample(game, state, z, "saturating").to_parameters.isnan().all()


@pytest.mark.parametrize("loss", sorted(LOSSES.keys() - OWN))
def test_relativistic_losses_are_refused(loss: str) -> None:
    """They compare samples and do not see a common shift."""
    with pytest.raises(UsageError, match=f"^loss {loss} has no per-sample gradient: it compares"):
        per_sample(*played(), loss)


def test_unknown_loss_lists_the_known() -> None:
    """As everywhere."""
    with pytest.raises(UsageError, match=r"^unknown loss 'sat': choose from saturating, "):
        per_sample(*played(), "sat")


def test_bad_shapes_and_sizes_say_what_was_expected() -> None:
    """z without samples or dimensions, shifts of another length, no memory at all."""
    game, state, z = played()
    with pytest.raises(UsageError, match=r"^z of shape \(0, 2\), expected \(N, latent_dim\)"):
        per_sample(game, state, z[:0], "hinge")
    with pytest.raises(UsageError, match=r"^z of shape \(2,\), expected"):
        logit_gradient_norms(game, state, z[0])
    with pytest.raises(UsageError, match=r"^shift of shape \(3,\), .* one per sample, \(8,\)$"):
        per_sample(game, state, z, "hinge", torch.zeros(3))
    for wrong in (0, -1, 1.5, math.nan):
        with pytest.raises(UsageError, match=r"^chunk_bytes must be a whole number of at least 1"):
            logit_gradient_norms(game, state, z, wrong)  # type: ignore[arg-type]  # the mistake


MEMORY = """
import resource
import torch
from dataclasses import replace
from gan.models import MODELS
from gan.run import Run
from gan.sample_gradients import per_sample
from gan.trainer import Trainer

torch.set_num_threads(1)
generator, discriminator = MODELS["goodfellow2014"].networks((1, 28, 28), 100)
game = replace(Trainer(Run(data="ring")).game, generator=generator, discriminator=discriminator)
rng = torch.Generator().manual_seed(0)
state = game.start(generator.initial(rng), discriminator.initial(rng))
norms = per_sample(game, state, torch.randn(1024, 100, generator=rng), "saturating").to_parameters
assert len(norms) == 1024 and (norms > 0).all(), norms
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow  # 1,024 backward passes through 2.5 M parameters: the size that is promised
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_a_minibatch_of_1024_on_28x28_images_fits_in_2_gib() -> None:
    """Of a whole process, torch included; all 1,024 gradients at once would take 10 GB."""
    result = subprocess.run(
        [sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True
    )
    assert int(result.stdout) < 2 * 2**20
