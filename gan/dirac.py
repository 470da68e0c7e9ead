"""The Dirac-GAN: trajectories, eigenvalues and verdicts for every loss and penalty of the suite.

Data δ₀, generator δ_θ, discriminator D(x) = ψx: the smallest game there is, and for which local
convergence is a matter of two eigenvalues.

Reference:
    Mescheder et al. 2018, "Which training methods for GANs do actually converge?", sections 2 to 4.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan import dirac_stability
from gan.dirac_facts import dirac_facts
from gan.dirac_game import UPDATES, DiracGame, dirac_game, trajectories
from gan.errors import UsageError, unknown
from gan.finite import finite
from gan.losses import LOSSES
from gan.penalties import PENALTIES
from gan.run import Run, check_device
from gan.store import Stored
from gan.verdict import SMALLEST, Verdict, radius_of, verdict

START = (1.0, 1.0)


def simulate(
    loss: str,
    penalty: str | None = None,
    penalty_weight: float = 0.0,
    learning_rate: float = 0.2,
    steps: int = 500,
    start: Sequence[float] = START,
    updates: str = "simultaneous",
    weight_clip: float = 0.0,
) -> NDArray[np.float64]:
    """Plain gradient descent of both players from a start.

    Args:
        loss: a name of LOSSES.
        penalty: a name of PENALTIES, or None for "none".
        penalty_weight: coefficient of the penalty's mean; R1, R2: γ/2. At 0 there is no penalty.
        learning_rate: of both players.
        steps: updates of both players, at least 1.
        start: θ and ψ.
        updates: "simultaneous", or "alternating": the generator first, then the discriminator.
        weight_clip: bound of |ψ| after each of its updates, 0 for none.

    Returns:
        (steps + 1, 2), θ and ψ, the start first; NaN from where they are no longer finite.

    Raises:
        UsageError: an unknown name, or a number outside its domain.

    >>> simulate("wasserstein", steps=1).tolist()  # θ + 0.2ψ and ψ − 0.2θ
    [[1.0, 1.0], [1.2, 0.8]]
    >>> float(np.linalg.norm(simulate("saturating", "r1", penalty_weight=0.5)[-1])) < 1e-12
    True
    """
    game = dirac_game(loss, penalty, penalty_weight, learning_rate, weight_clip)
    _check_updates(updates)
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise UsageError(f"steps must be a whole number of at least 1, not {steps!r}")
    starts = torch.tensor([_checked_start(start)], dtype=torch.float64)
    alternates = torch.tensor([UPDATES[updates]])
    path: NDArray[np.float64] = trajectories(game, starts, alternates, steps)[:, 0].numpy()
    return path


def _check_updates(updates: object) -> None:
    if not isinstance(updates, str) or updates not in UPDATES:
        raise unknown("update rule", updates, UPDATES)


def _checked_start(start: object) -> tuple[float, float]:
    """θ and ψ as floats; the error says what they are not."""
    try:
        theta, psi = map(float, start)  # type: ignore[call-overload]  # anything may be given
    except (TypeError, ValueError):
        theta = psi = math.nan
    if not (math.isfinite(theta) and math.isfinite(psi)):
        raise UsageError(f"start must be two finite numbers, θ and ψ, not {start!r}")
    return theta, psi


def eigenvalues(
    loss: str, penalty: str | None = None, penalty_weight: float = 0.0
) -> NDArray[np.complex128]:
    """Eigenvalues of the continuous field's Jacobian at the equilibrium (0, 0).

    With R1 or R2 and the cross-entropy losses: −γ/2 ± √(γ²/4 − ¼), γ = 2·penalty_weight. WGAN-GP
    and DRAGAN push ψ away from 0 on either side: there the field jumps and has no Jacobian.

    Args:
        loss: a name of LOSSES.
        penalty: a name of PENALTIES, or None for "none".
        penalty_weight: coefficient of the penalty's mean; R1, R2: γ/2.

    Returns:
        (2,), or (0,) where the field has no derivative.

    Raises:
        UsageError: an unknown name, or a number outside its domain.

    Reference:
        Mescheder et al. 2018, Lemmas 2.3 and 4.1.

    >>> eigenvalues("non_saturating").imag.round(12).tolist()  # ±i/2
    [0.5, -0.5]
    >>> eigenvalues("non_saturating", "wgan_gp", 10.0).tolist()
    []
    """
    return dirac_stability.field_eigenvalues(dirac_game(loss, penalty, penalty_weight))


def update_eigenvalues(
    loss: str,
    penalty: str | None = None,
    penalty_weight: float = 0.0,
    learning_rate: float = 0.2,
    updates: str = "simultaneous",
) -> NDArray[np.complex128]:
    """Eigenvalues of an update's derivative at (0, 0), by which ``verdict`` predicts its class.

    Args:
        loss: a name of LOSSES.
        penalty: a name of PENALTIES, or None for "none".
        penalty_weight: coefficient of the penalty's mean; R1, R2: γ/2.
        learning_rate: of both players.
        updates: "simultaneous" or "alternating".

    Returns:
        (2,), or (0,) where the update has no derivative.

    Raises:
        UsageError: an unknown name, or a number outside its domain.

    Reference:
        Mescheder et al. 2018, Lemma 2.4 and section 2.2.

    >>> update_eigenvalues("wasserstein").round(12).tolist()  # 1 ± 0.2i
    [(1+0.2j), (1-0.2j)]
    """
    game = dirac_game(loss, penalty, penalty_weight, learning_rate)
    _check_updates(updates)
    return dirac_stability.update_eigenvalues(game, updates)


def spectral_radius(
    loss: str,
    penalty: str | None = None,
    penalty_weight: float = 0.0,
    learning_rate: float = 0.2,
    updates: str = "simultaneous",
) -> float:
    """The largest of |``update_eigenvalues``|, whose arguments it takes: below 1 descent converges.

    Returns:
        At least 0; NaN where the update has no derivative.

    >>> round(spectral_radius("wasserstein"), 12) == round(1.04**0.5, 12)
    True
    """
    return radius_of(update_eigenvalues(loss, penalty, penalty_weight, learning_rate, updates))


def dirac_experiment(run: Run) -> Stored:
    """Both update rules from (1, 1): what their eigenvalues predict, and what they did.

    Args:
        run: loss, penalty with its weight, clip, learning rates, steps and device; it has to be
            plain descent in float64, one update of D for each of G.

    Returns:
        The rows and facts of results/README.md's dirac table; divergence is a result, so the
        status is "finished".

    Raises:
        UsageError: what ``check`` refuses.
    """
    check(run)
    game = DiracGame(
        LOSSES[run.loss],
        PENALTIES[run.penalty],
        run.penalty_weight or 0.0,
        run.weight_clip or 0.0,
        run.generator_learning_rate,
        run.discriminator_learning_rate,
    )
    starts = torch.tensor([START] * len(UPDATES), dtype=torch.float64, device=run.device)
    alternates = torch.tensor(list(UPDATES.values()), device=run.device)
    paths = trajectories(game, starts, alternates, run.steps).cpu()
    rows = [row for turn, name in enumerate(UPDATES) for row in _rows(name, paths[:, turn])]
    return Stored(
        kind="dirac",
        run=run,
        rows=rows,
        status="finished",
        message="",
        stopped_step=run.steps,
        facts=dirac_facts(game, paths),
    )


def check(run: Run) -> None:
    """Whether a run can be played by the Dirac-GAN; before any work.

    Args:
        run: not changed.

    Raises:
        UsageError: another optimiser, momentum, more updates of D, a head start, packs, no steps,
            another format than float64, or an absent device.
    """
    check_device(run.device)
    wanted = {
        "optimiser": "sgd",
        "momentum": 0,
        "discriminator_steps": 1,
        "head_start": 0,
        "pack": 1,
    }
    for field, value in wanted.items():
        if getattr(run, field) != value:
            raise UsageError(
                f"the Dirac-GAN is plain gradient descent: {field} must be {value}, not "
                f"{getattr(run, field)}",
                field=field,
            )
    if run.steps < 1:
        raise UsageError("the Dirac-GAN needs steps of at least 1, not 0", field="steps")
    if run.precision != "float64":
        # No field to blame: the other kinds of a profile may well have the format that was chosen.
        raise UsageError(
            f"the Dirac-GAN is judged in float64, where distances can fall to {SMALLEST:g}: "
            f"precision must be float64, not {run.precision}"
        )


def _rows(updates: str, path: Tensor) -> list[dict[str, object]]:
    return [
        {
            "updates": updates,
            "step": step,
            "theta": finite(theta),
            "psi": finite(psi),
        }
        for step, (theta, psi) in enumerate(path.tolist())
    ]


__all__ = [
    "Verdict",
    "dirac_experiment",
    "eigenvalues",
    "simulate",
    "spectral_radius",
    "update_eigenvalues",
    "verdict",
]
