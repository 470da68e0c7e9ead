"""LOSSES: what the discriminator and the generator minimise, per sample, in logits.

Every function takes ``(real_logits, fake_logits)``, each of shape (N,), and returns (N,) values to
be *minimised*; ``step.py`` takes the mean. D = σ(a) never appears: log D = logsigmoid(a) and
log(1 − D) = logsigmoid(−a) stay exact where σ(a) rounds to 0 or 1. torch's softplus does not: it
is linear above 20, where D still differs from 1 by 2e-9 (docs/decisions/0004).
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid, relu

Elementwise = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """The two sides of a game.

    Args:
        discriminator: ``(real_logits (N,), fake_logits (N,)) -> (N,)``, minimised by D.
        generator: the same signature, minimised by G.
    """

    discriminator: Elementwise
    generator: Elementwise


def cross_entropy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−log D(x) − log(1 − D(G(z))): the discriminator's side of Eq. 1.

    Args:
        real_logits: (N,), discriminator logits of real samples.
        fake_logits: (N,), discriminator logits of generated samples.

    Returns:
        (N,), nats per pair of samples; 2 log 2 where D cannot tell.

    Reference:
        Goodfellow et al. 2014, Eq. 1 and Algorithm 1.
    """
    return -logsigmoid(real_logits) - logsigmoid(-fake_logits)


def saturating(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """log(1 − D(G(z))): Eq. 1, the generator's side of the minimax game.

    Its gradient in the logit is −D(G(z)), which vanishes while D rejects the samples (Eq. 4).

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,), discriminator logits of generated samples.

    Returns:
        (N,), nats per sample, at most 0.

    Reference:
        Goodfellow et al. 2014, Eq. 1.

    >>> import torch
    >>> saturating(torch.zeros(2), torch.tensor([0.0, -9.0]))  # D = 1/2, D = 1e-4
    tensor([-6.9315e-01, -1.2340e-04])
    """
    del real_logits
    return logsigmoid(-fake_logits)


def non_saturating(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−log D(G(z)): Eq. 2, the generator's loss used in practice.

    Its gradient in the logit is −(1 − D(G(z))), close to −1 while D rejects the samples (Eq. 3).

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,), discriminator logits of generated samples.

    Returns:
        (N,), nats per sample, at least 0.

    Reference:
        Goodfellow et al. 2014, section 3.

    >>> import torch
    >>> non_saturating(torch.zeros(2), torch.tensor([0.0, -100.0]))  # D = 1/2, D = 4e-44
    tensor([  0.6931, 100.0000])
    """
    del real_logits
    return -logsigmoid(fake_logits)


def maximum_likelihood(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−D(G(z)) / (1 − D(G(z))) = −exp(a): maximum likelihood, if D is optimal.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,), discriminator logits of generated samples; float32 overflows above 88.7.

    Returns:
        (N,), at most 0; dominated by the few samples that D believes in most.

    Reference:
        Goodfellow 2016, "NIPS 2016 Tutorial: GANs", section 3.2.4 and Fig. 16.
    """
    del real_logits
    return -fake_logits.exp()


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½(D(x) − 1)² + ½D(G(z))² on raw outputs, labels b = 1 and a = 0.

    Args:
        real_logits: (N,), raw outputs of D on real samples.
        fake_logits: (N,), raw outputs of D on generated samples.

    Returns:
        (N,), at least 0.

    Reference:
        Mao et al. 2016, "Least Squares GANs", Eq. 9.
    """
    return ((real_logits - 1).square() + fake_logits.square()) / 2


def least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½(D(G(z)) − 1)² on raw outputs, label c = 1.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,), raw outputs of D on generated samples.

    Returns:
        (N,), at least 0.

    Reference:
        Mao et al. 2016, "Least Squares GANs", Eq. 9.
    """
    del real_logits
    return (fake_logits - 1).square() / 2


def wasserstein_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """f(G(z)) − f(x): minus the critic's estimate of K · W₁(p_data, p_g).

    Args:
        real_logits: (N,), critic values of real samples.
        fake_logits: (N,), critic values of generated samples.

    Returns:
        (N,), unbounded: the critic must be kept Lipschitz by clipping or a penalty.

    Reference:
        Arjovsky et al. 2017, "Wasserstein GAN", Eq. 2 and Algorithm 1.
    """
    return fake_logits - real_logits


def wasserstein(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−f(G(z)): the generator's side of the Kantorovich dual.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,), critic values of generated samples.

    Returns:
        (N,), unbounded.

    Reference:
        Arjovsky et al. 2017, "Wasserstein GAN", Algorithm 1.
    """
    del real_logits
    return -fake_logits


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """max(0, 1 − D(x)) + max(0, 1 + D(G(z))): margins of one on raw outputs.

    Args:
        real_logits: (N,), raw outputs of D on real samples.
        fake_logits: (N,), raw outputs of D on generated samples.

    Returns:
        (N,), at least 0.

    Reference:
        Lim & Ye 2017, "Geometric GAN", Eq. 19.
    """
    return relu(1 - real_logits) + relu(1 + fake_logits)


def hinge(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−D(G(z)) on raw outputs, against a discriminator with margins of one.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,), raw outputs of D on generated samples.

    Returns:
        (N,), unbounded.

    Reference:
        Lim & Ye 2017, "Geometric GAN", Eq. 20.
    """
    del real_logits
    return -fake_logits


LOSSES: dict[str, Loss] = {
    "saturating": Loss(cross_entropy, saturating),
    "non_saturating": Loss(cross_entropy, non_saturating),
    "maximum_likelihood": Loss(cross_entropy, maximum_likelihood),
    "least_squares": Loss(least_squares_discriminator, least_squares),
    "wasserstein": Loss(wasserstein_critic, wasserstein),
    "hinge": Loss(hinge_discriminator, hinge),
}
