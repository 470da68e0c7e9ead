"""Which runs of a session are trained side by side: seeds of one game, where that is faster."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.matrix import Cell
from gan.run import Run

Game = tuple[str, Run, str]

# Kinds whose runs can be trained side by side without being told so. A throughput cell could, too,
# but times what it is asked to.
KINDS = ("convergence", "head_start", "batches", "reproduction")

# Seeds at once. On a processor four leave work for a second worker.
MOST = {"cpu": 4, "cuda": 64}

# On a processor only a game that spends its time between operations gains: two MLPs in the plane do
# (34,000 parameters), on 8x8 digits (430,000) they gain a seventh, larger ones lose
# (docs/performance.md). By name, not by size: parts of a profile must be the same on a machine that
# has not got the data.
SMALL_MODELS = ("mlp", "mlp_small", "mlp_tiny")
POINTS = ("gaussian1d", "ring", "grid")


def side_by_side(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Give the cells of one game with several seeds to ensembles, if all of them fit.

    Args:
        cells: of a session.

    Returns:
        The same, some with ``run.ensemble`` above 1.
    """
    games: dict[Game, list[int]] = defaultdict(list)
    for cell in cells:
        if cell.kind in KINDS:
            games[_game(cell)].append(cell.run.seed)
    sizes = {
        game: size_of(seeds, most_at_once(game[1])) if len(seeds) > 1 else 1
        for game, seeds in games.items()
    }
    return tuple(_together(cell, sizes) for cell in cells)


def _game(cell: Cell) -> Game:
    return cell.kind, cell.run.with_seed(0), cell.variant


def _together(cell: Cell, sizes: Mapping[Game, int]) -> Cell:
    size = sizes[_game(cell)] if cell.kind in KINDS else 1
    return replace(cell, run=replace(cell.run, ensemble=size)) if size > 1 else cell


def size_of(seeds: Iterable[int], most: int) -> int:
    """The largest E of which the seeds are whole ensembles, ⌊seed / E⌋ E … + E − 1.

    Args:
        seeds: of one game.
        most: E at most.

    Returns:
        At least 1.

    >>> size_of(range(8), 4), size_of(range(10), 8), size_of([0, 1, 2], 4), size_of([1, 2], 4)
    (4, 5, 3, 1)
    """
    known = set(seeds)
    return next(
        size
        for size in range(most, 0, -1)
        if all(seed - seed % size + other in known for seed in known for other in range(size))
    )


def most_at_once(run: Run) -> int:
    """How many seeds of a game are at most faster together than one after the other.

    Args:
        run: of the game.

    Returns:
        1 where a run is faster alone.
    """
    if run.device.startswith("cuda"):
        return MOST["cuda"]
    small = run.model in SMALL_MODELS and run.data in POINTS
    return MOST["cpu"] if small and run.layout == "contiguous" else 1
