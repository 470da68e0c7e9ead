"""What one process finds of a cell: every peer built, held against the suite's step, and timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from bench.peers.agreement import TOLERANCE, complaints, difference
from bench.peers.peer import OneByOne, Peer, Start
from bench.peers.suite import Suite, start_of
from bench.peers.textbook import Textbook, as_it_is, compiled
from bench.peers.turns import in_turns, seconds_of
from gan.data import Dataset, load
from gan.failures import status_of
from gan.run import Run

REFERENCE = "eager"
"""The peer that every other is held against."""

BATCHES = 8

Build = Callable[[Start], Peer]


@dataclass(frozen=True)
class Found:
    """What one process found.

    Args:
        status: "finished", or why the suite's own step could not be timed.
        message: on that.
        seconds_per_step: of each peer, the median of its blocks.
        first_call_seconds: of each peer's first step, with whatever it compiled for it.
        difference: of each peer from the reference in float64, as ``agreement.difference`` has it;
            of the first process alone.
        left_out: peer -> why it was not timed.
        disagreement: a line on each peer that computes another update; nothing was timed then.
    """

    status: str = "finished"
    message: str = ""
    seconds_per_step: dict[str, float] = field(default_factory=dict)
    first_call_seconds: dict[str, float] = field(default_factory=dict)
    difference: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    disagreement: list[str] = field(default_factory=list)


def found(
    run: Run, data_dir: Path | None, process: int, refused: Mapping[str, str] | None = None
) -> Found:
    """Build, check and time every peer of a run, in this process.

    Args:
        run: of one run or of an ensemble; its mode is the suite's step that others are held
            against in time.
        data_dir: folder of IDX files, or None.
        process: seeds the order of the blocks.
        refused: peer -> why it can't be compared here.

    Returns:
        Seconds, or why there are none.
    """
    refused = refused or {}
    builds = PEERS if run.ensemble == 1 else SIDE_BY_SIDE
    wanted = {name: build for name, build in builds.items() if name not in refused}
    left_out = {name: why for name, why in refused.items() if name in builds}
    try:
        dataset = load(run.data, data_dir)
        # The first process answers for all: the others compile the same programs.
        differences = {} if process else _differences(run, dataset, wanted)
        start = start_of(run, dataset, BATCHES)
        own, first = _own(start)
    except (RuntimeError, MemoryError) as error:
        status, message = status_of(error)
        return Found(status, message)
    if told := complaints(differences, REFERENCE, TOLERANCE["float64"]):
        return Found(difference=differences, disagreement=told)
    others, first_of_others, unbuilt = _others(start, wanted)
    return Found(
        seconds_per_step=in_turns({**own, **others}, np.random.default_rng(process)),
        first_call_seconds={**first, **first_of_others},
        difference=differences,
        left_out=left_out | unbuilt,
    )


def _differences(run: Run, dataset: Dataset, builds: Mapping[str, Build]) -> dict[str, float]:
    """How far each peer's update is from the reference's, all of them in float64.

    In float32 rounding is no small difference: a leaky ReLU whose input is next to 0 has another
    slope. Of DCGAN's 1.6 million at 28x28, 46 inputs are within 1e-6 of it.
    """
    start = start_of(replace(run, precision="float64"), dataset, BATCHES)
    own, _ = _own(start)
    others, _, _ = _others(start, builds)
    return {
        name: difference(peer, own[REFERENCE], start)
        for name, peer in {**own, **others}.items()
        if name != REFERENCE
    }


def _own(start: Start) -> tuple[dict[str, Peer], dict[str, float]]:
    """The suite's step, eager and in the run's mode, and the seconds of their first."""
    peers: dict[str, Peer] = {
        mode: Suite(start, mode) for mode in dict.fromkeys((REFERENCE, start.run.mode))
    }
    return peers, {mode: seconds_of(peer, 1) for mode, peer in peers.items()}


def _others(
    start: Start, builds: Mapping[str, Build]
) -> tuple[dict[str, Peer], dict[str, float], dict[str, str]]:
    """The peers that take a step, the seconds of their first, and why each other does not."""
    peers: dict[str, Peer] = {}
    first: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for name, build in builds.items():
        try:
            peer = build(start)
            first[name] = seconds_of(peer, 1)
            peers[name] = peer
        except Exception as error:  # noqa: BLE001  # whatever a peer can't do is a result, not ours
            left_out[name] = reason(error)
    return peers, first, left_out


def reason(error: Exception) -> str:
    """An error in one line of at most 200 letters.

    >>> reason(ModuleNotFoundError("No module named 'jax'"))
    "ModuleNotFoundError: No module named 'jax'"
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"


def _jax(start: Start) -> Peer:
    """JAX's step; imported here, since nothing else needs JAX."""
    from bench.peers.jax_step import Jax

    return Jax(start)


def _textbook_compiled(start: Start) -> Peer:
    torch._dynamo.reset()  # what another peer compiled before must not count against its limit
    return Textbook(start, compiled)


def _one_by_one(start: Start) -> Peer:
    return OneByOne([Textbook(member, as_it_is) for member in start.members()])


# Beside the suite's own modes; of one run, and of several side by side.
PEERS: dict[str, Build] = {
    "textbook": Textbook,
    "textbook_compiled": _textbook_compiled,
    "jax": _jax,
}
SIDE_BY_SIDE: dict[str, Build] = {
    "textbook": _one_by_one,
    "jax_vmap": _jax,
}
