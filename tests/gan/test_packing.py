"""Packing: m samples judged as one, everywhere in training, penalties and evaluation."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan.counterfactual import counterfactual_experiment
from gan.data import load
from gan.errors import UsageError
from gan.evaluation import Evaluation
from gan.gradients import COMPARED, generator_gradient, shift_experiment
from gan.models import MODELS
from gan.optimum import optimum_experiment
from gan.overtrained import overtrained_experiment
from gan.penalties import PENALTIES
from gan.per_sample import per_sample_experiment
from gan.run import Run
from gan.step import TRACE
from gan.store import Stored
from gan.train import train
from gan.trainer import Trainer

N = 6
SHORT = {"data": "ring", "batch_size": N, "steps": 2, "records": 1, "evaluation_samples": 60}


def run(**changes: object) -> Run:
    """A short run on the ring in float64, of pairs unless told otherwise."""
    settings = {**SHORT, "pack": 2, "precision": "float64", **changes}
    return Run(**settings)  # type: ignore[arg-type]  # Run checks them


def two_sample_discriminator(theta: Tensor) -> nn.Sequential:
    """mlp's discriminator written out for two points at once, with the parameters of θ."""
    layers = [nn.Linear(4, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2)]
    module = nn.Sequential(*layers, nn.Linear(128, 1)).double()
    nn.utils.vector_to_parameters(theta.clone(), module.parameters())
    return module


def point_generator(theta: Tensor) -> nn.Sequential:
    """mlp's generator of points, with the parameters of θ."""
    layers = [nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)]
    module = nn.Sequential(*layers).double()
    nn.utils.vector_to_parameters(theta.clone(), module.parameters())
    return module


def pairs(x: Tensor) -> Tensor:
    """(2N, 2) -> (N, 4): x₁ beside x₂, x₃ beside x₄, …."""
    return torch.cat([x[0::2], x[1::2]], dim=1)


def test_points_of_a_pack_stand_side_by_side() -> None:
    """Consecutive samples fill the coordinates of one input."""
    game = Trainer(run()).game
    points = torch.arange(8.0).view(4, 2)
    assert game.packed(points).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_images_of_a_pack_are_its_channels() -> None:
    """Channel j of pack i is image 3i + j."""
    game = Trainer(run(data="digits", pack=3)).game
    images = torch.rand(6, 1, 8, 8)
    packed = game.packed(images)
    assert packed.shape == (2, 3, 8, 8)
    for i in range(2):
        for j in range(3):
            assert torch.equal(packed[i, j], images[3 * i + j, 0])


@given(
    pack=st.integers(1, 5),
    count=st.integers(0, 4),
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=3),
)
def test_packing_loses_and_moves_nothing(pack: int, count: int, shape: list[int]) -> None:
    """Read in order, packs are the samples; each has m times the first dimension."""
    game = replace(GAME, pack=pack)
    x = torch.arange(float(pack * count * torch.Size(shape).numel())).view(-1, *shape)
    packed = game.packed(x)
    assert packed.shape == (count, pack * shape[0], *shape[1:])
    assert torch.equal(packed.flatten(), x.flatten())


GAME = Trainer(run()).game


def test_one_sample_is_its_own_pack() -> None:
    """Without packing nothing is copied or reshaped."""
    x = torch.rand(3, 2)
    assert replace(GAME, pack=1).packed(x) is x


def test_samples_that_do_not_come_out_in_packs_are_refused() -> None:
    """An odd one is neither dropped nor padded."""
    with pytest.raises(UsageError, match=r"^5 samples do not come out in packs of 2$"):
        GAME.packed(torch.rand(5, 2))


Losses = Callable[[Tensor, Tensor], Tensor]
# name -> (discriminator's, generator's), of logits of real and fake pairs.
GAMES_OF_PAIRS: dict[str, tuple[Losses, Losses]] = {
    "non_saturating": (lambda r, f: softplus(-r) + softplus(f), lambda _r, f: softplus(-f)),
    "saturating": (lambda r, f: softplus(-r) + softplus(f), lambda _r, f: -softplus(f)),
    "relativistic_pairing": (lambda r, f: softplus(f - r), lambda r, f: softplus(r - f)),
}


@pytest.mark.parametrize("loss", GAMES_OF_PAIRS)
def test_pairs_equal_the_loop_with_a_two_sample_discriminator(loss: str) -> None:
    """20 steps equal those of plain modules, one of which takes two points at once."""
    trainer = Trainer(run(loss=loss, discriminator_steps=2))
    generator = point_generator(trainer.state.generator)
    discriminator = two_sample_discriminator(trainer.state.discriminator)
    rule_g, rule_d = (
        torch.optim.Adam(module.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for module in (generator, discriminator)
    )
    of_discriminator, of_generator = GAMES_OF_PAIRS[loss]
    twin = Trainer(trainer.run)
    for _ in range(20):
        batch = twin.draw()
        assert batch.real.shape == (2, 2 * N, 2)
        for k in range(2):
            rule_d.zero_grad()
            fake = generator(batch.z[k]).detach()
            real_logits, fake_logits = (discriminator(pairs(x)) for x in (batch.real[k], fake))
            of_discriminator(real_logits, fake_logits).mean().backward()
            rule_d.step()
        rule_g.zero_grad()
        fake_logits = discriminator(pairs(generator(batch.z[-1])))
        of_generator(discriminator(pairs(batch.real[-1])), fake_logits).mean().backward()
        rule_g.step()
        trainer.step()
    for mine, module in (
        (trainer.state.generator, generator),
        (trainer.state.discriminator, discriminator),
    ):
        expected = nn.utils.parameters_to_vector(module.parameters()).detach()
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-11)


def test_a_gradient_penalty_has_one_norm_for_all_samples_of_a_pack() -> None:
    """R1 of a pair is ‖∂a/∂x₁‖² + ‖∂a/∂x₂‖², pair by pair."""
    trainer = Trainer(run(penalty="r1"))
    theta_d, batch = trainer.state.discriminator, trainer.draw()
    plain = replace(trainer.game, penalty_weight=0.0)
    real, fake = batch.real[0], trainer.game.generate(trainer.state.generator, batch.z[0])
    arguments = (theta_d, real, fake, batch.mix[0], batch.drop[:2])
    added = trainer.game.discriminator_objective(*arguments) - plain.discriminator_objective(
        *arguments
    )
    module, norms = two_sample_discriminator(theta_d), []
    for one, two in zip(real[0::2], real[1::2], strict=True):
        x1, x2 = one.clone().requires_grad_(), two.clone().requires_grad_()
        gradients = torch.autograd.grad(module(torch.cat([x1, x2])).sum(), (x1, x2))
        norms.append(sum(float(gradient.square().sum()) for gradient in gradients))
    assert len(norms) == N
    assert added.item() == pytest.approx(5 * sum(norms) / N, rel=1e-10)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty_takes_packs(penalty: str) -> None:
    """One random number, or one per element of the pack, for each of N packs; a finite step."""
    trainer = Trainer(run(penalty=penalty, data="digits", pack=3))
    mixed = (3, 8, 8) if PENALTIES[penalty].per_element else ()
    assert trainer.draw().mix.shape == (1, N, *mixed)
    trace = trainer.step()
    assert trace.isfinite().all()
    with_weight = penalty != "none"
    assert bool(trainer.run.penalty_weight) is with_weight


def test_dropout_draws_once_for_a_pack() -> None:
    """goodfellow2014's discriminator of pairs of 8×8 images drops 128 inputs and 480 units."""
    trainer = Trainer(run(model="goodfellow2014", data="digits"))
    batch = trainer.draw()
    assert batch.real.shape == (1, 2 * N, 1, 8, 8)
    assert batch.z.shape == (2, 2 * N, 100)
    assert batch.drop.shape == (4, N, 2 * 64 + 240 + 240)
    assert trainer.step().isfinite().all()


@pytest.mark.parametrize("pack", [2, 3])
def test_evaluation_judges_packs(pack: int) -> None:
    """D(x), D(G(z)) and accuracy are over packs of the evaluation's samples; the rest is not."""
    trainer = Trainer(run(pack=pack))
    evaluation = Evaluation(trainer)
    row = evaluation.row(0, 0.0, torch.empty(0, len(TRACE)), snapshot=True)
    z = trainer.latent(60, trainer.run.rng("evaluation 0"))
    logits = [
        trainer.discriminator(trainer.state.discriminator, x.double().reshape(-1, 2 * pack))
        for x in (evaluation.real, trainer.generator(trainer.state.generator, z))
    ]
    assert [len(side) for side in logits] == [60 // pack] * 2
    right = torch.cat([logits[0] > 0, logits[1] < 0]).double().mean()
    assert row["d_real"] == pytest.approx(logits[0].sigmoid().mean().item())
    assert row["d_fake_q50"] == pytest.approx(logits[1].sigmoid().quantile(0.5).item())
    assert row["accuracy"] == pytest.approx(right.item())
    minibatch = z[: N * pack]
    for loss in COMPARED:
        gradient = generator_gradient(trainer.game, trainer.state, minibatch, loss)
        assert row[f"{loss}_gradient_norm"] == pytest.approx(gradient.norm().item())


def test_a_packed_discriminator_has_no_logits_on_a_grid() -> None:
    """On the line samples are kept, D's logit at a point alone is not defined."""
    result = train(run(data="gaussian1d"))
    assert result.status == "finished"
    assert all(row["samples"] and "logits_on_grid" not in row for row in result.rows)
    assert train(run(data="gaussian1d", pack=1)).rows[0]["logits_on_grid"]


def test_logit_shift_is_of_packs() -> None:
    """The gradients experiment moves the mean logit of N packs to each target."""
    stored = shift_experiment(Trainer(run(steps=0)))
    row = next(row for row in stored.rows if row["network"] == "untrained")
    trainer = Trainer(run(steps=0))
    z = trainer.latent(2 * N, trainer.run.rng("gradients"))
    logits = trainer.game.logits(
        trainer.state.discriminator, trainer.game.generate(trainer.state.generator, z)
    )
    assert len(logits) == N
    shifted = torch.sigmoid(logits + float(str(row["shift"])))
    assert row["d_fake"] == pytest.approx(shifted.mean().item())


@pytest.mark.parametrize(
    ("name", "experiment", "data"),
    [
        ("per_sample", per_sample_experiment, "ring"),
        ("overtrained", overtrained_experiment, "ring"),
        ("counterfactual", counterfactual_experiment, "ring"),
        ("optimum", optimum_experiment, "gaussian1d"),
    ],
)
def test_experiments_on_single_samples_refuse_packs(
    name: str, experiment: Callable[[Trainer], Stored], data: str
) -> None:
    """Before any work, in one line, with the field that is to blame."""
    message = (
        f"{name} takes single samples, but this discriminator judges packs of 2: set pack to 1"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$") as caught:
        experiment(Trainer(run(data=data)))
    assert caught.value.field == "pack"


@pytest.mark.parametrize(
    ("changes", "message", "field"),
    [
        (
            {"data": "digits", "batch_size": 1000},
            "batch size 1000 of packs of 2 is larger than the 1,497 training images of digits",
            "batch_size",
        ),
        (
            {"evaluation_samples": 61},
            (
                "61 evaluation samples of ring do not come out in packs of 2: choose "
                "evaluation_samples that do"
            ),
            "pack",
        ),
        (
            {"data": "digits", "evaluation_samples": 2000},  # there are 1,497
            (
                "1,497 evaluation samples of digits do not come out in packs of 2: choose "
                "evaluation_samples that do"
            ),
            "pack",
        ),
    ],
)
def test_packs_that_cannot_be_are_refused_before_work(
    changes: dict[str, object], message: str, field: str
) -> None:
    """Too few images, or an evaluation that leaves a sample over."""
    refused = run(**changes)
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$") as caught:
        refused.check(load(refused.data))
    assert caught.value.field == field


def test_an_image_model_on_points_says_so_whatever_the_pack() -> None:
    """The generator's reason comes first, without a word on packs."""
    with pytest.raises(UsageError, match=r"^(packs of 2: )?goodfellow2014 makes images") as caught:
        run(model="goodfellow2014").check(load("ring"))
    assert "not points of shape" in str(caught.value)


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        (0, "pack must be at least 1, not 0"),
        (-2, "pack must be at least 1, not -2"),
        (1.5, "pack must be a whole number, not 1.5"),
        (True, "pack must be at least 1, not True"),
        (float("nan"), "pack must be at least 1, not nan"),
        ("2", "pack must be at least 1, not '2'"),
        (None, "pack must be at least 1, not None"),
    ],
)
def test_a_pack_is_a_whole_number_of_samples(pack: object, message: str) -> None:
    """Anything else is one clear line."""
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        run(pack=pack)


def test_a_head_start_is_of_packs_too() -> None:
    """D's updates alone see N packs, from streams of their own."""
    trainer = Trainer(run(head_start=3))
    before = trainer.state.generator.clone()
    trace = trainer.lead(3)
    assert trace.shape == (3, 2)
    assert trace.isfinite().all()
    assert torch.equal(trainer.state.generator, before)


@pytest.mark.parametrize(
    ("model", "shape", "units"),
    [
        ("mlp", (2,), 128),
        ("mlp_spectral", (1,), 128),
        ("pacgan", (2,), 1000),
        ("goodfellow2014", (1, 8, 8), 1200),
    ],
)
def test_a_packed_discriminator_grows_at_its_input_alone(
    model: str, shape: tuple[int, ...], units: int
) -> None:
    """The generator is that of single samples; D's first layer has m times the inputs."""
    (g1, d1), (g3, d3) = (MODELS[model].networks(shape, 2, pack) for pack in (1, 3))
    assert g1.parameters == g3.parameters
    assert d3.parameters - d1.parameters == 2 * torch.Size(shape).numel() * units


def test_a_run_over_several_processes_refuses_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process takes every so-manieth sample, which would take the packs apart."""
    monkeypatch.setattr("gan.distributed.world", lambda: 2)
    with pytest.raises(UsageError, match=r"^a run over several processes takes single samples, "):
        Trainer(run())


@pytest.mark.parametrize(("pack", "message"), [(1, "not this shape"), (2, "packs of 2: not this")])
def test_packs_are_named_only_where_they_are_to_blame(pack: int, message: str) -> None:
    """A discriminator that refuses single samples too says just why."""

    def refuse(_shape: tuple[int, ...]) -> nn.Module:
        raise UsageError("not this shape")

    picky = replace(MODELS["mlp"], discriminator=refuse)
    with pytest.raises(UsageError, match=f"^{message}"):
        picky.networks((2,), 2, pack)


@pytest.mark.parametrize("model", ["dcgan", "dcgan_layernorm", "dcgan_spectral"])
@pytest.mark.parametrize("data", ["digits", "stacked_digits"])
def test_images_are_packed_into_convolutions(model: str, data: str) -> None:
    """DCGAN's first convolution takes the channels of the whole pack; one logit a pack."""
    trainer = Trainer(run(model=model, data=data))
    channels = trainer.dataset.shape[0]
    single = MODELS[model].networks(trainer.dataset.shape, trainer.latent_dim)[1]
    assert trainer.discriminator.parameters - single.parameters == channels * 64 * 4 * 4
    assert trainer.step().isfinite().all()
    images = trainer.dataset.sample(6, torch.Generator().manual_seed(0)).double()
    assert trainer.game.logits(trainer.state.discriminator, images).shape == (3,)
