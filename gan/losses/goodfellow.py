"""The game of the 2014 paper and the three generators that play it."""

from torch import Tensor
from torch.nn.functional import logsigmoid


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
        fake_logits: (N,), discriminator logits of generated samples; the result is −inf above 88.7
            (float32) or 709 (float64).

    Returns:
        (N,), at most 0; dominated by the few samples that D believes in most.

    Reference:
        Goodfellow 2016, "NIPS 2016 Tutorial: GANs", section 3.2.4 and Fig. 16.
    """
    del real_logits
    return -fake_logits.exp()
