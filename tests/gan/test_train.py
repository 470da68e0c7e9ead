"""Training: paired streams, records that change nothing, and every way a run can end."""

import math
import re
import time
from dataclasses import replace

import pytest
import torch

from gan import training as module
from gan.errors import UsageError
from gan.evaluation import Evaluation
from gan.failures import is_out_of_memory
from gan.run import Run
from gan.step import TRACE
from gan.train import Result, record_steps, train
from gan.trainer import Trainer
from gan.training import Training

RUN = Run(data="ring", batch_size=16, steps=12, records=3, evaluation_samples=50)


def test_same_run_same_result() -> None:
    """Twice the same run: the same traces and the same records, bit for bit, but for the clock."""
    one, two = train(RUN), train(RUN)
    assert torch.equal(one.trace, two.trace)
    for first, second in zip(one.rows, two.rows, strict=True):
        # Compared as text, since nan, the KL of no sample, differs from itself.
        assert str({**first, "seconds": 0}) == str({**second, "seconds": 0})


def test_evaluating_more_often_does_not_change_training() -> None:
    """Ten records instead of three: the same losses and gradient norms at every step."""
    assert torch.equal(train(RUN).trace, train(replace(RUN, records=10)).trace)


def test_seeds_differ() -> None:
    """Another seed is another run."""
    assert not torch.equal(train(RUN).trace, train(replace(RUN, seed=1)).trace)


def test_losses_with_one_seed_see_the_same_weights_data_and_noise() -> None:
    """Before the first update two losses stand on the same networks and draw the same batch."""
    one, other = Trainer(RUN), Trainer(replace(RUN, loss="saturating"))
    assert torch.equal(one.state.generator, other.state.generator)
    for mine, theirs in zip(one.draw(), other.draw(), strict=True):
        assert torch.equal(mine, theirs)
    rows = [train(replace(RUN, loss=loss)).rows[0] for loss in ("saturating", "non_saturating")]
    assert str(rows[0]) == str(rows[1])


def test_precisions_start_from_the_same_weights() -> None:
    """float64 weights are the float32 ones, widened."""
    wide = Trainer(replace(RUN, precision="float64")).state.generator
    assert wide.dtype == torch.float64
    assert torch.equal(wide.float(), Trainer(RUN).state.generator)


def test_minibatches_and_noise_are_fresh_every_time() -> None:
    """No two draws of k updates share data or noise."""
    batch = Trainer(replace(RUN, discriminator_steps=3)).draw()
    assert batch.real.shape == (3, 16, 2)
    assert batch.z.shape == (4, 16, 2)
    assert len({tuple(part.flatten().tolist()) for part in batch.real}) == 3
    assert len({tuple(part.flatten().tolist()) for part in batch.z}) == 4


def test_penalties_get_as_many_random_numbers_as_they_need() -> None:
    """One per sample, or one per element for dragan."""
    shapes = [
        Trainer(replace(RUN, penalty=name)).draw().mix.shape for name in ("wgan_gp", "dragan")
    ]
    assert shapes == [(1, 16), (1, 16, 2)]


def test_finite_data_is_seen_once_per_epoch() -> None:
    """Minibatches of digits do not repeat an image before all have been seen."""
    trainer = Trainer(Run(batch_size=100, steps=1))
    size = trainer.dataset.size
    assert size is not None
    seen = torch.cat([trainer.draw().real[0].flatten(1) for _ in range(size // 100)])
    assert len(seen.unique(dim=0)) > 0.98 * len(seen)  # a few digits are drawn alike


def test_records_are_where_they_should_be() -> None:
    """Steps 0, 4, 8, 12; a clock that only goes forward; losses from the trace."""
    result = train(RUN)
    assert [row["step"] for row in result.rows] == [0, 4, 8, 12]
    clock = [row["seconds"] for row in result.rows]
    assert clock[0] == 0.0
    assert clock == sorted(clock)  # type: ignore[type-var]  # numbers all
    assert [result.rows[-1][name] for name in TRACE] == result.trace[-1].tolist()
    assert (result.status, result.stopped_step, len(result.trace)) == ("finished", 12, 12)


def test_data_may_be_fewer_than_the_evaluation_asks_for() -> None:
    """2,000 samples of 1,497 digits: all digits are used, and the run finishes."""
    result = train(Run(steps=0, evaluation_samples=2000))
    assert result.status == "finished"
    assert 0 <= result.rows[0]["accuracy"] <= 1  # type: ignore[operator]  # a number


def test_snapshots_are_kept_at_both_ends() -> None:
    """Samples of the averaged generator, flattened, first and last and a few between."""
    rows = train(replace(RUN, records=10)).rows
    kept = [row for row in rows if "samples" in row]
    assert (kept[0]["step"], kept[-1]["step"], len(kept)) == (0, 12, 6)
    assert len(kept[0]["samples"]) == 2 * 512  # type: ignore[arg-type]  # a list


def test_no_steps_is_an_evaluation_of_the_start() -> None:
    """A run of 0 steps has one record and is finished."""
    result = train(replace(RUN, steps=0))
    assert [row["step"] for row in result.rows] == [0]
    assert result.status == "finished"


def test_head_start_trains_the_discriminator_alone() -> None:
    """D changes by exactly so many updates in one part or two; G and the steps' draws do not."""
    run = Run(data="ring", batch_size=8)
    whole, parts, none = Trainer(run), Trainer(run), Trainer(run)
    trace = whole.lead(5)
    parts.lead(2)
    parts.lead(3)
    assert torch.equal(whole.state.discriminator, parts.state.discriminator)
    assert not torch.equal(whole.state.discriminator, none.state.discriminator)
    assert torch.equal(whole.state.generator, none.state.generator)
    assert trace.shape == (5, 2)
    assert none.lead(0).shape == (0, 2)
    for ours, others in zip(whole.draw(), none.draw(), strict=True):
        assert torch.equal(ours, others)


def test_head_start_lowers_d_of_fakes_before_the_first_record() -> None:
    """The record of step 0 shows the discriminator after its head start."""
    medians = [
        train(Run(data="ring", steps=0, head_start=updates, evaluation_samples=50)).rows[0]
        for updates in (0, 300)
    ]
    assert float(str(medians[1]["d_fake_q50"])) < 0.5 * float(str(medians[0]["d_fake_q50"]))


def test_head_start_that_diverges_ends_the_run() -> None:
    """A discriminator that blows up before the first step leaves no record and says when."""
    result = train(
        Run(data="ring", steps=5, head_start=50, optimiser="sgd", discriminator_learning_rate=1e30)
    )
    assert (result.status, result.rows, result.stopped_step) == ("diverged", [], 0)
    assert result.message.endswith("of the head start")


def test_divergence_ends_the_run_at_its_step() -> None:
    """A learning rate that blows up: diverged, with the step, the quantity and its value."""
    result = train(replace(RUN, optimiser="sgd", generator_learning_rate=1e30, steps=40))
    assert result.status == "diverged"
    assert 0 < result.stopped_step < 40
    assert len(result.trace) == result.stopped_step
    assert result.trace[:-1].isfinite().all()
    assert not result.trace[-1].isfinite().all()
    quantity, value = result.message.split(" is ")
    assert quantity in TRACE
    assert value.split(" at step ")[0] in ("nan", "inf", "-inf")
    assert result.message.endswith(f" at step {result.stopped_step}")
    assert all(row["step"] < result.stopped_step for row in result.rows)  # type: ignore[operator]  # numbers


@pytest.mark.parametrize("data", ["ring", "gaussian1d", "digits"])
def test_players_that_overflow_at_the_last_update_have_diverged(data: str) -> None:
    """No later loss shows it: the record that was due does, and is not made."""
    rates = {"generator_learning_rate": 3e38, "discriminator_learning_rate": 1e-3}
    result = train(replace(RUN, data=data, optimiser="sgd", steps=1, **rates))  # type: ignore[arg-type]  # floats
    assert result.trace.isfinite().all()
    assert (result.status, result.stopped_step, len(result.trace)) == ("diverged", 1, 1)
    assert re.fullmatch("a sample of G is (nan|-?inf) after step 1", result.message)
    assert [row["step"] for row in result.rows] == [0]


@pytest.mark.parametrize(
    ("player", "value", "what"),
    [
        ("generator", math.inf, "a parameter of G is inf"),
        ("discriminator", math.nan, "a parameter of D is nan"),
        ("average", -math.inf, "a parameter of G's average is -inf"),
        ("generator", 3e38, "a sample of G is "),
        ("average", 3e38, "a sample of G's average is "),
        ("discriminator", 3e38, "D's logit of a real sample is "),
        ("discriminator", 0.1, ""),
    ],
)
def test_what_is_not_finite_is_named(player: str, value: float, what: str) -> None:
    """Parameters that are finite may still make samples and logits that are not."""
    trainer = Trainer(RUN)
    getattr(trainer.state, player).fill_(value)
    message = module._overflow(Evaluation(trainer), 7)
    assert message.startswith(what)
    assert message.endswith(" after step 7" if what else "")


def test_looking_for_overflow_changes_no_result_and_takes_no_time_of_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Traces and records are those of a run that does not look; its clock stands still."""
    clock, look = [0.0], module._overflow
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def slowly(evaluation: Evaluation, step: int) -> str:
        clock[0] += 100
        return look(evaluation, step)

    monkeypatch.setattr(module, "_overflow", slowly)
    looked = train(RUN)
    monkeypatch.setattr(module, "_overflow", lambda *_: "")
    blind = train(RUN)
    assert clock == [400.0]
    assert looked.seconds == 0
    assert torch.equal(looked.trace, blind.trace)
    assert str(looked.rows) == str(blind.rows)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError("no"),
    ],
)
def test_memory_that_runs_out_is_recorded(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends as out_of_memory with what was recorded until then."""

    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(Training, "_advance", fail)
    result = train(RUN)
    assert (result.status, len(result.rows)) == ("out_of_memory", 1)
    assert result.message == str(error)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (MemoryError(), "out_of_memory", "MemoryError"),
        (NotImplementedError("no such kernel\nfor Half"), "unsupported", "no such kernel"),
        (RuntimeError("\"addmm\" not implemented for 'Half'"), "unsupported", '"addmm" not '),
    ],
)
def test_errors_without_words_and_missing_operations_are_recorded(
    error: Exception, status: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by its name, with its first line or, without one, its type."""

    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(Training, "_advance", fail)
    result = train(RUN)
    assert (result.status, len(result.rows)) == (status, 1)
    assert result.message.startswith(message)
    assert "\n" not in result.message


def test_memory_that_runs_out_while_setting_up_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Data that do not fit on the device end the run before its first record."""

    def fail(_trainer: Trainer) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(Trainer, "_initial", fail)
    result = train(RUN)
    assert (result.status, result.rows, result.facts) == ("out_of_memory", [], {})


def test_real_allocation_failure_is_recognised() -> None:
    """What torch itself raises when the machine has no such memory."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_other_errors_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is a traceback, not a status."""

    def fail(*_arguments: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Training, "_advance", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(RUN)


def test_impossible_runs_are_refused_before_work() -> None:
    """Larger batch than data."""
    with pytest.raises(UsageError, match="batch size 9999"):
        train(Run(batch_size=9999))


def test_facts_describe_networks_and_data() -> None:
    """Mixtures bring their modes, 1-D data the exact density, images the classifier's accuracy."""
    ring = train(replace(RUN, steps=0)).facts
    assert ring["generator_parameters"] == 3 * 128 + 129 * 128 + 129 * 2
    assert len(ring["mode_centres"]) == 8  # type: ignore[arg-type]  # a list
    line = train(replace(RUN, data="gaussian1d", steps=0)).facts
    grid, density = line["grid"], line["density_on_grid"]
    mass = torch.trapezoid(torch.tensor(density), torch.tensor(grid)).item()
    assert mass == pytest.approx(1, abs=1e-6)
    digits = train(Run(steps=0, evaluation_samples=100)).facts
    assert 0.97 <= digits["classifier_accuracy"] <= 1  # type: ignore[operator]  # a number
    assert digits["sample_shape"] == [1, 8, 8]


def test_result_is_stored_as_it_is() -> None:
    """What the store gets is the result's own rows, status and facts."""
    result = train(replace(RUN, steps=0))
    stored = result.stored()
    assert (stored.kind, stored.run, stored.rows) == ("training", result.run, result.rows)
    assert Result(RUN).stored().status == "finished"


@pytest.mark.parametrize("steps", [0, 1, 3, 7, 1000])
@pytest.mark.parametrize("records", [1, 4, 10])
def test_record_steps_cover_the_run(steps: int, records: int) -> None:
    """From 0 to the last step, increasing, never more than asked for."""
    at = record_steps(Run(steps=steps, records=records))
    assert at[0] == 0
    assert at[-1] == steps
    assert at == sorted(set(at))
    assert len(at) <= records + 1


def test_gan_learns_the_line() -> None:
    """500 steps on gaussian1d bring W1 from about 4 to below 1: the parts work together."""
    run = Run(
        data="gaussian1d",
        steps=500,
        records=1,
        generator_learning_rate=1e-3,
        discriminator_learning_rate=1e-3,
    )
    first, last = train(run).rows
    assert first["w1"] > 3  # type: ignore[operator]  # a number
    assert last["w1"] < 1  # type: ignore[operator]  # a number
    assert math.isfinite(last["seconds"])  # type: ignore[arg-type]  # a number
