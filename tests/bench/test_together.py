"""Which seeds of a session are trained side by side."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.matrix import Cell
from bench.together import MOST, most_at_once, side_by_side, size_of
from gan import store
from gan.run import Run

ROOT = Path(__file__).parents[2]
RING = Run(data="ring")
OPTIONS = [
    *("bench/", "-q", "-p", "no:cacheprovider", "--profile", "smoke", "--kinds", "convergence"),
    *("--losses", "hinge", "--data", "ring", "--seeds", "0,1,2,3"),
]


def cells(kind: str, run: Run, seeds: int) -> list[Cell]:
    """A game with so many seeds."""
    return [Cell(kind, replace(run, seed=seed)) for seed in range(seeds)]


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(1, 10))
def test_seeds_come_out_in_whole_ensembles(seeds: set[int], most: int) -> None:
    """Nobody is trained beside a seed that was not asked for, and no larger size would do."""
    size = size_of(seeds, most)
    assert 1 <= size <= most

    def whole(size: int) -> bool:
        members = [set(Run(seed=seed, ensemble=size).members()) for seed in seeds]
        return {run.seed for member in members for run in member} == seeds

    assert whole(size)
    assert not any(whole(larger) for larger in range(size + 1, most + 1))


@pytest.mark.parametrize(("kind", "size"), [("convergence", 4), ("batches", 4), ("gradients", 1)])
def test_small_games_are_trained_side_by_side(kind: str, size: int) -> None:
    """Eight seeds on the ring: two ensembles of four, of the kinds that train and no other."""
    assert {cell.run.ensemble for cell in side_by_side(cells(kind, RING, 8))} == {size}


def test_a_throughput_cell_times_what_it_is_asked_to() -> None:
    """Seeds of a timed cell stay alone."""
    timed = cells("throughput", RING, 4)
    assert side_by_side(timed) == tuple(timed)


def test_what_gains_nothing_stays_alone() -> None:
    """Larger networks on a processor, a single seed, seeds with a gap."""
    alone = [
        *cells("convergence", Run(data="digits"), 4),
        *cells("convergence", RING, 1),
        *cells("convergence", replace(RING, loss="hinge"), 3)[1:],
    ]
    assert side_by_side(alone) == tuple(alone)


def test_games_are_told_apart() -> None:
    """Seeds of two losses are two games: three of one and two of the other."""
    mixed = [*cells("convergence", RING, 3), *cells("convergence", replace(RING, loss="hinge"), 2)]
    assert [cell.run.ensemble for cell in side_by_side(mixed)] == [3, 3, 3, 2, 2]
    assert [cell.run.seed for cell in side_by_side(mixed)] == [0, 1, 2, 0, 1]


def test_what_a_gpu_trains_at_once() -> None:
    """Any game, up to 64 seeds."""
    assert most_at_once(RING) == MOST["cpu"]
    assert most_at_once(Run(device="cuda", model="dcgan")) == MOST["cuda"]


@pytest.mark.slow
def test_a_session_trains_seeds_side_by_side(tmp_path: Path) -> None:
    """Four seeds are one job with a file for each, which the next session finds or makes again."""
    options = [*OPTIONS, "--results", str(tmp_path)]

    def files_after(*more: str) -> dict[str, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return {file.stem: file.read_bytes() for file in (tmp_path / "runs").iterdir()}

    def told() -> list[tuple[str, bool, int]]:
        content = json.loads((tmp_path / "benchmark.json").read_text())
        infos = [entry["extra_info"] for entry in content["benchmarks"]]
        return [(info["key"], info["reused"], info["run"]["ensemble"]) for info in infos]

    def learned(key: str) -> object:
        stored = store.read(tmp_path / "runs" / f"{key}.parquet")
        assert stored is not None
        assert (stored.status, stored.run.ensemble) == ("finished", 4)
        return [{**row, "seconds": 0} for row in stored.rows]

    first = files_after()
    entries = told()
    # The first cell's job computes all: the others find their files.
    assert [(reused, size) for _, reused, size in entries] == [(False, 4)] + [(True, 4)] * 3
    assert {key for key, _, _ in entries} == set(first)
    rows = {key: learned(key) for key in first}
    assert files_after() == first
    assert {reused for _, reused, _ in told()} == {True}
    (tmp_path / "runs" / f"{entries[2][0]}.parquet").unlink()
    assert set(files_after()) == set(first)
    assert {key: str(learned(key)) for key in first} == {k: str(v) for k, v in rows.items()}
    assert len(files_after("--ensembles", "1")) == 8
    assert {size for _, _, size in told()} == {1}
