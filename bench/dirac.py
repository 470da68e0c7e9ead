"""The studies of the Dirac-GAN: every loss beside every penalty under plain gradient descent."""

from bench.study import Axes, Settings, Study, Value

# The learning rate of the theory's usual pictures: a revolution takes 15 to 90 steps.
_PLAIN: Settings = {
    "generator_learning_rate": 0.2,
    "discriminator_learning_rate": 0.2,
    "optimiser": "sgd",
    "momentum": 0.0,
    "weight_clip": 0.0,
    "steps": 500,
}

# γ = 2 · 0.3 (R1 + R2: twice that): on either side of critical damping, γ = 1 for cross-entropy,
# and small enough for steps of 0.2, which WGAN-GP's usual 10 is not.
_PENALISED: Settings = _PLAIN | {"penalty_weight": 0.3}

# At most 0.002 a step while ψ is clipped: it takes 600 to come near the data.
_CLIPPED: Settings = _PLAIN | {"weight_clip": 0.01, "steps": 2000}


def studies(losses: tuple[Value, ...], penalties: tuple[Value, ...]) -> tuple[Study, ...]:
    """Each loss without a penalty and with each; if WGAN is among them, also with clipped ψ.

    Args:
        losses: names of LOSSES.
        penalties: names of PENALTIES other than "none".

    Returns:
        The studies.
    """
    exact: Axes = {"precision": ("float64",)}
    wgan = Study("dirac", {**exact, "loss": ("wasserstein",)}, _CLIPPED, variant="clipped")
    return (
        Study("dirac", {**exact, "loss": losses}, _PLAIN),
        Study("dirac", {**exact, "loss": losses, "penalty": penalties}, _PENALISED),
        *([wgan] if "wasserstein" in losses else []),
    )
