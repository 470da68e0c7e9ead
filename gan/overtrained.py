"""A frozen generator against a discriminator that trains on: what every loss's gradient becomes.

D(G(z)) falls over many decades by itself; at each record the gradients of all losses are measured
over many minibatches: their size, their noise, and how heavy the noise's tail is.

Reference:
    Arjovsky & Bottou 2017, "Towards principled methods for training generative adversarial
    networks", theorems 2.4 and 2.6.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from gan.errors import UsageError
from gan.finite import finite
from gan.gradients import gradient_norms, in_precision, loss_gradients
from gan.losses import LOSSES
from gan.metrics import discriminator_statistics
from gan.run import Run
from gan.step import Game, State
from gan.store import Stored
from gan.trainer import Trainer, lead_divergence

Row = dict[str, object]
Minibatch = tuple[Tensor, Tensor]

# The fewest whose top tenth is LEAST_TAIL.
LEAST_MINIBATCHES = 50
TAIL_SHARE = 10
LEAST_TAIL = 5
# What the gradients of all minibatches may take at once; one loss's are always taken at once.
GRADIENT_BYTES = 512 * 2**20


def overtrained_experiment(trainer: Trainer) -> Stored:
    """All losses' gradients in a fixed θ_G while D trains alone for up to ``run.steps`` updates.

    Measured before, and after 1, 2, 5, 10, … updates and the last, over M minibatches drawn afresh
    from streams of their own, M = max(50, evaluation_samples / batch_size). The players are
    converted to float64, so that magnitudes do not depend on the training format.

    Args:
        trainer: at its first step; its discriminator is trained here, its generator never.

    Returns:
        The rows of results/README.md's overtrained table. If D diverges, those before it.

    Raises:
        UsageError: a run with a head start, which this experiment is, or of packs.
    """
    run = trainer.run
    run.need_single_samples("overtrained")
    if run.head_start:
        raise UsageError(
            f"the overtrained experiment takes no head start, not {run.head_start}: it measures "
            "one of `steps` updates all along",
            field="head_start",
        )
    rows: list[Row] = []
    trace, message = torch.empty(0, 2, device=run.device), ""
    for end in [0, *round_steps(run.steps)]:
        trace = torch.cat([trace, trainer.lead(end - len(trace)).to(trace)])
        if message := lead_divergence(trace, "D's training alone"):
            break
        rows += _rows(trainer, end)
    return Stored(
        kind="overtrained",
        run=run,
        rows=rows,
        status="diverged" if message else "finished",
        message=message,
        stopped_step=_finite_updates(trace) + bool(message),
        facts={"minibatches": minibatch_count(run), "tail_count": _tail_count(run)},
    )


def round_steps(last: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, … and the last.

    Args:
        last: at least 0.

    Returns:
        Increasing, at most ``last``; empty for 0.

    >>> round_steps(120)
    [1, 2, 5, 10, 20, 50, 100, 120]
    """
    series = (digit * 10**power for power in range(len(str(last))) for digit in (1, 2, 5))
    return sorted({step for step in (*series, last) if 0 < step <= last})


def minibatch_count(run: Run) -> int:
    """M, over how many minibatches a gradient's noise is measured.

    Args:
        run: its evaluation_samples and batch_size.

    Returns:
        At least 50, the fewest with a tail of five.
    """
    return max(LEAST_MINIBATCHES, run.evaluation_samples // run.batch_size)


def signal_to_noise(mean: Tensor, noise_norms: Tensor) -> float:
    """‖ḡ‖ / √(mean ‖g_m − ḡ‖²), ḡ the mean gradient of M minibatches.

    Biased upwards: pure noise gives 1/√(M − 1), not 0, since ‖ḡ‖² keeps a 1/M of its variance.

    Args:
        mean: (n,), ḡ.
        noise_norms: (M,), ‖g_m − ḡ‖.

    Returns:
        At least 0; inf without noise, nan with neither noise nor signal.

    >>> signal_to_noise(torch.tensor([3.0, 4.0]), torch.tensor([2.0, 2.0]))
    2.5
    """
    # Scaled by the largest: squares of 1e-200 are 0.
    largest = noise_norms.max()
    noise = largest * (noise_norms / largest).square().mean().sqrt() if largest > 0 else largest
    return (gradient_norms(mean) / noise).item()


def tail_index(values: Tensor, count: int) -> tuple[float, float, float] | None:
    """Hill's estimator of α in P(X > x) ~ x^−α, from the largest k of n values.

    α̂ = k / Σ_{i ≤ k} log(X_(i) / X_(k+1)), and its asymptotic 95 % interval α̂(1 ± 1.96/√k). For
    a Cauchy-like tail α = 1; below 2 the variance is infinite. Light tails have no α: the estimate
    then grows with n.

    Args:
        values: (n,), at least 0.
        count: k.

    Returns:
        α̂ and its interval's ends; None where it is undefined: fewer than 5 values in the tail or
        none below it, one that is not finite, X_(k+1) = 0, or no spread above it.

    Reference:
        Hill 1975, "A simple general approach to inference about the tail of a distribution".

    >>> index, low, high = tail_index(torch.tensor([1.0] + [math.e] * 25), 25) or (0, 0, 0)
    >>> f"{index:.2f} from {low:.2f} to {high:.2f}"
    '1.00 from 0.61 to 1.39'
    """
    if count < LEAST_TAIL or len(values) <= count or not values.isfinite().all():
        return None
    largest = values.double().sort(descending=True).values[: count + 1]
    excess = (largest[:-1].log() - largest[-1].log()).sum().item() if largest[-1] > 0 else 0.0
    if excess <= 0:
        return None
    index, error = count / excess, 1.96 / math.sqrt(count)
    return index, index * (1 - error), index * (1 + error)


def _tail_count(run: Run) -> int:
    """k, the top tenth of the minibatches."""
    return minibatch_count(run) // TAIL_SHARE


def _finite_updates(trace: Tensor) -> int:
    """How many updates were made before one that is not finite."""
    return int(trace.isfinite().all(1).long().cumprod(0).sum())


def _rows(trainer: Trainer, discriminator_step: int) -> list[Row]:
    """One row per loss after so many updates."""
    game, state = in_precision(trainer.game, trainer.state, torch.float64)
    minibatches = _minibatches(trainer, discriminator_step)
    shared: Row = {
        "discriminator_step": discriminator_step,
        **_statistics(game, state, minibatches),
    }
    rows: list[Row] = []
    names = list(LOSSES)
    size = GRADIENT_BYTES // (8 * len(minibatches) * len(state.generator)) or 1
    for start in range(0, len(names), size):
        group = names[start : start + size]
        gradients = _gradients(game, state, minibatches, group)
        rows += [
            shared | {"gradient_of": name} | gradient_statistics(of_loss, _tail_count(trainer.run))
            for name, of_loss in zip(group, gradients, strict=True)
        ]
    return rows


def _minibatches(trainer: Trainer, discriminator_step: int) -> list[Minibatch]:
    """M fresh minibatches of data and noise in float64, from streams of this record's own."""
    run = trainer.run
    data, noise = (
        run.rng(f"overtrained {of} {discriminator_step}", run.device) for of in ("data", "noise")
    )
    return [
        (
            trainer.dataset.sample(run.batch_size, data).double(),
            trainer.latent(run.batch_size, noise).double(),
        )
        for _ in range(minibatch_count(run))
    ]


@torch.no_grad()
def _statistics(game: Game, state: State, minibatches: list[Minibatch]) -> Mapping[str, float]:
    """D's accuracy and the quantiles of D(G(z)) over all minibatches."""
    real_logits = [game.logits(state.discriminator, real) for real, _ in minibatches]
    fake_logits = [
        game.logits(state.discriminator, game.generate(state.generator, z)) for _, z in minibatches
    ]
    statistics = discriminator_statistics(torch.cat(real_logits), torch.cat(fake_logits))
    return {name: statistics[name] for name in statistics if name == "accuracy" or "_q" in name}


def _gradients(game: Game, state: State, minibatches: list[Minibatch], names: list[str]) -> Tensor:
    """(G, M, n), the gradients of some losses on every minibatch."""
    losses = [LOSSES[name] for name in names]
    shape = (len(losses), len(minibatches), len(state.generator))
    gradients = state.generator.new_empty(shape)
    for m, (real, z) in enumerate(minibatches):
        gradients[:, m] = loss_gradients(game, state, real, z, losses)
    return gradients


def gradient_statistics(gradients: Tensor, tail_count: int) -> dict[str, float | None]:
    """Size, signal-to-noise ratio and tail of a gradient over minibatches.

    Args:
        gradients: (M, n), one per minibatch; overwritten by their noise, g_m − ḡ.
        tail_count: k of ``tail_index``, of the noise's norms.

    Returns:
        gradient_norm and its quantiles _q05 and _q95, snr, tail_index and its interval _low and
        _high; None where a number is not finite or not defined.
    """
    shares = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64, device=gradients.device)
    low, median, high = gradient_norms(gradients).quantile(shares).tolist()
    mean = gradients.mean(0)
    noise_norms = gradient_norms(gradients.sub_(mean))
    tail = tail_index(noise_norms, tail_count) or (math.nan,) * 3
    statistics = {
        "gradient_norm": median,
        "gradient_norm_q05": low,
        "gradient_norm_q95": high,
        "snr": signal_to_noise(mean, noise_norms),
        **dict(zip(("tail_index", "tail_index_low", "tail_index_high"), tail, strict=True)),
    }
    return {name: finite(value) for name, value in statistics.items()}
