"""Algorithm 1 against the loop that a textbook writes with modules and torch.optim."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gan.losses import LOSSES
from gan.models import MODELS
from gan.network import Network
from gan.optimisers import OPTIMISERS, Rates
from gan.penalties import PENALTIES
from gan.run import Run
from gan.step import TRACE, Batch, Game, Objective, State, autograd, step
from gan.trainer import Trainer
from tests.gan.test_modes import run_of

RATES = Rates(learning_rate=0.01, momentum=0.5, beta1=0.5, beta2=0.9, epsilon=1e-8)
N, LATENT = 8, 2


def game(loss: str = "non_saturating", optimiser: str = "adam", model: str = "mlp") -> Game:
    """A small game on points (or on 8×8 images for image models)."""
    shape = (2,) if model == "mlp" else (1, 8, 8)
    generator, discriminator = MODELS[model].networks(shape, LATENT)
    return Game(
        generator=generator,
        discriminator=discriminator,
        loss=LOSSES[loss],
        penalty=PENALTIES["none"],
        penalty_weight=0.0,
        weight_clip=0.0,
        optimiser=OPTIMISERS[optimiser],
        generator_rates=RATES,
        discriminator_rates=RATES,
        average_decay=0.9,
        precision=torch.float64,
    )


def start(played: Game) -> State:
    """Initial weights in float64."""
    rng = torch.Generator().manual_seed(0)
    theta_g, theta_d = (
        network.initial(rng).double() for network in (played.generator, played.discriminator)
    )
    return played.start(theta_g, theta_d)


def batch(
    seed: int,
    k: int = 1,
    shape: tuple[int, ...] = (2,),
    features: int = 0,
    mixed: tuple[int, ...] = (),
) -> Batch:
    """The random numbers of a step."""
    rng = torch.Generator().manual_seed(seed)
    return Batch(
        real=torch.randn(k, N, *shape, generator=rng, dtype=torch.float64),
        z=torch.randn(k + 1, N, LATENT, generator=rng, dtype=torch.float64),
        mix=torch.rand(k, N, *mixed, generator=rng, dtype=torch.float64),
        drop=torch.rand(2 * k + 2, N, features, generator=rng),
    )


def module(layers: list[nn.Module], network: Network, theta: Tensor) -> nn.Sequential:
    """A plain module with the parameters of θ."""
    sequential = nn.Sequential(*layers).double()
    nn.utils.vector_to_parameters(theta.clone(), sequential.parameters())
    assert sum(p.numel() for p in sequential.parameters()) == network.parameters
    return sequential


def textbook(
    played: Game, state: State, k: int, optimiser: str, steps: int
) -> tuple[Tensor, Tensor]:
    """The loop of the tutorials: BCEWithLogitsLoss, modules, torch.optim; minimax by sign."""
    g = [nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)]
    d = [nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2)]
    generator = module(g, played.generator, state.generator)
    discriminator = module([*d, nn.Linear(128, 1)], played.discriminator, state.discriminator)
    rules: dict[str, Callable[[Iterable[Tensor]], torch.optim.Optimizer]] = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.5),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9)),
    }
    rule_g, rule_d = (rules[optimiser](m.parameters()) for m in (generator, discriminator))
    entropy, one, zero = (
        nn.BCEWithLogitsLoss(),
        torch.ones(N, 1).double(),
        torch.zeros(N, 1).double(),
    )
    for seed in range(steps):
        numbers = batch(seed, k)
        for i in range(k):
            rule_d.zero_grad()
            fake = generator(numbers.z[i]).detach()
            loss = entropy(discriminator(numbers.real[i]), one) + entropy(discriminator(fake), zero)
            loss.backward()
            rule_d.step()
        rule_g.zero_grad()
        logits = discriminator(generator(numbers.z[-1]))
        saturating = played.loss is LOSSES["saturating"]
        loss = -entropy(logits, zero) if saturating else entropy(logits, one)
        loss.backward()
        rule_g.step()
    vector = nn.utils.parameters_to_vector
    return vector(generator.parameters()).detach(), vector(discriminator.parameters()).detach()


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("loss", ["saturating", "non_saturating"])
def test_equals_the_textbook_loop(loss: str, optimiser: str, k: int) -> None:
    """After 20 steps of Algorithm 1 both players' parameters equal the textbook's in float64."""
    played = game(loss, optimiser)
    state = start(played)
    expected_g, expected_d = textbook(played, state, k, optimiser, steps=20)
    for seed in range(20):
        step(played, state, batch(seed, k))
    torch.testing.assert_close(state.generator, expected_g, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(state.discriminator, expected_d, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_functional_differentiation_gives_the_same_step(loss: str, penalty: str) -> None:
    """torch.func's gradient and autograd's agree for every loss and penalty: one definition."""

    def functional(objective: Objective, theta: Tensor) -> tuple[Tensor, Tensor]:
        gradient, value = torch.func.grad_and_value(objective)(theta)
        return value, gradient

    played = replace(game(loss), penalty=PENALTIES[penalty], penalty_weight=0.1)
    mine, other = start(played), start(played)
    mixed = (2,) if played.penalty.per_element else ()
    for seed in range(3):
        numbers = batch(seed, mixed=mixed)
        traced = step(played, mine, numbers, autograd)
        torch.testing.assert_close(traced, step(played, other, numbers, functional))
    torch.testing.assert_close(mine.generator, other.generator)
    torch.testing.assert_close(mine.discriminator, other.discriminator)


def test_trace_is_what_it_says() -> None:
    """Losses and gradient norms of a step equal those computed by hand from the same state."""
    played = game()
    state = start(played)
    numbers = batch(0)
    fake = played.generate(state.generator, numbers.z[0])
    loss_d, gradient_d = autograd(
        lambda theta: played.discriminator_objective(
            theta, numbers.real[0], fake, numbers.mix[0], numbers.drop[:2]
        ),
        state.discriminator,
    )
    trace = dict(zip(TRACE, step(played, state, numbers).tolist(), strict=True))
    assert trace["discriminator_loss"] == pytest.approx(loss_d.item(), rel=1e-12)
    assert trace["discriminator_gradient_norm"] == pytest.approx(
        gradient_d.norm().item(), rel=1e-12
    )


def test_generator_never_moves_the_discriminator() -> None:
    """With the discriminator's rate at 0 its parameters stay; the generator's move."""
    played = replace(game(optimiser="sgd"), discriminator_rates=RATES._replace(learning_rate=0.0))
    state = start(played)
    before_g, before_d = state.generator.clone(), state.discriminator.clone()
    step(played, state, batch(0))
    assert torch.equal(state.discriminator, before_d)
    assert not torch.equal(state.generator, before_g)


def test_weight_clip_bounds_the_critic() -> None:
    """After each update every weight of the critic lies in [−c, c], and some at the bound."""
    played = replace(game("wasserstein"), weight_clip=0.01)
    state = start(played)
    step(played, state, batch(0))
    assert state.discriminator.abs().max().item() == 0.01


def test_penalty_is_added_with_its_weight() -> None:
    """discriminator loss with penalty = loss without + weight · mean penalty."""
    plain = game()
    penalised = replace(plain, penalty=PENALTIES["r1"], penalty_weight=5.0)
    state, numbers = start(plain), batch(0)
    fake = plain.generate(state.generator, numbers.z[0])
    arguments = (state.discriminator, numbers.real[0], fake, numbers.mix[0], numbers.drop[:2])
    penalty = PENALTIES["r1"].value(
        lambda x: plain.logits(state.discriminator, x), numbers.real[0], fake, numbers.mix[0]
    )
    difference = penalised.discriminator_objective(*arguments) - plain.discriminator_objective(
        *arguments
    )
    torch.testing.assert_close(difference, 5 * penalty.mean())


@pytest.mark.parametrize("loss", LOSSES)
def test_generator_reads_real_samples_only_if_its_loss_does(loss: str) -> None:
    """Other real samples change the generator's objective of relativistic losses and no other."""
    played = game(loss)
    state, numbers = start(played), batch(0)
    one, other = (
        played.generator_objective(
            state.generator, state.discriminator, real, numbers.z[1], numbers.drop[2:]
        )
        for real in (numbers.real[0], 3 + numbers.real[0])
    )
    assert bool(one == other) is not LOSSES[loss].relativistic


def test_average_follows_the_generator() -> None:
    """After one step the average is decay · θ₀ + (1 − decay) · θ₁."""
    played = game()
    state = start(played)
    before = state.generator.clone()
    step(played, state, batch(0))
    torch.testing.assert_close(state.average, 0.9 * before + 0.1 * state.generator)


def test_dropout_numbers_are_used() -> None:
    """goodfellow2014's step depends on its dropout numbers and on nothing global."""
    played = game(model="goodfellow2014")
    features = played.discriminator.uniform_features
    numbers = batch(0, shape=(1, 8, 8), features=features)
    kept = numbers._replace(drop=torch.zeros_like(numbers.drop))
    states = []
    for drawn in (numbers, numbers, kept):
        torch.rand(3)
        states.append(start(played))
        step(played, states[-1], drawn)
    assert torch.equal(states[0].discriminator, states[1].discriminator)
    assert not torch.equal(states[0].discriminator, states[2].discriminator)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_stays_close_to_float32(precision: torch.dtype) -> None:
    """One step under autocast keeps float32 parameters and losses within the format's rounding."""
    traces = []
    for dtype in (torch.float32, precision):
        played = replace(game(), precision=dtype)
        state = start(played)
        state = played.start(state.generator.float(), state.discriminator.float())
        numbers = batch(0)
        single = Batch(*(tensor.float() for tensor in numbers))
        traces.append(step(played, state, single))
        assert state.generator.dtype == torch.float32
    torch.testing.assert_close(traces[1], traces[0], rtol=0.05, atol=0.01)
    assert not torch.equal(traces[0], traces[1])


@pytest.mark.parametrize(
    "model", [name for name, model in MODELS.items() if not model.couples_samples]
)
@pytest.mark.parametrize("loss", ["non_saturating", "relativistic_average"])
def test_real_and_fake_are_judged_in_one_pass_where_it_is_the_same(loss: str, model: str) -> None:
    """Objectives and gradients in one pass and in two are equal where D couples no samples."""
    run = run_of(loss, "none", model, pack=1)
    assert run
    trainer = Trainer(run)
    state, numbers = trainer.state, trainer.draw()
    fake = trainer.game.generate(state.generator, numbers.z[0])

    def found(couples_samples: bool) -> list[Tensor]:  # noqa: FBT001  # a field of Game
        played = replace(trainer.game, couples_samples=couples_samples)
        of_d = autograd(
            lambda theta: played.discriminator_objective(
                theta, numbers.real[0], fake, numbers.mix[0], numbers.drop[:2]
            ),
            state.discriminator,
        )
        of_g = autograd(
            lambda theta: played.generator_objective(
                theta, state.discriminator, numbers.real[0], numbers.z[1], numbers.drop[2:]
            ),
            state.generator,
        )
        return [*of_d, *of_g]

    one, two = found(couples_samples=False), found(couples_samples=True)
    torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_a_batch_normalised_discriminator_judges_real_and_fake_apart() -> None:
    """On 16×16 images dcgan's has a batch normalisation: one pass would mix their statistics."""
    assert Trainer(Run(model="dcgan")).game.couples_samples
    generator, discriminator = MODELS["dcgan"].networks((1, 16, 16), LATENT)
    played = replace(game(model="dcgan"), generator=generator, discriminator=discriminator)
    state, numbers = start(played), batch(0, shape=(1, 16, 16))
    fake = played.generate(state.generator, numbers.z[0])
    apart, mixed = (
        replace(played, couples_samples=couples).discriminator_objective(
            state.discriminator, numbers.real[0], fake, numbers.mix[0], numbers.drop[:2]
        )
        for couples in (True, False)
    )
    logits = [discriminator(state.discriminator, x) for x in (numbers.real[0], fake)]
    expected = played.loss.discriminator(*logits).mean()
    torch.testing.assert_close(apart, expected)
    assert not torch.allclose(mixed, expected, rtol=1e-6)
