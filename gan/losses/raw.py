"""Games on raw outputs instead of probabilities: least squares, Wasserstein, hinge."""

from torch import Tensor
from torch.nn.functional import relu


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
