"""Relativistic games: is this real sample more real than that generated one?

In the average forms r̄ and f̄ are the minibatch's mean logits. Both players read both sides, and the
gradient flows through both: detaching the real branch is a known mistake.

Reference:
    Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from standard
    GAN", sections 3.2 and 3.3; the generator's side swaps real and fake.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid, relu


def relativistic_pairing_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−log σ(r − f): the real sample of each pair should win.

    Args:
        real_logits: (N,).
        fake_logits: (N,), the other half of each pair.

    Returns:
        (N,), nats per pair.
    """
    return -logsigmoid(real_logits - fake_logits)


def relativistic_pairing(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−log σ(f − r): RpGAN; the generated sample of each pair should win. R3GAN adds R1 and R2.

    Args:
        real_logits: (N,).
        fake_logits: (N,), the other half of each pair.

    Returns:
        (N,), nats per pair.
    """
    return -logsigmoid(fake_logits - real_logits)


def _over_averages(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """r − f̄ and f − r̄, each (N,)."""
    return real_logits - fake_logits.mean(), fake_logits - real_logits.mean()


def relativistic_average_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−½[log σ(r − f̄) + log σ(r̄ − f)].

    Args:
        real_logits: (N,).
        fake_logits: (N,).

    Returns:
        (N,), nats.
    """
    over_fake, over_real = _over_averages(real_logits, fake_logits)
    return -(logsigmoid(over_fake) + logsigmoid(-over_real)) / 2


def relativistic_average(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−½[log σ(f − r̄) + log σ(f̄ − r)]: RaSGAN.

    Args:
        real_logits: (N,).
        fake_logits: (N,).

    Returns:
        (N,), nats.
    """
    return relativistic_average_discriminator(fake_logits, real_logits)


def relativistic_average_least_squares_discriminator(
    real_logits: Tensor, fake_logits: Tensor
) -> Tensor:
    """½[(r − f̄ − 1)² + (f − r̄ + 1)²].

    Args:
        real_logits: (N,), raw outputs.
        fake_logits: (N,), raw outputs.

    Returns:
        (N,), at least 0.
    """
    over_fake, over_real = _over_averages(real_logits, fake_logits)
    return ((over_fake - 1).square() + (over_real + 1).square()) / 2


def relativistic_average_least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½[(f − r̄ − 1)² + (r − f̄ + 1)²]: RaLSGAN.

    Args:
        real_logits: (N,), raw outputs.
        fake_logits: (N,), raw outputs.

    Returns:
        (N,), at least 0.
    """
    return relativistic_average_least_squares_discriminator(fake_logits, real_logits)


def relativistic_average_hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½[max(0, 1 − (r − f̄)) + max(0, 1 + (f − r̄))].

    Args:
        real_logits: (N,), raw outputs.
        fake_logits: (N,), raw outputs.

    Returns:
        (N,), at least 0.
    """
    over_fake, over_real = _over_averages(real_logits, fake_logits)
    return (relu(1 - over_fake) + relu(1 + over_real)) / 2


def relativistic_average_hinge(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½[max(0, 1 − (f − r̄)) + max(0, 1 + (r − f̄))]: RaHingeGAN.

    Args:
        real_logits: (N,), raw outputs.
        fake_logits: (N,), raw outputs.

    Returns:
        (N,), at least 0.
    """
    return relativistic_average_hinge_discriminator(fake_logits, real_logits)
