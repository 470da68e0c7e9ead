"""p_data and the same density displaced: D*, their divergence and G's gradient, to rounding.

In the plane it is displaced along the first axis.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from gan.gradients import logit_gradient, own_loss
from gan.mixtures import Mixture
from gan.network import Network

Function = Callable[[Tensor], Tensor]


# Of the trapezoidal rule in so many dimensions. In the plane 4 are exact to 1e-14, 3 to 1e-12.
PER_SIGMA = {1: 100, 2: 4}


class Displaced(nn.Module):
    """G(z) = μₘ + σ(z₁ + displacement, z₂), m uniform over the modes by Φ(z_last): one parameter.

    At displacement 0 its samples are the mixture's. It needs ``latent_numbers`` numbers z.
    """

    def __init__(self, mixture: Mixture) -> None:
        super().__init__()
        self.displacement = nn.Parameter(torch.empty(()))
        self.centres, self.sigma = mixture.centres, mixture.sigma
        self.axis = first_axis(mixture)

    def forward(self, z: Tensor) -> Tensor:
        """(N, latent_dim) -> (N, d)."""
        modes = (torch.special.ndtr(z[:, -1]) * len(self.centres)).long()
        centres = self.centres[modes.clamp_(max=len(self.centres) - 1)].to(z.dtype)
        noise = z[:, : len(self.axis)] + self.displacement * self.axis.to(z.dtype)
        return centres + self.sigma * noise


def first_axis(mixture: Mixture) -> Tensor:
    """(d,) float64: the direction of the displacement."""
    axis = torch.zeros_like(mixture.centres[0])
    axis[0] = 1
    return axis


def latent_numbers(mixture: Mixture) -> int:
    """How many numbers z the displaced generator takes: one a coordinate, one to choose a mode.

    >>> latent_numbers(Mixture("line", (1,), torch.tensor([[4.0]], dtype=torch.float64), 0.5))
    1
    """
    return mixture.shape[0] + (len(mixture.centres) > 1)


def displaced(mixture: Mixture) -> Network:
    """The generator that makes a mixture displaced by θ standard deviations.

    Args:
        mixture: p_data.

    Returns:
        Network of one parameter, the displacement; its initial one is 0, where p_g = p_data.

    >>> line = Mixture("line", (1,), torch.tensor([[4.0]], dtype=torch.float64), 0.5)
    >>> displaced(line)(torch.tensor([-2.0]), torch.zeros(1, 2))  # 4 − 2·0.5
    tensor([[3.]])
    """

    def at_the_data(module: nn.Module, _rng: torch.Generator) -> None:
        for parameter in module.parameters():
            nn.init.zeros_(parameter)

    return Network(lambda: Displaced(mixture), at_the_data)


def optimal_logit(mixture: Mixture, displacement: float, x: Tensor) -> Tensor:
    """log p_data(x) − log p_g(x), the logit of D* = p_data / (p_data + p_g).

    Args:
        mixture: p_data.
        displacement: of p_g from p_data, standard deviations.
        x: (N, d).

    Returns:
        (N,) float64.

    Reference:
        Goodfellow et al. 2014, Proposition 1.
    """
    moved = x.to(torch.float64) - displacement * mixture.sigma * first_axis(mixture)
    return mixture.log_density(x) - mixture.log_density(moved)


def expectation(mixture: Mixture, function: Function) -> float:
    """E f(x) over a mixture, by the trapezoidal rule on ±12σ about every mode.

    For a smooth f the rule converges exponentially; 1/100 σ on the line, 1/4 σ in the plane leave
    rounding alone.

    Args:
        mixture: of shape (1,) or (2,).
        function: (N, d) float64 -> (N,).

    Returns:
        The mean.
    """
    dimension = mixture.shape[0]
    steps, ends = PER_SIGMA[dimension], 12 * PER_SIGMA[dimension]
    device = mixture.centres.device
    line = torch.arange(-ends, ends + 1, dtype=torch.float64, device=device) / steps
    epsilon = torch.cartesian_prod(*[line] * dimension).reshape(-1, dimension)
    weights = (-epsilon.square().sum(1) / 2).exp() / (steps * math.sqrt(2 * math.pi)) ** dimension
    means = [weights @ function(centre + mixture.sigma * epsilon) for centre in mixture.centres]
    return torch.stack(means).mean().item()


def jensen_shannon(mixture: Mixture, displacement: float) -> float:
    """JSD(p_data ‖ p_g) = ½KL(p_data ‖ p̄) + ½KL(p_g ‖ p̄) with p̄ = ½(p_data + p_g).

    Args:
        mixture: p_data.
        displacement: of p_g from p_data, standard deviations.

    Returns:
        Nats, from 0 where they are the same to log 2 where they are apart.

    Reference:
        Goodfellow et al. 2014, Theorem 1.

    >>> line = Mixture("line", (1,), torch.zeros(1, 1, dtype=torch.float64), 1.0)
    >>> round(jensen_shannon(line, 0.0), 12), round(jensen_shannon(line, 99.0) / math.log(2), 12)
    (0.0, 1.0)
    """
    shift = displacement * mixture.sigma * first_axis(mixture)
    real = expectation(mixture, lambda x: logsigmoid(optimal_logit(mixture, displacement, x)))
    fake = expectation(
        mixture, lambda x: logsigmoid(-optimal_logit(mixture, displacement, x + shift))
    )
    return math.log(2) + (real + fake) / 2


def logit_slopes(logits: Function, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """a(x) and σ·∂a/∂x₁ = ∂a/∂μ of generated samples x = μₘ + σ(ε + μ), D held fixed.

    Args:
        logits: (N, d) -> (N,), each of its own sample alone.
        x: (N, d), generated samples.
        sigma: what μ is counted in.

    Returns:
        Logits and slopes, each (N,), detached.
    """
    x = x.detach().requires_grad_()
    a = logits(x)
    (slope,) = torch.autograd.grad(a.sum(), x)
    return a.detach(), sigma * slope[:, 0]


def displacement_gradient(fake_logits: Tensor, slopes: Tensor, loss: str) -> Tensor:
    """dL/dμ = dL/da · ∂a/∂μ of every generated sample.

    Args:
        fake_logits: (N,), a.
        slopes: (N,), ∂a/∂μ.
        loss: a name of LOSSES whose generator does not read real logits.

    Returns:
        (N,), nats per standard deviation; positive where descent moves G to the left.

    >>> a, slopes = torch.zeros(1), torch.tensor([-3.0])  # D = ½; D falls to the right
    >>> displacement_gradient(a, slopes, "non_saturating")  # −(1 − D)·(−3)
    tensor([1.5000])
    """
    return logit_gradient(own_loss(loss), fake_logits) * slopes


def exact_gradient(mixture: Mixture, displacement: float, loss: str) -> float:
    """dL/dμ with D* of this displacement in D's place, by quadrature.

    Where p_g is p_data displaced by μ it is 2·∂JSD/∂μ (saturating), ∂KL(p_g ‖ p_data)/∂μ −
    2·∂JSD/∂μ (non-saturating) and ∂KL(p_data ‖ p_g)/∂μ (maximum likelihood): all three are 0 at 0.

    Args:
        mixture: p_data.
        displacement: μ of p_g, standard deviations.
        loss: saturating, non_saturating or maximum_likelihood.

    Returns:
        Nats per standard deviation.

    Reference:
        Goodfellow et al. 2014, Theorem 1; Arjovsky & Bottou 2017, Theorem 2.5; Goodfellow 2016,
        section 3.2.4.
    """
    shift = displacement * mixture.sigma * first_axis(mixture)

    def gradients(x: Tensor) -> Tensor:
        a, slopes = logit_slopes(
            lambda fake: optimal_logit(mixture, displacement, fake), x + shift, mixture.sigma
        )
        return displacement_gradient(a, slopes, loss)

    return expectation(mixture, gradients)
