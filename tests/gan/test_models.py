"""Models: shapes, sizes, initial weights and the normalisation of their papers."""

import math

import pytest
import torch
from torch import nn

from gan.errors import UsageError
from gan.models import MODELS
from gan.models.dcgan import BatchNorm
from gan.models.goodfellow2014 import Dropped
from gan.network import Network

IMAGES = [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 28, 28), (1, 32, 32), (3, 64, 64)]
TAKE_POINTS = ("mlp", "mlp_small", "mlp_tiny", "mlp_spectral", "pacgan")
TAKE_IMAGES = tuple(name for name in MODELS if name != "pacgan")
CASES = [(model, shape) for model in TAKE_POINTS for shape in [(1,), (2,)]] + [
    (model, shape) for model in TAKE_IMAGES for shape in IMAGES
]


def pair(model: str, shape: tuple[int, ...]) -> tuple[Network, Network]:
    """Both networks, with a latent space small enough to be quick."""
    return MODELS[model].networks(shape, 5)


@pytest.mark.parametrize(("model", "shape"), CASES)
def test_shapes(model: str, shape: tuple[int, ...]) -> None:
    """G maps (N, latent) to samples of the shape, D maps those to (N,) finite logits."""
    generator, discriminator = pair(model, shape)
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(3, 5, generator=rng)
    fake = generator(generator.initial(rng), z)
    logits = discriminator(discriminator.initial(rng), fake)
    assert fake.shape == (3, *shape)
    assert logits.shape == (3,)
    assert logits.isfinite().all()


@pytest.mark.parametrize("model", TAKE_IMAGES)
def test_images_stay_in_range(model: str) -> None:
    """However large the noise, pixels lie in [−1, 1]."""
    generator, _ = pair(model, (1, 8, 8))
    rng = torch.Generator().manual_seed(0)
    fake = generator(generator.initial(rng), 100 * torch.randn(8, 5, generator=rng))
    assert fake.abs().max() <= 1


@pytest.mark.parametrize("model", TAKE_IMAGES)
def test_initial_weights_depend_on_the_rng_alone(model: str) -> None:
    """The same seed gives the same weights whatever the global stream does; another seed others."""
    for network in pair(model, (1, 8, 8)):
        first = network.initial(torch.Generator().manual_seed(3))
        torch.rand(10)
        again = network.initial(torch.Generator().manual_seed(3))
        other = network.initial(torch.Generator().manual_seed(4))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert first.isfinite().all()


def test_initial_leaves_the_global_stream_alone() -> None:
    """Building and initialising networks draws nothing from torch's global generator."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for network in pair("dcgan", (1, 8, 8)):
        network.initial(torch.Generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_parameter_counts_of_the_paper() -> None:
    """goodfellow2014 on MNIST: 100-1200-1200-784 against maxout 784-240×5-240×5-1."""
    generator, discriminator = MODELS["goodfellow2014"].networks((1, 28, 28), 100)
    assert generator.parameters == 101 * 1200 + 1201 * 1200 + 1201 * 784
    assert discriminator.parameters == 785 * 1200 + 241 * 1200 + 241


def test_goodfellow_weight_ranges() -> None:
    """Weights within ±.05 in G and ±.005 in D, spread over the whole range; biases 0."""
    generator, discriminator = pair("goodfellow2014", (1, 28, 28))
    for network, bound in ((generator, 0.05), (discriminator, 0.005)):
        theta = network.initial(torch.Generator().manual_seed(0))
        assert theta.abs().max() <= bound
        drawn = theta[theta != 0]
        assert drawn.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)
        assert len(theta) - len(drawn) == (
            1200 + 1200 + 784 if network is generator else 1200 + 1200 + 1
        )


def test_dcgan_weights_have_the_papers_standard_deviation() -> None:
    """N(0, .02): a standard deviation, not a variance."""
    _, discriminator = pair("dcgan", (1, 64, 64))
    theta = discriminator.initial(torch.Generator().manual_seed(0))
    weights = theta[theta.abs() < 0.5]  # gains lie near 1
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)


def test_dcgan_normalises_all_but_the_outer_layers() -> None:
    """Batch norm in every hidden block of D but the first, and of G but the last."""
    discriminator = MODELS["dcgan"].discriminator((3, 64, 64))
    kinds = [type(module) for module in discriminator.children()]
    convolutions = [index for index, kind in enumerate(kinds) if kind is nn.Conv2d]
    normalised = [kinds[index + 1] is BatchNorm for index in convolutions]
    assert normalised == [False, True, True, True, False]


@pytest.mark.parametrize("model", TAKE_IMAGES)
def test_only_batch_norm_couples_samples(model: str) -> None:
    """Changing one sample moves another's logit in dcgan and nowhere else; the model says so."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(4, 1, 16, 16, generator=rng)
    changed = torch.cat([x[:1], 5 * x[1:]])
    _, discriminator = pair(model, (1, 16, 16))
    theta = discriminator.initial(rng)
    moved = (discriminator(theta, x)[0] - discriminator(theta, changed)[0]).abs()
    assert (moved.item() > 1e-4) is (model == "dcgan")
    assert MODELS[model].couples_samples is (model == "dcgan")


@pytest.mark.parametrize("model", TAKE_IMAGES)
def test_models_say_whether_they_normalise_their_weights(model: str) -> None:
    """A discriminator that divides its weights by their norm does not see their scale."""
    _, discriminator = pair(model, (1, 8, 8))
    rng = torch.Generator().manual_seed(0)
    theta, x = discriminator.initial(rng), torch.randn(4, 1, 8, 8, generator=rng)
    module = MODELS[model].discriminator((1, 8, 8))
    is_weight = torch.cat([torch.full((p.numel(),), p.dim() > 1) for p in module.parameters()])
    logits, scaled = (discriminator(k * theta * is_weight, x) for k in (1, 3))
    unchanged = torch.allclose(logits, scaled, rtol=1e-4, atol=1e-6)
    assert unchanged is MODELS[model].normalises_weights


@pytest.mark.parametrize(
    ("spectral", "plain"), [("mlp_spectral", "mlp"), ("dcgan_spectral", "dcgan")]
)
def test_spectral_models_keep_the_generator(spectral: str, plain: str) -> None:
    """One seed gives both generators the same weights and the same samples."""
    z = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    samples = [
        network(network.initial(torch.Generator().manual_seed(0)), z)
        for network in (pair(model, (1, 16, 16))[0] for model in (spectral, plain))
    ]
    assert torch.equal(*samples)


def test_dropout_keeps_the_expected_activation() -> None:
    """Averaged over many draws, a linear logit with dropout equals the logit without."""
    layer = Dropped(240, keep=0.5)
    x = torch.ones(20_000, 240)
    uniform = torch.rand(20_000, 240, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        dropped, whole = layer(x, uniform), layer(x)
    error = dropped.std().item() / math.sqrt(20_000)
    assert dropped.mean().item() == pytest.approx(whole[0].item(), abs=5 * error)
    assert (uniform < 0.5).float().mean().item() == pytest.approx(0.5, abs=0.01)


def test_dropout_changes_training_passes_only() -> None:
    """Without random numbers the maxout discriminator is deterministic; with them units vanish."""
    _, discriminator = pair("goodfellow2014", (1, 8, 8))
    rng = torch.Generator().manual_seed(0)
    theta, x = discriminator.initial(rng), torch.rand(3, 1, 8, 8, generator=rng)
    assert discriminator.uniform_features == 64 + 240 + 240
    kept = torch.zeros(3, discriminator.uniform_features)
    dropped = torch.ones(3, discriminator.uniform_features)
    assert torch.equal(discriminator(theta, x), discriminator(theta, x))
    assert not torch.equal(discriminator(theta, x, kept), discriminator(theta, x))
    assert discriminator(theta, x, dropped).tolist() == [0.0] * 3  # nothing left but biases


@pytest.mark.parametrize("shape", [(1, 30, 30), (1, 4, 4), (2, 8, 8), (1, 8, 16), (1, 128, 128)])
def test_dcgan_refuses_shapes_it_cannot_make(shape: tuple[int, ...]) -> None:
    """Sides that are not 4…7 doubled, other channel counts and oblongs are one clear line."""
    with pytest.raises(UsageError, match="dcgan makes square images of 8 to 64 pixels"):
        pair("dcgan", shape)


@pytest.mark.parametrize("model", [name for name in MODELS if name not in TAKE_POINTS])
def test_image_models_refuse_points(model: str) -> None:
    """Points are for the fully connected pairs."""
    with pytest.raises(UsageError, match="makes images"):
        pair(model, (2,))
