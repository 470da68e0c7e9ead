"""Parts of a profile: disjoint, together the whole, the same on every machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.matrix import Cell, Matrix, matrix
from bench.part import Part, parse_part, part_of
from bench.work import WORK, stored_as
from gan.errors import UsageError
from gan.run import Run

FULL = matrix("full", {})


def runs(cells: tuple[Cell, ...]) -> set[object]:
    """What is computed for some cells."""
    return {(stored_as(cell.kind), cell.run) for cell in cells if cell.kind in WORK}


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_parts_are_disjoint_and_their_union_is_the_whole(parts: int) -> None:
    """Of the profile's 3,630 cells each is in one part, no run in two, and all are as large."""
    found = [part_of(FULL, Part(number + 1, parts)) for number in range(parts)]
    assert sum(len(part.cells) for part in found) == len(FULL.cells)
    assert {cell for part in found for cell in part.cells} == set(FULL.cells)
    computed = [runs(part.cells) for part in found]
    assert sum(map(len, computed)) == len(runs(FULL.cells))
    assert max(map(len, computed)) - min(map(len, computed)) <= 1
    assert {part.left_out for part in found} == {FULL.left_out}


@pytest.mark.parametrize("profile", ["smoke", "quick", "reproduction"])
def test_every_cell_is_in_one_part(profile: str) -> None:
    """In its order, whatever the profile and the number of parts."""
    whole = matrix(profile, {})
    for parts in range(1, 8):
        found = [part_of(whole, Part(number + 1, parts)).cells for number in range(parts)]
        together = sorted((cell for cells in found for cell in cells), key=whole.cells.index)
        assert tuple(together) == whole.cells
        assert all(list(cells) == sorted(cells, key=whole.cells.index) for cells in found)


def test_timings_are_in_part_one() -> None:
    """A throughput is that of one machine."""
    first, second = (part_of(FULL, Part(number, 2)).cells for number in (1, 2))
    timed = [cell for cell in FULL.cells if cell.kind == "throughput"]
    assert timed
    assert [cell for cell in first if cell.kind == "throughput"] == timed
    assert not [cell for cell in second if cell.kind == "throughput"]


def test_cells_that_share_a_run_are_in_one_part() -> None:
    """It would be computed twice; the turn of the next run is not theirs."""
    cells = [Cell("numerics", Run(seed=seed), name) for seed, name in enumerate("abc")]
    twin = Cell("numerics", Run(seed=0), "twin")
    whole = Matrix((cells[0], twin, *cells[1:]), ())
    assert part_of(whole, Part(1, 2)).cells == (cells[0], twin, cells[2])
    assert part_of(whole, Part(2, 2)).cells == (cells[1],)


@given(st.integers(1, 999_999_999), st.integers(0, 10**6))
def test_a_part_is_read_as_it_is_written(number: int, more: int) -> None:
    """I/N, spaces around it or not."""
    part = Part(number, min(number + more, 999_999_999))
    assert parse_part(f" {part} ") == part


@pytest.mark.parametrize(
    "text",
    [
        *("0/4", "5/4", "a/b", "1/0", "0/0", "-1/4", "1/-4", "1", "1/2/3", "/", "1.0/2", "nan/1"),
        *("", "1 / 2", "1/2\n/3", "٣/٤", "1/" + "9" * 5000),
    ],
)
def test_anything_else_is_one_line(text: str) -> None:
    """With an example of what would be right."""
    with pytest.raises(UsageError) as told:
        parse_part(text)
    assert str(told.value) == f"--part takes I/N with 1 ≤ I ≤ N, as in 1/4, not {text!r}"


def test_a_part_without_cells_is_one_line() -> None:
    """Fewer runs than parts; nothing but timings."""
    one = Matrix((Cell("numerics", Run()), Cell("throughput", Run())), ())
    assert len(part_of(one, Part(1, 9)).cells) == 2
    with pytest.raises(UsageError) as told:
        part_of(one, Part(2, 9))
    assert str(told.value) == (
        "no cell is in part 2/9: it is 1 computed runs that are shared out, and timings are all in "
        "part 1"
    )
