"""The session's options: the profile, its axes and part, and where results go."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.draft import Draft
from bench.engine import choice
from bench.engine.job import Job, Resources
from bench.matrix import Cell, Matrix, matrix, parse_axis, parse_words
from bench.part import Part, parse_part, part_of
from bench.peers import peer
from bench.profiles import PROFILES
from bench.study import KINDS, Axes, Value
from bench.together import KINDS as TRAINING
from bench.together import side_by_side
from bench.work import WORK
from gan import dirac, optimum, per_sample, spectrum, store
from gan.data import load
from gan.errors import UsageError
from gan.folder import Place, make, place, telling
from gan.run import NAMES, Run, check_device
from gan.trainer import Trainer

# option -> axis; names are checked against the tables of gan/, numbers by Run.
OPTIONS = {
    "--devices": "device",
    "--precisions": "precision",
    "--layouts": "layout",
    "--modes": "mode",
    "--ensembles": "ensemble",
    "--batch-sizes": "batch_size",
    "--losses": "loss",
    "--penalties": "penalty",
    "--models": "model",
    "--data": "data",
    "--seeds": "seed",
    "--pack": "pack",
}
NUMBERS = ("batch_size", "seed", "pack", "ensemble")


@dataclass(frozen=True)
class Session:
    """What the command line asked for, checked.

    Args:
        profile: a name of PROFILES.
        matrix: the cells.
        results: the results folder.
        rounds: timed blocks per throughput cell.
        data_dir: folder of IDX files, or None.
        engine: a name of ENGINES.
        resources: what it may use.
        part: of the profile, or None for all of it.
    """

    profile: str
    matrix: Matrix
    results: Place
    rounds: int
    data_dir: Path | None
    engine: str
    resources: Resources
    part: Part | None = None

    def job(self, cell: Cell) -> Job:
        """What a cell takes to be computed."""
        # Absolute: who computes it may be at work in another folder.
        data_dir = self.data_dir.absolute() if self.data_dir else None
        results = self.results.absolute() if isinstance(self.results, Path) else self.results
        # The runs of an ensemble are one job, that of the first.
        return Job(cell.kind, cell.run.members()[0], data_dir, results)


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
    group.addoption("--part", metavar="I/N", help="every N-th computed run from the I-th on [all]")
    group.addoption("--rounds", type=int, default=10, help="timed blocks per cell [10]")
    group.addoption(
        "--results", metavar="FOLDER", help="for the results: a folder or a URL [results/local]"
    )
    group.addoption("--data-dir", type=Path, help="folder of IDX files [GAN_DATA]")
    choice.add(group)


def session(config: pytest.Config) -> Session:
    """Read and check the options, before anything runs.

    Args:
        config: pytest's.

    Returns:
        The session.

    Raises:
        UsageError: whatever is wrong, in one line.
    """
    if config.getoption("rounds") < 1:
        raise UsageError(f"--rounds must be at least 1, not {config.getoption('rounds')}")
    engine, resources = config.getoption("engine"), choice.resources(config)
    chosen, text = _chosen_axes(config, remote=engine == "ray"), config.getoption("part")
    part = None if text is None else parse_part(text)
    profile, data_dir = config.getoption("profile"), config.getoption("data_dir")
    every = matrix(profile, chosen, _kinds(config))
    if "ensemble" not in chosen:
        every = replace(every, cells=side_by_side(every.cells))
    wanted = every if part is None else part_of(every, part)
    return Session(
        profile=profile,
        matrix=_possible(wanted, chosen, data_dir, remote=engine == "ray"),
        results=_results(config),
        rounds=config.getoption("rounds"),
        data_dir=data_dir,
        engine=engine,
        resources=resources,
        part=part,
    )


def _kinds(config: pytest.Config) -> list[str]:
    text = config.getoption("kinds")
    return [str(kind) for kind in (KINDS if text is None else parse_axis("--kinds", text, KINDS))]


def _chosen_axes(config: pytest.Config, *, remote: bool) -> dict[str, tuple[Value, ...]]:
    chosen: dict[str, tuple[Value, ...]] = {}
    for option, axis in OPTIONS.items():
        text = config.getoption(option.removeprefix("--").replace("-", "_"))
        if text is None:
            continue
        if axis == "device":
            chosen[axis] = tuple(dict.fromkeys(parse_words(option, text)))
            for device in chosen[axis]:
                _check_device(str(device), remote=remote)
        else:
            chosen[axis] = parse_axis(option, text, None if axis in NUMBERS else NAMES[axis])
    return chosen


def _check_device(name: str, *, remote: bool) -> None:
    """Refuse a device that is not here; a cluster's nodes have what this machine may lack."""
    if remote and name.startswith("cuda:"):
        raise UsageError(f"Ray gives each run a GPU of its own: name it cuda, not {name}")
    if not (remote and name == "cuda"):
        check_device(name)


def _possible(every: Matrix, chosen: Axes, data_dir: Path | None, *, remote: bool) -> Matrix:
    """The cells that this machine and these data can run; the rest is left out with its reason.

    What the user named and can't be had is an error; what a profile merely includes is not.
    """
    left_out = dict.fromkeys(every.left_out)
    cells = []
    lacking = _lacking(dict.fromkeys(cell.run.data for cell in every.cells), data_dir, chosen)
    reasons: dict[tuple[object, ...], str] = {}
    for cell in every.cells:
        run = cell.run
        # All but the seed may be to blame.
        which = (cell.kind, *{**run.as_dict(), "seed": None}.values())
        if which not in reasons:
            # Only the nodes know what devices they have.
            elsewhere = remote and cell.kind in WORK
            here = replace(run, device="cpu") if elsewhere else run
            reasons[which] = lacking.get(run.data) or _reason_against(
                cell.kind, here, data_dir, chosen
            )
        if reasons[which]:
            left_out[reasons[which]] = None
        else:
            cells.append(cell)
    if not cells:
        raise UsageError(f"no cell is left: {'; '.join(left_out)}")
    return Matrix(tuple(cells), tuple(left_out))


def _lacking(names: Iterable[str], data_dir: Path | None, chosen: Axes) -> dict[str, str]:
    """Why a data set can't be had here; each is tried once: a download takes its time to fail."""
    lacking = {}
    for name in names:
        try:
            load(name, data_dir)
        except UsageError as reason:
            if "data" in chosen:
                raise
            lacking[name] = str(reason)
    return lacking


def _reason_against(kind: str, run: Run, data_dir: Path | None, chosen: Axes) -> str:
    """Why a run can't be had here, or "": raised instead if the user named what is to blame."""
    try:
        dataset = load(run.data, data_dir)
        run.check(dataset)
        if run.ensemble > 1 and kind not in ENSEMBLES:
            return f"{kind} takes one run at a time, not an ensemble of {run.ensemble}"
        if kind in SINGLE_SAMPLES:
            run.need_single_samples(kind)
        if kind in CHECKS:
            CHECKS[kind](Trainer(run, dataset))
    except UsageError as reason:
        if reason.field in chosen:
            raise
        return str(reason)
    return ""


# Kinds whose runs can be trained side by side.
ENSEMBLES = ("throughput", "peers", *TRAINING)

# Kinds that take no packs: experiments on D of one sample, and rates per sample of a minibatch.
SINGLE_SAMPLES = ("throughput", "overtrained", "counterfactual")

# kind -> raises UsageError, before any work, for a run that its experiment can't be made with.
CHECKS: dict[str, Callable[[Trainer], object]] = {
    "dirac": lambda trainer: dirac.check(trainer.run),
    "optimum": optimum.check,
    "peers": peer.check,
    "per_sample": per_sample.check,
    "spectrum": spectrum.check,
}


def _results(config: pytest.Config) -> Place:
    """The results folder, made and tried; benchmark.json goes there unless the user says where."""
    json, text = _json(config), config.getoption("results")
    usual = json.parent if json else Path("results/local")
    folder = usual if text is None else place(text)
    if not config.getoption("collectonly") and not config.getoption("help"):
        store.probe(folder)
        if json:
            with telling("can't write to", json.parent):
                make(json.parent)
        config.option.benchmark_json = Draft(json or folder / "benchmark.json")
    return folder


def _json(config: pytest.Config) -> Place | None:
    """Where the user wants benchmark.json; a path has lost one slash of an address."""
    path: Path | None = config.getoption("benchmark_json")
    if path is None:
        return None
    return place(re.sub(r"^([A-Za-z][\w+.-]+):/+", r"\1://", str(path)))
