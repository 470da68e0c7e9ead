"""R3GAN's ablation on stacked MNIST: RpGAN and GAN with R1, R2 and both."""

from collections.abc import Mapping

from analysis.reproduction.failure import failure_row
from analysis.reproduction.lin2018 import BENCH
from analysis.reproduction.means import Number, number_row
from analysis.reproduction.order import order_row
from analysis.reproduction.protocol import Paper, Protocol
from analysis.reproduction.row import Row
from analysis.reproduction.runs import Method
from analysis.reproduction.srivastava2017 import STACKS

MODELS = ("dcgan_layernorm",)
LOSSES = {"RpGAN": "relativistic_pairing", "GAN": "non_saturating"}

ABLATION = Paper(
    "R3GAN's ablation: stacked MNIST, 1,000 modes",
    "Huang et al. 2024, Table 1",
    "checked against the paper, section 2.4",
    Protocol(
        {},
        0,
        ("a layer-normalised DCGAN instead of a small ResNet without normalisation",),
        (
            "run.steps",
            "batch_size",
            "run.penalty_weight",
            "run.generator_learning_rate",
            "run.beta1",
            "run.evaluation_samples",
        ),
    ),
)

FAILS = "fails: training diverges early on"


def method(loss: str, penalty: str) -> Method:
    """A cell of the ablation."""
    return Method(MODELS, LOSSES[loss], penalty)


def command(*words: str) -> str:
    """What runs some cells of it: those whose names have all of these words."""
    return f"{BENCH} -k '{' and '.join(('stacked', *words))}'"


def both(loss: str, modes: float, kl: float) -> Row:
    """R1 + R2."""
    numbers = (Number("modes", modes), Number("kl", kl))
    how = method(loss, "r1_r2")
    return number_row(
        ABLATION, f"{loss} + R1 + R2", how, STACKS, numbers, command(LOSSES[loss], "r1_r2")
    )


def r1_alone(loss: str) -> Row:
    """R1 alone."""
    how = method(loss, "r1")
    return failure_row(
        ABLATION, f"{loss} + R1", how, STACKS, FAILS, command(LOSSES[loss], "r1 and not r1_r2")
    )


def r2_alone(loss: str) -> Row:
    """R2 alone, which the paper's table leaves out."""
    how = method(loss, "r2")
    return number_row(
        ABLATION, f"{loss} + R2", how, STACKS, (), command(LOSSES[loss], "r2 and not r1_r2")
    )


def both_beat_r1(loss: str, modes: str) -> Row:
    """R1 + R2 against R1 alone."""
    return order_row(
        ABLATION,
        f"{loss}: R1 + R2 find more modes than R1",
        (method(loss, "r1_r2"), method(loss, "r1")),
        STACKS,
        f"{modes} against a failure",
        command(LOSSES[loss], "r1"),
    )


ROWS: Mapping[str, Row] = {
    "r3gan_rpgan_r1_r2": both("RpGAN", 1000, 0.0781),
    "r3gan_gan_r1_r2": both("GAN", 693, 0.9270),
    "r3gan_rpgan_r1": r1_alone("RpGAN"),
    "r3gan_gan_r1": r1_alone("GAN"),
    "r3gan_rpgan_r2": r2_alone("RpGAN"),
    "r3gan_gan_r2": r2_alone("GAN"),
    "r3gan_pairing": order_row(
        ABLATION,
        "With R1 + R2, RpGAN finds more modes than GAN",
        (method("RpGAN", "r1_r2"), method("GAN", "r1_r2")),
        STACKS,
        "1,000 against 693",
        command("r1_r2"),
    ),
    "r3gan_rpgan_both": both_beat_r1("RpGAN", "1,000"),
    "r3gan_gan_both": both_beat_r1("GAN", "693"),
}
