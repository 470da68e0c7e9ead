"""What the discriminator says of real and generated samples, and the game's value."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gan.errors import UsageError

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)


def discriminator_statistics(real_logits: Tensor, fake_logits: Tensor) -> dict[str, float]:
    """D's accuracy, mean D(x), quantiles of D(G(z)) and V(D, G): where D = σ(logit) puts the sides.

    V(D, G) = E log D(x) + E log(1 − D(G(z))), in float64 from the logits: exact where D rounds to
    0 or 1. It is −log 4 at D = ½ and 0 at most. Whatever trained D, on samples it has not seen V is
    on average at most −log 4 + 2·JSD(p_data ‖ p_g): it bounds the divergence from below.

    Args:
        real_logits: (N,), logits of real samples.
        fake_logits: (N,), logits of as many generated samples.

    Returns:
        d_real: mean D(x). d_fake_q05 … q95: quantiles of D(G(z)). accuracy: share of samples on
        the right side of D = ½, a logit of exactly 0 counting as half right. game_value: V(D, G),
        nats, −inf if a logit is infinitely wrong. nan if a logit is.

    Raises:
        UsageError: the two sides are not vectors of the same length, or empty.

    Reference:
        Goodfellow et al. 2014, Eq. 1 and Theorem 1.

    >>> statistics = discriminator_statistics(torch.tensor([0.0, 3.0]), torch.tensor([-1.0, 1.0]))
    >>> statistics["accuracy"]  # ½, 1, 1, 0
    0.625
    """
    if real_logits.ndim != 1 or real_logits.shape != fake_logits.shape or len(real_logits) == 0:
        raise UsageError(
            f"logits of shapes {tuple(real_logits.shape)} and {tuple(fake_logits.shape)}, "
            "expected (N,) twice with N at least 1"
        )
    real, fake = (logits.detach().to("cpu", torch.float64) for logits in (real_logits, fake_logits))
    quantiles = np.quantile(fake.sigmoid().numpy(), QUANTILES)
    right = 0.5 + np.sign(torch.cat([real, -fake]).numpy()) / 2  # torch's sign of nan is 0
    return {
        "d_real": real.sigmoid().mean().item(),
        **{
            f"d_fake_q{round(100 * share):02d}": float(value)
            for share, value in zip(QUANTILES, quantiles, strict=True)
        },
        "accuracy": float(right.mean()),
        "game_value": (logsigmoid(real).mean() + logsigmoid(-fake).mean()).item(),
    }
