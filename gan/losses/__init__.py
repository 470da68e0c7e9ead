"""LOSSES: what the discriminator and the generator minimise, per sample, in logits.

Every function takes ``(real_logits, fake_logits)``, each of shape (N,), and returns (N,) values to
be *minimised*; ``step.py`` takes the mean. D = σ(a) never appears: log D = logsigmoid(a) and
log(1 − D) = logsigmoid(−a) stay exact where σ(a) rounds to 0 or 1. torch's softplus does not: it
is linear above 20, where D still differs from 1 by 2e-9 (docs/decisions/0004).
"""

from gan.losses.f_gan import (
    jensen_shannon,
    jensen_shannon_discriminator,
    kl,
    kl_discriminator,
    pearson,
    pearson_discriminator,
    reverse_kl,
    reverse_kl_discriminator,
    squared_hellinger,
    squared_hellinger_discriminator,
)
from gan.losses.goodfellow import cross_entropy, maximum_likelihood, non_saturating, saturating
from gan.losses.loss import Elementwise, Loss
from gan.losses.raw import (
    hinge,
    hinge_discriminator,
    least_squares,
    least_squares_discriminator,
    wasserstein,
    wasserstein_critic,
)
from gan.losses.relativistic import (
    relativistic_average,
    relativistic_average_discriminator,
    relativistic_average_hinge,
    relativistic_average_hinge_discriminator,
    relativistic_average_least_squares,
    relativistic_average_least_squares_discriminator,
    relativistic_pairing,
    relativistic_pairing_discriminator,
)

LOSSES: dict[str, Loss] = {
    "saturating": Loss(cross_entropy, saturating),
    "non_saturating": Loss(cross_entropy, non_saturating),
    "maximum_likelihood": Loss(cross_entropy, maximum_likelihood),
    "least_squares": Loss(least_squares_discriminator, least_squares),
    "wasserstein": Loss(wasserstein_critic, wasserstein),
    "hinge": Loss(hinge_discriminator, hinge),
    "relativistic_pairing": Loss(
        relativistic_pairing_discriminator, relativistic_pairing, relativistic=True
    ),
    "relativistic_average": Loss(
        relativistic_average_discriminator, relativistic_average, relativistic=True
    ),
    "relativistic_average_least_squares": Loss(
        relativistic_average_least_squares_discriminator,
        relativistic_average_least_squares,
        relativistic=True,
    ),
    "relativistic_average_hinge": Loss(
        relativistic_average_hinge_discriminator, relativistic_average_hinge, relativistic=True
    ),
    "kl": Loss(kl_discriminator, kl),
    "reverse_kl": Loss(reverse_kl_discriminator, reverse_kl),
    "pearson": Loss(pearson_discriminator, pearson),
    "squared_hellinger": Loss(squared_hellinger_discriminator, squared_hellinger),
    "jensen_shannon": Loss(jensen_shannon_discriminator, jensen_shannon),
}

__all__ = ["LOSSES", "Elementwise", "Loss"]
