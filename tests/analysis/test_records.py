"""Whole results folders as tables: every way a path may name one."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import UsageError
from analysis.records import Records, load


def test_a_folder_brings_every_cell_round_record_and_run(records: Records) -> None:
    """2 losses × 2 batch sizes and one compiled; 12 training runs, one ended early; experiments."""
    assert len(records.throughput) == (2 * 2 + 1) * 6
    assert records.cells["kind"].value_counts().to_dict() == {
        "head_start": 16,
        "convergence": 12,
        "batches": 12,
        "throughput": 5,
        "overtrained": 4,
        "counterfactual": 4,
        "dirac": 4,
        "spectrum": 4,
        "gradients": 3,
        "peers": 2,
        "overhead": 4,
        "per_sample": 2,
        "numerics": 2,
        "optimum": 2,
    }
    assert len(records.runs) == 65
    assert len(records.training) == 11 * 7 + 4
    assert len(records.gradients) == 3 * 2 * 17
    assert records.problems == ()


def test_files_read_in_several_processes_are_the_same_tables(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, with the same line on each file that is no run."""
    folder = tmp_path / "results"
    shutil.copytree(results / "runs", folder / "runs")
    for name in ("0", "m", "z"):
        (folder / "runs" / f"{name}.parquet").write_bytes(b"PAR1")
    one = load([folder])
    monkeypatch.setattr("analysis.records.MANY", 1)
    monkeypatch.setattr("analysis.records.BLOCK", 7)
    monkeypatch.setattr("analysis.records.cores", lambda: 2)
    several = load([folder])
    for name, table in vars(one).items():
        if isinstance(table, pd.DataFrame):
            pd.testing.assert_frame_equal(vars(several)[name], table, check_exact=True)
    assert several.problems == one.problems
    assert len(one.problems) == 3


def test_runs_on_the_same_data_share_its_samples(records: Records) -> None:
    """Equal arrays are one, which nothing can change; others are others."""
    runs = records.runs[records.runs["kind"] == "training"]
    for name in ("real_samples", "grid"):
        arrays = [a for a in runs[name] if isinstance(a, np.ndarray)]
        assert len({id(a) for a in arrays}) == len({a.tobytes() for a in arrays}) < len(arrays)
        assert not any(a.flags.writeable for a in arrays)


def test_a_file_brings_the_runs_it_names_and_no_others(synthetic: Any) -> None:
    """Runs of earlier sessions in the same folder are left to those."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2, batch_sizes=(16,))
    synthetic.run(name="results")
    named, every = load([folder / "benchmark.json"]), load([folder])
    assert set(named.runs["data"]) == {"ring"}
    assert set(every.runs["data"]) == {"ring", "gaussian1d"}


def test_a_folder_of_a_killed_session_is_read_by_its_runs(synthetic: Any) -> None:
    """Without a benchmark.json every run's file tells of its cell."""
    folder = synthetic.session(data=("ring",), records=2)
    (folder / "benchmark.json").unlink()
    records = load([folder])
    assert records.machines.empty
    assert records.throughput.empty
    assert records.cells["kind"].value_counts().to_dict() == {"convergence": 4, "gradients": 1}
    assert sorted(records.cells["status"].unique()) == ["diverged", "finished"]


def test_a_damaged_run_among_good_ones_is_a_problem_and_no_error(synthetic: Any) -> None:
    """The line names the file; the others are read."""
    folder = synthetic.session(data=("ring",), records=2)
    damaged = sorted((folder / "runs").glob("*.parquet"))[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    records = load([folder])
    (line,) = records.problems
    assert line.startswith(f"runs/{damaged.name} is left out: damaged or cut off:")
    assert len(records.runs) == 4


def test_a_run_that_is_named_but_not_there_is_a_problem(synthetic: Any) -> None:
    """The cell stays in the table of cells."""
    folder = synthetic.session(data=("ring",), records=2)
    gone = sorted((folder / "runs").glob("convergence*.parquet"))[0]
    gone.unlink()
    records = load([folder / "benchmark.json"])
    assert records.problems == (f"runs/{gone.name} is left out: there is no such file",)
    assert gone.stem in set(records.cells["key"])


def test_a_run_still_being_written_is_not_looked_at(synthetic: Any) -> None:
    """Temporary names and hidden files are no runs."""
    folder = synthetic.session(data=("ring",), records=2)
    (folder / "runs" / "tmpabc.tmp").write_bytes(b"PAR1")
    (folder / "runs" / ".hidden.parquet").write_bytes(b"PAR1")
    assert load([folder]).problems == ()


def test_two_folders_are_one_set_of_tables(synthetic: Any) -> None:
    """Each keeps its machine."""
    one = synthetic.session("one", data=("ring",), seeds=1, records=2)
    two = synthetic.session("two", data=("digits",), seeds=1, machine={"cpu": "Other CPU"})
    records = load([one, two])
    assert records.machines["source"].tolist() == ["one", "two"]
    assert set(records.throughput["machine"]) == {"Example CPU", "Other CPU"}
    assert set(records.training["data"]) == {"ring", "digits"}


def test_a_run_in_two_folders_counts_once(synthetic: Any) -> None:
    """A copy of a seed is no other seed."""
    one = synthetic.session("one", data=("ring",), seeds=1, records=2)
    shutil.copytree(one, synthetic.folder / "two")
    records = load([one, synthetic.folder / "two"])
    assert len(records.runs) == 3
    assert len(records.problems) == 3
    assert records.problems[0].endswith("is in two folders: two's is left out")


@pytest.mark.parametrize("second", ["results", "results/benchmark.json"])
def test_the_same_results_twice_are_refused(synthetic: Any, second: str) -> None:
    """Its rounds would count twice."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2)
    with pytest.raises(UsageError, match=r"the same results as .*; name them once"):
        load([folder, synthetic.folder / second])


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    """No path, a missing one, an empty folder."""
    with pytest.raises(UsageError, match=r"no results given: name a benchmark.json or a results"):
        load([])
    with pytest.raises(UsageError, match="gone: no such file or folder"):
        load([tmp_path / "gone"])
    with pytest.raises(UsageError, match=r"no benchmark\.json and no runs/\*\.parquet in this"):
        load([tmp_path])


def test_a_folder_of_damaged_runs_alone_is_an_error(synthetic: Any) -> None:
    """There is nothing left to report; the line says why."""
    path = synthetic.run()
    path.write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"nothing to report in .*is left out: damaged or cut off"):
        load([path.parent.parent])


def test_a_document_without_cells_is_an_error(synthetic: Any) -> None:
    """A session that ran nothing left nothing to draw."""
    file = synthetic.edit(lambda document: document["benchmarks"].clear())
    with pytest.raises(UsageError, match=r"nothing to report in .*: no cells and no runs"):
        load([file])


def test_an_unreadable_document_is_an_error_even_beside_good_runs(synthetic: Any) -> None:
    """It is the file that the user named."""
    folder = synthetic.session(data=("ring",), seeds=1, records=2)
    (folder / "benchmark.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="not whole JSON"):
        load([folder])


def test_every_other_field_of_a_run_is_a_column(records: Records) -> None:
    """They tell settings apart that share the axes."""
    assert set(records.cells["run.optimiser"]) == {"adam", "sgd"}
    assert records.runs["run.steps"].unique().tolist() == [1000]


def test_the_commit_and_date_of_a_session_are_kept(synthetic: Any) -> None:
    """A document without them, or with something else there, is read all the same."""
    file = synthetic.session(data=("ring",), seeds=1, records=2) / "benchmark.json"
    assert load([file]).machines["commit"].tolist() == ["0123456789abcdef"]
    document = json.loads(file.read_text(encoding="utf-8"))
    document["commit_info"] = "none"
    del document["datetime"]
    file.write_text(json.dumps(document), encoding="utf-8")
    machines = load([file]).machines
    assert machines[["commit", "datetime"]].to_numpy().tolist() == [["", ""]]
