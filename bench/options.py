"""The session's options: the eight axes, the profile, and where results go."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.matrix import Cell, Matrix, matrix, parse_axis
from bench.profiles import PROFILES
from bench.study import KINDS, Axes, Value
from gan import optimum, per_sample, store
from gan.data import load
from gan.errors import UsageError
from gan.run import NAMES, check_device
from gan.trainer import Trainer

# option -> axis; names are checked against the tables of gan/, numbers by Run.
OPTIONS = {
    "--devices": "device",
    "--precisions": "precision",
    "--batch-sizes": "batch_size",
    "--losses": "loss",
    "--penalties": "penalty",
    "--models": "model",
    "--data": "data",
    "--seeds": "seed",
}
NUMBERS = ("batch_size", "seed")


@dataclass(frozen=True)
class Session:
    """What the command line asked for, checked.

    Args:
        profile: a name of PROFILES.
        matrix: the cells.
        results: the results folder.
        rounds: timed blocks per throughput cell.
        threads: torch's intra-op threads.
        data_dir: folder of IDX files, or None.
    """

    profile: str
    matrix: Matrix
    results: Path
    rounds: int
    threads: int
    data_dir: Path | None


def add(parser: pytest.Parser) -> None:
    """Add the options.

    Args:
        parser: pytest's.
    """
    group = parser.getgroup("saddle", "the benchmark matrix")
    group.addoption("--profile", default="quick", help=f"one of {', '.join(PROFILES)} [quick]")
    group.addoption("--kinds", metavar="A,B", help=f"only these: any of {', '.join(KINDS)}")
    for option, axis in OPTIONS.items():
        names = "whole numbers" if axis in NUMBERS else "any of " + ", ".join(NAMES.get(axis, ()))
        if axis == "device":
            names = "any of cpu, cuda, cuda:N"
        group.addoption(option, metavar="A,B", help=f"in place of the profile's: {names}")
    group.addoption("--rounds", type=int, default=10, help="timed blocks per cell [10]")
    group.addoption("--threads", type=int, default=1, help="torch's threads [1]")
    group.addoption("--results", type=Path, help="folder for the results [results/local]")
    group.addoption("--data-dir", type=Path, help="folder of IDX files [GAN_DATA]")


def session(config: pytest.Config) -> Session:
    """Read and check the options, before anything runs.

    Args:
        config: pytest's.

    Returns:
        The session.

    Raises:
        UsageError: whatever is wrong, in one line.
    """
    for option in ("rounds", "threads"):
        if config.getoption(option) < 1:
            raise UsageError(f"--{option} must be at least 1, not {config.getoption(option)}")
    chosen = _chosen_axes(config)
    profile, data_dir = config.getoption("profile"), config.getoption("data_dir")
    text = config.getoption("kinds")
    kinds = KINDS if text is None else [str(k) for k in parse_axis("--kinds", text, KINDS)]
    return Session(
        profile=profile,
        matrix=_possible(matrix(profile, chosen, kinds), chosen, data_dir),
        results=_results(config),
        rounds=config.getoption("rounds"),
        threads=config.getoption("threads"),
        data_dir=data_dir,
    )


def _chosen_axes(config: pytest.Config) -> dict[str, tuple[Value, ...]]:
    chosen: dict[str, tuple[Value, ...]] = {}
    for option, axis in OPTIONS.items():
        text = config.getoption(option.removeprefix("--").replace("-", "_"))
        if text is None:
            continue
        if axis == "device":
            chosen[axis] = tuple(dict.fromkeys(text.split(",")))
            for device in chosen[axis]:
                check_device(str(device))
        else:
            chosen[axis] = parse_axis(option, text, None if axis in NUMBERS else NAMES[axis])
    return chosen


def _possible(every: Matrix, chosen: Axes, data_dir: Path | None) -> Matrix:
    """The cells that this machine and these data can run; the rest is left out with its reason.

    What the user named and can't be had is an error; what a profile merely includes is not.
    """
    left_out = dict.fromkeys(every.left_out)
    cells = []
    reasons: dict[tuple[Value, ...], str] = {}
    for cell in every.cells:
        run = cell.run
        which = (cell.kind, run.device, run.batch_size, run.model, run.data)
        if which not in reasons:
            reasons[which] = _reason_against(cell, data_dir, chosen)
        if reasons[which]:
            left_out[reasons[which]] = None
        else:
            cells.append(cell)
    if not cells:
        raise UsageError(f"no cell is left: {'; '.join(left_out)}")
    return Matrix(tuple(cells), tuple(left_out))


def _reason_against(cell: Cell, data_dir: Path | None, chosen: Axes) -> str:
    """Why a cell can't be had here, or "": raised instead if the user named what is to blame."""
    field, run = "data", cell.run
    try:
        dataset = load(run.data, data_dir)
        field = ""
        run.check(dataset)
        if cell.kind in CHECKS:
            CHECKS[cell.kind](Trainer(run, dataset))
    except UsageError as reason:
        if (field or reason.field) in chosen:
            raise
        return str(reason)
    return ""


# kind -> raises UsageError, before any work, for a run that its experiment can't be made with.
CHECKS: dict[str, Callable[[Trainer], object]] = {
    "optimum": optimum.check,
    "per_sample": per_sample.check,
}


def _results(config: pytest.Config) -> Path:
    """The results folder, made and tried; benchmark.json goes there unless the user says where."""
    json, folder = config.getoption("benchmark_json"), config.getoption("results")
    if folder is None:
        folder = json.parent if json else Path("results/local")
    if not config.getoption("collectonly") and not config.getoption("help"):
        store.probe(folder)
        config.option.benchmark_json = json or folder / "benchmark.json"
    return Path(folder)
