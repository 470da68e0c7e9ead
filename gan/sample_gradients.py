"""Per-sample gradients of the generator's loss: at the probability, the logit, the sample, θ_G.

The law that Eq. 3 and Eq. 4 of the 2014 paper state is one of single samples; a minibatch only
mixes it. So loss∘D∘G is differentiated sample by sample, and the gradients compared in every
parameter (docs/decisions/0012).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad, vmap

from gan.errors import UsageError, unknown
from gan.gradients import scaled_norms
from gan.losses import LOSSES, Loss
from gan.step import Game, State

# What the chunks of a vmap may hold at once.
CHUNK_BYTES = 256 * 2**20
# Buffers as long as a chunk's gradients at its peak: 4 to 4.5 were measured at 2.5 M parameters.
_COPIES = 5


class PerSample(NamedTuple):
    """Absolute values and norms of one loss's gradients, one per sample, each (N,).

    Args:
        d_fake: D(G(z)) = σ(a).
        to_probability: |dL/dD|.
        to_logit: |dL/da|.
        to_sample: ‖dL/dx‖₂ at x = G(z), float64.
        to_parameters: ‖dL/dθ_G‖₂, float64.
    """

    d_fake: Tensor
    to_probability: Tensor
    to_logit: Tensor
    to_sample: Tensor
    to_parameters: Tensor


def per_sample(
    game: Game,
    state: State,
    z: Tensor,
    loss: str,
    shift: float | Tensor = 0.0,
    chunk_bytes: int = CHUNK_BYTES,
) -> PerSample:
    """Gradients of L(D(G(z_i))) for each z_i: vmap of grad over the whole composition.

    Args:
        game: the networks; its own loss is not used, dropout is off.
        state: both players' parameters, not changed.
        z: (N, latent_dim).
        loss: a name of LOSSES that is not relativistic.
        shift: c or (N,), added to each sample's logit; it moves D(G(z)) and leaves ∂a/∂θ alone.
        chunk_bytes: memory that the gradients of the samples worked on at once may take; one
            sample's are always taken at once.

    Returns:
        (N,) values in θ's dtype, norms in float64 (see ``gan.gradients.gradient_norms``).

    Raises:
        UsageError: an unknown or a relativistic loss, networks that couple samples, or shapes and
            sizes that do not fit.

    Reference:
        Goodfellow et al. 2014, section 3; docs/decisions/0012.
    """
    own, theta = need_own_loss(loss), state.generator.detach()
    shifts = _shifts(shift, z, theta)
    need_separate_samples(game, state, z)
    still = torch.zeros_like(game.generate(theta, z[:1])).detach()

    def objective(theta: Tensor, moved: Tensor, c: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        x = game.generate(theta, noise[None]) + moved
        logits = game.logits(state.discriminator, x) + c
        return own.generator(logits, logits).sum(), logits[0]

    def one(noise: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        differentiate = grad(objective, argnums=(0, 1, 2), has_aux=True)
        (to_theta, to_x, to_logit), logit = differentiate(theta, still, c, noise)
        return logit, to_logit, scaled_norms(to_x.flatten()), scaled_norms(to_theta)

    logits, to_logit, to_x, to_theta = _in_chunks(one, _samples(theta, chunk_bytes), z, shifts)
    logits, to_logit = logits.to(theta.dtype), to_logit.to(theta.dtype)
    to_probability = probability_gradient(to_logit, logits)
    return PerSample(torch.sigmoid(logits), to_probability, to_logit.abs(), to_x, to_theta)


def logit_gradient_norms(
    game: Game, state: State, z: Tensor, chunk_bytes: int = CHUNK_BYTES
) -> tuple[Tensor, Tensor]:
    """The logits a_i = D(G(z_i)) and ‖∂a_i/∂θ_G‖₂: what every loss's gradient has in common.

    Args:
        game: the networks.
        state: both players' parameters, not changed.
        z: (N, latent_dim).
        chunk_bytes: as in ``per_sample``.

    Returns:
        (N,) logits in θ's dtype and (N,) norms in float64.

    Raises:
        UsageError: networks that couple samples, or a bad shape or size.
    """
    theta = state.generator.detach()
    shifts = _shifts(0.0, z, theta)
    need_separate_samples(game, state, z)

    def logit(theta: Tensor, noise: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        (value,) = game.logits(state.discriminator, game.generate(theta, noise[None])) + c
        return value, value

    def one(noise: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        to_theta, value = grad(logit, has_aux=True)(theta, noise, c)
        return value, scaled_norms(to_theta)

    logits, norms = _in_chunks(one, _samples(theta, chunk_bytes), z, shifts)
    return logits.to(theta.dtype), norms


def probability_gradient(to_logit: Tensor, logits: Tensor) -> Tensor:
    """|dL/dD| = |dL/da| / (D(1 − D)), with 1 − D as σ(−a): exact where D rounds to 1.

    Args:
        to_logit: (...), dL/da.
        logits: (...), a.

    Returns:
        (...), inf where D or 1 − D underflows.

    >>> a = torch.tensor([0.0, 40.0], dtype=torch.float64)
    >>> probability_gradient(-torch.sigmoid(-a), a)  # non-saturating: 1/D
    tensor([2., 1.], dtype=torch.float64)
    """
    return to_logit.abs() / torch.sigmoid(logits) / torch.sigmoid(-logits)


def need_own_loss(loss: str) -> Loss:
    """The loss by name, if each sample has a loss of its own.

    Args:
        loss: a name of LOSSES.

    Returns:
        The loss.

    Raises:
        UsageError: an unknown loss; or a relativistic one: it depends on differences of logits, so
            shifting them all changes nothing, and on those of other samples.
    """
    if loss not in LOSSES:
        raise unknown("loss", loss, LOSSES)
    if LOSSES[loss].relativistic:
        raise UsageError(
            f"loss {loss} has no per-sample gradient: it compares logits of several samples and "
            "does not change when all are shifted; use saturating, non_saturating or another that "
            "is not relativistic",
            field="loss",
        )
    return LOSSES[loss]


def couples_samples(game: Game, state: State, z: Tensor) -> bool:
    """Whether a sample's logit depends on the other samples' z, as batch normalisation makes it.

    Measured, not read off the modules: ∂a₁/∂z_j for j ≠ 1 is exactly 0 in networks that treat each
    sample alone.

    Args:
        game: the networks.
        state: both players' parameters, not changed.
        z: (N, latent_dim), N ≥ 1.

    Returns:
        True if any such derivative is not 0.
    """
    # Displaced copies are the other samples: there may be one z only, or equal ones.
    minibatch = torch.cat([z[:4], z[:4] + 1]).detach().requires_grad_()
    with torch.enable_grad():
        logits = game.logits(state.discriminator, game.generate(state.generator, minibatch))
    (gradient,) = torch.autograd.grad(logits[0], minibatch)
    # Not "!= 0": where a network overflows, nan says nothing about coupling.
    return bool((gradient[1:].abs() > 0).any())


def need_separate_samples(game: Game, state: State, z: Tensor) -> None:
    """Raise UsageError if the networks couple samples, so that no per-sample gradient is defined.

    Args:
        game: the networks.
        state: both players' parameters.
        z: (N, latent_dim).

    Raises:
        UsageError: a logit depends on other samples.
    """
    if couples_samples(game, state, z):
        raise UsageError(
            "no per-sample gradient is defined: batch normalisation makes each sample's logit "
            "depend on its minibatch; use mlp, mlp_spectral or goodfellow2014",
            field="model",
        )


def _shifts(shift: float | Tensor, z: Tensor, theta: Tensor) -> Tensor:
    """(N,) shifts in θ's dtype, after a look at the shapes of z and of what was given."""
    if z.ndim != 2 or not len(z):
        raise UsageError(f"z of shape {tuple(z.shape)}, expected (N, latent_dim) with N at least 1")
    shifts = torch.as_tensor(shift, dtype=theta.dtype, device=theta.device).detach()
    if shifts.shape not in ((), (len(z),)):
        raise UsageError(
            f"shift of shape {tuple(shifts.shape)}, expected a number or one per sample, "
            f"({len(z)},)"
        )
    return shifts.expand(len(z))


def _samples(theta: Tensor, chunk_bytes: int) -> int:
    """How many samples' gradients a chunk may hold."""
    if not isinstance(chunk_bytes, int) or chunk_bytes < 1:
        raise UsageError(f"chunk_bytes must be a whole number of at least 1, not {chunk_bytes!r}")
    return max(1, chunk_bytes // (_COPIES * theta.numel() * theta.itemsize))


def _in_chunks(
    one: Callable[[Tensor, Tensor], tuple[Tensor, ...]], samples: int, z: Tensor, shifts: Tensor
) -> Tensor:
    """A vmap over so many samples at a time; its K results as (K, N), float64."""
    chunks = zip(z.split(samples), shifts.split(samples), strict=True)
    start, measured = 0, torch.empty(0)
    for noise, c in chunks:
        results = vmap(one)(noise, c)
        # Written into one tensor as they come, not kept apart as vmap's own chunks are: so many
        # small tensors, each made beside a large one, hold the freed memory of the large ones.
        if not start:
            measured = z.new_empty(len(results), len(z), dtype=torch.float64)
        for row, result in zip(measured, results, strict=True):
            row[start : start + len(noise)] = result
        start += len(noise)
    return measured
