"""Sessions that are killed: forked from one process that has imported everything.

Usage: sessions.py FOLDER KILLS SEED, and on stdout what became of them, as JSON. Run by
test_survival.py. This process has one thread and computes nothing itself, so its forks are sound.
"""

import importlib
import json
import os
import pickle
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench.engine.job import Job, perform
from bench.work import stored_as
from gan import checkpoint, store
from gan.run import Run

RING = Run(data="ring", batch_size=16, steps=60, records=4, evaluation_samples=60)
CELLS = (
    ("convergence", RING),
    ("convergence", replace(RING, optimiser="sgd", seed=1)),
    ("head_start", replace(RING, head_start=40, steps=40, records=2)),
    ("batches", replace(RING, data="gaussian1d", batch_size=64, records=3)),
    ("convergence", replace(RING, optimiser="sgd", generator_learning_rate=1e30)),
)
LONGEST_SECONDS = 0.5
"""Of a session before it is killed: long enough to get somewhere, short enough to get killed."""


def session(folder: Path) -> None:
    """What a session does for its cells: compute and store each that is not there yet."""
    store.probe(folder)
    for kind, run in CELLS:
        perform(Job(kind, run, None, folder))


def modules(folder: Path) -> list[str]:
    """A session, and what it imported on its way: what the next ones shall find imported."""
    session(folder)
    return list(sys.modules)


def writing(folder: Path) -> None:
    """Nothing but storing, over and over: no moment of it is outside a write for long."""
    store.probe(folder)
    rows = [{"step": step, "samples": [0.5] * 2000} for step in range(40)]
    while True:
        for seed in range(3):
            run = replace(RING, seed=seed)
            store.write(folder, store.Stored("training", run, rows, "finished", "", 1, {}))


def whole_files(folder: Path) -> dict[str, str]:
    """Every run file by name, as text without its clock; a file that is not whole is an error."""
    found: dict[str, str] = {}
    for file in (folder / "runs").glob("[!.]*"):
        stored = store.read(file)
        if stored is None:
            raise AssertionError(f"{file} is not whole")
        rows = [{**row, "seconds": 0} for row in stored.rows]
        found[file.name] = str(replace(stored, rows=rows))
    return found


def leftovers(folder: Path) -> list[str]:
    """What lies in the folder besides run files."""
    named = {store.path(folder, run, stored_as(kind)) for kind, run in CELLS}
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and path not in named]


def forked(work: Callable[[Path], Any], folder: Path) -> tuple[int, int]:
    """Begin some work in a process of its own: its id, and where its pickled result will be."""
    reading, writing_end = os.pipe()
    process = os.fork()
    if process:
        os.close(writing_end)
        return process, reading
    status = 1
    try:
        content = pickle.dumps(work(folder))
        with os.fdopen(writing_end, "wb") as pipe:
            pipe.write(content)
        status = 0
    finally:
        os._exit(status)


def result(process: int, reading: int) -> Any:
    """What forked work returned, or None if it was killed."""
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"a session ended with {code}")
    return pickle.loads(content) if content else None  # noqa: S301  # our own child's


def killed(work: Callable[[Path], None], folder: Path, seconds: float) -> bool:
    """Kill some work after so many seconds, unless it was done by then."""
    process, reading = forked(work, folder)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.001)
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
    alive = not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if alive:
        os.kill(process, signal.SIGKILL)
    result(process, reading)
    return alive


def disturbed(folder: Path, kills: int, rng: random.Random) -> dict[str, Any]:
    """Sessions killed at random moments and begun again until they come to their end."""
    undisturbed, number = folder / "undisturbed", 0
    for name in result(*forked(modules, undisturbed)):
        with suppress(ImportError):
            importlib.import_module(name)
    expected = result(*forked(whole_files, undisturbed))
    told = {"kills": 0, "ends": 0, "temporaries": 0, "checkpoints": 0, "cells": len(expected)}
    before: dict[str, str] = {}
    while told["kills"] < kills or before:
        here = folder / f"disturbed {number}"
        alive = told["kills"] < kills
        if alive and killed(session, here, rng.uniform(0, LONGEST_SECONDS)):
            told["kills"] += 1
        else:
            result(*forked(session, here))
        after: dict[str, str] = result(*forked(whole_files, here))
        check(before, after, expected)
        names = leftovers(here)
        told["temporaries"] += sum(name.endswith(".tmp") for name in names)
        told["checkpoints"] += sum(name.endswith(".pt") for name in names)
        before = after
        if len(after) == len(expected):
            result(*forked(session, here))  # skips all, and sweeps
            if leftovers(here) or result(*forked(whole_files, here)) != expected:
                raise AssertionError(f"left: {leftovers(here)}")
            told["ends"], number, before = told["ends"] + 1, number + 1, {}
    return told


def check(before: dict[str, str], after: dict[str, str], expected: dict[str, str]) -> None:
    """No finished run is lost, and each is what an undisturbed session found."""
    if lost := before.keys() - after.keys():
        raise AssertionError(f"lost: {lost}")
    if wrong := [name for name, text in after.items() if expected.get(name) != text]:
        raise AssertionError(f"not as undisturbed: {wrong}")


def interrupted_writes(folder: Path, kills: int, rng: random.Random) -> dict[str, Any]:
    """Writers killed at random moments; what they leave, and that the next one removes it."""
    told = {"kills": 0, "temporaries": 0, "files": 0}
    for _ in range(kills):
        told["kills"] += killed(writing, folder, rng.uniform(0.05, 0.15))
        told["temporaries"] += sum(name.endswith(".tmp") for name in leftovers(folder))
        told["files"] = len(result(*forked(whole_files, folder)))
    result(*forked(store.probe, folder))
    told["left"] = sum(name.endswith(".tmp") for name in leftovers(folder))
    return told


def together(folder: Path, expected: dict[str, str]) -> dict[str, Any]:
    """Two sessions at once in one folder; both come to their end, and right."""
    both = [forked(session, folder) for _ in range(2)]
    for process, reading in both:
        result(process, reading)
    found: dict[str, str] = result(*forked(whole_files, folder))
    check({}, found, expected)
    return {"ends": len(both), "files": len(found), "left": leftovers(folder)}


def main(arguments: Sequence[str]) -> None:
    """The experiments, one after the other."""
    folder, kills, rng = Path(arguments[0]), int(arguments[1]), random.Random(arguments[2])  # noqa: S311  # not secret
    torch.set_num_threads(1)
    # Runs of milliseconds, so that checkpoints must be as frequent to be met.
    checkpoint.SECONDS = 0.02
    store.key(RING, "training")
    told = {
        "sessions": disturbed(folder / "sessions", kills, rng),
        "writes": interrupted_writes(folder / "writes", kills, rng),
    }
    expected = result(*forked(whole_files, folder / "sessions" / "undisturbed"))
    told["together"] = together(folder / "together", expected)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
