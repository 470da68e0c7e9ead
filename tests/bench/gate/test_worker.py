"""A worker's answers, and what they are made of."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.gate import slowed, worker
from bench.gate.canary import seconds
from bench.gate.cells import CELLS, QUALITY
from bench.gate.counters import counters
from bench.gate.golden import STEPS, golden
from bench.gate.slowed import ROWS, Slowed
from bench.gate.worker import Worker, answered, greeting
from gan.data import load
from gan.run import Run
from gan.trainer import Trainer

TINY = {"data": "ring", "batch_size": 4, "model": "mlp_tiny"}


def ask(one: Worker, name: str, **arguments: object) -> dict[str, Any]:
    """A request as the driver sends it."""
    return answered(one, json.dumps({"do": name, **arguments}))


@pytest.fixture
def one() -> Worker:
    """With a tiny cell."""
    made = Worker()
    assert ask(made, "prepare", cell="tiny", fields=TINY) == {"ok": True}
    return made


def test_every_cell_is_a_run_of_its_data() -> None:
    """Names and numbers that Run takes."""
    for fields in (*CELLS.values(), *QUALITY.values()):
        run = Run(**fields)  # type: ignore[arg-type]  # names and numbers by field
        run.check(load(run.data))


def test_cells_are_told(one: Worker) -> None:
    """The driver imports nothing of the suite's."""
    told = ask(one, "cells")
    assert json.loads(json.dumps(told)) == {"ok": True, "cells": CELLS, "quality": QUALITY}


def test_blocks_are_timed(one: Worker) -> None:
    """As many steps as are asked for."""
    steps = ask(one, "length", cell="tiny", seconds=0.001)["steps"]
    assert steps >= 1
    assert ask(one, "block", cell="tiny", steps=2)["seconds"] > 0
    assert ask(one, "canary", blocks=1)["seconds"] > 0


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"do": "fly"}, "unknown request 'fly'"),
        ({"do": "__init__"}, "unknown request '__init__'"),
        ({"do": "block", "cell": "no", "steps": 1}, "KeyError: 'no'"),
        (
            {"do": "prepare", "cell": "x", "fields": {"lossy": 1}},
            "TypeError: Run.__init__() got an unexpected keyword argument 'lossy'",
        ),
        (
            {"do": "prepare", "cell": "x", "fields": {"data": "rings"}},
            "UsageError: unknown data set 'rings'",
        ),
        ({"do": "count"}, "TypeError: Worker.count() missing 1 required positional argument"),
    ],
)
def test_what_cannot_be_done_is_an_answer(
    one: Worker, request_: dict[str, object], error: str
) -> None:
    """In one line; the worker lives on."""
    found = answered(one, json.dumps(request_))
    assert found["ok"] is False
    assert found["error"].startswith(error)
    assert ask(one, "block", cell="tiny", steps=1)["ok"]


def test_a_tree_without_the_package_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another gan than the tree's would be compared with itself."""
    monkeypatch.setattr("sys.path", [*sys.path])
    found = greeting(str(tmp_path))
    assert found["ok"] is False
    assert "gan is imported from" in found["error"]


@pytest.mark.parametrize("runs", [1, 3])
def test_training_ends_with_a_record(one: Worker, runs: int) -> None:
    """Of the run's last step, and of those beside it."""
    fields = {**TINY, "steps": 4, "records": 1, "evaluation_samples": 50, "ensemble": runs}
    ends = ask(one, "train", fields=fields)["ends"]
    assert [(end["status"], end["last"]["step"]) for end in ends] == [("finished", 4)] * runs
    assert all(end["last"]["w1"] > 0 for end in ends)


def test_what_is_trained_is_the_cell_itself() -> None:
    """A game next to it might not have been touched by what touched it."""
    for name, fields in CELLS.items():
        assert QUALITY[name].items() > fields.items()


def test_counters_are_those_of_the_networks(one: Worker) -> None:
    """mlp_tiny's parameters by hand, Adam's state, no number that a second count changes."""
    found = ask(one, "count", cell="tiny")["counters"]
    trainer = Trainer(Run(**TINY))  # type: ignore[arg-type]  # names and numbers by field
    parameters = sum(
        p.numel()
        for net in (trainer.generator, trainer.discriminator)
        for p in net.initial(torch.Generator())
    )
    assert found["parameters"] == parameters
    assert found["operators_per_step"] > 50
    assert found["allocated_bytes_per_step"] > 4 * parameters
    assert counters(trainer) == found


def test_an_operation_more_is_counted(one: Worker) -> None:
    """Also one that is no product and allocates nothing of size."""
    trainer = one._trainers["tiny"]
    before = counters(trainer)
    step = trainer.step
    trainer.step = lambda: (step(), torch.zeros(3).add_(1))[0]
    after = counters(trainer)
    assert after["operators_per_step"] == before["operators_per_step"] + 2
    assert after["allocated_bytes_per_step"] > before["allocated_bytes_per_step"]
    assert after["flops_per_step"] == before["flops_per_step"]


def test_a_trace_is_the_same_bits_again(one: Worker) -> None:
    """Whatever steps were taken before; of another seed it is another."""
    trainer = one._trainers["tiny"]
    first = golden(trainer)
    assert golden(trainer) == first
    assert len(first["trace"]) == STEPS
    other = golden(Trainer(Run(**TINY, seed=1)))  # type: ignore[arg-type]  # as above
    assert other["sha256"] != first["sha256"]


def test_a_last_bit_changes_the_hash(one: Worker) -> None:
    """Also one of the state alone."""
    trainer = one._trainers["tiny"]
    first = golden(trainer)
    reset = trainer.reset

    def nudged() -> None:
        reset()
        trainer.state.average.view(-1)[0] = torch.nextafter(
            trainer.state.average.view(-1)[0], torch.tensor(10.0)
        )

    trainer.reset = nudged
    second = golden(trainer)
    assert second["trace"] == first["trace"]
    assert second["sha256"] != first["sha256"]


def test_the_canary_does_the_same_work_every_time() -> None:
    """Twice the blocks, twice the products: counted, not timed."""
    counts = []
    for blocks in (1, 2):
        with torch.profiler.profile() as record:
            seconds(blocks)
        counts.append(
            sum(event.count for event in record.key_averages() if event.key == "aten::mm")
        )
    assert counts == [192, 384]


def test_more_work_is_real_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rows as the share of a step asks for, in every timed step."""
    times = iter([1.0, 10e-6, 10e-6 + 1e-6 * 15 * ROWS])
    monkeypatch.setattr(slowed, "median_seconds", lambda _work: next(times))
    made = Slowed(0.002)
    worked: list[int] = []
    monkeypatch.setattr(made, "_work", worked.append)
    rows = round((0.002 - 10e-6) / 1e-6 + ROWS)
    assert made.prepare("tiny", TINY) == {"rows": rows}
    made.block("tiny", 3)
    assert worked == [rows] * 3


def test_work_that_was_found_is_added_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without timing anything again."""
    monkeypatch.setattr(slowed, "median_seconds", pytest.fail)
    made = Slowed({"tiny": 40})
    worked: list[int] = []
    monkeypatch.setattr(made, "_work", worked.append)
    assert made.prepare("tiny", TINY) == {"rows": 40}
    made.block("tiny", 2)
    assert worked == [40, 40]


def test_rows_beyond_the_buffer_are_several_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole buffers and a rest."""
    sizes: list[int] = []
    monkeypatch.setattr(torch, "mm", lambda left, _right: sizes.append(len(left)))
    Slowed(0.05)._work(2 * ROWS + 5)
    assert sizes == [ROWS, ROWS, 5]


def test_a_conversation_goes_over_pipes(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A greeting, an answer per line, and the end with the input; what is printed is no answer."""
    import io
    import os

    monkeypatch.setattr("sys.stdin", io.StringIO('{"do": "fly"}\n{"do": "canary", "blocks": 1}\n'))
    monkeypatch.setattr(worker, "greeting", lambda _tree: {"ok": True})
    monkeypatch.setattr(os, "dup2", lambda *_numbers: None)
    worker.main("anywhere")
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["ok"] for line in lines] == [True, False, True]
