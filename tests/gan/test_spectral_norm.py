"""Spectral normalisation against SVD, PyTorch's power iteration and finite differences."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import grad, jacfwd, jacrev, vmap
from torch.nn.functional import conv2d, linear
from torch.nn.utils import parametrizations

from gan.losses import LOSSES
from gan.models import MODELS
from gan.models.spectral import SQUARINGS, SpectralConv2d, SpectralLinear, spectral_norm
from gan.network import Network
from gan.penalties import PENALTIES
from gan.run import Run
from gan.train import train

untimed = settings(deadline=None)  # a busy machine is no failure

CASES = [
    ("mlp_spectral", (1,)),
    ("mlp_spectral", (2,)),
    ("mlp_spectral", (1, 8, 8)),
    ("dcgan_spectral", (1, 8, 8)),
    ("dcgan_spectral", (3, 16, 16)),
    ("dcgan_spectral", (1, 28, 28)),
]


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def discriminator(model: str, shape: tuple[int, ...]) -> tuple[Network, Tensor]:
    """A discriminator and fresh float64 weights of it."""
    _, network = MODELS[model].networks(shape, 2)
    return network, network.initial(torch.Generator().manual_seed(1)).double()


def with_singular_values(values: list[float], columns: int, seed: int) -> Tensor:
    """A (len(values), columns) float64 matrix between random rotations."""
    left = torch.linalg.qr(normal(len(values), len(values), seed=seed)).Q
    right = torch.linalg.qr(normal(columns, len(values), seed=seed + 1)).Q
    product: Tensor = left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right.T
    return product


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("model", "shape"), CASES)
def test_every_layer_is_divided_by_its_largest_singular_value(
    model: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Each layer is the plain one with W/σ, σ by NumPy's SVD of the (outputs, rest) matrix."""
    module = MODELS[model].discriminator(shape).to(dtype)
    rng = torch.Generator().manual_seed(0)
    for leaf in module.modules():
        with torch.no_grad():
            MODELS[model].initialise(leaf, rng)
    layers = [leaf for leaf in module.modules() if isinstance(leaf, (nn.Linear, nn.Conv2d))]
    assert len(layers) >= 2
    for layer in layers:
        weight = layer.weight.detach()
        sigma = float(np.linalg.svd(weight.flatten(1).double().numpy(), compute_uv=False)[0])
        if isinstance(layer, nn.Conv2d):
            x = normal(2, layer.in_channels, 8, 8).to(dtype)
            expected = conv2d(x, weight / sigma, layer.bias, layer.stride, layer.padding)
        else:
            x = normal(2, layer.in_features).to(dtype)
            expected = linear(x, weight / sigma, layer.bias)
        tolerance = 1e-5 if dtype == torch.float32 else 1e-7
        torch.testing.assert_close(layer(x), expected, rtol=tolerance, atol=tolerance)


@untimed
@given(
    st.lists(st.floats(0.9, 1) | st.floats(0, 1), min_size=1, max_size=8),
    st.integers(0, 4),
    st.integers(0, 10**6),
)
def test_error_is_within_its_bound_on_any_spectrum(
    values: list[float], more: int, seed: int
) -> None:
    """m^(−1/(2p + 2)) σ ≤ the estimate ≤ σ, ties and near ties included."""
    weight = with_singular_values([1.0, *values], len(values) + 1 + more, seed)
    estimate = spectral_norm(weight).item()
    bound = len(weight) ** (-1 / (2 * 2**SQUARINGS + 2))
    assert bound - 1e-12 <= estimate <= 1 + 1e-12
    assert spectral_norm(weight.T).item() == pytest.approx(estimate, rel=1e-12)


@untimed
@given(st.floats(0, 0.998), st.integers(0, 10**6))
def test_sigma_is_exact_where_the_second_value_is_smaller(second: float, seed: int) -> None:
    """A gap of 0.2 % is enough for σ and its gradient uvᵀ to 6 and 3 decimals."""
    weight = with_singular_values([1.0, second, second / 2], 5, seed).requires_grad_()
    sigma = spectral_norm(weight)
    (gradient,) = torch.autograd.grad(sigma, weight)
    left, _, right = np.linalg.svd(weight.detach().numpy())
    assert sigma.item() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(gradient.numpy(), np.outer(left[:, 0], right[0]), atol=1e-3)


@untimed
@given(st.floats(1e-6, 1e6))
def test_sigma_is_a_norm(scale: float) -> None:
    """σ(cW) = cσ(W)."""
    weight = normal(5, 7)
    scaled = spectral_norm(scale * weight).item()
    assert scaled == pytest.approx(scale * spectral_norm(weight).item(), rel=1e-12)


def test_a_tie_has_a_finite_gradient() -> None:
    """An orthogonal matrix has every singular value largest; SVD's own derivative is 0/0 there."""
    weight = torch.linalg.qr(normal(6, 6)).Q.requires_grad_()
    sigma = spectral_norm(weight)
    (gradient,) = torch.autograd.grad(sigma, weight)
    assert sigma.item() == pytest.approx(1, rel=1e-12)
    torch.testing.assert_close(gradient, weight.detach() / 6)  # the mean of all six uvᵀ


@pytest.mark.parametrize("shape", [(1, 6), (4, 6), (6, 4), (5, 5)])
def test_gradient_is_finite_differences(shape: tuple[int, int]) -> None:
    """Holding P constant gives the whole first derivative."""
    weight = normal(*shape, seed=3).requires_grad_()
    assert torch.autograd.gradcheck(spectral_norm, weight)


# torch's own, the first time that a process differentiates forwards.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_second_derivatives_by_mode() -> None:
    """Of ½σ² along V: forward over reverse is exact, reverse over reverse is uuᵀV, u held."""
    weight, direction = normal(4, 6), normal(4, 6, seed=9)

    def gradient(w: Tensor) -> Tensor:
        along: Tensor = grad(lambda w: spectral_norm(w).square() / 2)(w)
        return along

    moved = gradient(weight + 1e-6 * direction) - gradient(weight - 1e-6 * direction)
    forward = torch.einsum("abcd,cd->ab", jacfwd(gradient)(weight), direction)
    torch.testing.assert_close(forward, moved / 2e-6, rtol=1e-6, atol=1e-6)
    u = torch.from_numpy(np.linalg.svd(weight.numpy())[0][:, 0])
    reverse = torch.einsum("abcd,cd->ab", jacrev(gradient)(weight), direction)
    torch.testing.assert_close(reverse, torch.outer(u, u) @ direction)


@pytest.mark.parametrize(
    ("mine", "plain", "x"),
    [
        (SpectralLinear(9, 4), nn.Linear(9, 4), normal(3, 9)),
        (SpectralConv2d(2, 5, 4, 2, 1), nn.Conv2d(2, 5, 4, 2, 1), normal(3, 2, 8, 8)),
    ],
    ids=["linear", "convolution"],
)
def test_layers_agree_with_pytorchs_after_many_iterations(
    mine: nn.Module, plain: nn.Module, x: Tensor
) -> None:
    """Outputs and gradients are those of torch's spectral_norm once its u and v have converged."""
    plain, mine = copy.deepcopy(plain).double(), copy.deepcopy(mine).double()
    for parameter, seed in ((plain.weight, 5), (plain.bias, 6)):
        assert isinstance(parameter, Tensor)
        parameter.data = normal(*parameter.shape, seed=seed)
    mine.load_state_dict(plain.state_dict())
    with torch.random.fork_rng():  # its u and v start from the global stream
        torchs = parametrizations.spectral_norm(plain, n_power_iterations=3000)
        expected = torchs(x)
    torch.testing.assert_close(mine(x), expected, rtol=1e-9, atol=1e-9)
    (got,) = torch.autograd.grad(mine(x).square().sum(), [mine.get_parameter("weight")])
    original = torchs.get_parameter("parametrizations.weight.original")
    (wanted,) = torch.autograd.grad(expected.square().sum(), [original])
    torch.testing.assert_close(got, wanted, rtol=1e-7, atol=1e-7)


@untimed
@given(st.floats(0.01, 1000), st.integers(0, 10**6))
def test_mlp_discriminator_is_1_lipschitz(scale: float, seed: int) -> None:
    """|D(x) − D(y)| ≤ ‖x − y‖ whatever the weights; leaky ReLU and every layer are 1-Lipschitz."""
    network, theta = discriminator("mlp_spectral", (2,))
    x, y = normal(2, 16, 2, seed=seed)
    moved = (network(scale * theta, x) - network(scale * theta, y)).abs()
    assert (moved <= (x - y).norm(dim=1) * (1 + 1e-6)).all()


def test_plain_mlp_is_not_lipschitz() -> None:
    """The same weights without normalisation break that bound: the property above can fail."""
    _, plain = MODELS["mlp"].networks((2,), 2)
    _, theta = discriminator("mlp_spectral", (2,))
    x, y = normal(2, 16, 2)
    assert ((plain(10 * theta, x) - plain(10 * theta, y)).abs() > (x - y).norm(dim=1)).any()


def test_lipschitz_bound_is_attained() -> None:
    """With positive weights of rank one all slopes multiply: |D(x) − D(y)| = ‖x − y‖."""
    network, theta = discriminator("mlp_spectral", (1,))
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    logits = network(torch.full_like(theta, 0.1), x)
    assert (logits[1] - logits[0]).item() == pytest.approx(2, rel=1e-9)


@untimed
@given(st.floats(0.1, 1000), st.integers(0, 10**6))
def test_dcgan_discriminator_stretches_by_two_per_strided_layer(scale: float, seed: int) -> None:
    """|D(x) − D(y)| ≤ 2ᵏ‖x − y‖: a pixel enters four of a 4×4 kernel's places at stride 2."""
    network, theta = discriminator("dcgan_spectral", (1, 8, 8))
    x, y = normal(2, 4, 1, 8, 8, seed=seed)
    moved = (network(scale * theta, x) - network(scale * theta, y)).abs()
    assert (moved <= 2 * (x - y).flatten(1).norm(dim=1) * (1 + 1e-6)).all()


def test_a_convolution_can_stretch_more_than_its_matrix() -> None:
    """The paper's σ is not the operator's norm: equal kernels double a constant image's middle."""
    layer = SpectralConv2d(1, 1, 4, 2, 1, bias=False).double()
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    x[:, :, 1:-1, 1:-1] = 1.0
    ratio = layer(x).norm() / x.norm()
    assert 1.9 < ratio.item() <= 2


def _objective(network: Network, x: Tensor) -> Callable[[Tensor], Tensor]:
    """Hinge loss plus R1: what the discriminator of a spectrally normalised game may minimise."""
    uniform = torch.zeros(len(x), dtype=x.dtype)

    def objective(theta: Tensor) -> Tensor:
        penalty = PENALTIES["r1"].value(lambda x: network(theta, x), x, x, uniform)
        loss = LOSSES["hinge"].discriminator(network(theta, x), network(theta, x / 2))
        return (loss + penalty).mean()

    return objective


@pytest.mark.parametrize(
    ("model", "shape"), [("mlp_spectral", (2,)), ("dcgan_spectral", (1, 8, 8))]
)
def test_gradient_with_r1_is_finite_differences(model: str, shape: tuple[int, ...]) -> None:
    """The double backward through D and σ, along a random direction of θ, in float64."""
    network, theta = discriminator(model, shape)
    objective, direction = _objective(network, normal(4, *shape)), normal(len(theta), seed=2)
    h = 1e-6 * theta.std().item()
    with torch.no_grad():
        slope = (objective(theta + h * direction) - objective(theta - h * direction)) / (2 * h)
    theta.requires_grad_()
    (gradient,) = torch.autograd.grad(objective(theta), theta)
    assert (gradient @ direction).item() == pytest.approx(slope.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "shape"), [("mlp_spectral", (2,)), ("dcgan_spectral", (1, 8, 8))]
)
def test_vmapped_gradients_are_autograds(model: str, shape: tuple[int, ...]) -> None:
    """torch.func.grad under vmap over seeds gives each seed's own gradient."""
    network, theta = discriminator(model, shape)
    objective = _objective(network, normal(4, *shape))
    thetas = torch.stack([theta, theta.roll(1), -2 * theta])
    batched = vmap(grad(objective))(thetas)
    for row, start in zip(batched, thetas, strict=True):
        leaf = start.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(leaf), leaf)
        torch.testing.assert_close(row, gradient)


def test_sigma_is_not_computed_in_bfloat16() -> None:
    """Under autocast σ is the float32 number to the last bit; the layer itself runs in bfloat16."""
    weight = normal(48, 64).float()
    layer = SpectralLinear(64, 48)
    with torch.autocast("cpu", torch.bfloat16):
        inside, output = spectral_norm(weight), layer(normal(2, 64).float())
    assert torch.equal(inside, spectral_norm(weight))
    assert output.dtype == torch.bfloat16


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf"), 1e200])
def test_a_weight_without_a_norm_gives_nan(bad: float) -> None:
    """No exception and no repair: one seed's overflow must not end the others."""
    weight = torch.full((3, 2), bad, dtype=torch.float64)
    assert spectral_norm(weight).isnan()
    batch = torch.stack([weight, torch.ones(3, 2, dtype=torch.float64)])
    norms = vmap(spectral_norm)(batch)
    assert norms[1].item() == pytest.approx(6**0.5)
    assert norms[0].isnan()


def test_a_run_that_overflows_is_recorded_as_diverged() -> None:
    """Weights that reach infinity end the run with a status, not with an exception."""
    run = Run(
        data="gaussian1d",
        model="mlp_spectral",
        optimiser="sgd",
        discriminator_learning_rate=1e38,
        batch_size=8,
        steps=6,
        records=1,
        evaluation_samples=50,
    )
    assert train(run).status == "diverged"
