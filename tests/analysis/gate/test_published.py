"""What docs/gate-validation.md says is what its data say."""

from pathlib import Path

from analysis import history
from analysis.gate.lines import lines
from analysis.gate.rates import markdown

ROOT = Path(__file__).parents[3]
FOLDERS = sorted((ROOT / "results" / "reference").glob("*-gate"))


def test_the_pages_tables_are_those_of_the_data() -> None:
    """Of every folder of a machine."""
    page = (ROOT / "docs" / "gate-validation.md").read_text()
    assert FOLDERS
    for folder in FOLDERS:
        assert markdown(lines(folder / "validation.jsonl")) in page


def test_unchanged_runs_are_in_the_history() -> None:
    """Each with all of its cells."""
    for folder in FOLDERS:
        unchanged = [x for x in lines(folder / "validation.jsonl") if x["slowdown"] == 0]
        rows = history.read(folder / "history.jsonl").rows
        assert len(rows) == sum(len(line["cells"]) - 1 for line in unchanged)
