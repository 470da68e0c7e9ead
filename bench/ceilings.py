"""CEILINGS: what a device can do at most: multiply, copy, update in place, dispatch.

Each is the fastest of several blocks of milliseconds, in sweeps seconds apart: what other processes
take away only ever slows a block down, and a ceiling that is too low is one that cells break
through. Measured in the session's own process, with its threads.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from bench.operators import operators_per_step
from gan.failures import status_of
from gan.run import Run
from gan.step import PRECISIONS
from gan.trainer import Trainer

Work = Callable[[], object]
Row = dict[str, int | float | str]
Ceilings = dict[str, float | list[Row]]

BLOCK_SECONDS = 0.005
"""So long that the clock does not matter, and short enough to find the processor undisturbed."""

BLOCKS = 3
"""In a sweep."""

SWEEPS = 3

MOST_SECONDS = 0.1
"""Of one matrix product: what takes longer is left out, such as float16 where it is emulated."""

SHAPES = (
    (256, 256, 256),
    (64, 784, 512),
    (512, 512, 512),
    (1024, 784, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
)
"""(m, k, n) in the order of their operations: squares, and a minibatch through MNIST's layer."""

LARGE_SHAPES = ((4096, 4096, 4096), (8192, 8192, 8192))
"""What it takes to fill a GPU."""

KIB = 1024
WORKING_SETS = tuple(KIB * size for size in (256, 1024, 4096, 16_384, 65_536, 262_144))
"""Bytes: from a core's own cache to what fits into none."""

TFLOAT32 = "tfloat32"
"""What cuDNN computes a float32 network's convolutions in, unless it is told not to."""


def ceilings(device: str) -> Ceilings:
    """The ceilings of a device, as results/README.md lists them; a few seconds.

    Args:
        device: as in ``torch.device``.

    Returns:
        JSON-ready: rows of ``gemm``, ``copy`` and ``update``, and ``seconds_per_operator``.

    Reference:
        Williams, Waterman & Patterson 2009, "Roofline".
    """
    sweeps = range(SWEEPS)
    bandwidths = [
        [[measure(device, size) for size in WORKING_SETS] for measure in (copy, update)]
        for _ in sweeps
    ]
    copies, updates = zip(*bandwidths, strict=True)
    return {
        "gemm": fastest([gemm(device) for _ in sweeps], "flops_per_second"),
        "copy": fastest(copies, "bytes_per_second"),
        "update": fastest(updates, "bytes_per_second"),
        "seconds_per_operator": min(seconds_per_operator(device) for _ in sweeps),
    }


def fastest(sweeps: Sequence[Sequence[Row]], rate: str) -> list[Row]:
    """Of every row the sweep in which its rate was highest.

    Args:
        sweeps: rows; one that took too long in a sweep is not in it.
        rate: what to compare; rows that agree in all else are the same measurement.

    Returns:
        Each measurement once, in the order of the sweeps.

    >>> fastest([[{"n": 1, "r": 2.0}], [{"n": 1, "r": 3.0}, {"n": 2, "r": 1.0}]], "r")
    [{'n': 1, 'r': 3.0}, {'n': 2, 'r': 1.0}]
    """
    best: dict[tuple[int | float | str, ...], Row] = {}
    for row in (row for sweep in sweeps for row in sweep):
        what = tuple(value for name, value in row.items() if name != rate)
        best[what] = max(best.get(what, row), row, key=lambda found: float(found[rate]))
    return list(best.values())


def gemm(device: str) -> list[Row]:
    """The rate of matrix products, in every format that the device multiplies in.

    Args:
        device: as in ``torch.device``.

    Returns:
        ``dtype``, ``m``, ``k``, ``n`` of (m, k) times (k, n), and ``flops_per_second``.
    """
    rows = [row for name in PRECISIONS for row in _products(device, name)]
    if device.startswith("cuda"):
        with _tfloat32():
            products = _products(device, "float32")
        rows += [row | {"dtype": TFLOAT32} for row in products]
    return rows


@contextmanager
def _tfloat32() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _products(device: str, dtype: str) -> list[Row]:
    """One format, shape by shape, until a product would take too long or can't be had."""
    rows: list[Row] = []
    for m, k, n in SHAPES + (LARGE_SHAPES if device.startswith("cuda") else ()):
        flops = 2 * m * k * n
        if rows and flops / float(rows[-1]["flops_per_second"]) > MOST_SECONDS:
            break
        try:
            seconds = _product_seconds(device, PRECISIONS[dtype], m, k, n)
        except RuntimeError as error:
            status_of(error)  # raises what is neither a lack of memory nor of support
            break
        rows.append({"dtype": dtype, "m": m, "k": k, "n": n, "flops_per_second": flops / seconds})
    return rows


def _product_seconds(device: str, dtype: torch.dtype, m: int, k: int, n: int) -> float:
    rng = torch.Generator().manual_seed(0)
    left = torch.randn(m, k, generator=rng).to(device, dtype)
    right = torch.randn(k, n, generator=rng).to(device, dtype)
    product = torch.empty(m, n, device=device, dtype=dtype)
    return least_seconds(lambda: torch.mm(left, right, out=product), device)


def copy(device: str, working_set: int) -> Row:
    """The bandwidth of copying one half of a working set onto the other.

    Args:
        device: as in ``torch.device``.
        working_set: bytes of both halves; each is read, or written, once.

    Returns:
        ``bytes``, the working set, and ``bytes_per_second``.
    """
    # Not zeros: memory that was never written is one page, which any cache holds.
    source, target = torch.ones(2, working_set // 8, device=device)
    seconds = least_seconds(lambda: target.copy_(source), device)
    return {"bytes": working_set, "bytes_per_second": working_set / seconds}


def update(device: str, working_set: int) -> Row:
    """The bandwidth of changing a working set in place, as a step changes its state.

    A copy's target is memory that has to be fetched to be overwritten; an update's has been read.

    Args:
        device: as in ``torch.device``.
        working_set: bytes, each read once and written once.

    Returns:
        ``bytes``, the working set, and ``bytes_per_second``.
    """
    state = torch.ones(working_set // 4, device=device)
    seconds = least_seconds(state.neg_, device)
    return {"bytes": working_set, "bytes_per_second": 2 * working_set / seconds}


def seconds_per_operator(device: str) -> float:
    """What an operator of a training step costs, autograd and Python included, with nothing to do.

    Args:
        device: as in ``torch.device``.

    Returns:
        The seconds of a step of the smallest game, mlp_tiny on one point, over its operators.
    """
    trainer = Trainer(Run(model="mlp_tiny", data="gaussian1d", batch_size=1, device=device))
    operators = operators_per_step(trainer) or 0
    return least_seconds(trainer.step, device) / operators


def least_seconds(work: Work, device: str) -> float:
    """Seconds per call of some work in the fastest of several blocks, the device's work included.

    Args:
        work: may be called any number of times.
        device: as in ``torch.device``.

    Returns:
        Seconds.
    """
    _seconds(work, 1, device)  # the first call of its kind sets things up
    calls, seconds = 1, _seconds(work, 1, device)
    while seconds < BLOCK_SECONDS:
        wanted = 1.2 * calls * BLOCK_SECONDS / max(seconds, 1e-9)
        calls = math.ceil(min(10 * calls, max(calls + 1, wanted)))
        seconds = _seconds(work, calls, device)
    return min(seconds, *(_seconds(work, calls, device) for _ in range(BLOCKS - 1))) / calls


def _seconds(work: Work, calls: int, device: str) -> float:
    _synchronise(device)
    start = time.perf_counter()
    for _ in range(calls):
        work()
    _synchronise(device)
    return time.perf_counter() - start


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
