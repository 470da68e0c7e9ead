"""f-GAN: any f-divergence as a game, by its convex conjugate f*.

D minimises −g(r) + f*(g(f)), G minimises −f*(g(f)); g maps a logit v into the domain of f*. Both
are written in closed form: f*(g(v)) composed step by step overflows where the result does not.

Reference:
    Nowozin et al. 2016, "f-GAN", Eqs. 6 to 8, tables 2 and 6.
"""

import math

from torch import Tensor
from torch.nn.functional import logsigmoid


def kl_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−r + exp(f − 1), with g(v) = v and f*(t) = exp(t − 1).

    Args:
        real_logits: (N,).
        fake_logits: (N,); float32 overflows above 89, float64 above 709, to an infinity.

    Returns:
        (N,), minus the bound on KL(p_data ‖ p_g), nats.
    """
    return -real_logits + (fake_logits - 1).exp()


def kl(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−exp(f − 1): minimise a bound on KL(p_data ‖ p_g).

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,); float32 overflows above 89, float64 above 709, to an infinity.

    Returns:
        (N,), at most 0.
    """
    del real_logits
    return -(fake_logits - 1).exp()


def reverse_kl_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """exp(−r) + f − 1, with g(v) = −exp(−v) and f*(t) = −1 − log(−t).

    Args:
        real_logits: (N,); float32 overflows below −88, float64 below −709, to an infinity.
        fake_logits: (N,).

    Returns:
        (N,), minus the bound on KL(p_g ‖ p_data), nats.
    """
    return (-real_logits).exp() + fake_logits - 1


def reverse_kl(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """1 − f: minimise a bound on KL(p_g ‖ p_data).

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,).

    Returns:
        (N,), unbounded.
    """
    del real_logits
    return 1 - fake_logits


def pearson_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−r + f²/4 + f, with g(v) = v and f*(t) = t²/4 + t.

    Args:
        real_logits: (N,).
        fake_logits: (N,).

    Returns:
        (N,), minus the bound on Pearson's χ², ∫ (p_data − p_g)² / p_g.
    """
    return -real_logits + fake_logits.square() / 4 + fake_logits


def pearson(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−f²/4 − f: minimise a bound on Pearson's χ²; not monotonic, it turns at f = −2.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,).

    Returns:
        (N,), at most 1.
    """
    del real_logits
    return -fake_logits.square() / 4 - fake_logits


def squared_hellinger_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """exp(−r) − 1 + exp(f) − 1, with g(v) = 1 − exp(−v) and f*(t) = t/(1 − t).

    Args:
        real_logits: (N,); float32 overflows below −88, float64 below −709, to an infinity.
        fake_logits: (N,); float32 overflows above 88, float64 above 709, to an infinity.

    Returns:
        (N,), minus the bound on the squared Hellinger distance.
    """
    # Not expm1: torch takes its gradient as result + 1, which rounds to 0 below −37.
    return (-real_logits).exp() + fake_logits.exp() - 2


def squared_hellinger(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """1 − exp(f): minimise a bound on the squared Hellinger distance.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,); float32 overflows above 88, float64 above 709, to an infinity.

    Returns:
        (N,), at most 1.
    """
    del real_logits
    return 1 - fake_logits.exp()


def jensen_shannon_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 1's discriminator less 2 log 2: g(v) = log 2σ(v), f*(t) = −log(2 − exp(t)).

    Args:
        real_logits: (N,).
        fake_logits: (N,).

    Returns:
        (N,), minus the bound on 2·JSD(p_data ‖ p_g), nats.
    """
    return -logsigmoid(real_logits) - logsigmoid(-fake_logits) - math.log(4)


def jensen_shannon(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """log(1 − D) + log 2: the saturating loss, by another road.

    Args:
        real_logits: (N,), unused.
        fake_logits: (N,).

    Returns:
        (N,), at most log 2, nats.
    """
    del real_logits
    return logsigmoid(-fake_logits) + math.log(2)
