"""benchmark.json: what is read from it, and the one line on each way it can be wrong."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.cells import read_document, rounds
from analysis.errors import UsageError
from analysis.records import load

Change = Callable[[dict[str, Any]], None]


def setter(value: object, *path: str | int) -> Change:
    """A change that puts a value at a path of the document."""

    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def remover(*path: str | int) -> Change:
    """A change that removes what is at a path of the document."""

    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


CELL = ("benchmarks", 0)
EXTRA = (*CELL, "extra_info")
MACHINE = ("machine_info", "saddle")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (remover("machine_info"), "document.machine_info: missing; expected an object"),
        (remover("benchmarks"), "document.benchmarks: missing; expected a list"),
        (remover(*MACHINE), "not this suite's: machine_info.saddle is missing"),
        (
            setter(2, *MACHINE, "schema"),
            "machine_info.saddle.schema: this version reads 1, found 2",
        ),
        (remover(*MACHINE, "schema"), "machine_info.saddle.schema: missing; expected an integer"),
        (remover(*MACHINE, "cpu"), "machine_info.saddle.cpu: missing; expected text"),
        (
            setter(None, *MACHINE, "cores"),
            "machine_info.saddle.cores: expected a positive integer, found None",
        ),
        (
            setter(["bench/", 3], *MACHINE, "arguments"),
            "machine_info.saddle.arguments: expected a list of text, found a list of 2",
        ),
        (
            setter("killed", *MACHINE, "status"),
            "machine_info.saddle.status: expected one of finished, interrupted, found 'killed'",
        ),
        (setter([], *CELL), "benchmarks[0]: expected an object, found a list of 0"),
        (setter(None, *EXTRA), "benchmarks[0].extra_info: expected an object, found None"),
        (setter(9, *EXTRA, "schema"), "benchmarks[0].extra_info.schema: this version reads 1"),
        (
            setter("lost", *EXTRA, "status"),
            "extra_info.status: expected one of finished, diverged, out_of_memory, unsupported,",
        ),
        (
            setter("convergence", *EXTRA, "kind"),
            "benchmarks[0].extra_info.kind: 'convergence' is not the group, 'throughput'",
        ),
        (
            setter("../../etc/passwd", *EXTRA, "key"),
            "benchmarks[0].extra_info.key: not a file's name: '../../etc/passwd'",
        ),
        (setter(".hidden", *EXTRA, "key"), "benchmarks[0].extra_info.key: not a file's name"),
        (
            setter("64", *EXTRA, "run", "batch_size"),
            "benchmarks[0].extra_info.run.batch_size: expected a positive integer, found '64'",
        ),
        (
            remover(*EXTRA, "run", "loss"),
            "benchmarks[0].extra_info.run.loss: missing; expected text",
        ),
        (
            setter(0, *EXTRA, "steps_per_block"),
            "benchmarks[0].extra_info.steps_per_block: expected a positive integer, found 0",
        ),
        (
            setter(float("nan"), *EXTRA, "flops_per_step"),
            "benchmarks[0].extra_info.flops_per_step: expected a finite number or null, found nan",
        ),
        (
            setter(float("inf"), *EXTRA, "peak_memory_bytes"),
            "extra_info.peak_memory_bytes: expected a finite number or null, found inf",
        ),
        (remover(*CELL, "stats"), "benchmarks[0].stats: missing; expected an object"),
        (
            setter([0.1, float("nan")], *CELL, "stats", "data"),
            "benchmarks[0].stats.data: expected a list of finite numbers, found a list of 2",
        ),
        (
            setter([], *CELL, "stats", "data"),
            "benchmarks[0].stats.data: expected positive seconds of at least one round",
        ),
        (
            setter([0.1, 0.0], *CELL, "stats", "data"),
            "benchmarks[0].stats.data: expected positive seconds of at least one round",
        ),
        (setter("\ud800", *EXTRA, "message"), "not JSON that can be read: 'utf-8' codec"),
        (setter(10**400, *MACHINE, "memory_bytes"), "memory_bytes: expected a positive integer"),
    ],
)
def test_a_wrong_document_is_refused_in_one_line(synthetic: Any, change: Change, line: str) -> None:
    """The line names the file, the field and what is wrong with it."""
    file = synthetic.edit(change)
    with pytest.raises(UsageError) as error:
        read_document(file)
    assert str(error.value).startswith(f"{file}: ")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "empty; the session ended before it wrote its results"),
        (b" \n", "empty; the session ended before it wrote its results"),
        (b'{"benchmarks": [', "not whole JSON: Expecting value at line 1, column 17"),
        (b"\xff\xfe{}", "not UTF-8 text: invalid start byte at byte 0"),
        (gzip.compress(b"{}", mtime=0), "byte 1; it is compressed, by gzip"),
        (b"\xef\xbb\xbf{}", "not whole JSON: Unexpected UTF-8 BOM"),
        (b"[]", "not a benchmark file: expected an object at the top"),
        (b"{}", "document.machine_info: missing; expected an object"),
        (b"[" * 100_000, "not JSON that can be read: maximum recursion depth exceeded"),
        (b"1" * 5000, "not JSON that can be read: Exceeds the limit"),
        (b'{"machine_info": {"cpu": {}}, "benchmarks": []}', "machine_info.saddle is missing"),
    ],
)
def test_a_file_that_is_no_document_is_refused_in_one_line(
    tmp_path: Path, content: bytes, line: str
) -> None:
    """Empty, cut off, not UTF-8, not JSON, nested without end, or another project's."""
    file = tmp_path / "benchmark.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as error:
        read_document(file)
    assert str(error.value).startswith(f"{file}: ")
    assert line in str(error.value)


def test_a_truncated_document_is_refused_wherever_it_is_cut(synthetic: Any) -> None:
    """No part of a document passes for a whole one."""
    file = synthetic.edit(lambda document: document.pop("version"))
    whole = file.read_bytes()
    for size in range(1, len(whole) - 1, len(whole) // 50):
        file.write_bytes(whole[:size])
        with pytest.raises(UsageError, match="not whole JSON"):
            read_document(file)


def test_a_folder_in_place_of_the_document_is_refused(tmp_path: Path) -> None:
    """What cannot be opened is told with the system's reason."""
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_document(tmp_path)


def test_a_cell_that_did_not_finish_needs_no_timings(synthetic: Any) -> None:
    """Out of memory, it has a status and a message, and nothing else is asked of it."""

    def change(document: dict[str, Any]) -> None:
        cell = document["benchmarks"][0]
        cell["extra_info"].update(status="out_of_memory", message="CUDA out of memory")
        del cell["stats"], cell["extra_info"]["flops_per_step"]

    records = load([synthetic.edit(change)])
    cells = records.cells[records.cells["status"] == "out_of_memory"]
    assert cells["message"].tolist() == ["CUDA out of memory"]
    assert set(records.throughput["loss"]) == {"non_saturating"}


def test_a_kind_this_version_does_not_know_is_kept_as_a_cell(synthetic: Any) -> None:
    """Fields and kinds are added without a new schema number; the others are still read."""

    def change(document: dict[str, Any]) -> None:
        cell = document["benchmarks"][0]
        cell["group"] = cell["extra_info"]["kind"] = "numerics"

    records = load([synthetic.edit(change)])
    assert "numerics" in set(records.cells["kind"])


def test_seconds_per_step_are_a_round_over_its_steps(synthetic: Any) -> None:
    """A round of 50 steps in 2 s at batch 64: 0.04 s per step, 1,600 samples per second."""

    def change(document: dict[str, Any]) -> None:
        cell = document["benchmarks"][0]
        cell["stats"]["data"] = [2.0, 4.0]
        cell["extra_info"]["steps_per_block"] = 50
        cell["extra_info"]["run"]["batch_size"] = 64
        cell["extra_info"]["first_call_seconds"] = None

    document = read_document(synthetic.edit(change))
    frame = rounds(document["benchmarks"][0], document["machine_info"]["saddle"])
    assert frame["seconds_per_step"].tolist() == [0.04, 0.08]
    assert frame["images_per_second"].tolist() == [1600.0, 800.0]
    assert frame["round"].tolist() == [0, 1]
    assert frame["first_call_seconds"].isna().all()


def test_a_million_samples_of_a_cell_are_read(synthetic: Any) -> None:
    """The number of rounds has no bound."""
    file = synthetic.edit(setter([1e-3] * 1_000_000, *CELL, "stats", "data"))
    assert len(load([file]).throughput) >= 1_000_000


def test_the_machine_of_a_cell_is_the_gpu_only_where_it_ran_on_one(synthetic: Any) -> None:
    """CPU cells of a session on a GPU machine carry the processor's name."""

    def change(document: dict[str, Any]) -> None:
        document["machine_info"]["saddle"]["gpu"] = "Example GPU"
        document["benchmarks"][0]["extra_info"]["run"]["device"] = "cuda"

    cells = load([synthetic.edit(change)]).cells
    assert cells["machine"].tolist()[0] == "Example GPU"
    assert set(cells["machine"][1:]) == {"Example CPU"}


def test_a_penalty_of_null_is_called_none(synthetic: Any) -> None:
    """Both spellings of no penalty are one."""
    records = load([synthetic.edit(setter(None, *EXTRA, "run", "penalty"))])
    assert set(records.cells["penalty"]) == {"none"}
    assert (
        "penalty"
        in json.loads((synthetic.folder / "edited" / "benchmark.json").read_text())["benchmarks"][
            0
        ]["extra_info"]["run"]
    )
