"""PacGAN's rows: the ring and the grid with and without packing."""

from collections.abc import Mapping

from analysis.reproduction.means import Number, absent_row, number_row, published
from analysis.reproduction.order import order_row
from analysis.reproduction.protocol import Paper, Protocol
from analysis.reproduction.row import Row
from analysis.reproduction.runs import Method

GAN = Method(("pacgan",), "non_saturating")
PACGAN2 = Method(("pacgan",), "non_saturating", pack=2)

TRIALS = 10

BENCH = "python -m pytest bench/ --profile reproduction --kinds reproduction"

PROTOCOL = Protocol(
    {
        "run.steps": 400_000,
        "batch_size": 100,
        "run.generator_learning_rate": 1e-4,
        "run.discriminator_learning_rate": 1e-4,
        "run.beta1": 0.8,
        "run.discriminator_steps": 1,
        "run.latent_dim": 2,
        "run.evaluation_samples": 2500,
        "run.average_decay": 0.0,
    },
    TRIALS,
    (
        "both players step at once in the authors' code, here D first and then G on fresh noise",
        "100,000 real points drawn once there, fresh ones here",
        "batch norm on running averages in evaluation there, on the samples at hand here",
    ),
)

PACGAN = Paper(
    "PacGAN's table: a ring of 8 modes and a grid of 25",
    "Lin et al. 2018, Table 1",
    "numbers as quoted (standard errors of modes only); protocol checked against the authors' "
    "code, github.com/fjxmlzn/PacGAN",
    PROTOCOL,
)

RING_GAN = (Number("modes", 6.3, 0.5), Number("high_quality", 0.982), Number("kl", 0.45))
RING_ALI = (Number("modes", 6.6, 0.3), Number("high_quality", 0.976), Number("kl", 0.36))
RING_PACGAN2 = (Number("modes", 7.9, 0.1), Number("high_quality", 0.956), Number("kl", 0.07))
GRID_GAN = (Number("modes", 17.3, 0.8), Number("high_quality", 0.948), Number("kl", 0.70))
GRID_ALI = (Number("modes", 24.1, 0.4), Number("high_quality", 0.957), Number("kl", 0.14))
GRID_PACGAN2 = (Number("modes", 23.8, 0.7), Number("high_quality", 0.913), Number("kl", 0.13))


def command(data: str) -> str:
    """What runs both methods on one of the two."""
    return f"{BENCH} -k 'pacgan_2d and {data}'"


ROWS: Mapping[str, Row] = {
    "ring_gan": number_row(PACGAN, "GAN, ring", GAN, ("ring",), RING_GAN, command("ring")),
    "ring_pacgan2": number_row(
        PACGAN, "PacGAN2, ring", PACGAN2, ("ring",), RING_PACGAN2, command("ring")
    ),
    "ring_packing": order_row(
        PACGAN,
        "PacGAN2 finds more modes of the ring than GAN",
        (PACGAN2, GAN),
        ("ring",),
        "7.9 ± 0.1 against 6.3 ± 0.5",
        command("ring"),
    ),
    "ring_ali": absent_row(PACGAN, "ALI, ring", published(RING_ALI, TRIALS)),
    "grid_gan": number_row(PACGAN, "GAN, grid", GAN, ("grid",), GRID_GAN, command("grid")),
    "grid_pacgan2": number_row(
        PACGAN, "PacGAN2, grid", PACGAN2, ("grid",), GRID_PACGAN2, command("grid")
    ),
    "grid_packing": order_row(
        PACGAN,
        "PacGAN2 finds more modes of the grid than GAN",
        (PACGAN2, GAN),
        ("grid",),
        "23.8 ± 0.7 against 17.3 ± 0.8",
        command("grid"),
    ),
    "grid_ali": absent_row(PACGAN, "ALI, grid", published(GRID_ALI, TRIALS)),
}
