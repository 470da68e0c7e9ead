"""pytest's hooks: options, the matrix as parameters, machine facts, interruption."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench import machine, options
from bench.ceilings import Ceilings
from bench.ceilings import ceilings as measured_ceilings
from bench.computing import computing, jobs_of
from bench.draft import Draft
from bench.engine import choice
from bench.engine.engines import ENGINES
from bench.matrix import PARAMETERS, Cell
from bench.measured import OutcomeOf
from bench.progress import ProgressBar
from bench.study import KINDS, Value
from gan.errors import UsageError

SESSION = pytest.StashKey[options.Session]()
CELLS = pytest.StashKey[dict[tuple[str, tuple[Value, ...]], Cell]]()
ITEMS = pytest.StashKey[dict[str, Cell]]()
PROGRESS = pytest.StashKey[ProgressBar]()
BEFORE = pytest.StashKey[dict[str, float | None]]()
CEILINGS = pytest.StashKey[dict[str, Ceilings]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the axes, the profile and the folders."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the whole command line before anything runs, and let SIGTERM end it like Ctrl-C."""
    # What imports made stays: while thousands of cells are made, no collection looks through it.
    gc.freeze()
    try:
        session = options.session(config)
        if _will_run(config):
            cells = {str(index): cell for index, cell in enumerate(session.matrix.cells)}
            ENGINES[session.engine].check(list(jobs_of(session, cells)), session.resources)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SESSION] = session
    config.stash[CELLS] = {(cell.kind, cell.parameters): cell for cell in session.matrix.cells}
    config.stash[BEFORE] = {
        "load_average": machine.load_average(),
        "stolen_seconds": machine.stolen_seconds(),
    }
    torch.set_num_threads(session.resources.threads)
    signal.signal(signal.SIGTERM, _interrupt)


def pytest_collection_finish() -> None:
    """From here on garbage is collected as everywhere: what is timed is timed as it is."""
    gc.unfreeze()


def _will_run(config: pytest.Config) -> bool:
    return not (config.getoption("collectonly") or config.getoption("help"))


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per cell, parametrised over names and numbers: they become the JSON's `params`."""
    kind = kind_of(metafunc.function.__name__)
    if kind in KINDS and "cell" in metafunc.fixturenames:
        cells = [cell for cell in metafunc.config.stash[SESSION].matrix.cells if cell.kind == kind]
        names = [",".join(map("{}={}".format, PARAMETERS, cell.parameters)) for cell in cells]
        metafunc.parametrize(PARAMETERS, [cell.parameters for cell in cells], ids=names)


def kind_of(test: str) -> str:
    """The kind of cell that a test of bench/ measures.

    >>> kind_of("test_head_start")
    'head_start'
    """
    return test.removeprefix("test_")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the cells in the matrix's order: timings first, while the machine is at rest."""
    cells: dict[str, Cell] = {}
    wanted = []
    for item in items:
        kind = kind_of(getattr(item, "originalname", ""))
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        values = tuple(parameters.get(name, "") for name in PARAMETERS)
        cell = config.stash[CELLS].get((kind, values))
        if cell is not None:
            cells[item.nodeid] = cell
        # pytest makes a skipped item of a test without parameters; nobody asked for it.
        if cell is not None or kind not in KINDS or item.path.parent != Path(__file__).parent:
            wanted.append(item)
    items[:] = wanted
    place = {cell: index for index, cell in enumerate(config.stash[CELLS].values())}
    items.sort(key=lambda item: place[cells[item.nodeid]] if item.nodeid in cells else -1)
    config.stash[ITEMS] = cells
    if len(cells) == len(items) and not config.getoption("collectonly"):
        config.stash[PROGRESS] = ProgressBar(cells)
        config.pluginmanager.register(config.stash[PROGRESS])
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        reporter.showfspath = False
        # There is no public way to have pytest's percentages give way to another progress display.
        reporter._show_progress_info = False


@pytest.fixture
def cell(
    request: pytest.FixtureRequest,
    device: str,
    precision: str,
    layout: str,
    mode: str,
    ensemble: int,
    batch_size: int,
    loss: str,
    penalty: str,
    model: str,
    data: str,
    seed: int,
    variant: str,
) -> Cell:
    """The cell to run; one argument per parameter, so that pytest parametrises over them."""
    values = (
        device,
        precision,
        layout,
        mode,
        ensemble,
        batch_size,
        loss,
        penalty,
        model,
        data,
        seed,
        variant,
    )
    return request.config.stash[CELLS][kind_of(request.node.originalname), values]


@pytest.fixture
def session(request: pytest.FixtureRequest) -> options.Session:
    """The session's options."""
    return request.config.stash[SESSION]


@pytest.fixture
def ceilings(request: pytest.FixtureRequest, cell: Cell, benchmark: BenchmarkFixture) -> None:
    """The ceilings of the cell's device, measured once: before the first cell is timed on it."""
    known = request.config.stash.setdefault(CEILINGS, {})
    if benchmark.enabled and cell.run.device not in known:
        known[cell.run.device] = measured_ceilings(cell.run.device)


@pytest.fixture(scope="session")
def outcome_of(request: pytest.FixtureRequest) -> Iterator[OutcomeOf]:
    """Computes a cell; made for the first that needs it, when all timings have been taken."""
    stash = request.config.stash
    # Among other tests: the session may have been given more folders, or doctests.
    wanted = {item.nodeid for item in request.session.items}
    cells = {name: cell for name, cell in stash[ITEMS].items() if name in wanted}
    try:
        with computing(stash[SESSION], cells, stash.get(PROGRESS, None)) as results:
            yield results
    except UsageError as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what will run, where it goes and what was left out."""
    session = config.stash[SESSION]
    matrix = session.matrix
    where = choice.words(session.engine, session.resources)
    part = f", part {session.part}" if session.part else ""
    cells = f"{len(matrix.cells)} cells, to {session.results}"
    line = f"saddle: profile {session.profile}{part}, {cells}"
    return [line + where] + [f"left out: {reason}" for reason in matrix.left_out]


def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """No letter per cell: the progress bar shows more."""
    if PROGRESS in config.stash and report.when == "call" and report.passed:
        return "passed", "", "PASSED"
    return None


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, object]
) -> None:
    """Add the facts of results/README.md; drop the clock frequency: it is never twice the same."""
    session, before = config.stash[SESSION], config.stash[BEFORE]
    machine_info.pop("node", None)  # results are published; a host's name is nobody's business
    cpu = machine_info.get("cpu")
    if isinstance(cpu, dict):
        for name in [name for name in cpu if name.startswith("hz_actual")]:
            del cpu[name]
    stolen, stolen_before = machine.stolen_seconds(), before["stolen_seconds"]
    machine_info["saddle"] = machine.facts(session.resources.threads, session.profile) | {
        "arguments": [str(argument) for argument in config.invocation_params.args],
        "load_average_before": before["load_average"],
        "load_average_after": machine.load_average(),
        "steal_seconds": (
            stolen - stolen_before if stolen is not None and stolen_before is not None else None
        ),
        "ceilings": config.stash.get(CEILINGS, {}),
        "status": "finished" if _finished(config) else "interrupted",
    }


def _finished(config: pytest.Config) -> bool:
    return PROGRESS not in config.stash or not config.stash[PROGRESS].to_come


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_generate_json(benchmarks: list[Any]) -> None:
    """Drop the cells that were not measured to the end: only a complete one has a schema number.

    pytest-benchmark keeps a test that failed after its timing, and fails itself on one that was
    interrupted before its first sample.
    """
    benchmarks[:] = [entry for entry in benchmarks if "schema" in entry.extra_info]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Put benchmark.json in its place, whole; pytest-benchmark has written it by now."""
    draft = session.config.getoption("benchmark_json")
    if isinstance(draft, Draft):
        try:
            draft.publish()
        except UsageError as error:
            pytest.exit(str(error), pytest.ExitCode.INTERNAL_ERROR)


def pytest_unconfigure(config: pytest.Config) -> None:
    """After an interruption, say as the last word what is kept and how to go on."""
    if PROGRESS in config.stash and not _finished(config):
        bar, folder = config.stash[PROGRESS], config.stash[SESSION].results
        config.get_terminal_writer().line(
            f"interrupted after {bar.done} of {len(bar.cells)} cells; what finished is kept in "
            f"{folder}. The same command goes on: it trains only what is missing there, and takes "
            f"the timings again, since those of two sessions can't be mixed."
        )
