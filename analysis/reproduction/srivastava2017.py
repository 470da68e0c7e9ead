"""VEEGAN's rows: the ring and the grid; and stacked MNIST, which PacGAN's paper continues."""

from collections.abc import Mapping

from analysis.reproduction.lin2018 import BENCH, GAN, command
from analysis.reproduction.means import Number, absent_row, number_row
from analysis.reproduction.order import order_row
from analysis.reproduction.protocol import Paper, Protocol
from analysis.reproduction.row import Row
from analysis.reproduction.runs import Method

METRICS_CHECKED = (
    "metrics and five runs checked against the authors' project page, github.com/akashgit/VEEGAN"
)

VEEGAN = Paper(
    "VEEGAN's table: the same two mixtures, other networks",
    "Srivastava et al. 2017, Table 1",
    f"numbers as quoted; {METRICS_CHECKED}",
    Protocol(
        {"run.evaluation_samples": 2500},
        5,
        ("networks, optimiser and steps are PacGAN's, not this paper's",),
    ),
)

STACKED = "Stacked MNIST: three digits in the channels of an image, 1,000 modes"
STACKS = ("stacked_mnist", "stacked_digits", "stacked_fashion_mnist")
DCGAN_FIELDS = {
    "run.steps": 100_000,
    "batch_size": 64,
    "run.generator_learning_rate": 2e-4,
    "run.discriminator_learning_rate": 2e-4,
    "run.beta1": 0.5,
    "run.latent_dim": 100,
    "run.evaluation_samples": 26_000,
    "run.average_decay": 0.0,
}
DCGAN_WORDS = ("z uniform in PacGAN's code, normal here",)
QUOTED = "checked against its quotation in"


def stacked(table: str, source: str, trials: int) -> Paper:
    """A paper's part in the table of stacked MNIST."""
    return Paper(STACKED, table, source, Protocol(DCGAN_FIELDS, trials, DCGAN_WORDS))


VEEGAN_STACKED = stacked(
    "Srivastava et al. 2017, Table 2",
    f"{QUOTED} Huang et al. 2024, Table 3; {METRICS_CHECKED}; steps, batch and rates are those of "
    "PacGAN's code for the same experiment",
    5,
)
PACGAN_STACKED = stacked(
    "Lin et al. 2018, Table 2",
    f"{QUOTED} Kumar et al. 2019, Table 1 (Huang et al. 2024, Table 3, quotes 992 and 0.28); "
    "protocol checked against the authors' code, github.com/fjxmlzn/PacGAN",
    10,
)
KUMAR_STACKED = stacked(
    VEEGAN_STACKED.table, f"{QUOTED} Kumar et al. 2019, Table 1; {METRICS_CHECKED}", 5
)
ALI_STACKED = stacked(VEEGAN_STACKED.table, f"as quoted; {METRICS_CHECKED}", 5)


STACKED_COMMAND = f"{BENCH} -k 'stacked and none'"


def images(pack: int) -> Method:
    """dcgan, packed or not."""
    return Method(("dcgan",), "non_saturating", pack=pack)


ROWS: Mapping[str, Row] = {
    "veegan_ring_gan": number_row(
        VEEGAN, "GAN, ring", GAN, ("ring",), (Number("modes", 1),), command("ring")
    ),
    "veegan_grid_gan": number_row(
        VEEGAN, "GAN, grid", GAN, ("grid",), (Number("modes", 3.3),), command("grid")
    ),
    "veegan_ali": absent_row(VEEGAN, "ALI", "modes 2.8 of the ring, 15.8 of the grid"),
    "veegan_unrolled": absent_row(
        VEEGAN, "Unrolled GAN", "modes 7.6 of the ring, 23.6 of the grid"
    ),
    "veegan_veegan": absent_row(VEEGAN, "VEEGAN", "modes 8 of the ring, 24.6 of the grid"),
    "stacked_dcgan": number_row(
        VEEGAN_STACKED,
        "DCGAN",
        images(1),
        STACKS,
        (Number("modes", 99), Number("kl", 3.40)),
        STACKED_COMMAND,
    ),
    "stacked_pacgan2": number_row(
        PACGAN_STACKED,
        "PacDCGAN2",
        images(2),
        STACKS,
        (Number("modes", 1000), Number("kl", 0.06)),
        STACKED_COMMAND,
    ),
    "stacked_packing": order_row(
        PACGAN_STACKED,
        "PacDCGAN2 finds more modes than DCGAN",
        (images(2), images(1)),
        STACKS,
        "1,000 against 99",
        STACKED_COMMAND,
    ),
    "stacked_ali": absent_row(ALI_STACKED, "ALI", "modes 16, KL 5.4"),
    "stacked_unrolled": absent_row(KUMAR_STACKED, "Unrolled GAN", "modes 48.7, KL 4.32"),
    "stacked_veegan": absent_row(VEEGAN_STACKED, "VEEGAN", "modes 150, KL 2.95"),
}
