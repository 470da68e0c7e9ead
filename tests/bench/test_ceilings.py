"""What a device can do at most: how it is measured, and when a session measures it."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from analysis import ceilings as read
from analysis.records import load
from analysis.roofline import roofline
from bench import ceilings

ROOT = Path(__file__).parents[2]
RING = ["--profile", "smoke", "--data", "ring", "--losses", "saturating", "--rounds", "2"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ceilings that take milliseconds."""
    monkeypatch.setattr(ceilings, "SHAPES", ((8, 8, 8), (16, 8, 4)))
    monkeypatch.setattr(ceilings, "WORKING_SETS", (256, 1024))
    monkeypatch.setattr(ceilings, "BLOCK_SECONDS", 1e-4)


def clock(monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float]) -> list[int]:
    """Time blocks by a formula in place of a clock; the calls of each block."""
    blocks: list[int] = []

    def timed(work: ceilings.Work, calls: int, device: str) -> float:
        blocks.append(calls)
        return seconds(calls)

    monkeypatch.setattr(ceilings, "_seconds", timed)
    return blocks


def test_the_fastest_block_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 ms a call, but one block at 1 ms: what slows the others down is not this work."""
    slow: Iterator[float] = iter([9.0, 2e-3, 2e-3, 1e-3, 2e-3])
    blocks = clock(monkeypatch, lambda calls: calls * next(slow))
    assert ceilings.least_seconds(lambda: None, "cpu") == pytest.approx(1e-3)
    assert blocks[-1] * 2e-3 >= ceilings.BLOCK_SECONDS
    assert blocks.count(blocks[-1]) == ceilings.BLOCKS


@pytest.mark.parametrize("length", [1e-9, 1e-6, 1.1e-3, 0.004999, 0.3])
def test_blocks_are_long_enough_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, length: float
) -> None:
    """Whatever a call takes: they last milliseconds, or one call."""
    blocks = clock(monkeypatch, lambda calls: calls * length)
    assert ceilings.least_seconds(lambda: None, "cpu") == pytest.approx(length)
    lasting = blocks[-1] * length
    assert ceilings.BLOCK_SECONDS <= lasting <= max(2.1 * ceilings.BLOCK_SECONDS, length)


def test_a_clock_that_stands_still_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below its resolution a block lasts 0 seconds."""
    clock(monkeypatch, lambda calls: 0.0 if calls < 50_000 else calls * 1e-7)
    assert ceilings.least_seconds(lambda: None, "cpu") == pytest.approx(1e-7)


def test_the_work_is_done_as_often_as_it_is_counted() -> None:
    """No call is left out, and none is timed twice."""
    calls = 0

    def work() -> None:
        nonlocal calls
        calls += 1

    ceilings._seconds(work, 7, "cpu")
    assert calls == 7


def test_the_fastest_sweep_counts() -> None:
    """Measurement by measurement; one that a slow sweep left out is not lost."""
    slow: list[ceilings.Row] = [{"dtype": "float32", "m": 2, "flops_per_second": 1.0}]
    fast: list[ceilings.Row] = [
        {"dtype": "float32", "m": 2, "flops_per_second": 3.0},
        {"dtype": "float32", "m": 4, "flops_per_second": 0.5},
    ]
    assert ceilings.fastest([slow, fast, slow], "flops_per_second") == fast


def timed_at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[ceilings.Work]:
    """Every call takes so long; what was timed."""
    works: list[ceilings.Work] = []

    def least(work: ceilings.Work, device: str) -> float:
        works.append(work)
        return seconds

    monkeypatch.setattr(ceilings, "least_seconds", least)
    return works


def test_a_product_is_2mkn_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every format, at every shape; float64's products are float64."""
    monkeypatch.setattr(ceilings, "SHAPES", ((2, 3, 4), (5, 6, 7)))
    works = timed_at(monkeypatch, 0.01)
    rows = ceilings.gemm("cpu")
    assert [(row["dtype"], row["m"], row["k"], row["n"]) for row in rows] == [
        (name, *shape)
        for name in ("float32", "float64", "bfloat16", "float16")
        for shape in ((2, 3, 4), (5, 6, 7))
    ]
    assert {row["flops_per_second"] for row in rows} == {4800.0, 42_000.0}
    product = works[2]()
    assert isinstance(product, torch.Tensor)
    assert (product.dtype, product.shape) == (torch.float64, (2, 4))


def test_what_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first shape is always measured; from its rate, 2048³ would take 512 times as long."""
    monkeypatch.setattr(ceilings, "SHAPES", ((256,) * 3, (2048,) * 3, (512,) * 3))
    timed_at(monkeypatch, 1e-3)
    assert {row["m"] for row in ceilings.gemm("cpu")} == {256}


def test_a_gpu_multiplies_float32_in_tf32_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger matrices, and every shape twice: as told, and as cuDNN would; then as before."""
    told: list[tuple[torch.dtype, bool]] = []

    def seconds(device: str, dtype: torch.dtype, m: int, k: int, n: int) -> float:
        told.append((dtype, torch.backends.cuda.matmul.allow_tf32))
        return 1e-3

    monkeypatch.setattr(ceilings, "_product_seconds", seconds)
    before = torch.backends.cuda.matmul.allow_tf32
    rows = ceilings.gemm("cuda")
    shapes = len(ceilings.SHAPES + ceilings.LARGE_SHAPES)
    assert [row["dtype"] for row in rows].count("tfloat32") == shapes
    assert told.count((torch.float32, True)) == shapes * (2 if before else 1)
    assert torch.backends.cuda.matmul.allow_tf32 == before


def test_a_gpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the clock is read, each time: work that is only begun is not done."""
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", events.append)
    ceilings._seconds(lambda: events.append("work"), 2, "cuda:1")
    assert events == ["cuda:1", "work", "work", "cuda:1"]


def test_a_format_that_the_device_lacks_has_no_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others have theirs; what else goes wrong is not hidden."""
    monkeypatch.setattr(ceilings, "SHAPES", ((2, 2, 2),))
    error = RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    def seconds(device: str, dtype: torch.dtype, m: int, k: int, n: int) -> float:
        if dtype == torch.float16:
            raise error
        return 1.0

    monkeypatch.setattr(ceilings, "_product_seconds", seconds)
    assert [row["dtype"] for row in ceilings.gemm("cpu")] == ["float32", "float64", "bfloat16"]
    error = RuntimeError("a broken driver")
    with pytest.raises(RuntimeError, match="a broken driver"):
        ceilings.gemm("cpu")


def test_bandwidth_counts_what_is_read_and_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy reads one half and writes the other; an update reads and writes every byte."""
    works = timed_at(monkeypatch, 0.5)
    assert ceilings.copy("cpu", 4096) == {"bytes": 4096, "bytes_per_second": 8192.0}
    assert ceilings.update("cpu", 4096) == {"bytes": 4096, "bytes_per_second": 16_384.0}
    copied, updated = (work() for work in works)
    assert isinstance(copied, torch.Tensor)
    assert isinstance(updated, torch.Tensor)
    assert (2 * copied.nbytes, updated.nbytes) == (4096, 4096)


@pytest.mark.usefixtures("small")
def test_ceilings_are_in_the_format_that_is_read() -> None:
    """As JSON, and every number positive."""
    told = json.loads(json.dumps(ceilings.ceilings("cpu")))
    read.check({"ceilings": {"cpu": told}}, "machine")
    assert {row["bytes"] for row in told["copy"]} == {256, 1024}


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, small: None) -> Callable[..., dict[str, Any]]:
    """`pytest bench/` in this process: what it says of the machine's ceilings."""
    monkeypatch.chdir(ROOT)
    handler = signal.getsignal(signal.SIGTERM)

    def call(folder: Path, *options: str) -> dict[str, Any]:
        try:
            arguments = ["bench/", "-p", "no:cacheprovider", "--results", str(folder), *options]
            assert pytest.main([*RING, *arguments]) == 0
        finally:
            signal.signal(signal.SIGTERM, handler)
        document = json.loads((folder / "benchmark.json").read_text())
        told: dict[str, Any] = document["machine_info"]["saddle"]["ceilings"]
        return told

    return call


def test_a_session_measures_its_ceilings_once(
    tmp_path: Path, harness: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many cells it times; and every one of them has its place below the roof."""
    measured, gemm = [], ceilings.gemm

    def counted(device: str) -> list[ceilings.Row]:
        measured.append(device)
        return gemm(device)

    monkeypatch.setattr(ceilings, "gemm", counted)
    told = harness(tmp_path, "--kinds", "throughput", "--batch-sizes", "16,32")
    assert list(told) == ["cpu"]
    assert measured == ["cpu"] * ceilings.SWEEPS
    rows = roofline(load([tmp_path]))
    assert list(rows["batch_size"]) == [16, 32]
    assert (rows["fraction"] > 0).all()
    assert rows["operators_per_step"].gt(100).all()


def test_a_session_without_timings_measures_none(
    tmp_path: Path, harness: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ceilings of cells that are not there."""
    monkeypatch.setattr(ceilings, "gemm", lambda _device: pytest.fail("measured"))
    assert harness(tmp_path, "--kinds", "numerics", "--precisions", "float32") == {}
