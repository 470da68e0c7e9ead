"""Which seeds of a session are trained side by side."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.matrix import Cell
from bench.together import MOST, most_at_once, parameters, side_by_side, size_of
from gan.run import Run

RING = Run(data="ring")


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


def test_parameters_are_those_of_both_players() -> None:
    """2→128→128→2 and 2→128→128→1."""
    generator = 2 * 128 + 128 + 128 * 128 + 128 + 128 * 2 + 2
    assert parameters(RING) == generator + generator - 128 - 1
    assert most_at_once(RING) == MOST["cpu"]
    assert most_at_once(replace(RING, device="cuda", data="digits")) == MOST["cuda"]
